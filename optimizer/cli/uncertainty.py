"""The verb `uncertainty`: one choice of sites for several scenarios, in one folder with its plan in each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.flow import output_folder
from optimizer.cli.options import JsonOption, OutOption, QuietOption
from optimizer.cli.outcome import run
from optimizer.cli.several import Answer, PlansFolder, answer_in_folder, records, text_of, verified
from optimizer.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.solve.uncertain.decide import Uncertain
    from optimizer.study.study import Study


def uncertainty(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="study.toml with [uncertainty], or its folder.")],
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Decide sites that hold in every scenario, least in mean cost and risk (default folder: out/NAME-uncertainty)."""
    folder = output_folder(study, out, "-uncertainty")

    def work(read: Study, plans: PlansFolder, progress: Progress) -> Answer:
        from optimizer.report.uncertain import headline
        from optimizer.solve.uncertain.decide import solve_uncertain

        found = solve_uncertain(read, progress)
        for name, plan in found.plans.items():
            plans.keep(name, plan)
        progress("report", None, "page")
        summary = _written(found, plans)
        saved, known = found.stochastic_solution_musd, found.perfect_information_musd
        against = f"{saved:,.2f} M$ saved against the plan for mean values"
        against = against if math.isfinite(saved) else "none comparable"
        lines = {
            "objective": f"{found.objective_musd:,.2f} M$, gap {found.gap:.2%}",
            "tail mean": f"{found.cvar_musd:,.2f} M$ (CVaR at {found.risk.level:g})",
            "value": f"{against}; knowing the scenario is worth {known:,.2f} M$",
            "verified": verified(plans),
            "time": f"{found.seconds:,.0f} s, {found.method}",
            "page": str(folder / "uncertainty.html"),
        }
        return Answer(summary, text_of(read.name, headline(found), lines), found.status == "limit_with_plan")

    run(lambda progress: answer_in_folder("uncertainty", study, folder, "scenarios", work, progress), as_json, quiet)


def _written(found: Uncertain, plans: PlansFolder) -> dict[str, Any]:
    """Write tables and page; return the summary."""
    from optimizer.report.uncertain import write_uncertain_page
    from optimizer.solve.alternatives import sites_of
    from optimizer.solve.uncertain import tables

    written = {
        "scenarios": tables.scenario_table(found).round(6),
        "first_stage": tables.first_stage_table(found),
        "costs": tables.cost_table(found).round(6),
        "regret": tables.regret_table(found).round(6),
        "decisions": tables.decision_table(found).round(6),
    }
    plans.write_tables(written)
    page = plans.path / "uncertainty.html"
    write_uncertain_page(found, written, sites_of(found.plans), plans.n_violations, page)
    return _summary(found, written["scenarios"], plans)


def _summary(found: Uncertain, scenarios: pd.DataFrame, plans: PlansFolder) -> dict[str, Any]:
    figures = {
        "objective_musd": found.objective_musd,
        "bound_musd": found.bound_musd,
        "gap_musd": found.objective_musd - found.bound_musd,
        "gap": found.gap,
        "expected_cost_musd": found.expected_musd,
        "cvar_musd": found.cvar_musd,
        "wait_and_see_musd": found.wait_and_see_musd,
        "mean_value_plan_musd": found.mean_value_musd,
        "value_of_stochastic_solution_musd": found.stochastic_solution_musd,
        "expected_value_of_perfect_information_musd": found.perfect_information_musd,
    }
    return {
        "name": found.study.name,
        "status": found.status,
        "method": found.method,
        **{key: round(value, 6) if math.isfinite(value) else None for key, value in figures.items()},
        "risk_weight": found.risk.weight,
        "risk_level": found.risk.level,
        "n_first_stages_tried": found.n_tried,
        "scenarios": [{**row, "n_violations": plans.violations[row["scenario"]]} for row in records(scenarios)],
    }
