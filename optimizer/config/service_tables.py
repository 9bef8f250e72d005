"""Tables of study.toml about service: what the grid may curtail, what serves it meanwhile, and what is paid to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from optimizer.config.types import Items, NotNegative, Positive, Settings, Share, Text


class BackupSettings(Settings):
    """On-site backup that may serve curtailed load, up to the hours of its air permit."""

    share: Share = Field(1.0, description="Largest backup capacity that may be used, over contract demand [-].")
    hours_per_year: NotNegative = Field(
        description="Hours of full output a year that the air permit allows for curtailment [h/year]."
    )
    cost_musd_per_mw: NotNegative = Field(
        0.0, description="One-time cost of making backup capacity fit for this; 0 where it stands anyway [M$/MW]."
    )
    fuel_usd_per_mwh: NotNegative = Field(description="Fuel and wear per MWh that backup serves [$/MWh].")
    carbon_t_per_mwh: NotNegative = Field(description="Emissions per MWh that backup serves [t CO2e/MWh].")
    unit_mw: NotNegative = Field(
        0.0, description="Size of a backup generator, for limits on their number; 0: they are not counted [MW]."
    )


class DeferralSettings(Settings):
    """Work that can wait while load is curtailed."""

    share: Share = Field(description="Largest share of what a campus draws that can be put off in a snapshot [-].")
    energy: Literal["neutral", "lost"] = Field(
        "neutral",
        description="Whether what is put off is drawn in other snapshots of the year, or never.",
    )
    catch_up_share: NotNegative = Field(
        0.0, description="Most that a campus draws above its facility power to catch up, over contract demand [-]."
    )
    cost_usd_per_mwh: NotNegative = Field(0.0, description="Price of work put off [$/MWh].")


class TariffSettings(Settings):
    """What campuses of a jurisdiction pay for service, and what they are given.

    Reported beside the system's cost; in the developer's perspective it is the cost.
    """

    jurisdiction: Text = Field(
        "any",
        description="Jurisdiction that holds the site, such as 'US-TX', 'Texas' or 'US', of several the smallest; "
        "'any' for those with no tariff of their own.",
    )
    demand_usd_per_kw_month: NotNegative = Field(0.0, description="Demand charge on firm contract demand [$/kW-month].")
    non_firm_usd_per_kw_month: NotNegative = Field(
        0.0, description="Demand charge on non-firm contract demand [$/kW-month]."
    )
    minimum_take_share: Share = Field(
        0.0, description="Share of the energy of contract demand that is paid for whether or not it is drawn [-]."
    )
    energy_usd_per_mwh: NotNegative = Field(
        0.0,
        description="Price of energy: of what minimum_take_share asks for and is not taken, and in the developer's "
        "perspective of all that is taken [$/MWh].",
    )
    deposit_musd_per_mw: NotNegative = Field(
        0.0,
        description="Deposit held from energization on, per MW of contract demand; it costs the developer its interest "
        "at economics.discount_rate [M$/MW].",
    )
    exit_fee_musd_per_mw: NotNegative = Field(
        0.0, description="Fee on leaving before the end of the last period, per MW of contract demand [M$/MW]."
    )
    tax_abatement_share: Share = Field(0.0, description="Share of tax_musd_per_mw_year that is waived [-].")
    tax_musd_per_mw_year: NotNegative = Field(0.0, description="Property and sales tax per MW of IT [M$/MW-year].")
    upgrade_cost_share: Share = Field(
        0.0, description="Share of the yearly cost of network upgrades and circuits that new load pays [-]."
    )


class ServiceSettings(Settings):
    """Service by the grid: firm, or with curtailment inside yearly limits."""

    curtailable_share: Share = Field(
        0.0, description="Largest share of a campus's yearly energy that may be curtailed; 0 is none [-]."
    )
    curtailable_hours_per_year: NotNegative | None = Field(
        None, description="Most hours of snapshots with curtailment at a campus in a year [h/year]. Default: any."
    )
    non_firm_share: Share = Field(
        1.0, description="Largest share of contract demand that may be non-firm for good [-]."
    )
    interim_non_firm: bool = Field(
        False,
        description="Whether all load of a campus may be non-firm in its interim_years, before upgrades make it firm.",
    )
    interim_years: Positive | None = Field(
        None,
        description="Years from energization for which interim non-firm service lasts; a period counts when it ends "
        "within them [year].",
    )
    trip_on_outage: bool = Field(
        False,
        description="Whether non-firm load that is served may be dropped at once after an outage, of any kind; if not, "
        "all that is served counts in every limit after outages.",
    )
    curtailment_usd_per_mwh: NotNegative = Field(
        description="What a MWh of curtailed load is worth that neither backup serves nor deferral takes up; below the "
        "price of energy, load is curtailed to save fuel [$/MWh]."
    )
    backup: BackupSettings | None = Field(None, description="On-site backup. Without it, curtailed load is not served.")
    deferral: DeferralSettings | None = Field(None, description="Work that can wait. Without it, none can.")
    tariff: Items[TariffSettings] = Field(
        (), description="Tariffs by jurisdiction ([[service.tariff]]), reported as transfers."
    )
