"""What is written of a plan that was found: its tables, and what ``plan.json`` says of it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.objectives import OBJECTIVES
from optimizer.progress import peak_memory_mb
from optimizer.resources import dataset_names, dataset_statement
from optimizer.solve.baseline import Baseline
from optimizer.solve.lexicographic import Searched
from optimizer.solve.losses import largest_loss
from optimizer.solve.money import gap_of
from optimizer.solve.operation import Operation, operation_of_plan, withdrawals
from optimizer.solve.overloads import Overloads
from optimizer.solve.pickup import asked_beyond
from optimizer.solve.prepared import Prepared, Run
from optimizer.solve.prices.binding import binding_limits, energy_prices, limits_at_bound
from optimizer.solve.prices.circuits import circuit_limits, energy_prices_by_network
from optimizer.solve.prices.generators import generator_limits
from optimizer.solve.prices.links import transfer_limits
from optimizer.solve.prices.parts import part_limits
from optimizer.solve.program import SecureProgram
from optimizer.solve.tables import decisions, service
from optimizer.solve.tables.generators import generator_table
from optimizer.solve.tables.portfolio import portfolio_tables
from optimizer.solve.tables.supply import adequacy_table, site_effects, supplied_mw, supply_tables
from optimizer.solve.tables.work import counted_mw, serving_mw, work_tables
from optimizer.study.circuits import realised_periods
from optimizer.study.study import Study

PACKAGES = ("gridsite", "highspy", "pyomo", "numpy", "scipy", "pandas", "geopandas", "networkx")
"""Packages whose versions a plan records."""


def tables_of(
    program: SecureProgram, overloads: Overloads | None, baseline: Baseline | None
) -> tuple[dict[str, pd.DataFrame], Operation | None, list[Finding]]:
    """Every table of the plan, how it runs, and what is worth a note.

    Parameters
    ----------
    program : SecureProgram
        Solved with the plan's whole decisions.
    overloads : Overloads, optional
        Of the existing system before any new load.
    baseline : Baseline, optional
        The same system without new load.
    """
    case, model = program.case, program.model
    made = decisions.decisions(case, model)
    tables: dict[str, pd.DataFrame] = {"costs": decisions.cost_table(case, model)}
    binding = binding_limits(program)
    if len(case.demand_mw):
        used = service.with_service(withdrawals(case, made.placed), made.service)
        tables |= supply_tables(case, model, used)
        tables |= decisions.site_tables(case, made, site_effects(case, tables))
        tables |= service.service_tables(case, model, made.service, made.placed, supplied_mw(tables))
        tables |= generator_table(case, made.placed, tables)
        tables |= adequacy_table(case, tables, used)
        tables |= decisions.water_tables(case, made, tables["sites"])
        workloads = decisions.workload_tables(case, model)
        tables |= workloads
        done = work_tables(case, model)
        tables |= done
        tables["demand"] = decisions.demand_table(case, made, workloads, counted_mw(case, made.placed, done))
        serving = serving_mw(case, made.placed, done)
        tables |= portfolio_tables(case, made.placed.assign(serving_mw=serving), tables, made)
        at_bound = limits_at_bound(case, tables["sites"].assign(serving_mw=serving_mw(case, tables["sites"], done)))
        binding = pd.concat([binding, at_bound]) if len(at_bound) else binding
        at_bound = part_limits(program, tables)
        binding = pd.concat([binding, at_bound]) if len(at_bound) else binding
    for at_bound in (generator_limits(program), transfer_limits(program)):
        binding = pd.concat([binding, at_bound]) if len(at_bound) else binding
    tables["binding"] = binding
    operated, notes = None, []
    if case.network is not None:
        taken = withdrawals(case, made.placed, supplied_mw(tables))
        drawn = service.with_service(taken, made.service, tables.get("dropped"))
        networks = realised_periods(case, made.circuits)
        operated = operation_of_plan(networks, made.output_mw, drawn, made.upgrades)
        notes = [*largest_loss(case, made.output_mw, drawn), *asked_beyond(operated.beyond)]
        tables |= {"dispatch": made.output_mw, "flows": operated.flows, "contingencies": operated.contingencies}
        if len(case.links):
            tables["hvdc"] = decisions.link_table(case, made.output_mw)
        tables["upgrades"] = decisions.upgrade_table(case, made.upgrades)
        if case.rating_factors is not None:
            tables["ratings"] = decisions.rating_table(case)
        if len(case.circuits):
            tables["circuits"] = decisions.circuit_table(case, made.circuits)
            tables["energy_prices"] = energy_prices_by_network(program, networks)
            binding = pd.concat([binding, circuit_limits(program)])
            tables["binding"] = binding
        else:
            tables["energy_prices"] = energy_prices(program)
        if overloads is not None:
            tables |= {"base_overloads": overloads.table, "overload_dispatch": overloads.dispatch}
    if baseline is not None:
        tables |= {"baseline_dispatch": baseline.dispatch, "baseline_upgrades": baseline.upgrades}
        tables |= {"baseline_circuits": baseline.circuits} if len(case.circuits) else {}
    return tables, operated, notes


def summary_of(
    run: Run,
    study: Study,
    prepared: Prepared,
    searched: Searched,
    tables: dict[str, pd.DataFrame],
    operated: Operation | None,
) -> dict[str, Any]:
    """What ``plan.json`` says of a plan.

    Parameters
    ----------
    run, prepared, searched
        Of the search that found it.
    study : Study
        The study of which it is the plan.
    tables : dict of DataFrame
        All of its tables.
    operated : Operation, optional
        How it runs; ``None`` without a network.
    """
    case, name = prepared.case, study.config.study.objective
    costs = tables["costs"].groupby("account", sort=False)["cost_musd"].sum()
    totals = decisions.totals_of(case, tables)
    sign, objective = OBJECTIVES[name].sign, totals["cost_musd"]
    # Compared as minimized, shown with the sign that people read.
    value = sign * totals[OBJECTIVES[name].key]
    bound = min(searched.bounds[name], value)
    # A search that had no time for the cost has proven nothing of it.
    bound_musd = min(searched.bounds.get("cost", -np.inf), objective)
    decided = prepared.decided(objective) if name == "cost" else abs(value)
    sites = tables.get("sites", pd.DataFrame({"site": [], "period": [], "it_mw": []}))
    it_mw = sites.groupby("period")["it_mw"].sum()
    seconds = run.clock.seconds
    last = realised_periods(case, tables["circuits"])[-1] if len(case.circuits) else case
    return {
        "name": run.study.name,
        "status": searched.status,
        "objective": name,
        "objective_value": sign * value,
        "bound_value": sign * bound,
        "unit": OBJECTIVES[name].unit,
        "objectives": totals,
        "objective_musd": objective,
        "bound_musd": bound_musd,
        "baseline_musd": prepared.baseline_musd,
        "common_musd": prepared.common_musd,
        "gap": gap_of(value, bound, decided),
        "gap_musd": objective - bound_musd,
        "it_mw": {str(t): float(it_mw.get(t, 0.0)) for t in case.demand_mw.index},
        "n_sites": int(sites["site"].nunique()),
        "n_contingencies_checked": last.n_outages(set(sites["site"])),
        "n_monitored_limits": int(np.isfinite(last.branches["rating_mw"]).sum()) if len(last.branches) else 0,
        "n_violations": 0 if operated is None else len(operated.broken),
        "costs_musd": {account: float(v) for account, v in costs.items()},
        "binding": [],
        "seconds": dict(seconds),
        "solver_seconds": sum(seconds.get(stage, 0.0) for stage in ("overloads", "lp", "mip", "repair", "settle")),
        "peak_memory_mb": peak_memory_mb(),
        "versions": {name: version(name) for name in PACKAGES},
        "options": run.study.config.solve.model_dump(mode="json"),
        "seed": run.seed,
        "data_notice": _notice(run.study),
    }


def _notice(study: Study) -> str:
    """What is synthetic about the data, in the dataset's own plain words."""
    grid = study.config.grid
    known = grid is not None and grid.source in dataset_names()
    return dataset_statement(grid.source) if grid is not None and known else ""
