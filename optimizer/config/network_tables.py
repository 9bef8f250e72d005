"""Tables of study.toml about the network: its cases, its security, its upgrades and how it runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from optimizer.config.types import Items, NotNegative, Positive, Settings, Share, Text

OUTAGE_KINDS = ("branch", "generator", "double_circuit", "campus", "list")
"""Words for the outages that a study may ask for, beside tables of its own."""


OUTAGE_TABLES = (".csv", ".parquet", ".gpkg")
"""Suffixes by which a table of outages is told from a word."""


class SnapshotSettings(Settings):
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


class AreaSettings(Settings):
    """A study area cut from the network; the rest becomes its boundary."""

    center: Text = Field(description="Bus, else substation, in the middle of the area [text].")
    hops: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="Branches in service from there that are still inside [count]."
    )
    boundary: Literal["equivalent", "interchange"] = Field(
        "equivalent",
        description='What stands for the rest: "equivalent" branches and loads, or fixed "interchange" alone [text].',
    )


class GridSettings(Settings):
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
    rating_factors: Text | None = Field(
        None,
        description="Table of factors on ratings by snapshot: snapshot, factor, factor_emergency, and branch, or kind, "
        "zone and base_kv, to say of which; replaces the grid's own table of that name [path]. Default: the grid's, "
        "else ratings are the same in every snapshot.",
    )
    load_growth_per_year: Annotated[float, Field(gt=-1, le=1)] = Field(
        0.0, description="Yearly growth of existing load from the first period on [1/year]."
    )
    snapshot: Items[SnapshotSettings] = Field(
        (), description="Snapshots given here ([[grid.snapshot]]) instead of by the grid's own table."
    )


def _outages(value: str) -> str:
    if value in OUTAGE_KINDS or value.lower().endswith(OUTAGE_TABLES):
        return value
    words = ", ".join(f"'{kind}'" for kind in OUTAGE_KINDS)
    context = {"expected": f"{words} or a table ({', '.join(OUTAGE_TABLES)})"}
    raise PydanticCustomError("literal_error", "Input should be {expected}", context)


_PATTERN = {"type": "string", "pattern": "[.]({})$".format("|".join(suffix[1:] for suffix in OUTAGE_TABLES))}


Outages = Annotated[Text, AfterValidator(_outages), WithJsonSchema({"anyOf": [{"enum": list(OUTAGE_KINDS)}, _PATTERN]})]


class SecuritySettings(Settings):
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


class TerminalSettings(Settings):
    """Work at the ends of lines whose rating is that of their switches, traps and transformers: a smaller step."""

    added_share: Positive = Field(
        description="Rating added, as a share of the present one: what the conductor carries beyond that equipment [-]."
    )
    cost_musd: NotNegative | None = Field(
        None,
        description="One-time cost of a branch, both ends [M$]. Default: the region's cost of one more position in the "
        "substation at each end, of which such work is a part.",
    )
    lead_months: NotNegative | None = Field(
        None,
        description="Months from the decision to service [month]. Default: the later of the region's study and the "
        "delivery of a breaker.",
    )
    branches: Items[Text] = Field(
        (), description="Branches whose rating their terminals set [text]. Default: every line that may be upgraded."
    )


class UpgradesSettings(Settings):
    """Upgrades of existing lines: reconductoring and terminal work, more rating at the same impedance."""

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
    terminal: TerminalSettings | None = Field(
        None, description="Terminal work on offer, instead of a new conductor. Without it, none is."
    )


class ExpansionSettings(Settings):
    """New circuits, which change impedances: lines, transformers and rebuilds beside what is there."""

    enabled: bool = Field(True, description="Whether new circuits may be built.")
    branches: Items[Text] = Field(
        (), description="Branches to relieve, by name [text]. Default: the grid's circuits alone are on offer."
    )
    headroom: Text | None = Field(
        None,
        description="Table that gridsite headroom wrote for this grid: the branches that limit most buses are relieved "
        "too [path].",
    )
    most_branches: Annotated[int, Field(ge=1, le=1000)] = Field(
        5, description="Branches that headroom adds, those that limit most buses first [count]."
    )
    from_case: bool = Field(
        False,
        description="Whether a circuit is offered beside every branch that the case lets be extended (s_nom_extendable "
        "of PyPSA), at the yearly cost that the case states for its rating.",
    )
    most_circuits: Annotated[int, Field(ge=1, le=10)] = Field(
        1, description="Circuits that may be built beside such a branch, within what the case allows [count]."
    )
    offer: Items[Literal["line", "rebuild", "transformer"]] = Field(
        ("line",),
        description='What is offered for these branches: a "line" like it beside a line, a "rebuild" in its place, a '
        '"transformer" like it beside a transformer.',
    )
    line_cost_musd_per_km: Positive | None = Field(
        None,
        description="Cost of a line beside another [M$/km]. Default: the region's, along its route factor, with one "
        "position more at each end.",
    )
    rebuild_cost_musd_per_km: Positive | None = Field(
        None,
        description="Cost of a rebuild [M$/km]. Default: the region's, along its route; at 345 kV and more it has "
        "none (MISO, Transmission Cost Estimation Guide for MTEP24, 2024, T4.1-3).",
    )
    rebuild_rating_factor: Annotated[float, Field(gt=1, le=10)] | None = Field(
        None,
        description="Rating of a rebuilt line over the present one [-]. Default: the region's typical rating of a "
        "circuit at its voltage.",
    )
    rebuild_reactance_factor: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0,
        description="Reactance of a rebuilt line over the present one [-]. An assumption (unverified): it follows the "
        "spacing of conductors, which a rebuild at the same voltage may keep.",
    )
    transformer_cost_usd_per_mva: Positive | None = Field(
        None,
        description="Cost of a transformer per MVA of its rating [$/MVA]. Default: the region's for its voltages, with "
        "one position more at each side.",
    )
    lead_months: NotNegative | None = Field(
        None,
        description="Months from the decision to service of what is offered so [month]. Default: the region's for a "
        "tie, for a transformer those of its delivery; without a region none.",
    )


class DispatchSettings(Settings):
    """How existing generators serve old and new load."""

    generators: Literal["redispatch", "fixed"] = Field(
        "redispatch", description="Whether output is decided, or fixed at the grid's p_mw (not with campuses)."
    )
    cost: Literal["system", "none"] = Field("system", description="Whether generation cost counts.")
    hvdc: Literal["scheduled", "decided"] = Field(
        "scheduled",
        description="Whether HVDC links carry their scheduled transfer, or one decided in every snapshot within "
        "their limits and held after outages.",
    )
    cost_segments: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="Straight pieces that stand for a quadratic generation cost [count]."
    )
