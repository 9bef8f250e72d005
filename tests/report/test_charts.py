import pandas as pd
import pytest

from optimizer.plan.plan import Plan
from optimizer.report import charts
from optimizer.report.view import View


def test_stacks_add_up_to_the_load_in_service(plan: Plan) -> None:
    figure = charts.capacity(View(plan))
    assert figure is not None
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [sum(bar.y[i] for bar in bars) for i in range(2)] == [300, 900]
    (target,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert list(target.y) == [300, 900]
    assert "[MW]" in figure.layout.yaxis.title.text


def test_many_sites_are_stacked_with_the_smaller_ones_as_one(plan: Plan) -> None:
    view = View(plan)
    rows = [view.sites.iloc[1].rename(f"s{i}") for i in range(40)]
    many = View(plan)
    many.__dict__["sites"] = pd.DataFrame(rows)
    figure = charts.capacity(many)
    assert figure is not None
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert bars[-1].name == "25 smaller sites"
    assert sum(bar.y[1] for bar in bars) == 40 * 300


def test_accounts_are_ordered_by_cost_with_the_largest_on_top() -> None:
    figure = charts.cost_by_account(pd.Series({"sites": 600.0, "generation": 400.0, "tie_lines": 75.5}), 2024, True)
    (bars,) = figure.data
    assert list(bars.y) == ["tie lines", "generation", "sites"]
    assert list(bars.text) == ["75.5 M$", "400.0 M$", "600.0 M$"]
    assert "M$ of 2024" in figure.layout.xaxis.title.text


def test_water_is_a_share_of_the_limit() -> None:
    table = pd.DataFrame({"basin": ["b1", "b2"], "withdrawal_m3_day": [1800.0, 5.0], "limit_m3_day": [2000.0, 0.0]})
    (bars,) = charts.water_use(table).data
    shares = dict(zip(bars.y, bars.x, strict=True))
    assert shares["b1"] == pytest.approx(90)
    assert dict(zip(bars.y, bars.text, strict=True))["b1"] == "1,800 of 2,000 m³/day"


def test_every_branch_is_counted_once_in_the_histogram() -> None:
    loading = pd.Series([0.0, 0.049, 0.05, 0.999, 1.0, 1.2])
    (bars,) = charts.loading_histogram(loading).data
    assert sum(bars.y) == len(loading)
    assert bars.y[0] == 2
    assert bars.y[1] == 1
    assert bars.y[-1] == 3
