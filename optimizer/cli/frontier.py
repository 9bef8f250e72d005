"""The verb `frontier`: efficient plans between objectives, or the best distinct ones, in one folder with every plan."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.flow import output_folder, refuse_other, staged, write_checked
from optimizer.cli.outcome import ExitCode, Outcome, run
from optimizer.errors import Finding, InputError
from optimizer.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.solve.alternatives import Alternatives
    from optimizer.solve.frontier import Frontier


def frontier(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="study.toml, its folder, or the name of an example.")],
    objectives: Annotated[
        str | None,
        typer.Option(
            "--objectives", metavar="NAMES", help="Two or three of cost,carbon,water,delay.", show_default=False
        ),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option("--points", metavar="N", min=2, help="Most plans, spread; all by default.", show_default=False),
    ] = None,
    best: Annotated[
        int | None,
        typer.Option("--best", metavar="K", min=1, help="The K best distinct plans instead.", show_default=False),
    ] = None,
    within: Annotated[
        float, typer.Option("--within", metavar="SHARE", min=0, help="Their band, of the cost that can change.")
    ] = 0.02,
    differ_sites: Annotated[
        int | None,
        typer.Option("--differ-sites", metavar="N", min=0, help="Sites in which they differ; 1 by default."),
    ] = None,
    differ_mw: Annotated[
        float, typer.Option("--differ-mw", metavar="MW", min=0, help="IT load that stands elsewhere.")
    ] = 0.0,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder to write.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Find the efficient plans between objectives, or the best distinct ones (default folder: out/NAME-frontier)."""
    folder = output_folder(study, out, "-frontier")

    def action(progress: Progress) -> Outcome:
        started = time.perf_counter()
        _refuse_unclear(objectives, points, best)
        refuse_other(folder, ("frontier.json",))
        from optimizer.study.study import read_study

        read = read_study(study, progress=progress)
        found: Frontier | Alternatives
        if best is None:
            from optimizer.solve.frontier import find_frontier

            names = [name.strip() for name in (objectives or "").split(",")]
            found = find_frontier(read, names, points, progress)
        else:
            from optimizer.solve.alternatives import find_alternatives
            from optimizer.solve.apart import Difference

            least = (0 if differ_mw else 1) if differ_sites is None else differ_sites
            found = find_alternatives(read, best, within, Difference(least, differ_mw), progress)
        return _write(found, folder, started, progress)

    run(action, as_json, quiet)


def _refuse_unclear(objectives: str | None, points: int | None, best: int | None) -> None:
    findings = []
    if (objectives is None) == (best is None):
        text, remedy = "one of --objectives and --best is asked for", "such as --objectives cost,carbon or --best 5"
        findings.append(Finding("command.frontier", "--objectives, --best", text, "", remedy))
    if points is not None and best is not None:
        text, remedy = "--points is of --objectives", "give --best the number of plans"
        findings.append(Finding("command.frontier", "--points", text, str(points), remedy))
    if findings:
        raise InputError(findings)


def _write(found: Frontier | Alternatives, folder: Path, started: float, progress: Progress) -> Outcome:
    """Write tables, page and every plan, each checked from what was written, in one step."""
    from optimizer.plan.plan import findings_to_json
    from optimizer.report.frontier import write_frontier_page
    from optimizer.solve.alternatives import sites_of

    table = found.table.round(6)
    made = [one.plan for one in found.plans]
    plans = dict(zip(table["plan"].astype(str), made, strict=True))
    sites = sites_of(plans).round(6)
    with staged(folder) as staging:
        staging.mkdir()
        findings = [*found.study.findings]
        broken = []
        for number, plan in plans.items():
            progress("verify", None, f"plan {number}: every figure from the inputs")
            errors = write_checked(plan, staging / "plans" / number)
            broken.append(len(errors))
            findings += [replace(f, where=f"plans/{number}/{f.where}") for f in errors]
        table = table.assign(n_violations=broken)
        table.to_csv(staging / "frontier.csv", index=False, lineterminator="\n")
        sites.to_csv(staging / "sites.csv", index=False, lineterminator="\n")
        progress("report", None, "page")
        write_frontier_page(found, table, sites, staging / "frontier.html")
        (staging / "findings.json").write_text(findings_to_json(findings), encoding="utf-8")
        summary = {**_summary(found, table, sites), "seconds": {"total": round(time.perf_counter() - started, 3)}}
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (staging / "frontier.json").write_text(text, encoding="utf-8")
    files = tuple(str(path) for path in sorted(folder.rglob("*")) if path.is_file())
    code = ExitCode.FOUND if sum(broken) else ExitCode.DONE
    if code is ExitCode.DONE and "limit_with_plan" in set(table.get("status", [])):
        code = ExitCode.LIMIT_WITH_PLAN
    return Outcome(code, _text(found, table, sites, folder), tuple(findings), files, more=summary)


def _summary(found: Frontier | Alternatives, table: pd.DataFrame, sites: pd.DataFrame) -> dict[str, Any]:
    from optimizer.solve.frontier import Frontier

    common = {"name": found.study.name, "complete": found.complete, "plans": _records(table)}
    in_all = sites.loc[sites["in_all"], "site"].tolist()
    if isinstance(found, Frontier):
        more = {"objectives": list(found.objectives), "exact": found.is_exact, "n_searches": found.n_searches}
    else:
        more = {
            "within": found.within,
            "limit_musd": round(found.limit_musd, 6),
            "differ_sites": found.difference.n_sites,
            "differ_mw": found.difference.it_mw,
        }
    return {**common, **more, "sites_in_all": in_all}


def _records(table: pd.DataFrame) -> list[Mapping[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [dict(row) for row in plain.to_dict("records")]


def _text(found: Frontier | Alternatives, table: pd.DataFrame, sites: pd.DataFrame, folder: Path) -> str:
    from optimizer.report.frontier import headline

    shared, built = int(sites["in_all"].sum()), len(sites)
    violations = int(table["n_violations"].sum())
    return "\n".join(
        [
            f"{found.study.name}: {headline(found)}".replace("\u00a0", " "),
            f"  sites        {shared:,} of the {built:,} that any plan builds are in all of them",
            f"  verified     {len(table):,} plans, {f'{violations:,} violations' if violations else 'no violation'}",
            f"  time         {found.seconds:,.0f} s",
            f"  page         {folder / 'frontier.html'}",
        ]
    )
