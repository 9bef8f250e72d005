"""Headroom against brute force: one optimization a bus with every outage row, on networks solved anew.

Nothing is shared with what is tested: factors after an outage come from the network without the branch, not from
outage factors; all rows are there from the start on small networks, and checked in full on the Texas one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from optimizer.solve.headroom.buses import HeadroomSettings, find_headroom
from optimizer.solve.headroom.case import HeadroomCase, headroom_case, headroom_study
from tests.solve.small import study_of

WITHIN = 1e-3
"""Relative difference that counts as equal [-]."""


@dataclass
class Oracle:
    """All limits of one snapshot as linear functions of injections: ``|rows @ injection + constant| <= limit``."""

    problem: HeadroomCase
    snapshot: int

    def __post_init__(self) -> None:
        network, h = self.problem.network, self.snapshot
        n, m = network.n_bus, network.n_branch
        low, high = self.problem.output_limits(h)
        self.at = network.bus_ids.get_indexer(self.problem.case.generators["bus"])
        self.low, self.high = low, high
        weight = np.bincount(self.at, weights=high, minlength=n)
        self.weight = weight
        self.load = self.problem.load_mw[:, h]
        every = np.ones(m, bool)
        whole = np.ones(n, bool)
        self.base = self._ptdf(every, whole)
        self.shift = network.shift_flow_mw
        assert np.abs(self.shift).max() == 0
        limit = np.minimum(self.problem.high_mw[:, h], 1e9)
        emergency = np.minimum(self.problem.emergency_mw[:, h], 1e9)
        after, limits, self.names = [], [], []
        graph = nx.MultiGraph()
        graph.add_nodes_from(range(n))
        for l in range(m):
            graph.add_edge(int(network.from_position[l]), int(network.to_position[l]), key=l)
        for k in range(m) if self.problem.factors is not None else ():
            i, j = int(network.from_position[k]), int(network.to_position[k])
            graph.remove_edge(i, j, key=k)
            parts = sorted(nx.connected_components(graph), key=lambda part: sum(self.load[sorted(part)]))
            graph.add_edge(i, j, key=k)
            stays = np.isin(np.arange(n), sorted(parts[-1]))
            there = stays[network.from_position] & stays[network.to_position] & (np.arange(m) != k)
            # What the main side is short of is shared by its generators; nothing is where nothing splits.
            balance = np.diag(stays.astype(float))
            if not stays.all():
                balance -= np.outer(np.where(stays, weight, 0) / weight[stays].sum(), stays)
            after.append((self._ptdf(there, stays) @ balance)[there])
            limits.append(emergency[there])
        self.after = np.vstack(after) if after else np.empty((0, n))
        self.limit, self.emergency = limit, np.concatenate(limits) if limits else np.empty(0)

    def _ptdf(self, there: np.ndarray, stays: np.ndarray) -> np.ndarray:
        """Flows of injections in the network of some branches and buses, its first bus the reference."""
        network = self.problem.network
        incidence = np.zeros((network.n_branch, network.n_bus))
        rows = np.flatnonzero(there)
        incidence[rows, network.from_position[rows]] = 1
        incidence[rows, network.to_position[rows]] = -1
        flow = network.susceptance_mw[:, None] * incidence
        kept = np.flatnonzero(stays)[1:]
        result = np.zeros_like(flow)
        matrix = (incidence.T @ flow)[np.ix_(kept, kept)]
        result[:, kept] = np.linalg.solve(matrix, flow[:, kept].T).T
        return result

    def redispatch(self, bus: int, share: float) -> float:
        """Largest load with every row there: columns are generators, then the load."""
        n = self.problem.network.n_bus
        unit = np.zeros(n)
        unit[bus] = 1.0
        back = share * (unit - self.weight / self.weight.sum())
        rows = np.vstack([self.base, self.after])
        column = np.concatenate([-self.base @ unit, self.after @ (back - unit)])
        constant = -rows @ self.load
        limit = np.concatenate([self.limit, self.emergency])
        left = np.column_stack([rows[:, self.at], column])
        matrix, right = np.vstack([left, -left]), np.concatenate([limit - constant, limit + constant])
        balance = np.append(np.ones(len(self.at)), -1.0)[None]
        bounds = [*zip(self.low, self.high, strict=True), (0, None)]
        cost = np.append(np.zeros(len(self.at)), -1.0)
        found = linprog(cost, matrix, right, balance, [self.load.sum()], bounds=bounds, method="highs")
        assert found.status == 0
        return -found.fun

    def distributed(self, bus: int, share: float, output: np.ndarray) -> float:
        """Largest load along the one direction that participation leaves."""
        n = self.problem.network.n_bus
        unit = np.zeros(n)
        unit[bus] = 1.0
        direction = self.weight / self.weight.sum() - unit
        start = output - self.load
        best = self.high.sum() - output.sum()
        for rows, limit, part in ((self.base, self.limit, 1.0), (self.after, self.emergency, 1.0 - share)):
            flow, slope = rows @ start, part * (rows @ direction)
            room = np.maximum(np.where(slope > 0, limit - flow, limit + flow), 0)
            seen = np.abs(slope) > 1e-9
            best = min(best, (room[seen] / np.abs(slope[seen])).min(initial=np.inf))
        return best


def random_study(folder: Path, seed: int) -> Path:
    """Nine buses on a ring with chords, one behind a bridge, two snapshots; a file that reads like a user's."""
    rng = np.random.default_rng(seed)
    n = 8
    ends = [(i, (i + 1) % n) for i in range(n)]
    ends += [tuple(sorted(rng.choice(n, 2, replace=False))) for _ in range(4)] + [(0, n)]
    load = np.round(rng.uniform(5, 30, n + 1), 2)
    buses = "bus,base_kv,load_mw\n" + "".join(f"n{i},138,{mw}\n" for i, mw in enumerate(load))
    lines = "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    for l, (i, j) in enumerate(ends):
        rating = round(rng.uniform(90, 140), 1)
        lines += f"l{l},n{i},n{j},{rng.uniform(0.05, 0.2):.3f},{rating},{rating * rng.uniform(1.2, 1.5):.1f}\n"
    units = "generator,bus,p_max_mw,p_min_mw,cost_usd_per_mwh\n"
    for g, i in enumerate([1, 4, 6, n]):
        units += f"g{g},n{i},{rng.uniform(60, 140):.1f},{rng.choice([0, 5])},{rng.uniform(10, 40):.1f}\n"
    upgrades = "upgrade,branch,added_mw,added_emergency_mw,cost_musd\n"
    upgrades += "".join(f"u{l},l{l},{rng.uniform(10, 50):.1f},{rng.uniform(10, 60):.1f},1\n" for l in range(len(ends)))
    snapshots = "snapshot,hours,load_factor\npeak,1000,1.0\nlight,7760,0.6\n"
    tables = {"buses": buses, "branches": lines, "generators": units, "upgrades": upgrades, "snapshots": snapshots}
    return study_of(folder, '[grid]\nsource = "grid"\n', {f"grid/{k}": v for k, v in tables.items()}).folder


