"""Which of thousands of possible land cells are kept as candidate sites.

Each cell is valued by its *cost*: the yearly cost per IT MW of its campus at full size with the tie that makes it
cheapest. Water, energy and network prices are left out: they are what the optimization decides by, and cells that share
a substation, a county, a climate zone and a water region share them.

1. Cells that share these four, and hold as many blocks under rules that do the same, compete. A cell is *dominated*
   when cheaper ones of its group are enough to take all that can flow to that substation: its campus could stand on
   one of them for less. (Their second and third nearest substations may differ: that choice is lost.)
2. If more than ``sites.max_sites`` are left, they are ranked: first the best cell of every substation, and among these
   first the best of every county, each by cost; then the second ones, and so on. The first are kept.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.study.points import ROUNDING_MW, without_dominated

DEFAULT_MAX_SITES = 400
"""Sites kept when a study does not say: enough to leave the network a choice, few enough to solve in minutes."""


def thin(
    places: gpd.GeoDataFrame, ties: pd.DataFrame, config: StudyConfig, yearly_factor: float
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Keep the cells that are worth deciding about.

    Parameters
    ----------
    places : GeoDataFrame
        Cells that no rule refused, priced; with ``least_pue`` [-] and ``rule_group``, equal where regulation is.
    ties : DataFrame
        Their tie options.
    config : StudyConfig
        ``sites.max_sites``.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].

    Returns
    -------
    kept : GeoDataFrame
        Cells that are kept, in the order of `places`, ``max_blocks`` reduced to what their ties carry.
    ties : DataFrame, index ``tie``
        Their ties, less those that are never better.
    dropped : dict of str to DataFrame
        By rule: ``cost`` of the cell and ``limit``, the cost of the last one that was kept in its stead
        [M$/MW-year].
    """
    valued = ties.assign(**_value(places, ties, yearly_factor))
    cost = valued.groupby("site")["cost"].min().reindex(places.index)
    nearest = valued.sort_values(["rank", "bus"], kind="stable").groupby("site")["substation"].first()
    nearest = nearest.reindex(places.index)
    worst = _dominated(places, cost, nearest, _room_mw(ties))
    left = cost[worst.isna()]
    most = config.sites.max_sites or DEFAULT_MAX_SITES
    order = _rank(places.loc[left.index], left, nearest)
    kept = places[places.index.isin(order[:most])]
    dropped = {
        "dominated": pd.DataFrame({"cost": cost, "limit": worst})[worst.notna()],
        "not_among_max_sites": pd.DataFrame({"cost": left, "limit": left.loc[order[:most]].max()}).loc[order[most:]],
    }
    draw = kept["max_blocks"] * kept["block_mw"] * kept["least_pue"]
    chosen = without_dominated(ties[ties["site"].isin(kept.index)], draw)
    chosen.index = pd.Index(
        [f"{s} {b} x{c}" for s, b, c in chosen[["site", "bus", "circuits"]].itertuples(index=False)], name="tie"
    )
    carried = chosen.groupby("site")["capacity_mw"].max().reindex(kept.index)
    by_tie = np.floor(carried / (kept["block_mw"] * kept["least_pue"]) + ROUNDING_MW)
    return kept.assign(max_blocks=np.minimum(kept["max_blocks"], by_tie).astype("int64")), chosen, dropped


def _value(places: pd.DataFrame, ties: pd.DataFrame, yearly_factor: float) -> dict[str, pd.Series]:
    """Blocks that each tie makes possible, and the yearly cost per IT MW with it [M$/MW-year]."""
    at = places.loc[ties["site"]].set_axis(ties.index)
    carries = np.minimum(ties["capacity_mw"], ties["firm_point_mw"])
    blocks = np.floor(carries / (at["block_mw"] * at["least_pue"]) + ROUNDING_MW).clip(upper=at["max_blocks"])
    fixed = (at["fixed_cost_musd"] + ties["cost_musd"]) / (blocks * at["block_mw"])
    return {"blocks": blocks, "cost": yearly_factor * (fixed + at["block_cost_musd"] / at["block_mw"])}


def _room_mw(ties: pd.DataFrame) -> pd.Series:
    """Firm power that can flow to each substation, all its points together [MW]."""
    points = ties.drop_duplicates("bus")
    return points.groupby("substation")["firm_point_mw"].sum()


def _dominated(places: pd.DataFrame, cost: pd.Series, nearest: pd.Series, room_mw: pd.Series) -> pd.Series:
    """Cost of the last cell kept in each dominated cell's stead [M$/MW-year]; nan for cells that are not dominated."""
    # Cells under one weather station alone compete, where stations are given.
    shared = [c for c in ("county", "iecc_zone", "basin", "rule_group", "max_blocks", "station") if c in places.columns]
    table = pd.DataFrame(
        {
            "substation": nearest,
            **{c: places[c] for c in shared},
            "cost": cost,
            "site": places.index,
        }
    ).sort_values(["cost", "site"], kind="stable")
    keys = ["substation", *shared]
    place_in_group = table.groupby(keys, sort=False).cumcount()
    full_mw = (places["max_blocks"] * places["block_mw"] * places["least_pue"]).reindex(table.index)
    enough = np.ceil(table["substation"].map(room_mw).astype(float) / full_mw - ROUNDING_MW).clip(lower=1)
    last_kept = table["cost"].where(place_in_group == enough - 1)
    limit = last_kept.groupby([table[k] for k in keys], sort=False).transform("max")
    return limit.where(place_in_group >= enough).reindex(places.index)


def _rank(places: pd.DataFrame, cost: pd.Series, nearest: pd.Series) -> pd.Index:
    """Sites by how soon they are kept."""
    table = pd.DataFrame(
        {"substation": nearest.reindex(places.index), "county": places["county"], "cost": cost, "site": places.index}
    ).sort_values(["cost", "site"], kind="stable")
    table["in_substation"] = table.groupby("substation", sort=False).cumcount()
    table = table.sort_values(["in_substation", "cost", "site"], kind="stable")
    table["in_county"] = table.groupby(["in_substation", "county"], sort=False).cumcount()
    return table.sort_values(["in_substation", "in_county", "cost", "site"], kind="stable").index
