"""The example on RTS-GMLC: its tables against what the source publishes, and its three studies."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import InfeasibleError
from optimizer.io import read_grid
from optimizer.plan.plan import tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from optimizer.study import Study, read_study

HOT_DAYS = ["hot_night", "hot_morning", "hot_afternoon", "hot_evening"]
AREAS = {"adler": 1, "arne": 1, "asser": 1, "attlee": 1, "baffin": 2, "barlow": 2, "bates": 2, "bloch": 2}


def prepare(script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def source(reference_data: Path) -> Path:
    folder = reference_data / "RTS-GMLC"
    if not (folder / "SourceData").is_dir():
        pytest.skip(f"no RTS-GMLC in the reference cases at {reference_data}")
    return folder


@pytest.fixture(scope="module")
def example(repository: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with its tables written, as its page says."""
    folder = tmp_path_factory.mktemp("rts") / "rts_gmlc"
    shutil.copytree(repository / "examples" / "rts_gmlc", folder, ignore=shutil.ignore_patterns("prepared"))
    run = prepare(folder / "prepare.py", source)
    assert run.returncode == 0, run.stderr
    return folder


def last_period(example: Path, name: str) -> Study:
    """A study of the example for 2034 alone."""
    return read_study(example / name).override({"study.periods": [2034], "demand.it_mw": {2034: 1800}})


def test_tables_say_what_the_source_says(example: Path, source: Path) -> None:
    """Ratings of line A1, the year's highest load, a unit's cost from its blocks of heat, and a wind plant's hour."""
    grid = read_grid(example / "prepared" / "grid")
    line = grid.branches.loc["A1"]
    assert line[["rating_mw", "rating_emergency_mw", "rating_short_term_mw"]].tolist() == [175, 193, 200]
    assert grid.snapshots["hours"].sum() == pytest.approx(8760)
    factors = grid.load_factors.query("snapshot == 'hot_afternoon'")["factor"]
    assert 2850 * factors.sum() == pytest.approx(8191.835957, abs=0.01)
    # 40 % at 13,114 Btu/kWh and three fifths more at 9,456, 9,476 and 10,352, at 10.3494 $/MMBtu.
    heat = 0.4 * 13.114 + 0.2 * (9.456 + 9.476 + 10.352)
    assert grid.generators.at["101_CT_1", "cost_usd_per_mwh"] == pytest.approx(10.3494 * heat, abs=1e-4)
    assert grid.generators.at["101_CT_1", "carbon_t_per_mwh"] == pytest.approx(160 * 0.45359237e-3 * heat, abs=1e-5)
    wind = pd.read_csv(source / "timeseries" / "DAY_AHEAD_wind.csv.gz").query("Month == 8 and Day == 26")
    given = grid.availability.query("snapshot == 'hot_afternoon' and generator == '122_WIND_1'")["factor"].item()
    rated = grid.generators.at["122_WIND_1", "p_max_mw"]
    assert given == pytest.approx(wind.set_index("Period").at[15, "122_WIND_1"] / rated, abs=1e-5)
    assert "DATA USE DISCLAIMER" in (example / "prepared" / "NOTICE.md").read_text(encoding="utf-8")


def test_carbon_of_the_sites_is_that_of_their_areas(example: Path) -> None:
    """Mean emissions of an area's units when the cheapest of the system run, network aside."""
    grid = read_grid(example / "prepared" / "grid")
    units = grid.generators.sort_values(["cost_usd_per_mwh"], kind="stable")
    area = units["bus"].str[0]
    given = grid.availability.pivot(index="generator", columns="snapshot", values="factor").loc[units.index]
    need = 2850 * grid.load_factors.groupby("snapshot")["factor"].sum()
    tonnes, mwh = np.zeros(3), np.zeros(3)
    for h, hours in grid.snapshots["hours"].items():
        can = units["p_max_mw"] * given[h]
        runs = (need[h] - (can.cumsum() - can)).clip(0, can)
        tonnes += hours * (runs * units["carbon_t_per_mwh"]).groupby(area).sum().to_numpy()
        mwh += hours * runs.groupby(area).sum().to_numpy()
    sites = pd.read_csv(example / "sites.csv").set_index("site")
    expected = [(tonnes / mwh)[AREAS.get(str(s), 3) - 1] for s in sites.index]
    assert sites["emission_t_per_mwh"].tolist() == pytest.approx(expected, abs=0.01)


