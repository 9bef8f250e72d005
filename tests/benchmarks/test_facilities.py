"""The benchmark of facility location runs, and both of its models agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.facilities import by_hand, by_product, made


def test_product_and_hand_written_model_agree(tmp_path: Path) -> None:
    instance = made(12, 40)
    assert by_product(instance, tmp_path).value == pytest.approx(by_hand(instance).value, rel=1e-6)
