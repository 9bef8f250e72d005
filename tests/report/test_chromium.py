"""The report in a real browser: everything drawn, nothing asked of the network, nothing on the console."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from optimizer.plan.plan import Plan
from optimizer.report import sites_map, sites_page, write_report
from tests.report.chromium import Browser
from tests.report.test_html import HOSTILE, hostile
from tests.report.test_land_map import LOST

# Of each figure: its size, its visible traces, and how many of each the browser drew.
DRAWN = """
[...document.querySelectorAll('.plot')].map(plot => {
  const size = plot.querySelector('svg.main-svg').getBoundingClientRect();
  const shown = plot.data.filter(trace => trace.visible !== 'legendonly' && trace.visible !== false);
  const paths = [...plot.querySelectorAll('.scatterlayer path.js-line, .scatterlayer path.js-fill')];
  return {
    id: plot.id, width: size.width, height: size.height,
    shown: shown.length,
    drawn: plot.querySelectorAll('.scatterlayer > .trace, .barlayer > .trace').length,
    lines: paths.filter(path => (path.getAttribute('d') || '').length > 8).length,
    points: plot.querySelectorAll('.scatterlayer path.point').length,
    bars: plot.querySelectorAll('.barlayer .point path').length,
    labels: [...plot.querySelectorAll('.textpoint')].map(label => label.textContent),
  };
})
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def page(browser: Browser, plan: Plan, tmp_path: Path) -> Browser:
    """The report of the small plan, open in a window of a desktop."""
    return opened(browser, write_report(plan, tmp_path / "report.html"))


def opened(browser: Browser, file: Path, width: int = 1280) -> Browser:
    browser.requests.clear()
    browser.messages.clear()
    browser.window(width, 1000)
    browser.open(file)
    browser.wait_for(
        "[...document.querySelectorAll('.plot')].every(p => p.closest('details') || p.querySelector('svg'))"
    )
    return browser


def is_quiet(browser: Browser) -> None:
    """Nothing was asked for but the file itself, and nothing was said on the console."""
    assert [address.partition(":")[0] for address in browser.requests] == ["file"]
    assert browser.messages == []


def test_every_figure_is_drawn_offline_without_a_word(page: Browser) -> None:
    figures = {figure["id"].removeprefix("figure-"): figure for figure in page.value(DRAWN)}
    assert set(figures) == {"map", "capacity", "cost", "comparison_0", "loading", "water"}
    for name, figure in figures.items():
        assert figure["width"] > 600, name
        assert figure["height"] > 80, name
        assert figure["drawn"] == figure["shown"] > 0, name
    # Lines: counties, two voltages, an upgrade, ties. Points: places of buses, middles of lines, of the upgrade, sites.
    assert figures["map"]["lines"] >= 5
    assert figures["map"]["points"] == 3 + 4 + 1 + 2
    assert sorted(figures["map"]["labels"]) == ["300 MWWilliamson", "600 MWTravis"]
    assert figures["capacity"]["bars"] >= 3
    assert figures["loading"]["bars"] == 20
    is_quiet(page)


@pytest.mark.slow
def test_buttons_switch_the_views_of_the_map(page: Browser) -> None:
    shown = (
        "document.getElementById('figure-map').data.filter(trace => trace.visible === true).map(trace => trace.name)"
    )
    assert "too far (7)" not in page.value(shown)
    button = "document.querySelectorAll('#figure-map .updatemenu-button')[{}]"
    page.click(button.format(2))
    page.wait_for(f"({shown}).includes('too far (7)')")
    assert "lines 300–449 kV" not in page.value(shown)
    # A ring with a hole: the path of the refused land has two closed pieces.
    fills = "[...document.querySelectorAll('#figure-map .js-fill')]"
    outline = f"Math.max(...{fills}.map(path => path.getAttribute('d').split('M').length))"
    assert page.value(outline) >= 3
    page.click(button.format(1))
    page.wait_for(f"({shown}).includes('95 % loaded or more')")
    is_quiet(page)


@pytest.mark.slow
def test_hovering_a_site_shows_its_growth(page: Browser) -> None:
    page.hover("[...document.querySelectorAll('#figure-map .textpoint')][0].closest('.trace').querySelector('.point')")
    page.wait_for("document.querySelector('#figure-map .hovertext')")
    said = page.value("document.querySelector('#figure-map .hovertext').textContent")
    assert "s1" in said
    assert "2032: 600 MW" in said
    assert "bus c" in said
    is_quiet(page)


@pytest.mark.slow
def test_a_folded_figure_is_drawn_when_unfolded(browser: Browser, plan: Plan, tmp_path: Path) -> None:
    tables = dict(plan.tables)
    tables["contingencies"] = pd.concat([tables["contingencies"]] * 10, ignore_index=True)
    changed = Plan(plan.summary, tables, plan.findings, plan.config, plan.study)
    page = opened(browser, write_report(changed, tmp_path / "report.html"))
    figure = "document.getElementById('figure-outage_loading')"
    assert page.value(f"{figure}.querySelector('svg')") is None
    page.click(f"{figure}.closest('details').querySelector('summary')")
    page.wait_for(f"{figure}.querySelector('.barlayer .point path')")
    is_quiet(page)


