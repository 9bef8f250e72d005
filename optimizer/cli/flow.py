"""What `solve` and `sites` do from the study to the finished folder, which appears in one step."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import Finding, InfeasibleError, InputError, SolverError
from optimizer.folders import take_place
from optimizer.progress import Progress, peak_memory_mb

if TYPE_CHECKING:
    from optimizer.plan.plan import Plan
    from optimizer.study.sites import Candidates
    from optimizer.study.study import Study

SITES_FILES = ("sites.gpkg", "sites.csv", "refused.csv", "area_lost.csv", "sites.html")


def output_folder(source: str, out: Path | None, ending: str = "") -> Path:
    """Folder to write: the one asked for, or ``out/`` and the name of the study's folder.

    Parameters
    ----------
    source : str
        The study as the user named it: its file, its folder, or the name of an example.
    out : Path, optional
        Folder asked for.
    ending : str
        Added to the name, to keep candidates apart from plans.
    """
    if out is not None:
        return out
    path = Path(source)
    folder = path.resolve().parent if path.suffix == ".toml" else path.resolve()
    return Path("out") / f"{folder.name or 'study'}{ending}"


def solve_to_folder(source: str, folder: Path, progress: Progress, start: Path | None = None) -> Plan:
    """Read, solve, verify and report a study; the folder holds the whole plan or what it held before.

    Parameters
    ----------
    source : str
        The study: its file, its folder, or the name of an example.
    folder : Path
        Folder of the plan.
    progress : Progress
        Told how far it is.
    start : Path, optional
        Folder of a plan to begin with; it may be the one that is written.

    Returns
    -------
    Plan
        As written, with the findings of the verification. Without a plan (infeasible, or stopped too early), only
        ``plan.json`` and ``findings.json`` are written.

    Raises
    ------
    InputError
        The study is refused, the folder holds something else, or `start` holds no plan; nothing is written.
    """
    started = time.perf_counter()
    refuse_other(folder, ("plan.json",))
    progress("read", None, str(source))
    from optimizer.plan.plan import read_plan, write_plan
    from optimizer.study.from_file import read_study

    before = None if start is None else read_plan(start)
    study = read_study(source, progress=progress)
    seconds = {"read": time.perf_counter() - started}
    plan = _solved(study, progress, before)
    seconds = {**seconds, **plan.summary.get("seconds", {})}
    plan = replace(plan, summary={"name": study.name, "n_violations": 0, **plan.summary})
    with staged(folder) as staging:
        if plan.has_plan:
            plan = _verified_and_reported(plan, staging, seconds, started, progress)
        else:
            seconds["total"] = time.perf_counter() - started
            summary = {k: v for k, v in plan.summary.items() if k != "n_violations"}
            plan = replace(plan, summary={**summary, "seconds": seconds})
            write_plan(plan, staging)
    return plan


def _solved(study: Study, progress: Progress, start: Plan | None) -> Plan:
    """The plan; one without decisions where there is none."""
    from optimizer.plan.plan import Plan
    from optimizer.solve.run import solve_study

    try:
        return solve_study(study, progress, start)
    except InfeasibleError as error:
        status, findings = "infeasible", error.findings
    except SolverError as error:
        status, findings = "limit_without_plan", error.findings
    return Plan({"status": status}, {}, (*study.findings, *findings), study.config, study)


def _verified_and_reported(
    plan: Plan, staging: Path, seconds: dict[str, float], started: float, progress: Progress
) -> Plan:
    """Write the plan, recompute it from what was written, and add what that found, and the report."""
    from optimizer.plan.plan import add_files, findings_to_json, summary_to_json, tidy_plan, write_plan
    from optimizer.plan.verify import verify_plan
    from optimizer.report import write_report

    plan = tidy_plan(replace(plan, summary={**plan.summary, "seconds": seconds}))
    progress("write", None, "tables and map")
    at = time.perf_counter()
    write_plan(plan, staging)
    seconds = {**seconds, "write": time.perf_counter() - at}
    progress("verify", None, "every balance, flow, outage and cost from the inputs")
    at = time.perf_counter()
    found = verify_plan(staging)
    seconds = {**seconds, "verify": time.perf_counter() - at}
    broken = sum(f.severity == "error" for f in found)
    plan = replace(
        plan,
        summary={**plan.summary, "n_violations": broken, "seconds": seconds},
        findings=(*plan.findings, *found),
    )
    progress("report", None, "maps and tables")
    at = time.perf_counter()
    write_report(plan, staging / "report.html")
    seconds = {**seconds, "report": time.perf_counter() - at, "total": time.perf_counter() - started}
    plan = replace(plan, summary={**plan.summary, "seconds": seconds, "peak_memory_mb": peak_memory_mb()})
    texts = {"plan.json": summary_to_json(plan.summary), "findings.json": findings_to_json(plan.findings)}
    add_files(staging, texts)
    return plan


def write_checked(plan: Plan, folder: Path) -> list[Finding]:
    """Write a plan without a report and recompute it from what was written.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : Path
        Its folder; made with the one above it.

    Returns
    -------
    list of Finding
        Errors of the check.
    """
    from optimizer.plan.plan import add_files, findings_to_json, summary_to_json, write_plan
    from optimizer.plan.verify import verify_plan

    folder.parent.mkdir(exist_ok=True)
    write_plan(plan, folder)
    found = verify_plan(folder)
    errors = [f for f in found if f.severity == "error"]
    summary = {**plan.summary, "n_violations": len(errors)}
    texts = {"plan.json": summary_to_json(summary), "findings.json": findings_to_json((*plan.findings, *found))}
    add_files(folder, texts)
    return errors


def sites_to_folder(source: str, folder: Path, progress: Progress) -> Study:
    """Write the candidate sites of a study and the refused land: GeoPackage, CSV and map.

    Parameters
    ----------
    source, folder, progress
        As in `solve_to_folder`.

    Returns
    -------
    Study
        The study, its candidates made.

    Raises
    ------
    InputError
        The study is refused or has no sites, or the folder holds something else; nothing is written.
    """
    refuse_other(folder, SITES_FILES)
    progress("read", None, str(source))
    import pandas as pd

    from optimizer.plan.place import Places, write_geopackage
    from optimizer.report import sites_page
    from optimizer.study.from_file import read_study

    study = read_study(source, progress=progress)
    if study.config.demand is None:
        remedy = "give the IT capacity to be placed in [demand] it_mw"
        raise InputError(
            [Finding("study.no_demand", "study.toml: demand", "a study without demand has no sites", "", remedy)]
        )
    progress("sites", None, "candidates and refused land")
    candidates = _scored(study)
    sites, ties = candidates.sites.reset_index(), candidates.ties.reset_index()
    with staged(folder) as staging:
        staging.mkdir()
        progress("sites", None, "GeoPackage")
        layers = {"candidates": sites, "refused": candidates.refused, "ties": ties}
        write_geopackage(layers, Places(), staging / "sites.gpkg")
        progress("sites", None, "tables")
        for name, table in (("sites", sites), ("refused", candidates.refused), ("area_lost", candidates.lost)):
            plain = pd.DataFrame(table.drop(columns="geometry", errors="ignore")).round(6)
            plain.to_csv(staging / f"{name}.csv", index=False, lineterminator="\n")
        progress("sites", None, "map")
        sites_page(candidates, candidates.lost, candidates.sources, staging / "sites.html", study)
    return study


def _scored(study: Study) -> Candidates:
    """Candidates with the score that the study declares, best first; the optimizer never sees it."""
    candidates, settings = study.candidates, study.config.sites.scores
    if not settings:
        return candidates
    from optimizer.layers.ranking import score

    scored = candidates.sites.assign(score=score(candidates.sites, settings))
    scored = scored.sort_values("score", ascending=False, kind="stable")
    said = {"score": ("", "weighted as [[sites.scores]] says, for browsing only")}
    return replace(candidates, sites=scored, sources={**candidates.sources, **said})


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A place beside the folder to write in, which takes the folder's place at the end if nothing went wrong.

    Parameters
    ----------
    folder : Path
        What is to appear, or to be replaced, in one step. The place has the same parent, so that relative paths from
        inside it stay right.
    """
    # A link to a folder stays a link: what it names is replaced.
    folder = folder.resolve() if folder.is_symlink() else Path(os.path.abspath(folder))
    missing = [above for above in folder.parents if not above.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.parent / f".{folder.name}.{os.getpid()}.part"
    old = folder.parent / f".{folder.name}.{os.getpid()}.old"
    try:
        yield new
        take_place(new, folder, old)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        for above in () if folder.exists() else missing:
            # Another program may have put something there by now.
            with suppress(OSError):
                above.rmdir()


def refuse_other(folder: Path, own: tuple[str, ...]) -> None:
    """Refuse to write over anything that this verb did not write, before the long work and not after it.

    Parameters
    ----------
    folder : Path
        Folder to be written.
    own : tuple of str
        Names of files, one of which a folder written by this verb holds.

    Raises
    ------
    InputError
        It is a file, or a folder with other content, or no folder can be made there.
    """
    above = next(p for p in Path(os.path.abspath(folder)).parents if p.exists())
    if folder.is_dir():
        other = any(folder.iterdir()) and not any((folder / name).is_file() for name in own)
    else:
        other = folder.exists()
    if other:
        message, remedy = "holds something else", "name a new or empty folder with --out"
        raise InputError([Finding("command.out.other", str(folder), message, "", remedy)])
    if not above.is_dir() or not os.access(above, os.W_OK):
        message, remedy = "cannot be written to", "name another folder with --out"
        raise InputError([Finding("command.out.closed", str(above), message, "", remedy)])
