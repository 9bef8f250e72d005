"""The sections of the report, in the order in which they are read: the answer first, the record last.

A section is a function of the view that returns it, or ``None`` when the plan has nothing to say under it.
"""

from __future__ import annotations

from collections.abc import Callable

from optimizer.report.page import Section
from optimizer.report.sections import (
    answer,
    comparison,
    earlier,
    expansion,
    land,
    money,
    network,
    portfolio,
    record,
    rules,
    service,
    sites,
    supply,
    water,
    workloads,
)
from optimizer.report.view import View

SECTIONS: tuple[Callable[[View], Section | None], ...] = (
    answer.the_answer,
    sites.the_map,
    sites.chosen_sites,
    sites.capacity_by_year,
    workloads.workloads,
    service.service,
    supply.supply,
    money.cost,
    money.what_binds,
    comparison.compared,
    earlier.earlier_power,
    network.outages,
    network.hvdc_transfers,
    network.network_upgrades,
    expansion.new_circuits,
    network.base_overloads,
    water.water,
    portfolio.portfolio,
    portfolio.work,
    portfolio.equipment,
    portfolio.facilities,
    rules.rules,
    land.candidates,
    record.findings,
    record.data,
    record.model,
    record.provenance,
)


def sections_of(view: View) -> list[Section]:
    """Return the sections that have something to say, in order."""
    made = (section(view) for section in SECTIONS)
    return [section for section in made if section is not None]
