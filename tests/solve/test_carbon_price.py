"""The price of carbon charges every tonne that campuses emit: of the grid, of supply on site, beside them, of backup.

A campus of 100 MW runs through the year, 876,000 MWh: grid power costs 50 $/MWh and emits 0.4 t/MWh, the block 1 M$.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import verify_plan
from tests.solve.service_cases import LINE, service
from tests.solve.service_cases import STUDY as CURTAILED
from tests.solve.small import HEAD, checked_plan, study_of
from tests.solve.test_supply import GRID, STUDY

MWH = 876_000
TABLE = "technology,cost_musd_per_mw,fuel_usd_per_mwh,emission_t_per_mwh,lead_months,life_years\n"


def priced(usd_per_t: float) -> str:
    """The head of a study with a price of carbon."""
    return HEAD + f"carbon_price_usd_per_t = {usd_per_t}\n"


def supplied(folder: Path, usd_per_t: float, **technologies: tuple[float, float]) -> Plan:
    """The plan with technologies on offer, each by its cost [$/MWh] and emissions [t/MWh]; capacity is free."""
    table = TABLE + "".join(f"{name},0,{cost},{rate},0,30\n" for name, (cost, rate) in technologies.items())
    names = ", ".join(f'"{name}"' for name in technologies)
    more = f'[supply]\ntable = "supply.csv"\ntechnologies = [{names}]\n'
    return checked_plan(study_of(folder, STUDY + more, GRID | {"supply": table}, priced(usd_per_t)))


def carbon(plan: Plan) -> tuple[float, float]:
    """Emissions of the year [t], and what they cost [M$]."""
    return plan.summary["objectives"]["carbon_t"], plan.summary["costs_musd"].get("carbon", 0.0)


@pytest.mark.every(2)
@pytest.mark.parametrize(("usd_per_t", "clean"), [(49, False), (51, True)])
def test_clean_supply_wins_above_the_price_at_which_it_pays(tmp_path: Path, usd_per_t: int, clean: bool) -> None:
    """Clean power at 70 $/MWh is 20 dearer and saves 0.4 t: it pays from 50 $/t on."""
    plan = supplied(tmp_path, usd_per_t, clean=(70, 0))
    emitted = 0.0 if clean else 0.4 * MWH
    assert carbon(plan) == pytest.approx((emitted, emitted * usd_per_t / 1e6), abs=1e-4)
    energy = (70 if clean else 50) * MWH / 1e6
    assert plan.summary["objective_musd"] == pytest.approx(1 + energy + emitted * usd_per_t / 1e6, rel=1e-6)


@pytest.mark.every(2)
@pytest.mark.parametrize(("usd_per_t", "dirty"), [(199, True), (201, False)])
def test_dirty_supply_pays_for_its_own_emissions(tmp_path: Path, usd_per_t: int, dirty: bool) -> None:
    """An engine at 30 $/MWh saves 20 and adds 0.1 t to the grid's 0.4: it pays up to 200 $/t."""
    plan = supplied(tmp_path, usd_per_t, motor=(30, 0.5))
    emitted = (0.5 if dirty else 0.4) * MWH
    assert carbon(plan) == pytest.approx((emitted, emitted * usd_per_t / 1e6), rel=1e-6)
    energy = (30 if dirty else 50) * MWH / 1e6
    assert plan.summary["objective_musd"] == pytest.approx(1 + energy + emitted * usd_per_t / 1e6, rel=1e-6)


@pytest.mark.every(2)
@pytest.mark.parametrize("rate", [0.1, 0.7])
def test_a_plant_beside_the_campus_is_charged_for_what_it_emits(tmp_path: Path, rate: float) -> None:
    """Power behind the meter costs what it costs the grid; it is taken where it emits less than the grid's 0.4."""
    tables = GRID | {
        "grid/generators": f"generator,bus,p_max_mw,cost_usd_per_mwh,carbon_t_per_mwh\ng,b,400,50,{rate}\n",
        "sites": GRID["sites"].replace("_per_mwh\n", "_per_mwh,colocated_generator\n").replace(",0.4\n", ",0.4,g\n"),
    }
    plan = checked_plan(study_of(tmp_path, STUDY + "[supply]\n", tables, priced(100)))
    emitted = min(rate, 0.4) * MWH
    assert carbon(plan) == pytest.approx((emitted, emitted * 100 / 1e6), rel=1e-6)
    assert plan.table("colocation")["direct_mw"].tolist() == pytest.approx([100.0 if rate < 0.4 else 0.0], abs=1e-4)


BACKUP = service(curtailable_share=0.01, curtailment_usd_per_mwh=2000)
BACKUP += "[service.backup]\nhours_per_year = 200\nfuel_usd_per_mwh = 100\ncarbon_t_per_mwh = 1.0\n"


