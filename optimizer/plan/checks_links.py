"""HVDC links whose transfer is decided: what leaves one end arrives at the other less losses, within limits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.verify_compare import broken, capped, compare_tables
from optimizer.plan.verify_context import Context

DISPATCHES = ("dispatch", "baseline_dispatch", "overload_dispatch")


def transfers(links: pd.DataFrame, dispatch: pd.DataFrame) -> pd.DataFrame:
    """Return what each link carries, from what it gives to the buses at its ends.

    Parameters
    ----------
    links : DataFrame, index ``link``
        ``from_bus`` and ``to_bus``.
    dispatch : DataFrame
        ``generator, period, snapshot, output_mw``.

    Returns
    -------
    DataFrame
        ``link, period, snapshot, from_bus, to_bus, from_mw`` (into the link at its from-bus) and ``to_mw`` (out of
        it at its to-bus) [MW].
    """
    given = dispatch.set_index(["generator", "period", "snapshot"])["output_mw"].astype(float)
    when = dispatch[["period", "snapshot"]].drop_duplicates()
    rows = [
        (d, t, h, start, end, -given.get((f"{d} at {start}", t, h), np.nan), given.get((f"{d} at {end}", t, h), np.nan))
        for d, start, end in links[["from_bus", "to_bus"]].itertuples(name=None)
        for t, h in when.itertuples(index=False, name=None)
    ]
    return pd.DataFrame(rows, columns=["link", "period", "snapshot", "from_bus", "to_bus", "from_mw", "to_mw"])


def check_links(context: Context) -> list[Finding]:
    """In every dispatch the ends of a link agree, within the limits of the grid's own table."""
    assert context.study.grid is not None
    links = context.study.grid.hvdc
    links = links[links["in_service"]]
    findings = []
    for name in DISPATCHES:
        table = context.table(name)
        if not table.empty:
            stated = table if "period" in table.columns else table.assign(period=context.periods[0])
            findings += _of_dispatch(context, name, links, transfers(links, stated))
    stated = context.table("hvdc")
    findings += compare_tables(context.prefix, "hvdc", stated, transfers(links, context.table("dispatch")))
    return findings


def _of_dispatch(context: Context, name: str, links: pd.DataFrame, carried: pd.DataFrame) -> list[Finding]:
    facts = links.loc[carried["link"]]
    kept = 1 - facts["loss_share"].to_numpy(float)
    sent, arrived = carried["from_mw"].to_numpy(float), carried["to_mw"].to_numpy(float)
    expected = np.where(sent >= 0, kept * sent, sent / kept) - facts["loss_mw"].to_numpy(float)
    # Backwards the link takes its transfer at the to-bus.
    moved = np.where(sent >= 0, sent, sent / kept)
    low, high = facts["p_min_mw"].to_numpy(float), facts["p_max_mw"].to_numpy(float)
    found = []
    for row in np.flatnonzero(~(np.abs(arrived - expected) <= 2 * tolerances.POWER_MW)):
        message = f"{expected[row]:.6f} MW must arrive of {sent[row]:.6f} MW"
        found.append(
            broken(
                "plan.hvdc.loss", _where(context, name, carried, int(row)), message, arrived[row], expected[row], "MW"
            )
        )
    outside = ~((moved >= low - tolerances.POWER_MW) & (moved <= high + tolerances.POWER_MW))
    for row in np.flatnonzero(outside):
        bound = float(np.clip(moved[row], low[row], high[row]))
        message = f"the transfer is outside its limits, {low[row]:g} to {high[row]:g} MW"
        found.append(
            broken("plan.hvdc.limit", _where(context, name, carried, int(row)), message, moved[row], bound, "MW")
        )
    return capped(found, f"{context.prefix}tables/{name}.csv column output_mw")


def _where(context: Context, name: str, carried: pd.DataFrame, row: int) -> str:
    link, period, snapshot = carried.loc[row, ["link", "period", "snapshot"]]
    return f"{context.prefix}tables/{name}.csv, link {link}, period {period}, snapshot {snapshot}"


CHECKS = (check_links,)