def test_the_page_fits_a_phone(browser: Browser, plan: Plan, tmp_path: Path) -> None:
    page = opened(browser, write_report(plan, tmp_path / "report.html"), width=390)
    assert page.value("document.documentElement.scrollWidth") == 390
    for figure in page.value(DRAWN):
        assert 300 < figure["width"] <= 390, figure["id"]
        assert figure["drawn"] == figure["shown"], figure["id"]
    is_quiet(page)


@pytest.mark.slow
def test_the_page_prints_with_every_figure(page: Browser) -> None:
    pages = page.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
    assert len(pages["data"]) > 50_000
    page.wait_for("document.querySelectorAll('#figure-map .updatemenu-button').length === 3")
    is_quiet(page)


def test_hostile_text_is_shown_and_never_run(browser: Browser, plan: Plan, tmp_path: Path) -> None:
    page = opened(browser, write_report(hostile(plan), tmp_path / "report.html"))
    assert page.value("document.images.length") == 0
    assert page.value("document.title") == HOSTILE
    cells = page.value("[...document.querySelectorAll('td')].map(cell => cell.textContent)")
    assert HOSTILE in cells
    labels = page.value("[...document.querySelectorAll('#figure-map .textpoint')].map(label => label.textContent)")
    assert any("<script>alert(1)</script>" in label for label in labels)
    page.hover("[...document.querySelectorAll('#figure-map .textpoint')][0].closest('.trace').querySelector('.point')")
    page.wait_for("document.querySelector('#figure-map .hovertext')")
    assert "<script>alert(1)</script>" in page.value("document.querySelector('#figure-map .hovertext').textContent")
    assert page.value("document.images.length") == 0
    is_quiet(page)


def sites_file(plan: Plan, tmp_path: Path) -> Path:
    assert plan.study is not None
    found = plan.study.candidates
    sites = found.sites.rename(index={"s1": HOSTILE}).assign(road_km=3.25)
    sources = {"road_km": ("km", "a cited source")}
    return sites_page(dataclasses.replace(found, sites=sites), LOST, sources, tmp_path / "sites.html", plan.study)


VISIBLE = "document.getElementById('figure-sites').data.filter(t => t.visible !== false).map(t => t.name)"


@pytest.mark.slow
def test_layers_of_the_map_of_sites_are_switched(browser: Browser, plan: Plan, tmp_path: Path) -> None:
    page = opened(browser, sites_file(plan, tmp_path))
    (figure,) = page.value(DRAWN)
    assert figure["width"] > 600
    assert "too far (7)" in page.value(VISIBLE)
    assert "4 buses" not in page.value(VISIBLE)
    box = "[...document.querySelectorAll('.switches label')].find(l => l.textContent.includes('{}')).firstElementChild"
    page.click(box.format("too far"))
    page.wait_for(f"!({VISIBLE}).includes('too far (7)')")
    page.click(box.format("buses"))
    page.wait_for(f"({VISIBLE}).includes('4 buses')")
    is_quiet(page)


@pytest.mark.slow
def test_a_site_on_the_map_opens_its_card(browser: Browser, plan: Plan, tmp_path: Path) -> None:
    page = opened(browser, sites_file(plan, tmp_path))
    card = "document.querySelector('.card-body').textContent"
    # The first site's card is open, its name shown as it is, and nothing in it is run.
    assert page.value("document.querySelector('.card h3').textContent") == HOSTILE
    assert page.value("document.images.length") == 0
    for said in ("usable land", "900", "ha", "Travis", "road", "3.2", "a cited source"):
        assert said in page.value(card)
    page.click("document.querySelectorAll('#figure-sites .scatterlayer .points path.point')[1]")
    page.wait_for("document.querySelector('.card h3').textContent === 's2'")
    assert "Williamson" in page.value(card)
    assert page.value("document.querySelector('.card select').value") == "s2"
    ring = "document.getElementById('figure-sites').data.find(t => t.meta === 'card')"
    marks = "document.getElementById('figure-sites').data.find(t => t.meta === 'sites')"
    assert page.value(f"[{ring}.x[0], {ring}.y[0]]") == page.value(f"[{marks}.x[1], {marks}.y[1]]")
    assert page.value(f"typeof {marks}.x[1]") == "number"
    is_quiet(page)


@pytest.mark.slow
def test_the_page_of_sites_fits_a_phone_and_prints(browser: Browser, plan: Plan, tmp_path: Path) -> None:
    page = opened(browser, sites_file(plan, tmp_path), width=390)
    assert page.value("document.documentElement.scrollWidth") <= 390
    (figure,) = page.value(DRAWN)
    assert figure["height"] <= 460
    top = "document.querySelector('{}').getBoundingClientRect().top"
    assert (
        page.value(top.format("#figure-sites")) < page.value(top.format(".card")) < page.value(top.format(".switches"))
    )
    assert len(page.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"]) > 20_000
    is_quiet(page)


@pytest.mark.slow
def test_the_map_of_candidates_is_drawn(browser: Browser, plan: Plan, tmp_path: Path) -> None:
    assert plan.study is not None
    page = opened(browser, sites_map(plan.study.candidates, tmp_path / "sites.html"))
    (figure,) = page.value(DRAWN)
    # Two rules, outlines of the sites, their marks, and the ring around the one whose card is open.
    assert figure["drawn"] == figure["shown"] == 5
    assert figure["points"] == 5 + 1
    is_quiet(page)
