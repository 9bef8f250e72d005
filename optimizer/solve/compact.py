"""A program in few columns and few rows, for searches that solve it thousands of times.

Columns that others determine are left out (`optimizer.solve.aggregation`), decisions known to be 0 too, flows are
written out (`optimizer.solve.limit_rows`), and of the limits of branches only those stand that recent solutions came
near to. Leaving rows out only adds plans, so a bound of this program is a bound of the whole one.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from optimizer.solve.aggregation import aggregate
from optimizer.solve.highs import Basis, Matrix, Outcome, RowProgram
from optimizer.solve.limit_rows import LimitRows
from optimizer.solve.program import RowKey, SecureProgram
from optimizer.solve.proof import dual_bound, implied_bounds

NEAR_MW = 20.0
"""A row with more slack than this is left out when rows are purged [MW] (docs/benchmarks.md)."""

MOST_ROWS = 300
"""Rows of limits from which on a program is purged, and again at twice what is then left (docs/benchmarks.md)."""

INFEASIBLE = 1e-6
"""Multipliers, the largest of size 1, prove that there is no solution where they bound 0 from below by more than this:
rounding in double precision of sums of the size of a system's load stays under it (unverified) [MW or M$]."""

WHICHEVER, DUAL, PRIMAL = 0, 1, 4
"""Names that HiGHS has for the methods of its simplex solver; the first is primal from a basis that breaks no row."""

MANY_ROWS = 20_000
"""Rows from which on the dual simplex method goes on from a basis by Devex prices (docs/benchmarks.md): for steepest
edges HiGHS first solves a system for every row, since rows that are added leave it none of their lengths."""

DEVEX = {"simplex_dual_edge_weight_strategy": 1}
"""Option of HiGHS for these prices."""

CEILING: RowKey = ("", "", 0, "", 0)
"""Stands for the row that bounds the objective, among the keys of limits."""

WHOLE_END = 1e-6
"""Added before ends of whole columns are rounded inwards: rounding must not cut off a whole value [-]."""

ROUNDS = 60
"""Rounds of adding rows after which a solution is taken as it is: its bound stands all the same."""

Name = tuple[str, Hashable]
"""Component of a model and index, which name a column or row in programs of several cases."""


