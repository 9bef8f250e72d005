"""Programs without a grid: one integer program, solved at once.

All rows that a plan must keep stand from the beginning. Those that only make the relaxation of workloads strong are
found by solving it first; so few of them matter that the integer program is far smaller than with all.

The gap of the study is asked of the solver on the cost that the decision can change: what every plan pays is taken out
of the objective's constant while it searches, so that its relative gap is the study's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optimizer.solve.found import Found, Limits
from optimizer.solve.money import GAP_ZERO_RELATIVE, gap_of
from optimizer.solve.program import SecureProgram

ZERO_GAP_SHARE = 0.5
"""Share of the difference that counts as no gap at which the solver stops when asked for none [-]."""


def find_at_once(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> Found:
    """Find a plan of a program that no solution adds rows to, and prove how good it is.

    Parameters
    ----------
    program, limits, decided
        As `optimizer.solve.loop.find_plan` takes them.
    """
    highs = program.highs
    if program.case.workloads is not None:
        highs.relax(True)
        relaxed = program.solve_clean("lp", limits.max_rounds)
        if relaxed.status == "infeasible":
            return Found("infeasible", np.inf, -np.inf, {})
        if relaxed.status == "optimal" and program.is_whole(relaxed.values):
            return Found("optimal", relaxed.objective, relaxed.objective, program.integers_of(relaxed.values))
    highs.relax(False)
    offset = highs.costs()[1]
    # decided(F) = F - common for F large enough, and |F| for an objective without a common part.
    common = 1e9 - decided(1e9)
    highs.set_options(mip_rel_gap=limits.gap, mip_abs_gap=ZERO_GAP_SHARE * GAP_ZERO_RELATIVE)
    highs.set_offset(offset - common)
    outcome = program.solve("mip")
    highs.set_offset(offset)
    if outcome.status == "infeasible":
        return Found("infeasible", np.inf, -np.inf, {})
    if not len(outcome.values):
        return Found("limit_without_plan", np.inf, outcome.bound + common, {})
    objective, integers = outcome.objective + common, program.integers_of(outcome.values)
    bound = min(outcome.bound + common, objective)
    gap = gap_of(objective, bound, decided(objective))
    program.log(f"at once: plan {objective:.4f} M$, bound {bound:.4f} M$, gap {gap:.5f}")
    status = ("optimal" if gap == 0.0 else "gap_reached") if gap <= limits.gap else "limit_with_plan"
    return Found(status, objective, bound, integers)
