"""HVDC links: load at one end, and at the other what arrives, as scheduled or as it is decided."""

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


LINK_CARRIER = "hvdc"
"""Carrier of the two ends of a link whose transfer is decided."""

LINK_COLUMNS = ("from_unit", "to_unit", "p_min_mw", "p_max_mw", "loss_mw", "loss_share")
"""Columns of the links whose transfer is decided."""


def no_links() -> pd.DataFrame:
    """Links of a study that decides no transfer."""
    kinds = {c: object if c.endswith("_unit") else float for c in LINK_COLUMNS}
    return pd.DataFrame({c: pd.Series(dtype=kinds[c]) for c in LINK_COLUMNS}, index=pd.Index([], name="link"))


def decided_links(grid: Grid) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Return the links in service as what they give to the buses at their ends, which is decided.

    A link that withdraws ``p`` at its from-bus gives ``-p`` there and ``(1 - loss_share) p - loss_mw`` at its to-bus;
    one that runs the other way takes ``|p|`` at its to-bus and gives ``(1 - loss_share) |p|`` at its from-bus. The
    constant loss is drawn at the to-bus as long as the link is in service. A link with losses that may run both ways
    keeps the direction of its schedule, else that from its from-bus: which way is no linear decision.

    Parameters
    ----------
    grid : Grid
        ``hvdc`` with ``p_min_mw`` and ``p_max_mw``, withdrawn at the from-bus, and ``p_mw`` [MW].

    Returns
    -------
    ends : DataFrame, index ``generator``
        ``bus``, and ``p_min_mw`` and ``p_max_mw`` of what is given there [MW].
    links : DataFrame, index ``link``
        `LINK_COLUMNS`: names of the two ends, limits and losses.
    findings : list of Finding
        Links that lose all and names that are taken: errors. A note of what is decided.
    """
    rows = grid.hvdc[grid.hvdc["in_service"]]
    if rows.empty:
        text, remedy = "the grid has no HVDC link in service", 'leave the key out, or write "scheduled"'
        found = [Finding("grid.hvdc.none", "dispatch.hvdc", text, "decided", remedy, "warning")]
        return pd.DataFrame(columns=["bus", "p_min_mw", "p_max_mw"]), no_links(), found
    links = rows[["p_min_mw", "p_max_mw", "loss_mw", "loss_share"]].astype(float)
    links.insert(0, "to_unit", [f"{link} at {bus}" for link, bus in rows["to_bus"].items()])
    links.insert(0, "from_unit", [f"{link} at {bus}" for link, bus in rows["from_bus"].items()])
    findings = _one_way(links, rows)
    low, high, kept = links["p_min_mw"], links["p_max_mw"], 1 - links["loss_share"]
    at_start = pd.DataFrame({"bus": rows["from_bus"], "p_min_mw": -high.where(high > 0, high * kept)})
    at_start["p_max_mw"] = -low.where(low > 0, low * kept)
    at_end = pd.DataFrame({"bus": rows["to_bus"], "p_min_mw": low.where(low < 0, low * kept) - links["loss_mw"]})
    at_end["p_max_mw"] = high.where(high < 0, high * kept) - links["loss_mw"]
    ends = pd.concat([at_start.set_axis(links["from_unit"]), at_end.set_axis(links["to_unit"])]).rename_axis(
        "generator"
    )
    for link in links.index[(kept <= 0) | ~np.isfinite(high) | ~np.isfinite(low)]:
        text, remedy = "its transfer cannot be decided: it has no limit, or loses all", "correct p_max_mw or loss_share"
        findings.append(Finding("grid.hvdc.undecidable", f"hvdc, link {link}", text, "", remedy))
    for name in ends.index.intersection(grid.generators.index):
        text, remedy = "the end of a link whose transfer is decided would be called as a generator", "rename the link"
        findings.append(Finding("grid.hvdc.name", f"hvdc, link {name}", text, str(name), remedy))
    text = "the transfer of HVDC links is decided in every snapshot, and held after outages"
    total = f"{len(links)} links, up to {np.maximum(high.abs(), low.abs()).sum():,.0f} MW"
    findings.append(Finding("grid.hvdc.decided", "hvdc", text, total, severity="info"))
    return ends, links[list(LINK_COLUMNS)], findings


def _one_way(links: pd.DataFrame, rows: pd.DataFrame) -> list[Finding]:
    """Take the other direction from links with losses that may run both ways."""
    both = (links["p_min_mw"] < 0) & (links["p_max_mw"] > 0) & (links["loss_share"] > 0)
    scheduled = rows["p_mw"].astype(float) if "p_mw" in rows.columns else pd.Series(np.nan, index=rows.index)
    back = both & (scheduled < 0)
    links.loc[back, "p_max_mw"] = 0.0
    links.loc[both & ~back, "p_min_mw"] = 0.0
    if not both.any():
        return []
    text = "links with losses that may run both ways carry in one direction only where their transfer is decided, that "
    text += "of their schedule, else from from_bus; no plan that sends the other way is sought"
    ends = [
        f"{link} from {row.to_bus} to {row.from_bus}" if back[link] else f"{link} from {row.from_bus} to {row.to_bus}"
        for link, row in rows[both].iterrows()
    ]
    found = "; ".join(ends[:3]) + (f" and {len(ends) - 3} more" if len(ends) > 3 else "")
    remedy = "give p_mw in the direction that is wanted, or two links of one direction each"
    return [Finding("grid.hvdc.direction", "hvdc", text, found, remedy, "warning")]
