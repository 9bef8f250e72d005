"""Generators at their limits: what a MW of output more, or of least output less, would save; the few dearest.

In a large system every generator that is cheaper than the last one needed is at its limit in every snapshot. So of each
the period and snapshot is told in which a MW is worth most (price times the hours and years that it stands for), and of
all generators those whose MW is worth most over all periods and snapshots together.

A MW more of output at generator g saves ``lambda_n - c_g``: what power is worth at its bus, less what the generator's
last MW costs (F. C. Schweppe, M. C. Caramanis, R. D. Tabors, R. E. Bohn, Spot Pricing of Electricity, 1988).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from optimizer.solve.prices.binding import AT_BOUND_MW, COLUMNS, NO_PRICE, hourly_dollar_musd
from optimizer.solve.program import SecureProgram
from optimizer.study.case import Case

LARGEST, LEAST = "generator output", "least output of a generator"
"""Limits of a generator: what it can give in a snapshot, and what it must."""

MOST_GENERATORS = 5
"""Generators listed, the dearest limits first (unverified: a choice) [count]."""


@dataclass(frozen=True)
class Reached:
    """A generator at a limit of its output.

    Parameters
    ----------
    limit : {LARGEST, LEAST}
        Which limit.
    generator : str
        The generator.
    period : int
        Year of decision.
    snapshot : str
        Operating condition.
    output_mw, bound_mw : float
        Its output and the limit [MW].
    price_usd_per_mwh : float
        Cost saved per MWh of a wider limit [$/MWh].
    worth_musd : float
        Present value of a MW over all periods and snapshots [M$].
    variable : Var
        Its output in the program.
    piece : Var or None
        Where its cost curve has several pieces, the one that ends with the output, on which it would go on.
    """

    limit: str
    generator: str
    period: int
    snapshot: str
    output_mw: float
    bound_mw: float
    price_usd_per_mwh: float
    worth_musd: float
    variable: Any
    piece: Any


def reached_limits(program: SecureProgram) -> list[Reached]:
    """Generators whose limits are dearest in the last linear program, in that order.

    Parameters
    ----------
    program : SecureProgram
        Its whole decisions fixed, solved and loaded. Ends of HVDC links are no generators.
    """
    case, ends, units = program.case, _end_segments(program.case), hourly_dollar_musd(program.case)
    found: list[Reached] = []
    for g in case.generators.index[~case.is_link_end]:
        for limit in (LARGEST, LEAST):
            everywhere = (_at(program, limit, (g, t, h), ends, unit) for (t, h), unit in units.items())
            here = [one for one in everywhere if one is not None]
            if here:
                dearest = max(here, key=lambda one: one.worth_musd)
                found.append(replace(dearest, worth_musd=sum(one.worth_musd for one in here)))
    # Of equal ones the first in the grid's table: rounding must not decide.
    found.sort(key=lambda one: -round(one.worth_musd, 6))
    return found[:MOST_GENERATORS]


def _end_segments(case: Case) -> dict[str, tuple[int, int]]:
    """Numbers of the first and the last piece of the cost curve of each generator that has several."""
    numbers = pd.Series(case.cost_segments.index.get_level_values("segment"))
    by_unit = numbers.groupby(case.cost_segments.index.get_level_values("generator"))
    several = by_unit.agg(["min", "max"])[by_unit.size() > 1]
    return {str(g): (int(first), int(last)) for g, first, last in several.itertuples(name=None)}


def _at(
    program: SecureProgram, limit: str, key: tuple[str, int, str], ends: dict[str, tuple[int, int]], unit_musd: float
) -> Reached | None:
    """The limit of a generator in a period and snapshot, where it is reached and has a price."""
    (g, t, h), dispatch, highs = key, program.model.dispatch, program.highs
    output = dispatch.output_mw[g, t, h]
    low, high = float(output.lb), float(output.ub)
    bound = high if limit == LARGEST else low
    # Where nothing is available, or nothing need be given, there is no limit to speak of.
    if bound <= AT_BOUND_MW or high - low <= AT_BOUND_MW or abs(output.value - bound) > AT_BOUND_MW:
        return None
    if not highs.has(output):
        return None
    side = -1.0 if limit == LARGEST else 1.0
    saved, piece = side * float(highs.reduced_cost(output)), None
    if g in ends:
        piece = dispatch.segment_mw[g, ends[g][limit == LARGEST], t, h]
        # Where both end together, the solver may price either.
        saved += max(0.0, side * float(highs.reduced_cost(piece)))
    if saved <= NO_PRICE * unit_musd:
        return None
    return Reached(limit, str(g), int(t), str(h), float(output.value), bound, saved / unit_musd, saved, output, piece)


def generator_limits(program: SecureProgram) -> pd.DataFrame:
    """Limits of the generators as rows of table ``binding``; none without a grid."""
    rows = [
        (
            one.limit,
            one.generator,
            "",
            one.period,
            one.snapshot,
            one.output_mw,
            one.bound_mw,
            "MW",
            one.price_usd_per_mwh,
        )
        for one in (reached_limits(program) if program.case.network is not None else ())
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
