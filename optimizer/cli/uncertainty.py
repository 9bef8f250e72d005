"""The verb `uncertainty`: one choice of sites for several scenarios, in one folder with its plan in each."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.flow import output_folder, refuse_other, staged, write_checked
from optimizer.cli.outcome import ExitCode, Outcome, run
from optimizer.errors import Finding
from optimizer.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.solve.uncertain import Uncertain


def uncertainty(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="study.toml with [uncertainty], or its folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder to write.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Decide sites that hold in every scenario, least in mean cost and risk (default folder: out/NAME-uncertainty)."""
    folder = output_folder(study, out, "-uncertainty")

    def action(progress: Progress) -> Outcome:
        started = time.perf_counter()
        refuse_other(folder, ("uncertainty.json",))
        from optimizer.solve.uncertain import solve_uncertain
        from optimizer.study.study import read_study

        found = solve_uncertain(read_study(study, progress=progress), progress)
        return _write(found, folder, started, progress)

    run(action, as_json, quiet)


def _write(found: Uncertain, folder: Path, started: float, progress: Progress) -> Outcome:
    """Write tables, page and the plan in each scenario, each checked from what was written, in one step."""
    from optimizer.plan.plan import findings_to_json
    from optimizer.report.uncertain import write_uncertain_page
    from optimizer.solve import uncertain_tables as made
    from optimizer.solve.alternatives import sites_of

    tables = {
        "scenarios": made.scenario_table(found).round(6),
        "first_stage": made.first_stage_table(found),
        "costs": made.cost_table(found).round(6),
        "regret": made.regret_table(found).round(6),
        "decisions": made.decision_table(found).round(6),
    }
    findings: list[Finding] = [*found.study.findings]
    broken: dict[str, int] = {}
    with staged(folder) as staging:
        staging.mkdir()
        for name, plan in found.plans.items():
            progress("verify", None, f"scenario {name}: every figure from the inputs")
            errors = write_checked(plan, staging / "scenarios" / name)
            broken[name] = len(errors)
            findings += [replace(f, where=f"scenarios/{name}/{f.where}") for f in errors]
        for name, rows in tables.items():
            rows.to_csv(staging / f"{name}.csv", index=False, lineterminator="\n")
        progress("report", None, "page")
        sites, wrong = sites_of(found.plans), sum(broken.values())
        write_uncertain_page(found, tables, sites, wrong, staging / "uncertainty.html")
        (staging / "findings.json").write_text(findings_to_json(findings), encoding="utf-8")
        summary = _summary(found, tables["scenarios"], broken)
        summary["seconds"] = {"total": round(time.perf_counter() - started, 3)}
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (staging / "uncertainty.json").write_text(text, encoding="utf-8")
    files = tuple(str(path) for path in sorted(folder.rglob("*")) if path.is_file())
    code = ExitCode.FOUND if wrong else ExitCode.DONE
    if code is ExitCode.DONE and found.status == "limit_with_plan":
        code = ExitCode.LIMIT_WITH_PLAN
    return Outcome(code, _text(found, folder, wrong), tuple(findings), files, more=summary)


def _summary(found: Uncertain, scenarios: pd.DataFrame, broken: dict[str, int]) -> dict[str, Any]:
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
    rows = [{str(k): v for k, v in row.items()} for row in scenarios.to_dict("records")]
    return {
        "name": found.study.name,
        "status": found.status,
        "method": found.method,
        **{key: round(value, 6) if math.isfinite(value) else None for key, value in figures.items()},
        "risk_weight": found.risk.weight,
        "risk_level": found.risk.level,
        "n_first_stages_tried": found.n_tried,
        "scenarios": [{**row, "n_violations": broken[str(row["scenario"])]} for row in rows],
    }


def _text(found: Uncertain, folder: Path, wrong: int) -> str:
    from optimizer.report.uncertain import headline

    saved, known = found.stochastic_solution_musd, found.perfect_information_musd
    against = f"{saved:,.2f} M$ saved against the plan for mean values" if math.isfinite(saved) else "none comparable"
    return "\n".join(
        [
            f"{found.study.name}: {headline(found)}".replace("\u00a0", " "),
            f"  objective    {found.objective_musd:,.2f} M$, gap {found.gap:.2%}",
            f"  tail mean    {found.cvar_musd:,.2f} M$ (CVaR at {found.risk.level:g})",
            f"  value        {against}; knowing the scenario is worth {known:,.2f} M$",
            f"  verified     {len(found.plans):,} plans, {f'{wrong:,} violations' if wrong else 'no violation'}",
            f"  time         {found.seconds:,.0f} s, {found.method}",
            f"  page         {folder / 'uncertainty.html'}",
        ]
    )
