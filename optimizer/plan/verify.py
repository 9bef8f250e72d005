"""Independent check of a plan: everything it states is recomputed from the inputs, without the model that made it.

The inputs named in the manifest are hashed and read again, the case is built again, decisions are taken from the
plan's tables, and every number of every table and of ``plan.json`` is recomputed: blocks, ties, cooling, water, costs,
DC flows, every outage on every rated branch, the worst outages a second time in the network without the branch, limits,
prices by the conditions of optimality, baseline, gap. Hashes are compared too; no figure rests on its hash.

Not recomputed, because only a solve could: ``bound_value`` and ``bound_musd``, the solver's proof, which may not exceed
the objective and from which the gap is recomputed; ``seconds``, ``solver_seconds`` and ``peak_memory_mb``, measurements
of the run, which must be plausible. Where several prices fit a dispatch, any of them is accepted.

Each subject is one file ``checks_<subject>.py`` with ``CHECKS``, functions from a `Context` to findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import Finding, InputError
from optimizer.plan import (
    checks_binding,
    checks_climate,
    checks_comparison,
    checks_earlier,
    checks_equipment,
    checks_expansion,
    checks_files,
    checks_generators,
    checks_halls,
    checks_links,
    checks_money,
    checks_objectives,
    checks_portfolio,
    checks_power,
    checks_prices,
    checks_ratings,
    checks_rules,
    checks_security,
    checks_service,
    checks_siting,
    checks_structure,
    checks_summary,
    checks_supply,
    checks_support,
    checks_water,
    checks_work,
    checks_workloads,
)
from optimizer.plan.manifest import read_manifest
from optimizer.plan.plan import NO_PLAN
from optimizer.plan.reading import read_summary, read_tables, scenario_folders
from optimizer.plan.rebuild import rebuild_study
from optimizer.plan.verify_context import Context

if TYPE_CHECKING:
    from optimizer.study.study import Study

Check = Callable[[Context], list[Finding]]


def verify_plan(folder: str | Path, inputs: str | Path | None = None) -> tuple[Finding, ...]:
    """Check a plan folder against its inputs.

    Parameters
    ----------
    folder : path
        As `write_plan` wrote it.
    inputs : path, optional
        Folder of the study file and what lies below it, where it is no longer where the manifest says.

    Returns
    -------
    tuple of Finding
        Each figure that is not what the inputs and the plan's decisions give: file, row, column, stated and recomputed
        value. Empty, or without errors, when all holds.
    """
    root = Path(folder)
    base = None if inputs is None else Path(inputs)
    try:
        files, known = _check_files(root, base)
        if not known:
            return tuple(files)
        study = rebuild_study(read_manifest(root), root, base)
        return tuple([*files, *check_plan(root, study)])
    except InputError as error:
        return error.findings


def _check_files(root: Path, inputs: Path | None) -> tuple[list[Finding], bool]:
    """Compare hashes; the second result tells whether the inputs are those of the plan."""
    findings: list[Finding] = []
    known = True
    for prefix, folder in _folders(root):
        manifest = read_manifest(folder)
        changed = checks_files.check_inputs(manifest, folder, inputs, prefix)
        known = known and not changed
        findings += changed + checks_files.check_outputs(manifest, folder, prefix)
    return findings, known


def _folders(root: Path) -> list[tuple[str, Path]]:
    return [("", root), *((f"scenarios/{path.name}/", path) for path in scenario_folders(root))]


def check_plan(folder: Path, study: Study) -> list[Finding]:
    """Recompute a plan folder from a study.

    Parameters
    ----------
    folder : Path
        A plan folder.
    study : Study
        What the plan was made for, rebuilt from its inputs.
    """
    return list(findings_of(folder, study))


def findings_of(folder: Path, study: Study) -> Iterator[Finding]:
    """The findings of `check_plan` one by one, each as soon as its check is done."""
    contexts: dict[str, Context] = {}
    is_readable = True
    for prefix, path in _folders(folder):
        name = path.name if prefix else ""
        if name and name not in study.config.scenario:
            yield Finding("plan.scenario.unknown", prefix, "the study has no such scenario", name)
            is_readable = False
            continue
        context, found = _context(path, prefix, study.scenario(name) if name else study)
        yield from found
        is_readable = is_readable and not found
        if context is not None:
            contexts[name] = context
    if not is_readable:
        return
    for context in contexts.values():
        for check in checks_for(context):
            yield from check(context)
    scenarios = {name: context for name, context in contexts.items() if name}
    yield from checks_service.check_firmness(contexts[""], scenarios)
    yield from checks_earlier.check_earlier_power(contexts[""], scenarios)
    yield from checks_comparison.check_scenarios(contexts[""], scenarios)


def _context(folder: Path, prefix: str, study: Study) -> tuple[Context | None, list[Finding]]:
    """Read what is stated; without a context, it cannot be recomputed from."""
    summary, found = read_summary(folder)
    tables, wrong = read_tables(folder)
    findings = [_inside(prefix, finding) for finding in (*found, *wrong)]
    if not findings and summary.get("status") in NO_PLAN:
        findings = [Finding("plan.folder.no_plan", f"{prefix}plan.json status", "the solve made no plan")]
    if findings:
        return None, findings
    context = Context(folder, prefix, summary, tables, study, study.case)
    for check in checks_structure.CHECKS:
        findings += check(context)
        if findings:
            return None, findings
    return context, []


def _inside(prefix: str, finding: Finding) -> Finding:
    return Finding(**{**finding.to_dict(), "where": f"{prefix}{finding.where}"})


def checks_for(context: Context) -> Sequence[Check]:
    """Checks that apply to a plan: of sites where there is demand, of power where there is a grid."""
    chosen: list[Check] = [*checks_files.CHECKS, *checks_summary.CHECKS, *checks_money.CHECKS, *checks_binding.CHECKS]
    chosen += checks_objectives.CHECKS
    chosen.append(checks_siting.check_site_count)
    if context.has_demand:
        chosen += [
            *checks_siting.CHECKS,
            *checks_support.CHECKS,
            *checks_rules.CHECKS,
            *checks_water.CHECKS,
            *checks_climate.CHECKS,
        ]
        chosen += [*checks_portfolio.CHECKS, *checks_work.CHECKS, *checks_equipment.CHECKS]
        chosen += [*checks_generators.CHECKS, *checks_halls.CHECKS]
    if context.has_demand and context.case.service is not None:
        chosen += checks_service.CHECKS
    if context.has_demand:
        chosen.append(checks_service.check_transfers)
    if context.case.supply is not None:
        chosen += checks_supply.CHECKS
    if context.case.adequacy is not None:
        chosen.append(checks_supply.check_adequacy)
    if context.case.workloads is not None:
        chosen += checks_workloads.CHECKS
    chosen += checks_ratings.CHECKS if context.has_grid else ()
    if len(context.case.links):
        chosen += checks_links.CHECKS
    if len(context.case.circuits):
        chosen += checks_expansion.CHECKS
    elif context.has_grid:
        chosen += [*checks_power.CHECKS, *checks_security.CHECKS, *checks_prices.CHECKS]
    return chosen
