"""What the report says of circuits that a plan builds: lines, rebuilds, a transformer, and what the old load needs."""

import dataclasses

import pandas as pd
import plotly.graph_objects as go
import pytest

from optimizer.plan.plan import Plan
from optimizer.plan.tables import PLAN_TABLES
from optimizer.report import maps
from optimizer.report.sections import expansion, money
from optimizer.report.sections.answer import headline
from optimizer.report.view import View

ROWS = [
    ("again ab2", 2030, 1, 30.0, 3.0, "a", "b", "line", 900.0, 1080.0, 40.0, "ab2"),
    ("more cd", 2030, 2, 20.0, 2.0, "c", "d", "line", 400.0, 480.0, 40.0, ""),
    ("more ac", 2032, 1, 8.0, 0.8, "a", "c", "transformer", 500.0, 600.0, None, ""),
]


@pytest.fixture(scope="module")
def view(plan: Plan) -> View:
    """The small plan with circuits, of which the baseline has one beside c-d; the second of these is near its limit."""
    flow = ("more cd/2", 2032, "summer_peak", 392.0, 400.0, 0.98)
    tables = {
        **plan.tables,
        "circuits": pd.DataFrame(ROWS, columns=PLAN_TABLES["circuits"].names),
        "baseline_circuits": pd.DataFrame({"circuit": ["more cd"], "in_service": [2030], "count": [1]}),
        "flows": pd.concat([plan.tables["flows"], pd.DataFrame([flow], columns=PLAN_TABLES["flows"].names)]),
        "costs": pd.concat(
            [plan.tables["costs"], pd.DataFrame({"account": ["circuits"], "period": [2030], "cost_musd": [58.0]})]
        ),
    }
    return View(dataclasses.replace(plan, tables=tables))


def named(view: View, text: str) -> list[go.Scatter]:
    figure = maps.plan_map(view)
    assert figure is not None
    return [trace for trace in figure.data if text in trace.name]


def test_rebuilds_lines_and_transformers_are_told_apart_on_the_map(view: View) -> None:
    assert [row[0] for row in named(view, "1\u00a0rebuilt branch")[1].customdata] == ["again ab2"]
    assert named(view, "1\u00a0rebuilt branch")[1].customdata[0][-1] == "in the place of ab2"
    assert [row[:2] for row in named(view, "2\u00a0new circuits")[1].customdata] == [["more cd", 2]]
    (mark,) = named(view, "1\u00a0new transformer")
    assert (len(mark.x), mark.mode) == (1, "markers")


def test_a_built_circuit_is_on_the_map_of_loadings(view: View) -> None:
    assert "more cd/2" in [row[0] for row in named(view, "95 % loaded or more")[1].customdata]
    # The lines of the network are those that stand today.
    assert "more cd/2" not in [row[0] for row in named(view, "lines 100–199 kV")[1].customdata]


def test_a_built_circuit_is_named_with_its_ends(view: View) -> None:
    assert view.branch("more cd/2") == "more cd/2 GAMMA – d"
    assert view.branch("again ab2") == "again ab2 ALPHA – BETA"


def test_what_the_old_load_needs_is_said_and_taken_off_the_circuits(view: View) -> None:
    section = expansion.new_circuits(view)
    assert section is not None
    text = section.blocks[0].text  # type: ignore[union-attr]
    assert "1\u00a0existing branch is replaced" in text
    assert text.endswith("in it: more cd.")
    cost = money.cost(view)
    assert cost is not None
    bars = cost.blocks[1].figure.data[0]  # type: ignore[union-attr]
    # 4,400 M$ of generation and 58 of circuits, less a baseline of 4,000.
    assert dict(zip(bars.y, bars.x, strict=True)) == {"generation and circuits above the baseline": 458, "sites": 600}


def test_accounts_of_nothing_are_named_and_not_drawn(view: View) -> None:
    nothing = pd.DataFrame({"account": ["tie_lines", "water"], "period": [2030, 2030], "cost_musd": [0.0, 0.0]})
    tables = {**view.plan.tables, "costs": pd.concat([view.plan.tables["costs"], nothing])}
    cost = money.cost(View(dataclasses.replace(view.plan, tables=tables)))
    assert cost is not None
    text, figure, by_period = cost.blocks
    assert text.text.endswith("Nothing is spent on tie lines and water.")  # type: ignore[union-attr]
    assert not {"tie lines", "water"} & set(figure.figure.data[0].y)  # type: ignore[union-attr]
    assert not {"tie lines", "water"} & {row[0] for row in by_period.rows}  # type: ignore[union-attr]


def test_what_the_network_gets_is_the_headline(view: View) -> None:
    alone = {**view.plan.summary, "it_mw": {}, "n_contingencies_checked": 0}
    assert headline(View(dataclasses.replace(view.plan, summary=alone))) == (
        "The cheapest operation of the network with 4\u00a0new circuits and 1\u00a0network upgrade"
    )
