"""Efficiency and generations of racks on studies whose best plan is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.errors import InputError
from tests.solve.small import HEAD, TWO_PERIODS, blocks, checked_plan, study_of

SITE = {"sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,10,20,10\n"}
PLACE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n'


def programme(cost: float, most: float) -> str:
    return f'[[demand.efficiency]]\nname = "caching"\ncost_musd_per_unit = {cost}\nmax_units = {most}\n'


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("price", "most", "built", "units", "cost"),
    [(0.5, 25, 8, 20, 90.0), (0.5, 5, 10, 0, 100.0), (1.2, 25, 10, 0, 100.0), (0.0, 100, 0, 100, 0.0)],
)
def test_efficiency_competes_with_building(
    tmp_path: Path, price: float, most: float, built: int, units: float, cost: float
) -> None:
    """100 MW in blocks of 10 MW at 10 M$; a MW avoided costs `price`.

    25 MW at 0.5 M$: two blocks less (20 M$) for 20 MW avoided (10 M$), the last 5 MW save no block. 5 MW save none. At
    1.2 M$ a block costs less than the 12 M$ to avoid it. All of it for nothing: nothing is built.
    """
    study = study_of(tmp_path, PLACE + "[demand]\nit_mw = { 2030 = 100 }\n" + programme(price, most), SITE)
    plan = checked_plan(study, written=True)
    assert plan.summary["objective_musd"] == pytest.approx(cost)
    assert sum(blocks(plan).values()) == built
    if price:
        assert plan.table("efficiency")["units"].tolist() == pytest.approx([units])


def test_what_is_avoided_stays_avoided(tmp_path: Path) -> None:
    """10 MW in 2030, none in 2032: a block stays for 4 years, 40 M$, and what is avoided stays avoided.

    At 6 M$ a MW-year that is 10 x 6 x 4 = 240 M$, so a block is built; at 0.9 it is 36 M$ and wins.
    """
    text = PLACE + "[demand]\nit_mw = { 2030 = 10, 2032 = 0 }\n"
    for name, price, cost in (("dear", 6.0, 40.0), ("cheap", 0.9, 36.0)):
        study = study_of(tmp_path / name, text + programme(price, 50), SITE, TWO_PERIODS)
        assert checked_plan(study).summary["objective_musd"] == pytest.approx(cost)


RACKS = "rack,kw,first_year,cost_musd_per_mw,work_per_kwh\nold,10,2020,1,0.5\nnew,100,{first},{cost},1\n"
YEAR_OF_A_MW = 8760 * 1000
"""Work that a MW of the new rack does in a year."""


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("new_cost", "first", "built", "rack", "cost"),
    [(2.0, 2030, 10, "new", 300.0), (3.5, 2030, 20, "old", 400.0), (2.0, 2031, 20, "old", 400.0)],
)
def test_a_newer_generation_competes_with_building(
    tmp_path: Path, new_cost: float, first: int, built: int, rack: str, cost: float
) -> None:
    """Work of 100 MW of new racks or 200 MW of old ones, blocks of 10 MW at 10 M$ a year.

    New at 2 M$/MW: 10 blocks, 100 + 200 = 300 M$; old at 1 M$/MW: 20 blocks, 200 + 200 = 400 M$. New at 3.5 M$/MW
    would cost 450 M$. Where the new rack is not sold yet, only the old one is left; the target is then stated in it.
    """
    table = RACKS.format(first=first, cost=new_cost)
    text = PLACE + f'[demand]\nwork = {{ 2030 = {100 * YEAR_OF_A_MW} }}\nracks = "racks.csv"\n'
    plan = checked_plan(study_of(tmp_path, text, {**SITE, "racks": table}), written=True)
    assert plan.summary["objective_musd"] == pytest.approx(cost)
    assert plan.summary["costs_musd"]["racks"] == pytest.approx(200.0)
    assert blocks(plan) == {("s", 2030): built}
    (row,) = plan.table("racks").to_dict("records")
    assert (row["rack"], row["it_mw"]) == (rack, pytest.approx(10 * built))
    assert plan.table("demand")["target_mw"].tolist() == pytest.approx([100 if first == 2030 else 200])


def test_work_avoided_and_racks_that_stay(tmp_path: Path) -> None:
    """Work of 100 MW of new racks, of which 50 MW's worth can be avoided for 1e-6 M$ x 438 million units = 438 M$.

    At 3 M$ a MW (1 for blocks, 2 for racks) it is not; at 1e-8 M$ a unit, 4.38 M$, it is: 150 + 4.38 M$.
    """
    text = PLACE + f'[demand]\nwork = {{ 2030 = {100 * YEAR_OF_A_MW} }}\nracks = "racks.csv"\n'
    tables = {**SITE, "racks": RACKS.format(first=2030, cost=2.0)}
    for name, price, cost in (("dear", 1e-6, 300.0), ("cheap", 1e-8, 154.38)):
        study = study_of(tmp_path / name, text + programme(price, 50 * YEAR_OF_A_MW), tables, HEAD)
        assert checked_plan(study).summary["objective_musd"] == pytest.approx(cost, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-6, 1e4])
def test_the_unit_of_work_changes_nothing(tmp_path: Path, scale: float) -> None:
    """Work of 100 MW of old racks in 2030 and of 100 MW of new ones in 2032; a new one does twice the work.

    With its blocks an old rack costs 2 M$ a MW and year, a new one 3. The programme avoids up to 30 MW of new racks, 60
    of old, for 75 M$ in all: less than the 120 M$ of old racks. So 40 MW of old racks stand in 2030, 80 + 75 M$ a year;
    in 2032 they count 20, 30 are avoided and 50 MW are new, 80 + 75 + 150 M$. Two years of each: 920 M$.
    """
    plans = []
    for name, unit in (("ones", 1.0), ("scaled", scale)):
        table = f"rack,kw,first_year,cost_musd_per_mw,work_per_kwh\nold,10,2020,1,{0.5 * unit}\nnew,100,2032,2,{unit}\n"
        year = YEAR_OF_A_MW * unit
        text = PLACE + f'[demand]\nwork = {{ 2030 = {50 * year}, 2032 = {100 * year} }}\nracks = "racks.csv"\n'
        text += programme(2.5 / year, 30 * year)
        plans.append(checked_plan(study_of(tmp_path / name, text, {**SITE, "racks": table}, TWO_PERIODS), written=True))
    ones, scaled = plans
    assert ones.summary["objective_musd"] == pytest.approx(920.0)
    assert scaled.summary["objective_musd"] == pytest.approx(920.0)
    for name in ("sites", "racks", "demand"):
        pd.testing.assert_frame_equal(scaled.table(name), ones.table(name), rtol=1e-9)
    avoided, same = ones.table("efficiency"), scaled.table("efficiency")
    assert avoided["avoided_mw"].tolist() == pytest.approx([60, 30])
    assert same["avoided_mw"].tolist() == pytest.approx([60, 30])
    assert same["units"].tolist() == pytest.approx((scale * avoided["units"]).tolist(), rel=1e-6)


def test_bundled_catalogue(tmp_path: Path) -> None:
    """The best rack of 2030 does 5 units a kWh: 5 x 8.76 million units in a MW-year, so 10 MW do 438 million."""
    text = PLACE + f"[demand]\nwork = {{ 2030 = {10 * 5 * YEAR_OF_A_MW} }}\n"
    plan = checked_plan(study_of(tmp_path, text, SITE))
    assert plan.table("demand")["target_mw"].tolist() == pytest.approx([10])
    assert plan.summary["costs_musd"]["racks"] == pytest.approx(10 * 22)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("it_mw = { 2030 = 10 }\nwork = { 2030 = 1 }", "in work and in MW"),
        ('it_mw = { 2030 = 10 }\nracks = "racks.csv"', "racks are chosen where demand is given in work"),
        ("work = { 2031 = 1 }", "2031"),
        ('work = { 2030 = 1 }\nracks = "none.csv"', "none.csv"),
        ('work = { 2030 = 1 }\nracks = "late.csv"', "no rack of the catalogue is sold before 2040"),
        ("it_mw = { 2030 = 10 }\n" + programme(1, 5) + programme(1, 5), "given twice"),
        ("it_mw = { 2030 = 10 }\n" + programme(-1, 5), "cost_musd_per_unit"),
    ],
)
def test_what_contradicts_is_refused(tmp_path: Path, text: str, said: str) -> None:
    late = {"late": RACKS.replace("2020", "2040").format(first=2040, cost=1)}
    with pytest.raises(InputError, match=said):
        study_of(tmp_path, PLACE + "[demand]\n" + text + "\n", {**SITE, **late})
