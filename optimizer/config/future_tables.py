"""Tables of study.toml about what may come otherwise: conditions, futures with probabilities, ranges."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from optimizer.config.types import ByYear, Items, NotNegative, Positive, Settings, Share, Text, Year


class ConditionsSettings(Settings):
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


class UncertaintySettings(Settings):
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


class RangeSettings(Settings):
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


class SensitivitySettings(Settings):
    """What `gridsite sensitivity` varies, one quantity at a time."""

    range: Items[RangeSettings] = Field((), description="Quantities and their ranges ([[sensitivity.range]]).")
    thresholds: bool = Field(True, description="Whether values are looked for at which the set of sites changes.")
