"""What the study knows of reactive support at the plan's points of interconnection, looked up in its tables again."""

from __future__ import annotations

import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import compare_tables
from optimizer.plan.verify_context import Context


def reactive_support(context: Context) -> pd.DataFrame:
    """The reactive_support table as it must be.

    The word of a tie counts before that of its bus; where several options of a site at a bus differ, "needed" does.
    """
    buses = pd.DataFrame() if context.study.grid is None else context.study.grid.buses
    ties = [] if context.study.own is None else list(context.study.own.ties.itertuples())
    rows = []
    for site, bus in context.table("ties")[["site", "bus"]].itertuples(index=False, name=None):
        words = sorted({t.reactive_support for t in ties if (t.site, t.bus) == (site, bus) and t.reactive_support})
        if not words and "reactive_support" in buses.columns and bus in buses.index:
            cell = buses.at[bus, "reactive_support"]
            words = [] if pd.isna(cell) or not str(cell).strip() else [str(cell).strip()]
        rows += [(site, bus, words[-1])] if words else []
    return pd.DataFrame(rows, columns=PLAN_TABLES["reactive_support"].names)


def check_support(context: Context) -> list[Finding]:
    """The words stated are those of the study's tables."""
    return compare_tables(
        context.prefix, "reactive_support", context.table("reactive_support"), reactive_support(context)
    )


CHECKS = (check_support,)
