"""The curve of what firmness costs: one scenario for each share of energy that may be curtailed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optimizer.config.earlier import without_scenarios

if TYPE_CHECKING:
    from optimizer.config.decision_tables import ReportSettings

Scenarios = dict[str, dict[str, Any]]


def scenario_name(share: float) -> str:
    """Name of the scenario in which a share of yearly energy may be curtailed, such as ``curtailed_0-25_percent``."""
    return f"curtailed_{100.0 * share:.6g}_percent".replace(".", "-")


def with_firmness(scenario: Scenarios, report: ReportSettings) -> tuple[Scenarios, ReportSettings]:
    """Add the scenarios of the curve to those of a study, and to what its plan is compared with.

    Parameters
    ----------
    scenario : dict
        Overrides by name of scenario.
    report : ReportSettings
        Whose ``firmness`` lists the shares.
    """
    curve = {scenario_name(share): {"service": {"curtailable_share": float(share)}} for share in report.firmness}
    compare = (*report.compare, *(name for name in curve if name not in report.compare))
    return {**scenario, **curve}, report.model_copy(update={"compare": compare})


def without_firmness(data: dict[str, Any], shares: Iterable[float]) -> dict[str, Any]:
    """Keys of a study without what `with_firmness` added, so that another curve can be asked for.

    Parameters
    ----------
    data : dict
        Keys of the whole study.
    shares : iterable of float
        Of its curve [-].
    """
    return without_scenarios(data, {scenario_name(share) for share in shares})
