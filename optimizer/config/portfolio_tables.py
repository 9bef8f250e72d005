"""Tables of study.toml about the portfolio: items that are delivered year by year, and ways to need less."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.config.types import ByYear, Items, NotNegative, Positive, Settings, Text


class DeliverySettings(Settings):
    """An item that is rationed: so many arrive in a year, and capacity of every kind uses them."""

    item: Text = Field(
        description="What is delivered, such as 'accelerators', 'transformers', 'switchgear' or 'cooling_units' [text]."
    )
    per_year: Annotated[ByYear, Field(min_length=1)] = Field(
        description="Items that arrive in a year; a year that is not named has those of the last one named before it, "
        "and none before the first [1/year]."
    )
    per_mw: NotNegative = Field(0.0, description="Items that a MW of IT takes [1/MW].")
    per_site: NotNegative = Field(0.0, description="Items that a site takes, of any size [count].")
    per_tie: NotNegative = Field(0.0, description="Items that a tie takes [count].")
    per_supply_mw: dict[Text, NotNegative] = Field(
        default_factory=dict,
        description="Items that a MW of own supply takes, by technology, such as { turbine = 0.02 } [1/MW].",
    )
    per_backup_mw: NotNegative = Field(
        0.0, description="Items that a MW of backup made fit to serve curtailed load takes [1/MW]."
    )
    per_cooling_mw: dict[Text, NotNegative] = Field(
        default_factory=dict,
        description="Items that a MW of IT takes which a technology cools, by cooling technology [1/MW].",
    )
    per_upgrade: NotNegative = Field(0.0, description="Items that a network upgrade takes, wherever it is [count].")
    per_circuit: NotNegative = Field(0.0, description="Items that a new circuit takes, wherever it is [count].")
    storable: bool = Field(
        False, description="Whether what a period leaves over can serve a later one; else only what arrives in it."
    )
    kinds: Items[Text] = Field(
        (), description="Kinds of site that take the item: campus, edge, lease, cloud, orbital. Default: all."
    )


class EfficiencySettings(Settings):
    """A programme that avoids demand at a price, and so competes with building."""

    name: Text = Field(description="Programme [text].")
    cost_musd_per_unit: NotNegative = Field(
        description="One-time cost of a unit of demand avoided: a MW of IT, or a unit of work a year where [demand] "
        "work is given [M$/unit]."
    )
    max_units: Positive = Field(description="Most units that it can avoid [unit].")
