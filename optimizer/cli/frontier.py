"""The verb `frontier`: efficient plans between objectives, or the best distinct ones, in one folder with every plan."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.flow import output_folder
from optimizer.cli.options import JsonOption, OutOption, QuietOption, StudyArgument
from optimizer.cli.outcome import Outcome, run
from optimizer.cli.several import Answer, PlansFolder, answer_in_folder, records, text_of, verified
from optimizer.errors import Finding, InputError
from optimizer.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.solve.alternatives import Alternatives
    from optimizer.solve.frontier import Frontier
    from optimizer.study.study import Study

WITHIN = 0.02
"""Band of the best plans where none is given: that share of the cost that can change [-]."""


def frontier(
    study: StudyArgument,
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
        float | None,
        typer.Option(
            "--within",
            metavar="SHARE",
            min=0,
            help=f"Their band, of the cost that can change; {WITHIN} by default.",
            show_default=False,
        ),
    ] = None,
    differ_sites: Annotated[
        int | None,
        typer.Option(
            "--differ-sites", metavar="N", min=0, help="Sites in which they differ; 1 by default.", show_default=False
        ),
    ] = None,
    differ_mw: Annotated[
        float | None,
        typer.Option(
            "--differ-mw", metavar="MW", min=0, help="IT load that stands elsewhere; 0 by default.", show_default=False
        ),
    ] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the efficient plans between objectives, or the best distinct ones (default folder: out/NAME-frontier)."""
    folder = output_folder(study, out, "-frontier")

    def work(read: Study, plans: PlansFolder, progress: Progress) -> Answer:
        from optimizer.report.frontier import headline

        found: Frontier | Alternatives
        if best is None:
            found = _efficient(read, objectives or "", points, progress)
        else:
            found = _best(read, best, within, differ_sites, differ_mw, progress)
        table, sites = _written(found, plans, progress)
        shared, built = int(sites["in_all"].sum()), len(sites)
        lines = {
            "sites": f"{shared:,} of the {built:,} that any plan builds are in all of them",
            "verified": verified(plans),
            "time": f"{found.seconds:,.0f} s",
            "page": str(folder / "frontier.html"),
        }
        at_limit = "limit_with_plan" in set(table.get("status", []))
        return Answer(_summary(found, table, sites), text_of(read.name, headline(found), lines), at_limit)

    def action(progress: Progress) -> Outcome:
        only_best = {"--within": within, "--differ-sites": differ_sites, "--differ-mw": differ_mw}
        _refuse_unclear(objectives, best, {"--points": points}, only_best)
        return answer_in_folder("frontier", study, folder, "plans", work, progress)

    run(action, as_json, quiet)


def _refuse_unclear(
    objectives: str | None,
    best: int | None,
    only_objectives: Mapping[str, float | None],
    only_best: Mapping[str, float | None],
) -> None:
    findings = []
    if (objectives is None) == (best is None):
        text, remedy = "one of --objectives and --best is asked for", "such as --objectives cost,carbon or --best 5"
        findings.append(Finding("command.frontier", "--objectives, --best", text, "", remedy))
    elif best is None:
        findings = [
            Finding("command.frontier", option, f"{option} is of --best", f"{value:g}", "leave it out, or use --best")
            for option, value in only_best.items()
            if value is not None
        ]
    else:
        findings = [
            Finding("command.frontier", option, f"{option} is of --objectives", f"{value:g}", "leave it out")
            for option, value in only_objectives.items()
            if value is not None
        ]
    mw = only_best["--differ-mw"]
    if mw is not None and not math.isfinite(mw):
        findings.append(Finding("command.differ_mw", "--differ-mw", "not a finite number", f"{mw:g}", "such as 100"))
    if findings:
        raise InputError(findings)


def _efficient(study: Study, objectives: str, points: int | None, progress: Progress) -> Frontier:
    from optimizer.solve.frontier import find_frontier

    return find_frontier(study, [name.strip() for name in objectives.split(",")], points, progress)


def _best(
    study: Study, best: int, within: float | None, n_sites: int | None, it_mw: float | None, progress: Progress
) -> Alternatives:
    from optimizer.solve.alternatives import find_alternatives
    from optimizer.solve.apart import Difference

    least = (0 if it_mw else 1) if n_sites is None else n_sites
    return find_alternatives(
        study, best, WITHIN if within is None else within, Difference(least, it_mw or 0.0), progress
    )


def _written(
    found: Frontier | Alternatives, plans: PlansFolder, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write every plan, tables and page; return the table of plans and that of sites."""
    from optimizer.report.frontier import write_frontier_page
    from optimizer.solve.alternatives import sites_of

    table = found.table.round(6)
    by_number = dict(zip(table["plan"].astype(str), (one.plan for one in found.plans), strict=True))
    for number, plan in by_number.items():
        plans.keep(number, plan)
    table = table.assign(n_violations=list(plans.violations.values()))
    sites = sites_of(by_number).round(6)
    plans.write_tables({"frontier": table, "sites": sites})
    progress("report", None, "page")
    write_frontier_page(found, table, sites, plans.path / "frontier.html")
    return table, sites


def _summary(found: Frontier | Alternatives, table: pd.DataFrame, sites: pd.DataFrame) -> dict[str, Any]:
    from optimizer.solve.frontier import Frontier

    common = {"name": found.study.name, "complete": found.complete, "plans": records(table)}
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
