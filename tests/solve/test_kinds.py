"""Outages beyond single branches, from study to checked plan: small networks whose best plan is worked out on paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.errors import InputError
from tests.solve.small import MUSD_PER_USD_PER_H, STAR, built, checked_plan, study_of

GRID = '[grid]\nsource = "grid"\n'
SITES = '[sites]\ntable = "sites.csv"\n'


def asking(*kinds: str) -> str:
    """The table of a study that asks for some outages."""
    return f"[security]\ncontingencies = {json.dumps(kinds)}\n"


def demand(it_mw: float) -> str:
    return f"[demand]\nit_mw = {{ 2030 = {it_mw} }}\n"


SUPPORTED = {
    "grid/buses": "bus,base_kv\na,138\nb,138\nc,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "ab,a,b,0.1,100,100\nac,a,c,0.1,200,200\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng1,a,900,10\ng2,a,900,10\ngb,b,100,10\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,150,1,1\nsc,c,150,1,2\n",
}


@pytest.mark.slow
@pytest.mark.parametrize(("kinds", "site"), [((), "sb"), (("generator",), "sc")])
def test_a_generator_that_supports_a_campus(tmp_path: Path, kinds: tuple[str, ...], site: str) -> None:
    """150 MW fit at b only with 50 MW or more of the generator there; without it 150 MW come over a line of 100.

    At c they take a line of 200 MW for 1 M$ a year more. Energy costs 1,500 $/h either way.
    """
    plan = checked_plan(study_of(tmp_path, GRID + SITES + demand(150) + asking(*kinds), SUPPORTED), written=True)
    assert built(plan) == [site]
    cost = 1500 * MUSD_PER_USD_PER_H + (1 if site == "sb" else 2)
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)
    assert plan.summary["n_contingencies_checked"] == 3 * len(kinds)
    assert set(plan.table("contingencies")["contingency"]) <= {"generator g1", "generator g2", "generator gb"}


def test_generator_outages_have_prices(tmp_path: Path) -> None:
    """200 MW at b, over a line of 100 MW (120 after an outage) from ga (10 $/MWh), or from gb (30) and gc (40) there.

    All have 400 MW. Without gb its output B comes half from ga: A + B / 2 <= 120, and A + C / 2 <= 120 without gc.
    Each MW of ga lets B fall by 2 and C rise by 1, a saving of 10 $, until C = B: A = 280 / 3, B = C = 160 / 3.
    At an energy price v at b, gb is paid v - m_b / 2 = 30, gc v - m_c / 2 = 40 and ga v - m_b - m_c = 10: v = 130 / 3,
    m_b = 80 / 3, m_c = 20 / 3 $/MWh.
    """
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,200\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\nab,a,b,0.1,100,120\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,400,10\ngb,b,400,30\ngc,b,400,40\n",
    }
    plan = checked_plan(study_of(tmp_path, GRID + asking("generator"), tables))
    output = plan.table("dispatch").set_index("generator")["output_mw"]
    assert output.to_dict() == pytest.approx({"ga": 280 / 3, "gb": 160 / 3, "gc": 160 / 3}, abs=1e-3)
    binding = plan.table("binding").set_index("contingency")
    assert binding["element"].to_dict() == {"generator gb": "ab", "generator gc": "ab"}
    prices = {"generator gb": 80 / 3, "generator gc": 20 / 3}
    assert binding["price_usd_per_unit"].to_dict() == pytest.approx(prices, abs=1e-3)
    assert binding["value"].tolist() == pytest.approx([120, 120], abs=1e-3)


CORRIDOR = {
    "grid/buses": "bus,base_kv\na,138\nb,138\nc,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "b1,a,b,0.1,100,100\nb2,a,b,0.1,100,100\nac,a,c,0.1,200,200\ncb,c,b,0.1,100,100\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,150,1,1\nsc,c,150,1,2\n",
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("double_circuit", "double b1+b2"), ("list", "tower"), ("file", "tower")])
def test_two_circuits_out_together(tmp_path: Path, kind: str, name: str) -> None:
    """At b, 150 MW come over two circuits and around over c; without both circuits all of it takes cb, 100 MW.

    At c, without both, ac carries all 150 of 200 MW.
    """
    lists = {"list": "grid/contingencies", "file": "lists/tower"}
    tables = {**CORRIDOR}
    if kind in lists:
        tables[lists[kind]] = "contingency,element\ntower,b1\ntower,b2\n"
    word = "lists/tower.csv" if kind == "file" else kind
    text = GRID + SITES + demand(150)
    assert built(checked_plan(study_of(tmp_path, text + asking(), tables))) == ["sb"]
    plan = checked_plan(study_of(tmp_path, text + asking(word), tables), written=kind == "file")
    assert built(plan) == ["sc"]
    assert plan.summary["n_contingencies_checked"] == 1
    assert plan.summary["objective_musd"] == pytest.approx(1500 * MUSD_PER_USD_PER_H + 2, rel=1e-6)
    after = plan.table("contingencies").set_index(["contingency", "branch"])["flow_mw"]
    assert after[name, "ac"] == pytest.approx(150, abs=1e-3)


EXPORT = {
    "grid/buses": "bus,base_kv,load_mw\na,138,500\nb,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\nab,a,b,0.1,100,100\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,900,10\ngb,b,250,0\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsa,a,150,1,1\nsb,b,150,1,6\n",
}


@pytest.mark.slow
@pytest.mark.parametrize(("kinds", "site"), [((), "sb"), (("campus",), "sa")])
def test_a_campus_that_holds_back_an_export(tmp_path: Path, kinds: tuple[str, ...], site: str) -> None:
    """500 MW at a; gb at b is free, but a line of 100 MW takes it there; ga costs 10 $/MWh. A campus of 150 MW.

    At b it uses 150 MW of gb's 250: ga gives 400, and the site costs 5 M$ a year more than one at a, with which gb
    gives 100 and ga 550. If the campus at b is lost, gb gives up 250 / 1150 of its 150 MW and the rest flows to a:
    gb - 750 / 23 <= 100, so ga must give 550 - 750 / 23 MW: 326 $/h less than with the campus at a, 2.9 M$ a year.
    """
    plan = checked_plan(study_of(tmp_path, GRID + SITES + demand(150) + asking(*kinds), EXPORT), written=True)
    assert built(plan) == [site]
    cost = 4000 * MUSD_PER_USD_PER_H + 6 if site == "sb" else 5500 * MUSD_PER_USD_PER_H + 1
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)
    assert plan.summary["n_contingencies_checked"] == len(kinds)  # the campus that is built
    notes = [f for f in plan.findings if f.rule == "plan.largest_loss"]
    assert [(f.where, f.value) for f in notes] == ([("campus sa", pytest.approx(150))] if kinds else [])


def test_the_outage_of_a_campus_has_a_price(tmp_path: Path) -> None:
    """The site at b alone: gb gives 100 + 750 / 23 MW; a MW more of the line lets it give one more, for 10 $ of ga."""
    sites = "site,bus,block_mw,max_blocks\nsb,b,150,1\n"
    study = study_of(tmp_path, GRID + SITES + demand(150) + asking("campus"), {**EXPORT, "sites": sites})
    plan = checked_plan(study)
    output = plan.table("dispatch").set_index("generator")["output_mw"]
    assert output["gb"] == pytest.approx(100 + 750 / 23, abs=1e-3)
    (limit,) = plan.table("binding").to_dict("records")
    assert (limit["element"], limit["contingency"]) == ("ab", "campus sb")
    assert (limit["value"], limit["price_usd_per_unit"]) == pytest.approx((-100, 10), abs=1e-3)
    (note,) = (f for f in plan.findings if f.rule == "plan.largest_loss")
    assert (note.where, note.value) == ("campus sb", pytest.approx(150))


def test_a_generator_outage_that_overloads_before_any_load(tmp_path: Path) -> None:
    """150 MW at b, 100 from a and 50 from there; without gb all of it comes over the line: 50 MW too much, or refused.

    gb could give more, but then its loss takes more: always 150 MW are left to ga. A campus of 20 MW at a: without it
    each gives 10 MW less, so gb, at 20 $/MWh, must give 60 for the line to carry 100 then. Of that no overload was
    there before.
    """
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,150\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\nab,a,b,0.1,100,100\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,900,10\ngb,b,900,20\n",
        "sites": "site,bus,block_mw,max_blocks\nsa,a,20,1\n",
    }
    text = GRID + SITES + demand(20) + asking("generator", "campus")
    with pytest.raises(InputError, match=r"branch ab after outage generator gb: overloaded .* 50.000 MW above"):
        checked_plan(study_of(tmp_path, text, tables))
    plan = checked_plan(study_of(tmp_path, text + 'base_overloads = "allow"\n', tables))
    (row,) = plan.table("base_overloads").to_dict("records")
    assert (row["branch"], row["contingency"], row["overload_mw"]) == (
        "ab",
        "generator gb",
        pytest.approx(50, abs=1e-3),
    )
    output = plan.table("dispatch").set_index("generator")["output_mw"]
    assert output.to_dict() == pytest.approx({"ga": 110, "gb": 60}, abs=1e-3)


@pytest.mark.parametrize(("splitting", "refused"), [("secure", {"sb": "point_cut_off"}), ("skip", {})])
def test_no_firm_load_behind_a_set_that_cuts_it_off(tmp_path: Path, splitting: str, refused: dict[str, str]) -> None:
    tables = {**STAR, "grid/contingencies": "contingency,element\ntower,b1\ntower,b2\n"}
    study = study_of(tmp_path, GRID + SITES + demand(150) + asking("list"), tables)
    study = study.override({"security.splitting": splitting})
    assert study.candidates.refused.set_index("place")["rule"].to_dict() == refused
    assert study.case.outage_names == (("tower",) if splitting == "secure" else ())


@pytest.mark.slow
def test_a_scenario_may_build_where_the_plan_may_not(tmp_path: Path) -> None:
    """Both circuits to b out together cut it off, so the plan has no candidate there; the scenario builds there."""
    tables = {**STAR, "grid/contingencies": "contingency,element\ntower,b1\ntower,b2\n"}
    text = GRID + SITES + demand(150) + asking("list") + '[report]\ncompare = ["bold"]\n'
    plan = checked_plan(
        study_of(tmp_path, text + "[scenario.bold.security]\ncontingencies = []\n", tables), written=True
    )
    assert (built(plan), built(plan.scenarios["bold"])) == (["sc"], ["sb"])
    assert plan.table("comparison_limits").empty


BAD = {
    "unknown": ("k,nothing", "security.contingency.unknown", "'nothing'"),
    "candidate circuit": ("k,new", "security.contingency.unsupported", "'new'"),
    "two meanings": ("k,g", "security.contingency.ambiguous", "'g'"),
    "name of a branch": ("b1,b2", "security.contingency.name", "'b1'"),
    "reserved name": ("generator x,b2", "security.contingency.name", "'generator x'"),
    "no row": ("", "security.contingency.none", ""),
    "twice": ("k,b1\nk,b1", "table.id.duplicate", "'k', 'b1'"),
    "no element": ("k,", "table.value.missing", ""),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_bad_lists_are_refused(tmp_path: Path, case: str) -> None:
    rows, rule, found = BAD[case]
    tables = {
        **STAR,
        "grid/branches": STAR["grid/branches"] + "g,a,b,0.1,100,100\n",
        "grid/circuits": "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd\nnew,a,b,0.1,100,1\n",
        "mine": f"contingency,element\n{rows}\n",
    }
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, GRID + SITES + demand(150) + asking("branch", "mine.csv"), tables)
    (finding,) = (f for f in refused.value.findings if f.severity == "error")
    assert (finding.rule, finding.found) == (rule, found)
    assert finding.where.startswith("mine.csv")


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mine.csv: the file does not exist"):
        study_of(tmp_path, GRID + SITES + demand(150) + asking("mine.csv"), STAR)
    with pytest.raises(InputError, match=r"contingencies: the list holds no outage"):
        study_of(tmp_path / "other", GRID + SITES + demand(150) + asking("list"), STAR)


def test_elements_out_of_service_are_left_out_and_named(tmp_path: Path) -> None:
    branches = STAR["grid/branches"].replace("emergency_mw\n", "emergency_mw,in_service\n")
    lines = [f"{line},{0 if line.startswith('c3') else 1}" for line in branches.splitlines()[1:]]
    tables = {
        **STAR,
        "grid/branches": "\n".join([branches.splitlines()[0], *lines, ""]),
        "grid/contingencies": "contingency,element\npart,c3\npart,c1\nnothing,c3\n",
    }
    study = study_of(tmp_path, GRID + SITES + demand(150) + asking("list"), tables)
    assert study.case.outage_names == ("part",)
    (part,) = study.case.joint.outages
    assert [str(study.case.branches.index[k]) for k in part.elements.branches] == ["c1"]
    rules = [(f.rule.rpartition(".")[2], f.where) for f in study.findings if f.rule.startswith("security")]
    at = "contingencies, contingency "
    assert rules == [
        ("out_of_service", f"{at}part"),
        ("out_of_service", f"{at}nothing"),
        ("empty", f"{at}nothing"),
    ]


def test_a_list_that_is_not_asked_for_is_said(tmp_path: Path) -> None:
    tables = {**STAR, "grid/contingencies": "contingency,element\ntower,b1\ntower,b2\n"}
    study = study_of(tmp_path, GRID + SITES + demand(150) + asking("branch"), tables)
    (finding,) = (f for f in study.findings if f.rule == "study.grid.contingencies")
    assert (finding.severity, finding.found) == ("warning", "2 rows")
    assert '"list"' in finding.remedy


def test_the_only_generator_of_an_island_is_named(tmp_path: Path) -> None:
    study = study_of(tmp_path, GRID + SITES + demand(150) + asking("generator"), STAR)
    (finding,) = (f for f in study.findings if f.rule == "security.contingency.alone")
    assert (finding.where, finding.severity) == ("generator g", "warning")
