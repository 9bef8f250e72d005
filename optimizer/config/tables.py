"""The tables of study.toml: every key with its type, default, bounds, unit and meaning.

A key that is not here is refused. Numbers are finite, types are not guessed (a quoted number is not a number), lists
become tuples and every table is frozen: a change is a new `StudyConfig`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from optimizer.config.checks import cross_checks

T = TypeVar("T")


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _year_keys(value: Any) -> Any:
    # TOML has text keys only: 2030 = 2500 arrives as {"2030": 2500}.
    if not isinstance(value, dict):
        return value
    return {int(k) if isinstance(k, str) and re.fullmatch("[0-9]{4}", k) else k: v for k, v in value.items()}


OUTAGE_KINDS = ("branch", "generator", "double_circuit", "campus", "list")
"""Words for the outages that a study may ask for, beside tables of its own."""

OUTAGE_TABLES = (".csv", ".parquet", ".gpkg")
"""Suffixes by which a table of outages is told from a word."""

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

Items = Annotated[tuple[T, ...], BeforeValidator(_tuple)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Year = Annotated[int, Field(ge=1900, le=2200)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
ByYear = Annotated[dict[Year, NotNegative], BeforeValidator(_year_keys)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class StudySettings(_Settings):
    """What is decided, and when."""

    name: Text = Field(description="Name of the study, shown on the plan and the report [text].")
    objective: Literal["cost", "carbon", "water", "delay"] = Field(
        "cost",
        description="What is minimized over all periods: the present value of the system's cost, the campuses' "
        "emissions, the water they withdraw, or target less served MW; among plans equal in it, the cost.",
    )
    perspective: Literal["system"] = Field("system", description="Whose cost: the power system's and the campuses'.")
    currency_year: Year = Field(2024, description="Year of the dollars of every cost, given and computed [year].")
    periods: Items[Year] = Field(
        (),
        description="Years in which capacity may be energized, increasing [year]. Default: the years of demand.it_mw, "
        "or currency_year in a study without demand.",
    )
    decision_year: Year = Field(2026, description="Lead times run from the start of this year [year].")


class SnapshotSettings(_Settings):
    """One operating condition given in the study itself, instead of in a table of the grid."""

    name: Text = Field(description="Name of the operating condition [text].")
    hours: Annotated[float, Field(gt=0, le=8784)] = Field(
        description="Hours of the year it stands for; those of a year sum to 8,760 [h/year]."
    )
    load_factor: NotNegative | None = Field(
        None, description="Factor on every existing load [-]. Default 1; not together with load_factors."
    )
    load_factors: dict[str, NotNegative] | None = Field(
        None, description="Factor on existing load by zone of the grid, every zone named [-]."
    )
    availability: dict[str, Share] = Field(
        default_factory=dict, description="Share of p_max_mw available, by carrier; 1 for carriers not named [-]."
    )


class AreaSettings(_Settings):
    """A study area cut from the network; the rest becomes its boundary."""

    center: Text = Field(description="Bus, else substation, in the middle of the area [text].")
    hops: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="Branches in service from there that are still inside [count]."
    )
    boundary: Literal["equivalent", "interchange"] = Field(
        "equivalent",
        description='What stands for the rest: "equivalent" branches and loads, or fixed "interchange" alone [text].',
    )


class GridSettings(_Settings):
    """The transmission network and its operating conditions."""

    source: Text = Field(
        description="A dataset, a file or folder of a grid (MATPOWER, PSS/E RAW, CGMES, UCTE, IEEE-CDF, XIIDM, PyPSA, "
        'pandapower, tables), relative to the study file; "none" for a study without a network.'
    )
    coordinates: Text | None = Field(
        None,
        description="Table of bus or substation, lat and lon, for a grid that states no coordinates [path]. Default: "
        "those of the grid.",
    )
    susceptance: Literal["x", "series"] = Field(
        "x", description='Branch susceptance: "x" is 1 / (x tap), "series" is x / (r^2 + x^2) without tap and shift.'
    )
    area: AreaSettings | None = Field(None, description="Study area to cut from the network. Default: all of it.")
    snapshots: Items[Text] | None = Field(
        None, description="Snapshots to use, by name; their hours are rescaled to 8,760. Default: all."
    )
    load_growth_per_year: Annotated[float, Field(gt=-1, le=1)] = Field(
        0.0, description="Yearly growth of existing load from the first period on [1/year]."
    )
    snapshot: Items[SnapshotSettings] = Field(
        (), description="Snapshots given here ([[grid.snapshot]]) instead of by the grid's own table."
    )


class DemandSettings(_Settings):
    """The IT capacity to be placed."""

    it_mw: ByYear = Field(
        min_length=1, description="Least IT capacity in service in each period, campuses of this study only [MW]."
    )
    archetype: Text = Field(
        "ai_training", description="Row group of the facilities dataset that fills every [facility] key left out."
    )
    penalty_musd_per_mw_year: Positive | None = Field(
        None, description="Price of IT MW not served [M$/MW-year]. Default: all must be served."
    )


class FacilitySettings(_Settings):
    """What a campus is made of; a key left out has the archetype's value."""

    block_mw: Positive | None = Field(None, description="IT capacity of one block, the unit of decision [MW].")
    utilization: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Mean load over IT capacity; scales yearly carbon and water, never flows [-]."
    )
    land_ha_per_mw: NotNegative | None = Field(None, description="Land of a campus per MW of IT [ha/MW].")
    rack_density_kw: Positive | None = Field(None, description="Power of a rack, which rules out cooling [kW].")
    cost_musd_per_mw: NotNegative | None = Field(
        None, description="One-time cost of a block per MW of IT, without its cooling plant [M$/MW]."
    )
    fixed_cost_musd: NotNegative | None = Field(None, description="One-time cost of a campus of any size [M$].")
    min_campus_mw: NotNegative | None = Field(None, description="Least IT capacity of a built campus [MW].")
    max_campus_mw: Positive | None = Field(None, description="Largest IT capacity of a campus [MW].")