@pytest.mark.every(4)
@pytest.mark.parametrize("seed", range(6))
def test_small_networks_equal_brute_force(tmp_path: Path, seed: int) -> None:
    problem = headroom_case(headroom_study(str(random_study(tmp_path, seed))))
    table = find_headroom(problem, HeadroomSettings(non_firm_share=0.4, modes=("redispatch",)))
    oracles = [Oracle(problem, h) for h in range(2)]
    for row in table.table.itertuples():
        bus = problem.network.bus_ids.get_loc(row.bus)
        if row.limited_by == "disconnection":
            assert row.bus == "n8"
            continue
        values = [o.redispatch(bus, 0.0) for o in oracles]
        assert row.headroom_mw == pytest.approx(min(values), rel=WITHIN, abs=1e-3)
        assert values[problem.snapshots.index(row.snapshot)] == pytest.approx(min(values), rel=WITHIN, abs=1e-3)
        non_firm = min(o.redispatch(bus, 0.4) for o in oracles)
        assert row.headroom_non_firm_mw == pytest.approx(non_firm, rel=WITHIN, abs=1e-3)


@pytest.mark.every(3)
@pytest.mark.parametrize("seed", range(3))
def test_relief_is_the_best_single_upgrade(tmp_path: Path, seed: int) -> None:
    """Every upgrade is built in turn, and everything is solved again."""
    problem = headroom_case(headroom_study(str(random_study(tmp_path, seed))))
    table = find_headroom(problem).table
    rise: dict[tuple[str, str], float] = {}
    for branch, offers in problem.upgrades_at.items():
        _, added, emergency, _ = offers[0]
        low, high, after = problem.low_mw.copy(), problem.high_mw.copy(), problem.emergency_mw.copy()
        low[branch] -= added
        high[branch] += added
        after[branch] += emergency
        raised = replace(problem, low_mw=low, high_mw=high, emergency_mw=after)
        redispatch = find_headroom(raised, HeadroomSettings(modes=("redispatch",))).table
        # The least-cost dispatch may change with the rating; redispatch has none to keep.
        for old, new in zip(table[table["mode"] == "redispatch"].itertuples(), redispatch.itertuples(), strict=True):
            rise[old.bus, offers[0][0]] = new.headroom_mw - old.headroom_mw
    for row in table[table["mode"] == "redispatch"].itertuples():
        best = max(rise[row.bus, u] for u in problem.upgrades.index)
        assert row.relief_mw == pytest.approx(best if best >= 0.01 else 0.0, abs=2e-3)
        if row.relief:
            assert rise[row.bus, row.relief] == pytest.approx(best, abs=2e-3)


