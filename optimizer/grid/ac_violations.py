"""Limits that solved cases break, and which of them a new load brings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from optimizer.grid.ac_flow import ACCase, ACFlow, ACRun
from optimizer.grid.ac_network import emergency_ratings

#: Least and largest voltage without an outage and after one [pu]. Source: American Transmission Company, planning
#: criteria (95 to 105 %, and 90 to 110 % after a contingency).
NORMAL_PU, AFTER_OUTAGE_PU = (0.95, 1.05), (0.90, 1.10)

#: Excess over a limit that is rounding of the power flow [pu of the limit].
ROUNDING = 1e-5

#: Growth of an excess from which the new load makes a violation worse: of a loading as a share of the rating, of a
#: voltage in pu [-]; unverified.
WORSE = 0.01

COLUMNS = ("kind", "element", "contingency", "value", "limit", "unit")
KEYS = ["kind", "element", "contingency"]


def violations(case: ACCase | None, base: ACRun | None, after: Mapping[str, ACRun]) -> pd.DataFrame:
    """Return every limit that a case breaks, without an outage and after each.

    Parameters
    ----------
    case : ACCase, optional
        The case.
    base : ACRun, optional
        Its solution; no row without.
    after : mapping of str to ACRun
        Solutions after outages, by name; those without one give no row.

    Returns
    -------
    DataFrame
        `COLUMNS`, in the order of outages, then kinds, then of the grid's tables.
    """
    parts = [pd.DataFrame({column: pd.Series(dtype=object) for column in COLUMNS})]
    if case is not None and base is not None and base.flow is not None:
        branches = case.grid.branches_in_service
        parts.append(_broken("", base.flow, NORMAL_PU, branches["rating_mw"]))
        emergency = emergency_ratings(branches, case.emergency_factor)
        for name, run in after.items():
            if run.flow is not None:
                parts.append(_broken(name, run.flow, AFTER_OUTAGE_PU, emergency))
    whole = pd.concat(parts, ignore_index=True)
    return whole.astype({"value": float, "limit": float})


def _broken(contingency: str, flow: ACFlow, pu: tuple[float, float], rating: pd.Series) -> pd.DataFrame:
    voltage, load = flow.voltage_pu, flow.apparent_mva
    low, high = voltage[voltage < pu[0] - ROUNDING], voltage[voltage > pu[1] + ROUNDING]
    over = load[(load > rating * (1 + ROUNDING)) & np.isfinite(rating)]
    parts = (
        _rows("voltage_low", contingency, low, pu[0], "pu"),
        _rows("voltage_high", contingency, high, pu[1], "pu"),
        _rows("loading", contingency, over, rating.loc[over.index].to_numpy(float), "MVA"),
    )
    return pd.concat(parts, ignore_index=True)


def _rows(kind: str, contingency: str, values: pd.Series, limit: float | np.ndarray, unit: str) -> pd.DataFrame:
    rows = {"kind": kind, "element": values.index.to_numpy(object), "contingency": contingency}
    frame = pd.DataFrame({**rows, "value": values.to_numpy(float), "limit": limit, "unit": unit})
    return frame.astype({column: object for column in (*KEYS, "unit")})


def excess(rows: pd.DataFrame) -> np.ndarray:
    """How far each value is beyond its limit: loadings as a share of the rating, voltages in pu [-]."""
    value, limit = rows["value"].to_numpy(float), rows["limit"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.where(limit > 0, value / limit - 1, np.inf)
    return np.where((rows["kind"] == "loading").to_numpy(bool), over, np.abs(value - limit))


def compare(found: pd.DataFrame, before: pd.DataFrame, solved: set[str] | None) -> pd.DataFrame:
    """Tell what a new load brings from what was there before it.

    Parameters
    ----------
    found, before : DataFrame
        Violations with and without the new load.
    solved : set of str, optional
        Outages (empty text: none) that have a solution without the new load; ``None``: there is nothing to compare.

    Returns
    -------
    DataFrame
        `found` with ``before`` (value without the new load, nan where it broke no limit) and ``status``: ``new``,
        ``worse`` (the excess grew by more than `WORSE`), ``existing``, or ``not_compared``.
    """
    known = before.assign(before=before["value"], excess_before=excess(before))
    rows = found.merge(known[[*KEYS, "before", "excess_before"]], on=KEYS, how="left")
    was = rows["excess_before"].notna().to_numpy()
    grown = excess(rows) - rows["excess_before"].fillna(0.0).to_numpy(float)
    status = np.where(was, np.where(grown > WORSE, "worse", "existing"), "new").astype(object)
    comparable = np.zeros(len(rows), dtype=bool) if solved is None else rows["contingency"].isin(solved).to_numpy()
    status[~comparable] = "not_compared"
    return rows.drop(columns="excess_before").assign(status=pd.Series(status, index=rows.index, dtype=object))
