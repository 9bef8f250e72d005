"""A dive: whole blocks from the relaxation, a few sites at a time, the linear program solved again after each step.

The relaxation spreads load over many sites. Fixing the sites it is surest of, small ones to nothing and large ones to
whole blocks, and letting it move the rest, ends in whole blocks close to what the relaxation wanted.
"""

from __future__ import annotations

import numpy as np

from optimizer.solve.highs import Outcome
from optimizer.solve.program import SecureProgram

NEAR_WHOLE = 0.1
"""Blocks this close to a whole number of at least one are fixed to it at once [-] (unverified)."""

STEP_SHARE = 0.25
"""Share of the undecided sites that is decided in each step [-] (unverified)."""


def dive(program: SecureProgram, relaxed: Outcome, rounds: int) -> dict[int, float]:
    """Find whole blocks for every site and period.

    Parameters
    ----------
    program : SecureProgram
        Its last solve is the clean relaxation.
    relaxed : Outcome
        That solve.
    rounds : int
        Most rounds of adding rows in each step.

    Returns
    -------
    dict of column to value
        Columns of ``siting.blocks`` and ``siting.build``; empty where the dive found no way on. The bounds of the
        program are those of the model again.
    """
    fixed: dict[int, float] = {}
    outcome = relaxed
    for t in reversed(program.case.periods.index):
        outcome, done = _period(program, int(t), outcome, fixed, rounds)
        if not done:
            program.free()
            return {}
    program.free()
    return fixed


def _period(
    program: SecureProgram, t: int, outcome: Outcome, fixed: dict[int, float], rounds: int
) -> tuple[Outcome, bool]:
    """Decide all blocks of a period; extends `fixed`."""
    siting, highs = program.model.siting, program.highs
    sites = list(program.case.sites.index)
    columns = {s: highs.column(siting.blocks[s, t]) for s in sites}
    builds = {s: highs.column(siting.build[s, t]) for s in sites}
    open_sites = [s for s in sites if columns[s] not in fixed]
    while open_sites:
        value = {s: float(outcome.values[columns[s]]) for s in open_sites}
        chosen = _surest(value)
        step: dict[int, float] = {}
        for s in chosen:
            step[columns[s]] = whole = float(round(value[s]))
            step[builds[s]] = 1.0 if whole else 0.0
        fixed |= step
        highs.set_bounds({c: (v, v) for c, v in step.items()})
        open_sites = [s for s in open_sites if s not in set(chosen)]
        outcome = program.solve_clean("dive", rounds)
        if outcome.status != "optimal":
            return outcome, False
    return outcome, True


def _surest(value: dict[str, float]) -> list[str]:
    """Sites to decide next: unused ones once nothing else is open, near-whole ones, and the surest of the rest."""
    used = {s: v for s, v in value.items() if v > 1e-6}
    if not used:
        return list(value)
    near = [s for s, v in used.items() if v >= 1 - NEAR_WHOLE and abs(v - round(v)) <= NEAR_WHOLE]
    rest = sorted((s for s in used if s not in set(near)), key=lambda s: (abs(used[s] - round(used[s])), s))
    most = max(1, int(np.ceil(STEP_SHARE * len(rest)))) if rest else 0
    return [*near, *rest[:most]]
