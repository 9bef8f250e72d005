"""New circuits that a study may build: candidates with their limits, and the network with some of them built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.grid.contingency import OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint import Elements, JointSet
from optimizer.grid.network import BASE_MVA

if TYPE_CHECKING:
    from optimizer.study.case import Case

CIRCUIT_COLUMNS = (
    "from_bus",
    "to_bus",
    "base_kv",
    "kind",
    "length_km",
    "susceptance_mw",
    "shift_rad",
    "rating_mw",
    "rating_emergency_mw",
    "flow_min_mw",
    "flow_max_mw",
    "monitored",
    "max_count",
    "cost_musd",
    "annuity_musd",
    "ready",
    "replaces",
)
"""Columns of `Expansion.circuits`."""

_TEXTS = ("from_bus", "to_bus", "kind", "replaces")


def no_circuits() -> pd.DataFrame:
    """Candidate circuits of a study that offers none."""
    kinds = {c: object if c in _TEXTS else bool if c == "monitored" else float for c in CIRCUIT_COLUMNS}
    return pd.DataFrame({c: pd.Series(dtype=kinds[c]) for c in CIRCUIT_COLUMNS}, index=pd.Index([], name="circuit"))


@dataclass(frozen=True, eq=False)
class Expansion:
    """New circuits on offer, and what is needed to judge the network that some of them make.

    Parameters
    ----------
    circuits : DataFrame, index ``circuit``
        ``from_bus``, ``to_bus``, ``base_kv`` (the lower of its ends) [kV], ``kind``, ``length_km`` [km],
        ``susceptance_mw`` (of one unit) [MW/rad], ``shift_rad`` [rad], ``rating_mw``, ``rating_emergency_mw`` (of one
        unit) [MW, inf when unlimited], ``flow_min_mw``, ``flow_max_mw`` (limits from angle differences) [MW],
        ``monitored`` (bool), ``max_count`` (parallel units), ``cost_musd`` (of one unit) [M$], ``annuity_musd``
        [M$/year], ``ready`` (int year), ``replaces`` (existing branch between the same buses that goes out of service
        when the first unit serves; empty for none).
    load_mw : ndarray, shape (n_bus,)
        Load that decides which side of a split stays [MW].
    skips_splitting : bool
        Whether outages that split the network are left out.
    secures_branches : bool
        Whether the outage of every branch must be survived, hence that of every built circuit.
    never_out : ndarray of bool, shape (n_branch,)
        Existing branches that cannot be out.
    elements : tuple of Elements
        Outages of other kinds.
    """

    circuits: pd.DataFrame = field(default_factory=no_circuits)
    load_mw: np.ndarray = field(default_factory=lambda: np.empty(0))
    skips_splitting: bool = False
    secures_branches: bool = False
    never_out: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    elements: tuple[Elements, ...] = ()

    @property
    def units(self) -> list[tuple[str, int]]:
        """Every unit that may be built: circuit and number from 1."""
        return [(str(e), i) for e, n in self.circuits["max_count"].items() for i in range(1, int(n) + 1)]

    @cached_property
    def replacements(self) -> dict[str, list[str]]:
        """Circuits that may take the place of an existing branch, by branch."""
        found: dict[str, list[str]] = {}
        for e, branch in self.circuits["replaces"].items():
            if branch:
                found.setdefault(str(branch), []).append(str(e))
        return found

    def replaced(self, counts: Mapping[str, int]) -> list[str]:
        """Existing branches that are out of service for good where these units by circuit serve."""
        return [branch for branch, options in self.replacements.items() if any(counts.get(e, 0) for e in options)]

    @cached_property
    def unit_of_name(self) -> dict[str, tuple[str, int]]:
        """The unit that a branch name stands for."""
        return {self.unit_name(e, i): (e, i) for e, i in self.units}

    def unit_name(self, circuit: str, number: int) -> str:
        """Name of a built unit as a branch: that of its circuit, numbered where several may be built."""
        return circuit if self.circuits.at[circuit, "max_count"] == 1 else f"{circuit}/{number}"


def circuit_table(rows: pd.DataFrame, base_kv: pd.Series, config: StudyConfig, yearly_factor: float) -> pd.DataFrame:
    """Candidate circuits with their limits.

    An emergency rating that is not given is ``emergency_factor`` times the normal one. A limit on the angle from less
    to becomes one on flow: ``f = b (angle - shift)``.

    Parameters
    ----------
    rows : DataFrame, index ``circuit``
        With the columns of a grid's ``circuits``.
    base_kv : Series, index ``bus``
        Voltages [kV].
    config : StudyConfig
        ``grid.susceptance``, ``security`` and the first period, from which a circuit without ``ready`` may serve.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].

    Returns
    -------
    DataFrame, index ``circuit``
        The columns of `Expansion.circuits`.
    """
    assert config.grid is not None
    x, r = rows["x_pu"].to_numpy(float), rows["r_pu"].to_numpy(float)
    if config.grid.susceptance == "x":
        per_unit, shift = 1.0 / (x * rows["tap"].to_numpy(float)), np.radians(rows["shift_deg"].to_numpy(float))
    else:
        per_unit, shift = x / (r**2 + x**2), np.zeros(len(rows))
    b = BASE_MVA * per_unit
    least = np.radians(rows["angle_min_deg"].fillna(-np.inf).to_numpy(float))
    most = np.radians(rows["angle_max_deg"].fillna(np.inf).to_numpy(float))
    lower_kv = np.minimum(rows["from_bus"].map(base_kv).to_numpy(float), rows["to_bus"].map(base_kv).to_numpy(float))
    emergency = rows["rating_emergency_mw"].fillna(config.security.emergency_factor * rows["rating_mw"])
    length = rows["length_km"] if "length_km" in rows.columns else np.nan
    table = pd.DataFrame(
        {
            "from_bus": rows["from_bus"],
            "to_bus": rows["to_bus"],
            "base_kv": lower_kv,
            "kind": rows["kind"],
            "length_km": length,
            "susceptance_mw": b,
            "shift_rad": shift,
            "rating_mw": rows["rating_mw"].astype(float),
            "rating_emergency_mw": emergency.astype(float),
            "flow_min_mw": b * (least - shift),
            "flow_max_mw": b * (most - shift),
            "monitored": lower_kv >= config.security.monitor_kv_min,
            "max_count": rows["max_count"].astype(int),
            "cost_musd": rows["cost_musd"].astype(float),
            "annuity_musd": yearly_factor * rows["cost_musd"].astype(float),
            "ready": rows["ready"].astype(float).fillna(float(config.study.periods[0])).astype(int),
            "replaces": rows["replaces"],
        },
        index=rows.index,
    )
    return table[list(CIRCUIT_COLUMNS)]


def joined_groups(case: Case) -> np.ndarray:
    """Number of the group of each bus: what existing branches and all candidate circuits could connect.

    Parameters
    ----------
    case : Case
        With a grid.

    Returns
    -------
    ndarray of int, shape (n_bus,)
        The islands of the network where no circuit is on offer.
    """
    network = case.grid_network
    if not len(case.circuits):
        return np.asarray(network.island)
    return np.asarray(extended_network(network, case.expansion, dict.fromkeys(case.circuits.index, 1)).island)


def extended_network(network: DCNetwork, offer: Expansion, counts: Mapping[str, int]) -> DCNetwork:
    """Factorize a network with some circuits built, and without the branches whose place they take.

    Parameters
    ----------
    network : DCNetwork
        What exists.
    offer : Expansion
        Circuits on offer.
    counts : mapping of str to int
        Units built by circuit.
    """
    built = [(e, i) for e, i in offer.units if i <= counts.get(e, 0)]
    rows = offer.circuits.loc[[e for e, _ in built]]
    position = network.bus_ids
    return network.extended(
        [offer.unit_name(e, i) for e, i in built],
        position.get_indexer(rows["from_bus"]),
        position.get_indexer(rows["to_bus"]),
        rows["susceptance_mw"].to_numpy(float),
        rows["shift_rad"].to_numpy(float),
        network.branch_ids.get_indexer(offer.replaced(counts)),
    )


def with_units(branches: pd.DataFrame, offer: Expansion, counts: Mapping[str, int]) -> pd.DataFrame:
    """Return branches followed by built units, as `Case.branches`; `counts` is units by circuit."""
    units = [(e, i) for e, i in offer.units if i <= counts.get(e, 0)]
    if not units:
        return branches
    new = offer.circuits.loc[[e for e, _ in units], list(branches.columns)]
    new.index = pd.Index([offer.unit_name(e, i) for e, i in units], name="branch")
    return pd.concat([branches, new.astype(branches.dtypes.to_dict())]).rename_axis("branch")


def realised(case: Case, counts: Mapping[str, int], period: int) -> Case:
    """The case of one period with the circuits that serve in it as branches of its network.

    Outages are those of the network so made: a built circuit can be out like any other branch, and which outages split
    the network is found anew. A branch whose place a circuit takes is there no more: in outages of several elements too
    the circuit takes its place.

    Parameters
    ----------
    case : Case
        With circuits on offer.
    counts : mapping of str to int
        Units in service by circuit.
    period : int
        The period.

    Returns
    -------
    Case
        Of that period alone, without circuits on offer.
    """
    offer = case.expansion
    network = extended_network(case.grid_network, offer, counts)
    stays = ~case.branches.index.isin(offer.replaced(counts))
    branches = with_units(case.branches[stays], offer, counts)
    never_out = np.concatenate([offer.never_out[stays], np.zeros(len(branches) - int(stays.sum()), dtype=bool)])
    outages = OutageSet.branches(network, offer.load_mw, offer.skips_splitting, never_out)
    at = network.bus_ids.get_indexer(pd.Index(case.generators["bus"]))
    return replace(
        case,
        periods=case.periods.loc[[period]],
        load_mw=case.load_mw.loc[:, [key for key in case.load_mw.columns if key[0] == period]],
        demand_mw=case.demand_mw[case.demand_mw.index == period],
        branches=branches,
        network=network,
        outages=outages if offer.secures_branches else None,
        joint=JointSet.build(network, _elements(case, branches, counts), at, offer.load_mw, offer.skips_splitting),
        expansion=Expansion(),
    )


def _elements(case: Case, branches: pd.DataFrame, counts: Mapping[str, int]) -> list[Elements]:
    """Outages of several elements, by positions in a network with some circuits built."""
    offer = case.expansion
    gone = offer.replaced(counts)
    if not gone:
        return list(offer.elements)
    names = {str(l): [str(l)] for l in case.branches.index} | {l: [] for l in gone}
    for l in gone:
        for e, i in offer.units:
            if e in offer.replacements[l] and i <= counts.get(e, 0):
                names[l].append(offer.unit_name(e, i))
    at = [[int(k) for k in branches.index.get_indexer(names[str(l)])] for l in case.branches.index]
    return [replace(one, branches=tuple(k for b in one.branches for k in at[b])) for one in offer.elements]


def realised_periods(case: Case, built: pd.DataFrame) -> tuple[Case, ...]:
    """The case of each period in the network that a plan makes; the case itself where no circuit is on offer.

    Parameters
    ----------
    case : Case
        Of a study.
    built : DataFrame
        ``circuit``, ``in_service`` and ``count`` of a plan.
    """
    if not len(case.circuits):
        return (case,)
    made = []
    for t in case.periods.index:
        now = built[built["in_service"].astype(float) <= t]
        made.append(realised(case, {str(e): int(n) for e, n in now.groupby("circuit")["count"].sum().items()}, int(t)))
    return tuple(made)
