"""Cooling hour by hour: what a plant draws and drinks in each hour of weather, and how much heat it can hold.

The method is that of Lei and Masanet, Resources, Conservation and Recycling 182 (2022) 106323, and Lei, Lu, Shehabi and
Masanet, the same journal 219 (2025) 108310: an economizer takes what heat outside air, a tower or a dry cooler can take
at the supply temperature, a chiller the rest; fans and pumps by pressure and flow; water by evaporation, drift and
blowdown. All figures are per unit of IT power. `datasets/cooling` holds every number with its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.layers.weather import KELVIN, cooled_to, humidity_ratio

Floats = np.ndarray

AIR_KJ_PER_KG_K = 1.01
"""Heat capacity of air [kJ/(kg K)], as in Lei and Masanet 2022."""

WATER_KJ_PER_KG_K = 4.184
"""Heat capacity of water [kJ/(kg K)], as in Lei and Masanet 2022."""

COIL_KJ_PER_KG = 2266.0
"""Heat per water that condenses on a cooling coil and is humidified again [kJ/kg], as in Lei and Masanet 2022."""

WATER_KG_PER_M3 = 1000.0
"""Density of water [kg/m3] (rounded)."""

DRY_AIR_J_PER_KG_K = 287.042
"""Gas constant of dry air [J/(kg K)]; ASHRAE Handbook Fundamentals, Psychrometrics."""

S_PER_H = 3600.0
"""Seconds of an hour (definition); kg/(kW s) times this is L/kWh."""

CHILLER_COP = (16.798751, -0.760621, 0.008840, 9.885294, -8.528931, 0.084615)
"""Coefficients of a water-cooled chiller's efficiency: 1, t, t^2, x, x^2, x t, with t the water entering its condenser
[C] and x its part load; Lei and Masanet, Energy 201 (2020) 117556, in the authors' published code."""


@dataclass(frozen=True)
class Method:
    """How a technology cools.

    Parameters
    ----------
    economizer : {"air", "tower", "dry"}
        What takes heat without a chiller.
    chiller : {"air", "water"}
        What cools the chiller's condenser: outside air, or a tower.
    supply_c : float
        Temperature of the facility water of liquid-cooled IT [C]; nan where IT is cooled by air.
    chiller_share : float
        Size of the chiller over the whole heat [-].
    """

    economizer: str
    chiller: str
    supply_c: float
    chiller_share: float

    @property
    def is_liquid(self) -> bool:
        """Whether liquid cools the IT."""
        return bool(np.isfinite(self.supply_c))


@dataclass(frozen=True)
class Loads:
    """Shares of the heat of the hall, and what the economizer needs for its part; arrays by hour.

    Parameters
    ----------
    free_share : array
        Heat that the economizer takes, over all heat [-].
    held_share : array
        Largest IT load over IT capacity at which the supply temperature holds [-].
    water_kg_per_kj : array
        Water that humidifies or pre-cools air, per heat of the hall [kg/kJ].
    """

    free_share: Floats
    held_share: Floats
    water_kg_per_kj: Floats