@pytest.mark.every(2)
@pytest.mark.parametrize("seed", range(4))
def test_distributed_slack_equals_brute_force(tmp_path: Path, seed: int) -> None:
    """From the given dispatch, each generator at the same share of its limit."""
    folder = random_study(tmp_path, seed)
    units = (folder / "grid" / "generators.csv").read_text().splitlines()
    most = [float(row.split(",")[2]) for row in units[1:]]
    load = sum(float(row.split(",")[2]) for row in (folder / "grid" / "buses.csv").read_text().splitlines()[1:])
    rows = [f"{row},{mw * load / sum(most)}" for row, mw in zip(units[1:], most, strict=True)]
    (folder / "grid" / "generators.csv").write_text("\n".join([units[0] + ",p_mw", *rows]) + "\n")
    problem = headroom_case(headroom_study(str(folder)), ("peak",))
    settings = HeadroomSettings(modes=("distributed",), dispatch="given", base_overloads="allow", non_firm_share=0.4)
    found = find_headroom(problem, settings)
    if len(found.base_overloads):
        pytest.skip("the proportional dispatch is not secure on this network")
    oracle = Oracle(problem, 0)
    output = np.bincount(oracle.at, weights=oracle.high, minlength=9) * load / sum(most)
    for row in found.table.itertuples():
        if row.limited_by == "disconnection":
            continue
        bus = problem.network.bus_ids.get_loc(row.bus)
        assert row.headroom_mw == pytest.approx(oracle.distributed(bus, 0.0, output), rel=WITHIN, abs=1e-3)
        assert row.headroom_non_firm_mw == pytest.approx(oracle.distributed(bus, 0.4, output), rel=WITHIN, abs=1e-3)


@pytest.mark.slow
def test_rts_gmlc_equals_brute_force(reference_data: Path) -> None:
    """73 buses, 120 branches; its N-1 overloads before any new load are allowed as found."""
    case = reference_data / "RTS-GMLC" / "MATPOWER" / "RTS_GMLC.m"
    if not case.is_file():
        pytest.skip(f"no {case}")
    problem = headroom_case(headroom_study(str(case)))
    # All limits a fifth higher: then the existing system is secure, and brute force needs no allowance.
    problem = replace(
        problem, low_mw=1.2 * problem.low_mw, high_mw=1.2 * problem.high_mw, emergency_mw=1.2 * problem.emergency_mw
    )
    table = find_headroom(problem, HeadroomSettings(modes=("redispatch",))).table
    oracle = Oracle(problem, 0)
    chosen = np.random.default_rng(1).choice(len(table), 6, replace=False)
    for row in table.iloc[sorted(chosen)].itertuples():
        bus = problem.network.bus_ids.get_loc(row.bus)
        assert row.headroom_mw == pytest.approx(oracle.redispatch(bus, 0.0), rel=WITHIN)
        assert row.headroom_non_firm_mw == pytest.approx(oracle.redispatch(bus, 0.3), rel=WITHIN)


