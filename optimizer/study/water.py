"""Water of a study: its basins' sources and its own, and the water behind the electricity of its campuses."""

from __future__ import annotations

import pandas as pd

from optimizer.config import StudyConfig, WaterSettings
from optimizer.errors import Finding, nearest
from optimizer.layers.water import Options, OwnSource
from optimizer.study.outdoors import Outdoors
from optimizer.study.region import Region
from optimizer.units import HOURS_PER_DAY


def water_options(config: StudyConfig) -> Options:
    """What a study may take of each source, and the sources it brings."""
    settings = config.water
    own = (OwnSource(s.basin, s.name, s.available_m3_day, s.price_usd_per_m3) for s in settings.source)
    return Options(settings.withdrawal_share, settings.sources, tuple(own))


def unknown_sources(region: Region, settings: WaterSettings) -> list[Finding]:
    """Water sources that the region does not have; sources of the study's own that cannot be.

    Parameters
    ----------
    region : Region
        ``facts/water_sources``.
    settings : WaterSettings
        ``sources`` and ``source``.
    """
    table = region.facts["water_sources"]
    known, basins = sorted(set(table["water_source"])), sorted(set(table["water_region"]))
    findings = [
        Finding("study.water.unknown_source", "water.sources", "no such water source", repr(q), nearest(q, known))
        for q in settings.sources or ()
        if q not in known
    ]
    pairs = set(zip(table["water_region"], table["water_source"], strict=True))
    for number, own in enumerate(settings.source, start=1):
        where = f"water.source#{number} ({own.name})"
        if own.basin not in basins:
            text, remedy = "no such water region", nearest(own.basin, basins)
            findings.append(Finding("study.water.unknown_basin", where, text, repr(own.basin), remedy))
        elif (own.basin, own.name) in pairs:
            text, remedy = "the region has a source of this name there", "give the study's own source another name"
            findings.append(Finding("study.water.source_twice", where, text, repr(own.name), remedy))
    return findings


def unknown_carriers(outdoors: Outdoors, generators: pd.DataFrame | None) -> list[Finding]:
    """Why the water behind the plan's own mix cannot be told, or only in part.

    Parameters
    ----------
    outdoors : Outdoors
        ``carrier_m3_per_mwh``; empty where the mix is not asked for.
    generators : DataFrame, optional
        ``carrier`` of each; ``None`` without a grid.
    """
    known = outdoors.carrier_m3_per_mwh
    if not known:
        return []
    if generators is None:
        text, remedy = "without a grid there is no mix of generation", "give a state, or indirect_m3_per_mwh"
        return [Finding("study.water.no_mix", "water.indirect", text, "'mix'", remedy)]
    counts = generators["carrier"][~generators["carrier"].isin(list(known))].replace("", "no carrier").value_counts()
    if counts.empty:
        return []
    text = "no water is known of these generators, and the mean is over the others"
    found = ", ".join(f"{carrier}: {count}" for carrier, count in counts.sort_index().items())
    return [Finding("study.water.carriers", "water.indirect", text, found, f"known: {', '.join(known)}", "warning")]


def electricity_water(sites: pd.DataFrame, factor_m3_per_mwh: pd.Series, utilization: pd.Series) -> pd.DataFrame:
    """Water behind the electricity of each campus, beside the water that it withdraws itself.

    ``24 x utilization x PUE x MW x factor``. Water at the source is the sum of both: WUE_source = WUE_site + PUE x
    factor of the grid (The Green Grid, Water Usage Effectiveness, White Paper 35, 2011).

    Parameters
    ----------
    sites : DataFrame
        Table ``sites`` of a plan.
    factor_m3_per_mwh : Series, index period
        Water consumed behind a MWh of electricity [m3/MWh].
    utilization : Series
        Mean over installed IT power of each row [-].

    Returns
    -------
    DataFrame
        ``site``, ``period``, ``factor_m3_per_mwh``, ``site_m3_day``, ``indirect_m3_day``, ``source_m3_day``.
    """
    factor = sites["period"].map(factor_m3_per_mwh).astype(float)
    indirect = HOURS_PER_DAY * utilization * sites["pue_annual"] * sites["it_mw"] * factor
    return pd.DataFrame(
        {
            "site": sites["site"],
            "period": sites["period"],
            "factor_m3_per_mwh": factor,
            "site_m3_day": sites["water_m3_day"],
            "indirect_m3_day": indirect,
            "source_m3_day": sites["water_m3_day"] + indirect,
        }
    )


def electricity_factor(
    outdoors: Outdoors, periods: pd.Index, outputs: pd.DataFrame, carriers: pd.Series, hours: pd.Series
) -> pd.Series:
    """Water behind a MWh of electricity, by period [m3/MWh].

    The number that the study gives; else that of the plan's own generation,
    ``sum_g,h hours output factor / sum_g,h hours output``, over carriers whose factor is known. An average: the water
    of the generation that runs for the campuses alone is another question.

    Parameters
    ----------
    outdoors : Outdoors
        ``electricity_m3_per_mwh`` or ``carrier_m3_per_mwh``.
    periods : Index
        Periods.
    outputs : DataFrame
        ``generator, period, snapshot, output_mw``.
    carriers : Series, index ``generator``
        What each generator makes electricity from.
    hours : Series, index ``snapshot``
        Weight of each [h/year].
    """
    if outdoors.electricity_m3_per_mwh is not None:
        return pd.Series(outdoors.electricity_m3_per_mwh, index=periods, dtype=float)
    known = outputs["generator"].map(carriers).map(dict(outdoors.carrier_m3_per_mwh)).astype(float)
    energy = (outputs["output_mw"] * outputs["snapshot"].map(hours)).where(known.notna(), 0.0)
    total = energy.groupby(outputs["period"]).sum().reindex(periods)
    return (energy * known.fillna(0.0)).groupby(outputs["period"]).sum().reindex(periods) / total.where(total > 0)
