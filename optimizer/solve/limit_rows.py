"""Branch limits as numbers: rows over the columns of a program, and which of them a solution breaks.

The same limits as `optimizer.formulation.power_flow` and `optimizer.formulation.security` state, with every flow
written out in outputs and new loads, so that a search that looks at thousands of solutions builds no algebra for them:

    f[l,t,h] = sum_n (H[l,n] - m) (sum_g p[g,t,h] - d[n,t,h] - w[n,t,h]) + shift[l]

Supply meets demand in every island, so any number m may be taken from all factors of an island; their median leaves
most of them near 0. After an outage non-firm load that is dropped adds what `optimizer.solve.dropped_columns` says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.repn import generate_standard_repn

from optimizer.formulation import security
from optimizer.grid.joint import Driver
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.solve.dropped_columns import DroppedColumns, Sparse
from optimizer.solve.program import ROW_TOLERANCE_MW, ROWS_PER_BRANCH, ROWS_PER_SNAPSHOT, RowKey, SecureProgram

MOST_KEPT = 2_000
"""Limits whose rows are kept for the next program that asks for them: 100 MB where each has 3,000
columns (unverified: a choice)."""


@dataclass(frozen=True)
class LimitRow:
    """A row ``coefficients . columns <= upper`` [MW]."""

    columns: NDArray[np.intp]
    coefficients: NDArray[np.float64]
    upper: float


@dataclass(frozen=True)
class Broken:
    """A limit that a solution breaks, and by how much [MW]."""

    key: RowKey
    excess_mw: float


class LimitRows:
    """Branch limits of a program's case.

    Parameters
    ----------
    program : SecureProgram
        With fixed allowances; only its columns are used.
    """

    def __init__(self, program: SecureProgram) -> None:
        self.case = case = program.case
        self.network = network = case.grid_network
        self.is_secured = security in program.parts and case.is_secured
        model, highs = program.model, program.highs
        position = {str(n): i for i, n in enumerate(network.bus_ids)}
        self.keys = [(t, str(h)) for t in case.periods.index for h in case.snapshots.index]
        self.snapshot = {str(h): i for i, h in enumerate(case.snapshots.index)}
        self.generator_bus = np.array([position[b] for b in case.generators["bus"]], dtype=np.intp)
        points = list(case.ties_of_bus)
        self.point_bus = np.array([position[n] for n in points], dtype=np.intp)
        output, load = model.dispatch.output_mw, model.interconnection.new_load_mw if points else None
        self.output = {
            (t, h): _columns(highs.column(output[g, t, h]) for g in case.generators.index) for t, h in self.keys
        }
        self.drawn = {
            (t, h): _columns(highs.column(load[n, t, h]) for n in points) if load is not None else _columns(())
            for t, h in self.keys
        }
        self.load_mw = {(t, h): case.load_mw[(t, h)].to_numpy(float) for t, h in self.keys}
        self.normal, self.emergency = _Ratings(program, "rating_mw"), _Ratings(program, "rating_emergency_mw")
        self.flow_min = case.branches["flow_min_mw"].to_numpy(float)
        self.flow_max = case.branches["flow_max_mw"].to_numpy(float)
        self.monitored = case.branches["monitored"].to_numpy(bool)
        self.extra_base = {h: model.allowances.base(case, h) for h in self.snapshot}
        self.extra_after = {h: model.allowances.after_outages(case, h) for h in self.snapshot}
        self.fed, self.dropped = _fed(program), DroppedColumns(program)
        self._factors: dict[int, NDArray[np.float64]] = {}
        self._rows: dict[RowKey, list[LimitRow]] = {}
        self._known = {h: _KnownOutages(self, h) for h in self.snapshot}

    def rows(self, key: RowKey) -> list[LimitRow]:
        """The rows of a limit; outage "" is everything in service, where an angle limit stands beside the rating."""
        found = self._rows.get(key)
        if found is None:
            found = self._written(key)
            if len(self._rows) < MOST_KEPT:
                self._rows[key] = found
        return found

    def _written(self, key: RowKey) -> list[LimitRow]:
        branch, outage, t, h, side = key
        at = int(self.case.branches.index.get_loc(branch))
        total = np.zeros(self.normal.n_column)
        constant = self._add(total, side, self._flow(at, t, h))
        if not outage:
            end = float(self.flow_max[at] if side > 0 else -self.flow_min[at])
            limit = self.normal.given_mw(at, h) + float(self.extra_base[h][at])
            rows = [_row(total, end - constant)] if np.isfinite(end) else []
            return rows + ([_row(self.normal.less(total, at, t, h), limit - constant)] if np.isfinite(limit) else [])
        self._add(total, side, self.dropped.in_flow(at, t, h))
        number = self.case.contingencies.number_of[outage]
        shares = self.case.contingencies.factors(number, self.snapshot[h])[0][at]
        for share, driver in zip(shares.tolist(), self.case.contingencies.drivers(number), strict=True):
            for part in self._taken_away(driver, t, h):
                constant += self._add(total, side * share, part)
        limit = self.emergency.given_mw(at, h) + self.extra_after[h].get((at, number), 0.0)
        return [_row(self.emergency.less(total, at, t, h), limit - constant)]

    def _add(self, total: NDArray[np.float64], factor: float, expression: Sparse) -> float:
        """Add a multiple of an expression to a dense row, and return that of its constant."""
        columns, values, constant = expression
        np.add.at(total, columns, factor * values)
        return factor * constant

    def _flow(self, at: int, t: int, h: str) -> Sparse:
        """Flow of a branch with everything in service."""
        if at not in self._factors:
            factors = self.network.ptdf_row(at).copy()
            island = np.asarray(self.network.island)
            own = island == island[self.network.from_position[at]]
            used = np.concatenate([self.generator_bus, self.point_bus])
            factors[own] -= np.median(factors[used[own[used]]]) if own[used].any() else 0.0
            self._factors[at] = factors
        factors = self._factors[at]
        columns = np.concatenate([self.output[t, h], self.drawn[t, h]])
        values = np.concatenate([factors[self.generator_bus], -factors[self.point_bus]])
        return columns, values, float(self.network.shift_flow_mw[at] - factors @ self.load_mw[t, h])

    def _taken_away(self, driver: Driver, t: int, h: str) -> tuple[Sparse, Sparse]:
        """What an outage takes away, and what of it is dropped or given up before."""
        if driver.kind == "branch":
            return self._flow(driver.position, t, h), self.dropped.in_flow(driver.position, t, h)
        less = self.dropped.in_lost(driver, t, h)
        if driver.kind == "generator":
            return (self.output[t, h][driver.position : driver.position + 1], np.ones(1), 0.0), less
        columns, pue = self.fed.get((driver.load, driver.position, t), (np.empty(0, np.intp), np.empty((0, 0))))
        return (columns, pue[:, self.snapshot[h]] if len(columns) else np.empty(0), 0.0), less

    def broken(self, values: NDArray[np.float64], fully: bool) -> list[Broken]:
        """Limits that a solution breaks, worst first within a period and snapshot, at most so many of each branch.

        Parameters
        ----------
        values : ndarray
            Solution by column.
        fully : bool
            Look at every outage; otherwise only at those that broke a limit before, which takes a part of the time.
            Limits of monitored branches come first; the others only where none of those is broken.
        """
        flows = self.flows(values)
        found: list[Broken] = []
        for t, h in self.keys:
            base = self._broken_base(flows[t, h], values, t, h)
            found += base + (self._broken_after(flows[t, h], values, t, h, fully) if self.is_secured else [])
        watched = [b for b in found if self.monitored[self.case.branches.index.get_loc(b.key[0])]]
        return watched or found

    def flows(self, values: NDArray[np.float64]) -> dict[tuple[int, str], NDArray[np.float64]]:
        """Flow of every branch by period and snapshot [MW]."""
        injection = np.empty((len(self.network.bus_ids), len(self.keys)))
        for i, key in enumerate(self.keys):
            injection[:, i] = -self.load_mw[key]
            np.add.at(injection[:, i], self.generator_bus, values[self.output[key]])
            np.subtract.at(injection[:, i], self.point_bus, values[self.drawn[key]])
        flows = self.network.flows(injection)
        return {key: np.ascontiguousarray(flows[:, i]) for i, key in enumerate(self.keys)}

    def _broken_base(self, flow: NDArray[np.float64], values: NDArray[np.float64], t: int, h: str) -> list[Broken]:
        limit = self.normal.limits(values, t, h) + self.extra_base[h]
        excess = np.maximum(flow - np.minimum(limit, self.flow_max), np.maximum(-limit, self.flow_min) - flow)
        order = np.argsort(-excess, kind="stable")[:ROWS_PER_SNAPSHOT]
        index = self.case.branches.index
        return [
            Broken((str(index[at]), "", t, h, 1 if flow[at] > 0 else -1), float(excess[at]))
            for at in order[excess[order] > ROW_TOLERANCE_MW]
        ]

    def _broken_after(
        self, flow: NDArray[np.float64], values: NDArray[np.float64], t: int, h: str, fully: bool
    ) -> list[Broken]:
        limit = self.emergency.limits(values, t, h)
        before = OperatingPoint(flow, values[self.output[t, h]], self._loads(values, t, h))
        point = self.dropped.after(before, values, t, h)
        if not fully:
            at, number, after, excess = self._known[h].broken(point, limit)
        else:
            found = self.case.contingencies.broken(
                point, self.snapshot[h], limit, ROW_TOLERANCE_MW, self.extra_after[h]
            )
            at, number = found["branch"].to_numpy(np.intp), found["outage"].to_numpy(np.intp)
            after, excess = found["flow_mw"].to_numpy(float), found["excess_mw"].to_numpy(float)
        order = np.lexsort([at, number, -excess])
        taken: dict[int, int] = {}
        rows: list[Broken] = []
        names, index = self.case.contingencies.names, self.case.branches.index
        for i in order.tolist():
            taken[int(at[i])] = taken.get(int(at[i]), 0) + 1
            if taken[int(at[i])] <= ROWS_PER_BRANCH:
                key = (str(index[at[i]]), names[number[i]], t, h, 1 if after[i] > 0 else -1)
                rows.append(Broken(key, float(excess[i])))
            if len(rows) == ROWS_PER_SNAPSHOT:
                break
        if fully:
            self._known[h].learn(self.case.contingencies.number_of[row.key[1]] for row in rows)
        return rows

    def _loads(self, values: NDArray[np.float64], t: int, h: str) -> dict[tuple[str, int], float]:
        """What each campus draws at each of its points of interconnection [MW]."""
        if not len(self.case.joint):
            return {}
        at = self.snapshot[h]
        return {
            (s, bus): float(pue[:, at] @ values[columns])
            for (s, bus, year), (columns, pue) in self.fed.items()
            if year == t
        }


class _Ratings:
    """Limits of one kind and what upgrades add to them."""

    def __init__(self, program: SecureProgram, name: str) -> None:
        case, block = program.case, program.model.component("upgrades")
        self.given = case.branches[name].to_numpy(float)
        self.factors = {str(h): case.rating_factor(str(h), name != "rating_mw") for h in case.snapshots.index}
        self.n_column = len(program.highs.own.cost)
        self._added: dict[tuple[int, int], tuple[list[int], list[float]]] = {}
        amounts = (
            case.upgrades["added_mw" if name == "rating_mw" else "added_emergency_mw"] if block is not None else {}
        )
        place = dict(zip(case.upgrades.index, case.branches.index.get_indexer(case.upgrades["branch"]), strict=True))
        for u, mw in amounts.items():
            for t in case.periods.index:
                columns, added = self._added.setdefault((int(place[u]), t), ([], []))
                columns.append(program.highs.column(block.in_service[u, t]))
                added.append(float(mw))
        self._by_period = {t: self._matrix(t) for t in case.periods.index}

    def _matrix(self, t: int) -> sp.csr_matrix:
        here = {at: added for (at, year), added in self._added.items() if year == t}
        rows = np.repeat(np.array(list(here), dtype=np.intp), [len(columns) for columns, _ in here.values()])
        columns = [c for columns, _ in here.values() for c in columns]
        added = [mw for _, mws in here.values() for mw in mws]
        return sp.csr_matrix((added, (rows, columns)), shape=(len(self.given), self.n_column), dtype=float)

    def _factor(self, at: int, h: str) -> float:
        factor = self.factors[h]
        return factor if isinstance(factor, float) else float(factor[at])

    def given_mw(self, at: int, h: str) -> float:
        """Rating of a branch in a snapshot, without what decisions add [MW]."""
        return float(self.given[at]) * self._factor(at, h)

    def less(self, total: NDArray[np.float64], at: int, t: int, h: str) -> NDArray[np.float64]:
        """A dense row less what decisions add to the limit of its branch in a snapshot [MW]."""
        columns, added = self._added.get((at, t), ([], []))
        found = total.copy()
        np.subtract.at(found, np.array(columns, dtype=np.intp), np.array(added, dtype=float) * self._factor(at, h))
        return found

    def limits(self, values: NDArray[np.float64], t: int, h: str) -> NDArray[np.float64]:
        """Limit of every branch in a period and snapshot under a solution [MW]."""
        limits: NDArray[np.float64] = (self.given + self._by_period[t] @ values[: self.n_column]) * self.factors[h]
        return limits


class _KnownOutages:
    """Outages that broke a limit before, with their factors at hand."""

    def __init__(self, rows: LimitRows, h: str) -> None:
        self.rows, self.h = rows, h
        self.numbers: list[int] = []
        self.drivers: list[Driver] = []
        self.starts: list[int] = []
        self.factors = np.empty((len(rows.case.branches), 0))
        self.dead = np.empty((len(rows.case.branches), 0), dtype=bool)

    def learn(self, numbers: Iterable[int]) -> None:
        """Remember outages."""
        contingencies, snapshot = self.rows.case.contingencies, self.rows.snapshot[self.h]
        new = sorted(set(int(n) for n in numbers) - set(self.numbers))
        factors, dead = [self.factors], [self.dead]
        for number in new:
            of_drivers, alive = contingencies.factors(number, snapshot)
            self.starts.append(len(self.drivers))
            self.drivers += contingencies.drivers(number)
            self.numbers.append(number)
            factors.append(of_drivers)
            dead.append(~np.asarray(alive)[:, None])
        if new:
            self.factors, self.dead = np.hstack(factors), np.hstack(dead)

    def broken(
        self, point: OperatingPoint, limit: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Branch, outage, flow after it and excess of every broken limit [MW]."""
        if not self.numbers:
            return np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0), np.empty(0)
        after = self.factors * np.array([point.value(driver) for driver in self.drivers])
        if len(self.drivers) > len(self.numbers):
            after = np.add.reduceat(after, self.starts, axis=1)
        after += point.flow_mw[:, None]
        excess = np.abs(after)
        excess -= limit[:, None]
        extra = self.rows.extra_after[self.h]
        if extra:
            place = {number: i for i, number in enumerate(self.numbers)}
            for (at, number), mw in extra.items():
                if number in place:
                    excess[at, place[number]] -= mw
        excess[self.dead] = -np.inf
        at, column = np.nonzero(excess > ROW_TOLERANCE_MW)
        return at, np.array(self.numbers, dtype=np.intp)[column], after[at, column], excess[at, column]


