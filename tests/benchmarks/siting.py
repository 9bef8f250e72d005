"""The siting benchmark: where 5 GW go on the Texas 2,000-bus grid, beside a plain loop on the same solver.

``python -m tests.benchmarks.siting [--sites 400|1551] [--threads N] [--plain]`` with ``GRIDSITE_REFERENCE_DATA`` set.
The instance and the plain loop are those of the README in ``bench-siting`` of the reference data.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import highspy
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.grid.joint_factors import OperatingPoint
from optimizer.progress import peak_memory_mb
from optimizer.resources import dataset_path
from optimizer.solve import solve_study
from optimizer.study import Study, read_study

GAP_MUSD = 12.0
"""Gap of the benchmark [M$/year]."""
IT_MW = 5000.0
"""IT capacity of the benchmark [MW]."""

STUDY = """[study]
name = "Siting benchmark"
periods = [2030]
[economics]
discount_rate = 0.0
last_period_years = 1.0
[grid]
source = "grid"
[[grid.snapshot]]
name = "year"
hours = 8760
availability = {{ wind = 0.35, solar = 0.40, hydro = 0.50 }}
[sites]
table = "sites.csv"
[demand]
it_mw = {{ 2030 = {it_mw:g} }}
[security]
splitting = "skip"
[upgrades]
enabled = false
[solve]
gap = {gap}
threads = {threads}
"""


def make(
    folder: Path, name: str, gap: float, threads: int, most_sites: int | None = None, it_mw: float = IT_MW
) -> Study:
    """Write the study of a candidate list and read it.

    Parameters
    ----------
    folder : Path
        Where its files go.
    name : str
        ``texas400`` or ``texas1551``.
    gap : float
        Gap on what the decision can change [-].
    threads : int
        Threads of the solver.
    most_sites : int, optional
        Only the first of the list; all without it.
    it_mw : float
        IT capacity to place [MW].
    """
    tables = dataset_path("texas") / "grid"
    (folder / "grid").mkdir(parents=True)
    for table in ("buses", "branches"):
        shutil.copy(tables / f"{table}.csv", folder / "grid" / f"{table}.csv")
    generators = pd.read_csv(tables / "generators.csv", dtype={"generator": str, "bus": str})
    # The instance has linear costs only.
    generators.assign(cost_quadratic_usd_per_mw2h=0.0).to_csv(folder / "grid" / "generators.csv", index=False)
    data = Path(os.environ["GRIDSITE_REFERENCE_DATA"])
    sites = pd.read_csv(data / "bench-siting" / f"{name}.csv", dtype=str).head(most_sites)
    sites.to_csv(folder / "sites.csv", index=False)
    (folder / "study.toml").write_text(STUDY.format(gap=gap, threads=threads, it_mw=it_mw))
    return read_study(folder / "study.toml")


class PlainLoop:
    """The program with bus angles, solved again and again with the outage rows that its plans break."""

    def __init__(self, study: Study, threads: int) -> None:
        case, net = study.case, study.case.grid_network
        self.case, self.net = case, net
        t, h = case.periods.index[0], case.snapshots.index[0]
        position = {str(n): i for i, n in enumerate(net.bus_ids)}
        self.at_generator = np.array([position[b] for b in case.generators["bus"]])
        self.at_site = np.array([position[b] for b in case.ties.set_index("site").loc[case.sites.index, "bus"]])
        self.load_mw = case.load_mw[(t, h)].to_numpy()
        hours = float(case.snapshots["hours"].iloc[0])
        price = case.cost_segments.groupby(level="generator")["cost_usd_per_mwh"].first()
        cost = price.reindex(case.generators.index).fillna(0.0).to_numpy() * hours / 1e6
        n, g, s = len(net.bus_ids), len(case.generators), len(case.sites)
        self.p, self.y = n + np.arange(g), n + g + np.arange(s)
        self.highs = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("threads", threads),
            ("mip_abs_gap", GAP_MUSD),
            ("mip_rel_gap", 0.0),
        ):
            self.highs.setOptionValue(option, value)
        self._columns(n, cost, case.output_min_mw[h].to_numpy(), case.output_max_mw[h].to_numpy())
        self._balance()
        self._add_limits([(at, None) for at in np.flatnonzero(np.isfinite(case.branches["rating_mw"])).tolist()])

    def _columns(self, n: int, cost: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        sites, inf = self.case.sites, highspy.kHighsInf
        angle = np.full(n, inf)
        angle[self.net.reference] = 0.0
        most, s = sites["max_blocks"].to_numpy(float), len(sites)
        costs = [np.zeros(n), cost, sites["block_annuity_musd"], sites["fixed_annuity_musd"]]
        lower, upper = [-angle, low, np.zeros(2 * s)], [angle, high, most, np.ones(s)]
        total = n + len(cost) + 2 * s
        nothing = np.empty(0, np.int32)
        every = [np.concatenate(part) for part in (costs, lower, upper)]
        self.highs.addCols(total, *every, 0, np.zeros(total, np.int32), nothing, np.empty(0))
        whole = np.arange(total - 2 * s, total, dtype=np.int32)
        kinds = np.full(2 * s, int(highspy.HighsVarType.kInteger), np.uint8)
        self.highs.changeColsIntegrality(len(whole), whole, kinds)
        for y, m in zip(self.y.tolist(), most.tolist(), strict=True):
            self._row(-inf, 0.0, {y: 1.0, y + s: -m})
            self._row(0.0, inf, {y: 1.0, y + s: -1.0})
        self._row(float(self.case.demand_mw.iloc[0]) / 100.0, inf, dict.fromkeys(self.y.tolist(), 1.0))

    def _row(self, low: float, high: float, terms: dict[int, float]) -> None:
        self.highs.addRow(low, high, len(terms), np.array(list(terms), np.int32), np.array(list(terms.values())))

    def _balance(self) -> None:
        rows: list[dict[int, float]] = [{} for _ in self.load_mw]
        for at in range(self.net.n_branch):
            ends = int(self.net.from_position[at]), int(self.net.to_position[at])
            for bus, sign in zip(ends, (-1.0, 1.0), strict=True):
                for column, value in self._flow(at).items():
                    rows[bus][column] = rows[bus].get(column, 0.0) + sign * value
        for column, bus in zip(self.p.tolist(), self.at_generator.tolist(), strict=True):
            rows[bus][column] = 1.0
        for column, bus in zip(self.y.tolist(), self.at_site.tolist(), strict=True):
            rows[bus][column] = -100.0
        for terms, load in zip(rows, self.load_mw.tolist(), strict=True):
            self._row(load, load, terms)

    def _flow(self, at: int) -> dict[int, float]:
        b = float(self.net.susceptance_mw[at])
        return {int(self.net.from_position[at]): b, int(self.net.to_position[at]): -b}

    def _add_limits(self, limits: list[tuple[int, int | None]]) -> None:
        for at, outage in limits:
            terms, name = self._flow(at), "rating_mw"
            if outage is not None:
                name = "rating_emergency_mw"
                share = float(self.case.contingencies.factors(outage, 0)[0][at, 0])
                for column, value in self._flow(self.case.contingencies.drivers(outage)[0].position).items():
                    terms[column] = terms.get(column, 0.0) + share * value
            limit = float(self.case.branches[name].iloc[at])
            self._row(-limit, limit, terms)

    def solve(self) -> tuple[float, float]:
        """Solve until no outage breaks a limit; return the plan's cost and the last bound [M$]."""
        known: set[tuple[int, int]] = set()
        emergency = self.case.branches["rating_emergency_mw"].to_numpy()
        while True:
            self.highs.run()
            values = np.array(self.highs.getSolution().col_value)
            injection = -self.load_mw.copy()
            np.add.at(injection, self.at_generator, values[self.p])
            np.subtract.at(injection, self.at_site, 100.0 * values[self.y])
            point = OperatingPoint(self.net.flows(injection), values[self.p], {})
            found = self.case.contingencies.screen(point, 0, emergency, 1e-3).violations
            new = [pair for pair in zip(found["branch"], found["outage"], strict=True) if pair not in known]
            if not new:
                info = self.highs.getInfo()
                return float(info.objective_function_value), float(info.mip_dual_bound)
            known |= set(new)
            self._add_limits([(int(at), int(outage)) for at, outage in new])


