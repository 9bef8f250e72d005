"""What heat and dry basins allow of each campus's cooling, judged from the weather and the classes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from optimizer.errors import Finding
from optimizer.layers.climate import station_of
from optimizer.layers.cooling_hours import Method, hourly, supply_water_c
from optimizer.layers.weather import Station
from optimizer.plan.verify_compare import broken, cell
from optimizer.plan.verify_context import Context
from optimizer.study.outdoors import STRESS_CLASSES

SLACK = 1e-6
"""Share of the heat by which a plant may fall short: rounding [-]."""

STANDARD_PERCENTILE = 99.6
"""Percentile of the hours that a plant must hold, where the study says none [%]; see ``cooling.hot_hour_percentile``
(ASHRAE, Handbook Fundamentals, Climatic Design Information, 0.4 % condition)."""


def check_stress(context: Context) -> list[Finding]:
    """No campus has a cooling that the stress of its basin's water forbids."""
    forbid, stress = context.study.config.water.forbid or {}, context.study.outdoors.stress
    findings = []
    for row, (cooling, basin) in enumerate(context.placed[["cooling", "basin"]].itertuples(index=False)):
        if cooling in forbid and basin in stress:
            value, limit = STRESS_CLASSES.index(stress[basin]), STRESS_CLASSES.index(forbid[cooling])
            if value > limit:
                where = cell(context.prefix, "sites", row, context.table("sites"), "cooling")
                message = f"it is forbidden above stress class {forbid[cooling]}, and {basin} is {stress[basin]}"
                findings.append(broken("plan.cooling.water_stress", where, message, value, limit, "class"))
    return findings


def check_hot_hours(context: Context) -> list[Finding]:
    """Every plant, as large as it is paid for, holds the supply temperature in all but the hottest hours."""
    settings, outdoors = context.study.config.cooling, context.study.outdoors
    if not outdoors.stations or context.study.region is None:
        return []
    percentile = settings.hot_hour_percentile or STANDARD_PERCENTILE
    rows = context.placed
    places = context.study.candidates.sites.loc[rows["site"], ["iecc_zone", "lat", "lon"]]
    stations = {one.name: one for one in outdoors.stations}
    prices = context.study.region.facts["cooling_technologies"].set_index("cooling")["capex_musd_per_mw_it"]
    findings: list[Finding] = []
    known: dict[tuple[str, str, float], float] = {}
    for row, (station, cooling, cost) in enumerate(
        zip(station_of(places, outdoors.stations), rows["cooling"], rows["cost_musd_per_mw"], strict=True)
    ):
        # A plant that costs nothing does not say how large it is.
        if station not in stations or cooling not in outdoors.methods or not prices[cooling] > 0:
            continue
        size = float(cost) / float(prices[cooling])
        key = (station, cooling, size)
        if key not in known:
            known[key] = _missed(context, stations[station], cooling, size)
        if known[key] > 100 - percentile + SLACK:
            where = cell(context.prefix, "sites", row, context.table("sites"), "cooling")
            message = f"it holds the supply temperature in all but {100 - percentile:.6g} % of the hours of {station}"
            findings.append(broken("plan.cooling.hot_hour", where, message, known[key], 100 - percentile, "%"))
    return findings


def _missed(context: Context, station: Station, cooling: str, size: float) -> float:
    """Hours in which a plant does not hold the whole load, over all hours [%]."""
    settings, method = context.study.config.cooling, context.study.outdoors.methods[cooling]
    chiller = (settings.chiller_share or {}).get(cooling, method.chiller_share)
    supply = (settings.supply_c or {}).get(cooling, method.supply_c)
    changed = replace(method, chiller_share=chiller, supply_c=supply)
    return 100 * float(np.mean(~_holds(changed, station, context.study.outdoors.parameters, 1 / size)))


def _holds(method: Method, station: Station, p: Mapping[str, float], load: float) -> np.ndarray:
    """Hours in which a module at this load holds the supply temperature: what it removes is no less than its heat."""
    if method.economizer == "air":
        return np.asarray(hourly(method, station.hours, p)["held_share"] >= load - SLACK)
    hours = station.hours
    if method.economizer == "tower":
        sink, approach = hours["wet_bulb_c"], p["tower_approach_k"] + p["exchanger_approach_k"]
    else:
        spread = hours["dry_bulb_c"] - hours["wet_bulb_c"]
        sink, approach = hours["dry_bulb_c"] - p["adiabatic_effectiveness_share"] * spread, p["dry_approach_k"]
    returned = supply_water_c(method, p) + load * p["water_rise_k"]
    reached = sink.to_numpy(float) + load * approach
    removed = np.clip((returned - reached) / p["water_rise_k"], 0.0, load) + method.chiller_share
    return np.asarray(removed >= load - SLACK)


CHECKS = (check_stress, check_hot_hours)
