"""What-ifs: a study solved anew from its plan, beside the same study solved from nothing.

``python -m tests.benchmarks.resolve [--study STUDY] [--only NAME ...] [--verify]``. Every what-if is solved both
ways in one process, one after the other. Seconds of the processor stand beside those of the clock, because they say
the same on a machine that does other work as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.errors import InfeasibleError
from optimizer.plan.plan import Plan, tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import Study, read_study

Overrides = Mapping[str, Any]

DONE = ("optimal", "gap_reached")
"""Statuses of a plan that is proven to the gap asked for."""

ROOM = 1e-6
"""Relative room that rounding of what is written leaves [-]."""


@dataclass(frozen=True)
class Timed:
    """A solve: its summary (``None``: infeasible), how long it took, and whether its plan holds."""

    summary: dict[str, Any] | None
    processor_s: float
    clock_s: float
    holds: bool


@dataclass(frozen=True)
class Compared:
    """A what-if solved from nothing and from the plan."""

    name: str
    gap: float
    cold: Timed
    warm: Timed

    @property
    def ratio(self) -> float:
        """Processor time from the plan over that from nothing [-]."""
        return self.warm.processor_s / self.cold.processor_s

    @property
    def is_equal(self) -> bool:
        """Whether both prove the same: infeasible, or two plans neither of which is below the other's bound."""
        cold, warm = self.cold.summary, self.warm.summary
        if cold is None or warm is None:
            return cold is warm
        room = ROOM * max(1.0, abs(cold["objective_value"]))
        return (
            self.cold.holds
            and self.warm.holds
            and all(one["status"] in DONE and one["gap"] <= self.gap for one in (cold, warm))
            and cold["bound_value"] <= warm["objective_value"] + room
            and warm["bound_value"] <= cold["objective_value"] + room
        )

    def __str__(self) -> str:
        cells = [f"{self.name:31}", f"{self.cold.processor_s:7.1f}", f"{self.warm.processor_s:7.1f}"]
        cells += [f"{self.ratio:6.1%}", f"{self.cold.clock_s:7.1f}", f"{self.warm.clock_s:7.1f}"]
        for one in (self.cold.summary, self.warm.summary):
            cells.append("infeasible".rjust(21) if one is None else _pair(one))
        return "  ".join([*cells, "equal" if self.is_equal else "NOT EQUAL"])


def _pair(summary: Mapping[str, Any]) -> str:
    return f"{summary['objective_value']:10.1f} {summary['bound_value']:10.1f}"


HEAD = (
    f"{'what if':31}  {'processor [s]':>16}  {'':6}  {'clock [s]':>16}  {'from nothing [M$]':>21}  "
    f"{'from the plan [M$]':>21}\n"
    f"{'':31}  {'nothing':>7}  {'plan':>7}  {'ratio':>6}  {'nothing':>7}  {'plan':>7}  {'plan':>10} {'bound':>10}  "
    f"{'plan':>10} {'bound':>10}"
)


