"""HVDC links that hold their schedule: load at one end, and at the other what arrives."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.grid.network import Grid


def scheduled_load(grid: Grid) -> tuple[pd.Series, list[Finding]]:
    """Return what the links in service draw at their ends when each carries its scheduled transfer.

    A link withdraws ``p`` at its from-bus, and ``p - loss_mw - loss_share p`` arrives at its to-bus; a negative ``p``
    runs the other way, with the losses at the end that receives.

    Parameters
    ----------
    grid : Grid
        ``hvdc`` with ``p_mw`` [MW].

    Returns
    -------
    load : Series, index ``bus``
        Load [MW]; negative where power arrives.
    findings : list of Finding
        A note of what the links carry; a warning where links have no schedule, and so carry nothing.
    """
    load = np.zeros(len(grid.buses))
    links = grid.hvdc[grid.hvdc["in_service"]]
    if links.empty:
        return pd.Series(load, index=grid.buses.index), []
    given = links["p_mw"] if "p_mw" in links.columns else pd.Series(np.nan, index=links.index)
    sent = given.fillna(0.0).to_numpy()
    lost = np.where(sent != 0, links["loss_mw"] + links["loss_share"] * np.abs(sent), 0.0)
    forward = sent >= 0
    np.add.at(load, grid.buses.index.get_indexer(links["from_bus"]), np.where(forward, sent, sent + lost))
    np.add.at(load, grid.buses.index.get_indexer(links["to_bus"]), np.where(forward, lost - sent, -sent))
    text = "HVDC links carry their scheduled transfer in every snapshot, before and after every outage"
    total = f"{len(links)} links, {np.abs(sent).sum():,.0f} MW"
    findings = [Finding("grid.hvdc.scheduled", "hvdc", text, total, severity="info")]
    unknown = given.index[given.isna()]
    if len(unknown):
        text = "links without a scheduled transfer carry nothing"
        found = f"{len(unknown)} links, the first {unknown[0]}"
        findings.append(Finding("grid.hvdc.no_schedule", "hvdc, p_mw", text, found, "give p_mw", "warning"))
    return pd.Series(load, index=grid.buses.index), findings
