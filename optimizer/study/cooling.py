"""Cooling technologies on offer at a place: what its climate makes of them, and which its racks and water allow."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from optimizer.config import StudyConfig
from optimizer.errors import Finding, nearest
from optimizer.study.region import Region
from optimizer.units import HOURS_PER_DAY

ANY = "unspecified"
"""Name of the cooling of a site of which nothing is known: PUE 1, no water, no cost."""

COLUMNS = ("pue_annual", "pue_hot_day", "wue_m3_per_mwh", "cost_musd_per_mw")


def unspecified() -> pd.DataFrame:
    """The one technology of a study without a region: PUE 1, WUE 0, no cost."""
    index = pd.MultiIndex.from_tuples([("", ANY)], names=["iecc_zone", "cooling"])
    return pd.DataFrame([(1.0, 1.0, 0.0, 0.0)], index=index, columns=list(COLUMNS))


def technologies(region: Region, config: StudyConfig) -> tuple[pd.DataFrame, list[Finding]]:
    """Cooling technologies by climate zone, less those that the study or its racks rule out.

    Parameters
    ----------
    region : Region
        ``facts/cooling`` and ``facts/cooling_technologies``.
    config : StudyConfig
        ``cooling.technologies``, ``cooling.hot_day_percentile`` and ``facility.rack_density_kw``.

    Returns
    -------
    options : DataFrame, index (``iecc_zone``, ``cooling``)
        ``pue_annual`` (median), ``pue_hot_day`` (the study's percentile) [-], ``wue_m3_per_mwh`` (median; 1 L/kWh is
        1 m3/MWh), ``cost_musd_per_mw`` [M$/MW].
    findings : list of Finding
        Unknown technologies; none left.
    """
    known = region.facts["cooling_technologies"].set_index("cooling")
    wanted = config.cooling.technologies
    findings = [
        Finding("study.cooling.unknown", "cooling.technologies", "no such technology", repr(c), nearest(c, known.index))
        for c in wanted or ()
        if c not in known.index
    ]
    density = config.facility.rack_density_kw
    able = known if density is None else known[known["rack_density_max_kw"] >= density]
    chosen = able if wanted is None else able[able.index.isin(wanted)]
    if chosen.empty and not findings:
        densest = known["rack_density_max_kw"] if wanted is None else known.loc[list(wanted), "rack_density_max_kw"]
        remedy = f"lower facility.rack_density_kw or allow another technology: {', '.join(known.index)}"
        text = f"no technology cools such racks; the densest they reach is {densest.max():g} kW"
        findings.append(Finding("study.cooling.none", "facility.rack_density_kw", text, f"{density:g} kW", remedy))
    table = region.facts["cooling"]
    table = table[table["cooling"].isin(chosen.index)].set_index(["iecc_zone", "cooling"]).sort_index()
    options = pd.DataFrame(
        {
            "pue_annual": table["pue_p50"],
            "pue_hot_day": table[f"pue_p{config.cooling.hot_day_percentile:02d}"],
            "wue_m3_per_mwh": table["wue_p50_l_per_kwh"],
            "cost_musd_per_mw": chosen["capex_musd_per_mw_it"]
            .reindex(table.index.get_level_values("cooling"))
            .to_numpy(),
        }
    )
    return options, findings


def by_place(
    places: pd.DataFrame, options: pd.DataFrame, least_it_mw: pd.Series | float, utilization: float
) -> pd.DataFrame:
    """Cooling options of each place whose water suffices for its smallest campus.

    Parameters
    ----------
    places : DataFrame
        ``iecc_zone`` and ``water_available_m3_day`` [m3/day].
    options : DataFrame
        As `technologies` gives them.
    least_it_mw : Series or float
        Smallest campus of each place [MW].
    utilization : float
        Mean over installed IT power [-].

    Returns
    -------
    DataFrame, index (``site``, ``cooling``)
        `COLUMNS`, with ``water_need_m3_day``, what the smallest campus withdraws [m3/day]:
        ``24 x utilization x WUE x MW``.
    """
    left = pd.DataFrame(
        {
            "site": places.index,
            "iecc_zone": places["iecc_zone"].to_numpy(),
            "available": places["water_available_m3_day"].to_numpy(),
            "least_mw": least_it_mw.reindex(places.index).to_numpy()
            if isinstance(least_it_mw, pd.Series)
            else least_it_mw,
        }
    )
    table = left.merge(options.reset_index(), on="iecc_zone")
    table["water_need_m3_day"] = HOURS_PER_DAY * utilization * table["wue_m3_per_mwh"] * table["least_mw"]
    order = pd.Series(range(len(places)), index=places.index)
    table["_order"] = table["site"].map(order)
    table = table.sort_values(["_order", "cooling"]).set_index(["site", "cooling"])
    return table[[*COLUMNS, "water_need_m3_day", "available"]]


def allowed(by_place_table: pd.DataFrame) -> pd.DataFrame:
    """Options whose need is met by what the place's water region can give."""
    return by_place_table[by_place_table["water_need_m3_day"] <= by_place_table["available"]]


def unknown_sources(region: Region, wanted: Iterable[str] | None) -> list[Finding]:
    """Water sources that the region does not have."""
    known = sorted(set(region.facts["water_sources"]["water_source"]))
    return [
        Finding("study.water.unknown_source", "water.sources", "no such water source", repr(q), nearest(q, known))
        for q in wanted or ()
        if q not in known
    ]
