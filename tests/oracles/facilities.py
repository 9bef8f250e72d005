"""Capacitated facility location in the format of OR-Library, written as a study of workloads without a grid.

A facility is a site of one block, its capacity the block's IT load in MW, its opening cost the site's fixed cost in
M$; a customer is a region whose demand in MW must be served; serving a MW costs its total cost over its demand.
One year without discounting, costs counted whole: the cost of the plan is that of the instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

STUDY = """\
[study]
name = "{name}"
periods = [2030]

[workloads]
demand = "demand.csv"
pairs = "pairs.csv"

[sites]
table = "sites.csv"

[economics]
discount_rate = 0.0
last_period_years = 1.0
annuitize = false

[solve]
gap = 0.0
time_limit_s = {seconds}
"""


@dataclass(frozen=True)
class Instance:
    """One instance.

    Parameters
    ----------
    capacity, opening : ndarray, shape (n_facility,)
        What a facility can serve, and what opening it costs.
    demand : ndarray, shape (n_customer,)
        What a customer asks for.
    cost : ndarray, shape (n_customer, n_facility)
        Of serving all of a customer's demand.
    """

    capacity: np.ndarray
    opening: np.ndarray
    demand: np.ndarray
    cost: np.ndarray


def read_instance(path: Path) -> Instance:
    """Read an instance: numbers of facilities and customers, capacities, opening costs, demands, costs by customer."""
    numbers = np.array(path.read_text(encoding="utf-8").split(), dtype=float)
    n, m = int(numbers[0]), int(numbers[1])
    rest = numbers[2:]
    return Instance(rest[:n], rest[n : 2 * n], rest[2 * n : 2 * n + m], rest[2 * n + m :].reshape(m, n))


def write_study(instance: Instance, folder: Path, name: str = "Facilities", seconds: float = 600.0) -> Path:
    """Write an instance as a study: ``study.toml`` and its tables."""
    folder.mkdir(parents=True, exist_ok=True)
    n, m = len(instance.capacity), len(instance.demand)
    sites, regions = np.array([f"f{i + 1}" for i in range(n)]), np.array([f"c{j + 1}" for j in range(m)])
    pd.DataFrame(
        {"site": sites, "block_mw": instance.capacity, "max_blocks": 1, "fixed_cost_musd": instance.opening}
    ).to_csv(folder / "sites.csv", index=False)
    pd.DataFrame({"region": regions, "workload": "load", "it_mw": instance.demand}).to_csv(
        folder / "demand.csv", index=False
    )
    pd.DataFrame(
        {
            "site": np.tile(sites, m),
            "region": np.repeat(regions, n),
            "workload": "load",
            "cost_musd_per_mw": (instance.cost / instance.demand[:, None]).ravel(),
        }
    ).to_csv(folder / "pairs.csv", index=False)
    (folder / "study.toml").write_text(STUDY.format(name=name, seconds=seconds), encoding="utf-8")
    return folder / "study.toml"