class LayerSettings(_Settings):
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


class ScoreSettings(_Settings):
    """One column of the score by which people browse candidate sites; the optimizer never reads it."""

    column: Text = Field(description="Column of sites: an attribute of a layer, or any number that sites.csv has.")
    direction: Literal["low", "high"] = Field(description="Which values are good.")
    weight: Positive = Field(1.0, description="Weight of the column beside the others, shares of their sum [-].")
    method: Literal["rank", "z_score", "range"] = Field(
        "range",
        description="How values become comparable: rank among the sites, distance from their mean in standard "
        "deviations, or 0 to 1 from the worst to the best.",
    )


class SitesSettings(_Settings):
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


class StationSettings(_Settings):
    """Hourly weather that holds in a climate zone, or around a place."""

    file: Text = Field(description="Table of hours, columns as for cooling.weather, relative to the study file [path].")
    zone: Text | None = Field(None, description="Climate zone it stands for, instead of a place [text].")
    lat: Annotated[float, Field(ge=-90, le=90)] | None = Field(None, description="Latitude of the station [deg].")
    lon: Annotated[float, Field(ge=-180, le=180)] | None = Field(None, description="Longitude of the station [deg].")


class CoolingSettings(_Settings):
    """Cooling technologies on offer."""

    technologies: Items[Text] | None = Field(None, description="Technologies allowed. Default: all of the region.")
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


class SourceSettings(_Settings):
    """Water that the study brings itself, such as trucked or reclaimed water."""

    basin: Text = Field(description="Water region that it serves [text].")
    name: Text = Field(description="Name of the source [text].")
    available_m3_day: NotNegative = Field(description="Volume it can give; withdrawal_share does not apply [m3/day].")
    price_usd_per_m3: NotNegative = Field(description="Price [$/m3].")


class WaterSettings(_Settings):
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


class RulesSettings(_Settings):
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


