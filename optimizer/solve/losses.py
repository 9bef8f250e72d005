"""The largest single loss of a plan: the generator or campus whose outage takes most away."""

from __future__ import annotations

import pandas as pd

from optimizer.errors import Finding
from optimizer.study.case import Case


def largest_loss(case: Case, output_mw: pd.DataFrame, withdrawal_mw: pd.DataFrame) -> list[Finding]:
    """Name the largest single loss among the outages of generators and campuses that the case asks for.

    Parameters
    ----------
    case : Case
        Its outages.
    output_mw : DataFrame
        ``generator, period, snapshot, output_mw``.
    withdrawal_mw : DataFrame
        ``site, bus, period, snapshot, withdrawal_mw``.

    Returns
    -------
    list of Finding
        One note; none where neither is asked for, or where nothing runs.
    """
    kinds = {one.elements.kind for one in case.joint.outages}
    rows: list[tuple[float, str, int, str]] = []
    for kind, name, column, table in (
        ("generator", "generator", "output_mw", output_mw),
        ("campus", "site", "withdrawal_mw", withdrawal_mw),
    ):
        if kind in kinds and len(table):
            row = table.loc[table[column].astype(float).idxmax()]
            rows.append((float(row[column]), f"{kind} {row[name]}", int(row["period"]), str(row["snapshot"])))
    if not rows or max(rows)[0] <= 0:
        return []
    mw, name, t, h = max(rows)
    text = f"the largest single loss of the plan, in period {t}, snapshot {h}"
    return [Finding("plan.largest_loss", name, text, f"{mw:,.1f} MW", "", "info", value=mw, unit="MW")]
