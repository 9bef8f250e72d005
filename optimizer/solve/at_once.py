"""Programs without a grid: one integer program, solved at once.

All rows that a plan must keep stand from the beginning. Where workloads are placed, few of its columns matter, and few
of the rows that only make its relaxation strong: they are searched with those alone (`optimizer.solve.sifted_search`),
and the solver's own search, with the rows found, decides what that leaves open.

The gap of the study is asked of the solver on the cost that the decision can change: what every plan pays is taken out
of the objective's constant while it searches, so that its relative gap is the study's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.found import Found, Limits
from optimizer.solve.money import GAP_ZERO_RELATIVE, gap_of
from optimizer.solve.program import SecureProgram
from optimizer.solve.sifted_search import ZERO_GAP_SHARE, SiftedSearch


def find_at_once(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> Found:
    """Find a plan of a program that no solution adds rows to, and prove how good it is.

    Parameters
    ----------
    program, limits, decided
        As `optimizer.solve.loop.find_plan` takes them.
    """
    bound = -np.inf
    if program.case.workloads is not None:
        search = _search(program, limits, decided)
        if search.infeasible:
            return Found("infeasible", np.inf, -np.inf, {})
        bound = search.bound + search.offset
        if search.is_done or program.seconds_left() <= 0:
            return _found(program, limits, decided, search.best + search.offset, bound, search.plan)
    highs = program.highs
    offset = highs.costs()[1]
    # decided(F) = F - common for F large enough, and |F| for an objective without a common part.
    common = 1e9 - decided(1e9)
    highs.set_options(mip_rel_gap=limits.gap, mip_abs_gap=ZERO_GAP_SHARE * GAP_ZERO_RELATIVE)
    highs.set_offset(offset - common)
    outcome = program.solve("mip")
    highs.set_offset(offset)
    if outcome.status == "infeasible":
        return Found("infeasible", np.inf, -np.inf, {})
    bound = max(bound, outcome.bound + common)
    return _found(program, limits, decided, outcome.objective + common, bound, outcome.values)


def _search(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> SiftedSearch:
    """Search with few columns and rows, and leave what was found to the solver."""
    started = time.perf_counter()
    search = SiftedSearch(program, limits, decided)
    program.clock.time("build", started)
    started = time.perf_counter()
    search.run()
    program.clock.time("mip", started)
    if not search.is_done:
        rows = search.sifted.strong_rows()
        program.highs.add_sparse_rows(rows, np.full(rows.shape[0], -np.inf), np.zeros(rows.shape[0]))
        if len(search.plan):
            program.highs.start_from(search.plan)
    return search


def _found(
    program: SecureProgram,
    limits: Limits,
    decided: Callable[[float], float],
    objective: float,
    bound: float,
    values: NDArray[np.float64],
) -> Found:
    """What is known of a plan, if there is one."""
    if not len(values):
        return Found("limit_without_plan", np.inf, bound, {})
    bound = min(bound, objective)
    gap = gap_of(objective, bound, decided(objective))
    program.log(f"at once: plan {objective:.4f} M$, bound {bound:.4f} M$, gap {gap:.5f}")
    status = ("optimal" if gap == 0.0 else "gap_reached") if gap <= limits.gap else "limit_with_plan"
    return Found(status, objective, bound, program.integers_of(values))
