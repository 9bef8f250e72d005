"""DC optimal dispatch of published networks against the published optima.

Source: power-grid-lib/pglib-opf v23.07, BASELINE.md (five significant digits), solved there by PowerModels 0.19.9 in
its DCP formulation: susceptance x / (r^2 + x^2), no taps, no shifts, angle-difference limits kept.

A year of one snapshot (8,760 h), discount rate 0 and one period of one year: the objective is one year's cost in M$.
Quadratic costs are replaced by 100 secants between p_min and p_max, each at most c2 width^2 / 4 too high; the test
works that bound out for every case and holds the optimum against the published one with it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError
from optimizer.solve import solve_study
from optimizer.solve.explain.infeasible import explain
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import ANGLE, loosened
from optimizer.solve.explain.question import has_plan
from optimizer.study import Study, read_study

NAMES = [
    "pglib_opf_case5_pjm",
    "pglib_opf_case14_ieee",
    "pglib_opf_case24_ieee_rts",
    "pglib_opf_case30_ieee",
    "pglib_opf_case57_ieee",
    "pglib_opf_case73_ieee_rts",
    "pglib_opf_case89_pegase",
    "pglib_opf_case118_ieee",
    "pglib_opf_case200_activ",
    "pglib_opf_case300_ieee",
    "pglib_opf_case500_goc",
]
TIGHT_ANGLES = [f"{name}__sad" for name in (NAMES[0], NAMES[1], NAMES[4], NAMES[7])]

SEGMENTS = 100
DIGITS = 0.5e-4
"""Largest relative rounding of a number of five significant digits [-]."""


def study_of(folder: Path, source: Path) -> Study:
    """A study that is nothing but the network's dispatch."""
    (folder / "study.toml").write_text(
        f"""\
[study]
name = "Dispatch"
periods = [2030]

[grid]
source = {json.dumps(str(source))}
susceptance = "series"

[security]
contingencies = []

[dispatch]
cost_segments = {SEGMENTS}

[economics]
discount_rate = 0.0
last_period_years = 1.0
""",
        encoding="utf-8",
    )
    return read_study(folder)


def secant_error_usd_per_h(study: Study) -> float:
    """Most that the secants make a dispatch too dear [$/h]."""
    assert study.grid is not None
    units = study.grid.generators[study.grid.generators["in_service"]]
    width = (units["p_max_mw"] - units["p_min_mw"]) / SEGMENTS
    return float((units["cost_quadratic_usd_per_mw2h"] * width**2 / 4).sum())


def test_every_published_case_is_solved(reference_data: Path) -> None:
    folder = reference_data / "pglib"
    assert set(json.loads((folder / "dc_optimal.json").read_text())) == set(NAMES)
    assert {p.stem for p in folder.glob("*.m")} == {*NAMES, *TIGHT_ANGLES}


@pytest.mark.every(3)
@pytest.mark.parametrize("name", NAMES)
def test_dispatch_costs_what_is_published(name: str, reference_data: Path, tmp_path: Path) -> None:
    published = json.loads((reference_data / "pglib" / "dc_optimal.json").read_text())[name]
    study = study_of(tmp_path, reference_data / "pglib" / f"{name}.m")
    error = secant_error_usd_per_h(study)
    assert error <= 1e-4 * published
    plan = solve_study(study)
    found = plan.summary["objective_musd"] * 1e6 / 8760
    assert found == pytest.approx(published, rel=1e-4)
    assert published * (1 - DIGITS) <= found <= published * (1 + DIGITS) + error
    assert plan.summary["n_violations"] == 0


@pytest.mark.every(4)
@pytest.mark.parametrize("name", TIGHT_ANGLES)
def test_tight_angle_differences_are_infeasible(name: str, reference_data: Path, tmp_path: Path) -> None:
    """The published answer of the DC formulation for these four files: infeasible.

    They differ from the files without ``__sad`` in their angle limits only (PGLib's README), and those have a plan: so
    the conflict must name angle limits, and wider ones must be a way out.
    """
    study = study_of(tmp_path, reference_data / "pglib" / f"{name}.m")
    with pytest.raises(InfeasibleError) as refused:
        solve_study(study)
    conflict = next(f for f in refused.value.findings if f.rule == "solve.infeasible.conflict")
    assert "The angle between the ends of a branch stays within its limits" in conflict.message
    assert "widen angle limits" in conflict.remedy
    case = study.case
    found = explain(case)
    assert found.conflict is not None
    assert found.conflict.is_minimal
    angles = {m.element for m in found.conflict.members if m.rule == ANGLE}
    assert angles
    # Without the angle limits that are named the others cannot be the reason; the file without any has a plan.
    assert has_plan(loosened(case, {Limit(ANGLE): math.inf})) is True
    (way,) = (way for way in found.ways_out if way.rules == (ANGLE,))
    assert has_plan(loosened(case, way.amounts)) is True
    assert has_plan(loosened(case, {limit: 0.98 * mw for limit, mw in way.amounts.items()})) is False
