"""One linear program of secure dispatch for one snapshot, kept warm: rows join where a solution breaks a limit.

Columns are outputs at buses, and one load w that stands at one bus at a time. Symbols are those of
`optimizer.solve.headroom.buses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from optimizer.errors import Finding, SolverError
from optimizer.solve.headroom.case import HeadroomCase
from optimizer.solve.headroom.columns import Columns
from optimizer.solve.headroom.pairs import Pairs, all_broken
from optimizer.solve.highs import NO_COEFFICIENT, Matrix, RowProgram

#: An excess up to this is not a broken limit [MW]; as while the rows of a plan are found.
TOLERANCE_MW = 1e-4

#: Excess at which a limit that already is a row of the program means that the solver lost it [MW].
LOST_MW = 1e-3

#: Rows added at a time for one branch, and in all.
ROWS_PER_BRANCH = 3
ROWS_PER_ROUND = 100

#: Rows kept: fewer make each step of the simplex method cheap, more save rounds. 150 was the fastest of 80, 150, 300
#: and all on the Texas network, in a quarter of the time that all rows take.
MOST_ROWS = 150
ROWS_LEFT = 100

#: Distance from a limit at which a row counts as used [MW].
TIGHT_MW = 1e-6

#: Rounds of adding rows after which to give up.
ROUNDS = 200

NOTHING = -1
"""Outage number of the base case."""


@dataclass(frozen=True, eq=False)
class Point:
    """A clean solution: no limit is broken before any outage, nor after any.

    Parameters
    ----------
    load_mw : float
        New load w [MW].
    output_mw : float array, shape (n_bus,)
        Output of each bus [MW].
    prices : dict of (branch position, outage number) to float
        MW of new load that a MW more of a limit would give [MW/MW], positive, of the limits that bind.
    """

    load_mw: float
    output_mw: np.ndarray
    prices: dict[tuple[int, int], float]


class SecureDispatch:
    """Secure dispatch of one snapshot.

    Parameters
    ----------
    problem : HeadroomCase
        The network.
    snapshot : int
        Number of the snapshot.
    columns : Columns
        Outputs that are decided.
    pairs : Pairs, optional
        Outage limits that can be broken; ``None`` without outages.
    """

    def __init__(self, problem: HeadroomCase, snapshot: int, columns: Columns, pairs: Pairs | None) -> None:
        self.problem, self.snapshot, self.columns, self.pairs = problem, snapshot, columns, pairs
        network = problem.network
        self._low, self._high = problem.low_mw[:, snapshot].copy(), problem.high_mw[:, snapshot].copy()
        self._emergency = problem.emergency_mw[:, snapshot].copy()
        self._extra = problem.extra_mw[snapshot]
        self._participation = problem.participation[:, snapshot]
        self._fixed = columns.fixed_mw - problem.load_mw[:, snapshot]
        self._fixed_flow = network.flows(self._fixed)
        self._rows: dict[tuple[int, int], int] = {}
        self._branch = np.empty(0, dtype=np.intp)
        self._outage = np.empty(0, dtype=np.intp)
        self._coefficients = np.empty((0, network.n_bus))
        self._constant = np.empty(0)
        self._used = np.empty(0, dtype=np.intp)
        self._clock = 0
        self._bus, self._share = -1, 0.0
        self._pair_rating = np.empty(0)
        if pairs is not None:
            self._pair_rating = self._emergency[pairs.branch]
            for at, mw in self._extra_of_pairs():
                self._pair_rating[at] += mw
        self._pair_limit = self._pair_rating.copy()
        self.solver = self._start()
        # Coefficients are shares between -1 and 1: scaling them would only hide the last basis from the next load.
        self.solver.set_options(simplex_scale_strategy=0)

    def _start(self) -> RowProgram:
        """Balance of every island; w in none yet."""
        network, columns = self.problem.network, self.columns
        n, islands = len(columns.bus), len(network.reference)
        self._w = n
        balance = sp.csr_matrix(
            (np.ones(n), (network.island[columns.bus], np.arange(n))), shape=(islands, n + 1), dtype=float
        )
        needed = -np.bincount(network.island, weights=self._fixed, minlength=islands).astype(float)
        return RowProgram(
            Matrix(
                matrix=balance,
                cost=np.concatenate([columns.cost_usd_per_mwh, [0.0]]),
                offset=0.0,
                column_lower=np.concatenate([columns.lower_mw, [0.0]]),
                column_upper=np.concatenate([columns.upper_mw, [0.0]]),
                row_lower=needed,
                row_upper=needed,
                integer=np.zeros(n + 1, dtype=bool),
            )
        )

    # The load

    def set_load(self, bus: int, share: float = 0.0, ceiling: float = np.inf) -> None:
        """Let w stand at a bus and be maximized.

        Parameters
        ----------
        bus : int
            Bus position.
        share : float
            Part of it that is dropped after an outage [-].
        ceiling : float
            Largest w that matters [MW].
        """
        network = self.problem.network
        self.solver.set_bounds({self._w: (0.0, max(min(ceiling, self.spare_mw(bus)), 0.0))})
        if (bus, share) == (self._bus, self._share):
            return
        islands = np.arange(len(network.reference))
        at_island = np.where(islands == network.island[bus], -1.0, 0.0)
        if self._bus < 0:
            self.solver.set_cost(self._w, -1.0)
        old = network.island[self._bus] if self._bus >= 0 else -1
        for i in {int(old), int(network.island[bus])} - {-1}:
            self.solver.change_column(self._w, [i], at_island[[i]])
        self._bus, self._share = bus, share
        start = len(islands)
        rows = range(start, start + len(self._branch))
        self.solver.change_column(self._w, rows, self._load_coefficients(slice(None)))

    def spare_mw(self, bus: int) -> float:
        """Return the most that generation of a bus's island could give beyond its load [MW]."""
        network, columns = self.problem.network, self.columns
        island = network.island[bus]
        there = network.island[columns.bus] == island
        return float(columns.upper_mw[there].sum() + self._fixed[network.island == island].sum())

    def _load_coefficients(self, chosen: slice) -> np.ndarray:
        """Coefficient of w in limit rows: all of it before an outage, the firm part after one."""
        at_bus = self._coefficients[chosen, self._bus]
        share = np.where(self._outage[chosen] == NOTHING, 0.0, self._share)
        return -(1.0 - share) * at_bus - share * self._shared_at(chosen)

    def _shared_at(self, chosen: slice) -> np.ndarray:
        """What 1 MW less of every generator of the bus's island, by participation, does to each row."""
        island = self.problem.network.island
        weight = np.where(island == island[self._bus], self._participation, 0.0)
        return self._coefficients[chosen] @ weight if self._share else np.zeros(len(self._outage[chosen]))

    # Limits

    def raise_limits(self, branch: int, added_mw: float, added_emergency_mw: float) -> None:
        """Let an upgrade add so much to the ratings of a branch; 0 takes it back."""
        added_mw, added_emergency_mw = self.problem.added_mw(self.snapshot, branch, added_mw, added_emergency_mw)
        self._low[branch] = self.problem.low_mw[branch, self.snapshot] - added_mw
        self._high[branch] = self.problem.high_mw[branch, self.snapshot] + added_mw
        self._emergency[branch] = self.problem.emergency_mw[branch, self.snapshot] + added_emergency_mw
        if self.pairs is not None:
            own = slice(*np.searchsorted(self.pairs.branch, [branch, branch + 1]))
            self._pair_limit[own] = self._pair_rating[own] + added_emergency_mw
        rows = np.flatnonzero(self._branch == branch)
        if len(rows):
            self.solver.set_rows(rows + len(self.problem.network.reference), *self._row_limits(rows))

    def _row_limits(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Limits of rows less what does not depend on a column [MW]."""
        l, k = self._branch[rows], self._outage[rows]
        extra = np.array([self._extra.get((int(i), int(j)), 0.0) for i, j in zip(l, k, strict=True)])
        after = self._emergency[l] + extra
        high = np.where(k == NOTHING, self._high[l], after)
        low = np.where(k == NOTHING, self._low[l], -after)
        return low - self._constant[rows], high - self._constant[rows]

    def _extra_of_pairs(self) -> list[tuple[int, float]]:
        assert self.pairs is not None
        found = []
        for (l, k), mw in sorted(self._extra.items()):
            first, last = np.searchsorted(self.pairs.branch, [l, l + 1])
            found += [(first + int(i), mw) for i in np.flatnonzero(self.pairs.outage[first:last] == k)]
        return found

    def add_rows(self, keys: Sequence[tuple[int, int]]) -> None:
        """Add limits by (branch position, outage number), those that are there already left out."""
        new = [key for key in dict.fromkeys(keys) if key not in self._rows]
        if not new:
            return
        network = self.problem.network
        l = np.array([key[0] for key in new], dtype=np.intp)
        k = np.array([key[1] for key in new], dtype=np.intp)
        coefficients, constant = network.ptdf_rows(l), self._fixed_flow[l].copy()
        after = np.flatnonzero(k != NOTHING)
        if len(after):
            factors = self.problem.factors
            assert factors is not None
            out = factors.outages.positions[k[after]]
            rows = factors.rows(k[after], self.snapshot)[np.arange(len(after)), l[after]]
            coefficients[after] += rows[:, None] * network.ptdf_rows(out)
            constant[after] += rows * self._fixed_flow[out]
        for number, key in enumerate(new, start=len(self._branch)):
            self._rows[key] = number
        start = len(self._branch)
        self._branch, self._outage = np.append(self._branch, l), np.append(self._outage, k)
        self._constant = np.append(self._constant, constant)
        self._used = np.append(self._used, np.full(len(new), self._clock))
        self._coefficients = np.vstack([self._coefficients, coefficients])
        low, high = self._row_limits(np.arange(start, len(self._branch)))
        dense = np.zeros((len(new), self._w + 1))
        dense[:, : self._w] = coefficients[:, self.columns.bus]
        if self._bus >= 0:
            dense[:, self._w] = self._load_coefficients(slice(start, None))
        self.solver.add_dense_rows(dense, low, high)

    # Solving

    def solve(self) -> Point | None:
        """Solve until no limit is broken before or after any outage.

        Returns
        -------
        Point, optional
            ``None`` where no dispatch is secure even without the new load.

        Raises
        ------
        SolverError
            The solver stopped without an answer.
        """
        trusted = True
        for _ in range(ROUNDS):
            outcome = self.solver.solve()
            if outcome.status != "optimal":
                if not trusted:
                    if outcome.status == "infeasible":
                        return None
                    raise self._failed(outcome.status)
                # A basis far from this program may mislead the solver: ask once more without it.
                self.solver.forget_basis()
                trusted = False
                continue
            output = np.bincount(
                self.columns.bus, weights=outcome.values[: self._w], minlength=self.problem.network.n_bus
            )
            load = float(outcome.values[self._w])
            broken = self.broken(output, load)
            keys = [key for key, _ in broken if key not in self._rows]
            if keys:
                self.add_rows(keys)
            elif all(excess <= LOST_MW for _, excess in broken):
                point = Point(load, output + self.columns.fixed_mw, self._prices())
                self._drop_slack()
                return point
            elif trusted:
                self.solver.forget_basis()
                trusted = False
            else:
                raise self._failed("a limit in the program is broken")
        raise self._failed(f"{ROUNDS} rounds")

    def _failed(self, how: str) -> SolverError:
        where = f"snapshot {self.problem.snapshots[self.snapshot]}"
        if self._bus >= 0:
            where += f", bus {self.problem.network.bus_ids[self._bus]}"
        return SolverError([Finding("headroom.solver", where, "the largest load was not found", how)])

    def broken(self, output: np.ndarray, load: float) -> list[tuple[tuple[int, int], float]]:
        """Return limits that a dispatch breaks, the worst few of each branch, as ((branch, outage), excess [MW])."""
        network = self.problem.network
        injection = output + self._fixed
        if load:
            injection[self._bus] -= load
        flow = network.flows(injection)
        excess = np.maximum(flow - self._high, self._low - flow)
        over = np.flatnonzero(excess > TOLERANCE_MW)
        found = [((int(l), NOTHING), float(excess[l])) for l in over]
        if self.pairs is not None:
            found += self._broken_after(flow, load)
        return _worst(found)

    def _broken_after(self, flow: np.ndarray, load: float) -> list[tuple[tuple[int, int], float]]:
        assert self.pairs is not None
        dropped = bool(load and self._share)
        if dropped:
            island = self.problem.network.island
            back = np.where(island == island[self._bus], -self._participation, 0.0)
            back[self._bus] += 1.0
            flow = flow + self.problem.network.flows(self._share * load * back) - self.problem.network.shift_flow_mw
        excess = np.abs(self.pairs.flows(flow)) - self._pair_limit
        over = np.flatnonzero(excess > TOLERANCE_MW)
        branch, outage, excess = self.pairs.branch[over], self.pairs.outage[over], excess[over]
        if dropped and np.any((flow > self._high + TOLERANCE_MW) | (flow < self._low - TOLERANCE_MW)):
            # What was taken back may load a branch above its normal rating, which the list of pairs rests on.
            factors = self.problem.factors
            assert factors is not None
            branch, outage, excess = all_broken(
                factors, flow, self.snapshot, self._emergency, self._extra, TOLERANCE_MW
            )
        return [((int(l), int(k)), float(e)) for l, k, e in zip(branch, outage, excess, strict=True)]

    def _prices(self) -> dict[tuple[int, int], float]:
        if self._bus < 0 or not len(self._branch):
            return {}
        duals = np.abs(self.solver.duals()[len(self.problem.network.reference) :])
        keys = list(self._rows)
        return {keys[i]: float(duals[i]) for i in np.flatnonzero(duals > NO_COEFFICIENT).tolist()}

    def _drop_slack(self) -> None:
        """Forget the rows that were not at their limit for longest, once there are too many."""
        first = len(self.problem.network.reference)
        value = self.solver.row_values()[first:]
        low, high = self._row_limits(np.arange(len(self._branch)))
        tight = (value < low + TIGHT_MW) | (value > high - TIGHT_MW)
        self._clock += 1
        self._used[tight] = self._clock
        if len(self._branch) <= MOST_ROWS:
            return
        kept = tight.copy()
        kept[np.argsort(-self._used, kind="stable")[:ROWS_LEFT]] = True
        self.solver.drop_rows(np.flatnonzero(~kept) + first)
        self._branch, self._outage, self._used = self._branch[kept], self._outage[kept], self._used[kept]
        self._constant, self._coefficients = self._constant[kept], self._coefficients[kept]
        self._rows = {key: i for i, key in enumerate(zip(self._branch.tolist(), self._outage.tolist(), strict=True))}

    @property
    def row_keys(self) -> list[tuple[int, int]]:
        """Limits that are rows, as (branch position, outage number)."""
        return list(self._rows)


def _worst(found: list[tuple[tuple[int, int], float]]) -> list[tuple[tuple[int, int], float]]:
    """The worst few limits of each branch, and of all."""
    ranked = sorted(found, key=lambda item: (-item[1], item[0]))
    counts: dict[int, int] = {}
    kept = []
    for item in ranked:
        branch = item[0][0]
        counts[branch] = counts.get(branch, 0) + 1
        if counts[branch] <= ROWS_PER_BRANCH:
            kept.append(item)
    return kept[:ROWS_PER_ROUND]