def test_the_layout_of_the_published_repository_is_read_too(example: Path, source: Path, tmp_path: Path) -> None:
    """There series are not compressed, in a folder a kind, and the terms of use one folder higher."""
    data = tmp_path / "RTS_Data"
    shutil.copytree(source / "SourceData", data / "SourceData", copy_function=shutil.copyfile)
    shutil.copyfile(source / "README.md", tmp_path / "README.md")
    for kind, name in (("Load", "regional_Load"), ("PV", "pv"), ("WIND", "wind")):
        target = data / "timeseries_data_files" / kind / f"DAY_AHEAD_{name}.csv"
        target.parent.mkdir(parents=True)
        target.write_bytes(gzip.decompress((source / "timeseries" / f"DAY_AHEAD_{name}.csv.gz").read_bytes()))
    run = prepare(example / "prepare.py", tmp_path, "--out", tmp_path / "made")
    assert run.returncode == 0, run.stderr
    one, other = ({f.name: f.read_bytes() for f in p.rglob("*.*")} for p in (tmp_path / "made", example / "prepared"))
    assert one == other


def test_without_the_data_it_says_what_to_do(repository: Path, tmp_path: Path) -> None:
    script = repository / "examples" / "rts_gmlc" / "prepare.py"
    run = prepare(script, tmp_path, "--out", tmp_path / "made")
    assert (run.returncode, run.stdout) == (2, "")
    assert "README.md" in run.stderr
    (tmp_path / "README.md").write_text("terms", encoding="utf-8")
    run = prepare(script, tmp_path, "--out", tmp_path / "made")
    assert "SourceData" in run.stderr
    assert not list(tmp_path.glob("made*"))


def test_as_firm_load_they_do_not_fit(example: Path) -> None:
    """On the hottest afternoon units give 9,901 MW for 8,192 MW of load and 1,800 MW of campuses."""
    with pytest.raises(InfeasibleError) as refused:
        solve_study(last_period(example, "firm.toml"))
    said = " ".join(map(str, refused.value.findings))
    assert "9,900.7 of 9,991.8 MW" in said


@pytest.mark.slow
def test_curtailed_in_hot_hours_they_fit(example: Path) -> None:
    plan = solve_study(last_period(example, "non_firm.toml"))
    rows = plan.table("service")
    assert set(rows.loc[rows["curtailed_mw"] > 1e-3, "snapshot"]) <= set(HOT_DAYS)
    years = plan.table("service_years")
    assert 0 < years["curtailed_share"].max() <= 0.01 + 1e-6
    # In the evening they may draw 8,766.9 of the 8,880.1 MW that all together ask for.
    assert rows.query("snapshot == 'hot_evening'")["curtailed_mw"].sum() >= 113.2 - 0.1
    assert plan.summary["gap"] <= 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", ["study.toml", "non_firm.toml"])
def test_a_whole_study_holds(example: Path, name: str, tmp_path: Path) -> None:
    plan = tidy_plan(solve_study(read_study(example / name)))
    assert [str(f) for f in verify_plan(write_plan(plan, tmp_path / "plan")) if f.severity == "error"] == []
    assert plan.summary["gap"] <= 0.02
    assert plan.summary["n_contingencies_checked"] == 120
    zone = read_grid(example / "prepared" / "grid").buses["zone"]
    placed = plan.table("sites").assign(zone=lambda t: t["bus"].astype(str).map(zone))
    assert (placed.groupby(["period", "zone"])["it_mw"].sum().unstack().loc[2034] <= 900 + 1e-6).all()
    assert "RTS-GMLC" in render_report(plan)
    if name == "study.toml":
        # A fifth of the power of summer nights, when sun and wind give 4 %, is what batteries keep from the day.
        assert plan.table("supply").query("technology == 'battery'")["energy_mwh"].sum() > 100


@pytest.mark.slow
def test_a_longer_rating_leaves_no_more_room(example: Path, source: Path, gridsite, tmp_path: Path) -> None:
    """Headroom at every bus with short-term ratings after an outage is at least that with long-term ones."""
    room = {}
    for rating in ("long_term", "short_term"):
        made = tmp_path / rating
        assert prepare(example / "prepare.py", source, "--after-outage", rating, "--out", made).returncode == 0
        options = ["--mode", "redispatch", "--snapshot", "hot_afternoon", "--out", made / "room", "--quiet"]
        run = gridsite("headroom", made / "grid", *options)
        assert run.exit_code == 0, run.stderr
        room[rating] = pd.read_csv(made / "room" / "headroom.csv", dtype={"bus": str}).set_index("bus")
    column = "headroom_mw"
    assert (room["short_term"][column] >= room["long_term"][column] - 1e-3).all()
    assert room["short_term"][column].sum() > room["long_term"][column].sum() + 100