def hourly(method: Method, hours: pd.DataFrame, p: Mapping[str, float]) -> pd.DataFrame:
    """PUE, WUE and the share of IT that is held, of every hour.

    The hall's heat is ``Q = 1 / UPS efficiency + 1 / (1 - distribution loss) - 1 + lighting`` per IT power, as in the
    source. ``PUE = Q + fans + pumps + tower + Q (1 - free) / (COP SHR)``; chilled heat is divided by the sensible heat
    ratio SHR where air is cooled by a coil. Where chillers are smaller than the rest of the heat, they draw what they
    can.

    Parameters
    ----------
    method : Method
        How the technology cools.
    hours : DataFrame
        As `optimizer.layers.weather.Station.hours`.
    p : mapping of str to float
        ``datasets/cooling/parameters.csv``.

    Returns
    -------
    DataFrame
        ``pue`` [-], ``wue_m3_per_mwh`` (L/kWh of IT energy), ``held_share`` [-], one row an hour.
    """
    heat = 1 / p["ups_efficiency_share"] + 1 / (1 - p["distribution_loss_share"]) - 1 + p["lighting_share"]
    loads = _AIR[method.economizer](method, hours, p)
    chilled = heat * np.minimum(1 - loads.free_share, method.chiller_share)
    free = heat * loads.free_share
    damp = 0.0 if method.is_liquid else 1 / p["sensible_heat_share"] - 1
    # A coil condenses water in every hour that it cools air: with an airside economizer, only beside the chiller.
    latent = damp * (chilled if method.economizer == "air" else chilled + free)
    chilled = chilled * (1 + damp)
    free = free if method.economizer == "air" else free * (1 + damp)
    chiller = chilled / cop(method, hours, p)
    in_tower = (chilled + chiller) * (method.chiller == "water") + free * (method.economizer == "tower")
    flow = chilled + (0.0 if method.economizer == "air" else free)
    power = chiller + _pumps(flow, p) + _tower_power(in_tower, hours, p) + _hall_fans(method, heat, hours, p)
    if method.economizer == "dry":
        power = power + p["dry_fan_share"] * free
    humidified = heat * loads.water_kg_per_kj * (method.economizer == "air") + latent / COIL_KJ_PER_KG
    power = power + humidified * p["humidifier_pump_pa"] / (1000 * p["pump_efficiency_share"] * WATER_KG_PER_M3)
    water = heat * loads.water_kg_per_kj + latent / COIL_KJ_PER_KG + tower_water_kg_per_s(in_tower, hours, p)
    return pd.DataFrame(
        {"pue": heat + power, "wue_m3_per_mwh": S_PER_H * water, "held_share": loads.held_share}, index=hours.index
    )


def cop(method: Method, hours: pd.DataFrame, p: Mapping[str, float]) -> Floats:
    """Efficiency of the chiller: cooling over power [-].

    Water-cooled: `CHILLER_COP` at the wet bulb plus the tower's approach, held at its least where the fit would rise
    again. Air-cooled: the efficiency of the rating times the rating's lift over the hour's, as of a machine at a
    constant share of Carnot's efficiency. Its chilled water is that of the rating even where the hall's is warmer,
    which the source's figures of these cases suggest: on the safe side.
    """
    if method.chiller == "water":
        one, t1, t2, x1, x2, xt = CHILLER_COP
        x = p["chiller_load_share"]
        t = np.minimum(hours["wet_bulb_c"].to_numpy() + p["tower_approach_k"], -(t1 + xt * x) / (2 * t2))
        return np.asarray(one + t1 * t + t2 * t**2 + x1 * x + x2 * x**2 + xt * x * t)
    evaporating = p["air_chiller_rated_water_c"] + KELVIN - p["air_chiller_evaporating_k"]
    rated_lift = p["air_chiller_rated_air_c"] + KELVIN + p["air_chiller_condensing_k"] - evaporating
    lift = hours["dry_bulb_c"].to_numpy() + KELVIN + p["air_chiller_condensing_k"] - evaporating
    # In cold air the condenser's fans slow down: less than half of the rating's lift is not counted on.
    return np.asarray(p["air_chiller_cop"] * rated_lift / np.maximum(lift, rated_lift / 2))


def supply_water_c(method: Method, p: Mapping[str, float]) -> float:
    """Temperature of the facility water supplied [C].

    Given for liquid-cooled IT; else ``T_return - (T_return - T_supply) / effectiveness`` of the air in the hall, the
    coil's inlet that makes the highest supply air.
    """
    if method.is_liquid:
        return method.supply_c
    return p["supply_air_high_c"] + p["air_rise_k"] * (1 - 1 / p["coil_effectiveness_share"])


