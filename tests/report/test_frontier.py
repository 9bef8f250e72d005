"""The page of a frontier in a real browser: everything drawn, nothing asked of the network, user text shown as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from tests.report.chromium import Browser
from tests.solve.small import study_of
from tests.test_cli_frontier import SITES, TEXT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "marks"), [(("--objectives", "cost,delay"), 3), (("--best", "2", "--within", "5"), 2)]
)
def test_the_page_is_drawn(tmp_path: Path, arguments: tuple[str, ...], marks: int) -> None:
    served = TEXT if "cost,delay" in arguments else TEXT.replace("penalty_musd_per_mw_year = 0.01", "")
    folder = study_of(tmp_path / "small", served, {"sites": SITES}).folder
    result = CliRunner().invoke(app, ["frontier", str(folder), *arguments, "--out", str(tmp_path / "out"), "--quiet"])
    assert result.exit_code == 0
    with Browser(tmp_path / "profile") as browser:
        browser.open(tmp_path / "out" / "frontier.html")
        browser.wait_for("[...document.querySelectorAll('.plot')].every(p => p.querySelector('svg.main-svg'))")
        # Tiles are an image that the page itself makes, hence the address of data.
        assert {address.partition(":")[0] for address in browser.requests} <= {"file", "data"}
        assert browser.messages == []
        first = "document.querySelector('.plot')"
        drawn = browser.value(f"{first}.querySelectorAll('.scatterlayer path.point, .barlayer .point').length")
        assert drawn == marks
        assert browser.value("document.querySelectorAll('.heatmaplayer image').length") == 1
        assert browser.value("document.querySelectorAll('.plot').length") == 3
        assert "A <b>&" in browser.value("document.querySelector('.plot[id$=tiles]').textContent")
        titles = browser.value("[...document.querySelectorAll('.xtitle, .ytitle')].map(t => t.textContent).join()")
        assert "[M$" in titles
        browser.window(400, 900)
        browser.open(tmp_path / "out" / "frontier.html")
        width = browser.value("document.documentElement.scrollWidth")
        assert width <= 400
