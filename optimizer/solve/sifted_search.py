"""Search for a plan of workloads without a grid, in the few columns and rows that matter.

1. The relaxation: the first bound, and what opening each site is worth.
2. The sites that it uses most, as many as it uses in all: the first plan.
3. Whole columns that cost more than the best plan allows, at the multipliers of the relaxation, stay where they are.
4. In large programs, sets of sites near the first: one closed, one opened or both, in the order that multipliers give.
5. Branch and cut over what is left, each node bounded by what its multipliers prove for every column.

What is not decided after some nodes is left to the solver's own search.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.branching import WHOLE, BranchAndCut, Node
from optimizer.solve.found import Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.money import GAP_ZERO_RELATIVE
from optimizer.solve.program import SecureProgram
from optimizer.solve.sifting import Pairs, Sifted, SiteWorth

Floats = NDArray[np.float64]

MOST_NODES, MOST_NODES_OF_FEW = 2000, 50
"""Nodes after which the solver's own search goes on, in large programs and in small ones, where its cuts cost little
(unverified: docs/benchmarks.md)."""

USED = 1e-6
"""Share of a site above which the relaxation uses it [-]."""

MANY_PAIRS = 5000
"""Pairs from which on sets of sites are searched before branching; with fewer, nodes take less time than sets
(unverified: docs/benchmarks.md)."""

MANY_SITES = 12
"""Undecided sites from which on they are (unverified)."""

TRIED = 3
"""Sets tried for every open site before a set counts as the best of its neighbours (unverified: docs/benchmarks.md)."""

ZERO_GAP_SHARE = 0.5
"""Share of the difference that counts as no gap at which a search stops when asked for none [-]."""

NONE = -1
"""No site."""

SITE, OTHER, NEVER = 0, 1, -1
"""Order in which columns are branched on."""


class SiftedSearch:
    """Best plan and bound of a program of workloads, without its constant.

    Parameters
    ----------
    program : SecureProgram
        Of a case with workloads and without a network.
    limits, decided
        As `optimizer.solve.loop.find_plan` takes them.

    Attributes
    ----------
    best, bound : float
        Objective of the best plan (inf without one), and what no plan goes below.
    plan : ndarray, shape (n_column,)
        Its values by columns of the whole program; empty without one.
    infeasible : bool
        Whether it was shown that there is no plan.
    """

    def __init__(self, program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> None:
        self.program, self.limits, self.decided = program, limits, decided
        self.sifted = Sifted(program.highs.matrix(), _pairs_of(program), program)
        self.whole = np.flatnonzero(self.sifted.whole.integer[self.sifted.kept])
        self.best, self.bound, self.infeasible = np.inf, -np.inf, False
        self.plan = np.empty(0)
        self.offset = self.sifted.whole.offset
        self._known: dict[frozenset[int], tuple[float, SiteWorth | None]] = {}

    def allowed(self, objective: float) -> float:
        """Difference of objective and bound that the gap allows [M$]."""
        value = objective + self.offset
        zero = ZERO_GAP_SHARE * GAP_ZERO_RELATIVE * max(1.0, abs(value))
        return max(self.limits.gap * max(self.decided(value), 0.0), zero)

    def ceiling(self) -> float:
        """Bound that closes the gap of the best plan; infinite without a plan."""
        return self.best - self.allowed(self.best) if np.isfinite(self.best) else np.inf

    @property
    def is_done(self) -> bool:
        """Whether the gap is closed, or there is no plan."""
        return self.infeasible or self.bound >= self.ceiling()

    def run(self) -> None:
        """Search until the gap is closed or a limit is reached."""
        sifted = self.sifted
        relaxed = sifted.clean()
        self.infeasible = relaxed.status == "infeasible"
        if relaxed.status != "optimal" or not sifted.is_served(relaxed):
            # What the cost of serving nobody is too low for is left to the solver's own search.
            return
        self.bound = sifted.proven()
        self._log("relaxation")
        self._keep(relaxed)
        if self.is_done:
            return
        worth = sifted.worth()
        first, prices = relaxed.values[: len(sifted.kept)].copy(), sifted.proof().prices.copy()
        sifted.purge()
        sifted.highs.set_options(presolve="off")
        self._sets_and_prices(first, prices, worth)
        if not self.is_done:
            self._branch()

    def _sets_and_prices(self, first: Floats, prices: Floats, worth: SiteWorth) -> None:
        """Sets of sites, and the columns that they let stay where the relaxation has them."""
        sifted, sites = self.sifted, self.sifted.sites
        if len(self.program.case.periods) > 1:
            # What is built when is no set of sites.
            return
        lower, upper = sifted.lower.copy(), sifted.upper.copy()
        n = max(1, int(np.ceil(first[sites].sum() - USED)))
        start = frozenset(sites[np.argsort(-first[sites], kind="stable")[:n]].tolist())
        self._cost_of(start)
        sifted.bound(self.whole, lower[self.whole], upper[self.whole])
        self._fix(first, prices)
        lower, upper = sifted.lower.copy(), sifted.upper.copy()
        free = sites[lower[sites] < upper[sites]]
        if len(sifted.pairs.served) < MANY_PAIRS or len(free) < MANY_SITES:
            return
        self._improve(start, [int(s) for s in free if first[s] > USED], worth)
        sifted.bound(self.whole, lower[self.whole], upper[self.whole])
        self._fix(first, prices)

    def _fix(self, first: Floats, prices: Floats) -> None:
        """Hold whole columns that the relaxation has at a bound, where leaving it costs more than is allowed."""
        sifted, columns, most = self.sifted, self.whole, self.ceiling() - self.bound
        low, high = sifted.lower[columns], sifted.upper[columns]
        down = (first[columns] <= low + WHOLE) & (prices[columns] >= most)
        up = (first[columns] >= high - WHOLE) & (-prices[columns] >= most)
        sifted.bound(columns, np.where(up, high, low), np.where(down, low, high))

    def _cost_of(self, chosen: frozenset[int]) -> float:
        """What a set of sites costs, or what it is known to cost at least where that is too much."""
        if chosen not in self._known:
            sifted, sites = self.sifted, self.sifted.sites
            opened = np.isin(sites, list(chosen)).astype(float)
            sifted.bound(sites, opened, opened)
            outcome = sifted.clean(self.ceiling())
            cost, worth = np.inf, None
            if outcome.status == "optimal":
                self._keep(outcome)
                cost, worth = max(outcome.objective, sifted.proven()), sifted.worth()
            self._known[chosen] = cost, worth
        return self._known[chosen][0]

    def _improve(self, chosen: frozenset[int], usable: list[int], relaxed: SiteWorth) -> None:
        """Close or open a site, or both, while that costs less and the gap is not closed."""
        while self.program.seconds_left() > 0 and not self.is_done:
            cost, worth = self._known[chosen]
            if worth is None:
                return
            for other in neighbours(self.sifted, chosen, usable, worth, relaxed)[: TRIED * len(chosen)]:
                if other not in self._known and self._cost_of(other) < cost - GAP_ZERO_RELATIVE:
                    chosen = other
                    break
            else:
                self._log(f"{len(self._known)} sets of sites")
                return

    def _branch(self) -> None:
        """Search everything that is left."""
        sifted = self.sifted
        rank = np.full(len(sifted.kept), NEVER)
        rank[self.whole] = OTHER
        rank[np.intersect1d(self.whole, sifted.sites)] = SITE
        ends: list[float] = []

        def found(outcome: Outcome) -> None:
            # A node ends with a whole solution: its multipliers say what is left there, tolerances included.
            ends.append(sifted.proven())
            self._keep(outcome)

        search = _PricedBranching(sifted, rank, self.ceiling, found)

        def log(nodes: int, left: int, bound: float) -> None:
            self.bound = max(self.bound, min(bound, *ends, self.ceiling()))
            self._log(f"{nodes} nodes, {left} open")

        few = len(sifted.pairs.served) < MANY_PAIRS
        reached = search.run(MOST_NODES_OF_FEW if few else MOST_NODES, log)
        self.bound = max(self.bound, min(reached, *ends, self.ceiling()))
        self._log(f"{search.nodes} nodes")

    def _keep(self, outcome: Outcome) -> None:
        """Keep a solution if it is the best plan so far."""
        values = outcome.values[self.whole]
        apart = np.abs(values - np.round(values)).max(initial=0.0)
        if outcome.objective < self.best and apart <= WHOLE and self.sifted.is_served(outcome):
            self.best, self.plan = outcome.objective, self.sifted.spread(outcome.values)
            self._log("plan")

    def _log(self, what: str) -> None:
        plan, bound = self.best + self.offset, self.bound + self.offset
        rows, columns, _ = self.sifted.highs.size
        self.program.log(
            f"{what}: plan {plan:.4f} M$, bound {bound:.4f} M$, {self.sifted.solves} solves, "
            f"{rows} rows, {columns} columns"
        )


def neighbours(
    sifted: Sifted, chosen: frozenset[int], usable: list[int], now: SiteWorth, relaxed: SiteWorth
) -> list[frozenset[int]]:
    """Sets of sites that differ from one by a site closed, opened or both, those first that should cost least.

    With multipliers of all rows but those of demands, each demand goes to the open site where it costs least: a lower
    bound of what the set costs (Lagrangian relaxation).

    Parameters
    ----------
    sifted : Sifted
        The program.
    chosen : frozenset of int
        The set, by columns of the sites.
    usable : list of int
        Sites that may be opened.
    now, relaxed : SiteWorth
        At the multipliers of the set, which say something of the sites that it opens, and of the relaxation.
    """
    opened, closed = sorted(chosen), [s for s in usable if s not in chosen]
    here, there = now.table(sifted, opened), relaxed.table(sifted, closed)
    # What each demand costs without each open site, and without closing any.
    left = np.stack([np.delete(here, i, axis=1).min(axis=1, initial=np.inf) for i in range(len(opened))])
    left = np.concatenate([left, here.min(axis=1, initial=np.inf)[None]])
    saved = np.append(now.site[opened], 0.0)
    guesses = []
    for j, column in [*zip(closed, there.T, strict=True), (NONE, np.full(len(here), np.inf))]:
        cost = np.minimum(left, column).sum(axis=1) - saved + (relaxed.site[j] if j != NONE else 0.0)
        guesses += [(float(c), i, j) for c, i in zip(cost, [*opened, NONE], strict=True) if (i, j) != (NONE, NONE)]
    return [(chosen - {i}) | ({j} - {NONE}) for _, i, j in sorted(guesses)]


class _PricedBranching(BranchAndCut):
    """Branching that holds columns in both parts of a node where leaving their bounds costs more than is allowed."""

    def _parts(self, node: Node, bound: float, values: Floats, at: int) -> list[Node]:
        most = self.ceiling() - bound
        if np.isfinite(most):
            assert isinstance(self.compact, Sifted)
            prices = self.compact.proof().prices[self.columns]
            down = (values <= node.lower + WHOLE) & (prices >= most)
            up = (values >= node.upper - WHOLE) & (-prices >= most)
            node.lower, node.upper = np.where(up, node.upper, node.lower), np.where(down, node.lower, node.upper)
        return super()._parts(node, bound, values, at)


def _pairs_of(program: SecureProgram) -> Pairs:
    """Columns of pairs of a program, and the rows of their demands."""
    case, model, highs = program.case, program.model, program.highs
    demands, periods = case.workloads, list(case.periods.index)
    assert demands is not None
    n = len(periods)
    column = np.array([[highs.column(model.siting.build[s, t]) for t in periods] for s in case.sites.index])
    site = case.sites.index.get_indexer(demands.pairs.index.get_level_values("site"))
    group = demands.rows.index.get_indexer(demands.pairs.index.droplevel("site"))
    return Pairs(
        served=np.array([highs.column(v) for v in model.workloads.serve_mw.values()]),
        site=column.reshape(-1, n)[site].ravel(),
        group=(group[:, None] * n + np.arange(n)).ravel(),
        most_mw=demands.demand_mw[periods].to_numpy(float)[group].ravel(),
        rows=np.array([highs.row(row) for row in model.workloads.demand_is_served.values()]),
    )
