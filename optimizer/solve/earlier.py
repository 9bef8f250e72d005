"""What earlier power is worth: delay and money of every plan solved beside this one, against this one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from optimizer.plan.columns import DECIMALS
from optimizer.plan.plan import Plan
from optimizer.units import USD_PER_MUSD

MONTHS_PER_YEAR = 12.0
"""Exact by definition."""

LEAST_MW_MONTHS = 1e-6
"""Delay below which two plans bring power at the same time [MW-month]."""


def totals_as_written(plan: Plan) -> dict[str, float]:
    """Totals of a plan with the decimals that are written: a difference of two of them is then known as exactly.

    Parameters
    ----------
    plan : Plan
        The plan.
    """
    return {name: round(float(value), DECIMALS) for name, value in plan.summary["objectives"].items()}


def earlier_table(plan: Plan, beside: Mapping[str, Plan]) -> dict[str, pd.DataFrame]:
    """Table ``earlier_power``: a row for each plan beside this one.

    Earlier power is delay that this plan has and the other does not; its value is what the other plan is better by,
    in cost or in net present value, per MW-month of it.

    Parameters
    ----------
    plan : Plan
        The plan.
    beside : mapping of str to Plan
        Plans by name of scenario.
    """
    own = totals_as_written(plan)
    key = "net_present_value_musd" if "net_present_value_musd" in own else "cost_musd"
    sign = 1.0 if key == "net_present_value_musd" else -1.0
    rows = []
    for name, other in beside.items():
        theirs = totals_as_written(other)
        earlier = MONTHS_PER_YEAR * (own["delay_mw_years"] - theirs["delay_mw_years"])
        gained = sign * (theirs[key] - own[key])
        is_same = abs(earlier) <= LEAST_MW_MONTHS
        value = float("nan") if is_same else USD_PER_MUSD * gained / earlier
        rows.append((name, theirs["cost_musd"], theirs["delay_mw_years"], earlier, gained, value))
    columns = "scenario cost_musd delay_mw_years earlier_mw_months gained_musd value_usd_per_mw_month".split()
    return {"earlier_power": pd.DataFrame(rows, columns=columns)}
