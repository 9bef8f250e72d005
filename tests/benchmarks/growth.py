"""How time and memory grow with the network and with the number of candidate sites.

``python -m tests.benchmarks.growth [--networks area,texas,western] [--candidates 50,200,500,1500] [--out DIR]
[--image docs/images/growth.svg]``. The network of ``western`` is that of ``gridsite data fetch western``.

Every study runs in a process of its own, by the command line: read, solved, verified and reported. Candidates are buses
of 100 kV and more, spread evenly over the list of buses, several at a bus where there are more candidates than buses.
What a block costs varies over them by the golden ratio's multiples, which fill an interval evenly; the costs are those
of the siting benchmark in size. What is to be placed is 7 % of the network's load.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.io import read_grid
from optimizer.resources import dataset_path
from tests.benchmarks.growth_image import draw

STUDY = """[study]
name = "Growth: {network}, {candidates} candidates"
periods = [2030]
[economics]
discount_rate = 0.0
last_period_years = 1.0
[grid]
source = "grid"
{area}
[[grid.snapshot]]
name = "peak"
hours = 1760
availability = {{ wind = 0.35, solar = 0.40, hydro = 0.50 }}
[[grid.snapshot]]
name = "typical"
hours = 7000
load_factor = 0.7
availability = {{ wind = 0.35, solar = 0.25, hydro = 0.50 }}
[sites]
table = "sites.csv"
[demand]
it_mw = {{ 2030 = {it_mw} }}
[security]
base_overloads = "allow"
[upgrades]
enabled = false
[solve]
gap = {gap}
time_limit_s = {time_limit_s}
"""

AREA = 'area = { center = "3007159", hops = 7 }'
"""Seven branches around a bus of 345 kV in Houston: 518 buses of the bundled network."""

TABLES = ("buses", "branches", "generators", "hvdc")

SHARE_OF_LOAD = 0.07
BLOCK_MW = 100
GOLDEN = (5**0.5 - 1) / 2

STAGES = ("read", "overloads", "build", "screen", "lp", "mip", "repair", "settle", "verify", "report")


@dataclass(frozen=True)
class Network:
    """A network of the benchmark: where it comes from, and the part of it that is used."""

    name: str
    source: str
    area: str = ""

    def copy_tables(self, folder: Path) -> None:
        """Copy the network without what its dataset says of hours and land: those are the study's own."""
        folder.mkdir()
        for table in sorted((dataset_path(self.source) / "grid").iterdir()):
            if table.stem in TABLES:
                shutil.copy(table, folder / table.name)

    def buses(self) -> pd.DataFrame:
        """Buses of the part that is used, by id."""
        grid = read_grid(dataset_path(self.source) / "grid")
        if not self.area:
            return grid.buses
        centre, hops = self.area.split('"')[1], int(self.area.rstrip("} ").rsplit("=", 1)[1])
        return grid.buses.loc[_near(grid.branches_in_service, centre, hops)]


def _near(branches: pd.DataFrame, centre: str, hops: int) -> list[str]:
    """Buses within so many branches of a bus, in order of their ids."""
    found = {centre}
    for _ in range(hops):
        touching = branches[branches["from_bus"].isin(found) | branches["to_bus"].isin(found)]
        found |= set(touching["from_bus"]) | set(touching["to_bus"])
    return sorted(found)


NETWORKS = {
    n.name: n for n in (Network("area", "texas", AREA), Network("texas", "texas"), Network("western", "western"))
}


