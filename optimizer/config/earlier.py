"""What earlier power is worth: one scenario for each number of months by which all lead times are shorter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from optimizer.errors import Finding

if TYPE_CHECKING:
    from optimizer.config.decision_tables import ReportSettings, StudySettings

Scenarios = dict[str, dict[str, Any]]


def earlier_name(months: float) -> str:
    """Name of the scenario in which all lead times are so much shorter, such as ``earlier_12_months``."""
    return f"earlier_{months:.6g}_months".replace(".", "-")


def with_earlier(
    scenario: Scenarios, report: ReportSettings, shorter_months: float
) -> tuple[Scenarios, ReportSettings]:
    """Add the scenarios of shorter lead times to those of a study, and to what its plan is compared with.

    Parameters
    ----------
    scenario : dict
        Overrides by name of scenario.
    report : ReportSettings
        Whose ``earlier_months`` lists the months.
    shorter_months : float
        By which lead times are shorter already [month].
    """
    made = {
        earlier_name(months): {"study": {"shorter_lead_months": shorter_months + months}}
        for months in report.earlier_months
    }
    compare = (*report.compare, *(name for name in made if name not in report.compare))
    return {**scenario, **made}, report.model_copy(update={"compare": compare})


def without_earlier(data: dict[str, Any], months: Iterable[float]) -> dict[str, Any]:
    """Keys of a study without what `with_earlier` added, so that others can be asked for.

    Parameters
    ----------
    data : dict
        Keys of the whole study.
    months : iterable of float
        Of its report [month].
    """
    return without_scenarios(data, {earlier_name(one) for one in months})


def without_scenarios(data: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Keys of a study without some of its scenarios and comparisons."""
    if not names:
        return data
    kept = [name for name in data["report"].get("compare", ()) if name not in names]
    report = {k: v for k, v in data["report"].items() if k != "compare"} | ({"compare": kept} if kept else {})
    made = {"report": report}
    if "scenario" in data:
        made["scenario"] = {name: table for name, table in data["scenario"].items() if name not in names}
    return data | made


def earlier_findings(study: StudySettings, report: ReportSettings) -> Iterator[Finding]:
    """Months that do not increase."""
    months = report.earlier_months
    if any(later <= earlier for earlier, later in pairwise(months)):
        text, remedy = "months do not increase strictly", f"write {sorted(set(months))}"
        yield Finding("config.earlier_order", "report.earlier_months", text, str(list(months)), remedy)
