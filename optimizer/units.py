"""Model units, the name suffix of each, and the conversions used at the border.

Every column, config key and variable that has a unit ends in its suffix. Inside the model there is one unit a
quantity: MW, MWh, M$ (present value, stated currency year), km, kV, ha, m3/day, t CO2e, h, years.
"""

from __future__ import annotations

SUFFIXES: dict[str, str] = {
    "_mw": "megawatt",
    "_mva": "megavolt-ampere",
    "_mvar": "megavolt-ampere reactive",
    "_kw": "kilowatt",
    "_kv": "kilovolt",
    "_pu": "per unit",
    "_deg": "degree",
    "_rad": "radian",
    "_km": "kilometre",
    "_m": "metre",
    "_ha": "hectare",
    "_musd": "million US dollars",
    "_musd_per_mw": "million US dollars per megawatt",
    "_musd_per_mw_year": "million US dollars per megawatt and year",
    "_usd_per_mwh": "US dollars per megawatt-hour",
    "_usd": "US dollars",
    "_kg": "kilogram",
    "_usd_per_h": "US dollars per hour",
    "_usd_per_m3": "US dollars per cubic metre",
    "_m3": "cubic metres",
    "_m3_day": "cubic metres per day",
    "_mw_years": "megawatts times years",
    "_m3_per_mwh": "cubic metres per megawatt-hour",
    "_t": "tonne CO2 equivalent",
    "_t_per_mwh": "tonne CO2 equivalent per megawatt-hour",
    "_t_per_year": "tonne CO2 equivalent per year",
    "_mwh": "megawatt-hour",
    "_musd_per_mwh": "million US dollars per megawatt-hour",
    "_mwh_per_year": "megawatt-hours per year",
    "_mmbtu_per_mwh": "million British thermal units per megawatt-hour",
    "_usd_per_mmbtu": "US dollars per million British thermal units",
    "_hours": "hour",
    "_c": "degree Celsius",
    "_pa": "pascal",
    "_years": "year",
    "_months": "month",
    "_s": "second",
    "_ms": "millisecond",
    "_minutes_per_year": "minutes per year",
    "_people": "people",
    "_workers": "people in the labour force",
    "_mb": "megabyte",
}
"""Suffix of a name, and the unit it stands for."""

USD_PER_MUSD = 1e6
"""US dollars in one million US dollars (definition)."""

HOURS_PER_DAY = 24.0
"""Hours in a day (definition)."""

HOURS_PER_YEAR = 8760.0
"""Hours in a common year (definition); snapshot weights sum to this."""
