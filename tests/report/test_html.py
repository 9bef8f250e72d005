import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from optimizer.errors import Finding
from optimizer.plan.plan import Plan
from optimizer.plan.tables import empty_table
from optimizer.report import html as page
from optimizer.report import sites_map, write_report
from tests.report.small import NO_GRID_TOML, small_plan

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """What a browser would make of the page: elements, their attributes, texts of tables, data of figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.data: dict[str, Any] = {}
        self._inside: list[str] = []
        self._figure = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.elements.append((tag, values))
        self._inside.append(tag)
        if tag == "td":
            self.cells.append("")
        self._figure = str(values["id"]) if values.get("type") == "application/json" else ""

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] == "td":
            self.cells[-1] += data
        if self._inside and self._inside[-1] == "script" and self._figure:
            self.data[self._figure] = json.loads(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    def ids(self) -> set[str]:
        return {str(values["id"]) for _, values in self.elements if "id" in values}


@pytest.fixture(scope="module")
def text(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(plan, tmp_path_factory.mktemp("report") / "report.html").read_text(encoding="utf-8")


def own(text: str) -> str:
    """The page without plotly's library."""
    start = text.index("plotly.js v")
    return text[: text.rindex("<script>", 0, start)] + text[text.index("</script>", start) :]


def words(text: str) -> str:
    """What a reader sees, spaces made plain."""
    shown = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", " ", own(text))
    return " ".join(html.unescape(shown).split())


def test_the_answer_comes_first(text: str) -> None:
    said = words(text)
    assert "900 MW of IT load at 2 sites by 2032" in said
    assert "1,000.0 M$ more than the same system without the new load" in said
    assert "more than 10.0 M$ cheaper (1.25 % of the cost" in said
    assert "No limit of the network is broken in the base case or after any of the 5 single outages" in said
    assert "independent recomputation from the inputs, without the optimization model, confirms every figure" in said
    assert said.index("900 MW of IT load") < said.index("Size and connection")
    assert "A made-up network of four buses." in said


def test_every_section_is_there_in_order(text: str) -> None:
    sections = re.findall(r'<section id="(\w+)"', text)
    first = "answer map sites capacity cost binds comparison outages upgrades base_overloads water candidates"
    assert sections == [*first.split(), "findings", "data", "model", "provenance"]
    for name in sections[1:]:
        assert f'href="#{name}"' in text


def test_figures_have_data_and_fixed_places(text: str) -> None:
    read = Reader(text)
    names = {"map", "capacity", "cost", "comparison_0", "loading", "water"}
    assert {f"figure-{name}-data" for name in names} == set(read.data)
    assert {f"figure-{name}" for name in names} <= read.ids()
    assert all(figure["data"] for figure in read.data.values())


def test_numbers_of_the_tables_are_right_and_aligned(text: str) -> None:
    assert '<td class="number">600</td>' in text
    assert "12.50 $/MWh" in words(text)
    cells = Reader(text).cells
    assert "4,400.0" in cells  # generation, 2,000 and 2,400 M$
    assert "90.0" in cells  # 1,800 of 2,000 m3/day
    assert "ab1 ALPHA – BETA" in cells


def test_the_baseline_is_taken_off_generation(text: str) -> None:
    bars = Reader(text).data["figure-cost-data"]["data"][0]
    assert dict(zip(bars["y"], bars["x"], strict=True)) == {"generation above the baseline": 400, "sites": 600}


def test_the_comparison_says_which_limits_made_the_difference(text: str) -> None:
    said = words(text)
    assert "The plan without security costs 100.0 M$ less." in said
    assert "It builds 2 sites: 1 of this plan's 2 (0 at the same size) and 1 elsewhere." in said
    assert "breaks 1 branch limit, after 1 outage" in said
    assert "branch ab1 ALPHA – BETA would carry 690 MW, its limit is 600 MW (2032, summer peak)" in said


def test_base_overloads_are_said_honestly(text: str) -> None:
    said = words(text)
    assert "The network breaks 1 limit before any new load." in said
    assert "7.5 MW at most" in said


def test_the_model_is_stated_in_words_and_algebra(text: str) -> None:
    said = words(text)
    assert "A site once built stays built." in said
    assert "x[s,t-1] <= x[s,t]" in said


def test_inputs_are_listed_with_their_hash(plan: Plan, text: str) -> None:
    assert plan.study is not None
    assert "study.toml" in words(text)
    assert re.search(r"<td>[0-9a-f]{64}</td>", text)


def test_the_page_needs_nothing_from_elsewhere(text: str) -> None:
    for tag, values in Reader(text).elements:
        assert tag not in {"iframe", "object", "embed", "base", "form", "img"}, tag
        assert "src" not in values, (tag, values)
        assert str(values.get("href", "#")).startswith(("#", "data:")), (tag, values)
    assert "default-src 'none'" in text
    assert "url(" not in own(text)
    assert "@import" not in own(text)
    assert text.count("plotly.js v") == 1