def _outages(value: str) -> str:
    if value in OUTAGE_KINDS or value.lower().endswith(OUTAGE_TABLES):
        return value
    words = ", ".join(f"'{kind}'" for kind in OUTAGE_KINDS)
    context = {"expected": f"{words} or a table ({', '.join(OUTAGE_TABLES)})"}
    raise PydanticCustomError("literal_error", "Input should be {expected}", context)


_PATTERN = {"type": "string", "pattern": "[.]({})$".format("|".join(suffix[1:] for suffix in OUTAGE_TABLES))}
Outages = Annotated[Text, AfterValidator(_outages), WithJsonSchema({"anyOf": [{"enum": list(OUTAGE_KINDS)}, _PATTERN]})]


class SecuritySettings(_Settings):
    """Which outages the network must survive."""

    contingencies: Items[Outages] = Field(
        ("branch",),
        description="Outages that must be survived: every branch, every generator, every double_circuit on a common "
        "corridor, every campus of the study, the list in the grid's contingencies table, or a table of that form "
        "[path]; [] for none.",
    )
    monitor_kv_min: NotNegative = Field(
        100.0, description="Rows are looked for on branches of this voltage or more; the last check covers all [kV]."
    )
    emergency_factor: Annotated[float, Field(ge=1, le=3)] = Field(
        1.2,
        description="Emergency over normal rating where no emergency rating is given [-]. Screening value "
        "(unverified: utility criteria use 1.10 to 1.20).",
    )
    base_overloads: Literal["refuse", "allow"] = Field(
        "refuse", description="What to do when limits are broken before any new load: refuse, or allow just those."
    )
    splitting: Literal["secure", "skip"] = Field(
        "secure", description="Outages that split the network: secure the larger part, or leave them out."
    )


class UpgradesSettings(_Settings):
    """Reconductoring of existing lines: more rating, same impedance."""

    enabled: bool = Field(True, description="Whether lines may be upgraded.")
    min_kv: NotNegative = Field(100.0, description="Lowest voltage of a line that may be upgraded [kV].")
    added_share: Positive = Field(
        0.5,
        description="Rating added, as a share of the present one [-]. An assumption (unverified) inside the up to 1.0 "
        "of composite cores, MISO, Transmission Cost Estimation Guide for MTEP24, 2024, p. 20.",
    )
    max_length_km: Positive | None = Field(None, description="Longest line that may be upgraded [km]. Default: any.")
    lead_months: NotNegative | None = Field(
        None, description="Months from the decision to service [month]. Default: the region's value."
    )


class DispatchSettings(_Settings):
    """How existing generators serve old and new load."""

    generators: Literal["redispatch", "fixed"] = Field(
        "redispatch", description="Whether output is decided, or fixed at the grid's p_mw (not with campuses)."
    )
    cost: Literal["system", "none"] = Field("system", description="Whether generation cost counts.")
    cost_segments: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="Straight pieces that stand for a quadratic generation cost [count]."
    )


class LimitsSettings(_Settings):
    """Limits on the whole portfolio; a key left out sets none."""

    share_per_county: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Largest share of a period's IT MW in one county [-]."
    )
    share_per_substation: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Largest share of a period's IT MW tied to one substation [-]."
    )
    budget_musd: ByYear = Field(
        default_factory=dict, description="Largest one-time investment up to and including a period [M$]."
    )
    carbon_t_per_year: ByYear = Field(
        default_factory=dict, description="Largest yearly emissions of the campuses in a period [t CO2e/year]."
    )
    new_it_mw_per_period: Positive | None = Field(None, description="Largest IT MW energized in one period [MW].")
    cost_musd: NotNegative | None = Field(
        None, description="Largest present value of the system's cost over all periods [M$]."
    )
    carbon_t: NotNegative | None = Field(
        None, description="Largest emissions of the campuses over all years of all periods [t CO2e]."
    )
    water_m3: NotNegative | None = Field(
        None, description="Largest withdrawal of water by the campuses over all years of all periods [m3]."
    )
    delay_mw_years: NotNegative | None = Field(
        None, description="Largest sum over all years of target less served IT MW [MW-year]."
    )


