"""What the report says of HVDC links: where they run, what they carry, in which direction, and what is lost."""

import dataclasses

import pandas as pd
import pytest

from optimizer.errors import Finding
from optimizer.plan.plan import Plan
from optimizer.plan.tables import PLAN_TABLES
from optimizer.report import maps
from optimizer.report.page import Details, Table
from optimizer.report.sections import network
from optimizer.report.view import View

#: Forwards 200 MW of which 10 are lost; backwards 100 MW withdrawn at b, with 4 MW of constant loss beside them.
ROWS = [
    ("ab", 2030, "typical", "a", "b", 200.0, 190.0),
    ("ab", 2032, "typical", "a", "b", 200.0, 190.0),
    ("ab", 2032, "summer_peak", "a", "b", -95.0, -104.0),
]


@pytest.fixture(scope="module")
def view(plan: Plan) -> View:
    """The small plan with a link from a to b of 250 MW, 125 the other way."""
    assert plan.study is not None
    assert plan.study.grid is not None
    link = {"from_bus": "a", "to_bus": "b", "p_min_mw": -125.0, "p_max_mw": 250.0, "loss_mw": 4.0, "loss_share": 0.05}
    hvdc = pd.DataFrame([link | {"in_service": True, "p_mw": 60.0}], index=pd.Index(["ab"], name="link"))
    study = dataclasses.replace(plan.study, grid=dataclasses.replace(plan.study.grid, hvdc=hvdc))
    said = Finding("grid.hvdc.direction", "hvdc", "one way only", "ab from a to b", "", "warning")
    tables = {**plan.tables, "hvdc": pd.DataFrame(ROWS, columns=PLAN_TABLES["hvdc"].names)}
    return View(dataclasses.replace(plan, study=study, tables=tables, findings=(*plan.findings, said)))


def test_a_link_is_listed_as_it_runs(view: View) -> None:
    section = network.hvdc_transfers(view)
    assert section is not None
    listed = next(block for block in section.blocks if isinstance(block, Table))
    rows = [[str(cell) for cell in row] for row in listed.rows]
    forward = next(row for row in rows if "typical" in row)
    # 200 of 250 MW.
    assert forward == ["ab", "a ALPHA", "b BETA", "typical", "200", "190", "10.0", "250", "80.0"]
    # 100 of 125 MW.
    back = next(row for row in rows if "summer peak" in row)
    assert back == ["ab", "b BETA", "a ALPHA", "summer peak", "104", "95", "9.0", "125", "80.0"]
    assert len(rows) == 2
    assert [block.summary for block in section.blocks if isinstance(block, Details)] == ["HVDC transfers before 2032"]


def test_what_is_not_decided_is_said_beside_the_transfers(view: View) -> None:
    section = network.hvdc_transfers(view)
    assert section is not None
    assert [block.text for block in section.blocks[:2]][1] == "One way only: ab from a to b."  # type: ignore[union-attr]


def test_links_are_on_the_map(view: View) -> None:
    figure = maps.plan_map(view)
    assert figure is not None
    (_, middle) = [trace for trace in figure.data if trace.name == "1\u00a0HVDC link"]
    assert middle.customdata[0] == ["ab", "a", "b", 250, "largest transfer in 2032: 200 MW"]


def test_a_scheduled_link_says_its_schedule(view: View) -> None:
    tables = {name: table for name, table in view.plan.tables.items() if name != "hvdc"}
    figure = maps.plan_map(View(dataclasses.replace(view.plan, tables=tables)))
    assert figure is not None
    (_, middle) = [trace for trace in figure.data if trace.name == "1\u00a0HVDC link"]
    assert middle.customdata[0][-1] == "scheduled transfer 60 MW"


def test_without_the_inputs_limits_are_left_out(view: View) -> None:
    section = network.hvdc_transfers(View(dataclasses.replace(view.plan, study=None)))
    assert section is not None
    listed = next(block for block in section.blocks if isinstance(block, Table))
    assert {len(row) for row in listed.rows} == {7}
