"""Tables of study.toml about workloads: who asks for what, where it may be served, and capacity in orbit."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.config.types import Items, NotNegative, Positive, Settings, Text, Year


class WorkloadKindSettings(Settings):
    """What holds for one workload in every region that asks for it."""

    name: Text = Field(description="Workload, as the table of demand names it [text].")
    max_rtt_ms: Positive | None = Field(
        None, description="Longest round trip from its region to the site that serves it [ms]. Default: any."
    )
    residency: Items[Text] = Field(
        (),
        description="Jurisdictions and countries within whose borders it must be served, such as 'US', 'US-TX' "
        "or 'Texas'; "
        "a country stands for all that is in it. Default: anywhere.",
    )
    kinds: Items[Text] = Field((), description="Kinds of site that may serve it. Default: all.")
    min_site_mw: NotNegative = Field(
        0.0, description="Least IT MW of one region's demand at a site that serves any of it: contiguous scale [MW]."
    )
    between_sites_rtt_ms: Positive | None = Field(
        None, description="Longest round trip between two sites that share one region's demand [ms]. Default: any."
    )
    move_musd_per_mw_year: NotNegative = Field(
        0.0,
        description="Price of serving it away from its data, where the table of demand says in data_in where these "
        "are [M$/MW-year].",
    )


class WorkloadsSettings(Settings):
    """Demand by region and workload, and which site may serve it; stands in for demand.it_mw."""

    demand: Text = Field(description="Table of demand: region, workload, it_mw or it_mw_YEAR [path].")
    pairs: Text | None = Field(
        None, description="Table of pairs: site, region, workload or 'any'; a pair without a row costs nothing [path]."
    )
    route_factor: Annotated[float, Field(ge=1)] = Field(
        1.4, description="Length of fibre over the great circle, where a round trip is not given [-]."
    )
    kind: Items[WorkloadKindSettings] = Field((), description="Rules for workloads ([[workloads.kind]]).")


class OrbitSettings(Settings):
    """What capacity in orbit costs and can do: numbers of every site of kind orbital, beside its own in the table."""

    launch_usd_per_kg: NotNegative = Field(description="Price of a launch to the orbit [$/kg].")
    build_usd_per_kg: NotNegative = Field(0.0, description="Price of building the satellites, by mass [$/kg].")
    kg_per_kw: Positive = Field(30.0, description="Mass in orbit per kW of IT [kg/kW].")
    build_usd_per_kw: NotNegative = Field(
        0.0, description="Price of the satellites without launch and computers [$/kW of IT]."
    )
    ground_usd_per_kw: NotNegative = Field(0.0, description="Price of ground stations [$/kW of IT].")
    operation_usd_per_kw_year: NotNegative = Field(0.0, description="Yearly cost of operation [$/kW-year].")
    sunlit_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.95, description="Share of the year in sunlight: so much of a built kW counts as IT capacity [-]."
    )
    embodied_t_per_mw: NotNegative = Field(
        0.0, description="Embodied carbon of satellites and their launch, computers left out [t CO2e/MW]."
    )
    life_years: Positive = Field(5.0, description="Life of a satellite, over which its cost is annuitized [year].")
    rtt_ms: NotNegative = Field(40.0, description="Round trip to users, where the table of pairs gives none [ms].")
    first_year: Year = Field(2030, description="First year in which it can serve [year].")
    ramp_mw_per_year: Positive | None = Field(
        None, description="Most IT MW, all orbital sites together, added in a year [MW/year]. Default: any."
    )
    workloads: Items[Text] = Field((), description="Workloads it may serve. Default: all.")
    break_even: bool = Field(
        True, description="Find the highest launch price at which a plan of least cost uses orbit, by solving again."
    )
