"""Small studies with futures, and their answers by other means: one program written here, and every plan of some.

The program here has the angles of the network, and after every outage angles of their own, where the product has
factors; it reads the numbers below and nothing of the product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pyomo.environ as pyo
from pyomo.contrib.appsi.solvers import Highs

from optimizer.study import Study
from tests.solve.small import HEAD, MUSD_PER_USD_PER_H, TWO_PERIODS, study_of

PENALTY = 0.3


@dataclass(frozen=True)
class Scenario:
    """One future: factors on demand and load, on fuel by carrier, on upgrades, and what leaves."""

    name: str
    probability: float
    demand: float = 1.0
    load: float = 1.0
    gas: float = 1.0
    upgrade_cost: float = 1.0
    delay: float = 0.0
    gone: tuple[str, ...] = ()
    penalty: float | None = None


@dataclass(frozen=True)
class Small:
    """A study in numbers.

    Parameters
    ----------
    loads : dict of bus to MW
    branches : name, from, to, reactance, rating, emergency rating
    generators : name, bus, largest output, cost, carrier
    sites : name, bus, block, most blocks, cost a year once built, cost a year and block
    upgrades : name, branch, rating and emergency rating added, cost a year, first year
    """

    scenarios: tuple[Scenario, ...]
    demand: dict[int, float]
    sites: tuple[tuple[str, str, float, int, float, float], ...]
    loads: dict[str, float] = field(default_factory=dict)
    branches: tuple[tuple[str, str, str, float, float, float], ...] = ()
    generators: tuple[tuple[str, str, float, float, str], ...] = ()
    upgrades: tuple[tuple[str, str, float, float, float, int], ...] = ()
    weight: float = 0.0
    level: float = 0.5
    early_until: int | None = None
    penalty: float | None = PENALTY

    @property
    def years(self) -> int:
        """Years of a period."""
        return len(self.demand)

    def study(self, folder: Path, more: str = "", gap: float = 0.0) -> Study:
        """Write the study and read it."""
        tables = {
            "sites": "site,bus,block_mw,max_blocks,fixed_cost_musd_per_year,cost_musd_per_year_per_block\n"
            + "".join(f"{s},{n},{b},{m},{f},{c}\n" for s, n, b, m, f, c in self.sites)
        }
        source = "none"
        if self.branches:
            source = "grid"
            tables |= {
                "grid/buses": "bus,base_kv,load_mw\n" + "".join(f"{n},138,{mw}\n" for n, mw in self.loads.items()),
                "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
                + "".join(f"{','.join(map(str, row))}\n" for row in self.branches),
                "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\n"
                + "".join(f"{','.join(map(str, row))}\n" for row in self.generators),
            }
            if self.upgrades:
                tables["grid/upgrades"] = "upgrade,branch,added_mw,added_emergency_mw,cost_musd,ready\n" + "".join(
                    f"{','.join(map(str, row))}\n" for row in self.upgrades
                )
        else:
            tables["sites"] = tables["sites"].replace("site,bus,", "site,").replace(",x,", ",")
        demand = ", ".join(f"{t} = {mw}" for t, mw in self.demand.items())
        penalty = "" if self.penalty is None else f"penalty_musd_per_mw_year = {self.penalty}\n"
        text = (
            f'[grid]\nsource = "{source}"\n[sites]\ntable = "sites.csv"\n[solve]\ngap = {gap}\n[demand]\n'
            f"it_mw = {{ {demand} }}\n{penalty}{more}[uncertainty]\nrisk_weight = {self.weight}\n"
            f"risk_level = {self.level}\n"
        )
        text += "" if self.early_until is None else f"early_until = {self.early_until}\n"
        text += "".join(map(self._text, self.scenarios))
        return study_of(folder, text, tables, HEAD if len(self.demand) == 1 else TWO_PERIODS)

    def _text(self, s: Scenario) -> str:
        text = f'[[uncertainty.scenario]]\nname = "{s.name}"\nprobability = {s.probability}\n'
        text += f"it_demand_factor = {s.demand}\n"
        if s.penalty is not None:
            text += f"penalty_musd_per_mw_year = {s.penalty}\n"
        if not self.branches:
            return text
        gas = f"fuel_price_factors = {{ gas = {s.gas} }}\n" if s.gas != 1.0 else ""
        return (
            text
            + gas
            + f"existing_load_factor = {s.load}\nupgrade_cost_factor = {s.upgrade_cost}\n"
            f"upgrade_delay_years = {s.delay}\nwithdrawn_generators = {list(s.gone)}\n".replace("'", '"')
        )


def optimum(small: Small, scenarios: Sequence[Scenario] | None = None, weight: float | None = None) -> float:
    """Least objective by one program of all futures written here; infinite if there is no plan."""
    chosen = small.scenarios if scenarios is None else tuple(scenarios)
    weight = small.weight if weight is None else weight
    m = pyo.ConcreteModel()
    T, S = list(small.demand), [s[0] for s in small.sites]
    early = [t for t in T if t <= (T[0] if small.early_until is None else small.early_until)]
    m.x = pyo.Var(S, T, domain=pyo.Binary)
    m.e = pyo.Var([u[0] for u in small.upgrades], early, domain=pyo.Binary)
    m.rows = pyo.ConstraintList()
    for a, b in pairwise(T):
        for s in S:
            m.rows.add(m.x[s, a] <= m.x[s, b])
    costs = []
    for i, scenario in enumerate(chosen):
        m.add_component(f"s{i}", pyo.Block())
        costs.append(_future(m, m.component(f"s{i}"), small, scenario, T, early))
    mean = sum(s.probability * c for s, c in zip(chosen, costs, strict=True))
    m.v, m.r = pyo.Var(), pyo.Var(range(len(chosen)), domain=pyo.NonNegativeReals)
    for i, c in enumerate(costs):
        m.rows.add(m.r[i] >= c - m.v)
    tail = m.v + sum(s.probability * m.r[i] for i, s in enumerate(chosen)) / (1 - small.level)
    m.objective = pyo.Objective(expr=(1 - weight) * mean + weight * tail if weight else mean)
    solver = Highs()
    solver.config.load_solution = False
    solver.highs_options = {"mip_rel_gap": 0.0, "mip_abs_gap": 1e-9}
    result = solver.solve(m)
    if "infeasible" in str(result.termination_condition).lower():
        return float("inf")
    return float(result.best_feasible_objective)


def _future(m: Any, b: Any, small: Small, scenario: Scenario, T: list[int], early: list[int]) -> Any:
    """Add one future and return its cost."""
    S, U = {s[0]: s for s in small.sites}, {u[0]: u for u in small.upgrades}
    b.y = pyo.Var(list(S), T, domain=pyo.NonNegativeIntegers)
    b.a, b.z = pyo.Var(T, domain=pyo.NonNegativeReals), pyo.Var(list(U), T, domain=pyo.Binary)
    add = m.rows.add
    before = dict(zip(T[1:], T[:-1], strict=True))
    penalty = small.penalty if scenario.penalty is None else scenario.penalty
    total: Any = 0.0
    for t in T:
        add(sum(S[s][2] * b.y[s, t] for s in S) + b.a[t] >= scenario.demand * small.demand[t])
        if penalty is None:
            add(b.a[t] == 0)
        for s in S:
            add(b.y[s, t] <= S[s][3] * m.x[s, t])
            add(b.y[s, t] >= m.x[s, t])
            if t in before:
                add(b.y[s, before[t]] <= b.y[s, t])
        yearly = sum(S[s][4] * m.x[s, t] + S[s][5] * b.y[s, t] for s in S) + (penalty or 0.0) * b.a[t]
        yearly += sum(scenario.upgrade_cost * U[u][4] * b.z[u, t] for u in U)
        total += small.years * yearly
        for u in U:
            if t in before:
                add(b.z[u, before[t]] <= b.z[u, t])
            _when(m, b, U[u], scenario, t, early)
        if small.branches:
            total += small.years * _network(m, b, small, scenario, t)
    return total


def _when(m: Any, b: Any, upgrade: tuple[Any, ...], scenario: Scenario, t: int, early: list[int]) -> None:
    """When an upgrade serves: as planned early, or as soon as its delayed lead time has run."""
    u, ready = upgrade[0], upgrade[5]
    late = ready + scenario.delay
    if t < late:
        m.rows.add(b.z[u, t] == 0)
    if t in early:
        if t < ready:
            m.rows.add(m.e[u, t] == 0)
        elif t >= late:
            m.rows.add(b.z[u, t] == m.e[u, t])
        if t != early[0]:
            m.rows.add(m.e[u, early[early.index(t) - 1]] <= m.e[u, t])
    elif t >= late:
        m.rows.add(b.z[u, t] >= m.e[u, early[-1]])


def _network(m: Any, b: Any, small: Small, scenario: Scenario, t: int) -> Any:
    """Balance at every bus by angles, with everything in service and with every branch out; cost of generation."""
    units = [g for g in small.generators if g[0] not in scenario.gone]
    n = pyo.Block()
    b.add_component(f"t{t}", n)
    n.p = pyo.Var([g[0] for g in units], domain=pyo.NonNegativeReals)
    for g in units:
        m.rows.add(n.p[g[0]] <= g[2])
    injected = {
        bus: sum(n.p[g[0]] for g in units if g[1] == bus)
        - scenario.load * mw
        - sum(s[2] * b.y[s[0], t] for s in small.sites if s[1] == bus)
        for bus, mw in small.loads.items()
    }
    states = [None, *(row[0] for row in small.branches)]
    n.angle = pyo.Var(range(len(states)), list(small.loads))
    for k, out in enumerate(states):
        m.rows.add(n.angle[k, next(iter(small.loads))] == 0)
        kept = [row for row in small.branches if row[0] != out]
        flow = {row[0]: 100 / row[3] * (n.angle[k, row[1]] - n.angle[k, row[2]]) for row in kept}
        for bus, mw in injected.items():
            leaving = sum(flow[row[0]] * ((row[1] == bus) - (row[2] == bus)) for row in kept)
            m.rows.add(leaving == mw)
        for row in kept:
            added = sum((u[2] if out is None else u[3]) * b.z[u[0], t] for u in small.upgrades if u[1] == row[0])
            limit = (row[4] if out is None else row[5]) + added
            m.rows.add(flow[row[0]] <= limit)
            m.rows.add(-flow[row[0]] <= limit)
    price = {g[0]: g[3] * (scenario.gas if g[4] == "gas" else 1.0) for g in units}
    return MUSD_PER_USD_PER_H * sum(price[g[0]] * n.p[g[0]] for g in units)


def risk(costs: Sequence[float], probability: Sequence[float], weight: float, level: float) -> float:
    """Mean and conditional value at risk by its definition as a minimum, which one of the costs attains."""
    mean = sum(p * c for p, c in zip(probability, costs, strict=True))
    tail = min(
        v + sum(p * max(c - v, 0.0) for p, c in zip(probability, costs, strict=True)) / (1 - level) for v in costs
    )
    return (1 - weight) * mean + weight * tail


def enumerated(small: Small) -> Iterator[tuple[frozenset[tuple[str, int]], list[float]]]:
    """Every choice of sites of a study without a grid, and its least cost in each future, without any solver."""
    T, S = list(small.demand), small.sites
    for starts in product([*range(len(T)), None], repeat=len(S)):
        costs = [_least(small, scenario, starts) for scenario in small.scenarios]
        built = {(s[0], t) for s, start in zip(S, starts, strict=True) if start is not None for t in T[start:]}
        yield frozenset(built), costs


def _least(small: Small, scenario: Scenario, starts: tuple[int | None, ...]) -> float:
    T = list(small.demand)
    penalty = small.penalty if scenario.penalty is None else scenario.penalty

    def options(site: tuple[Any, ...], start: int | None) -> list[tuple[int, ...]]:
        rising = product(range(site[3] + 1), repeat=len(T))
        return [
            y
            for y in rising
            if all(a <= b for a, b in pairwise(y))
            and all((n > 0) == (start is not None and i >= start) for i, n in enumerate(y))
        ]

    best = float("inf")
    for blocks in product(*(options(s, start) for s, start in zip(small.sites, starts, strict=True))):
        cost = 0.0
        for i, t in enumerate(T):
            served = sum(s[2] * y[i] for s, y in zip(small.sites, blocks, strict=True))
            short = max(scenario.demand * small.demand[t] - served, 0.0)
            if short > 1e-9 and penalty is None:
                cost = float("inf")
                break
            cost += small.years * short * (penalty or 0.0)
            cost += small.years * sum((s[4] + s[5] * y[i]) for s, y in zip(small.sites, blocks, strict=True) if y[i])
        best = min(best, cost)
    return best