def tower_water_kg_per_s(heat: Floats, hours: pd.DataFrame, p: Mapping[str, float]) -> Floats:
    """Water that a tower takes: evaporation, drift and blowdown [kg/s per kW of IT].

    ``E = Q / h``, ``h = 2500.5 - 2.3097 T - 0.0013 T^2`` kJ/kg with T the mean temperature of the tower's water; drift
    is a share of circulation; blowdown is ``max(E / (cycles - 1) - drift, 0)``.

    Parameters
    ----------
    heat : array
        Heat into the tower [kW per kW of IT].
    hours : DataFrame
        Weather.
    p : mapping of str to float
        Parameters.
    """
    warm = hours["wet_bulb_c"].to_numpy() + p["tower_approach_k"] + p["tower_rise_k"] / 2
    evaporated = heat / vaporization_kj_per_kg(warm)
    drift = p["windage_share"] * heat / (WATER_KJ_PER_KG_K * p["tower_rise_k"])
    return np.asarray(evaporated + drift + np.maximum(evaporated / (p["concentration_cycles"] - 1) - drift, 0.0))


def vaporization_kj_per_kg(water_c: Floats) -> Floats:
    """Heat that evaporates water [kJ/kg], by temperature [C], as in Lei and Masanet 2020."""
    return 2500.5 - 2.3097 * water_c - 0.0013 * water_c**2


def _outside_air(method: Method, hours: pd.DataFrame, p: Mapping[str, float]) -> Loads:
    """Airside economizer: on where outside air, with water evaporated into it, meets the supply limits; else off."""
    outside, ratio = hours["dry_bulb_c"].to_numpy(), hours["humidity_ratio"].to_numpy()
    pressure, hot = hours["pressure_pa"].to_numpy(), p["supply_air_high_c"]
    supply = np.clip(outside, p["supply_air_low_c"], hot)
    dew = [humidity_ratio(np.full(len(hours), p[f"dew_point_{end}_c"]), 1.0, pressure) for end in ("low", "high")]
    driest = np.maximum(humidity_ratio(supply, p["humidity_low_share"], pressure), dew[0])
    dampest = np.minimum(humidity_ratio(supply, p["humidity_high_share"], pressure), dew[1])
    needed = np.maximum(ratio, driest)
    above = outside > hot
    if above.any():
        needed[above] = np.maximum(cooled_to(outside[above], ratio[above], hot, pressure[above]), driest[above])
    on = needed <= dampest
    # Below the lowest supply temperature return air is mixed in, and less outside air has to be humidified.
    mixed = p["air_rise_k"] / (p["air_rise_k"] + np.maximum(supply - outside, 0.0))
    added = np.where(on, mixed * (np.where(on, needed, ratio) - ratio), 0.0) / (AIR_KJ_PER_KG_K * p["air_rise_k"])
    free = on.astype(float)
    return Loads(free, np.maximum(free, method.chiller_share), added)


def _tower(method: Method, hours: pd.DataFrame, p: Mapping[str, float]) -> Loads:
    """Waterside economizer: tower water at the wet bulb plus approach, facility water warmer by the exchanger's."""
    free, held = _share(method, hours["wet_bulb_c"].to_numpy(), p["tower_approach_k"] + p["exchanger_approach_k"], p)
    return Loads(free, held, np.zeros(len(hours)))


def _dry(method: Method, hours: pd.DataFrame, p: Mapping[str, float]) -> Loads:
    """Dry cooler: outside air, pre-cooled by evaporation in hours when it alone does not reach the supply."""
    outside, wet = hours["dry_bulb_c"].to_numpy(), hours["wet_bulb_c"].to_numpy()
    alone, _ = _share(method, outside, p["dry_approach_k"], p)
    drop = p["adiabatic_effectiveness_share"] * (outside - wet)
    free, held = _share(method, outside - drop, p["dry_approach_k"], p)
    assisted = (alone < 1) & (free > 0)
    # Air over the cooler: the heat that it takes over what it warms by; what cools it is evaporated.
    water = np.where(assisted, free * drop / p["dry_air_rise_k"] / vaporization_kj_per_kg(wet), 0.0)
    return Loads(free, held, water)


