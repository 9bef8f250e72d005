import dataclasses

import plotly.graph_objects as go
import pytest

from optimizer.plan.plan import Plan
from optimizer.report import maps
from optimizer.report.map_places import circle_px
from optimizer.report.view import View


@pytest.fixture(scope="module")
def drawn(plan: Plan) -> go.Figure:
    figure = maps.plan_map(View(plan))
    assert figure is not None
    return figure


def named(figure: go.Figure, text: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if text in trace.name]


def test_every_layer_is_there(drawn: go.Figure) -> None:
    names = {trace.name for trace in drawn.data}
    assert names == {
        "counties",
        "too far (7)",
        "excluded: wetland (1)",
        "lines 100–199 kV",
        "lines 300–449 kV",
        "4 buses",
        "70–85 % loaded",
        "95 % loaded or more",
        "95 % or more after one outage",
        "3\u00a0candidates not chosen",
        "1\u00a0network upgrade",
        "2\u00a0tie lines",
        "2\u00a0chosen sites, by IT MW",
    }


def test_the_axes_are_equal_and_name_their_unit(drawn: go.Figure) -> None:
    assert drawn.layout.yaxis.scaleanchor == "x"
    assert drawn.layout.yaxis.scaleratio == 1
    assert "km" in drawn.layout.xaxis.title.text
    assert "km" in drawn.layout.yaxis.title.text


def test_a_transformer_has_no_line_and_each_line_has_its_hover_in_the_middle(drawn: go.Figure) -> None:
    path, middles = named(drawn, "lines 300–449 kV")
    assert len(path.x) == 2 * 3  # two circuits: two ends and a break each
    assert middles.customdata[0][0] == "ab1"
    assert middles.x[0] == pytest.approx((path.x[0] + path.x[1]) / 2, abs=0.01)
    assert middles.y[0] == pytest.approx((path.y[0] + path.y[1]) / 2, abs=0.01)


def test_loading_classes_hold_the_right_branches(drawn: go.Figure) -> None:
    worst = named(drawn, "95 % loaded or more")[1]
    assert [row[0] for row in worst.customdata] == ["ab1"]  # 490 of 500 MW
    assert [row[0] for row in named(drawn, "70–85 %")[1].customdata] == ["ab2"]  # 400 of 500 MW
    after = named(drawn, "after one outage")[1]
    assert [(row[0], row[-1]) for row in after.customdata] == [("ab1", "ab2")]  # 597 of 600 MW


def test_views_switch_layers_and_the_first_is_shown(drawn: go.Figure) -> None:
    buttons = {button.label: button.args[0]["visible"] for button in drawn.layout.updatemenus[0].buttons}
    assert list(buttons) == ["Plan", "Line loading", "Candidates and refused land"]
    assert list(buttons["Plan"]) == [trace.visible for trace in drawn.data]
    states = dict(zip([trace.name for trace in drawn.data], buttons["Candidates and refused land"], strict=True))
    assert states["too far (7)"] is True
    assert states["lines 300–449 kV"] == "legendonly"
    assert states["2\u00a0chosen sites, by IT MW"] is True


def test_the_area_of_a_circle_is_proportional_to_its_load(plan: Plan) -> None:
    large, small = circle_px(View(plan).sites["it_mw"], 600)
    assert (large / small) ** 2 == pytest.approx(600 / 300, rel=0.02)


def test_the_comparison_shows_both_plans_and_what_breaks(plan: Plan) -> None:
    other = View(plan.scenarios["without_security"])
    figure = maps.comparison_map(View(plan), other, "without security", plan.tables["comparison_limits"])
    assert figure is not None
    assert [row[0] for row in named(figure, "plan without security")[-1].customdata] == ["s3", "s1"]
    broken = named(figure, "limits broken")[1]
    assert broken.customdata[0][0] == "ab1"
    assert broken.customdata[0][3] == pytest.approx(115)  # 690 of 600 MW, in percent


def test_without_a_study_the_tables_still_give_a_map(plan: Plan) -> None:
    figure = maps.plan_map(View(dataclasses.replace(plan, study=None)))
    assert figure is not None
    assert {trace.name for trace in figure.data} == {"3\u00a0candidates not chosen", "2\u00a0chosen sites, by IT MW"}


def test_a_plan_without_places_has_no_map(plan: Plan) -> None:
    assert maps.plan_map(View(dataclasses.replace(plan, study=None, tables={}))) is None
