"""HVDC links at the limits of their decided transfer: what a MW more of it, or less of its least, would save.

A MW more that a link withdraws at bus a, of which ``K`` arrives at bus b, saves ``K lambda_b - lambda_a``: what it is
worth where it arrives, less what it costs where it is taken (F. C. Schweppe, M. C. Caramanis, R. D. Tabors, R. E. Bohn,
Spot Pricing of Electricity, 1988). Both ends of a link reach their bounds together, and the solver may price either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from optimizer.solve.prices.binding import AT_BOUND_MW, COLUMNS, NO_PRICE, Side, hourly_dollar_musd
from optimizer.solve.program import SecureProgram

TRANSFER, LEAST_TRANSFER = "HVDC transfer", "least HVDC transfer"
"""Limits of a link: the most that it withdraws, and what it must where it cannot stand still or turn round."""

MOST_LINKS = 5
"""Links listed, the dearest limits first (unverified: a choice, as for generators) [count]."""


@dataclass(frozen=True)
class AtLimit:
    """A link at a limit of its transfer.

    Parameters
    ----------
    limit : {TRANSFER, LEAST_TRANSFER}
        Which limit.
    link : str
        The link.
    period : int
        Year of decision.
    snapshot : str
        Operating condition.
    transfer_mw, bound_mw : float
        What it withdraws where it sends from, and the limit; negative where that is its to-bus [MW].
    price_usd_per_mwh : float
        Cost saved per MWh of a wider limit [$/MWh].
    worth_musd : float
        Present value of a MW over all periods and snapshots [M$].
    sides : tuple of Side
        Bounds of what it gives at its ends that move with what it withdraws.
    """

    limit: str
    link: str
    period: int
    snapshot: str
    transfer_mw: float
    bound_mw: float
    price_usd_per_mwh: float
    worth_musd: float
    sides: tuple[Side, Side]


def reached_transfers(program: SecureProgram) -> list[AtLimit]:
    """Links whose limits are dearest in the last linear program, each where it is dearest, in that order.

    Parameters
    ----------
    program : SecureProgram
        Its whole decisions fixed, solved and loaded.
    """
    units, found = hourly_dollar_musd(program.case), list[AtLimit]()
    for d in program.case.links.index:
        by_limit: dict[str, list[AtLimit]] = {}
        for (t, h), unit_musd in units.items():
            for one in _at(program, str(d), t, h, unit_musd):
                by_limit.setdefault(one.limit, []).append(one)
        for here in by_limit.values():
            dearest = max(here, key=lambda one: one.worth_musd)
            found.append(replace(dearest, worth_musd=sum(one.worth_musd for one in here)))
    # Of equal ones the first in the grid's table: rounding must not decide.
    found.sort(key=lambda one: -round(one.worth_musd, 6))
    return found[:MOST_LINKS]


def _at(program: SecureProgram, d: str, t: int, h: str, unit_musd: float) -> Iterator[AtLimit]:
    """The limits of a link in a period and snapshot that are reached and have a price."""
    row, output, highs = program.case.links.loc[d], program.model.dispatch.output_mw, program.highs
    start, end = output[row.from_unit, t, h], output[row.to_unit, t, h]
    if float(start.ub) - float(start.lb) <= AT_BOUND_MW or not (highs.has(start) and highs.has(end)):
        return
    kept = 1.0 - float(row.loss_share)
    for bound_mw, is_largest in ((float(row.p_max_mw), True), (float(row.p_min_mw), False)):
        forward = bound_mw > 0
        sender, other = (start, end) if forward else (end, start)
        # What is sent at the to-bus has the constant loss beside it.
        sent = -float(sender.value) - (0.0 if forward else float(row.loss_mw))
        if abs(bound_mw) <= AT_BOUND_MW or abs(sent - abs(bound_mw)) > AT_BOUND_MW:
            continue
        limit = TRANSFER if is_largest == forward else LEAST_TRANSFER
        is_most = limit == TRANSFER
        sides = Side(sender, not is_most, -1.0), Side(other, is_most, kept)
        less = sum(one.factor * float(highs.reduced_cost(one.variable)) for one in sides)
        saved = -less if is_most else less
        if saved > NO_PRICE * unit_musd:
            value = sent if forward else -sent
            yield AtLimit(limit, d, int(t), str(h), value, bound_mw, saved / unit_musd, saved, sides)


def transfer_limits(program: SecureProgram) -> pd.DataFrame:
    """Limits of the links as rows of table ``binding``; none where no transfer is decided."""
    rows = [
        (
            one.limit,
            one.link,
            "",
            one.period,
            one.snapshot,
            one.transfer_mw,
            one.bound_mw,
            "MW",
            one.price_usd_per_mwh,
        )
        for one in reached_transfers(program)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