def what_ifs(plan: Plan, folder: Path) -> dict[str, Overrides]:
    """Twenty varied what-ifs of the Texas example.

    Parameters
    ----------
    plan : Plan
        Its plan, of which a site is closed and emissions are limited.
    folder : Path
        Where the shape of the closed land goes.
    """
    sites = plan.sites
    closed = folder / "closed.geojson"
    sites.drop_duplicates("site").sort_values("site").iloc[:1][["site", "geometry"]].to_file(closed, driver="GeoJSON")
    emissions = sites.groupby("period")["emissions_t_per_year"].sum()
    return {
        "discount rate 5 %": {"economics.discount_rate": 0.05},
        "40 to 30 % in a county": {"limits.share_per_county": 0.3},
        "gas 30 % dearer": {"conditions.fuel_price_factors": {"gas": 1.3}},
        "demand 5 % up": {"demand.it_mw": {"2030": 1100, "2032": 2700, "2034": 5300}},
        "a site's land closed": {"sites.layers": [{"source": str(closed), "rule": "exclude"}]},
        "upgrades 50 % dearer": {"conditions.upgrade_cost_factor": 1.5},
        "existing load 2 % less": {"conditions.existing_load_factor": 0.98},
        "half the water": {"water.withdrawal_share": 0.5 * plan.config.water.withdrawal_share},
        "emergency factor 1.25": {"security.emergency_factor": 1.25},
        "campuses 10 % dearer": {"facility.cost_musd_per_mw": 1.1 * plan.config.facility.cost_musd_per_mw},
        "a price on shortfall": {"demand.penalty_musd_per_mw_year": 20.0},
        "discount rate 9 %": {"economics.discount_rate": 0.09},
        "upgrades two years later": {"conditions.upgrade_delay_years": 2.0},
        "a gap of 1.5 %": {"solve.gap": 0.015},
        "2 % less carbon in the end": {"limits.carbon_t_per_year": {"2034": 0.98 * float(emissions.iloc[-1])}},
        "demand 5 % down": {"demand.it_mw": {"2030": 1000, "2032": 2400, "2034": 4700}},
        "upgrades of lead 60 months": {"upgrades.lead_months": 60},
        "at most 2,500 MW a period": {"limits.new_it_mw_per_period": 2500},
        "existing load 1 % more": {"conditions.existing_load_factor": 1.01, "security.base_overloads": "allow"},
        "no towers where water is scarce": {"water.forbid": {"liquid_tower": "medium_high"}},
    }


def timed(study: Study, start: Plan | None, verify: bool) -> Timed:
    """Solve a study on the clock; reading its files again is not part of it, working out its sites is."""
    processor, clock = time.process_time(), time.perf_counter()
    try:
        plan = tidy_plan(solve_study(study, start=start))
    except InfeasibleError:
        return Timed(None, time.process_time() - processor, time.perf_counter() - clock, True)
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    return Timed(plan.summary, processor, clock, _holds(plan) if verify else plan.summary["n_violations"] == 0)


def _holds(plan: Plan) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        found = verify_plan(write_plan(plan, Path(folder) / "plan"))
    return not any(finding.severity == "error" for finding in found)


def compare(plan: Plan, chosen: Mapping[str, Overrides], verify: bool = False) -> Iterator[Compared]:
    """Solve what-ifs of a plan's study from nothing and from the plan, one at a time.

    Parameters
    ----------
    plan : Plan
        As `solve` returned it.
    chosen : mapping of str to mapping
        Overrides by the name of the what-if.
    verify : bool
        Recompute every plan from its inputs.
    """
    assert plan.study is not None
    for name, overrides in chosen.items():
        started, clock = time.process_time(), time.perf_counter()
        changed = plan.study.override(overrides)
        spent = time.process_time() - started, time.perf_counter() - clock
        # A copy knows nothing that the plan's study has worked out.
        cold = timed(replace(changed), None, verify)
        warm = timed(changed, plan, verify)
        cold, warm = (
            replace(one, processor_s=one.processor_s + spent[0], clock_s=one.clock_s + spent[1]) for one in (cold, warm)
        )
        yield Compared(name, changed.config.solve.gap, cold, warm)


def main() -> None:
    """Solve a study, then what-ifs of it both ways, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--study", default="texas")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--verify", action="store_true", help="recompute every plan from its inputs")
    options = parser.parse_args()
    study = read_study(options.study).override({"report.compare": []})
    started = time.process_time()
    plan = tidy_plan(solve_study(study))
    sys.stdout.write(f"the study itself: {time.process_time() - started:.1f} s of the processor\n{HEAD}\n")
    ratios, unequal = [], 0
    with tempfile.TemporaryDirectory() as folder:
        every = what_ifs(plan, Path(folder))
        chosen = {name: every[name] for name in options.only or every}
        for found in compare(plan, chosen, options.verify):
            ratios.append(found.ratio)
            unequal += not found.is_equal
            sys.stdout.write(f"{found}\n")
            sys.stdout.flush()
    sys.stdout.write(f"median ratio {np.median(ratios):.1%} of {len(ratios)}, {unequal} not equal\n")


if __name__ == "__main__":
    main()
