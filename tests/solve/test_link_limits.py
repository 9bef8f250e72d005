"""What limits of HVDC links whose transfer is decided are worth: by hand, in both models of the network.

200 MW at b, where power costs 50 $/MWh, and 10 at a: 100 MW come over two lines and 60 over the link, which withdraws
no more. A MW more at a of which K arrives saves 50 K - 10 $/MWh, until 40 MW more arrive and none is left at 50.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.plan.verify import verify_plan
from optimizer.solve.prices.ranges import price_ranges
from optimizer.study import read_study
from tests.plan.tamper import rewrite_hashes
from tests.solve.test_expansion import solved
from tests.solve.test_hvdc import linked
from tests.solve.test_price_ranges import row_of, settled

TRANSFER, LEAST = "HVDC transfer", "least HVDC transfer"
CASES = {
    # Link as p_max, p_min, constant and proportional loss; its ends; the limit, its bound, and the price.
    "without loss": ("60,0,0,0", "a,b", TRANSFER, 60, 40),
    "a tenth is lost": ("60,0,0,0.1", "a,b", TRANSFER, 60, 50 * 0.9 - 10),
    "a constant loss": ("60,0,4,0", "a,b", TRANSFER, 60, 40),
    "backwards": ("0,-60,0,0.1", "b,a", TRANSFER, -60, 50 * 0.9 - 10),
    "backwards with a constant loss": ("0,-60,4,0", "b,a", TRANSFER, -60, 40),
    # What must be sent from b to a costs 40 $ for each MW that 10 $ would do.
    "must be sent": ("60,30,0,0", "b,a", LEAST, 30, 40),
    "must be sent with a loss": ("60,30,0,0.1", "b,a", LEAST, 30, 50 - 10 * 0.9),
    "must be sent backwards": ("-30,-60,0,0.1", "a,b", LEAST, -30, 50 - 10 * 0.9),
}


def _binding(plan_table: pd.DataFrame) -> pd.DataFrame:
    return plan_table[plan_table["limit"].isin((TRANSFER, LEAST))]


@pytest.mark.every(4)
@pytest.mark.parametrize("circuits", [False, True], ids=["factors", "angles"])
@pytest.mark.parametrize("name", list(CASES))
def test_a_link_at_its_limit(name: str, circuits: bool, tmp_path: Path) -> None:
    link, ends, limit, bound, price = CASES[name]
    plan = solved(linked(tmp_path / "study", link=link, ends=ends, circuits=circuits), tmp_path / "plan")
    (row,) = _binding(plan.table("binding")).to_dict("records")
    assert (row["limit"], row["element"], row["unit"]) == (limit, "d", "MW")
    assert (row["value"], row["bound"]) == (pytest.approx(bound), bound)
    assert row["price_usd_per_unit"] == pytest.approx(price)


@pytest.mark.every(2)
@pytest.mark.parametrize("circuits", [False, True], ids=["factors", "angles"])
@pytest.mark.parametrize(
    ("name", "low", "high", "below", "above"),
    [
        # 40 MW more arrive than now, then nothing is saved; with less, nothing changes down to none.
        ("without loss", 0, 100, None, 0),
        # Of q MW nine tenths arrive: all 100 that are needed at 111.1.
        ("a tenth is lost", 0, 100 / 0.9, None, 0),
        ("backwards", 0, 100 / 0.9, None, 0),
        # What must be sent may grow to the 60 MW that may be sent; no plan has more.
        ("must be sent", 0, 60, None, None),
    ],
)
def test_its_range(
    name: str, low: float, high: float, below: float | None, above: float | None, circuits: bool, tmp_path: Path
) -> None:
    link, ends, limit, bound, price = CASES[name]
    study = read_study(linked(tmp_path, link=link, ends=ends, circuits=circuits))
    row = row_of(price_ranges(settled(study)), limit)
    assert (row.element, row.bound, row.price_unit) == ("d", abs(bound), "$/MWh")
    assert row.price == pytest.approx(price if limit == TRANSFER else -price)
    assert (row.low, row.high) == (pytest.approx(low, abs=0.07), pytest.approx(high, abs=0.12))
    assert below is None or row.price_below == pytest.approx(below)
    assert above is None or row.price_above == pytest.approx(above, abs=1e-6)


def test_a_link_inside_its_limits_has_no_price(tmp_path: Path) -> None:
    """150 of 200 MW may be sent, and 100 are: what remains costs 10 $ at either end."""
    plan = solved(linked(tmp_path / "study", link="150,0,0,0"), tmp_path / "plan")
    assert _binding(plan.table("binding")).empty


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("old", "new"), [(",60,60,MW,35", ",60,60,MW,34"), (",60,60,MW", ",60,61,MW"), ("transfer,d,", "transfer,e,")]
)
def test_another_figure_is_found_out(old: str, new: str, tmp_path: Path) -> None:
    solved(linked(tmp_path / "study", link="60,0,0,0.1"), tmp_path / "plan")
    table = tmp_path / "plan" / "tables" / "binding.csv"
    text = table.read_text(encoding="utf-8")
    assert old in text
    table.write_text(text.replace(old, new), encoding="utf-8")
    rewrite_hashes(tmp_path / "plan")
    wrong = [f for f in verify_plan(tmp_path / "plan") if f.severity == "error"]
    assert any(f.where.startswith("tables/binding.csv") for f in wrong)