class TexasOracle:
    """One cold optimization a bus; every outage on every branch is looked at in each of its rounds.

    Rows that bind for one bus are there from the start for the next: more rows never change an optimum that keeps all.
    """

    def __init__(self, problem: HeadroomCase, snapshot: int) -> None:
        self.problem, self.h = problem, snapshot
        self.ptdf = problem.network.ptdf_rows(np.arange(problem.network.n_branch))
        self.factors, self.alive = problem.case.outage_factors.block(slice(None), snapshot)
        self.at = problem.generator_bus
        self.low, self.high = problem.output_limits(snapshot)
        self.load = problem.load_mw[:, snapshot]
        self.rows: dict[tuple[int, int], tuple[np.ndarray, float]] = {}

    def redispatch(self, bus: int) -> float:
        """Largest load that breaks no limit of any branch, before or after any outage."""
        out = self.problem.case.outages.positions
        limits, emergency = self.problem.high_mw[:, self.h], self.problem.emergency_mw[:, self.h]
        for _ in range(60):
            output, load = self._optimum(bus)
            injection = np.bincount(self.at, weights=output, minlength=len(self.load)) - self.load
            injection[bus] -= load
            flow = self.ptdf @ injection
            after = self.factors * flow[out]
            after += flow[:, None]
            l, k = np.nonzero((np.abs(after) > emergency[:, None] + 1e-3) & self.alive)
            worst = np.argsort(emergency[l] - np.abs(after[l, k]), kind="stable")[:150]
            broken = {(int(b), -1): (self.ptdf[b], limits[b]) for b in np.flatnonzero(np.abs(flow) > limits + 1e-3)}
            for b, o in zip(l[worst].tolist(), k[worst].tolist(), strict=True):
                broken[b, o] = (self.ptdf[b] + self.factors[b, o] * self.ptdf[out[o]], emergency[b])
            if not broken:
                room = {key: mw - abs(float(row @ injection)) for key, (row, mw) in self.rows.items()}
                self.rows = {key: row for key, row in self.rows.items() if room[key] < 1.0}
                return load
            assert not broken.keys() <= self.rows.keys()
            self.rows |= broken
        raise AssertionError("no end")

    def _optimum(self, bus: int) -> tuple[np.ndarray, float]:
        rows = np.array([row for row, _ in self.rows.values()]).reshape(-1, len(self.load))
        limit = np.array([mw for _, mw in self.rows.values()])
        left = np.column_stack([rows[:, self.at], -rows[:, bus]])
        fixed = rows @ self.load
        balance = np.append(np.ones(len(self.at)), -1.0)[None]
        bounds = [*zip(self.low, self.high, strict=True), (0, None)]
        cost = np.append(np.zeros(len(self.at)), -1.0)
        matrix, right = np.vstack([left, -left]), np.concatenate([limit + fixed, limit - fixed])
        found = linprog(cost, matrix, right, balance, [self.load.sum()], bounds=bounds, method="highs")
        assert found.status == 0
        return found.x[:-1], -found.fun


@pytest.mark.slow
def test_texas_equals_brute_force_on_50_buses() -> None:
    problem = headroom_case(headroom_study("texas"))
    table = find_headroom(problem, HeadroomSettings(modes=("redispatch",))).table
    firm = table[table["limited_by"] != "disconnection"]
    chosen = firm.iloc[sorted(np.random.default_rng(50).choice(len(firm), 50, replace=False))]
    least = np.full(len(chosen), np.inf)
    for h in range(len(problem.snapshots)):
        oracle = TexasOracle(problem, h)
        buses = problem.network.bus_ids.get_indexer(chosen["bus"])
        least = np.minimum(least, [oracle.redispatch(int(bus)) for bus in buses])
    np.testing.assert_allclose(chosen["headroom_mw"], least, rtol=WITHIN)


@pytest.mark.slow
def test_texas_distributed_slack_equals_every_row() -> None:
    """Each generator at the same share of its limit, ratings three times as high so that this is secure: 50 buses."""
    problem = headroom_case(headroom_study("texas"), ("summer_peak",))
    units = problem.grid.generators
    share = problem.load_mw.sum() / problem.output_limits(0)[1].sum()
    given = pd.Series(problem.output_limits(0)[1] * share, index=problem.case.generators.index)
    problem = replace(
        problem,
        grid=replace(problem.grid, generators=units.assign(p_mw=given.reindex(units.index))),
        low_mw=3 * problem.low_mw,
        high_mw=3 * problem.high_mw,
        emergency_mw=3 * problem.emergency_mw,
    )
    settings = HeadroomSettings(modes=("distributed",), dispatch="given", non_firm_share=0.3)
    table = find_headroom(problem, settings).table
    oracle = TexasOracle(problem, 0)
    out = problem.case.outages.positions
    weight = np.bincount(oracle.at, weights=oracle.high, minlength=len(oracle.load))
    flow = oracle.ptdf @ (weight * share - oracle.load)
    after = flow[:, None] + oracle.factors * flow[out]
    firm = table[table["limited_by"] != "disconnection"]
    spare = oracle.high.sum() * (1 - share)
    for row in firm.iloc[np.random.default_rng(5).choice(len(firm), 50, replace=False)].itertuples():
        slope = oracle.ptdf @ (weight / weight.sum()) - oracle.ptdf[:, problem.network.bus_ids.get_loc(row.bus)]
        moved = np.where(oracle.alive, slope[:, None] + oracle.factors * slope[out], 0.0)
        base = _least_quotient(flow, slope, problem.high_mw[:, 0])
        outage = _least_quotient(after, moved, problem.emergency_mw[:, :1])
        assert row.headroom_mw == pytest.approx(min(base, outage, spare), rel=WITHIN)
        assert row.headroom_non_firm_mw == pytest.approx(min(base, outage / 0.7, spare), rel=WITHIN)


def _least_quotient(flow: np.ndarray, slope: np.ndarray, limit: np.ndarray) -> float:
    room = np.where(slope > 0, limit - flow, limit + flow)
    seen = np.abs(slope) > 1e-9
    return float((room[seen] / np.abs(slope[seen])).min())