class Compact:
    """A linear relaxation that rows are added to and purged from, with the bounds of its columns at hand.

    Parameters
    ----------
    program : SecureProgram
        Whose plans it has.
    limits : LimitRows
        Its branch limits.
    closed : ndarray of bool, shape (n_own,)
        Columns that are 0 from the start.
    held : sequence of int
        Columns that are 0 but stay, so that a search may open them.
    """

    def __init__(
        self, program: SecureProgram, limits: LimitRows, closed: NDArray[np.bool_], held: Sequence[int] = ()
    ) -> None:
        self.program, self.limits = program, limits
        own = program.highs.own
        cost, offset = program.highs.costs()
        upper = np.where(closed, 0.0, own.column_upper)
        upper[list(held)] = np.inf
        bounds = [program.highs.model_bounds(int(c)) for c in program.highs.integers]
        lower = own.column_lower.copy()
        lower[program.highs.integers] = [low for low, _ in bounds]
        upper[program.highs.integers] = np.minimum(upper[program.highs.integers], [high for _, high in bounds])
        own = replace(own, cost=cost[: len(own.cost)], offset=offset, column_lower=lower, column_upper=upper)
        by = aggregate(own)
        self.spread, self.kept, self.place, self.scale = by.spread, by.kept, by.place, by.scale
        small, rows = by.program(own)
        self.rows_of = np.full(own.matrix.shape[0], -1)
        self.rows_of[rows] = np.arange(len(rows))
        self.cost, self.offset, self.integer = small.cost, small.offset, small.integer
        # Ends of whole columns are whole: the relaxation is tighter, and HiGHS 1.15's presolve called a program with a
        # plan infeasible where they were not.
        ends = np.ceil(small.column_lower - WHOLE_END), np.floor(small.column_upper + WHOLE_END)
        small = replace(
            small,
            column_lower=np.where(small.integer, ends[0], small.column_lower),
            column_upper=np.where(small.integer, ends[1], small.column_upper),
        )
        self.lower, self.upper = small.column_lower.copy(), small.column_upper.copy()
        self.matrix, self.row_bounds = small.matrix.copy(), (small.row_lower, small.row_upper)
        self.matrix.sort_indices()
        self.n_own, self.keys = small.matrix.shape[0], {}
        self._parts: list[sp.csr_matrix] = []
        self._limit: list[float] = []
        self._stacked: sp.csr_matrix | None = None
        self.implied = implied_bounds(small.matrix, self.row_bounds, (small.column_lower, small.column_upper))
        self.highs = self._solver(small)
        self.solves = 0
        self.is_secure = False
        self.most_rows = MOST_ROWS
        if held:
            self.bound(self.place[list(held)], np.zeros(len(held)), np.zeros(len(held)))

    def _solver(self, small: Matrix) -> RowProgram:
        # Objectives are counted without the program's constant throughout.
        highs = RowProgram(replace(small, offset=0.0), self.program.highs.threads, self.program.highs.seed)
        highs.relax(True)
        return highs

    keys: dict[RowKey, tuple[int, ...]]

    @cached_property
    def column_names(self) -> list[Name]:
        """Name of each column."""
        variables = self.program.highs.variables
        return _names([variables[own] for own in self.kept.tolist()])

    @cached_property
    def row_names(self) -> list[Name]:
        """Name of each row of the program as composed that stands."""
        constraints = self.program.highs.constraints
        found: list[Any] = [None] * self.n_own
        for own in np.flatnonzero(self.rows_of >= 0).tolist():
            found[self.rows_of[own]] = constraints[own]
        return _names(found)

    def column(self, own: int) -> int:
        """Column here of a column of the whole program."""
        return int(self.place[own])

    def columns(self, own: NDArray[np.integer]) -> NDArray[np.intp]:
        """Columns here of columns of the whole program, each once, without those that are left out."""
        at = self.place[own]
        return np.unique(at[at >= 0])

    def whole(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """A solution by the columns of the whole program."""
        return np.asarray(self.spread @ values)

    def row_of(self, own: int) -> int:
        """Row here of a row of the whole program as composed; -1 where it was left out."""
        return int(self.rows_of[own])

    def add(self, keys: Iterable[RowKey]) -> int:
        """Add the rows of limits that do not stand yet; return how many limits."""
        new = [key for key in keys if key not in self.keys]
        parts: list[sp.csr_matrix] = []
        upper: list[float] = []
        at = self.n_own + len(self._limit)
        for key in new:
            rows = self.limits.rows(key)
            self.keys[key] = tuple(range(at + len(upper), at + len(upper) + len(rows)))
            for row in rows:
                there = row.columns[self.place[row.columns] >= 0]
                values = row.coefficients[self.place[row.columns] >= 0] * self.scale[there]
                dense = np.bincount(self.place[there], values, len(self.cost))
                columns = np.flatnonzero(np.abs(dense) > 1e-9)
                parts.append(sp.csr_matrix((dense[columns], columns, [0, len(columns)]), shape=(1, len(self.cost))))
                upper.append(row.upper)
        if parts:
            matrix = sp.vstack(parts, format="csr")
            self.highs.add_sparse_rows(matrix, np.full(len(upper), -np.inf), np.array(upper))
            self._parts += parts
            self._limit += upper
            self._stacked = None
        return len(new)

    def purge(self) -> None:
        """Leave out rows of limits that the last solution is far from."""
        values = self.highs.row_values()[self.n_own :]
        far = np.array(self._limit) - values > NEAR_MW
        self.remove(key for key, rows in self.keys.items() if all(far[r - self.n_own] for r in rows))

    def remove(self, keys: Iterable[RowKey]) -> None:
        """Leave out the rows of limits."""
        gone = list(keys)
        rows = np.array(sorted(r for key in gone for r in self.keys[key]), dtype=np.intp)
        for key in gone:
            del self.keys[key]
        if not len(rows):
            return
        self.highs.drop_rows(rows)
        self.keys = {k: tuple(int(r - np.searchsorted(rows, r)) for r in at) for k, at in self.keys.items()}
        dropped = set((rows - self.n_own).tolist())
        self._parts = [p for i, p in enumerate(self._parts) if i not in dropped]
        self._limit = [u for i, u in enumerate(self._limit) if i not in dropped]
        self._stacked = None

    def bound(self, columns: NDArray[np.intp], lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        """Change bounds of columns."""
        self.lower[columns], self.upper[columns] = lower, upper
        self.highs.set_columns(columns, lower, upper)

    def minimize(self, cost: NDArray[np.float64] | None = None) -> None:
        """Minimize another objective, or the program's own again."""
        self.highs.set_costs(self.cost if cost is None else cost)

    def set_coefficient(self, row: int, column: int, value: float) -> None:
        """Change one coefficient of a row of its own; raises ValueError where the row does not have the column."""
        first, end = self.matrix.indptr[row : row + 2]
        (there,) = np.flatnonzero(self.matrix.indices[first:end] == column)
        self.matrix.data[first + there] = value
        self.highs.change_column(column, [row], np.array([value]))
        self._stacked = None

    def solve(self, method: int = DUAL) -> Outcome:
        """Solve the rows that stand; the objective comes without the program's constant.

        ``infeasible`` only where multipliers prove it outside the solver; if not, it is solved again from nothing.
        """
        self.highs.set_options(simplex_strategy=method)
        outcome = self._solve()
        if outcome.status == "infeasible" and not self._is_proven_infeasible():
            self.highs.forget_basis()
            outcome = self._solve()
            if outcome.status == "infeasible" and not self._is_proven_infeasible():
                return replace(outcome, status="error")
        return outcome

    @contextmanager
    def without(self, columns: NDArray[np.intp]) -> Iterator[None]:
        """Leave columns at 0 for a while; the next solve starts from what was found without them.

        Parameters
        ----------
        columns : ndarray of int
            Columns whose lower ends are 0.
        """
        given = self.lower[columns].copy(), self.upper[columns].copy()
        self.bound(columns, np.zeros(len(columns)), np.zeros(len(columns)))
        yield
        self.bound(columns, *given)
        self.highs.rest_at_lower(columns)

    def _solve(self, seconds: float = np.inf) -> Outcome:
        self.solves += 1
        if not len(self.cost):
            low, high = self.row_bounds
            holds = bool(np.all(low <= 0.0) and np.all(high >= 0.0) and min(self._limit, default=0.0) >= 0.0)
            return Outcome("optimal" if holds else "infeasible", 0.0 if holds else np.inf, 0.0, np.empty(0))
        goes_on = self.highs.relaxed and self.highs.size[0] >= MANY_ROWS and self.highs.has_basis
        with self.highs.options(**(DEVEX if goes_on else {})):
            allowed = self.program.on_the_clock(min(seconds, self.program.seconds_left()))
            return self.highs.solve(max(allowed, 0.1))

    def decide(
        self,
        whole: NDArray[np.intp],
        allowed: float,
        options: Mapping[str, Any],
        start: NDArray[np.float64] | None = None,
        seconds: float = np.inf,
    ) -> Outcome:
        """Let the solver's own integer search make columns whole, of the rows that stand.

        Parameters
        ----------
        whole : ndarray of int
            Columns; the others may stay in part.
        allowed : float
            Difference between its plan and its bound at which it ends, in the objective's unit.
        options : mapping
            Of HiGHS, for this search only.
        start : ndarray, shape (n_column,), optional
            A plan to start from.
        seconds : float
            Time that it may take.
        """
        highs = self.highs
        highs.relax(False)
        highs.relax(True, np.setdiff1d(highs.integers, whole).astype(np.int32))
        with highs.options(presolve="choose", mip_abs_gap=allowed, mip_rel_gap=0.0, **options):
            if start is not None:
                highs.start_from(start)
            outcome = self._solve(seconds)
            if outcome.status == "infeasible":
                # Presolve has been seen to err: that there is no plan counts only where the search agrees without it.
                highs.forget_basis()
                with highs.options(presolve="off"):
                    outcome = self._solve(seconds)
        highs.relax(True)
        highs.forget_basis()
        return outcome

    def reduced(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """A solution by the columns here, from one by the columns of the whole program."""
        return values[self.kept]

    def _is_proven_infeasible(self) -> bool:
        """Whether the solver's multipliers bound 0 above 0: no solution exists."""
        if not len(self.cost):
            return True
        ray = self.highs.dual_ray()
        nothing = np.zeros(len(self.cost))
        size = float(np.abs(ray).max(initial=0.0))
        return any(
            self.proven_by(sign * ray / size, nothing > 0, nothing) > INFEASIBLE
            for sign in ((1.0, -1.0) if size else ())
        )

    def clean(self, ceiling: float = np.inf, fully: bool = False, method: int = DUAL) -> Outcome:
        """Solve, and add what the solution breaks, until nothing is broken or the objective is above a ceiling.

        Parameters
        ----------
        ceiling : float
            Without the program's constant.
        fully : bool
            Look at every outage; otherwise at those that broke a limit before. `is_secure` says afterwards whether
            that was done and the solution breaks none.
        """
        self.is_secure = False
        for _ in range(ROUNDS):
            outcome = self.solve(method)
            method = DUAL
            if outcome.status != "optimal" or outcome.objective >= ceiling:
                return outcome
            broken = self._broken(outcome.values, fully)
            if not broken:
                self.is_secure = fully
                return outcome
            # Only now: multipliers of the last solve are gone once rows are.
            if len(self._limit) > self.most_rows:
                self.purge()
                self.most_rows = max(self.most_rows, 2 * len(self._limit))
            self.add(broken)
        return outcome

    def cut(self, values: NDArray[np.float64], fully: bool) -> int:
        """Add the rows that a solution breaks; return how many limits that did not stand."""
        return self.add(self._broken(values, fully))

    def _broken(self, values: NDArray[np.float64], fully: bool) -> list[RowKey]:
        """Limits that a solution breaks and that do not stand yet."""
        started = time.perf_counter()
        whole, found = self.whole(values), list[RowKey]()
        # Outages that broke a limit before are looked at first: that takes a part of the time.
        for every in (False, True) if fully else (False,):
            found = [b.key for b in self.limits.broken(whole, fully=every) if b.key not in self.keys]
            if found:
                break
        self.program.clock.time("screen", started)
        return found

    def add_ceiling(self, ceiling: float) -> None:
        """Ask that the program's own objective, without its constant, be at most a ceiling [M$]."""
        if CEILING not in self.keys:
            columns = np.flatnonzero(self.cost)
            row = sp.csr_matrix((self.cost[columns], columns, [0, len(columns)]), shape=(1, len(self.cost)))
            self.keys[CEILING] = (self.n_own + len(self._limit),)
            self.highs.add_sparse_rows(row, np.array([-np.inf]), np.array([np.inf]))
            self._parts.append(row)
            self._limit.append(np.inf)
            self._stacked = None
        self._set_ceiling(ceiling)

    def drop_ceiling(self) -> None:
        """Allow any objective again; the row goes with the next purge."""
        self._set_ceiling(np.inf)

    def _set_ceiling(self, ceiling: float) -> None:
        row = self.keys[CEILING][0]
        self.highs.set_rows(np.array([row]), np.array([-np.inf]), np.array([ceiling]))
        self._limit[row - self.n_own] = ceiling

    def stacked(self) -> sp.csr_matrix:
        """All rows that stand, its own first."""
        if self._stacked is None:
            self._stacked = sp.vstack([self.matrix, *self._parts], format="csr")
        return self._stacked

    def proven(self, cost: NDArray[np.float64] | None = None) -> float:
        """Bound that the multipliers of the last solve prove, outside the solver, without the program's constant."""
        return self.proven_by(self.highs.duals(), np.zeros(len(self.cost), dtype=bool), cost)

    def proven_by(
        self, duals: NDArray[np.float64], apart: NDArray[np.bool_], cost: NDArray[np.float64] | None = None
    ) -> float:
        """Bound that multipliers prove for what is not in the columns set apart.

        Parameters
        ----------
        duals : ndarray, shape (n_row,)
            One a row that stands.
        apart : ndarray of bool, shape (n_column,)
            Columns that are not counted.
        cost : ndarray, shape (n_column,), optional
            Objective; default the program's own.
        """
        low, high = self.row_bounds
        rows = np.append(low, np.full(len(self._limit), -np.inf)), np.append(high, self._limit)
        columns = np.maximum(self.lower, self.implied[0]), np.minimum(self.upper, self.implied[1])
        columns = np.where(apart, 0.0, columns[0]), np.where(apart, 0.0, columns[1])
        return dual_bound(self.stacked(), self.cost if cost is None else cost, rows, columns, duals)

    def slack_mw(self, values: NDArray[np.float64]) -> dict[RowKey, float]:
        """Least room of each limit that stands in a solution [MW]."""
        room = np.append(np.full(self.n_own, np.inf), np.array(self._limit) - (self.stacked() @ values)[self.n_own :])
        return {key: float(room[list(rows)].min(initial=np.inf)) for key, rows in self.keys.items() if key != CEILING}

    def basis(self) -> Basis:
        """Basis of the last solve."""
        return self.highs.basis()


def _names(members: Iterable[Any]) -> list[Name]:
    components: dict[int, str] = {}
    found = []
    for member in members:
        parent = member.parent_component()
        name = components.get(id(parent))
        if name is None:
            name = components[id(parent)] = parent.name
        found.append((name, member.index()))
    return found
