"""Rebuilds: circuits that take the place of a branch, against every choice one by one and optima worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.verify import verify_plan
from optimizer.study import read_study
from optimizer.study.circuits import realised
from tests.plan.tamper import rewrite_hashes
from tests.solve.expansion_cases import cheapest, made, searched, write
from tests.solve.test_expansion import OUTAGES, solved

STUDY = """\
[study]
name = "Two lines"
periods = [2030]
[grid]
source = "grid"
[security]
contingencies = {outages}
[dispatch]
cost = "none"
[economics]
annuitize = false
discount_rate = 0.0
last_period_years = 1
[solve]
gap = 0.0
"""
HEADER = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count,replaces"


def two_lines(folder: Path, load_mw: float, circuits: list[str], outages: str = "[]", more: str = "") -> Path:
    """Generation at a, load at b, and two like lines of 100 MW (120 after an outage) between them."""
    (folder / "grid").mkdir(parents=True, exist_ok=True)
    tables = {
        "buses": f"bus,base_kv,load_mw\na,138,0\nb,138,{load_mw}\n",
        "branches": "branch,from_bus,to_bus,x_pu,rating_mw,length_km\none,a,b,0.1,100,10\ntwo,a,b,0.1,100,10\n",
        "generators": "generator,bus,p_max_mw\nga,a,900\n",
    }
    if circuits:
        tables["circuits"] = "\n".join([HEADER, *circuits]) + "\n"
    for name, text in tables.items():
        (folder / "grid" / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY.format(outages=outages) + more, encoding="utf-8")
    return folder


REBUILD = "rebuild,{ends},{x},200,5,1,one"
BESIDE = "beside,a,b,0.1,100,8,1,"


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("load_mw", "x_pu", "ends", "built", "cost_musd"),
    [
        # At half the reactance the rebuilt line takes two thirds: 160 of 240 MW, and 80 on the line beside it.
        (240, 0.05, "a,b", {"rebuild"}, 5),
        # The same written from its other end.
        (240, 0.05, "b,a", {"rebuild"}, 5),
        # At the old reactance each takes half: 120 MW is too much for line two. Three circuits take 80 each.
        (240, 0.1, "a,b", {"beside"}, 8),
        # 206.7 MW are too much for the rebuilt line, 103.3 for each of three: of both 155, 77.5 and 77.5.
        (310, 0.05, "a,b", {"rebuild", "beside"}, 13),
    ],
)
def test_a_rebuilt_line_takes_the_place_of_the_old_one(
    load_mw: float, x_pu: float, ends: str, built: set[str], cost_musd: float, tmp_path: Path
) -> None:
    offered = [REBUILD.format(ends=ends, x=x_pu), BESIDE]
    plan = solved(two_lines(tmp_path / "study", load_mw, offered), tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(cost_musd, abs=1e-6)
    assert set(plan.table("circuits")["circuit"]) == built
    flow = plan.table("flows").set_index("branch")["flow_mw"].abs()
    if "rebuild" in built:
        assert "one" not in flow.index
        assert flow["rebuild"] == pytest.approx({240: 160, 310: 155}[int(load_mw)])
        assert set(plan.table("circuits")["replaces"]) == {"one", *([""] if "beside" in built else [])}
    else:
        assert flow["one"] == pytest.approx(80)


@pytest.mark.slow
def test_outages_are_those_of_what_stands(tmp_path: Path) -> None:
    """150 MW are too much for either line alone. One line rebuilt does not help when it is out itself; both do.

    Each of the two carries up to 240 MW after the other's outage. The circuit beside them costs 12 M$, rebuilds 10.
    """
    offered = ["r1,a,b,0.05,200,5,1,one", "r2,b,a,0.05,200,5,1,two", "beside,a,b,0.1,100,12,1,"]
    plan = solved(two_lines(tmp_path / "study", 150, offered, '["branch"]'), tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(10, abs=1e-6)
    assert set(plan.table("circuits")["circuit"]) == {"r1", "r2"}
    assert plan.summary["n_contingencies_checked"] == 2
    assert set(plan.table("flows")["branch"]) == {"r1", "r2"}


def test_a_rebuild_stands_in_its_lines_place_in_listed_outages(tmp_path: Path) -> None:
    """Lines one and two out together leave the line beside them: 100 MW on it, and 140 are too much for its 120.

    Rebuilding line one does not help, for the rebuilt line is out then: line three must be rebuilt.
    """
    offered = ["r1,a,b,0.1,300,1,1,one", "r3,a,b,0.1,200,5,1,three"]
    study = two_lines(tmp_path / "study", 140, offered, '["list"]')
    lines = study / "grid" / "branches.csv"
    lines.write_text(lines.read_text(encoding="utf-8") + "three,a,b,0.1,100,10\n", encoding="utf-8")
    listed = "contingency,element\nboth,one\nboth,two\n"
    (study / "grid" / "contingencies.csv").write_text(listed, encoding="utf-8")
    plan = solved(study, tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(5, abs=1e-6)
    case = read_study(study).case
    both = realised(case, {"r1": 1}, 2030).joint.outages[0].elements.branches
    assert [realised(case, {"r1": 1}, 2030).branches.index[k] for k in both] == ["r1", "two"]


@pytest.mark.every(4)
@pytest.mark.parametrize("seed", range(12))
def test_no_choice_of_rebuilds_is_cheaper_or_as_cheap_and_missed(seed: int, tmp_path: Path) -> None:
    case = read_study(write(tmp_path, made(seed, rebuilds=True), OUTAGES[seed % 3])).case
    assert any(case.circuits["replaces"])
    assert searched(case) == pytest.approx(cheapest(case), rel=1e-6)


def test_a_plan_that_keeps_the_old_line_is_found_out(tmp_path: Path) -> None:
    """Stating another circuit in the rebuild's place makes flows, limits and the network's branches wrong."""
    offered = [REBUILD.format(ends="a,b", x=0.05), "other,a,b,0.05,200,5,1,"]
    solved(two_lines(tmp_path / "study", 240, offered), tmp_path / "plan")
    table = tmp_path / "plan" / "tables" / "circuits.csv"
    text = table.read_text(encoding="utf-8")
    chosen = "rebuild" if "rebuild" in text else "other"
    changed = text.replace(chosen, "other" if chosen == "rebuild" else "rebuild")
    table.write_text(changed, encoding="utf-8")
    rewrite_hashes(tmp_path / "plan")
    rules = {f.rule for f in verify_plan(tmp_path / "plan") if f.severity == "error"}
    assert "plan.recomputed" in rules


@pytest.mark.slow
def test_two_rebuilds_of_one_line_are_found_out(tmp_path: Path) -> None:
    offered = ["r1,a,b,0.05,200,5,1,one", "r2,a,b,0.05,250,6,1,one"]
    solved(two_lines(tmp_path / "study", 240, offered), tmp_path / "plan")
    table = tmp_path / "plan" / "tables" / "circuits.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    table.write_text("\n".join([*lines, lines[1].replace("r1", "r2")]) + "\n", encoding="utf-8")
    rewrite_hashes(tmp_path / "plan")
    rules = {f.rule for f in verify_plan(tmp_path / "plan") if f.severity == "error"}
    assert "plan.circuit.replaced_once" in rules


PRICES = """[expansion]
branches = {branches}
offer = {offer}
line_cost_musd_per_km = {line}
rebuild_cost_musd_per_km = {rebuild}
rebuild_rating_factor = 2
rebuild_reactance_factor = 0.5
"""


def cost_of(folder: Path, load_mw: float, **keys: object) -> float:
    """Cost of the plan with circuits that the study offers itself, for line one unless said."""
    given = {"branches": '["one"]', "offer": '["line", "rebuild"]', "line": 0.8, "rebuild": 0.5} | keys
    plan = solved(two_lines(folder / "study", load_mw, [], more=PRICES.format(**given)), folder / "plan")
    return float(plan.summary["objective_musd"])


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("load_mw", "keys", "cost_musd"),
    [
        # The same as by the tables above: 10 km at 0.5 M$ a km for the rebuild, 0.8 for a line beside.
        (240, {}, 5),
        (310, {}, 13),
        (240, {"offer": '["line"]'}, 8),
        # Both lines offered: 310 MW on two rebuilt lines are 155 each of 200.
        (310, {"branches": '["one", "two"]'}, 10),
        # Nothing is needed for 180 MW, and prices that are too high change nothing.
        (180, {"line": 800, "rebuild": 500}, 0),
    ],
)
def test_rebuilds_that_the_study_offers(
    load_mw: float, keys: dict[str, object], cost_musd: float, tmp_path: Path
) -> None:
    assert cost_of(tmp_path, load_mw, **keys) == pytest.approx(cost_musd, abs=1e-6)


@pytest.mark.slow
def test_a_rebuild_too_dear_changes_nothing(tmp_path: Path) -> None:
    assert cost_of(tmp_path, 240, rebuild=500) == pytest.approx(cost_of(tmp_path, 240, offer='["line"]'), abs=1e-6)


def test_a_transformer_beside_one_that_is_too_small(tmp_path: Path) -> None:
    """180 MW through a transformer of 100 MVA: a second one like it takes half, for 100 x 20,000 $."""
    more = '[expansion]\nbranches = ["one"]\noffer = ["transformer"]\ntransformer_cost_usd_per_mva = 20000\n'
    study = two_lines(tmp_path / "study", 180, [], more=more)
    (study / "grid" / "buses.csv").write_text("bus,base_kv,load_mw\na,345,0\nb,138,180\n", encoding="utf-8")
    branches = "branch,from_bus,to_bus,x_pu,rating_mw,kind,tap\none,a,b,0.1,100,transformer,1.02\n"
    (study / "grid" / "branches.csv").write_text(branches, encoding="utf-8")
    plan = solved(study, tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(2, abs=1e-6)
    built = plan.table("circuits").iloc[0]
    assert (built["circuit"], built["kind"]) == ("beside one", "transformer")
    assert plan.table("flows")["flow_mw"].tolist() == pytest.approx([90, 90])


def extendable(folder: Path, load_mw: float, most_mw: str = "", more: str = "") -> Path:
    """Line one may be extended at 50,000 $ a year for each MW: a circuit like it is 5 M$ a year."""
    study = two_lines(folder, load_mw, [], more=f"[expansion]\nfrom_case = true\n{more}")
    lines = "branch,from_bus,to_bus,x_pu,rating_mw,extension_usd_per_mw_year,extension_max_mw\n"
    lines += f"one,a,b,0.1,100,50000,{most_mw}\ntwo,a,b,0.1,100,,\n"
    (study / "grid" / "branches.csv").write_text(lines, encoding="utf-8")
    return study


def test_circuits_at_the_yearly_cost_of_the_case(tmp_path: Path) -> None:
    """Three circuits carry 80 of 240 MW each. The third costs 5 M$ a year: for ten years 50, as 50 M$ once."""
    once = solved(extendable(tmp_path / "once", 240), tmp_path / "plan")
    assert once.summary["objective_musd"] == pytest.approx(5, abs=1e-6)
    study = extendable(tmp_path / "yearly", 240)
    text = (study / "study.toml").read_text(encoding="utf-8")
    text = text.replace("annuitize = false\n", "life_years = 10\n").replace("years = 1\n", "years = 10\n")
    (study / "study.toml").write_text(text, encoding="utf-8")
    yearly = solved(study, tmp_path / "plan2")
    assert yearly.summary["objective_musd"] == pytest.approx(50, abs=1e-6)
    built = yearly.table("circuits").iloc[0]
    assert (built["circuit"], built["annuity_musd"], built["cost_musd"]) == ("beside one", 5, 50)


def test_a_case_limits_how_far_a_branch_may_be_extended(tmp_path: Path) -> None:
    """380 MW take two more circuits of 95 MW each: 300 MW in place of line one's 100 allow them, 250 do not."""
    study = extendable(tmp_path / "study", 380, "300", "most_circuits = 5\n")
    assert read_study(study).circuits["max_count"].tolist() == [2]
    assert solved(study, tmp_path / "plan").summary["objective_musd"] == pytest.approx(10, abs=1e-6)
    fewer = read_study(extendable(tmp_path / "fewer", 380, "250", "most_circuits = 5\n"))
    assert fewer.circuits["max_count"].tolist() == [1]
    none = read_study(extendable(tmp_path / "none", 180, "150"))
    assert none.circuits.empty
    assert "study.expansion.not_offered" in {f.rule for f in none.findings}
