"""Tables of study.toml about supply on site, and about the capacity that every zone must have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.config.types import Items, NotNegative, Positive, Settings, Share, Text, Year


class TechnologySettings(Settings):
    """Numbers of one technology in place of those of the datasets and of the user's table."""

    name: Text = Field(description="Technology, one of those on offer [text].")
    cost_musd_per_mw: NotNegative | None = Field(None, description="One-time cost [M$/MW].")
    storage_cost_musd_per_mwh: NotNegative | None = Field(None, description="One-time cost of stored energy [M$/MWh].")
    storage_efficiency: Share | None = Field(None, description="Energy given back over energy taken; 0: no store [-].")
    max_storage_hours: Positive | None = Field(None, description="Most stored energy over power [h].")
    fixed_om_musd_per_mw_year: NotNegative | None = Field(None, description="Yearly cost of operation [M$/MW-year].")
    variable_om_usd_per_mwh: NotNegative | None = Field(None, description="Cost of operation by energy [$/MWh].")
    heat_rate_mmbtu_per_mwh: NotNegative | None = Field(None, description="Fuel burnt, higher heating [MMBtu/MWh].")
    fuel_usd_per_mmbtu: NotNegative | None = Field(None, description="Price of its fuel [$/MMBtu].")
    fuel_usd_per_mwh: NotNegative | None = Field(None, description="Cost of fuel that is counted by output [$/MWh].")
    emission_t_per_mwh: NotNegative | None = Field(None, description="Emissions, CO2 equivalent [t/MWh].")
    water_m3_per_mwh: NotNegative | None = Field(None, description="Water taken from the site's basin [m3/MWh].")
    land_ha_per_mw: NotNegative | None = Field(None, description="Land beside the campus [ha/MW].")
    lead_months: NotNegative | None = Field(None, description="Months from the decision to service [month].")
    first_year: Year | None = Field(None, description="First year in which it can be had anywhere [year].")
    life_years: Positive | None = Field(None, description="Life over which it is annuitized [year].")
    availability: Share | None = Field(None, description="Most output over capacity, where no table says [-].")
    accredited_share: Share | None = Field(None, description="Share of its capacity counted at the peak [-].")
    accredited_hours: NotNegative | None = Field(
        None, description="Hours for which a store must sustain what is counted of it at the peak [h]."
    )
    carbon_free_share: Share | None = Field(None, description="Share of its output that counts as carbon-free [-].")
    needs_gas_line: bool | None = Field(None, description="Whether it burns gas from a line.")
    permit_hours: NotNegative | None = Field(None, description="Hours at full output a year that it may run [h].")
    unit_mw: NotNegative | None = Field(None, description="Size of a unit; 0: any size [MW].")
    max_units: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Most units of it at a site, each of unit_mw [count]. Default: any number."
    )
    max_mw: NotNegative | None = Field(None, description="Most capacity at a site [MW]. Default: by max_share.")


class OrderSettings(Settings):
    """Snapshots that follow each other in a day that repeats: what storage is balanced over."""

    snapshots: Items[Text] = Field(description="Snapshots in their order, the last followed by the first.")
    hours: Items[Positive] = Field(description="Hours that each lasts in that day [h].")


class SupplySettings(Settings):
    """Supply on site and alongside; technologies or co-located generators switch it on."""

    technologies: Items[Text] = Field((), description="Technologies on offer at every site. Default: none.")
    table: Text | None = Field(None, description="Table of technologies that adds to the datasets' [path].")
    availability: Text | None = Field(
        None, description="Table of availability by technology and snapshot, and site where it differs [path]."
    )
    technology: Items[TechnologySettings] = Field((), description="Changed numbers ([[supply.technology]]).")
    order: Items[OrderSettings] = Field((), description="Days of snapshots in order ([[supply.order]]), for storage.")
    max_share: Positive = Field(
        5.0, description="Most capacity of a technology at a site over the site's largest facility power [-]."
    )
    gas_line_musd_per_km: NotNegative = Field(
        2.5, description="Cost of a gas line to the site, over its gas_line_km [M$/km]."
    )
    counts_as_firm: bool = Field(
        False, description="Whether own supply relieves the tie; else the tie carries all that the campus draws."
    )
    grid_carbon_free_share: Share = Field(
        0.0, description="Share of what is taken from the grid that counts as carbon-free [-]."
    )


class AdequacySettings(Settings):
    """Capacity that every zone of the grid must have at its peak, campuses included."""

    reserve_margin: Annotated[float, Field(ge=0, le=2)] = Field(
        0.15, description="Accredited capacity and imports over the peak load, less 1 [-]."
    )
    import_mw: dict[Text, NotNegative] = Field(
        default_factory=dict, description="Most MW that each zone may count on from others [MW]. Default: 0."
    )
