"""The page of a sensitivity analysis in a real browser: drawn, offline, narrow, user text shown as text."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from tests.report.chromium import Browser
from tests.solve.small import study_of

TEXT = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 50 }
[security]
contingencies = []
[solve]
gap = 0.0
[sensitivity]
thresholds = false
[[sensitivity.range]]
what = "fuel_price"
carrier = "a <b>&"
low = 0.5
high = 2.0
[[sensitivity.range]]
what = "demand"
low = 0.5
high = 5.0
"""
TABLES = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,100\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab <i>,a,b,0.1,60\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\nga,a,300,10,a <b>&\ngb,b,300,30,coal\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,50,1,1\n",
}
"""One site, one line that binds, and five times the demand that does not fit."""


@pytest.mark.slow
def test_the_page_is_drawn(tmp_path: Path) -> None:
    folder = study_of(tmp_path / "small", TEXT, TABLES).folder
    result = CliRunner().invoke(app, ["sensitivity", str(folder), "--out", str(tmp_path / "out"), "--quiet"])
    assert result.exit_code == 0, result.output
    with Browser(tmp_path / "profile") as browser:
        browser.open(tmp_path / "out" / "sensitivity.html")
        browser.wait_for("[...document.querySelectorAll('.plot')].every(p => p.querySelector('svg.main-svg'))")
        assert {address.partition(":")[0] for address in browser.requests} <= {"file"}
        assert browser.messages == []
        first = "document.querySelector('.plot')"
        assert browser.value(f"{first}.querySelectorAll('.barlayer .point path').length") >= 3
        assert browser.value(f"{first}.querySelectorAll('.errorbar').length") >= 3
        text = browser.value(f"{first}.textContent")
        assert "fuel_price a <b>&" in text
        assert "no plan at × 5" in text
        assert browser.value("document.querySelectorAll('.plot').length") == 2
        assert "ab <i>" in browser.value("document.querySelector('.plot[id$=ranges]').textContent")
        assert browser.value("document.querySelectorAll('.plot b, .plot i, td b, td i').length") == 0
        titles = browser.value("[...document.querySelectorAll('.xtitle')].map(t => t.textContent).join()")
        assert "[M$]" in titles
        assert "[%" in titles
        browser.window(400, 900)
        browser.open(tmp_path / "out" / "sensitivity.html")
        assert browser.value("document.documentElement.scrollWidth") <= 400
