"""What binds of carbon-free supply, permits and basins, with prices that are worked out by hand.

Every plan is checked, so that its rows are also those of the independent recomputation.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import verify_plan
from tests.solve import service_cases
from tests.solve.test_service import BACKUP
from tests.solve.test_supply import DAY, ENGINE, STORE, STUDY, engine, solved

SOLAR = '[supply]\ntechnologies = ["solar"]\ntable = "supply.csv"\navailability = "availability.csv"\n'
DEAR_SUN = STORE.replace("solar,0.01", "solar,9")
BY_DAY = STUDY.replace('source = "grid"\n', f'source = "grid"\n{DAY}')


def binding(plan: Plan, limit: str) -> list[dict[str, Any]]:
    rows = plan.table("binding")
    return list(rows[rows["limit"] == limit].fillna({"snapshot": "", "element": ""}).to_dict("records"))


def sunny(folder: Path, night: float, limits: str) -> Plan:
    """100 MW of campus; solar at 9 M$ a MW gives half of its capacity by day, and some by night."""
    availability = f"technology,snapshot,availability\nsolar,night,{night}\nsolar,day,0.5\n"
    return solved(folder, SOLAR + limits, text=BY_DAY, supply=DEAR_SUN, availability=availability)


def test_carbon_free_energy_is_worth_its_solar_less_the_grid(tmp_path: Path) -> None:
    """A tenth of 876,000 MWh. A MW gives 2,190 MWh for 9 M$, and each saves 50 $."""
    (row,) = binding(sunny(tmp_path, 0.0, "[limits]\ncarbon_free_share = { 2030 = 0.1 }\n"), "carbon-free energy")
    assert (row["value"], row["bound"], row["unit"]) == (pytest.approx(87_600), pytest.approx(87_600), "MWh")
    assert row["price_usd_per_unit"] == pytest.approx(9e6 / 2190 - 50, rel=1e-5)


def test_carbon_free_power_binds_in_the_hour_that_has_least(tmp_path: Path) -> None:
    """10 MW by night take 40 MW of solar, which give 20 by day.

    A MW more by night is 4 MW of solar for 36 M$, and saves 3 MW of the grid's at 50 $/MWh through 4,380 h.
    """
    limits = "[limits]\ncarbon_free_share_every_snapshot = { 2030 = 0.1 }\n"
    (row,) = binding(sunny(tmp_path, 0.25, limits), "carbon-free power")
    assert (row["snapshot"], row["value"], row["bound"]) == ("night", pytest.approx(10), pytest.approx(10))
    assert row["price_usd_per_unit"] == pytest.approx((36e6 - 3 * 50 * 4380) / 4380, rel=1e-5)


def test_a_permit_is_worth_the_plant_that_more_hours_save(tmp_path: Path) -> None:
    """2,000 MWh in the peak in 50 h of full output take 40 MW: 50 MWh more would save a MW, 0.5 M$."""
    snapshots = "".join(
        f'[[grid.snapshot]]\nname = "{name}"\nhours = {hours}\navailability = {{ coal = {share} }}\n'
        for name, hours, share in (("peak", 100, 0.2), ("rest", 8660, 1.0))
    )
    text = STUDY.replace('source = "grid"\n', f'source = "grid"\n{snapshots}')
    generators = "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\ng,a,400,50,coal\n"
    permit = ENGINE + '[[supply.technology]]\nname = "engine"\npermit_hours = 50\n'
    plan = solved(tmp_path, permit, text=text, supply=engine(0.5), generators=generators)
    (row,) = binding(plan, "permit hours")
    assert (row["element"], row["value"], row["bound"]) == ("s|engine", pytest.approx(2000), pytest.approx(2000))
    assert row["price_usd_per_unit"] == pytest.approx(0.5e6 / 50, rel=1e-5)


def test_a_permit_of_backup_is_worth_the_plant_that_more_hours_save(tmp_path: Path) -> None:
    """1,000 MWh in 40 h take 25 MW of backup, each 0.01 M$: 40 MWh more save one."""
    backup = BACKUP.replace("hours_per_year = 100", "hours_per_year = 40")
    service = service_cases.service(curtailable_share=0.01, curtailment_usd_per_mwh=1000)
    (row,) = binding(service_cases.plan_of(tmp_path, service + backup), "backup permit hours")
    assert (row["element"], row["value"], row["bound"]) == ("sb", pytest.approx(1000), pytest.approx(1000))
    assert row["price_usd_per_unit"] == pytest.approx(0.01e6 / 40, rel=1e-5)


def test_water_of_a_basin_is_worth_the_power_it_makes(tmp_path: Path) -> None:
    """600 m3 a day at 0.5 m3/MWh are 50 MW of engine; each MWh saves 20 $ and half a m3 is one MWh: 40 $/m3 less plant.

    A m3 a day is 2 MWh a day, 1/12 MW of an engine at 0.1 M$.
    """
    thirsty = engine(0.1).replace("1,1,1,0\n", "1,1,1,0.5\n")
    limits = "[limits]\nwater_m3_day_per_basin = { river = 600 }\n"
    plan = solved(tmp_path, ENGINE + limits, supply=thirsty, sites=RIVER)
    (row,) = binding(plan, "water of a basin")
    assert (row["element"], row["value"], row["bound"]) == ("river", pytest.approx(600), 600)
    assert row["price_usd_per_unit"] == pytest.approx(40 - 0.1e6 / 12 / 365, rel=1e-5)


RIVER = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,emission_t_per_mwh,basin\ns,b,100,1,1,0.4,river\n"


@pytest.mark.every(3)
@pytest.mark.parametrize("column", ["value", "bound", "price_usd_per_unit"])
def test_what_is_stated_wrongly_is_found_out(tmp_path: Path, column: str) -> None:
    plan = sunny(tmp_path, 0.0, "[limits]\ncarbon_free_share = { 2030 = 0.1 }\n")
    changed = plan.table("binding").copy()
    changed.loc[changed["limit"] == "carbon-free energy", column] = -5.0
    made = replace(plan, tables={**plan.tables, "binding": changed})
    findings = verify_plan(write_plan(made, tmp_path / "out"))
    assert any("tables/binding.csv" in finding.where and column in finding.where for finding in findings)
