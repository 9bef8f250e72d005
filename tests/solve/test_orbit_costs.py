"""What capacity in orbit costs, each price alone and all together, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.study import read_study
from tests.solve.optima import least_musd
from tests.solve.workload_cases import STUDY, solved, write_study

SITES = "site,kind,block_mw,max_blocks\nshell,orbital,10,1\n"
DEMAND = "region,workload,it_mw\nwest,chat,8\n"
BASE = "first_year = 2030\nsunlit_share = 0.8\nkg_per_kw = 20\nbreak_even = false\n"


PRICES = {
    # 20 kg a kW in sunlight 0.8 of the time: 25 kg for each kW of the 10,000 that a block has.
    "launch_usd_per_kg": (100, 25.0),
    "build_usd_per_kg": (60, 15.0),
    # Satellites are as many as the shade asks for, ground stations are not.
    "build_usd_per_kw": (2000, 25.0),
    "ground_usd_per_kw": (300, 3.0),
    # One year of one period.
    "operation_usd_per_kw_year": (50, 0.5),
}
"""Prices, and what each alone makes of a block of 10 MW [M$]."""


def study(prices: dict[str, float], base: str = BASE) -> str:
    keys = "".join(f"{key} = {value}\n" for key, value in ({"launch_usd_per_kg": 0} | prices).items())
    return STUDY + "[orbit]\n" + keys + base


@pytest.mark.parametrize("key", PRICES)
def test_each_price_alone(tmp_path: Path, key: str) -> None:
    price, musd = PRICES[key]
    folder = write_study(tmp_path, study=study({key: price}), sites=SITES, demand=DEMAND)
    assert least_musd(read_study(folder)) == pytest.approx(musd)


def test_twice_the_mass_is_twice_the_launch(tmp_path: Path) -> None:
    text = study({"launch_usd_per_kg": 100}, BASE.replace("kg_per_kw = 20", "kg_per_kw = 40"))
    folder = write_study(tmp_path, study=text, sites=SITES, demand=DEMAND)
    assert least_musd(read_study(folder)) == pytest.approx(50.0)


def test_all_together_as_verified(tmp_path: Path) -> None:
    text = study({key: price for key, (price, _) in PRICES.items()})
    plan = solved(tmp_path, study=text, sites=SITES, demand=DEMAND)
    assert plan.summary["objective_musd"] == pytest.approx(68.5)
