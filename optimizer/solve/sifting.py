"""Linear programs of workloads in the few columns and rows that matter, with bounds proven for all of them.

With a column for every pair of a demand and a site, and a row for each that says that nobody is served from where
nothing is built, programs have a hundred times what a solution uses. Columns begin with the cheapest sites of each
demand; more come where the multipliers say that they would lower the objective (J. J. H. Forrest's sifting; R. E.
Bixby and others, Operations Research 40 (1992) 885-897), rows where a solution breaks them.

For multipliers y of the rows that every plan keeps, and d = c - A' y, a plan that builds site s to x_s costs no less
than

    y r + sum_s x_s (d_s + sum_p D_p min(d_p, 0)) + ...,   f_p <= D_p x_s for every pair p of s

so each pair adds to the price of its site what it could earn there at the most: the strong rows of all pairs at their
best multipliers, whether they are in the program or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from optimizer.solve.highs import Basis, Matrix, Outcome, SiftedProgram
from optimizer.solve.program import SecureProgram
from optimizer.solve.proof import implied_bounds

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

FIRST = 20
"""Cheapest sites of each demand that are columns from the beginning (unverified: docs/benchmarks.md)."""

FIRST_ROWS, FIRST_ROWS_OF_ALL = (10, 20), 1000
"""Those of them that have a strong row from the beginning, at least and at most, and how many of all demands together
there should be (unverified: docs/benchmarks.md)."""

CLOSE = 1e-9
"""Difference of objective and bound, as a share of the objective, at which a linear program is solved [-]."""

ROW_TOLERANCE = 1e-6
"""Excess over a strong row that is left alone, as a share of the demand [-]."""

TINY = 1e-9
"""Reduced costs and shares up to this are rounding."""

SERVED_MW = 1e-6
"""Demand left unserved that is rounding [MW]."""

MISSING = 10.0
"""Cost of what a program of few columns leaves unserved, as a multiple of the largest cost of a column [-]."""


@dataclass(frozen=True)
class Pairs:
    """Columns of what sites serve, and what says that a site serves nobody before it is built.

    Parameters
    ----------
    served, site : ndarray of int, shape (n_pair,)
        Column of what is served, and of whether its site is built.
    group : ndarray of int, shape (n_pair,)
        The demand, by number.
    most_mw : ndarray, shape (n_pair,)
        Most that is served: the demand [MW].
    rows : ndarray of int, shape (n_group,)
        Row of each demand.
    """

    served: Places
    site: Places
    group: Places
    most_mw: Floats
    rows: Places


@dataclass(frozen=True)
class Proof:
    """What multipliers prove.

    Parameters
    ----------
    bound : float
        No plan within the bounds of the columns costs less, without the program's constant.
    prices : ndarray, shape (n_kept,)
        Increase of the bound with a kept column, for sites with what their pairs earn.
    own : ndarray, shape (n_pair,)
        Reduced cost of pairs.
    """

    bound: float
    prices: Floats
    own: Floats


@dataclass(frozen=True)
class SiteWorth:
    """Costs with what rows other than those of demands charge.

    Parameters
    ----------
    pair : ndarray, shape (n_pair,)
        Of serving all of a demand.
    site : ndarray, shape (n_kept,)
        Of a kept column, that a site is built for one.
    """

    pair: Floats
    site: Floats

    def table(self, sifted: Sifted, sites: list[int]) -> Floats:
        """Cost of serving each demand from each of some sites, infinite where it may not, shape (n_group, n)."""
        at = np.full(len(self.site), -1)
        at[sites] = np.arange(len(sites))
        there = np.flatnonzero(at[sifted.site] >= 0)
        found = np.full((len(sifted.pairs.rows), len(sites)), np.inf)
        found[sifted.pairs.group[there], at[sifted.site[there]]] = self.pair[there]
        return found


class Sifted:
    """The linear program of a matrix in few columns and rows.

    Columns that are no pairs' come first, in their order: the kept ones. Then come pairs, and what is left unserved at
    a cost that no plan pays.

    Parameters
    ----------
    whole : Matrix
        The program with every column, strong rows left out.
    pairs : Pairs
        Of its columns.
    program : SecureProgram
        Which says how long it may take.

    Attributes
    ----------
    kept : ndarray of int, shape (n_kept,)
        Columns of the whole program that are no pairs'.
    lower, upper : ndarray, shape (n_kept,)
        Their bounds now.
    """

    def __init__(self, whole: Matrix, pairs: Pairs, program: SecureProgram) -> None:
        self.whole, self.pairs, self.program = whole, pairs, program
        is_served = np.zeros(len(whole.cost), dtype=bool)
        is_served[pairs.served] = True
        self.kept = np.flatnonzero(~is_served)
        self.columns = whole.matrix.tocsc()
        self.transposed = self.columns.T
        self.lower, self.upper = self._finite_bounds()
        place = np.cumsum(~is_served) - 1
        self.site = place[pairs.site]
        self.sites = np.unique(self.site)
        self.column = np.full(len(pairs.served), -1)
        self.row = np.full(len(pairs.served), -1)
        self.solves = 0
        self._proof: Proof | None = None
        rank = self._rank()
        first = np.flatnonzero(rank < FIRST)
        self.column[first] = len(self.kept) + np.arange(len(first))
        self.highs = self._program(np.concatenate([self.kept, pairs.served[first]]), program)
        self._add_rows(first[rank[first] < np.clip(FIRST_ROWS_OF_ALL // max(len(pairs.rows), 1), *FIRST_ROWS)])

    def _finite_bounds(self) -> tuple[Floats, Floats]:
        """Bounds of kept columns, those that rows imply where there are none."""
        columns = self.whole.column_lower, self.whole.column_upper
        if not np.isfinite(np.stack(columns)[:, self.kept]).all():
            columns = implied_bounds(self.whole.matrix, (self.whole.row_lower, self.whole.row_upper), columns)
        return columns[0][self.kept], columns[1][self.kept]

    def _rank(self) -> Places:
        """Rank of each pair among those of its demand, the cheapest first."""
        order = np.lexsort([self.whole.cost[self.pairs.served], self.pairs.group])
        group = self.pairs.group[order]
        start = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        rank = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
        found = np.empty(len(order), dtype=np.intp)
        found[order] = rank
        return found

    def _program(self, chosen: Places, program: SecureProgram) -> SiftedProgram:
        """The program of some columns and of what is left unserved, without strong rows."""
        whole, rows = self.whole, self.pairs.rows
        self.first_missing, n = len(chosen), len(rows)
        missing = sp.csc_matrix((np.ones(n), (rows, np.arange(n))), (whole.matrix.shape[0], n))
        dear = MISSING * float(np.abs(whole.cost).max(initial=1.0))
        few = Matrix(
            matrix=sp.hstack([self.columns[:, chosen], missing], format="csr"),
            cost=np.concatenate([whole.cost[chosen], np.full(n, dear)]),
            offset=0.0,
            column_lower=np.concatenate([whole.column_lower[chosen], np.zeros(n)]),
            column_upper=np.concatenate([whole.column_upper[chosen], np.full(n, np.inf)]),
            row_lower=whole.row_lower,
            row_upper=whole.row_upper,
            integer=np.zeros(len(chosen) + n, dtype=bool),
        )
        return SiftedProgram(few, program.highs.threads, program.highs.seed)

    def minimize(self) -> None:
        """The objective is that of the program, always."""

    def bound(self, columns: Places, lower: Floats, upper: Floats) -> None:
        """Change bounds of kept columns."""
        self.lower[columns], self.upper[columns] = lower, upper
        self.highs.set_columns(columns, lower, upper)
        self._proof = None

    def basis(self) -> Basis:
        """Basis of the last solve."""
        return self.highs.basis()

    def solve(self) -> Outcome:
        """Solve with the columns and rows there are."""
        self._proof = None
        self.solves += 1
        return self.highs.solve(max(self.program.seconds_left(), 0.1))

    def clean(self, ceiling: float = np.inf) -> Outcome:
        """Solve until no column is missed and no row is broken, or the bound is no less than a ceiling."""
        outcome = self.solve()
        while True:
            if outcome.status == "infeasible" and (self.column < 0).any():
                self._add_columns(np.flatnonzero(self.column < 0))
            elif outcome.status != "optimal" or self.proven() >= ceiling:
                return outcome
            else:
                # Both look at the same solution; columns that come are at 0 in it.
                added = self._price(outcome), self._separate(outcome)
                if not any(added):
                    return outcome
            outcome = self.solve()

    def proof(self) -> Proof:
        """What the multipliers of the last solve prove for the program with every column and strong row."""
        if self._proof is None:
            low, high = self.whole.row_lower, self.whole.row_upper
            y = self.highs.duals()[: len(low)]
            at = np.where(y > 0, low, high)
            y, at = np.where(np.isfinite(at), y, 0.0), np.where(np.isfinite(at), at, 0.0)
            reduced = self.whole.cost - self.transposed @ y
            own = reduced[self.pairs.served]
            earned = np.minimum(own, 0.0) * self.pairs.most_mw
            prices = reduced[self.kept] + np.bincount(self.site, earned, len(self.kept))
            resting = np.where(prices > 0, self.lower, np.where(prices < 0, self.upper, 0.0))
            self._proof = Proof(float(y @ at + prices @ resting), prices, own)
        return self._proof

    def proven(self) -> float:
        """Bound that the multipliers of the last solve prove, without the program's constant."""
        return self.proof().bound

    def is_served(self, outcome: Outcome) -> bool:
        """Whether a solution leaves nothing unserved that must be served."""
        missing = outcome.values[self.first_missing : self.first_missing + len(self.pairs.rows)]
        return bool(missing.max(initial=0.0) <= SERVED_MW)

    def worth(self) -> SiteWorth:
        """What pairs and kept columns cost at the multipliers of the last solve, but for those of demands."""
        y = self.highs.duals()[: len(self.whole.row_lower)]
        y[self.pairs.rows] = 0.0
        reduced = self.whole.cost - self.transposed @ y
        return SiteWorth(reduced[self.pairs.served] * self.pairs.most_mw, reduced[self.kept])

    def spread(self, values: Floats) -> Floats:
        """A solution by columns of the whole program."""
        found = np.zeros(len(self.whole.cost))
        found[self.kept] = values[: len(self.kept)]
        here = np.flatnonzero((self.column >= 0) & (self.column < len(values)))
        found[self.pairs.served[here]] = values[self.column[here]]
        return found

    def strong_rows(self) -> sp.csr_matrix:
        """The strong rows that stand now, each at most 0, by columns of the whole program."""
        stand = np.flatnonzero(self.row >= 0)
        at = np.stack([self.pairs.site[stand], self.pairs.served[stand]], axis=1).ravel()
        values = np.stack([-self.pairs.most_mw[stand], np.ones(len(stand))], axis=1).ravel()
        return sp.csr_matrix((values, at, 2 * np.arange(len(stand) + 1)), (len(stand), len(self.whole.cost)))

    def cut(self, values: Floats, fully: bool) -> int:
        """Rows of whole solutions: all stand, but for those of pairs, which whole solutions do not break."""
        return 0

    def purge(self) -> None:
        """Drop strong rows that the last solution is not at."""
        rows = np.flatnonzero(self.highs.are_slack())
        rows = rows[rows >= len(self.whole.row_lower)]
        self.highs.drop_rows(rows)
        self.row[np.isin(self.row, rows)] = -1
        stand = self.row >= 0
        self.row[stand] -= np.searchsorted(rows, self.row[stand])

    def _price(self, outcome: Outcome) -> int:
        """Add the columns that lower the objective; those of sites that are dear in spite of them do not."""
        proof = self.proof()
        if outcome.objective - proof.bound <= CLOSE * max(1.0, abs(outcome.objective)):
            return 0
        useful = (outcome.values[self.site] > TINY) | (proof.prices[self.site] < -TINY)
        worth = np.flatnonzero((self.column < 0) & (proof.own < -TINY) & useful)
        self._add_columns(worth)
        return len(worth)

    def _separate(self, outcome: Outcome) -> int:
        """Add the strong rows that a solution breaks."""
        here = np.flatnonzero((self.column >= 0) & (self.column < len(outcome.values)) & (self.row < 0))
        most = self.pairs.most_mw[here]
        excess = outcome.values[self.column[here]] - most * outcome.values[self.site[here]]
        broken = here[excess > ROW_TOLERANCE * most]
        self._add_rows(broken)
        return len(broken)

    def _add_columns(self, chosen: Places) -> None:
        whole, at, (_, first, _) = self.whole, self.pairs.served[chosen], self.highs.size
        if len(at):
            self.highs.add_columns(self.columns[:, at], whole.cost[at], whole.column_lower[at], whole.column_upper[at])
            self.column[chosen] = first + np.arange(len(at))

    def _add_rows(self, chosen: Places) -> None:
        n, (first, n_column, _) = len(chosen), self.highs.size
        if n:
            at = np.stack([self.site[chosen], self.column[chosen]], axis=1).ravel()
            values = np.stack([-self.pairs.most_mw[chosen], np.ones(n)], axis=1).ravel()
            matrix = sp.csr_matrix((values, at, 2 * np.arange(n + 1)), (n, n_column))
            self.highs.add_sparse_rows(matrix, np.full(n, -np.inf), np.zeros(n))
            self.row[chosen] = first + np.arange(n)
