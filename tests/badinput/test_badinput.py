"""One edit to a good study, and what is said about it: file, row or field, value, remedy, on one screen.

Every case is refused by `check` and by `solve` alike with exit code 2, without a traceback, and nothing is written.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Polygon, box
from typer.testing import CliRunner

from optimizer.cli.verbs import app

SCREEN_LINES = 30


@dataclass(frozen=True)
class Case:
    """One edit.

    Parameters
    ----------
    edit : callable
        Changes the study in a folder.
    rule : str
        Rule of the finding that must come of it.
    where : tuple of str
        What the place must name: file, row, field.
    found : str
        The value as it must be quoted.
    """

    edit: Callable[[Path], None]
    rule: str
    where: tuple[str, ...]
    found: str


def text(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace one piece of text, which must be there once."""

    def edit(folder: Path) -> None:
        content = (folder / file).read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{old!r} is {content.count(old)} times in {file}"
        (folder / file).write_text(content.replace(old, new), encoding="utf-8")

    return edit


def raw(file: str, content: bytes) -> Callable[[Path], None]:
    """Replace a file."""
    return lambda folder: (folder / file).write_bytes(content) and None


def gone(file: str) -> Callable[[Path], None]:
    """Remove a file."""
    return lambda folder: (folder / file).unlink()


