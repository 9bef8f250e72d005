"""Same study, same files: small studies again and again, in processes with other seeds of Python's hashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.repeat import differences, solve_apart
from tests.solve.small import HEAD, STAR_STUDY, TWO_PERIODS

pytestmark = pytest.mark.bench

BUSES = 12
HASH_SEEDS = (1, 2)
REPEATS = 5

RING = """
[grid]
source = "grid"
[[grid.snapshot]]
name = "peak"
hours = 1760
[[grid.snapshot]]
name = "light"
hours = 7000
load_factor = 0.6
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 300, 2032 = 450 }
[upgrades]
enabled = false
"""


def write(folder: Path, text: str, tables: dict[str, str]) -> str:
    """Write the files of a study; return its path."""
    for name, table in tables.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.csv").write_text(table, encoding="utf-8")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return str(folder / "study.toml")


def ring() -> dict[str, str]:
    """A ring of equal buses, each with two equal sites: many plans cost the same, one of them has to be chosen."""
    lines = [(i, (i + step) % BUSES, step) for step in (1, 5) for i in range(BUSES)]
    tables = {
        "grid/buses": ["bus,base_kv,load_mw", *(f"n{i},230,20" for i in range(BUSES))],
        "grid/branches": [
            "branch,from_bus,to_bus,x_pu,rating_mw",
            *(f"l{i}-{j},n{i},n{j},{0.02 * step},60" for i, j, step in lines),
        ],
        "grid/generators": [
            "generator,bus,p_max_mw,cost_usd_per_mwh",
            *(f"g{i},n{i},400,{10 + i % 2}" for i in range(0, BUSES, 3)),
        ],
        "sites": [
            "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block",
            *(f"s{i}{which},n{i},50,2,4" for i in range(BUSES) for which in "ab"),
        ],
    }
    return {name: "\n".join(rows) + "\n" for name, rows in tables.items()}


@pytest.mark.parametrize("repeats", [1, pytest.param(REPEATS, marks=pytest.mark.slow)])
def test_runs_of_small_studies_give_the_same_files(repeats: int, tmp_path: Path) -> None:
    """Twenty-four equal sites take the search over sets of sites; the star is solved with and without security."""
    star, tables = STAR_STUDY
    studies = {
        "ring": write(tmp_path / "ring", TWO_PERIODS + RING, ring()),
        "star": write(tmp_path / "star", HEAD + star, dict(tables)),
    }
    for seed in HASH_SEEDS:
        runs = range(repeats)
        solve_apart([(s, tmp_path / f"{name}_{seed}_{run}") for run in runs for name, s in studies.items()], seed)
    for name in studies:
        folders = [tmp_path / f"{name}_{seed}_{run}" for seed in HASH_SEEDS for run in range(repeats)]
        assert len(folders) == repeats * len(HASH_SEEDS)
        assert (folders[0] / "tables" / "sites.csv").is_file()
        assert [differences(folders[0], folder) for folder in folders] == [[]] * len(folders)


def test_a_difference_is_found(tmp_path: Path) -> None:
    for name, cost, seconds in (("a", "1.0", 1), ("b", "1.0", 2), ("c", "1.5", 1)):
        (tmp_path / name / "tables").mkdir(parents=True)
        (tmp_path / name / "tables" / "costs.csv").write_text(f"cost_musd\n{cost}\n")
        (tmp_path / name / "plan.json").write_text(f'{{"gap": 0.1, "seconds": {{"lp": {seconds}}}}}')
    (tmp_path / "c" / "solve.log").touch()
    assert differences(tmp_path / "a", tmp_path / "b") == []
    assert differences(tmp_path / "a", tmp_path / "c") == ["solve.log", "tables/costs.csv"]
