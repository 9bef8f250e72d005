"""Small networks with circuits on offer, made at random, and the cheapest choice among all of them one by one.

Each choice of circuits is a network of its own, dispatched with distribution factors (`power_flow` and `security`),
which the search for circuits uses nothing of.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optimizer.solve.found import Limits
from optimizer.solve.loop import find_plan
from optimizer.solve.program import Clock, SecureProgram
from optimizer.study.case import Case
from optimizer.study.circuits import realised
from optimizer.study.precheck import precheck

FACTS = "x_pu,rating_mw,rating_emergency_mw,shift_deg,angle_min_deg,angle_max_deg"

STUDY = """\
[study]
name = "Made at random"
periods = [2030]
[grid]
source = "grid"
[security]
contingencies = {outages}
[economics]
annuitize = false
discount_rate = 0.0
last_period_years = 1
[solve]
gap = 0.0
"""


@dataclass(frozen=True)
class Rows:
    """Rows of the tables of a grid, as text."""

    buses: tuple[str, ...]
    branches: tuple[str, ...]
    generators: tuple[str, ...]
    circuits: tuple[str, ...]


def made(seed: int, rebuilds: bool = False) -> Rows:
    """Three to five buses, at times one more that only circuits reach; phase shifts, angle limits, no ratings.

    With `rebuilds`, circuits that take the place of a branch are on offer too, at times two of the same one.
    """
    r = random.Random(seed)
    n, is_new = r.choice([3, 4, 5]), r.random() < 0.5
    load = [0, *(r.choice([0, 20, 50, 90]) for _ in range(n - 1))]
    buses = [f"n{i},230,{mw}" for i, mw in enumerate(load)] + (["new,230,0"] if is_new else [])
    names = [row.split(",")[0] for row in buses]

    def facts() -> str:
        rating = r.choice([40, 60, 80, 120, ""])
        emergency = "" if rating == "" else r.choice(["", 1.1 * float(rating), 1.5 * float(rating)])
        low, high = r.choice([("", ""), ("", ""), (-10, 10)])
        return f"{r.choice([0.05, 0.1, 0.2, 0.3])},{rating},{emergency},{r.choice([0, 0, 0, 2])},{low},{high}"

    pairs = [(r.randrange(i), i) for i in range(1, n)]
    pairs += [tuple(sorted(r.sample(range(n), 2))) for _ in range(r.choice([1, 2, 2, 3]))]  # type: ignore[misc]
    branches = [f"b{k},n{i},n{j},{facts()}" for k, (i, j) in enumerate(pairs)]
    total = sum(load)
    units = [f"g0,n0,{total + 50},{r.choice([0, 0, 20])},{r.choice([10, 20])}"]
    units.append(f"g1,n{r.randrange(1, n)},{0.6 * total},0,40")
    units += ["gn,new,100,0,1"] if is_new else []
    circuits = []
    for k in range(r.choice([2, 3, 3])):
        i, j = r.sample(range(len(names)), 2)
        if is_new and k == 0:
            i, j = len(names) - 1, r.randrange(n)
        circuits.append(f"c{k},{names[i]},{names[j]},{facts()},{r.choice([0.3, 0.5, 1, 2])},{r.choice([1, 1, 2])},")
    if rebuilds:
        for k in range(1 if is_new else 0, 2):
            old = branches[r.randrange(min(2, len(branches)))].split(",")
            ends = ",".join(r.sample(old[1:3], 2))
            circuits[k] = f"c{k},{ends},{facts()},{r.choice([0.2, 0.4])},{r.choice([1, 1, 2])},{old[0]}"
    return Rows(tuple(buses), tuple(branches), tuple(units), tuple(circuits))


def write(folder: Path, rows: Rows, outages: str) -> Path:
    """Write a study of the rows."""
    grid = folder / "grid"
    grid.mkdir(parents=True, exist_ok=True)
    tables = {
        "buses": ("bus,base_kv,load_mw", rows.buses),
        "branches": (f"branch,from_bus,to_bus,{FACTS}", rows.branches),
        "generators": ("generator,bus,p_max_mw,p_min_mw,cost_usd_per_mwh", rows.generators),
        "circuits": (f"circuit,from_bus,to_bus,{FACTS},cost_musd,max_count,replaces", rows.circuits),
    }
    for name, (header, lines) in tables.items():
        (grid / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(STUDY.format(outages=outages), encoding="utf-8")
    return folder


def cheapest(case: Case) -> float:
    """Cost of the cheapest choice of circuits, each solved alone [M$]; inf where none has a plan."""
    best = np.inf
    circuits, years = case.circuits, float(case.periods["annuity_years"].iat[0])
    for counts in itertools.product(*(range(int(n) + 1) for n in circuits["max_count"])):
        if any(
            sum(bool(n) for e, n in zip(circuits.index, counts, strict=True) if e in options) > 1
            for options in case.expansion.replacements.values()
        ):
            continue
        own = years * float(circuits["annuity_musd"].to_numpy() @ np.array(counts))
        if own < best:
            best = min(best, own + _dispatched(realised(case, dict(zip(circuits.index, counts, strict=True)), 2030)))
    return best


def _dispatched(case: Case) -> float:
    """Cost of the best dispatch of a network [M$]."""
    if precheck(case):
        return np.inf
    program = SecureProgram(case, 1, 0, Clock(), lambda line: None)
    return find_plan(program, Limits(0.0, 100), abs).objective


def searched(case: Case) -> float:
    """Cost of the plan that the search finds [M$]."""
    if precheck(case):
        return np.inf
    program = SecureProgram(case, 1, 0, Clock(), lambda line: None)
    return find_plan(program, Limits(0.0, 100), abs).objective
