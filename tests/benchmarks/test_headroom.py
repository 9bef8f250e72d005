"""Headroom of the bundled Texas network: every bus by distributed slack, and a part of them by redispatch.

Nothing is asserted of the time itself, which depends on the machine; what is computed is checked.
"""

from __future__ import annotations

import pytest

from optimizer.solve.headroom.buses import HeadroomSettings, find_headroom
from optimizer.solve.headroom.case import HeadroomCase, headroom_case, headroom_study

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def texas() -> HeadroomCase:
    return headroom_case(headroom_study("texas"))


@pytest.mark.slow
def test_distributed_slack_at_every_bus(texas: HeadroomCase) -> None:
    found = find_headroom(texas, HeadroomSettings(modes=("distributed",)))
    assert found.summary["counts"]["buses_looked_at"] == 1551
    assert found.summary["checked"]["worst_excess_mw"] <= 1e-3


@pytest.mark.slow
def test_redispatch_at_500_kv() -> None:
    peak = headroom_case(headroom_study("texas"), ("summer_peak",))
    found = find_headroom(peak, HeadroomSettings(modes=("redispatch",), min_kv=500.0))
    assert found.summary["counts"]["buses_looked_at"] == 120
    assert found.summary["checked"]["worst_excess_mw"] <= 1e-3


@pytest.mark.slow
def test_redispatch_at_every_bus(texas: HeadroomCase) -> None:
    found = find_headroom(texas, HeadroomSettings(modes=("redispatch",)))
    assert (found.table["headroom_mw"] > 0).sum() == 1543
    assert found.summary["checked"]["worst_excess_mw"] <= 1e-3