def _fed(program: SecureProgram) -> dict[tuple[str, int, int], tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Columns of IT load of each campus by (site, bus, period), and the PUE of each in every snapshot."""
    case = program.case
    if not len(case.joint) or not len(case.ties):
        return {}
    it_mw = program.model.interconnection.it_mw
    found: dict[tuple[str, int, int], tuple[list[int], list[NDArray[np.float64]]]] = {}
    for (o, c, t), variable in it_mw.items():
        s, n = case.ties.loc[o, ["site", "bus"]]
        columns, pue = found.setdefault((s, int(case.grid_network.bus_ids.get_loc(n)), t), ([], []))
        columns.append(program.highs.column(variable))
        pue.append(case.pue.loc[(s, c)].to_numpy(float))
    for (o, t, h), term, factor in _reliefs(program):
        s, n = case.ties.loc[o, ["site", "bus"]]
        columns, pue = found[s, int(case.grid_network.bus_ids.get_loc(n)), t]
        columns.append(program.highs.column(term))
        pue.append(np.where(case.snapshots.index == h, -factor, 0.0))
    return {key: (np.array(columns, dtype=np.intp), np.array(pue)) for key, (columns, pue) in found.items()}


def _reliefs(program: SecureProgram) -> Iterable[tuple[tuple[str, int, str], Any, float]]:
    """Variables that take something off what a campus draws over a tie, its own supply included, with their factors,
    by (tie, period, snapshot).
    """
    for ledger in (program.model.ledgers.relief_mw, program.model.ledgers.own_supply_mw):
        for key in ledger.keys():
            linear = generate_standard_repn(ledger[key])
            for variable, factor in zip(linear.linear_vars, linear.linear_coefs, strict=True):
                yield key, variable, float(factor)


def _columns(found: Iterable[int]) -> NDArray[np.intp]:
    return np.fromiter(found, dtype=np.intp)


def _row(total: NDArray[np.float64], upper: float) -> LimitRow:
    columns = np.flatnonzero(total)
    return LimitRow(columns, total[columns], upper)
