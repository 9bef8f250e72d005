"""Rows of a topology: they hold for plans with the same circuits, and give way for every circuit that differs.

Symbols
-------
f[l,t,h]   ``flow_mw``             flow of a branch or built unit with everything in service [MW]
y[j,t,h]                           what outage k takes away, one by one [MW]
D[l,j,h]                           share of y[j,t,h] that moves to branch l in the network of the plan [-]
E[l]       ``rating_emergency_mw`` emergency rating [MW]
M                                  most that the flow can be [MW]
w[n,t,h]                           new load at a bus [MW]
W                                  most that generators and negative loads give together [MW]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.algebra import rows_on_demand
from optimizer.errors import InputError
from optimizer.formulation.angle_bounds import AngleBounds, angle_bounds, unbounded
from optimizer.formulation.rows import rating
from optimizer.formulation.unit_paths import Unit
from optimizer.grid.joint import Driver
from optimizer.study.case import Case

_BEHIND = (("supply", "own_mw", -1.0), ("service", "curtailed_mw", -1.0), ("service", "recovered_mw", 1.0))
"""Part, variable and sign of what stands between a campus and what it draws from the grid."""

FIRM_MW = 1e-4
"""New load up to this is none [MW]."""


@dataclass(frozen=True)
class LimitTerms:
    """An emergency limit after an outage in the network of a plan: terms of its flow, and where the flow is held."""

    terms: tuple[tuple[float, Any], ...]
    limit: Any
    most_mw: float
    counts: Mapping[str, int]


@dataclass(frozen=True)
class FirmTerms:
    """A bus that an outage cuts off: what must differ for it to take load, 0 or 1 each, and the most load [MW]."""

    joining: tuple[Any, ...]
    most_mw: float


class TopologyRows:
    """Rows of topologies seen so far."""

    def __init__(self, b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
        self.block, self.case, self.model = b, case, m
        self._limits: dict[tuple[Any, ...], LimitTerms] = {}
        self._firm: dict[tuple[Any, ...], FirmTerms] = {}
        self._bounds: AngleBounds | None = None

        @rows_on_demand(b)
        def limit_of_topology(b: Any, l: str, k: str, t: int, h: str, side: int, built: str) -> Any:
            """With just these circuits built, a branch stays within its emergency rating after the outage.

            f[l,t,h] + sum_j D[l,j,h] y[j,t,h] <= E[l] + upgrades + M (number of units that differ), and so backwards
            """
            row = self._limits[l, k, t, h, side, built]
            flow = pyo.quicksum(side * share * variable for share, variable in row.terms)
            return flow <= row.limit + row.most_mw * self._differing(row.counts, t)

        @rows_on_demand(b)
        def no_load_where_cut_off(b: Any, n: str, k: str, t: int, h: str, built: str) -> Any:
            """No firm load stands where one outage cuts it off, unless a further circuit joins it to the network.

            w[n,t,h] <= W (sum of units that would join it, and of 1 - z of those that are built)
            """
            row = self._firm[n, k, t, h, built]
            return m.ledgers.withdrawal_mw[n, t, h] <= row.most_mw * pyo.quicksum(row.joining)

        self._limit_rows, self._firm_rows = limit_of_topology, no_load_where_cut_off

    @property
    def bounds(self) -> AngleBounds:
        """Bounds of flows with everything in service."""
        if self._bounds is None:
            self._bounds = angle_bounds(self.case)
        return self._bounds

    def _differing(self, counts: Mapping[str, int], t: int) -> Any:
        built = self.block.built
        return pyo.quicksum(
            1 - built[e, i, t] if i <= counts[e] else built[e, i, t] for e, i in self.case.expansion.units
        )

    def limit_row(
        self, real: Case, counts: Mapping[str, int], t: int, h: str, branch: int, outage: int, side: int
    ) -> list[Any]:
        """Build the limit of a branch after an outage in the network of a plan; nothing where it stands."""
        snapshot = list(real.snapshots.index).index(h)
        factors, _ = real.contingencies.factors(outage, snapshot)
        names = [str(name) for name in real.branches.index]
        l, k = names[branch], real.contingencies.names[outage]
        terms, most = [self._flow(l, t, h)], self._most(l)
        for share, driver in zip(factors[branch].tolist(), real.contingencies.drivers(outage), strict=True):
            terms += [(share * c, v) for c, v in self._taken(names, driver, t, h)]
            most += abs(share) * (self._most(names[driver.position]) if driver.kind == "branch" else self._largest_mw)
        if not np.isfinite(most):
            raise InputError([unbounded(f"branches, branch {l}")])
        if l in self.case.branches.index:
            limit: Any = sum(rating(self.case, self.model, l, t, h, after_outage=True))
        else:
            limit = float(real.branches["rating_emergency_mw"].iat[branch]) * real.rating_factor_of(l, h, True)
        key = (l, k, t, h, side, named(counts))
        self._limits[key] = LimitTerms(tuple(terms), limit, most, dict(counts))
        row = self._limit_rows.add(*key)
        return [] if row is None else [row]

    def held(self, l: str, k: str, t: int, h: str, side: int, built: str) -> float | None:
        """Flow that a row holds under the solution of the model [MW]; ``None`` where other circuits are built."""
        row = self._limits[l, k, t, h, side, built]
        if pyo.value(self._differing(row.counts, t)) > 0.5:
            return None
        return float(sum(share * variable.value for share, variable in row.terms))

    def _units(self, counts: Mapping[str, int]) -> list[Unit]:
        """Units in service, in the order in which they follow the existing branches."""
        return [unit for unit in self.case.expansion.units if unit[1] <= counts[unit[0]]]

    @property
    def _largest_mw(self) -> float:
        """Largest output, consumption of a generator, or campus [MW]."""
        return max(self.bounds.source_mw, float(-self.case.output_min_mw.min(axis=None)))

    def _flow(self, name: str, t: int, h: str) -> tuple[float, Any]:
        unit = self.case.expansion.unit_of_name.get(name)
        return 1.0, self.block.flow_mw[name, t, h] if unit is None else self.block.unit_flow_mw[(*unit, t, h)]

    def _most(self, name: str) -> float:
        unit = self.case.expansion.unit_of_name.get(name)
        if unit is None:
            return float(self.bounds.branch_flow_mw[self.case.branches.index.get_loc(name)])
        return self.bounds.flow_mw[unit[0]]

    def _taken(self, names: list[str], driver: Driver, t: int, h: str) -> list[tuple[float, Any]]:
        """What an outage takes away, as terms [MW]."""
        case, m = self.case, self.model
        if driver.kind == "branch":
            return [self._flow(names[driver.position], t, h)]
        if driver.kind == "generator":
            return [(1.0, m.dispatch.output_mw[str(case.generators.index[driver.position]), t, h])]
        s, n = driver.load, str(case.grid_network.bus_ids[driver.position])
        ties = [o for o in case.ties_of_site.get(s, []) if case.ties.at[o, "bus"] == n]
        drawn = [
            (float(case.pue.at[(s, c), h]), m.interconnection.it_mw[o, c, t])
            for o in ties
            for c in case.cooling_of_site[s]
        ]
        return drawn + [term for o in ties for term in self._behind(o, t, h)]

    def _behind(self, o: str, t: int, h: str) -> list[tuple[float, Any]]:
        """What takes load off a tie: own supply and what is curtailed, less what is caught up, as terms [MW]."""
        found: list[tuple[float, Any]] = []
        for part, name, sign in _BEHIND:
            block = self.model.component(part)
            variable = {} if block is None else block.component(name)
            found += [(sign, variable[o, t, h])] if (o, t, h) in variable else []
        return found

    def firm_rows(self, real: Case, counts: Mapping[str, int], t: int, h: str) -> list[Any]:
        """Forbid new load at buses that an outage of the plan's network cuts off, where the plan has some."""
        if self.case.expansion.skips_splitting or not len(self.case.ties):
            return []
        loaded = [n for n in self.case.ties_of_bus if self.model.interconnection.new_load_mw[n, t, h].value > FIRM_MW]
        at = {int(real.grid_network.bus_ids.get_loc(n)): n for n in loaded}
        rows: list[Any] = []
        for number, lost in enumerate(self._lost(real)):
            for bus in set(at) & set(lost.tolist()):
                rows += self._firm_row(real, counts, t, h, at[bus], number, lost)
        return rows

    def _lost(self, real: Case) -> list[np.ndarray]:
        single = [] if real.outages is None else list(real.outages.lost_buses)
        return [*single, *(one.lost_buses for one in real.joint.outages)]

    def _firm_row(
        self, real: Case, counts: Mapping[str, int], t: int, h: str, n: str, outage: int, lost: np.ndarray
    ) -> list[Any]:
        # With all that the plan built still there and nothing new across the cut, the same buses are cut off: the side
        # that stays can only have grown.
        case, built = self.case, self.block.built
        inside = np.zeros(case.grid_network.n_bus, dtype=bool)
        inside[lost] = True
        joining: list[Any] = []
        for e, i in case.expansion.units:
            a, z = (case.grid_network.bus_ids.get_loc(case.circuits.at[e, c]) for c in ("from_bus", "to_bus"))
            if inside[a] != inside[z] and i > counts[e]:
                joining.append(built[e, i, t])
        joining += [1 - built[e, i, t] for e, i in self._units(counts) if i == counts[e]]
        k = real.contingencies.names[outage]
        key = (n, k, t, h, named(counts))
        self._firm[key] = FirmTerms(tuple(joining), self.bounds.source_mw)
        row = self._firm_rows.add(*key)
        return [] if row is None else [row]


def named(counts: Mapping[str, int]) -> str:
    """Circuits built, as one word."""
    return "+".join(f"{e}/{n}" for e, n in counts.items() if n) or "none"
