"""Operation of the existing system: snapshots, load and limits of generation, as one thing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.errors import Finding
from optimizer.grid.columns import TABLES
from optimizer.grid.hvdc import LINK_CARRIER, decided_links, no_links, scheduled_load
from optimizer.grid.network import Grid
from optimizer.study import scenarios
from optimizer.study.conditions import load_factor, remaining_generators, remaining_load_mw
from optimizer.study.generation import generators_in_service, output_limits


@dataclass(frozen=True, eq=False)
class Operation:
    """How the existing system may be operated.

    Parameters
    ----------
    snapshots : DataFrame, index ``snapshot``
        ``hours`` [h/year].
    hot_day : Series of bool, index ``snapshot``
        Where cooling works as on a hot day.
    load_mw : DataFrame, index ``bus``, columns (period, snapshot)
        Existing load, shunt conductance and scheduled HVDC transfers included [MW].
    generators : DataFrame, index ``generator``
        In service, with the grid's columns; then the ends of links whose transfer is decided.
    output_min_mw, output_max_mw : DataFrame, index ``generator``, columns snapshot
        Limits of output [MW].
    links : DataFrame, index ``link``
        Links whose transfer is decided, with `optimizer.grid.hvdc.LINK_COLUMNS`.
    """

    snapshots: pd.DataFrame
    hot_day: pd.Series
    load_mw: pd.DataFrame
    generators: pd.DataFrame
    output_min_mw: pd.DataFrame
    output_max_mw: pd.DataFrame
    links: pd.DataFrame = field(default_factory=no_links)

    def own_mw(self) -> pd.Series:
        """Most that the generators of a bus give beyond its load, in the worst snapshot of the best period [MW]."""
        at_bus = self.output_max_mw.groupby(self.generators["bus"]).sum().reindex(self.load_mw.index).fillna(0.0)
        periods = self.load_mw.columns.unique("period")
        worst = [(at_bus - self.load_mw[t][at_bus.columns]).min(axis=1) for t in periods]
        return pd.concat(worst, axis=1).max(axis=1)


def operate(config: StudyConfig, grid: Grid | None) -> tuple[Operation, list[Finding]]:
    """Derive the operation of a study.

    Parameters
    ----------
    config : StudyConfig
        ``grid``, ``dispatch``, ``conditions`` and ``study.periods``.
    grid : Grid, optional
        The network.

    Returns
    -------
    operation : Operation
        Empty tables without a grid.
    findings : list of Finding
        Unknown snapshots or zones, outputs that are not given: errors; rescaled hours: notes.
    """
    snapshots, findings = scenarios.snapshot_table(config.grid, grid)
    if grid is None or config.grid is None:
        return _without_grid(config, snapshots), findings
    unreadable = scenarios.check_hot_day(grid)
    findings += unreadable
    factors, found = scenarios.load_factors(config.grid, grid, snapshots)
    findings += found
    conditions, periods = config.conditions, config.study.periods
    by_period = {t: load_factor(conditions, t) for t in periods}
    remaining_mw = remaining_load_mw(conditions, grid)
    load_mw = scenarios.load_table(grid, remaining_mw, factors, by_period, config.grid.load_growth_per_year)
    if config.dispatch.hvdc == "scheduled":
        scheduled_mw, found = scheduled_load(grid)
        findings += found
        load_mw = load_mw.add(scheduled_mw, axis=0)
    generators, found = generators_in_service(grid, config.dispatch)
    findings += found
    generators = remaining_generators(conditions, generators)
    available, found = scenarios.availability(config.grid, grid, generators, snapshots)
    findings += found
    low, high = output_limits(generators, available, config.dispatch)
    links = no_links()
    if config.dispatch.hvdc == "decided":
        ends, links, found = decided_links(grid)
        findings += found
        generators = _with_ends(generators, ends)
        low, high = (
            pd.concat([limit, pd.DataFrame({h: ends[column] for h in limit.columns}, index=ends.index, dtype=float)])
            for limit, column in ((low, "p_min_mw"), (high, "p_max_mw"))
        )
    shown = snapshots.drop(columns=scenarios.HOT_DAY.name, errors="ignore") if unreadable else snapshots
    hot = scenarios.hot_days(shown, load_mw)
    return Operation(snapshots[["hours"]], hot, load_mw, generators, low, high, links), findings


def _with_ends(generators: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Generators, then the ends of links: free of cost, emissions and accredited capacity."""
    filled: dict[str, object] = {c.name: c.default for c in TABLES["generators"] if c.name in generators.columns}
    filled |= {"carrier": LINK_CARRIER, "accredited_share": 0.0, "carbon_t_per_mwh": 0.0}
    rows = ends.assign(**{name: value for name, value in filled.items() if name not in ends.columns})
    rows = rows.reindex(columns=generators.columns).astype(generators.dtypes.to_dict())
    return pd.concat([generators, rows]).rename_axis("generator")


def _without_grid(config: StudyConfig, snapshots: pd.DataFrame) -> Operation:
    """Snapshots alone; the hot day is in all of them, which then size nothing but the facility's own power."""
    columns = pd.MultiIndex.from_product([config.study.periods, snapshots.index], names=["period", "snapshot"])
    no_bus, no_unit = pd.Index([], name="bus"), pd.Index([], name="generator")
    table = {c.name: pd.Series(dtype=float if c.kind == "float" else object) for c in TABLES["generators"][1:]}
    empty = pd.DataFrame(np.empty((0, len(snapshots))), index=no_unit, columns=snapshots.index)
    return Operation(
        snapshots[["hours"]],
        pd.Series(True, index=snapshots.index),
        pd.DataFrame(np.empty((0, len(columns))), index=no_bus, columns=columns),
        pd.DataFrame(table, index=no_unit),
        empty,
        empty.copy(),
    )
