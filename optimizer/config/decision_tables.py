"""Tables of study.toml about the decision: what is wanted, what a campus is made of, limits, money and the solve."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from optimizer.config.portfolio_tables import DeliverySettings, EfficiencySettings
from optimizer.config.types import ByYear, Items, NotNegative, Positive, Settings, Share, Text, Year


class StudySettings(Settings):
    """What is decided, and when."""

    name: Text = Field(description="Name of the study, shown on the plan and the report [text].")
    objective: Literal["cost", "carbon", "water", "delay", "net_present_value"] = Field(
        "cost",
        description="What is minimized over all periods: the present value of the cost, the campuses' "
        "emissions, the water they withdraw, or target less served MW; among plans equal in it, the cost. "
        "net_present_value, revenue of workloads less cost, is maximized.",
    )
    perspective: Literal["system", "developer"] = Field(
        "system",
        description="Whose cost: the power system's and the campuses', with tariffs reported beside it; or the "
        "developer's, who pays the tariffs of [[service.tariff]] and their share of upgrades in place of generation.",
    )
    currency_year: Year = Field(2024, description="Year of the dollars of every cost, given and computed [year].")
    periods: Items[Year] = Field(
        (),
        description="Years in which capacity may be energized, increasing [year]. Default: the years of demand.it_mw, "
        "or currency_year in a study without demand.",
    )
    decision_year: Year = Field(2026, description="Lead times run from the start of this year [year].")
    shorter_lead_months: NotNegative = Field(
        0.0,
        description="Months by which every lead time of sites, ties, upgrades, circuits and own supply is shorter than "
        "the tables say; what they give as a year is moved by whole years [month].",
    )


class DemandSettings(Settings):
    """The IT capacity to be placed."""

    it_mw: ByYear = Field(
        default_factory=dict,
        description="Least IT capacity in service in each period, campuses of this study only; left out where "
        "[workloads] gives the demand [MW].",
    )
    work: ByYear = Field(
        default_factory=dict,
        description="Useful work asked for in a year of each period, in place of it_mw: generations of racks are then "
        "chosen by site, and turn MW into work [1/year].",
    )
    racks: Text | None = Field(None, description="Catalogue of racks [path]. Default: that of the facilities dataset.")
    archetype: Text = Field(
        "ai_training", description="Row group of the facilities dataset that fills every [facility] key left out."
    )
    penalty_musd_per_mw_year: Positive | None = Field(
        None, description="Price of IT MW not served [M$/MW-year]. Default: all must be served."
    )
    penalty_musd_per_unit: Positive | None = Field(
        None,
        description="Price of a unit of yearly work that is not served, in each year, where demand is given in work "
        "[M$/unit]. Default: all must be served.",
    )
    efficiency: Items[EfficiencySettings] = Field(
        (), description="Programmes that avoid demand at a price, and so compete with building ([[demand.efficiency]])."
    )

    @property
    def must_be_served(self) -> bool:
        """Whether no price is given for what is not served."""
        return self.penalty_musd_per_mw_year is None and self.penalty_musd_per_unit is None


class FacilityKindSettings(Settings):
    """Facts of one kind of site in place of those of [facility], or of none: a lease has another's building."""

    name: Literal["campus", "edge", "lease", "cloud", "orbital"] = Field(description="Kind of site.")
    it_cost_musd_per_mw: NotNegative | None = Field(None, description="IT equipment per MW of IT [M$/MW].")
    staff_people_per_mw: NotNegative | None = Field(None, description="People employed per MW of IT [1/MW].")
    building_t_per_mw: NotNegative | None = Field(None, description="Embodied carbon of what is built [t CO2e/MW].")
    it_t_per_mw: NotNegative | None = Field(None, description="Embodied carbon of one outfit of IT [t CO2e/MW].")
    it_mass_t_per_mw: NotNegative | None = Field(None, description="Mass of one outfit of IT [t/MW].")


class FacilitySettings(Settings):
    """What a campus is made of; a key left out has the archetype's value.

    Campuses and edge sites are made of it. A lease has IT alone, cloud capacity nothing, what is in orbit its launch.
    """

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
    shell_share: Share | None = Field(
        None, description="Part of cost_musd_per_mw that is land work, shell and fit-out; the rest is electrical [-]."
    )
    it_cost_musd_per_mw: NotNegative | None = Field(
        None,
        description="One outfit of IT per MW of IT; no decision rests on it unless it_cost_counts is set or racks are "
        "chosen [M$/MW].",
    )
    it_cost_counts: bool | None = Field(
        None,
        description="Whether the IT of all that stands is an account of the cost, annuitized over refresh_years, and "
        "part of the investment that limits.budget_musd holds. Racks are, and are not counted twice. Default: no, with "
        "a warning where a decision rests on it.",
    )
    staff_people_per_mw: NotNegative | None = Field(None, description="People employed per MW of IT [1/MW].")
    building_t_per_mw: NotNegative | None = Field(
        None, description="Embodied carbon of building and plant per MW of IT [t CO2e/MW]."
    )
    it_t_per_mw: NotNegative | None = Field(
        None, description="Embodied carbon of one outfit of IT per MW of IT [t CO2e/MW]."
    )
    refresh_years: Positive | None = Field(None, description="Life of an outfit of IT [year].")
    it_mass_t_per_mw: NotNegative | None = Field(
        None, description="Mass of one outfit of IT per MW of IT, e-waste when it is replaced [t/MW]."
    )
    kind: Items[FacilityKindSettings] = Field((), description="What differs for a kind of site ([[facility.kind]]).")