class ConditionsSettings(_Settings):
    """What comes otherwise than the tables of the study say; candidate sites stay those of the tables."""

    existing_load_factor: NotNegative = Field(1.0, description="Factor on every existing load in all periods [-].")
    existing_load_factors: ByYear = Field(
        default_factory=dict, description="The same for single periods, instead of existing_load_factor [-]."
    )
    fuel_price_factors: dict[str, NotNegative] = Field(
        default_factory=dict, description="Factor on the cost of generation by carrier; 1 for those not named [-]."
    )
    upgrade_cost_factor: NotNegative = Field(
        1.0, description="Factor on the cost of network upgrades, such as an overrun [-]."
    )
    upgrade_delay_years: NotNegative = Field(0.0, description="Years by which network upgrades serve later [year].")
    withdrawn_generators: Items[Text] = Field(
        (), description="Generators that leave the queue, so do not exist [text]."
    )
    withdrawn_load_mw: dict[str, NotNegative] = Field(
        default_factory=dict,
        description="Load that leaves the queue by bus: part of the bus's load, before factors and growth [MW].",
    )


class UncertainScenarioSettings(ConditionsSettings):
    """One future of several; a key left out is as in [conditions], or as in the study."""

    name: Text = Field(description="Name of the scenario, and of its folder [text].")
    probability: Annotated[float, Field(gt=0, le=1)] = Field(description="Its probability; all sum to 1 [-].")
    it_demand_factor: NotNegative = Field(1.0, description="Factor on demand.it_mw in all periods [-].")
    it_demand_factors: ByYear = Field(
        default_factory=dict, description="The same for single periods, instead of it_demand_factor [-]."
    )
    penalty_musd_per_mw_year: Positive | None = Field(
        None, description="Price of IT MW not served [M$/MW-year]. Default: that of [demand]."
    )


class UncertaintySettings(_Settings):
    """Futures with probabilities, for one plan of sites that holds in all of them."""

    risk_weight: Share = Field(
        0.0, description="Weight of the conditional value at risk of the cost; the rest is that of its mean [-]."
    )
    risk_level: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.9, description="Level of the conditional value at risk: 0.9 is the mean of the worst tenth [-]."
    )
    early_until: Year | None = Field(
        None,
        description="Upgrades planned to serve up to this period are decided before the future is known [year]. "
        "Default: the first period.",
    )
    scenario: Items[UncertainScenarioSettings] = Field(
        min_length=1, description="The futures ([[uncertainty.scenario]])."
    )


class EconomicsSettings(_Settings):
    """How money of different years is added."""

    discount_rate: Annotated[float, Field(ge=0, lt=1)] = Field(0.07, description="Real discount rate [1/year].")
    last_period_years: Positive = Field(10.0, description="Years for which the last period stands [year].")
    life_years: Positive = Field(30.0, description="Life over which an investment is annuitized [year].")
    annuitize: bool = Field(
        True, description="Whether one-time costs are paid yearly while in service; false counts them whole."
    )


class SolveSettings(_Settings):
    """How long and how closely to solve."""

    gap: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.01, description="Stop at this gap, relative to the cost that the decision can change [-]."
    )
    threads: Annotated[int, Field(ge=1, le=256)] = Field(1, description="Threads of the solver [count].")
    time_limit_s: Positive = Field(600.0, description="Time for the whole solve [s].")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(0, description="Random seed of the solver.")
    max_rounds: Annotated[int, Field(ge=1)] = Field(
        100, description="Most rounds of solving and adding broken rows [count]."
    )


class ReportSettings(_Settings):
    """What the report shows beside the plan."""

    title: Text | None = Field(None, description="Title of the report. Default: the study's name.")
    compare: Items[Text] = Field((), description="Scenarios of this study to solve and show beside the plan.")


