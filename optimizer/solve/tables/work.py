"""Tables of a plan about work: racks by site, and what programmes of efficiency avoid."""

from __future__ import annotations

import pandas as pd
import pyomo.environ as pyo

from optimizer.formulation import work
from optimizer.study.case import Case

LEAST = 1e-6
"""Racks below this are none [MW]."""


def work_tables(case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Tables ``racks`` and ``efficiency``; none in a study without them.

    Parameters
    ----------
    case : Case
        The case.
    m : ConcreteModel
        Holding a solution.
    """
    if case.work is None:
        return {}
    made, years, found = work.tables(m.work, case, m), case.periods["annuity_years"], {}
    if case.work.has_racks:
        rows = made["racks"]
        rows = rows[rows["it_mw"] > LEAST].reset_index(drop=True)
        yearly = case.work.racks["annuity_musd_per_mw"].loc[rows["rack"]].to_numpy(float)
        yearly = yearly * ~rows["site"].isin(case.work.in_rent).to_numpy(bool)
        count = [float(case.work.counts.at[k, t]) for k, t in zip(rows["rack"], rows["period"], strict=True)]
        found["racks"] = rows.assign(
            counted_mw=rows["it_mw"] * count, cost_musd=rows["period"].map(years).astype(float) * yearly * rows["it_mw"]
        )
    if len(case.work.programmes):
        rows = made["avoided"]
        rows = rows.assign(units=rows["avoided_mw"] / case.work.unit_mw[int(case.periods.index[-1])])
        yearly = case.work.programmes["annuity_musd"].loc[rows["programme"]].to_numpy(float)
        found["efficiency"] = rows[["programme", "period", "units"]].assign(
            avoided_mw=rows["units"] * rows["period"].map(dict(case.work.unit_mw)).astype(float),
            cost_musd=rows["period"].map(years).astype(float) * yearly * rows["units"],
        )
    return found


def serving_mw(case: Case, rows: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.Series:
    """What each row counts towards the target: its IT load, or what its racks count [MW].

    Parameters
    ----------
    case : Case
        The case.
    rows : DataFrame
        ``site, period, it_mw`` of what is built.
    tables : dict of DataFrame
        ``racks``, where racks are chosen.
    """
    if not case.has_racks:
        return rows["it_mw"]
    counted = tables["racks"].groupby(["site", "period"])["counted_mw"].sum()
    found = counted.reindex(pd.MultiIndex.from_frame(rows[["site", "period"]])).fillna(0.0).to_numpy(float)
    return pd.Series(found, index=rows.index)


def counted_mw(case: Case, placed: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.Series | None:
    """What counts towards the target by period, ``None`` where that is what is built [MW]."""
    if case.work is None:
        return None
    rows = (
        tables["racks"].rename(columns={"counted_mw": "mw"})
        if case.work.has_racks
        else placed.assign(mw=placed["it_mw"])
    )
    counted = rows.groupby("period")["mw"].sum().reindex(case.periods.index).fillna(0.0)
    if "efficiency" in tables:
        counted = counted + tables["efficiency"].groupby("period")["avoided_mw"].sum().reindex(counted.index).fillna(
            0.0
        )
    return counted
