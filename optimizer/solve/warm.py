"""A search that begins where another plan ended, and goes on as any other where that is not good enough.

1. With the limits that held the other plan, the relaxation is solved from its basis: a bound of this program, proven by
   its own multipliers, whatever limits it does not know.
2. The other plan's whole decisions are tried as they are.
3. The relaxation is solved until it breaks no limit; the sites are kept and upgrades decided again.
4. The sites, and those that the relaxation builds, are sized anew.

Each gives a plan only if it holds in this program. As soon as the gap to the bound is closed the search ends; a program
that seems to have no plan at all is left to the search from nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.loop import LIMITED, better, find_plan
from optimizer.solve.money import gap_of
from optimizer.solve.program import SecureProgram
from optimizer.solve.proof import proven_bound
from optimizer.solve.rounds import FIRST_NODES, MIP_OPTIONS, REPAIR_ROOM, THRESHOLDS, USED
from optimizer.solve.start import Start, known_rows, whole_decisions

BUILT = 0.3
"""Sites that the relaxation builds to more than this share are open beside those of the plan [-] (unverified)."""

SIZINGS = 3
"""Times that sites are sized anew, each with the rows that the last one broke (unverified)."""

FORBIDDEN = 1e-6
"""Share of a row's side by which decisions must miss it to be forbidden by it [-]."""


def find_plan_from(
    start: Start | None, program: SecureProgram, limits: Limits, decided: Callable[[float], float]
) -> Found:
    """Find a secure plan and prove how good it is, from what another plan left if there is one.

    Parameters
    ----------
    start : Start, optional
        What a plan of this or another study left.
    program, limits, decided
        As `optimizer.solve.loop.find_plan` takes them.
    """
    if start is None:
        return find_plan(program, limits, decided)
    found = _FromStart(start, program, limits, decided).run()
    if found.status not in LIMITED or program.seconds_left() <= 0:
        return found
    program.free()
    return better(found, find_plan(program, limits, decided), limits, decided)