def _share(method: Method, sink_c: Floats, approach_k: float, p: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Heat that an economizer takes, and the IT load at which the supply temperature holds.

    Free share: ``(T_supply + rise - T_sink - approach) / rise`` between 0 and 1. With flows unchanged both rise and
    approach of a heat exchanger are in proportion to its load x, so a chiller of size c and the economizer hold x where
    ``(T_supply - T_sink - x approach) / rise + c >= 0``: ``x = (T_supply - T_sink + c rise) / approach``; at least c,
    which the chiller holds alone; at most 1.
    """
    supply, rise, size = supply_water_c(method, p), p["water_rise_k"], method.chiller_share
    free = np.clip((supply + rise - sink_c - approach_k) / rise, 0.0, 1.0)
    held = np.clip(np.maximum((supply - sink_c + size * rise) / approach_k, size), 0.0, 1.0)
    return free, held


_AIR = {"air": _outside_air, "tower": _tower, "dry": _dry}


def _pumps(heat: Floats, p: Mapping[str, float]) -> Floats:
    """Power of pumps that move facility water warmed by its rise."""
    return heat * _pump_share(p["facility_pump_pa"], p["water_rise_k"], p)


def _pump_share(pressure_pa: float, rise_k: float, p: Mapping[str, float]) -> float:
    """Power of a pump over the heat that its water carries: ``pressure / (density x heat capacity x rise x eta)``."""
    joules = 1000 * WATER_KJ_PER_KG_K * rise_k * WATER_KG_PER_M3
    return pressure_pa / (joules * p["pump_efficiency_share"])


def _tower_power(heat: Floats, hours: pd.DataFrame, p: Mapping[str, float]) -> Floats:
    """Power of a tower's pumps and fans."""
    air_kg_per_s = heat / (WATER_KJ_PER_KG_K * p["tower_rise_k"]) / p["tower_liquid_gas_ratio"]
    fans = _fan(air_kg_per_s, _density(hours["dry_bulb_c"].to_numpy(), hours), p["tower_fan_pa"], p)
    return heat * _pump_share(p["tower_pump_pa"], p["tower_rise_k"], p) + fans


def _hall_fans(method: Method, heat: float, hours: pd.DataFrame, p: Mapping[str, float]) -> Floats:
    """Power of fans that move air through the hall; none where liquid cools all IT."""
    if method.is_liquid:
        return np.zeros(len(hours))
    air_side = method.economizer == "air"
    warm = np.full(len(hours), p["supply_air_high_c"])
    supply = np.clip(hours["dry_bulb_c"].to_numpy(), p["supply_air_low_c"], warm) if air_side else warm
    pressure = p["fan_airside_pa"] if air_side else p["fan_coil_pa"]
    return _fan(heat / (AIR_KJ_PER_KG_K * p["air_rise_k"]), _density(supply, hours), pressure, p)


def _fan(air_kg_per_s: Floats | float, density: Floats, pressure_pa: float, p: Mapping[str, float]) -> Floats:
    return air_kg_per_s / density * pressure_pa / p["fan_efficiency_share"] / 1000


def _density(air_c: Floats, hours: pd.DataFrame) -> Floats:
    """Density of dry air [kg/m3], by the law of ideal gases."""
    return np.asarray(hours["pressure_pa"].to_numpy() / (DRY_AIR_J_PER_KG_K * (air_c + KELVIN)))


def annual(table: pd.DataFrame, percentile: float) -> dict[str, float]:
    """Figures of a year, and of its hot hour.

    Parameters
    ----------
    table : DataFrame
        As `hourly` gives it.
    percentile : float
        Of the hours, by which the hot hour is chosen [%].

    Returns
    -------
    dict
        ``pue_annual`` and ``wue_m3_per_mwh``, means over the hours at even IT load; ``pue_hot_day``, the least PUE that
        this share of the hours does not exceed, and ``it_share``, the largest share of IT that as many of them hold.
    """
    return {
        "pue_annual": float(table["pue"].mean()),
        "pue_hot_day": float(np.percentile(table["pue"], percentile, method="inverted_cdf")),
        "wue_m3_per_mwh": float(table["wue_m3_per_mwh"].mean()),
        "it_share": float(-np.percentile(-table["held_share"], percentile, method="inverted_cdf")),
    }
