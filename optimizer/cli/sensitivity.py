"""The verb `sensitivity`: what the plan costs at the ends of stated ranges, where its sites change, and what binds."""

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

    from optimizer.plan.plan import Plan
    from optimizer.solve.sensitivity import Sensitivity


def sensitivity(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="study.toml, its folder, or the name of an example.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder to write.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Vary one quantity at a time, price what binds (default folder: out/NAME-sensitivity)."""
    folder = output_folder(study, out, "-sensitivity")

    def action(progress: Progress) -> Outcome:
        started = time.perf_counter()
        refuse_other(folder, ("sensitivity.json",))
        from optimizer.solve.sensitivity import find_sensitivity
        from optimizer.study.study import read_study

        read = read_study(study, progress=progress)
        with staged(folder) as staging:
            staging.mkdir()
            kept = _Kept(staging, progress)
            found = find_sensitivity(read, progress, kept.keep)
            progress("report", None, "page")
            findings = [*read.findings, *kept.errors]
            summary = _write(found, kept.violations, findings, staging, started)
        files = tuple(str(path) for path in sorted(folder.rglob("*")) if path.is_file())
        return Outcome(_code(summary), _text(found, summary, folder), tuple(findings), files, more=summary)

    run(action, as_json, quiet)


class _Kept:
    """Plans as they come: written, and checked from what was written."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder, self.progress = folder, progress
        self.errors: list[Finding] = []
        self.violations: dict[str, int] = {}

    def keep(self, name: str, plan: Plan) -> None:
        """Write and check one plan; those of values tried on the way to a threshold have no name and are let go."""
        if not name:
            return
        self.progress("verify", None, f"plan {name}: every figure from the inputs")
        errors = write_checked(plan, self.folder / "plans" / name)
        self.violations[name] = len(errors)
        self.errors += [replace(f, where=f"plans/{name}/{f.where}") for f in errors]


def _write(
    found: Sensitivity, violations: dict[str, int], findings: list[Finding], staging: Path, started: float
) -> dict[str, Any]:
    """Write tables, page and summary; return the summary."""
    from optimizer.plan.plan import findings_to_json
    from optimizer.report.sensitivity import write_sensitivity_page

    tables = {"tornado": found.tornado, "thresholds": found.threshold_table, "ranges": found.ranges}
    for name, table in tables.items():
        tables[name] = table.round(6)
        tables[name].to_csv(staging / f"{name}.csv", index=False, lineterminator="\n")
    broken = sum(violations.values())
    write_sensitivity_page(found, broken, staging / "sensitivity.html")
    (staging / "findings.json").write_text(findings_to_json(findings), encoding="utf-8")
    base = found.base
    summary = {
        "name": found.study.name,
        "status": base.status,
        "objective": found.objective,
        "objective_value": round(base.objective, 6),
        "bound_value": round(base.bound, 6),
        "gap": round(base.gap, 9),
        "unit": found.unit,
        **{name: _records(table) for name, table in tables.items()},
        "n_plans": len(violations),
        "n_violations": broken,
        "seconds": {"total": round(time.perf_counter() - started, 3)},
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (staging / "sensitivity.json").write_text(text, encoding="utf-8")
    return summary


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON, which knows no nan and no infinity: both are null."""
    rows = table.astype(object).to_dict("records")
    return [{str(k): _plain(v) for k, v in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _code(summary: dict[str, Any]) -> ExitCode:
    if summary["n_violations"]:
        return ExitCode.FOUND
    statuses = {summary["status"], *(row["status"] for row in summary["tornado"])}
    return ExitCode.LIMIT_WITH_PLAN if statuses & {"limit_with_plan", "limit_without_plan"} else ExitCode.DONE


def _text(found: Sensitivity, summary: dict[str, Any], folder: Path) -> str:
    from optimizer.report.sensitivity import headline

    violations = f"{summary['n_violations']:,} violations" if summary["n_violations"] else "no violation"
    confirmed = sum(row["n_solves"] > 0 for row in summary["ranges"])
    return "\n".join(
        [
            f"{found.study.name}: {headline(found)}".replace("\u00a0", " "),
            f"  thresholds   {len(found.thresholds):,} at which the set of sites changes",
            f"  what binds   {len(found.ranges):,} limits, the prices of {confirmed:,} tried by re-solving",
            f"  verified     {summary['n_plans']:,} plans, {violations}",
            f"  time         {found.seconds:,.0f} s",
            f"  page         {folder / 'sensitivity.html'}",
        ]
    )
