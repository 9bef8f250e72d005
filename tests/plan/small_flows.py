"""Flows of the plan made by hand in `tests.plan.small`, with everything in service and after every outage.

With A, B, C what is injected at a, b and at c (spur included), A + B + C = 0, equal reactances give
``f_ab = (A - B) / 3``, ``f_ac = (A - C) / 3``, ``f_cb = (C - B) / 3``; the spur carries the load of d. After an
outage of

* ab: ``f_ac = A``, ``f_cb = -B``;   * ac: ``f_ab = A``, ``f_cb = C``;   * cb: ``f_ab = -B``, ``f_ac = -C``;
* cd: d and its load are lost, the generators give up 3/4 and 1/4 of it (p_max 300 and 100), then as above.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.plan.tables import PLAN_TABLES
from tests.plan.small_case import LOAD

# What is injected at b and c, and what the cheap generator gives, at the peak and in the light snapshot.


@dataclass(frozen=True)
class Run:
    """One period and snapshot: outputs, new load, and the flows that follow by the formulas above."""

    cheap_mw: float
    dear_mw: float
    new_b_mw: float
    new_c_mw: float
    load: tuple[float, float, float, float]

    def injections(self, cheap: float, dear: float, spur: float) -> tuple[float, float, float]:
        """A, B and C."""
        return cheap, dear - self.load[1] - self.new_b_mw, -self.load[2] - self.new_c_mw - spur

    def flows(self) -> dict[str, float]:
        """Flows with everything in service."""
        return {**self._triangle(*self.injections(self.cheap_mw, self.dear_mw, self.load[3])), "cd": self.load[3]}

    @staticmethod
    def _triangle(a: float, b: float, c: float) -> dict[str, float]:
        return {"ab": (a - b) / 3, "ac": (a - c) / 3, "cb": (c - b) / 3}

    def after(self) -> dict[tuple[str, str], float]:
        """Flows after each outage, by (outage, branch)."""
        a, b, c = self.injections(self.cheap_mw, self.dear_mw, self.load[3])
        spur = self.load[3]
        found = {
            ("ab", "ac"): a,
            ("ab", "cb"): -b,
            ("ac", "ab"): a,
            ("ac", "cb"): c,
            ("cb", "ab"): -b,
            ("cb", "ac"): -c,
        }
        found |= {(k, "cd"): spur for k in ("ab", "ac", "cb")}
        lost = self._triangle(*self.injections(self.cheap_mw - 0.75 * spur, self.dear_mw - 0.25 * spur, 0.0))
        return found | {("cd", branch): flow for branch, flow in lost.items()}


RUNS = {
    (2030, "peak"): Run(100.0, 33.0, 0.0, 13.0, LOAD["peak"]),  # s1: 10 MW x 1.3
    (2030, "light"): Run(72.0, 0.0, 0.0, 12.0, LOAD["light"]),  # 60 + 10 x 1.2
    (2032, "peak"): Run(136.0, 22.5, 12.5, 26.0, LOAD["peak"]),  # s1: 20 x 1.3, s2: 10 x 1.25
    (2032, "light"): Run(96.0, 0.0, 12.0, 24.0, LOAD["light"]),
}
"""The plan: 120 + 13 = 133 = 100 + 33 MW; 60 + 12 = 72; 120 + 38.5 = 158.5 = 136 + 22.5; 60 + 36 = 96."""

RUNS_WITHOUT_SECURITY = {
    (2030, "peak"): Run(132.5, 0.0, 12.5, 0.0, LOAD["peak"]),  # s2: 10 x 1.25
    (2030, "light"): Run(72.0, 0.0, 12.0, 0.0, LOAD["light"]),
    (2032, "peak"): Run(158.0, 0.0, 25.0, 13.0, LOAD["peak"]),  # s2: 20 x 1.25, s1: 10 x 1.3
    (2032, "light"): Run(96.0, 0.0, 24.0, 12.0, LOAD["light"]),
}
"""The scenario: no outage counts, so all comes from the cheap generator."""

RATING = {"ab": 125.0, "ac": 90.0, "cb": 75.0, "cd": 15.0}
EMERGENCY = {"ab": 150.0, "ac": 100.0, "cb": 90.0, "cd": 18.0}


def normal_limit(branch: str, t: int, h: str, upgraded: bool = True) -> float:
    """Rating, upgrade of ac from 2032, allowance of the spur at the peak [MW]."""
    added = 30.0 if branch == "ac" and t >= 2032 and upgraded else 0.0
    return RATING[branch] + added + (5.0 if branch == "cd" and h == "peak" else 0.0)


def emergency_limit(branch: str, t: int, h: str, upgraded: bool = True) -> float:
    """The same after an outage [MW]."""
    added = 36.0 if branch == "ac" and t >= 2032 and upgraded else 0.0
    return EMERGENCY[branch] + added + (2.0 if branch == "cd" and h == "peak" else 0.0)


def flow_tables(runs: dict[tuple[int, str], Run], secure: bool) -> dict[str, pd.DataFrame]:
    flows, outages = [], []
    for (t, h), run in runs.items():
        for branch, flow in run.flows().items():
            limit = normal_limit(branch, t, h, secure)
            flows.append((branch, t, h, flow, limit, abs(flow) / limit))
        after = run.after() if secure else {}
        rows = [
            (outage, branch, t, h, flow, emergency_limit(branch, t, h), abs(flow) / emergency_limit(branch, t, h))
            for (outage, branch), flow in after.items()
        ]
        rows.sort(key=lambda row: -row[-1])
        outages += [row for i, row in enumerate(rows) if i < 10 or row[-1] > 0.95]
    columns = PLAN_TABLES["flows"].names, PLAN_TABLES["contingencies"].names
    return {
        "flows": pd.DataFrame(flows, columns=columns[0]),
        "contingencies": pd.DataFrame(outages, columns=columns[1]),
    }
