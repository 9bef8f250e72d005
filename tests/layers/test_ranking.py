"""Screening scores, worked out by hand, and what holds for any values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.config.place_tables import ScoreSettings
from optimizer.errors import InputError
from optimizer.layers.ranking import comparable, score

SITES = pd.DataFrame(
    {"price": [10.0, 20.0, 40.0], "fibre_km": [4.0, 1.0, np.nan], "name": list("abc")}, index=list("xyz")
)


def said(column: str, direction: str = "low", **options: object) -> ScoreSettings:
    return ScoreSettings.model_validate({"column": column, "direction": direction, **options})


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("range", [1, 2 / 3, 0]),
        ("rank", [1, 0.5, 0]),
        # mean 70/3, variance (1600 + 100 + 2500)/9/3 = 1400/9
        ("z_score", [40 / 3 / np.sqrt(1400 / 9), 10 / 3 / np.sqrt(1400 / 9), -50 / 3 / np.sqrt(1400 / 9)]),
    ],
)
def test_methods(method: str, expected: list[float]) -> None:
    assert score(SITES, [said("price", method=method)]).tolist() == pytest.approx(expected)
    assert score(SITES, [said("price", "high", method=method)]).tolist() == pytest.approx(
        [1 - e if method != "z_score" else -e for e in expected]
    )


def test_weights_are_shares_of_their_sum() -> None:
    """Price 1, 2/3, 0 with weight 3; fibre 0, 1, and 0 where it is not known, with weight 1."""
    found = score(SITES, [said("price", weight=3.0), said("fibre_km")])
    assert found.tolist() == pytest.approx([0.75, 0.75, 0.0])


def test_equal_values_rank_between() -> None:
    assert comparable(np.array([1.0, 2.0, 2.0, 5.0]), "rank").tolist() == pytest.approx([0, 0.5, 0.5, 1])
    assert comparable(np.array([3.0, 3.0]), "range").tolist() == [0.5, 0.5]
    assert comparable(np.array([0.1, 0.1, 0.1]), "z_score").tolist() == [0, 0, 0]
    assert comparable(np.array([7.0]), "rank").tolist() == [0.5]


@pytest.mark.parametrize("method", ["range", "rank", "z_score"])
def test_what_is_not_known_is_no_merit(method: str) -> None:
    found = comparable(np.array([np.nan, 1.0, 3.0, np.inf]), method)
    assert found[0] == found[3] == found.min()
    assert np.isfinite(found).all()
    assert comparable(np.array([np.nan, np.nan]), method).tolist() == [0, 0]


VALUES = st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=20)


@given(VALUES, st.sampled_from(["range", "rank", "z_score"]), st.randoms(use_true_random=False))
def test_scores_follow_the_values_in_any_order_and_unit(values: list[float], method: str, random: object) -> None:
    array = np.array(values)
    found = comparable(array, method)
    assert (np.sign(np.subtract.outer(found, found)) == np.sign(np.subtract.outer(array, array))).all()
    order = np.array(random.sample(range(len(values)), len(values)))
    assert comparable(array[order], method) == pytest.approx(found[order], abs=1e-12)
    assert comparable(array * 1.609 + 3.0, method) == pytest.approx(found, abs=1e-9)


def test_without_columns_there_is_no_score() -> None:
    assert score(SITES, []).isna().all()


def test_columns_that_cannot_be_scored_are_all_named() -> None:
    with pytest.raises(InputError) as refused:
        score(SITES, [said("fiber_km"), said("name"), said("price")])
    assert [f.rule for f in refused.value.findings] == ["sites.scores.column", "sites.scores.text"]
    assert "did you mean 'fibre_km'" in refused.value.findings[0].remedy