def test_the_same_plan_gives_the_same_bytes(plan: Plan, tmp_path: Path) -> None:
    first, second = (write_report(plan, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_the_file_stays_small(text: str) -> None:
    assert len(own(text).encode()) < 0.3e6
    assert len(text.encode()) < 6e6


def test_nothing_half_written_is_left(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.html"
    target.write_text("before", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(page.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(plan, target)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text(encoding="utf-8") == "before"


def renamed(plan: Plan, column: str, old: str, new: str) -> Plan:
    """The plan with one value of a column replaced in every table."""
    tables = {
        name: table.assign(**{column: table[column].replace(old, new)}) if column in table else table
        for name, table in plan.tables.items()
    }
    return dataclasses.replace(plan, tables=tables)


def hostile(plan: Plan) -> Plan:
    """The plan with markup wherever a user may write text."""
    for column, old in (("site", "s1"), ("county", "Travis"), ("branch", "ab1"), ("basin", "b1"), ("rule", "too_far")):
        plan = renamed(plan, column, old, HOSTILE)
    study: Any = plan.study
    buses = study.grid.buses.assign(name=HOSTILE)
    refused = study.candidates.refused.assign(rule=HOSTILE)
    study = dataclasses.replace(
        study,
        grid=dataclasses.replace(study.grid, buses=buses),
        candidates=dataclasses.replace(study.candidates, refused=refused),
    )
    settings = plan.config.report.model_copy(update={"title": HOSTILE})
    findings = (Finding("a.rule", HOSTILE, HOSTILE, HOSTILE, HOSTILE, "warning"),)
    summary = plan.summary | {"data_notice": HOSTILE, "versions": {HOSTILE: HOSTILE}}
    config = plan.config.model_copy(update={"report": settings})
    return dataclasses.replace(plan, study=study, config=config, findings=findings, summary=summary)


def test_text_of_users_is_data(plan: Plan, text: str, tmp_path: Path) -> None:
    attacked = write_report(hostile(plan), tmp_path / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in attacked
    assert "<script>alert" not in attacked
    read = Reader(attacked)
    assert HOSTILE in read.cells
    assert read.count("script") == Reader(text).count("script")
    assert read.count("img") == 0
    assert all(not name.startswith("on") for _, values in read.elements for name in values)
    # In figures, whose labels know a few tags, it is escaped once more.
    shown = json.dumps(read.data)
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert "<img" not in shown


@pytest.mark.every(5)
@pytest.mark.parametrize(
    "missing",
    [
        ["upgrades", "binding", "base_overloads"],
        ["water", "water_sources"],
        ["contingencies", "flows", "energy_prices"],
        ["candidates", "refused"],
        ["sites", "ties", "costs", "demand", "comparison_limits"],
    ],
)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_table_that_is_missing_leaves_the_rest_standing(
    plan: Plan, missing: list[str], how: str, tmp_path: Path
) -> None:
    tables = {name: table for name, table in plan.tables.items() if name not in missing}
    if how == "empty":
        tables |= {name: empty_table(name) for name in missing}
    bare = dataclasses.replace(plan, tables=tables)
    text = write_report(bare, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "by 2032" in words(text)


def test_a_plan_of_tables_alone_is_reported(plan: Plan, tmp_path: Path) -> None:
    alone = dataclasses.replace(plan, study=None, scenarios={})
    text = write_report(alone, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "figure-map-data" in Reader(text).data
    assert "comparison" not in re.findall(r'<section id="(\w+)"', text)


def test_a_study_without_a_network_says_so(tmp_path: Path) -> None:
    made = small_plan(tmp_path, NO_GRID_TOML)
    kept = ("sites", "ties", "costs", "demand", "water", "candidates", "refused")
    tables = {name: made.tables[name] for name in kept}
    text = write_report(dataclasses.replace(made, tables=tables, scenarios={}), tmp_path / "report.html").read_text()
    assert "The study has no network" in words(text)
    sections = re.findall(r'<section id="(\w+)"', text)
    assert not {"outages", "upgrades", "base_overloads"} & set(sections)
    assert "map" in sections


def test_what_was_not_proven_or_not_checked_is_said(plan: Plan, tmp_path: Path) -> None:
    summary = plan.summary | {"status": "limit_with_plan", "seconds": {"read": 1.0}, "n_violations": 2}
    demand = plan.tables["demand"].assign(shortfall_mw=[0.0, 100.0])
    doubtful = dataclasses.replace(plan, summary=summary, tables=plan.tables | {"demand": demand})
    said = words(write_report(doubtful, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "The search stopped at its limit" in said
    assert "has not been recomputed independently" in said
    assert "The check found 2 violations" in said
    assert "100 MW in 2032 is not served" in said


def test_errors_of_the_verification_are_said(plan: Plan, tmp_path: Path) -> None:
    wrong = dataclasses.replace(plan, findings=(Finding("plan.flow", "tables/flows.csv row 3", "is wrong"),))
    said = words(write_report(wrong, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "does not confirm the plan: 1 error" in said
    assert "confirms every figure" not in said
    assert "tables/flows.csv row 3" in said


def test_a_scenario_without_a_plan_is_said(plan: Plan, tmp_path: Path) -> None:
    failed = Plan({"status": "infeasible"}, {}, (), plan.config)
    odd = dataclasses.replace(plan, scenarios={"dry": failed})
    said = words(write_report(odd, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "The scenario dry has no plan (infeasible)." in said


def test_long_tables_are_cut_and_say_where_all_is(plan: Plan, tmp_path: Path) -> None:
    rows = pd.concat([plan.tables["binding"]] * 100, ignore_index=True)
    rows["element"] = [f"x{i}" for i in range(len(rows))]
    long = dataclasses.replace(plan, tables=plan.tables | {"binding": rows})
    said = words(write_report(long, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "The first 60 of 185 rows; all are in tables/binding.csv." in said


def test_the_map_of_candidates_stands_alone(plan: Plan, tmp_path: Path) -> None:
    study: Any = plan.study
    for number, given in enumerate((None, study)):
        text = sites_map(study.candidates, tmp_path / f"{number}.html", given).read_text(encoding="utf-8")
        figure = Reader(text).data["figure-sites-data"]
        names = {trace["name"] for trace in figure["data"]}
        assert {"5\u00a0candidates", "too far (7)", "excluded: wetland (1)"} <= names
        assert ("counties" in names) == (given is not None)
        assert "5 candidate sites" in words(text)
        assert "no point of interconnection within sites.max_tie_km" in words(text)
