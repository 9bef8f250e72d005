"""What a study that was overridden has in common with the one it came from, so that it is not worked out again.

The network rests on the grid and on what must be survived. Candidate sites rest on what was read and on the study file,
but for the tables that are named here; the land and what could be on it not even on prices. Where nothing else was
changed and nothing was read anew, they are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.config import (
    ConditionsSettings,
    EconomicsSettings,
    LimitsSettings,
    ReportSettings,
    SolveSettings,
    StudyConfig,
)

if TYPE_CHECKING:
    from optimizer.study.study import Study

OF_GRID = ("network", "outages")
"""What rests on the grid and on how outages that split it count."""

OF_LAND = ("points", "routing", "surveyed")
"""What rests on neither targets nor limits nor conditions, nor on prices of campuses and of money."""

SHARED = ("technologies", "cooling", "candidates")
"""What rests on neither targets nor limits nor conditions."""


def share(made: Study, before: Study) -> None:
    """Hand what `before` has worked out to a study that was just made of it, where it is the same in both."""
    same_files = made.loaded.keys() == before.loaded.keys() and all(
        one is before.loaded[key] for key, one in made.loaded.items()
    )
    names: tuple[str, ...] = ()
    if made.grid is before.grid and _of_grid(made.config) == _of_grid(before.config):
        names = OF_GRID
    if same_files:
        rest = _rest(made.config), _rest(before.config)
        if _unpriced(rest[0]) == _unpriced(rest[1]):
            names += OF_LAND
        if rest[0] == rest[1]:
            names += SHARED
    known = vars(before)
    vars(made).update({name: known[name] for name in names if name in known})


def _of_grid(config: StudyConfig) -> tuple[Any, ...]:
    """What of a study file the network and its outages rest on, beside the grid."""
    return config.grid, config.security.splitting


def _unpriced(config: StudyConfig) -> StudyConfig:
    """A study file without what campuses and money cost."""
    facility = config.facility.model_copy(update={"cost_musd_per_mw": None, "fixed_cost_musd": None})
    return config.model_copy(update={"economics": EconomicsSettings(), "facility": facility})


def _rest(config: StudyConfig) -> StudyConfig:
    """A study file without what nothing in `OF_LAND` and `SHARED` rests on."""
    blank: dict[str, Any] = {"limits": LimitsSettings(), "solve": SolveSettings(), "report": ReportSettings()}
    blank |= {"uncertainty": None, "scenario": {}}
    # Any line counts as upgraded where it bounds what flows to a bus, whenever that may be.
    blank["upgrades"] = config.upgrades.model_copy(update={"lead_months": None})
    if set(config.security.contingencies) <= {"branch"}:
        # Other outages may be of generators that leave the queue, and cut points off.
        blank["conditions"] = ConditionsSettings()
    if config.demand is not None:
        blank["demand"] = config.demand.model_copy(
            update={
                "it_mw": {},
                "penalty_musd_per_mw_year": None,
                "penalty_musd_per_unit": None,
                "efficiency": (),
                "work": {},
            }
        )
    return config.model_copy(update=blank)
