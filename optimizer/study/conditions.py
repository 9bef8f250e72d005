"""Conditions: load, fuel prices and upgrades that come otherwise than the tables say, and what leaves the queue.

Candidate sites are those of the tables whatever the conditions, so that plans for several futures can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.config import ConditionsSettings
from optimizer.errors import Finding, nearest
from optimizer.grid.network import Grid
from optimizer.study.ranges import label_of, varied_conditions

if TYPE_CHECKING:
    from optimizer.study.study import Study


def load_factor(conditions: ConditionsSettings, period: int) -> float:
    """Return the factor on existing load in a period [-]."""
    return conditions.existing_load_factors.get(period, conditions.existing_load_factor)


def remaining_load_mw(conditions: ConditionsSettings, grid: Grid) -> pd.Series:
    """Return the load of every bus without what leaves the queue, before factors and growth [MW]."""
    load_mw = grid.buses["load_mw"]
    if not conditions.withdrawn_load_mw:
        return load_mw
    return load_mw - pd.Series(conditions.withdrawn_load_mw).reindex(load_mw.index).fillna(0.0)


def remaining_generators(conditions: ConditionsSettings, generators: pd.DataFrame) -> pd.DataFrame:
    """Return the generators that do not leave the queue."""
    return generators[~generators.index.isin(conditions.withdrawn_generators)]


def fuel_price_factor(conditions: ConditionsSettings, carrier: pd.Series) -> pd.Series:
    """Return the factor on the cost of each generator, by its carrier [-]."""
    return carrier.map(conditions.fuel_price_factors).astype(float).fillna(1.0)


def changed_upgrades(conditions: ConditionsSettings, upgrades: pd.DataFrame) -> pd.DataFrame:
    """Return upgrades with their costs and first years as the conditions change them.

    ``cost = factor x cost``, ``ready = ready + delay``
    """
    factor, delay = conditions.upgrade_cost_factor, conditions.upgrade_delay_years
    if factor == 1.0 and delay == 0.0:
        return upgrades
    return upgrades.assign(
        cost_musd=factor * upgrades["cost_musd"],
        annuity_musd=factor * upgrades["annuity_musd"],
        ready=upgrades["ready"] + delay,
    )


def condition_findings(study: Study) -> list[Finding]:
    """Return what is wrong with the conditions of a study, its futures and ranges: names that the grid does not have.

    Ranges are looked at here because an end that is refused while they are solved is a row of a table, not an error.
    """
    found = list(_findings(study, study.config.conditions, "conditions."))
    own = {(f.rule, f.found) for f in found}
    futures = () if study.config.uncertainty is None else study.config.uncertainty.scenario
    for number, one in enumerate(futures, start=1):
        found += _findings(study, one, f"uncertainty.scenario#{number} ({one.name}), ")
    for number, varied in enumerate(study.config.sensitivity.range, start=1):
        where = f"sensitivity.range#{number} ({label_of(varied)}): conditions."
        ends = varied_conditions(study.written, varied)
        new = dict.fromkeys(f for end in ends for f in _findings(study, end, where) if (f.rule, f.found) not in own)
        found += new
    return found


def _findings(study: Study, conditions: ConditionsSettings, where: str) -> Iterator[Finding]:
    grid = study.grid
    if grid is None:
        usual = ConditionsSettings()
        changed = (k for k in ConditionsSettings.model_fields if getattr(conditions, k) != getattr(usual, k))
        for key in changed:
            text, remedy = "without a grid there is nothing that it could change", "name a grid, or leave it out"
            yield Finding("study.conditions.no_grid", f"{where}{key}", text, "", remedy)
        return
    in_service = grid.generators[grid.generators["in_service"]]
    carriers = sorted(set(in_service["carrier"]) - {""})
    for name in sorted(set(conditions.fuel_price_factors) - set(carriers)):
        text = "no generator of this carrier"
        at = f"{where}fuel_price_factors"
        yield Finding("study.carrier.unknown", at, text, repr(name), nearest(name, carriers))
    for name in sorted(set(conditions.withdrawn_generators) - set(in_service.index)):
        text, remedy = "no generator of this name is in service", nearest(name, in_service.index)
        at = f"{where}withdrawn_generators"
        yield Finding("study.conditions.generator", at, text, repr(name), remedy)
    for name, mw in sorted(conditions.withdrawn_load_mw.items()):
        at = f"{where}withdrawn_load_mw.{name}"
        if name not in grid.buses.index:
            yield Finding("study.conditions.bus", at, "no such bus", repr(name), nearest(name, grid.buses.index))
        elif mw > grid.buses.at[name, "load_mw"]:
            load_mw = float(grid.buses.at[name, "load_mw"])
            text, remedy = "the bus has less load than leaves it", f"give at most {max(load_mw, 0.0):g}"
            yield Finding("study.conditions.load", at, text, f"{mw:g} MW", remedy, value=mw, limit=load_mw, unit="MW")
