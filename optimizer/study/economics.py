"""Money over time: what an investment costs a year, and what a period's years are worth today.

An investment is paid as equal yearly amounts over its life, from the year it serves. A period lasts until the next one
begins, the last for a stated number of years; what is paid in a year is discounted to the first period.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, fsum

import pandas as pd


def capital_recovery(rate: float, life_years: float) -> float:
    """Yearly payment per unit of investment that repays it, with interest, over its life.

    ``r / (1 - (1 + r)^-n)``, and ``1 / n`` when the rate is zero.

    Parameters
    ----------
    rate : float
        Discount rate [1/year], zero or more.
    life_years : float
        Life of the investment [years], more than zero.

    Returns
    -------
    float
        Capital recovery factor [1/year].

    References
    ----------
    NREL, Annual Technology Baseline, definition of the capital recovery factor.
    """
    if rate == 0:
        return 1.0 / life_years
    return rate / (1.0 - (1.0 + rate) ** -life_years)


def annuity_musd(cost_musd: float, rate: float, life_years: float) -> float:
    """Yearly payment for an investment [M$/year]: its cost times `capital_recovery`.

    Parameters
    ----------
    cost_musd : float
        One-time cost [M$].
    rate : float
        Discount rate [1/year].
    life_years : float
        Life of the investment [years].
    """
    return cost_musd * capital_recovery(rate, life_years)


def period_table(periods: Sequence[int], rate: float, last_period_years: float) -> pd.DataFrame:
    """Length of each period, and what one M$ a year through it is worth in the first period.

    ``annuity_years[t] = sum over its years y of (1 + r)^-(y - first period)``; a last period that ends within a year
    counts the fraction of that year.

    Parameters
    ----------
    periods : sequence of int
        First year of each period, strictly increasing.
    rate : float
        Discount rate [1/year].
    last_period_years : float
        Length of the last period [years].

    Returns
    -------
    DataFrame
        Index ``period``; columns ``years`` [years] and ``annuity_years`` [years].
    """
    first = periods[0]
    lengths = [float(after - start) for start, after in pairwise(periods)]
    rows = []
    for start, length in zip(periods, [*lengths, float(last_period_years)], strict=True):
        parts = (min(1.0, length - n) * (1.0 + rate) ** -(start + n - first) for n in range(ceil(length)))
        rows.append((length, fsum(parts)))
    index = pd.Index(list(periods), name="period", dtype="int64")
    return pd.DataFrame(rows, index=index, columns=["years", "annuity_years"])


def yearly_factor(periods: pd.DataFrame, rate: float, life_years: float, annuitize: bool) -> float:
    """Yearly amount per M$ of one-time cost [1/year].

    With ``annuitize`` it is `capital_recovery`. Without, a one-time cost counts whole: the study has one period, whose
    ``annuity_years`` divides it, so that yearly amount times ``annuity_years`` is the cost.

    Parameters
    ----------
    periods : DataFrame
        As `period_table` makes it; one row unless ``annuitize``.
    rate : float
        Discount rate [1/year].
    life_years : float
        Life of investments [years].
    annuitize : bool
        Whether investments are paid over their life.
    """
    if annuitize:
        return capital_recovery(rate, life_years)
    return 1.0 / float(periods["annuity_years"].iloc[0])


def ready_year(decision_year: int, lead_months: float) -> int:
    """First year through the whole of which something decided now can serve.

    Lead time runs from 1 January of the decision year; what is ready within a year serves from 1 January of the next:
    ``decision_year + ceil(lead_months / 12)``.

    Parameters
    ----------
    decision_year : int
        Year at the start of which the decision is made.
    lead_months : float
        Months from the decision to being in service.
    """
    return decision_year + ceil(lead_months / 12)


def shortened(lead_months: float, shorter_months: float) -> float:
    """A lead time that is so much shorter, never below none [month]."""
    return max(0.0, lead_months - shorter_months)


def sooner(year: pd.Series, decision_year: int, shorter_months: float) -> pd.Series:
    """First years moved by the whole years that lead times are shorter, none of them before the decision.

    Parameters
    ----------
    year : Series
        First year of service [year].
    decision_year : int
        Year at the start of which the decision is made.
    shorter_months : float
        Months by which lead times are shorter [month].
    """
    moved = (year - floor(shorter_months / 12)).clip(lower=decision_year)
    return year.where(year <= decision_year, moved)