@dataclass(frozen=True)
class Measured:
    """What one run took, and how good its plan is."""

    network: str
    buses: int
    candidates: int
    status: str
    seconds: float
    processor_s: float
    peak_memory_mb: float
    gap: float
    n_sites: int
    violations: int
    stages: dict[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """One row of the table; stages in seconds."""
        own = {k: v for k, v in self.__dict__.items() if k != "stages"}
        return own | {f"{name}_s": round(self.stages.get(name, 0.0), 1) for name in STAGES}


def make(folder: Path, network: Network, candidates: int, gap: float, time_limit_s: float) -> int:
    """Write the files of a study.

    Parameters
    ----------
    folder : Path
        Where they go; made here.
    network : Network
        Where the campuses go.
    candidates : int
        Number of candidate sites.
    gap : float
        Gap on what the decision can change [-].
    time_limit_s : float
        Time of the solve [s].

    Returns
    -------
    int
        Number of buses of the network.
    """
    folder.mkdir(parents=True)
    buses = network.buses()
    sites(buses, candidates).to_csv(folder / "sites.csv", index=False)
    it_mw = max(BLOCK_MW, round(SHARE_OF_LOAD * float(buses["load_mw"].sum()) / BLOCK_MW) * BLOCK_MW)
    network.copy_tables(folder / "grid")
    text = STUDY.format(
        network=network.name,
        area=network.area,
        candidates=candidates,
        it_mw=it_mw,
        gap=gap,
        time_limit_s=time_limit_s,
    )
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return len(buses)


def sites(buses: pd.DataFrame, candidates: int) -> pd.DataFrame:
    """Candidate sites at buses of 100 kV and more, spread evenly over their list."""
    usable = buses.index[buses["base_kv"] >= 100].to_numpy()
    number = np.arange(candidates)
    if candidates <= len(usable):
        at = np.linspace(0, len(usable) - 1, candidates).round().astype(int)
    else:
        at = number % len(usable)
    return pd.DataFrame(
        {
            "site": [f"s{n}" for n in number],
            "bus": usable[at],
            "block_mw": BLOCK_MW,
            "max_blocks": 10,
            "cost_musd_per_year_per_block": (3.5 + 2.5 * (number * GOLDEN % 1.0)).round(4),
            "fixed_cost_musd_per_year": 28.0,
        }
    )


def run(folder: Path, network: Network, candidates: int, gap: float, time_limit_s: float) -> Measured:
    """Solve one study in a process of its own.

    Raises
    ------
    RuntimeError
        The process wrote no plan; with the end of what it said.
    """
    n_buses = make(folder, network, candidates, gap, time_limit_s)
    command = [sys.executable, "-c", "from optimizer.cli import main; main()", "solve", str(folder / "study.toml")]
    started = time.perf_counter()
    with (folder / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([*command, "--out", str(folder / "out")], stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if not (folder / "out" / "plan.json").is_file():
        raise RuntimeError((folder / "log").read_text(encoding="utf-8")[-2000:])
    plan = json.loads((folder / "out" / "plan.json").read_text(encoding="utf-8"))
    return Measured(
        network=network.name,
        buses=n_buses,
        candidates=candidates,
        status=plan["status"],
        seconds=round(seconds, 1),
        processor_s=round(used.ru_utime + used.ru_stime, 1),
        peak_memory_mb=round(used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3), 1),
        gap=round(plan.get("gap", float("inf")), 5),
        n_sites=plan.get("n_sites", 0),
        violations=plan.get("n_violations", -1),
        stages=plan.get("seconds", {}),
    )


def measure(
    out: Path, networks: Iterable[str], candidates: Iterable[int], gap: float, time_limit_s: float
) -> Iterator[Measured]:
    """Run every combination; the table is written anew after each, and keeps what earlier calls measured."""
    counts, target = list(candidates), out / "growth.csv"
    for name in networks:
        for count in counts:
            folder = out / f"{name}_{count}"
            if folder.exists():
                shutil.rmtree(folder)
            found = run(folder, NETWORKS[name], count, gap, time_limit_s)
            table = pd.DataFrame([found.row()])
            if target.is_file():
                earlier = pd.read_csv(target)
                same = (earlier["network"] == name) & (earlier["candidates"] == count)
                table = pd.concat([earlier[~same], table]).sort_values(["buses", "candidates"])
            table.to_csv(target, index=False)
            yield found


def markdown(table: pd.DataFrame) -> str:
    """The table of measurements as Markdown."""
    shown = [c for c in table.columns if not c.endswith("_s") or c == "processor_s" or table[c].max() >= 1.0]
    lines = ["| " + " | ".join(shown) + " |", "|" + "---|" * len(shown)]
    for row in table[shown].itertuples(index=False):
        lines.append("| " + " | ".join(str(v) for v in row) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print each run as it ends, and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--networks", default="area,texas,western")
    parser.add_argument("--candidates", default="50,200,500,1500")
    parser.add_argument("--gap", type=float, default=0.02, help="of the difference that decisions make")
    parser.add_argument("--time-limit-s", type=float, default=1200.0)
    parser.add_argument("--out", type=Path, help="keep studies, plans and growth.csv here, beside earlier ones")
    parser.add_argument("--image", type=Path, help="draw the table, with what earlier calls measured into --out")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = chosen.out or Path(temporary)
        out.mkdir(parents=True, exist_ok=True)
        counts = [int(c) for c in chosen.candidates.split(",")]
        for found in measure(out, chosen.networks.split(","), counts, chosen.gap, chosen.time_limit_s):
            sys.stdout.write(json.dumps(found.row()) + "\n")
            sys.stdout.flush()
        table = pd.read_csv(out / "growth.csv")
        sys.stdout.write(markdown(table))
        if chosen.image:
            draw(table, chosen.image)


if __name__ == "__main__":
    main()