def folder_for(file: str) -> Callable[[Path], None]:
    """Put a folder where a file was."""

    def edit(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return edit


def large(file: str, size: int) -> Callable[[Path], None]:
    """Make a file long, without taking the room on disk."""
    return lambda folder: os.truncate(folder / file, size)


def layer(frame: gpd.GeoDataFrame) -> Callable[[Path], None]:
    """Replace the map layer, by a file that can lack what GeoJSON always has."""

    def edit(folder: Path) -> None:
        text("study.toml", "parks.geojson", "parks.gpkg")(folder)
        with warnings.catch_warnings():
            # A layer without reference system is what some case is about.
            warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
            frame.to_file(folder / "parks.gpkg", layer="parks", geometry_type="Polygon")

    return edit


def circuit(row: str) -> Callable[[Path], None]:
    """Offer one new circuit."""
    header = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count,ready"
    return lambda folder: (folder / "grid" / "circuits.csv").write_text(f"{header}\n{row}\n", encoding="utf-8") and None


def both(first: Callable[[Path], None], second: Callable[[Path], None]) -> Callable[[Path], None]:
    """Two edits that make one mistake."""

    def edit(folder: Path) -> None:
        first(folder)
        second(folder)

    return edit


IN_TEXAS = text("study.toml", "[sites]\n", '[sites]\nregion = "texas"\n')
ONE_ZONE = 'source = "grid"\nsnapshot = [{ name = "all", hours = 8760, load_factors = { north = 0.6 } }]\n'
LAKES = 'layer = "lakes"'
PARK = box(-99.4, 31.7, -99.3, 31.8)
BOW_TIE = Polygon([(-99.4, 31.7), (-99.3, 31.8), (-99.3, 31.7), (-99.4, 31.8)])
ENDLESS = Polygon([(-99.4, 31.7), (-99.3, inf), (-99.3, 31.7), (-99.4, 31.8)])

CASES = {
    # study.toml
    "unknown key": Case(
        text("study.toml", "life_years", "lifetime_years"),
        "config.unknown_key",
        ("study.toml", "economics.lifetime_years"),
        "30",
    ),
    "unknown table": Case(
        text("study.toml", "[economics]", "[economy]"),
        "config.unknown_key",
        ("study.toml", "economy"),
        '{"life_years": 30}',
    ),
    "wrong unit of a length": Case(
        text("study.toml", "max_tie_km", "max_tie_miles"),
        "config.unknown_key",
        ("study.toml", "sites.max_tie_miles"),
        "30",
    ),
    "wrong unit of power": Case(
        text("study.toml", "it_mw", "it_gw"),
        "config.unknown_key",
        ("study.toml", "demand.it_gw"),
        '{"2028": 100, "2030": 200}',
    ),
    "missing study file": Case(gone("study.toml"), "config.missing_file", ("study.toml",), ""),
    "invalid TOML": Case(
        text("study.toml", "life_years = 30", "life_years = 30 years"), "config.toml", ("study.toml",), "line 38"
    ),
    "study in Latin-1": Case(
        raw("study.toml", b"[study]\nname = 'Caf\xe9'\n"), "config.encoding", ("study.toml",), "byte 0xe9"
    ),
    "oversized study file": Case(large("study.toml", 1_000_001), "config.too_large", ("study.toml",), "1000001 bytes"),
    "extends cycle": Case(
        text("study.toml", "[study]\n", 'extends = "study.toml"\n[study]\n'),
        "config.extends_cycle",
        ("study.toml", "extends"),
        "study.toml -> study.toml",
    ),
    "quoted number": Case(
        text("study.toml", "life_years = 30", 'life_years = "30"'),
        "config.wrong_type",
        ("study.toml", "economics.life_years"),
        '"30"',
    ),
    "infinite number": Case(
        text("study.toml", "max_tie_km = 30", "max_tie_km = inf"),
        "config.not_finite",
        ("study.toml", "sites.max_tie_km"),
        "inf",
    ),
    "share above one": Case(
        text("study.toml", "share_per_county = 0.8", "share_per_county = 80"),
        "config.out_of_range",
        ("study.toml", "limits.share_per_county"),
        "80",
    ),
    "share of substations without a grid": Case(
        both(
            text("study.toml", 'source = "grid"', 'source = "none"'),
            text("study.toml", "share_per_county = 0.8", "share_per_substation = 0.5"),
        ),
        "study.limits.substation_without_grid",
        ("limits.share_per_substation",),
        "0.5",
    ),
    "periods not increasing": Case(
        text("study.toml", "[2028, 2030]", "[2030, 2028]"),
        "config.periods_order",
        ("study.toml", "study.periods"),
        "[2030, 2028]",
    ),
    "demand in no period": Case(
        text("study.toml", "2030 = 200 }", "2030 = 200, 2033 = 300 }"),
        "config.demand_year",
        ("study.toml", "demand.it_mw.2033"),
        "300 MW",
    ),
    "period without demand": Case(
        text("study.toml", "2028 = 100, ", ""), "config.demand_year", ("study.toml", "demand.it_mw"), "2030"
    ),
    "negative demand": Case(
        text("study.toml", "2028 = 100", "2028 = -100"),
        "config.out_of_range",
        ("study.toml", "demand.it_mw.2028"),
        "-100",
    ),
    "unknown archetype": Case(
        both(IN_TEXAS, text("study.toml", "ai_training", "ai_trainning")),
        "config.unknown_archetype",
        ("demand.archetype",),
        "ai_trainning",
    ),
    "unknown cooling technology": Case(
        both(IN_TEXAS, text("study.toml", "hot_day_percentile = 95", 'technologies = ["peltier"]')),
        "study.cooling.unknown",
        ("cooling.technologies",),
        "peltier",
    ),
    "unknown contingency kind": Case(
        text("study.toml", '["branch"]', '["bus"]'),
        "config.unknown_choice",
        ("study.toml", "security.contingencies#1"),
        '"bus"',
    ),
    "scenario with an unknown key": Case(
        text("study.toml", "[economics]", "[scenario.dry.water]\nshare = 0\n[economics]"),
        "config.unknown_key",
        ("study.toml", "scenario.dry.water.share"),
        "0",
    ),
    "unknown snapshot": Case(
        text("study.toml", 'source = "grid"\n', 'source = "grid"\nsnapshots = ["summer"]\n'),
        "study.snapshot.unknown",
        ("grid.snapshots",),
        "summer",
    ),
    "unknown region": Case(
        text("study.toml", "[sites]\n", '[sites]\nregion = "texsa"\n'),
        "study.source.unknown",
        ("sites.region",),
        "texsa",
    ),
    # grid
    "missing grid": Case(
        text("study.toml", 'source = "grid"', 'source = "gird"'), "study.source.unknown", ("grid.source",), "gird"
    ),
    "missing grid table": Case(gone("grid/branches.csv"), "grid.table.missing", ("branches",), ""),
    "missing column": Case(
        text("grid/branches.csv", "x_pu", "notes"), "table.column.missing", ("branches.csv", "x_pu"), ""
    ),
    "wrong unit of a column": Case(
        text("grid/branches.csv", ",rating_mw", ",rating_kw"),
        "table.column.unknown",
        ("branches.csv", "rating_kw"),
        "rating_kw",
    ),
    "nan": Case(
        text("grid/branches.csv", "l2,n2,n3,0.05", "l2,n2,n3,nan"),
        "table.value.not_finite",
        ("branches.csv", "row 3", "x_pu"),
        "nan",
    ),
    "empty cell": Case(
        text("grid/buses.csv", "n3,230", "n3,"), "table.value.missing", ("buses.csv", "row 4", "base_kv"), ""
    ),
    "word for a number": Case(
        text("grid/generators.csv", "g2,n4,500", "g2,n4,lots"),
        "table.value.type",
        ("generators.csv", "row 3", "p_max_mw"),
        "lots",
    ),
    "negative rating": Case(
        text("grid/branches.csv", "l4,n4,n5,0.05,500", "l4,n4,n5,0.05,-500"),
        "table.value.out_of_range",
        ("branches.csv", "row 5", "rating_mw"),
        "-500",
    ),
    "zero reactance": Case(
        text("grid/branches.csv", "l5,n5,n6,0.05", "l5,n5,n6,0"),
        "grid.branch.zero_reactance",
        ("branches.csv", "row 6", "x_pu"),
        "0",
    ),
    "duplicate id": Case(
        text("grid/branches.csv", "l6,n6", "l5,n6"), "table.id.duplicate", ("branches.csv", "row 7", "branch"), "l5"
    ),
    "branch to no bus": Case(
        text("grid/branches.csv", "l6,n6", "l6,n9"), "grid.bus.unknown", ("branches.csv", "row 7", "from_bus"), "n9"
    ),
    "bus that nothing reaches": Case(
        text(
            "grid/buses.csv",
            "n6,230,50,31.3,-100.3,south\n",
            "n6,230,50,31.3,-100.3,south\nn7,230,50,31.3,-99.8,south\n",
        ),
        "grid.bus.isolated",
        ("buses.csv", "n7"),
        "",
    ),
    "generator limits": Case(
        text("grid/generators.csv", "p_max_mw,cost_usd_per_mwh", "p_min_mw,p_max_mw"),
        "grid.generator.limits",
        ("generators.csv", "row 2", "p_min_mw"),
        "500",
    ),
    "latitude and longitude swapped": Case(
        text("grid/buses.csv", "n1,230,50,31.0,-100.0", "n1,230,50,-100.0,31.0"),
        "table.value.out_of_range",
        ("buses.csv", "row 2", "lat"),
        "-100",
    ),
    "load factor missing for a zone": Case(
        both(gone("grid/load_factors.csv"), text("study.toml", 'source = "grid"\n', ONE_ZONE)),
        "study.zone.missing",
        ("grid.snapshot",),
        "south",
    ),
    "CSV in Latin-1": Case(
        raw("grid/buses.csv", b"bus,base_kv,name\nn1,230,Caf\xe9\n"), "file.encoding", ("buses.csv",), "0xe9"
    ),
    "ragged row": Case(
        text("grid/buses.csv", "n3,230,50", "n3,230,50,50,50,50"), "table.row.length", ("buses.csv",), ""
    ),
    "empty table": Case(raw("grid/buses.csv", b""), "file.empty", ("buses.csv",), ""),
    "oversized table": Case(large("grid/buses.csv", 2_000_000_000), "file.too_large", ("buses.csv",), "2000 MB"),
    "folder for a table": Case(folder_for("grid/buses.csv"), "file.is_folder", ("buses.csv",), ""),
    "not a network": Case(
        text("study.toml", 'source = "grid"', 'source = "sites.csv"'), "file.format", ("sites.csv",), ".csv"
    ),
    # sites and ties
    "missing site table": Case(gone("sites.csv"), "file.missing", ("sites.csv",), ""),
    "folder for a site table": Case(folder_for("sites.csv"), "file.is_folder", ("sites.csv",), ""),
    "no block size": Case(
        text("sites.csv", "s2,31.25,-99.25,50", "s2,31.25,-99.25,0"),
        "table.value.out_of_range",
        ("sites.csv", "row 3", "block_mw"),
        "0",
    ),
    "negative blocks": Case(
        text("sites.csv", "s3,31.55,-99.95,50,4", "s3,31.55,-99.95,50,-4"),
        "table.value.out_of_range",
        ("sites.csv", "row 4", "max_blocks"),
        "-4",
    ),
    "site twice": Case(text("sites.csv", "s3,31", "s1,31"), "table.id.duplicate", ("sites.csv", "row 4", "site"), "s1"),
    "site at an unknown bus": Case(
        text("sites.csv", "county", "bus"), "study.site.unknown_bus", ("sites", "s1", "bus"), "Alpha"
    ),
    "candidate outside the grid": Case(
        text("sites.csv", "s2,31.25,-99.25", "s2,48.2,16.4"), "study.site.outside_grid", ("sites", "s2"), "48.2"
    ),
    "tie to an unknown site": Case(
        text("ties.csv", "s2,n3", "s9,n3"), "study.tie.unknown_site", ("ties.csv", "row 3", "site"), "s9"
    ),
    "tie to an unknown bus": Case(
        text("ties.csv", "s2,n3", "s2,n9"), "study.site.unknown_bus", ("ties", "row 3", "bus"), "n9"
    ),
    "tie of no capacity": Case(
        text("ties.csv", "s3,n5,400", "s3,n5,-400"),
        "table.value.out_of_range",
        ("ties.csv", "row 4", "capacity_mw"),
        "-400",
    ),
    # layers
    "missing layer file": Case(gone("parks.geojson"), "file.missing", ("parks.geojson",), "parks.geojson"),
    "layer without CRS": Case(layer(gpd.GeoDataFrame(geometry=[PARK])), "vector.no_crs", ("parks.gpkg",), ""),
    "empty layer": Case(
        layer(gpd.GeoDataFrame(geometry=[], crs="EPSG:4326")), "vector.empty_layer", ("parks.gpkg",), ""
    ),
    # A polygon that crosses itself is repaired with a warning; one with an endless coordinate cannot be.
    "invalid polygon": Case(
        layer(gpd.GeoDataFrame(geometry=[PARK, ENDLESS], crs="EPSG:4326")),
        "vector.invalid_geometry",
        ("parks.gpkg", "feature 2"),
        "",
    ),
    "layer with exchanged axes": Case(
        layer(gpd.GeoDataFrame(geometry=[box(31.7, -99.4, 31.8, -99.3)], crs="EPSG:4326")),
        "vector.axis_order",
        ("parks.gpkg",),
        "x from 31.7",
    ),
    "layer filtered by an unknown column": Case(
        text("study.toml", "buffer_m = 100", "where = \"state = 'TX'\""),
        "vector.column",
        ("parks.geojson",),
        "'state'",
    ),
    "filter that is more than a condition": Case(
        text("study.toml", "buffer_m = 100", "where = \"name = 'x'; DROP TABLE parks\""),
        "layer.where.syntax",
        ("parks.geojson", "where"),
        "character 11",
    ),
    "layer that costs nothing in particular": Case(
        text("study.toml", "buffer_m = 100", 'rule = "cost"\nvalue = 1.0'),
        "study.layer.no_per",
        ("sites.layers#1 (parks)", "per"),
        "",
    ),
    "raster that is none": Case(
        both(raw("slope.tif", b"\x89PNG" + bytes(100)), text("study.toml", "parks.geojson", "slope.tif")),
        "raster.content",
        ("slope.tif",),
        "PNG",
    ),
    "unknown layer": Case(
        both(layer(gpd.GeoDataFrame(geometry=[PARK], crs="EPSG:4326")), text("study.toml", "buffer_m = 100", LAKES)),
        "file.layer",
        ("parks.gpkg",),
        "lakes",
    ),
    "layer is a picture": Case(
        raw("parks.geojson", b"\x89PNG\r\n\x1a\n" + bytes(100)), "vector.content", ("parks.geojson",), "PNG"
    ),
    "circuit to no bus": Case(circuit("c1,n1,n9,0.1,100,5,1,0"), "grid.bus.unknown", ("circuits", "to_bus"), "n9"),
    "circuit from a bus to itself": Case(circuit("c1,n1,n1,0.1,100,5,1,0"), "grid.branch.loop", ("circuits",), "n1"),
    "circuit of negative reactance": Case(
        circuit("c1,n1,n2,-0.1,100,5,1,0"), "grid.circuit.negative_reactance", ("circuits", "x_pu"), "-0.1 pu"
    ),
    "circuit without reactance": Case(
        circuit("c1,n1,n2,0,100,5,1,0"), "grid.branch.zero_reactance", ("circuits", "x_pu"), "0 pu"
    ),
    "circuit of negative rating": Case(
        circuit("c1,n1,n2,0.1,-100,5,1,0"), "table.value.out_of_range", ("circuits", "rating_mw"), "-100"
    ),
    "circuit of no cost": Case(
        circuit("c1,n1,n2,0.1,100,nan,1,0"), "table.value.not_finite", ("circuits", "cost_musd"), "nan"
    ),
    "circuit that may not be built": Case(
        circuit("c1,n1,n2,0.1,100,5,0,0"), "table.value.out_of_range", ("circuits", "max_count"), "0"
    ),
    "circuit called as a branch": Case(
        circuit("l1,n1,n2,0.1,100,5,1,0"), "study.circuits.name", ("circuits", "l1"), "l1"
    ),
    "headroom of another grid": Case(
        both(
            raw("headroom.csv", b"bus,limiting_branch\nn1,elsewhere\n"),
            text("study.toml", "[upgrades]", '[expansion]\nheadroom = "headroom.csv"\n[upgrades]'),
        ),
        "study.expansion.headroom.unknown",
        ("headroom.csv", "limiting_branch"),
        "elsewhere",
    ),
}


@pytest.fixture
def gridsite(good_study: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a verb on the study, from the folder above it."""
    monkeypatch.chdir(good_study.parent)
    runner = CliRunner()
    return lambda verb, *options: runner.invoke(app, [verb, "ring/study.toml", "--quiet", *options])


def test_the_good_study_is_good(gridsite, good_study: Path) -> None:
    result = gridsite("check", "--json")
    findings = json.loads(result.stdout)["findings"]
    assert [f for f in findings if f["severity"] == "error"] == []
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_refused_on_one_screen(gridsite, good_study: Path, case: Case) -> None:
    case.edit(good_study)
    before = sorted(good_study.parent.rglob("*"))
    result = gridsite("solve", "--out", "plan")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert 1 <= len(lines) <= SCREEN_LINES
    assert "Traceback" not in result.stderr
    mine = [line for line in lines if f"[{case.rule}]" in line]
    assert mine, result.stderr
    line = next((line for line in mine if case.found in line and all(part in line for part in case.where)), None)
    assert line is not None, result.stderr
    assert "; " in line, "no remedy"
    assert str(good_study.parent) not in result.stderr, "paths are the user's own, not the machine's"
    assert sorted(good_study.parent.rglob("*")) == before, "nothing is written"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_check_lists_the_same_in_json(gridsite, good_study: Path, case: Case) -> None:
    case.edit(good_study)
    result = gridsite("check", "--json")
    assert result.exit_code == 2, result.output
    answer = json.loads(result.stdout)
    assert answer["status"] == "refused"
    assert answer["files"] == []
    mine = [f for f in answer["findings"] if f["rule"] == case.rule]
    assert mine
    assert all(f["severity"] == "error" and f["remedy"] and f["message"] for f in mine)
    assert "Traceback" not in result.stderr


SNAPSHOT = 'source = "grid"\nsnapshot = [{ name = "all", hours = 8670 }]\n'


@pytest.mark.parametrize(
    ("edit", "hours"),
    [
        (text("grid/snapshots.csv", "light,8000", "light,800"), "1560 h"),
        (both(text("study.toml", 'source = "grid"\n', SNAPSHOT), gone("grid/load_factors.csv")), "8670 h"),
    ],
)
def test_hours_of_another_span_than_a_year_are_said_and_not_refused(
    gridsite, good_study: Path, edit: Callable[[Path], None], hours: str
) -> None:
    edit(good_study)
    result = gridsite("check")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if "[study.snapshot.hours]" in line)
    assert line.startswith("warning: ")
    assert hours in line


def test_a_circuit_too_late_for_the_study_is_said_and_not_refused(gridsite, good_study: Path) -> None:
    circuit("c1,n1,n2,0.1,100,5,1,2031")(good_study)
    result = gridsite("check")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if "[study.circuits.late]" in line)
    assert line.startswith("warning: ")
    assert "2030" in line
    assert "2031" in line


def test_a_polygon_that_crosses_itself_is_repaired_and_said(gridsite, good_study: Path) -> None:
    layer(gpd.GeoDataFrame(geometry=[PARK, BOW_TIE], crs="EPSG:4326"))(good_study)
    result = gridsite("check")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if "[vector.invalid_geometry]" in line)
    assert line.startswith("warning: parks.gpkg layer parks, feature 2")


def test_several_problems_in_several_files_come_together(gridsite, good_study: Path) -> None:
    for case in ("negative rating", "duplicate id", "negative blocks", "layer without CRS"):
        CASES[case].edit(good_study)
    found = {f["rule"] for f in json.loads(gridsite("check", "--json").stdout)["findings"]}
    assert {"table.value.out_of_range", "table.id.duplicate", "vector.no_crs"} <= found


def test_hundreds_of_problems_still_fit_on_a_screen(gridsite, good_study: Path) -> None:
    rows = "".join(f"x{i},n1,n2,0,-1,-1,1\n" for i in range(500))
    with (good_study / "grid" / "branches.csv").open("a", encoding="utf-8") as file:
        file.write(rows)
    result = gridsite("check")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) <= SCREEN_LINES
    assert "more" in lines[-1]


def test_an_impossible_target_leaves_the_reasons_and_nothing_else(gridsite, good_study: Path) -> None:
    # Three sites of at most 4 blocks of 50 MW hold 600 MW of IT.
    text("study.toml", "2030 = 200", "2030 = 5000")(good_study)
    text("study.toml", "share_per_county = 0.8\n", "")(good_study)
    result = gridsite("solve", "--out", "plan")
    assert result.exit_code == 3, result.output
    assert "Traceback" not in result.stderr
    written = good_study.parent / "plan"
    assert sorted(path.name for path in written.iterdir()) == ["findings.json", "plan.json"]
    summary = json.loads((written / "plan.json").read_text(encoding="utf-8"))
    assert summary["status"] == "infeasible"
    findings = json.loads((written / "findings.json").read_text(encoding="utf-8"))
    said = " ".join(f"{f['message']} {f['found']} {f['remedy']} {f['value']} {f['limit']}" for f in findings)
    assert "5000" in said.replace(",", "")
    assert "2030" in said or any("2030" in f["where"] for f in findings)
