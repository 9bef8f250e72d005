"""The verb `why`: what keeps a site out of a plan and what would admit it, or why it is in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.options import JsonOption, PlanArgument, QuietOption
from optimizer.cli.outcome import Outcome, run
from optimizer.errors import Finding, InputError
from optimizer.progress import Progress

if TYPE_CHECKING:
    from optimizer.plan.plan import Plan
    from optimizer.solve.explain.site import Reasons

MOST_LIMITS = 3
"""Binding limits named; --json lists all."""

FIGURES = ("objective_musd", "bound_musd", "baseline_musd", "common_musd")
"""Figures of a plan's summary against which it is compared."""


def why(
    plan: PlanArgument,
    site: Annotated[str, typer.Argument(metavar="SITE", help="A candidate of the plan, built or not.")],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what keeps a site out of a plan and what would admit it; or what it saves, and its nearest substitute."""

    def action(progress: Progress) -> Outcome:
        from optimizer.plan.plan import read_plan
        from optimizer.report.reading import with_study
        from optimizer.solve.explain.site import why_site

        progress("read", None, str(plan))
        read = read_plan(plan)
        _refuse_broken(read, plan)
        reasons = why_site(with_study(read), site, progress)
        more = {**reasons.to_dict(), "kept_by": "", "admitted_by": []}
        if reasons.explanation is not None:
            more |= {"kept_by": reasons.explanation.conflict_words, "admitted_by": reasons.explanation.ways_words}
        return Outcome(text="\n".join(_lines(reasons)), more=more)

    run(action, as_json, quiet)


def _refuse_broken(plan: Plan, folder: Path) -> None:
    """Refuse a plan without what an answer starts from: `verify` would say more, an answer would be wrong."""
    remedy = "solve the study again"
    findings = [
        Finding("plan.summary.figure", f"{folder / 'plan.json'}: {key}", "must be a number", repr(found), remedy)
        for key in FIGURES
        if isinstance(found := plan.summary.get(key), bool)
        or not isinstance(found, int | float)
        or not math.isfinite(found)
    ]
    if plan.config.demand is not None and "sites" not in plan.tables:
        text = "the table of the plan's sites is missing"
        findings.append(Finding("plan.folder.no_sites", str(folder / "tables" / "sites.csv"), text, "", remedy))
    if findings:
        raise InputError(findings)


def _lines(reasons: Reasons) -> list[str]:
    if reasons.refused:
        return [f"{reasons.site} is not a candidate: {reasons.refused}"]
    head = f"{reasons.site} is {'in' if reasons.is_built else 'not in'} the plan"
    way = "without it" if reasons.is_built else "with it forced in"
    if math.isinf(reasons.difference_musd):
        return [head, f"  {way}, there is no plan", *_explained(reasons)]
    certain = f"for certain between {reasons.least_musd:+,.3g} and {reasons.most_musd:+,.3g} M$"
    lines = [head, f"  {way}, the plan costs {reasons.difference_musd:+,.3g} M$ ({certain})"]
    accounts = sorted((reasons.by_account_musd or {}).items(), key=lambda item: -abs(item[1]))
    if accounts:
        lines.append("  of which      " + ", ".join(f"{account} {musd:+,.3g} M$" for account, musd in accounts))
    if reasons.substitute:
        moved = (reasons.moved_mw or {})[reasons.substitute]
        said = "substitute" if reasons.is_built else "in its place"
        lines.append(f"  {said:13} {reasons.substitute} ({moved:+,.4g} MW of IT load)")
    return [*lines, *_explained(reasons), *_limits(reasons)]


def _explained(reasons: Reasons) -> list[str]:
    found = reasons.explanation
    if found is None:
        return []
    head = "needed for    " if reasons.is_built else "kept out by   "
    why = [] if found.conflict is None else [f"  {head}{found.conflict_words}"]
    if not why and not reasons.is_built and reasons.least_musd <= 0:
        why = [f"  {head}no limit for certain: within the gaps, a plan with it may be as good"]
    ways = [f"  {'or' if i else 'way out':13} {words}" for i, words in enumerate(found.ways_words)]
    return [*why, *ways]


def _limits(reasons: Reasons) -> list[str]:
    """Limits that bind with the site the other way and not in the plan."""
    lines: list[str] = []
    for row in [] if reasons.binding is None else reasons.binding.head(MOST_LIMITS).to_dict("records"):
        after = f" after outage {row['contingency']}" if row["contingency"] else ""
        price = f", worth {row['price_usd_per_unit']:,.3g} $ per unit" if row["price_usd_per_unit"] else ""
        what = f"{row['limit']} of {row['element']}{after} in {row['period']}"
        lines.append(f"  then binds    {what}: {abs(row['bound']):,.4g} {row['unit']}{price}")
    return lines
