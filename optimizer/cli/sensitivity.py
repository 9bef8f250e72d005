"""The verb `sensitivity`: what the plan costs at the ends of stated ranges, where its sites change, and what binds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.cli.flow import output_folder
from optimizer.cli.options import JsonOption, OutOption, QuietOption, StudyArgument
from optimizer.cli.outcome import run
from optimizer.cli.several import Answer, PlansFolder, answer_in_folder, records, text_of, verified
from optimizer.progress import Progress

if TYPE_CHECKING:
    from optimizer.plan.plan import Plan
    from optimizer.solve.sensitivity import Sensitivity
    from optimizer.study.study import Study


def sensitivity(
    study: StudyArgument, out: OutOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Vary one quantity at a time, price what binds (default folder: out/NAME-sensitivity)."""
    folder = output_folder(study, out, "-sensitivity")

    def work(read: Study, plans: PlansFolder, progress: Progress) -> Answer:
        from optimizer.report.sensitivity import headline
        from optimizer.solve.sensitivity import find_sensitivity

        def keep(name: str, plan: Plan) -> None:
            # Plans of values tried on the way to a threshold have no name and are let go.
            if name:
                plans.keep(name, plan)

        found = find_sensitivity(read, progress, keep)
        progress("report", None, "page")
        summary = _written(found, plans)
        confirmed = sum(row["n_solves"] > 0 for row in summary["ranges"])
        lines = {
            "thresholds": f"{len(found.thresholds):,} at which the set of sites changes",
            "what binds": f"{len(found.ranges):,} limits, the prices of {confirmed:,} tried by re-solving",
            "verified": verified(plans),
            "time": f"{found.seconds:,.0f} s",
            "page": str(folder / "sensitivity.html"),
        }
        statuses = {summary["status"], *(row["status"] for row in summary["tornado"])}
        at_limit = bool(statuses & {"limit_with_plan", "limit_without_plan"})
        return Answer(summary, text_of(read.name, headline(found), lines), at_limit)

    run(lambda progress: answer_in_folder("sensitivity", study, folder, "plans", work, progress), as_json, quiet)


def _written(found: Sensitivity, plans: PlansFolder) -> dict[str, Any]:
    """Write tables and page; return the summary."""
    from optimizer.report.sensitivity import write_sensitivity_page

    tables = {"tornado": found.tornado, "thresholds": found.threshold_table, "ranges": found.ranges}
    tables = {name: table.round(6) for name, table in tables.items()}
    plans.write_tables(tables)
    write_sensitivity_page(found, plans.n_violations, plans.path / "sensitivity.html")
    base = found.base
    return {
        "name": found.study.name,
        "status": base.status,
        "objective": found.objective,
        "objective_value": round(base.objective, 6),
        "bound_value": round(base.bound, 6),
        "gap": round(base.gap, 9),
        "unit": found.unit,
        **{name: records(table) for name, table in tables.items()},
        "n_plans": len(plans.violations),
        "n_violations": plans.n_violations,
    }
