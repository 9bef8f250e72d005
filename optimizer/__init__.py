"""Site data-center campuses on a transmission grid, under N-1 security.

    import optimizer as gs

    study = gs.read_study("texas")
    plan = gs.solve(study)
    gs.map(plan)

The names in ``__all__`` are the public ones; what lies below them may change from version to version. Each is imported
when it is first asked for, so that checking a plan loads no solver and asking for help loads nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import plotly.graph_objects as go

    from optimizer.errors import Finding, GridsiteError, InfeasibleError, InputError, SolverError
    from optimizer.grid.network import Grid
    from optimizer.plan.plan import Plan, read_plan, write_plan
    from optimizer.progress import Progress
    from optimizer.solve.uncertain.decide import solve_uncertain
    from optimizer.study.from_file import read_study
    from optimizer.study.study import Study

__all__ = [
    "Finding",
    "Grid",
    "GridsiteError",
    "InfeasibleError",
    "InputError",
    "Plan",
    "SolverError",
    "Study",
    "map",
    "read_plan",
    "read_study",
    "solve",
    "solve_uncertain",
    "verify",
    "write_plan",
]


def map(plan: Plan) -> go.Figure:
    """Draw a plan: counties, network, loading, candidates, chosen sites with their ties, and upgrades.

    Parameters
    ----------
    plan : Plan
        As `solve` or `read_plan` returned it. The study of a plan that was read is read again from the inputs that the
        plan names; where they are gone or changed, the map shows what the tables alone can.

    Returns
    -------
    plotly.graph_objects.Figure
        In kilometres, with equal axes; buttons switch between plan, loading and refused land.

    Raises
    ------
    InputError
        Nothing in the plan has a place.
    """
    from optimizer.errors import Finding, InputError
    from optimizer.plan.plan import tidy_plan
    from optimizer.report.maps import plan_map
    from optimizer.report.reading import with_study
    from optimizer.report.view import View

    figure = plan_map(View(with_study(tidy_plan(plan))))
    if figure is None:
        message, remedy = "nothing in the plan has a place on a map", "give buses or sites lat and lon"
        raise InputError([Finding("plan.map.no_place", str(plan.summary.get("name", "plan")), message, "", remedy)])
    return figure


def verify(folder: str | Path, inputs: str | Path | None = None) -> tuple[Finding, ...]:
    """Recompute every figure of a plan folder from its inputs, without the model that made it.

    Parameters
    ----------
    folder : path
        As `write_plan` wrote it.
    inputs : path, optional
        Folder of the study file and what lies below it, where it is no longer where the plan says.

    Returns
    -------
    tuple of Finding
        Each figure that does not hold, with the stated and the recomputed value; empty when everything does.
    """
    from optimizer.plan.verify import verify_plan

    return verify_plan(folder, inputs)


class _Solve(ModuleType):
    """The package ``optimizer.solve``, which stands for the one function it is about: ``gs.solve(study)``."""

    def __call__(self, study: Study, progress: Progress | None = None, *, start: Plan | None = None) -> Plan:
        """Find a secure plan for a study and prove how good it is.

        Parameters
        ----------
        study : Study
            What is decided.
        progress : callable, optional
            Told the stage, the part of it that is done, and a line of text.
        start : Plan, optional
            A plan of a study like this one, as `solve` or `read_plan` returned it. The search begins with it, which
            takes a fraction of the time; it is a hint, and everything is proven of this study.

        Returns
        -------
        Plan
            As `write_plan` writes it: tables in order and rounded.

        Raises
        ------
        InputError
            The study is refused, its grid is overloaded before any new load and it does not allow that, or `start`
            is the record of a solve that made no plan.
        InfeasibleError
            No plan satisfies every constraint.
        SolverError
            A limit was reached without a plan.
        """
        from optimizer.plan.plan import tidy_plan
        from optimizer.progress import silent
        from optimizer.solve.run import solve_study

        return tidy_plan(solve_study(study, progress or silent, start))


if TYPE_CHECKING:
    solve: _Solve
else:
    _HOME = {
        "Finding": "optimizer.errors",
        "Grid": "optimizer.grid.network",
        "GridsiteError": "optimizer.errors",
        "InfeasibleError": "optimizer.errors",
        "InputError": "optimizer.errors",
        "Plan": "optimizer.plan.plan",
        "SolverError": "optimizer.errors",
        "Study": "optimizer.study.study",
        "read_plan": "optimizer.plan.plan",
        "read_study": "optimizer.study.from_file",
        "solve_uncertain": "optimizer.solve.uncertain.decide",
        "write_plan": "optimizer.plan.plan",
    }

    class _Package(ModuleType):
        """This package, whose subpackage `solve` becomes callable the moment it is imported."""

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "solve":
                value.__class__ = _Solve
            super().__setattr__(name, value)

    def __getattr__(name: str) -> Any:
        if name == "solve":
            return import_module("optimizer.solve")
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOME[name]), name)

    def __dir__() -> list[str]:
        return list(__all__)

    sys.modules[__name__].__class__ = _Package