class _FromStart:
    """State of one search: the best plan, the bound, and the relaxation."""

    def __init__(self, start: Start, program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> None:
        self.start, self.program, self.limits, self.decided = start, program, limits, decided
        self.objective, self.bound = np.inf, -np.inf
        self.integers: dict[int, float] = {}
        self.upgrades = program.upgrade_columns()
        self.before = whole_decisions(program, start)

    def run(self) -> Found:
        """Try what the other plan decided, ever more freely, until the gap is closed."""
        program, highs = self.program, self.program.highs
        program.add_rows(known_rows(program.case, self.start.rows))
        highs.relax(True)
        if self.start.basis is not None:
            highs.start_from(self.start.basis)
        relaxed = self._relaxed(program.solve("lp"))
        if relaxed is not None and self._may_hold(self.before):
            self._try(self.before)
            self._log("as it was")
        if relaxed is not None and self._is_open():
            program.free()
            relaxed = self._relaxed(program.solve_clean("lp", self.limits.max_rounds, everywhere=True))
        if relaxed is None:
            # Whether there is a plan at all is for a search to say that starts from nothing.
            highs.forget_basis()
            return self._found()
        whole = program.integers_of(relaxed.values)
        if self._is_open() and all(abs(relaxed.values[c] - v) <= USED for c, v in whole.items()):
            return Found("optimal", relaxed.objective, self.bound, whole)
        if self._is_open() and self._may_hold(self._but_upgrades(self.before)):
            self._with_upgrades(self.before)
            self._log("with other upgrades")
        rows = -1
        for _ in range(SIZINGS):
            if not self._is_open() or rows == highs.size[0]:
                # The same search again finds the same plan, unless the last one taught it rows.
                break
            rows = highs.size[0]
            self._size_anew(relaxed)
            self._log("sized anew")
        return self._found()

    def _relaxed(self, outcome: Outcome) -> Outcome | None:
        """Take the bound of a relaxation, and keep where it ended; ``None`` where it was not solved."""
        if outcome.status != "optimal":
            return None
        highs = self.program.highs
        proven = proven_bound(highs)
        self.bound = max(self.bound, min(proven, outcome.objective) if np.isfinite(proven) else outcome.objective)
        self.program.relaxation = highs.basis()
        return outcome

    def _is_open(self) -> bool:
        return self._gap() > self.limits.gap and self.program.seconds_left() > 0

    def _size_anew(self, relaxed: Outcome) -> None:
        """An integer program over the sites of the plan and those that the relaxation builds, upgrades in part."""
        highs, allowed = self.program.highs, max(self._good_enough() - self.bound, 1e-6)
        built = np.maximum(relaxed.values, _by_column(self.before, len(relaxed.values)))
        if not len(np.setdiff1d(highs.integers, self.upgrades)):
            return
        highs.relax(False)
        self.program.free()
        highs.relax(True, self.upgrades)
        highs.set_bounds({c: (0.0, 0.0) for c in self.program.unused_columns(built, BUILT, USED)})
        highs.set_options(
            mip_abs_gap=0.5 * allowed,
            mip_rel_gap=0.0,
            objective_target=self._good_enough(),
            mip_max_nodes=FIRST_NODES,
            **MIP_OPTIONS,
        )
        outcome = self.program.solve("mip")
        highs.relax(True)
        self.program.free()
        if len(outcome.values):
            self._with_upgrades(self.program.integers_of(outcome.values))

    def _with_upgrades(self, integers: dict[int, float]) -> None:
        """Keep whole decisions other than upgrades, find the upgrades they need, and make those whole."""
        kept = self._but_upgrades(integers)
        self.program.free()
        self.program.fix(kept)
        outcome = self._solve()
        if outcome.status != "optimal" or outcome.objective >= self.objective:
            return
        tried: set[tuple[float, ...]] = set()
        for threshold in THRESHOLDS:
            upgrades = {int(c): float(outcome.values[c] > threshold) for c in self.upgrades}
            if tuple(upgrades.values()) not in tried and self._is_open():
                tried.add(tuple(upgrades.values()))
                self._try({**kept, **upgrades})

    def _but_upgrades(self, integers: dict[int, float]) -> dict[int, float]:
        upgrades = set(self.upgrades.tolist())
        return {c: v for c, v in integers.items() if c not in upgrades}

    def _may_hold(self, integers: dict[int, float]) -> bool:
        """Whether no row of the program, taken alone, forbids whole decisions: most that a change rules out show here.

        It takes milliseconds, where a linear program without a solution takes seconds.
        """
        own = self.program.highs.own
        low, high = own.column_lower.copy(), own.column_upper.copy()
        columns = list(integers)
        low[columns] = high[columns] = list(integers.values())
        positive, negative = own.matrix.maximum(0.0), own.matrix.minimum(0.0)
        least, most = positive @ low + negative @ high, positive @ high + negative @ low
        room = FORBIDDEN * np.maximum(1.0, np.abs(np.where(np.isfinite(own.row_upper), own.row_upper, own.row_lower)))
        return bool(np.all(least <= own.row_upper + room) and np.all(most >= own.row_lower - room))

    def _try(self, integers: dict[int, float]) -> None:
        """Keep a plan if it is secure and the best so far."""
        self.program.fix(integers)
        outcome = self._solve()
        if outcome.status == "optimal" and outcome.objective < self.objective:
            self.objective, self.integers = outcome.objective, integers

    def _solve(self) -> Outcome:
        return self.program.solve_clean("repair", self.limits.max_rounds, ceiling=self.objective, everywhere=True)

    def _good_enough(self) -> float:
        """Objective at which the gap to the bound is closed, with room for repair [M$]."""
        gap = REPAIR_ROOM * self.limits.gap
        return self.bound + gap * max(self.decided(self.bound), 0.0) / (1.0 - gap)

    def _gap(self) -> float:
        return gap_of(self.objective, self.bound, self.decided(self.objective)) if self.integers else np.inf

    def _log(self, what: str) -> None:
        self.program.log(
            f"from the plan given, {what}: plan {self.objective:.4f} M$, bound {self.bound:.4f} M$, "
            f"gap {self._gap():.5f}"
        )

    def _found(self) -> Found:
        if not self.integers:
            return Found("limit_without_plan", np.inf, self.bound, {})
        gap = self._gap()
        status = "limit_with_plan" if gap > self.limits.gap else "optimal" if gap == 0.0 else "gap_reached"
        return Found(status, self.objective, min(self.bound, self.objective), self.integers)


def _by_column(integers: dict[int, float], n_column: int) -> np.ndarray:
    found = np.zeros(n_column)
    found[list(integers)] = list(integers.values())
    return found
