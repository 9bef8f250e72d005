"""The study that every case edits."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def good_study(tmp_path: Path) -> Path:
    """A copy of ``ring``, in which nothing is wrong: one outage of a branch leaves every bus reached, ratings are far
    above the 300 MW of load, and no site stands in the park."""
    return shutil.copytree(Path(__file__).parent / "ring", tmp_path / "ring")
