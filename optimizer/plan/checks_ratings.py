"""How the factors on ratings spread, as the ratings table states it."""

from __future__ import annotations

import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import compare_tables
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_ratings import factors


def ratings(context: Context) -> pd.DataFrame:
    """The ratings table as it must be: how the factors on the ratings of existing branches spread, by snapshot."""
    rows = []
    for limit, after_outage in (("normal rating", False), ("emergency rating", True)):
        every = factors(context, after_outage)
        for column, h in enumerate(context.snapshots):
            values = every[:, column]
            spread = float(values.min()), float(values.mean()), float(values.max())
            rows.append((h, limit, int((values != 1).sum()), *spread))
    table = pd.DataFrame(rows, columns=PLAN_TABLES["ratings"].names)
    return table if table["count"].any() else table.iloc[:0]


def check_ratings(context: Context) -> list[Finding]:
    """How the factors on ratings spread; the limits that they make are checked as limits of flows."""
    return compare_tables(context.prefix, "ratings", context.table("ratings"), ratings(context))


CHECKS = (check_ratings,)
