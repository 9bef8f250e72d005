"""The page of a plan for several futures in a real browser: everything drawn, nothing asked of the network."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from tests.report.chromium import Browser
from tests.solve.small import study_of
from tests.test_cli_uncertainty import SITES, TEXT


@pytest.mark.slow
def test_the_page_is_drawn(tmp_path: Path) -> None:
    folder = study_of(tmp_path / "small", TEXT, {"sites": SITES}).folder
    result = CliRunner().invoke(app, ["uncertainty", str(folder), "--out", str(tmp_path / "out"), "--quiet"])
    assert result.exit_code == 0
    with Browser(tmp_path / "profile") as browser:
        browser.open(tmp_path / "out" / "uncertainty.html")
        browser.wait_for("[...document.querySelectorAll('.plot')].every(p => p.querySelector('svg.main-svg'))")
        assert {address.partition(":")[0] for address in browser.requests} <= {"file", "data"}
        assert browser.messages == []
        assert browser.value("document.querySelectorAll('.plot').length") == 4
        # This plan and what is known in two scenarios, that for mean values in the one in which it holds.
        drawn = "document.querySelector('.plot').querySelectorAll('.scatterlayer path.point').length"
        assert browser.value(drawn) == 5
        assert browser.value("document.querySelectorAll('.heatmaplayer image').length") == 2
        crosses = "document.querySelector('.plot[id$=regret]').textContent"
        assert "does not hold" in browser.value(crosses)
        assert "A <b>&" in browser.value("document.querySelector('.plot[id$=tiles]').textContent")
        titles = browser.value("[...document.querySelectorAll('.xtitle, .ytitle')].map(t => t.textContent).join()")
        assert "[M$]" in titles
        browser.window(400, 900)
        browser.open(tmp_path / "out" / "uncertainty.html")
        assert browser.value("document.documentElement.scrollWidth") <= 400
