"""What contradicts the workloads of a study: rules that nothing can follow, and parts that do not know of workloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.errors import Finding
from optimizer.study.orbit import orbit_findings

if TYPE_CHECKING:
    from optimizer.study.study import Study


def workload_findings(study: Study) -> list[Finding]:
    """Findings about workloads, pairs, orbit and what does not go with them; none in a study without any."""
    config = study.config
    if config.workloads is None:
        return list(_orphans(study))
    findings = [*_beside(study), *orbit_findings(study.candidates.sites, config.orbit)]
    if findings or study.workloads is None:
        return findings
    return study.workloads[1]


def _orphans(study: Study) -> Iterator[Finding]:
    """Sites in orbit without numbers for it, and numbers without a site."""
    if study.config.demand is not None:
        sites = study.candidates.sites if study.own is None else study.own.sites
        yield from orbit_findings(sites, study.config.orbit)


def _beside(study: Study) -> Iterator[Finding]:
    """Parts that change the total demand, which workloads give row by row."""
    config = study.config
    if config.uncertainty is not None:
        text = "futures change demand as a total, and workloads give it region by region"
        remedy = "leave [uncertainty] out, or give demand.it_mw instead of [workloads]"
        yield Finding("study.workload.uncertainty", "uncertainty", text, "", remedy)
    for number, one in enumerate(config.sensitivity.range, start=1):
        if one.what == "demand":
            text = "the range changes demand as a total, and workloads give it region by region"
            where = f"sensitivity.range#{number} (demand)"
            yield Finding("study.workload.range", where, text, "demand", "take the range out")
