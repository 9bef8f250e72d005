"""The curve of what firmness costs: cost, delay and curtailment by the share of energy that may be curtailed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from optimizer.config.firmness import scenario_name
from optimizer.plan.plan import Plan
from optimizer.solve.earlier import MONTHS_PER_YEAR, totals_as_written
from optimizer.units import USD_PER_MUSD


def firmness_table(shares: Sequence[float], beside: Mapping[str, Plan]) -> dict[str, pd.DataFrame]:
    """Table ``firmness``; none where no curve is asked for.

    Earlier power is delay that the firmest plan of the curve has and the other does not; its value is the cost that is
    saved with it.

    Parameters
    ----------
    shares : sequence of float
        Of yearly energy, increasing [-].
    beside : mapping of str to Plan
        Plans by name of scenario.
    """
    if not shares:
        return {}
    rows = []
    for share in shares:
        plan = beside[scenario_name(share)]
        years = plan.tables.get("service_years")
        objectives = totals_as_written(plan)
        rows.append(
            {
                "share": share,
                "scenario": scenario_name(share),
                "cost_musd": objectives["cost_musd"],
                "bound_musd": plan.summary["bound_musd"],
                "delay_mw_years": objectives["delay_mw_years"],
                "curtailed_mwh": 0.0 if years is None else float(years["curtailed_mwh"].sum()),
            }
        )
    table = pd.DataFrame(rows)
    earlier = MONTHS_PER_YEAR * (table["delay_mw_years"].iloc[0] - table["delay_mw_years"])
    saved = USD_PER_MUSD * (table["cost_musd"].iloc[0] - table["cost_musd"])
    value = np.where(earlier > 1e-6, saved / earlier.where(earlier > 1e-6, 1.0), np.nan)
    return {"firmness": table.assign(earlier_mw_months=earlier, value_usd_per_mw_month=value)}
