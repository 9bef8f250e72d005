"""The verbs of the command line, each a few lines over the library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.data import data
from optimizer.cli.flow import output_folder, sites_to_folder, solve_to_folder
from optimizer.cli.frontier import frontier
from optimizer.cli.headroom import headroom
from optimizer.cli.options import JsonOption, OutOption, PlanArgument, QuietOption, StudyArgument
from optimizer.cli.outcome import ExitCode, Outcome, run
from optimizer.cli.rules import rules
from optimizer.cli.sensitivity import sensitivity
from optimizer.cli.several import files_in
from optimizer.cli.uncertainty import uncertainty
from optimizer.cli.why import why
from optimizer.errors import Finding
from optimizer.progress import Progress

if TYPE_CHECKING:
    from optimizer.plan.plan import Plan

app = typer.Typer(
    name="gridsite",
    help="Where, when and how large to build data-center campuses on a transmission grid, under N-1 security.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done, 1 verify found something, 2 input refused, 3 infeasible, 4 stopped at a limit with a "
    "plan, 5 stopped without one, 130 interrupted.",
)
app.add_typer(data, name="data")
app.command()(frontier)
app.command()(headroom)
app.command()(rules)
app.command()(sensitivity)
app.command()(uncertainty)
app.command()(why)

CODES = {
    "infeasible": ExitCode.INFEASIBLE,
    "limit_with_plan": ExitCode.LIMIT_WITH_PLAN,
    "limit_without_plan": ExitCode.LIMIT_WITHOUT_PLAN,
}
"""Exit codes of the statuses of a plan that is not simply done."""


@app.command()
def check(study: StudyArgument, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Read everything a study names, report every finding and what rules a plan out, solve nothing."""

    def action(progress: Progress) -> Outcome:
        from optimizer.study.from_file import read_study
        from optimizer.study.precheck import precheck_study

        read = read_study(study, progress=progress)
        case = read.case
        against = precheck_study(read)
        if against:
            return Outcome(ExitCode.INFEASIBLE, findings=(*read.findings, *against))
        network = (f"{len(t):,} {name}" for name, t in (("buses", case.buses), ("branches", case.branches)))
        facts = [
            f"{read.name}: nothing stands against solving it",
            f"  network      {', '.join(network)}, {int((~case.is_link_end).sum()):,} generators",
            f"  candidates   {len(case.sites):,} sites, {len(case.ties):,} ties",
            f"  periods      {', '.join(map(str, case.periods.index))}; {len(case.snapshots)} snapshots",
        ]
        return Outcome(text="\n".join(facts), findings=tuple(read.findings))

    run(action, as_json, quiet)


@app.command()
def sites(study: StudyArgument, out: OutOption = None, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Write the candidate sites and the refused land with reasons (default folder: out/NAME-sites)."""
    folder = output_folder(study, out, "-sites")

    def action(progress: Progress) -> Outcome:
        read = sites_to_folder(study, folder, progress)
        candidates = read.candidates
        reasons = candidates.refused["rule"].value_counts(sort=False).sort_index()
        lines = [f"{len(candidates.sites):,} candidate sites, {len(candidates.refused):,} places refused"]
        lines += [f"  {count:>7,}  {rule}" for rule, count in reasons.items()]
        lines += [f"Map: {folder / 'sites.html'}"]
        return Outcome(text="\n".join(lines), findings=tuple(read.findings), files=files_in(folder))

    run(action, as_json, quiet)


@app.command()
def solve(
    study: StudyArgument,
    out: OutOption = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start",
            metavar="PLAN",
            help="Begin with the plan in this folder: a hint that saves time, the answer is proven anew.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Decide where, when and how large to build, verify the plan and write it (default folder: out/NAME)."""
    folder = output_folder(study, out)

    def action(progress: Progress) -> Outcome:
        plan = solve_to_folder(study, folder, progress, start)
        code = CODES.get(str(plan.summary["status"]), ExitCode.DONE)
        if code is ExitCode.DONE and plan.summary["n_violations"]:
            code = ExitCode.FOUND
        return Outcome(code, summary_text(plan, folder), plan.findings, files_in(folder), whole=_plan_json(folder))

    run(action, as_json, quiet)


@app.command()
def verify(
    plan: PlanArgument,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", metavar="DIR", help="Look for the inputs here.", show_default=False)
    ] = None,
    ac: Annotated[
        bool, typer.Option("--ac", help="Check the last period by AC power flow as well; its limits give warnings.")
    ] = False,
    ac_outages: Annotated[
        int, typer.Option("--ac-outages", metavar="N", min=0, help="Outages checked by AC in each snapshot.")
    ] = 20,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Recompute a plan from its inputs; exit code 1 if anything does not hold."""

    def action(progress: Progress) -> Outcome:
        from optimizer.plan.plan import refuse_not_a_plan
        from optimizer.plan.verify import verify_plan

        progress("verify", None, str(plan))
        refuse_not_a_plan(plan)
        found = verify_plan(plan, inputs)
        errors = sum(f.severity == "error" for f in found)
        text = f"does not hold ({errors} errors)" if errors else "everything recomputed from its inputs holds"
        text, more = f"{plan}: {text}", {}
        if ac and errors:
            skipped = "a plan that does not hold is not checked by AC power flow"
            found = (*found, Finding("grid.ac.skipped", str(plan), skipped, severity="info"))
        elif ac:
            from optimizer.plan.checks_ac import ac_text, verify_ac

            said, figures = verify_ac(plan, inputs, ac_outages, progress=progress)
            errors = sum(f.severity == "error" for f in said)
            found, more = (*found, *said), {"ac": figures}
            text = f"{text}\n{ac_text(figures)}".rstrip()
        return Outcome(ExitCode.FOUND if errors else ExitCode.DONE, text, found, more=more)

    run(action, as_json, quiet)


@app.command()
def report(plan: PlanArgument, as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Write report.html of a plan anew."""

    def action(progress: Progress) -> Outcome:
        from optimizer.plan.plan import add_files, read_plan
        from optimizer.report import write_report

        progress("report", None, str(plan))
        read = read_plan(plan)
        draft = plan / ".report.html.part"
        try:
            write_report(read, draft)
            add_files(plan, {"report.html": draft.read_text(encoding="utf-8")})
        finally:
            draft.unlink(missing_ok=True)
        written = str(plan / "report.html")
        return Outcome(text=f"Report: {written}", files=(written,))

    run(action, as_json, quiet)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a study file, for completion in editors."""
    from optimizer.config import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def summary_text(plan: Plan, folder: Path) -> str:
    """The answer in a few lines: status, capacity by year, cost, gap, verification, and where the report is."""
    summary = plan.summary
    lines = [f"{summary['name']}: {str(summary['status']).replace('_', ' ')}"]
    if not plan.has_plan:
        return "\n".join([*lines, f"  written      {folder / 'findings.json'}"])
    capacity = " · ".join(f"{year}: {mw:,.0f} MW" for year, mw in summary.get("it_mw", {}).items())
    violations = f"{summary['n_violations']:,} violations" if summary["n_violations"] else "no violation"
    if capacity:
        lines += [f"  IT load      {capacity}", f"  sites        {summary.get('n_sites', 0):,}"]
    lines += [
        f"  cost         {summary['objective_value']:,.1f} {summary['unit']}, gap {summary['gap']:.2%}",
        f"  verified     {summary.get('n_contingencies_checked', 0):,} outages checked, {violations}",
        f"  time         {summary['seconds']['total']:,.0f} s",
        f"  report       {folder / 'report.html'}",
    ]
    return "\n".join(lines)


def _plan_json(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return content