class LimitsSettings(Settings):
    """Limits on the whole portfolio; a key left out sets none."""

    share_per_county: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Largest share of a period's IT MW in one county; of its work, where that is asked for [-]."
    )
    share_per_substation: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Largest share of a period's IT MW tied to one substation [-]."
    )
    share_per: dict[Text, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict,
        description="Largest share of a period's IT MW, or of its work, by any text column of sites: "
        "county, substation, utility, state, zone, provider, country, jurisdiction, basin or another of its table [-].",
    )
    survive_loss_of: Literal["site", "substation"] | None = Field(
        None, description="What may be lost, any one of them, while share_left of the target stays in service."
    )
    share_left: Share | None = Field(
        None, description="Share of a period's target, MW or work, that must stay in service after the loss [-]."
    )
    largest_loss_mw: dict[Literal["site", "substation"], Positive] = Field(
        default_factory=dict,
        description="Most facility power that is lost with one site, or with one substation [MW].",
    )
    water_m3_day_per_basin: dict[Text, NotNegative] = Field(
        default_factory=dict, description="Largest withdrawal in a water region, on a mean day [m3/day]."
    )
    budget_musd: ByYear = Field(
        default_factory=dict, description="Largest one-time investment up to and including a period [M$]."
    )
    carbon_t_per_year: ByYear = Field(
        default_factory=dict, description="Largest yearly emissions of the campuses in a period [t CO2e/year]."
    )
    carbon_free_share: ByYear = Field(
        default_factory=dict, description="Least carbon-free share of the campuses' yearly energy in a period [-]."
    )
    carbon_free_share_every_snapshot: ByYear = Field(
        default_factory=dict, description="Least carbon-free share of the campuses' power in every snapshot [-]."
    )
    new_it_mw_per_period: Positive | None = Field(None, description="Largest IT MW energized in one period [MW].")
    site_ramp_mw_per_year: Positive | None = Field(
        None, description="Most IT MW by which one site grows in a year, its first year included [MW/year]."
    )
    new_it_mw_per_year: Positive | None = Field(
        None, description="Largest IT MW energized in a year, from study.decision_year on [MW/year]."
    )
    delivery: Items[DeliverySettings] = Field(
        (), description="Items that are rationed year by year ([[limits.delivery]])."
    )
    max_generators_per_site: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="Most generators at a site, units of own supply and backup together, where max_generators of the "
        "table of sites says nothing else [count].",
    )
    embodied_t: ByYear = Field(
        default_factory=dict,
        description="Largest embodied carbon of all that stands in a period, buildings and one outfit of IT [t CO2e].",
    )
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


class EconomicsSettings(Settings):
    """How money of different years is added."""

    discount_rate: Annotated[float, Field(ge=0, lt=1)] = Field(0.07, description="Real discount rate [1/year].")
    last_period_years: Positive = Field(10.0, description="Years for which the last period stands [year].")
    carbon_price_usd_per_t: NotNegative = Field(
        0.0,
        description="Price of the campuses' emissions: grid power, supply on site, backup, and what making them "
        "embodies [$/t CO2e].",
    )
    life_years: Positive = Field(30.0, description="Life over which an investment is annuitized [year].")
    annuitize: bool = Field(
        True, description="Whether one-time costs are paid yearly while in service; false counts them whole."
    )


class SolveSettings(Settings):
    """How long and how closely to solve."""

    gap: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.01, description="Stop at this gap, relative to the cost that the decision can change [-]."
    )
    threads: Annotated[int, Field(ge=1, le=256)] = Field(
        1,
        description="Threads of the solver; with more than one, two solves of a study may give different plans, both "
        "within the gap [count].",
    )
    time_limit_s: Positive = Field(
        600.0, description="Time for the whole solve; one that it ends may give another plan another time [s]."
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(0, description="Random seed of the solver.")
    max_rounds: Annotated[int, Field(ge=1)] = Field(
        100, description="Most rounds of solving and adding broken rows [count]."
    )


class ReportSettings(Settings):
    """What the report shows beside the plan."""

    title: Text | None = Field(None, description="Title of the report. Default: the study's name.")
    compare: Items[Text] = Field((), description="Scenarios of this study to solve and show beside the plan.")
    earlier_months: Items[Positive] = Field(
        (),
        description="Months by which all lead times are shorter in plans to solve beside this one, so that the value "
        "of earlier power is shown, such as 12 and 24 [month].",
    )
    firmness: Items[Share] = Field(
        (), description="Values of service.curtailable_share to solve for and show as a curve, such as 0 and 0.01 [-]."
    )