def main() -> None:
    """Solve, and print what was found beside the plain loop."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--sites", choices=("400", "1551"), default="400")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gap", type=float, default=0.0105, help="of the difference that decisions make; see gap_musd")
    parser.add_argument("--plain", action="store_true", help="solve by the plain loop too, which takes minutes")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = make(Path(folder) / "study", f"texas{chosen.sites}", chosen.gap, chosen.threads)
        started = time.perf_counter()
        summary = solve_study(study).summary
        seconds = time.perf_counter() - started
        baseline = summary["baseline_musd"]
        lines = [
            f"gridsite, {chosen.sites} sites, {chosen.threads} threads: {seconds:.1f} s, {peak_memory_mb():.0f} MB",
            f"  plan {summary['objective_musd'] - baseline:.2f} M$, bound {summary['bound_musd'] - baseline:.2f} M$",
            f"  gap_musd {summary['gap_musd']:.2f} (asked: {GAP_MUSD:g}), {summary['n_violations']} violations",
            f"  {summary['n_contingencies_checked']} outages checked",
        ]
        if chosen.plain:
            started = time.perf_counter()
            objective, bound = PlainLoop(study, chosen.threads).solve()
            plain = time.perf_counter() - started
            lines.append(
                f"plain loop: {plain:.1f} s, plan {objective - baseline:.2f} M$, bound {bound - baseline:.2f} M$"
            )
            lines.append(f"gridsite takes {seconds / plain:.2f} of its time")
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
