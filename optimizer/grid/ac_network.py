"""A grid as a network of pypowsybl, element by element, for AC power flow.

Every bus becomes a voltage level of its own with one bus in it; buses joined by transformers share a substation. With
nominal voltages ``V`` [kV], impedances are referred to the to-side on 100 MVA: ``x = x_pu V2^2 / 100`` [ohm],
``b = b_pu 100 / V2^2`` [S], half of it at each end. A branch with a tap, a phase shift or two nominal voltages is a
transformer of pypowsybl, an ideal one of ratio ``rho = 1 / tap`` (per unit) and angle ``-shift_deg`` in front of that
impedance; any other is a line. A shunt draws ``shunt_mw`` and gives ``shunt_mvar`` at 1.0 pu: ``g = shunt_mw / V^2``.

Source: the grid model of PowSyBl, https://powsybl.readthedocs.io (network elements).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.errors import Finding
from optimizer.grid.ac_point import (
    BRANCH,
    BUS,
    LEVEL,
    LINK,
    LOAD,
    NEW,
    SHUNT,
    STATION,
    ACPoint,
    counted,
    named,
    numbers,
)
from optimizer.grid.ac_units import create_units
from optimizer.grid.hvdc import scheduled_load
from optimizer.grid.network import BASE_MVA, Grid

#: Time for which the emergency rating holds in the converted network [s]: four hours; unverified, and not used here.
EMERGENCY_SECONDS = 14_400


@dataclass(frozen=True, eq=False)
class ACNetwork:
    """A converted network.

    Parameters
    ----------
    network : pypowsybl.network.Network
        Ids are those of the grid after a prefix: ``bus/``, ``branch/``, ``generator/``, ``new/`` and so on.
    findings : tuple of Finding
        What was left out or assumed.
    """

    network: Any
    findings: tuple[Finding, ...]


@contextmanager
def quiet_engine() -> Iterator[Any]:
    """Import pypowsybl, which takes seconds, and keep its log and any configuration of the machine away."""
    logger = logging.getLogger("powsybl")
    before = (logger.level, logger.propagate)
    silent = logging.NullHandler()
    logger.addHandler(silent)
    logger.propagate = False
    with warnings.catch_warnings():
        # Of libraries that it imports where they are installed; nothing here depends on them.
        warnings.simplefilter("ignore")
        import pypowsybl
        import pypowsybl.loadflow
        import pypowsybl.network
        import pypowsybl.security

    configured = pypowsybl.is_config_read()
    pypowsybl.set_config_read(False)
    try:
        yield pypowsybl
    finally:
        pypowsybl.set_config_read(configured)
        logger.removeHandler(silent)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def to_powsybl(
    grid: Grid, point: ACPoint | None = None, emergency_factor: float = 1.2, capacitor_factor: float = 1.0
) -> ACNetwork:
    """Convert a grid.

    Parameters
    ----------
    grid : Grid
        The grid. Elements out of service are left out, and units that neither give nor could give anything.
    point : ACPoint, optional
        How it runs; by default as its tables state.
    emergency_factor : float
        Emergency rating over normal rating where none is given [-].
    capacitor_factor : float
        Multiplies shunts that give reactive power [-].

    Returns
    -------
    ACNetwork
        Loading limits are apparent power [MVA]: the normal rating as permanent limit, the emergency rating above it.
    """
    state = ACPoint.of(grid) if point is None else point
    findings: list[Finding] = []
    with quiet_engine() as engine:
        network = engine.network.create_empty(grid.name or "grid")
        _create_buses(network, grid)
        findings += _create_branches(network, grid, emergency_factor)
        findings += _create_loads(network, grid, state)
        _create_shunts(network, grid, capacitor_factor)
        findings += create_units(network, grid, state)
    return ACNetwork(network, tuple(findings))


def _create_buses(network: Any, grid: Grid) -> None:
    stations = _stations(grid)
    network.create_substations(pd.DataFrame({"id": pd.unique(stations)}).set_index("id"))
    levels = pd.DataFrame(
        {
            "id": named(LEVEL, grid.buses.index),
            "substation_id": stations,
            "topology_kind": "BUS_BREAKER",
            "nominal_v": grid.buses["base_kv"].to_numpy(float),
        }
    )
    network.create_voltage_levels(levels.set_index("id"))
    buses = pd.DataFrame({"id": named(BUS, grid.buses.index), "voltage_level_id": levels["id"]})
    network.create_buses(buses.set_index("id"))


def _stations(grid: Grid) -> np.ndarray:
    """A substation for each bus; transformers join two into one."""
    joining = grid.branches_in_service[_is_transformer(grid)]
    ends = tuple(grid.buses.index.get_indexer(joining[c]) for c in ("from_bus", "to_bus"))
    size = len(grid.buses)
    _, part = connected_components(coo_array((np.ones(len(joining)), ends), shape=(size, size)), directed=False)
    _, first = np.unique(part, return_index=True)
    return named(STATION, grid.buses.index[first])[part]


def _is_transformer(grid: Grid) -> np.ndarray:
    branches = grid.branches_in_service
    kv = grid.buses["base_kv"]
    levels = kv.loc[branches["from_bus"]].to_numpy() != kv.loc[branches["to_bus"]].to_numpy()
    return ((branches["tap"] != 1) | (branches["shift_deg"] != 0) | levels).to_numpy(bool)


def _create_branches(network: Any, grid: Grid, emergency_factor: float) -> list[Finding]:
    branches = grid.branches_in_service
    kv = grid.buses["base_kv"]
    to_kv = kv.loc[branches["to_bus"]].to_numpy(float)
    base_ohm = to_kv**2 / BASE_MVA
    charging = numbers(branches, "b_pu") / base_ohm
    rows = pd.DataFrame(
        {
            "id": named(BRANCH, branches.index),
            "voltage_level1_id": named(LEVEL, branches["from_bus"]),
            "bus1_id": named(BUS, branches["from_bus"]),
            "voltage_level2_id": named(LEVEL, branches["to_bus"]),
            "bus2_id": named(BUS, branches["to_bus"]),
            "r": branches["r_pu"].to_numpy(float) * base_ohm,
            "x": branches["x_pu"].to_numpy(float) * base_ohm,
        }
    ).set_index("id")
    is_transformer = _is_transformer(grid)
    lines = rows.assign(g1=0.0, b1=charging / 2, g2=0.0, b2=charging / 2)[~is_transformer]
    if len(lines):
        network.create_lines(lines)
    from_kv = kv.loc[branches["from_bus"]].to_numpy(float)
    rated = {"rated_u1": from_kv * branches["tap"].to_numpy(float), "rated_u2": to_kv}
    transformers = rows.assign(g=0.0, b=charging, **rated)[is_transformer]
    if len(transformers):
        network.create_2_windings_transformers(transformers)
    _create_shifts(network, branches[branches["shift_deg"] != 0])
    _create_limits(network, branches, emergency_factor)
    out = grid.branches.index[~grid.branches["in_service"]]
    return counted("branches", "branches out of service are left out", out)


def _create_shifts(network: Any, shifting: pd.DataFrame) -> None:
    """Phase shifts as tap changers of one position."""
    if shifting.empty:
        return
    ids = named(BRANCH, shifting.index)
    changers = pd.DataFrame({"id": ids, "tap": 0, "low_tap": 0, "regulating": False})
    step = {"g": 0.0, "b": 0.0, "r": 0.0, "x": 0.0, "rho": 1.0}
    steps = pd.DataFrame({"id": ids, **step, "alpha": -shifting["shift_deg"].to_numpy(float)})
    network.create_phase_tap_changers(changers.set_index("id"), steps.set_index("id"))


def _create_limits(network: Any, branches: pd.DataFrame, emergency_factor: float) -> None:
    """Ratings at both ends; unlimited ones have none."""
    normal = branches["rating_mw"].to_numpy(float)
    emergency = emergency_ratings(branches, emergency_factor).to_numpy(float)
    parts = []
    for side in ("ONE", "TWO"):
        for name, value, seconds in (("normal", normal, -1), ("emergency", emergency, EMERGENCY_SECONDS)):
            # A limit above none, or below the permanent one, has no meaning there.
            kept = np.isfinite(normal) & np.isfinite(value) & ((value > normal) | (seconds < 0))
            ids = named(BRANCH, branches.index)[kept]
            parts.append(
                pd.DataFrame(
                    {
                        "element_id": ids,
                        "side": side,
                        "name": name,
                        "type": "APPARENT_POWER",
                        "value": value[kept],
                        "acceptable_duration": seconds,
                    }
                )
            )
    limits = pd.concat(parts, ignore_index=True)
    if len(limits):
        network.create_loading_limits(limits.set_index("element_id"))


def emergency_ratings(branches: pd.DataFrame, factor: float) -> pd.Series:
    """Emergency rating of each branch: as given, else a factor times the normal one [MW]."""
    return branches["rating_emergency_mw"].fillna(branches["rating_mw"] * factor)


def _create_loads(network: Any, grid: Grid, state: ACPoint) -> list[Finding]:
    p = state.load_mw.reindex(grid.buses.index).fillna(0.0)
    parts = [_loads(named(LOAD, grid.buses.index), grid.buses.index, p.to_numpy(), _load_mvar(grid, p))]
    sent, findings = scheduled_load(grid)
    parts.append(_loads(named(LINK, sent.index), sent.index, sent.to_numpy(), np.zeros(len(sent))))
    new = state.new_load
    parts.append(_loads(named(NEW, new.index), new["bus"], new["load_mw"].to_numpy(), new["load_mvar"].to_numpy()))
    loads = pd.concat(parts, ignore_index=True)
    loads = loads[(loads["p0"] != 0) | (loads["q0"] != 0)]
    if len(loads):
        network.create_loads(loads.set_index("id"))
    if "load_mvar" not in grid.buses.columns or grid.buses["load_mvar"].isna().all():
        text = "no reactive load is given: the existing load draws none, and voltages are too high"
        findings.append(Finding("grid.ac.load_mvar", "buses, load_mvar", text, "", "give load_mvar", "warning"))
    return findings


def _load_mvar(grid: Grid, load_mw: pd.Series) -> np.ndarray:
    """Reactive load in proportion to the active one; where a bus has none of that, to the whole [Mvar]."""
    stated = grid.buses["load_mw"].to_numpy(float)
    total = float(stated.sum())
    overall = float(load_mw.sum()) / total if total else 1.0
    factor = np.divide(load_mw.to_numpy(float), stated, out=np.full(len(stated), overall), where=stated != 0)
    return numbers(grid.buses, "load_mvar") * factor


def _loads(ids: Any, buses: Any, p0: np.ndarray, q0: np.ndarray) -> pd.DataFrame:
    at = pd.Index(buses)
    return pd.DataFrame({"id": ids, "voltage_level_id": named(LEVEL, at), "bus_id": named(BUS, at), "p0": p0, "q0": q0})


def _create_shunts(network: Any, grid: Grid, capacitor_factor: float) -> None:
    kv2 = grid.buses["base_kv"].to_numpy(float) ** 2
    given = numbers(grid.buses, "shunt_mvar")
    g, b = numbers(grid.buses, "shunt_mw") / kv2, np.where(given > 0, given * capacitor_factor, given) / kv2
    kept = (g != 0) | (b != 0)
    if not kept.any():
        return
    at = grid.buses.index[kept]
    shunts = pd.DataFrame({"id": named(SHUNT, at), "voltage_level_id": named(LEVEL, at), "bus_id": named(BUS, at)})
    model = pd.DataFrame(
        {"id": named(SHUNT, at), "g_per_section": g[kept], "b_per_section": b[kept], "max_section_count": 1}
    )
    network.create_shunt_compensators(
        shunts.assign(model_type="LINEAR", section_count=1).set_index("id"), model.set_index("id")
    )