@pytest.mark.every(2)
@pytest.mark.parametrize(("usd_per_t", "runs"), [(1899, True), (1901, False)])
def test_backup_is_charged(tmp_path: Path, usd_per_t: int, runs: bool) -> None:
    """In 100 hours 10 of 50 MW do not fit: 1,000 MWh are lost at 2,000 $, or served at 100 $ and a tonne each.

    Nothing is known of the grid's emissions, and the price is accepted: backup's are.
    """
    plan = checked_plan(study_of(tmp_path, CURTAILED + BACKUP, LINE, priced(usd_per_t)))
    assert plan.table("service_years")["backup_mwh"].sum() == pytest.approx(1000 if runs else 0, abs=1e-3)
    emitted = 1000.0 if runs else 0.0
    assert carbon(plan) == pytest.approx((emitted, emitted * usd_per_t / 1e6), abs=1e-4)
    assert plan.summary["costs_musd"]["service"] == pytest.approx(0.1 if runs else 2.0, rel=1e-6)


@pytest.mark.slow
def test_a_higher_price_never_raises_emissions_or_lowers_the_cost(tmp_path: Path) -> None:
    """And the cost, least of plans whose cost is a straight line in the price, never rises faster at a higher one."""
    prices, emitted, costs = (0, 40, 80, 150, 250, 400), [], []
    for usd_per_t in prices:
        plan = supplied(tmp_path / str(usd_per_t), usd_per_t, dirty=(30, 0.5), cleaner=(62, 0.2), clean=(95, 0))
        emitted.append(carbon(plan)[0])
        costs.append(plan.summary["objective_musd"])
    # From dirty to cleaner at 32 / 0.3 = 106.7 $/t, from that to clean at 33 / 0.2 = 165 $/t.
    assert emitted == pytest.approx([0.5 * MWH] * 3 + [0.2 * MWH] + [0.0] * 2, abs=1e-3)
    assert emitted == sorted(emitted, reverse=True)
    assert costs == sorted(costs)
    steps = list(zip(prices[1:], prices[:-1], costs[1:], costs[:-1], strict=True))
    slopes = [(after - before) / (high - low) for high, low, after, before in steps]
    assert all(later <= sooner + 1e-6 for sooner, later in pairwise(slopes))


@pytest.mark.slow
def test_a_price_of_zero_is_none(tmp_path: Path) -> None:
    """The plan is the same in every figure, and no account of carbon stands in it."""
    table = TABLE + "motor,0,30,0.5,0,30\n"
    more = '[supply]\ntable = "supply.csv"\ntechnologies = ["motor"]\n'
    plans = [
        checked_plan(study_of(tmp_path / name, STUDY + more, GRID | {"supply": table}, head))
        for name, head in (("off", HEAD), ("zero", priced(0)))
    ]
    off, zero = plans
    assert "carbon" not in zero.summary["costs_musd"]
    assert off.summary["objective_musd"] == zero.summary["objective_musd"]
    assert off.tables.keys() == zero.tables.keys()
    assert all(off.table(name).equals(zero.table(name)) for name in off.tables)


@pytest.mark.slow
def test_a_plan_that_leaves_out_the_charge_of_its_supply_is_found(tmp_path: Path) -> None:
    """The engine emits 438,000 t at 100 $/t: an account of 0 for it is wrong, whatever the totals say."""
    more = '[supply]\ntable = "supply.csv"\ntechnologies = ["motor"]\n'
    tables = GRID | {"supply": TABLE + "motor,0,30,0.5,0,30\n"}
    tables["sites"] = tables["sites"].replace(",0.4\n", ",0\n")
    study = study_of(tmp_path, STUDY + more, tables, priced(20))
    folder = write_plan(checked_plan(study), tmp_path / "out")
    costs = (folder / "tables" / "costs.csv").read_text(encoding="utf-8")
    (line,) = [row for row in costs.splitlines() if row.startswith("carbon,")]
    assert float(line.split(",")[2]) == pytest.approx(0.5 * MWH * 20 / 1e6, rel=1e-6)
    (folder / "tables" / "costs.csv").write_text(costs.replace(line, "carbon,2030,0"), encoding="utf-8")
    assert any("costs.csv" in str(f) for f in verify_plan(folder))


@pytest.mark.every(2)
@pytest.mark.parametrize(("more", "refused"), [("", True), ('technologies = ["motor"]\n', False)])
@pytest.mark.parametrize("name", ["carbon", "water"])
def test_what_supply_emits_and_draws_is_known_without_a_region(
    tmp_path: Path, name: str, more: str, refused: bool
) -> None:
    """Grid power of unknown emissions leaves nothing to minimize; an engine's own are counted, and none is built."""
    tables = GRID | {"supply": TABLE.replace("\n", ",water_m3_per_mwh\n") + "motor,0,30,0.5,0,30,1\n"}
    tables["sites"] = "site,bus,block_mw,max_blocks,basin\ns,b,100,1,River\n"
    text = STUDY + f'[supply]\ntable = "supply.csv"\n{more}'
    head = HEAD.replace("periods", f'objective = "{name}"\nperiods')
    if refused:
        with pytest.raises(InputError) as found:
            study_of(tmp_path, text, tables, head)
        assert "study.objective.no_region" in {f.rule for f in found.value.findings}
        return
    plan = checked_plan(study_of(tmp_path, text, tables, head))
    assert plan.summary["objective_value"] == pytest.approx(0.0, abs=1e-6)
