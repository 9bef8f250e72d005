"""What contradicts itself about what may come otherwise: ranges, conditions, futures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optimizer.config.common_checks import folder_names, periods_of, repeated
from optimizer.errors import Finding

if TYPE_CHECKING:
    from optimizer.config.decision_tables import DemandSettings, StudySettings
    from optimizer.config.future_tables import ConditionsSettings, SensitivitySettings, UncertaintySettings

MOST_SCENARIOS = 200
"""Most scenarios of an uncertain study, each a program of its own (unverified: a choice) [-]."""

PROBABILITY_TOLERANCE = 1e-9
"""What probabilities may miss 1 by: rounding of their sum [-]."""


def condition_checks(
    study: StudySettings, demand: DemandSettings | None, conditions: ConditionsSettings
) -> Iterator[Finding]:
    """Conditions of years that are no period, and names given twice."""
    yield from _factor_years(conditions, periods_of(study, demand), "conditions")
    yield from repeated(conditions.withdrawn_generators, "conditions.withdrawn_generators")


def _factor_years(table: Any, periods: tuple[int, ...], where: str) -> Iterator[Finding]:
    for key in ("existing_load_factors", "it_demand_factors"):
        for year in sorted(set(getattr(table, key, ())) - set(periods)):
            yield Finding(
                "config.factor_year",
                f"{where}, {key}" if " " in where else f"{where}.{key}",
                "the year is not one of study.periods",
                found=str(year),
                remedy=f"use one of the periods: {', '.join(map(str, periods))}",
            )


def uncertainty_checks(
    study: StudySettings, demand: DemandSettings | None, uncertainty: UncertaintySettings | None
) -> Iterator[Finding]:
    """Futures without a sum of one, of years that are no period, too many, or of no study."""
    if uncertainty is None:
        return
    periods, names = periods_of(study, demand), [one.name for one in uncertainty.scenario]
    if len(names) > MOST_SCENARIOS:
        text, remedy = "more futures than can be decided about together", "join those that are alike, or leave some out"
        found, most = f"{len(names)} scenarios", float(MOST_SCENARIOS)
        yield Finding(
            "config.too_many", "uncertainty.scenario", text, found, remedy, value=float(len(names)), limit=most
        )
        return
    yield from folder_names(names, "uncertainty.scenario")
    yield from _names_alike(names)
    total = math.fsum(one.probability for one in uncertainty.scenario)
    if abs(total - 1.0) > PROBABILITY_TOLERANCE:
        text, remedy = "the probabilities do not sum to 1", "change them so that they do"
        yield Finding(
            "config.probabilities", "uncertainty.scenario", text, f"{total:.12g}", remedy, value=total, limit=1.0
        )
    if uncertainty.early_until is not None and uncertainty.early_until not in periods:
        remedy = f"use one of the periods: {', '.join(map(str, periods))}"
        text = "the year is not one of study.periods"
        yield Finding("config.early_until", "uncertainty.early_until", text, str(uncertainty.early_until), remedy)
    if demand is None:
        text, remedy = "a study without demand has no campuses to decide about", "add [demand] it_mw"
        yield Finding("config.uncertainty_without_demand", "uncertainty", text, "", remedy)
    for number, one in enumerate(uncertainty.scenario, start=1):
        where = f"uncertainty.scenario#{number} ({one.name})"
        yield from _factor_years(one, periods, where)
        yield from repeated(one.withdrawn_generators, f"{where}, withdrawn_generators")


def _names_alike(names: list[str]) -> Iterator[Finding]:
    """Names that are the same, or would be on a file system that does not tell capitals apart."""
    lower = [name.lower() for name in names]
    for name in sorted({n for n in lower if lower.count(n) > 1}):
        text, remedy = "the name is given twice, capitals apart", "give each name once"
        yield Finding("config.duplicate_name", "uncertainty.scenario", text, repr(name), remedy)


def range_checks(sensitivity: SensitivitySettings) -> Iterator[Finding]:
    """Ranges that are none, or vary nothing."""
    yield from repeated([f"{r.what} {r.carrier or ''}".strip() for r in sensitivity.range], "sensitivity.range")
    for number, one in enumerate(sensitivity.range, start=1):
        where = f"sensitivity.range#{number} ({one.what})"
        if one.low >= one.high:
            text, remedy = "low is not below high", "give a range"
            yield Finding("config.range_order", where, text, f"{one.low:g} to {one.high:g}", remedy)
        if (one.carrier is not None) != (one.what == "fuel_price"):
            text, remedy = "carrier belongs to fuel_price, which needs it", "name the carrier, such as ng"
            yield Finding("config.range_carrier", where, text, repr(one.carrier), remedy)