class RangeSettings(_Settings):
    """One quantity that a sensitivity analysis varies, alone, between two values."""

    what: Text = Field(
        description="Dotted key of the study that holds one number, such as economics.discount_rate or "
        "demand.it_mw.2030; or demand, fuel_price, upgrade_cost, pue or discount_rate, on which a factor acts [text]."
    )
    carrier: Text | None = Field(None, description="Carrier of the generators whose fuel_price varies [text].")
    low: float = Field(description="Lower end [unit of the key; of a named quantity a factor on the study's own].")
    high: float = Field(description="Upper end [as low].")
    width: Positive | None = Field(
        None,
        description="Width to which a value is found at which the set of sites changes [as low]. Default: a 16th of "
        "the range.",
    )


class SensitivitySettings(_Settings):
    """What `gridsite sensitivity` varies, one quantity at a time."""

    range: Items[RangeSettings] = Field((), description="Quantities and their ranges ([[sensitivity.range]]).")
    thresholds: bool = Field(True, description="Whether values are looked for at which the set of sites changes.")


class StudyConfig(_Settings):
    """A whole study file, resolved: base files merged, periods known, every default filled in.

    Raises
    ------
    pydantic.ValidationError
        When built directly from unusable values; `optimizer.config.load_config` raises `InputError` instead.
    """

    study: StudySettings = Field(description="What is decided, and when.")
    grid: GridSettings | None = Field(None, description="The network. Without it there is none.")
    demand: DemandSettings | None = Field(None, description="IT capacity to be placed. Without it there are no sites.")
    facility: FacilitySettings = Field(default_factory=FacilitySettings, description="What a campus is made of.")
    sites: SitesSettings = Field(default_factory=SitesSettings, description="Where campuses may stand.")
    cooling: CoolingSettings = Field(default_factory=CoolingSettings, description="Cooling technologies on offer.")
    water: WaterSettings = Field(default_factory=WaterSettings, description="Water the campuses may take.")
    rules: RulesSettings = Field(default_factory=RulesSettings, description="Regulation.")
    security: SecuritySettings = Field(default_factory=SecuritySettings, description="Outages to survive.")
    upgrades: UpgradesSettings = Field(default_factory=UpgradesSettings, description="Reconductoring of lines.")
    dispatch: DispatchSettings = Field(default_factory=DispatchSettings, description="How generators serve load.")
    limits: LimitsSettings = Field(default_factory=LimitsSettings, description="Limits on the whole portfolio.")
    conditions: ConditionsSettings = Field(
        default_factory=ConditionsSettings, description="What comes otherwise than the tables say."
    )
    uncertainty: UncertaintySettings | None = Field(
        None, description="Futures with probabilities. Without it the study has one future."
    )
    economics: EconomicsSettings = Field(default_factory=EconomicsSettings, description="How money is added.")
    solve: SolveSettings = Field(default_factory=SolveSettings, description="How long and how closely to solve.")
    report: ReportSettings = Field(default_factory=ReportSettings, description="What the report shows.")
    sensitivity: SensitivitySettings = Field(
        default_factory=SensitivitySettings, description="What a sensitivity analysis varies."
    )
    scenario: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Named overrides ([scenario.NAME.TABLE]); their tables merge key by key, lists are replaced.",
    )

    @model_validator(mode="after")
    def _resolve(self) -> StudyConfig:
        """Fill in the periods, then check what no single table can."""
        if not self.study.periods:
            years = tuple(sorted(self.demand.it_mw)) if self.demand else (self.study.currency_year,)
            study = self.study.model_copy(update={"periods": years})
            # Periods nobody wrote must not count as written: an override of demand.it_mw then brings its own.
            study.__pydantic_fields_set__.discard("periods")
            object.__setattr__(self, "study", study)
        findings = cross_checks({name: getattr(self, name) for name in type(self).model_fields})
        if findings:
            raise ValueError("; ".join(str(f) for f in findings))
        return self
