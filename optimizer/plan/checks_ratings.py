"""How the factors on ratings spread, as the ratings table states it."""

from __future__ import annotations

import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.tables import PLAN_TABLES, empty_table
from optimizer.plan.verify_compare import compare_tables
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_ratings import factors, rows_used


def ratings(context: Context) -> pd.DataFrame:
    """The ratings table as it must be: how the factors on the ratings of existing branches spread, by snapshot.

    Without a row that says anything else than 1 there is none.
    """
    used = [row for row in rows_used(context.study) if row.snapshot in context.snapshots]
    if all(row.factor == 1 and not abs(row.factor_emergency - 1) > 0 for row in used):
        return empty_table("ratings")
    rows = []
    for limit, after_outage in (("normal rating", False), ("emergency rating", True)):
        every = factors(context, after_outage)
        for column, h in enumerate(context.snapshots):
            values = every[:, column]
            spread = float(values.min()), float(values.mean()), float(values.max())
            rows.append((h, limit, int((values != 1).sum()), *spread))
    return pd.DataFrame(rows, columns=PLAN_TABLES["ratings"].names)


def check_ratings(context: Context) -> list[Finding]:
    """How the factors on ratings spread; the limits that they make are checked as limits of flows."""
    return compare_tables(context.prefix, "ratings", context.table("ratings"), ratings(context))


CHECKS = (check_ratings,)
