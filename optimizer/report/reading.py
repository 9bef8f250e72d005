"""A plan that was read from its folder, with its study read again from the same inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from optimizer.errors import InputError
from optimizer.plan.manifest import Manifest, locate, read_manifest, sha256
from optimizer.plan.plan import Plan
from optimizer.plan.rebuild import rebuild_study


def with_study(plan: Plan) -> Plan:
    """Return the plan with its study, if every input is still there and the same; otherwise the plan as it is.

    Parameters
    ----------
    plan : Plan
        As solved, or as `optimizer.plan.plan.read_plan` read it.
    """
    if plan.study is not None or plan.folder is None:
        return plan
    try:
        manifest = read_manifest(plan.folder)
        if not _unchanged(manifest, plan.folder):
            return plan
        return replace(plan, study=rebuild_study(manifest, plan.folder, None))
    except InputError:
        # A report of the tables alone is worth having: what is wrong with the inputs is the verification's to say.
        return plan


def _unchanged(manifest: Manifest, folder: Path) -> bool:
    found = [(locate(entry, folder, None, manifest), entry.sha256) for entry in manifest.inputs]
    return all(path is not None and path.is_file() and sha256(path) == digest for path, digest in found)
