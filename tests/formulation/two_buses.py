"""Two buses, one line and one kind of circuit beside it: small enough to write the program of bus angles on paper.

Line ab of 1000 MW/rad, 100 MW (120 after an outage). Up to two circuits e of 500 MW/rad, 50 MW (60), 2 M$ a year each,
10 M$ once. Load of 60 MW at b, a generator of 200 MW at a. One period worth 2 years, one snapshot.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from optimizer.grid.contingency import OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.study.case import Case
from optimizer.study.circuits import Expansion
from tests.formulation.tiny import tiny_case

BUSES = pd.Index(["a", "b"], name="bus")
UNIT = pd.Index(["ga"], name="generator")


def two_buses() -> Case:
    """The case, without campuses."""
    tiny = tiny_case()
    network = DCNetwork.build(BUSES, tiny.branches.iloc[:1])
    branches = tiny.branches.iloc[:1].drop(columns=["x_pu", "r_pu", "tap", "shift_deg"])
    load = pd.DataFrame({(2030, "peak"): [0.0, 60.0]}, index=BUSES)
    load.columns = pd.MultiIndex.from_tuples(load.columns, names=["period", "snapshot"])
    circuits = pd.DataFrame(
        {
            "from_bus": "a",
            "to_bus": "b",
            "base_kv": 138.0,
            "kind": "line",
            "length_km": np.nan,
            "susceptance_mw": 500.0,
            "shift_rad": 0.0,
            "rating_mw": 50.0,
            "rating_emergency_mw": 60.0,
            "flow_min_mw": -np.inf,
            "flow_max_mw": np.inf,
            "monitored": True,
            "max_count": 2,
            "cost_musd": 10.0,
            "annuity_musd": 2.0,
            "ready": 2030,
            "replaces": "",
        },
        index=pd.Index(["e"], name="circuit"),
    )
    return replace(
        tiny,
        periods=tiny.periods.iloc[:1],
        snapshots=tiny.snapshots.iloc[:1],
        buses=tiny.buses.iloc[:2],
        load_mw=load,
        branches=branches,
        generators=tiny.generators.iloc[:1],
        output_min_mw=pd.DataFrame({"peak": [0.0]}, index=UNIT),
        output_max_mw=pd.DataFrame({"peak": [200.0]}, index=UNIT),
        cost_segments=tiny.cost_segments.iloc[:1],
        cost_at_min_usd_per_h=tiny.cost_at_min_usd_per_h.iloc[:1],
        sites=tiny.sites.iloc[:0],
        ties=tiny.ties.iloc[:0],
        cooling=tiny.cooling.iloc[:0],
        pue=tiny.pue.iloc[:0],
        upgrades=tiny.upgrades.iloc[:0],
        water=tiny.water.iloc[:0],
        demand_mw=tiny.demand_mw.iloc[:0],
        network=network,
        outages=OutageSet.branches(network, np.array([0.0, 60.0])),
        base_overloads=tiny.base_overloads.iloc[:0],
        expansion=Expansion(circuits, np.array([0.0, 60.0]), False, True, np.zeros(1, dtype=bool)),
    )
