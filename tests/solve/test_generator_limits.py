"""What limits of generators are worth: by hand, in both models of the network, and as the check recomputes it.

100 MW at b, 60 of them from a at 10 $/MWh, where the generator gives no more. The rest comes from 80 MW at 30, then
from 100 at 50: one more MW at a saves 20 $/MWh from 20 MW on, 40 below, and nothing from 100 MW on.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.solve.prices.generators import MOST_GENERATORS
from optimizer.solve.prices.ranges import price_ranges
from tests.plan.tamper import rewrite_hashes
from tests.solve.small import study_of
from tests.solve.test_price_ranges import LINE, LINE_TEXT, row_of, settled

HEAD = "generator,bus,p_max_mw,cost_usd_per_mwh,p_min_mw,cost_points\n"
WIDE = {**LINE, "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,200\n"}
CHEAP = {**WIDE, "grid/generators": HEAD + "ga,a,60,10,0,\ngb,b,80,30,0,\ngc,b,100,50,0,\n"}
OUTPUT, LEAST = "generator output", "least output of a generator"


def binding(tables: dict[str, str], folder: Path) -> pd.DataFrame:
    """Limits of generators in table binding of the plan, which is verified without a finding."""
    plan = solve_study(study_of(folder, LINE_TEXT, tables))
    assert [f for f in verify_plan(write_plan(plan, folder / "plan")) if f.severity != "info"] == []
    table = plan.table("binding")
    return table[table["limit"].isin((OUTPUT, LEAST))].reset_index(drop=True)


def test_a_generator_that_gives_all_it_can(tmp_path: Path) -> None:
    table = binding(CHEAP, tmp_path)
    assert table[["limit", "element", "value", "bound", "unit"]].to_numpy().tolist() == [[OUTPUT, "ga", 60, 60, "MW"]]
    assert table["price_usd_per_unit"].tolist() == pytest.approx([20])


def test_its_range(tmp_path: Path) -> None:
    row = row_of(price_ranges(settled(study_of(tmp_path, LINE_TEXT, CHEAP))), OUTPUT)
    assert (row.element, row.bound, row.price, row.price_unit) == ("ga", 60, pytest.approx(20), "$/MWh")
    assert (row.low, row.high) == (pytest.approx(20, abs=0.06), pytest.approx(100, abs=0.06))
    assert (row.price_below, row.price_above) == (pytest.approx(40), pytest.approx(0, abs=1e-6))


def test_below_its_least_output_there_is_no_plan(tmp_path: Path) -> None:
    tables = {**CHEAP, "grid/generators": CHEAP["grid/generators"].replace("ga,a,60,10,0", "ga,a,60,10,30")}
    row = row_of(price_ranges(settled(study_of(tmp_path, LINE_TEXT, tables))), OUTPUT)
    assert (row.low, row.high) == (pytest.approx(30, abs=0.06), pytest.approx(100, abs=0.06))
    assert row.below == "no plan with these whole decisions"


def test_a_generator_that_gives_no_more_than_it_must(tmp_path: Path) -> None:
    """70 MW at 10 $, 10 at 30, and 20 at 50 that 30 $ would do: from 30 MW on they take the place of those at 10."""
    rows = CHEAP["grid/generators"].replace("gc,b,100,50,0", "gc,b,100,50,20").replace("ga,a,60", "ga,a,70")
    tables = {**CHEAP, "grid/generators": rows}
    table = binding(tables, tmp_path).set_index("limit")
    assert (table.at[LEAST, "element"], table.at[LEAST, "bound"]) == ("gc", 20)
    assert table["price_usd_per_unit"].to_dict() == pytest.approx({OUTPUT: 20, LEAST: 20})
    row = row_of(price_ranges(settled(study_of(tmp_path, LINE_TEXT, tables))), LEAST)
    # More of what it must give costs more.
    assert (row.price, row.high) == (pytest.approx(-20), pytest.approx(30, abs=0.06))
    assert row.price_above == pytest.approx(-40)
    assert row.low == 0


CURVES = {
    # Pieces of the generator at a, and price and range of its output: 80 MW at 30 $ beside it, then 100 at 50.
    # 30 MW at 10 $ and 30 at 15: a MW more would cost 15 as well, until it serves all 100 MW.
    "straight on": ("0:0 30:300 60:750", 15, 30, 100, 20, 0),
    # 10 MW at 10 $ and 50 at 15: below 20 MW it is power at 50 $ that takes its place.
    "a long last piece": ("0:0 10:100 60:850", 15, 20, 100, 35, 0),
    # 20 MW each at 10, 15 and 25 $.
    "three pieces": ("0:0 20:200 40:500 60:1000", 5, 40, 100, 15, 0),
}


@pytest.mark.parametrize("name", list(CURVES))
def test_the_last_piece_of_a_cost_curve_counts_and_goes_on(name: str, tmp_path: Path) -> None:
    points, price, low, high, below, above = CURVES[name]
    tables = {**CHEAP, "grid/generators": CHEAP["grid/generators"].replace("ga,a,60,10,0,", f"ga,a,60,,0,{points}")}
    assert binding(tables, tmp_path)["price_usd_per_unit"].tolist() == pytest.approx([price])
    program = settled(study_of(tmp_path, LINE_TEXT, tables))
    cost = program.solve("twice").objective
    row = row_of(price_ranges(program), OUTPUT)
    assert (row.element, row.bound, row.price) == ("ga", 60, pytest.approx(price))
    assert (row.low, row.high) == (pytest.approx(low, abs=0.07), pytest.approx(high, abs=0.07))
    assert (row.price_below, row.price_above) == (pytest.approx(below), pytest.approx(above, abs=1e-6))
    # The program is left as it was.
    assert program.solve("again").objective == pytest.approx(cost)


def test_the_first_piece_of_a_cost_curve_goes_on_below_its_least_output(tmp_path: Path) -> None:
    """At least 20 MW at b for 50 $ and more, where 30 $ would do: 20 $/MWh, down to nothing and up to 30 MW.

    70 MW at 10 $ and 10 at 30; from 30 MW on they take the place of those at 10.
    """
    rows = CHEAP["grid/generators"].replace("gc,b,100,50,20", "").replace("ga,a,60", "ga,a,70")
    rows = rows.replace("gc,b,100,50,0,", "gc,b,100,,20,20:1000 60:3000 100:5400")
    tables = {**CHEAP, "grid/generators": rows}
    table = binding(tables, tmp_path).set_index("limit")
    assert table.at[LEAST, "price_usd_per_unit"] == pytest.approx(20)
    row = row_of(price_ranges(settled(study_of(tmp_path, LINE_TEXT, tables))), LEAST)
    assert (row.element, row.price, row.price_above) == ("gc", pytest.approx(-20), pytest.approx(-40))
    assert (row.low, row.high) == (0, pytest.approx(30, abs=0.06))


def test_where_circuits_can_be_built(tmp_path: Path) -> None:
    circuit = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd\nnew,a,b,0.1,100,9000\n"
    assert binding({**CHEAP, "grid/circuits": circuit}, tmp_path)["price_usd_per_unit"].tolist() == pytest.approx([20])


def test_behind_a_line_that_binds_power_is_worth_less(tmp_path: Path) -> None:
    """At most 60 MW leave a: 40 at 5 $, which are all there are, and 20 at 10. At a power costs 10, at b 30."""
    rows = HEAD + "ga,a,300,10,0,\nfree,a,40,5,0,\ngb,b,80,30,0,\n"
    table = binding({**LINE, "grid/generators": rows}, tmp_path)
    assert table["element"].tolist() == ["free"]
    assert table["price_usd_per_unit"].tolist() == pytest.approx([5])


def test_the_dearest_are_listed_each_once_where_it_is_dearest(tmp_path: Path) -> None:
    """Seven of 5 MW at 1 to 7 $: at night 40 MW end with 10 $, by day 100 with 30. By day a MW of each is worth more an
    hour, and through the year too: 20 $ x 4,000 h more is more than 760 h.
    """
    small = "".join(f"g{k},b,5,{k},0,\n" for k in range(7, 0, -1))
    tables = {
        **WIDE,
        "grid/generators": HEAD + small + "ga,a,60,10,0,\ngb,b,80,30,0,\n",
        "grid/snapshots": "snapshot,hours,load_factor\nnight,4760,0.4\nday,4000,1\n",
    }
    table = binding(tables, tmp_path)
    assert len(table) == MOST_GENERATORS == 5
    assert table["element"].tolist() == ["g1", "g2", "g3", "g4", "g5"]
    assert set(table["snapshot"]) == {"day"}
    assert table["price_usd_per_unit"].tolist() == pytest.approx([29, 28, 27, 26, 25])


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("old", "new"), [(",60,60,MW,20", ",60,60,MW,21"), (",60,60,MW", ",60,61,MW"), ("output,ga,", "output,gb,")]
)
def test_another_figure_is_found_out(old: str, new: str, tmp_path: Path) -> None:
    binding(CHEAP, tmp_path)
    table = tmp_path / "plan" / "tables" / "binding.csv"
    text = table.read_text(encoding="utf-8")
    assert old in text
    table.write_text(text.replace(old, new), encoding="utf-8")
    rewrite_hashes(tmp_path / "plan")
    wrong = [f for f in verify_plan(tmp_path / "plan") if f.severity == "error"]
    assert any(f.where.startswith("tables/binding.csv") for f in wrong)
