"""Tables of study.toml about places: sites and their map layers, cooling, water and regulation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from optimizer.config.types import Items, NotNegative, Positive, Settings, Share, Text

LayerRule = Literal["exclude", "setback", "attribute", "cost", "limit", "friction", "barrier"]


LayerJoin = Literal["largest", "mean", "maximum", "minimum", "share", "distance"]


LayerMeasure = Literal[
    "fibre",
    "exchange",
    "cable_landing",
    "reliability",
    "hazard",
    "population",
    "labour",
    "gas_line",
    "rail",
    "road",
]


StressClass = Literal["low", "low_medium", "medium_high", "high", "extremely_high"]


class LayerSettings(Settings):
    """A map layer of the user, vector or raster, in any coordinate reference system, and the one thing it does."""

    source: Text = Field(description="Vector or raster file, relative to the study file [path].")
    name: Text | None = Field(None, description="How results name the layer. Default: the file's name without suffix.")
    recipe: Text | None = Field(
        None, description="Recipe of a published dataset, which fills what is not given here. Default: none."
    )
    layer: Text | None = Field(None, description="Layer of a file that holds several. Default: its only one.")
    band: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Band of a raster [count].")
    where: Text | None = Field(
        None,
        description="Which features count, in CQL2 text such as \"status IN ('1', '2')\"; of a raster, which of its "
        "cells, their number being named value. Default: all; of a raster that excludes, all that are not 0.",
    )
    rule: LayerRule = Field(
        "exclude",
        description="What it does: exclude land; setback, exclude land near outlines of features; attribute, a column "
        "of every site; cost; limit; friction, a factor on the cost of a tie's route; barrier, which no route crosses.",
    )
    buffer_m: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, description="Distance added around features; of a setback, kept from their outlines [m]."
    )
    column: Text | None = Field(
        None,
        description="Column that holds the value, in the unit that the rule needs. Default: of a raster, its cells.",
    )
    value: float | None = Field(None, description="Value of every feature, instead of a column [unit of the rule].")
    join: LayerJoin | None = Field(
        None,
        description="How the values at a place become one: that of the largest overlap, the mean by area, maximum, "
        "minimum; or the share of the place covered, or the distance to the nearest feature [km]. Default: largest of "
        "text, mean of numbers.",
    )
    per: Literal["ha", "mw", "site", "tie"] | None = Field(
        None, description="What a cost is for: $ per ha, per MW of IT, per site; or a factor on the cost of its ties."
    )
    of: Literal["mw", "water_m3_day"] | None = Field(
        None, description="What a limit is on: the site's IT capacity [MW] or its water [m3/day]."
    )
    measure: LayerMeasure | None = Field(
        None,
        description="What an attribute measures, which names and computes its column: distance to fibre, gas_line, "
        "rail or road; round-trip time to an exchange or cable_landing; reliability (SAIDI); hazard; population or "
        "labour within_km. Default: the layer's own values, by join.",
    )
    within_km: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        None, description="Distance within which population and labour are counted [km]."
    )
    attribute: Text | None = Field(
        None, description="Name of the resulting column of sites, its unit at the end. Default: the layer's name."
    )
    multipliers: Text | None = Field(
        None,
        description="Terrain table that turns the values of a friction layer, codes of land cover or slopes [%], "
        "into factors, such as miso_land_cover or miso_slope. Default: the values are factors.",
    )
    citation: Text | None = Field(None, description="Where the data come from, shown with every value [text].")

    @model_serializer(mode="wrap")
    def _without_what_a_recipe_fills(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what a recipe fills: a default written out would count as given, and win over the recipe."""
        values: dict[str, Any] = serialize(self)
        if self.recipe is None:
            return values
        return {key: value for key, value in values.items() if key in self.model_fields_set}


