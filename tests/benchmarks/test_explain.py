"""The benchmark of explanations: a smoke run on a small study, and on the Texas example as a slow test."""

from __future__ import annotations

import pytest

from tests.benchmarks.conftest import Figure
from tests.benchmarks.explain import TEXAS, small_records, texas_records

MOST_SECONDS = 120.0
"""Time within which a study of the size of Texas is to be explained [s]."""

QUICK = ("a pace of 1 GW a period", "a county share of 2 %", "a budget of blocks without sites")
"""Edits of the Texas example of which no flow needs to be looked at."""


@pytest.mark.bench
def test_small_studies(figure: Figure) -> None:
    records = list(small_records(check=True, only="own: "))
    assert len(records) == 13
    for record in records:
        assert record.is_minimal, record.name
        assert not record.broken, record.name
        assert record.n_proven >= 1, record.name
    figure(f"{len(records)} studies without a network explained: at most {max(r.seconds for r in records):.2f} s each")


@pytest.mark.slow
@pytest.mark.bench
@pytest.mark.parametrize("name", QUICK)
def test_the_texas_example(name: str, figure: Figure) -> None:
    edits = tuple(edit for edit in TEXAS if edit.name == name)
    (record,) = texas_records(edits, check=False)
    assert record.is_minimal
    assert record.explaining_s < MOST_SECONDS
    figure(f"Texas, {name}: {record.seconds:.1f} s, explaining {record.explaining_s:.1f} s")
