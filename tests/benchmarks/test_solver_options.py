"""The benchmark of solver options: twelve studies, options that are really set, ratios as they are defined."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks.solver_options import SETS, STUDIES, compared, measure

pytestmark = pytest.mark.bench


def test_there_are_twelve_studies() -> None:
    assert len(STUDIES) == 12
    assert next(iter(SETS.values())) == {}


def test_ratios_are_over_the_first_set_and_averaged_geometrically() -> None:
    """2 and 8 times as long is 4 times as long on average."""
    rows = [("a", "own", 1.0), ("a", "other", 2.0), ("b", "own", 3.0), ("b", "other", 24.0)]
    table = pd.DataFrame(rows, columns=["study", "options", "processor_s"])
    found = compared(table)
    assert list(found.columns) == ["own", "other"]
    assert found["other"].tolist() == pytest.approx([2.0, 8.0, 4.0])
    assert found["own"].tolist() == [1.0] * 3


@pytest.mark.slow
def test_one_study_is_measured_with_two_sets(tmp_path: Path) -> None:
    found = measure(tmp_path, ["plain, 50 sites"], ["as it is", "primal simplex"])
    assert len(found) == 2
    assert (found["processor_s"] > 0).all()
    assert (found["n_violations"] == 0).all()
    assert (found["gap"] <= 0.01).all()