class ScoreSettings(Settings):
    """One column of the score by which people browse candidate sites; the optimizer never reads it."""

    column: Text = Field(description="Column of sites: an attribute of a layer, or any number that sites.csv has.")
    direction: Literal["low", "high"] = Field(description="Which values are good.")
    weight: Positive = Field(1.0, description="Weight of the column beside the others, shares of their sum [-].")
    method: Literal["rank", "z_score", "range"] = Field(
        "range",
        description="How values become comparable: rank among the sites, distance from their mean in standard "
        "deviations, or 0 to 1 from the worst to the best.",
    )


class SitesSettings(Settings):
    """Where campuses may stand, and how far from the grid."""

    region: Text | None = Field(
        None,
        description="Dataset that gives counties, climate, water and costs. Default: grid.source if it is a dataset.",
    )
    table: Text | None = Field(None, description="Table of candidate sites, instead of or beside land cells [path].")
    ties: Text | None = Field(None, description="Table of tie options of those sites [path].")
    parcels: Text | None = Field(
        None, description="Map layer of parcels, each a site by itself, instead of land cells [path]. Default: cells."
    )
    parcels_layer: Text | None = Field(None, description="Layer of that file. Default: its only one.")
    parcels_name: Text | None = Field(
        None, description="Column of the parcels' names. Default: parcel 1, parcel 2 and so on, in the file's order."
    )
    cell_km: Annotated[float, Field(gt=0, le=50)] = Field(5.0, description="Side of a land cell [km].")
    max_tie_km: Positive = Field(25.0, description="Longest straight line from a site to its bus [km].")
    points_per_site: Annotated[int, Field(ge=1, le=20)] = Field(
        3, description="Nearest points of interconnection kept for a site [count]."
    )
    routing: Literal["straight", "least_cost"] = Field(
        "straight",
        description="Routes of ties: straight lines times the region's route factor, or least-cost paths over the "
        "friction and barrier layers [text].",
    )
    routing_cell_km: Annotated[float, Field(gt=0, le=50)] = Field(
        1.0, description="Side of a cell that least-cost paths run over [km]."
    )
    voltage_class: Literal["any", "suggested"] = Field(
        "any",
        description="Loads at a tie: any up to its rating, or those suggested for its voltage class by the region's "
        "table, which are general knowledge (unverified) [text].",
    )
    min_base_kv: NotNegative = Field(100.0, description="Lowest voltage of a point of interconnection [kV].")
    max_sites: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Keep this many candidate sites at most [count]. Default: 400."
    )
    min_area_ha: NotNegative | None = Field(
        None, description="Least usable area of a site [ha]. Default: what the smallest campus needs."
    )
    layers: Items[LayerSettings] = Field((), description="Map layers of the user ([[sites.layers]]).")
    scores: Items[ScoreSettings] = Field(
        (), description="Columns of the score for browsing sites ([[sites.scores]]). Default: no score."
    )


class StationSettings(Settings):
    """Hourly weather that holds in a climate zone, or around a place."""

    file: Text = Field(description="Table of hours, columns as for cooling.weather, relative to the study file [path].")
    zone: Text | None = Field(None, description="Climate zone it stands for, instead of a place [text].")
    lat: Annotated[float, Field(ge=-90, le=90)] | None = Field(None, description="Latitude of the station [deg].")
    lon: Annotated[float, Field(ge=-180, le=180)] | None = Field(None, description="Longitude of the station [deg].")


