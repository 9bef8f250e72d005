"""The model: its parts, the contract of a part, and their composition.

A part is a module with ``NEEDS`` (the Case tables and columns it reads) and the functions ``declare(b, case, ledgers)``
(variables, and what they post), ``constrain(b, case, m)`` (constraints over closed ledgers), ``tables(b, case, m)``
(solved values) and, where rows are built on demand, ``cut(b, case, m, broken)``. Every part declares before any part
constrains, so the order of the list never matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pyomo.environ as pyo

from optimizer.algebra import Ledgers
from optimizer.formulation import (
    adequacy,
    cooling,
    deliveries,
    dispatch,
    expansion,
    generators,
    interconnection,
    orbit,
    phasing,
    policy,
    portfolio,
    power_flow,
    security,
    service,
    siting,
    supply,
    tariffs,
    upgrades,
    water,
    work,
    workloads,
)
from optimizer.formulation.carbon_price import price_emissions
from optimizer.formulation.rows import ElasticAllowances, FixedAllowances
from optimizer.study.case import Case

SITING_PARTS = (siting, interconnection, cooling, water, policy)
"""Parts that a study with demand uses, beside phasing."""

GRID_PARTS = (dispatch, power_flow, upgrades)
"""Parts that a study with a grid uses, beside phasing."""

EXPANSION_PARTS = (dispatch, expansion, upgrades)
"""Parts of a study that can build circuits: expansion holds flows and security, whose factors do not apply there."""


def parts_of(case: Case) -> tuple[ModuleType, ...]:
    """Parts that a case switches on, in the order of reading."""
    chosen: tuple[ModuleType, ...] = SITING_PARTS if len(case.demand_mw) else ()
    chosen += (workloads,) if case.workloads is not None else ()
    chosen += (orbit,) if case.orbit is not None else ()
    chosen += (service,) if case.service is not None and len(case.demand_mw) else ()
    chosen += (supply,) if case.supply is not None else ()
    chosen += (generators,) if case.max_generators and len(case.demand_mw) else ()
    chosen += (tariffs,) if case.tariffs is not None and len(case.demand_mw) else ()
    chosen += (adequacy,) if case.adequacy is not None else ()
    if len(case.demand_mw) and len(case.sites):
        chosen += (portfolio,) if case.portfolio.is_limited else ()
        chosen += (deliveries,) if case.portfolio.deliveries else ()
        chosen += (work,) if case.work is not None else ()
    if case.network is not None and len(case.circuits):
        chosen += EXPANSION_PARTS
    elif case.network is not None:
        chosen += GRID_PARTS
        if case.is_secured:
            chosen += (security,)
    return (*chosen, phasing)


def name_of(part: ModuleType) -> str:
    """Name of a part's block on the model."""
    return part.__name__.rpartition(".")[2]


def compose(
    case: Case,
    objective: Callable[[pyo.ConcreteModel], Any],
    parts: Sequence[ModuleType] | None = None,
    elastic: bool = False,
) -> pyo.ConcreteModel:
    """Build the model of a case: declare all, price emissions, close ledgers, constrain all, set the objective.

    Parameters
    ----------
    case : Case
        What the parts read.
    objective : callable
        Takes the model, returns the expression to minimize.
    parts : sequence of modules, optional
        The parts to build; default those that the case switches on. Any order gives the same model.
    elastic : bool
        Let branch limits give way by variables (`ElasticAllowances`) instead of the case's fixed overloads.

    Returns
    -------
    ConcreteModel
        With one block a part, ``m.ledgers`` and ``m.ledger`` (the named sums), and ``m.objective``.
    """
    chosen = parts_of(case) if parts is None else tuple(parts)
    m = pyo.ConcreteModel(name="gridsite")
    ledgers = Ledgers()
    m.limits = pyo.Block()
    m.allowances = ElasticAllowances(m.limits) if elastic else FixedAllowances(case.base_overloads)
    for part in chosen:
        m.add_component(name_of(part), pyo.Block())
        part.declare(m.component(name_of(part)), case, ledgers)
    price_emissions(case, ledgers)
    m.ledger = pyo.Block()
    ledgers.close(m.ledger)
    m.ledgers = ledgers
    for part in chosen:
        part.constrain(m.component(name_of(part)), case, m)
    m.objective = pyo.Objective(expr=objective(m), sense=pyo.minimize)
    return m
