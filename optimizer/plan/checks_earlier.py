"""What earlier power is worth, from the totals of the plan and of those solved beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.verify_compare import compare_tables, finding
from optimizer.plan.verify_context import Context
from optimizer.units import USD_PER_MUSD

COLUMNS = ("scenario", "cost_musd", "delay_mw_years", "earlier_mw_months", "gained_musd", "value_usd_per_mw_month")


def check_earlier_power(context: Context, scenarios: dict[str, Context]) -> list[Finding]:
    """Table ``earlier_power`` follows from totals, which each plan's own checks recompute.

    Parameters
    ----------
    context : Context
        The plan.
    scenarios : dict of str to Context
        Its comparison plans.
    """
    stated = context.table("earlier_power")
    if not scenarios:
        return [] if stated.empty else [finding("tables/earlier_power.csv", f"{len(stated)} rows", "no such table")]
    here = context.summary["objectives"]
    earns = "net_present_value_musd" in here
    rows = []
    for name, other in scenarios.items():
        there = other.summary["objectives"]
        if earns:
            better = there["net_present_value_musd"] - here["net_present_value_musd"]
        else:
            better = here["cost_musd"] - there["cost_musd"]
        months = 12.0 * (here["delay_mw_years"] - there["delay_mw_years"])
        worth = better * USD_PER_MUSD / months if abs(months) > 1e-6 else np.nan
        rows.append((name, there["cost_musd"], there["delay_mw_years"], months, better, worth))
    return compare_tables("", "earlier_power", stated, pd.DataFrame(rows, columns=list(COLUMNS)))