class CoolingSettings(Settings):
    """Cooling technologies on offer."""

    technologies: Items[Text] | None = Field(
        None,
        description="Technologies allowed, each offered for every rack that it takes. Default: all of the region and "
        "of table, for the racks that each is made for.",
    )
    table: Text | None = Field(
        None,
        description="Technologies of the study's own, beside the region's or in the place of one of the same name: "
        "cooling, iecc_zone (empty: every zone), pue_p05, pue_p50, pue_p95, wue_p50_l_per_kwh, rack_density_above_kw, "
        "rack_density_max_kw, capex_musd_per_mw_it [path].",
    )
    hot_day_percentile: Literal[5, 50, 95] = Field(
        95,
        description="Percentile of annual PUE taken as the PUE of a hot day [%]. An assumption (unverified): the "
        "simulations of Lei et al. 2025, doi:10.1016/j.resconrec.2025.108310, give annual values only.",
    )
    weather: Text | None = Field(
        None,
        description="Hourly weather of a year or more that holds everywhere: hour or time, dry_bulb_c, "
        "relative_humidity or dew_point_c, pressure_pa; PUE, WUE and derating are then computed hour by hour [path]. "
        "Default: the region's table by climate zone.",
    )
    stations: Items[StationSettings] = Field(
        (),
        description="Hourly weather by zone or place ([[cooling.stations]]); a place has that of its zone, else the "
        "nearest.",
    )
    hot_hour_percentile: Annotated[float, Field(ge=50, le=100)] | None = Field(
        None,
        description="Percentile of hourly PUE, and of the hours that a cooling plant must hold, where weather is given "
        "[%]. Default: 99.6, the 0.4 % annual cooling condition of ASHRAE, Handbook Fundamentals, Climatic Design "
        "Information (unverified as a standard for data centers).",
    )
    least_it_share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="Least share of IT capacity that a technology must hold in that hour; one that holds less is not "
        "offered, one that holds this much but not all is built so much larger [-]. Default: 1.",
    )
    chiller_share: dict[str, Share] | None = Field(
        None, description="Size of the back-up chiller over the whole heat, by technology [-]. Default: as cited."
    )
    supply_c: dict[str, Annotated[float, Field(ge=5, le=60)]] | None = Field(
        None, description="Temperature of the facility water supplied, by liquid technology [C]. Default: as cited."
    )
    overhead_factor: NotNegative = Field(
        1.0, description="Factor on what a facility draws beyond its IT load: PUE becomes 1 + factor x (PUE - 1) [-]."
    )


class SourceSettings(Settings):
    """Water that the study brings itself, such as trucked or reclaimed water."""

    basin: Text = Field(description="Water region that it serves [text].")
    name: Text = Field(description="Name of the source [text].")
    available_m3_day: NotNegative = Field(description="Volume it can give; withdrawal_share does not apply [m3/day].")
    price_usd_per_m3: NotNegative = Field(description="Price [$/m3].")


class WaterSettings(Settings):
    """Water the campuses may take."""

    withdrawal_share: Share = Field(
        0.1, description="Share of a basin's available volume that this study may take [-]. An assumption (unverified)."
    )
    sources: Items[Text] | None = Field(None, description="Water sources that may be used. Default: all.")
    source: Items[SourceSettings] = Field((), description="Further sources of the study's own ([[water.source]]).")
    forbid: dict[str, StressClass] | None = Field(
        None,
        description="Class of baseline water stress above which a cooling technology is not offered, by technology "
        '[text], such as { waterside_economizer_tower = "high" }. Default: none is.',
    )
    indirect: Text | None = Field(
        None,
        description='Water behind the electricity to report: "mix" (of the plan\'s own generation), or a state of '
        'datasets/cooling/electricity_water.csv, such as "TX" or "US" [text]. Default: not reported.',
    )
    indirect_m3_per_mwh: NotNegative | None = Field(
        None, description="The same as a number, instead of indirect [m3/MWh]."
    )


class RulesSettings(Settings):
    """Regulation: where rules are read, and which proposals are applied."""

    sources: Items[Text] = Field(
        ("builtin",),
        description="Rules to apply: the bundled ones (builtin), TOML files of rules, or the published table of local "
        "moratoria [path]; of two rules of one id the later holds.",
    )
    scenarios: Items[Text] = Field((), description="Proposed rules that are applied as if in force, by id.")
    jurisdictions: Items[Text] = Field(
        (), description="Jurisdictions in which every site lies, such as the system operator or the utility."
    )
