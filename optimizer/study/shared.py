"""What a study that was overridden has in common with the one it came from, so that it is not worked out again.

The network and candidate sites rest on what was read and on the study file, but for the tables that are named here.
Where nothing else was changed and nothing was read anew, they are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimizer.config import ConditionsSettings, LimitsSettings, ReportSettings, SolveSettings, StudyConfig

if TYPE_CHECKING:
    from optimizer.study.study import Study

SHARED = ("network", "outages", "points", "routing", "technologies", "cooling", "candidates")
"""What a study works out when it is asked for and that rests on neither targets nor limits nor conditions."""


def share(made: Study, before: Study) -> None:
    """Hand what `before` has worked out to a study that was just made of it, where it is the same in both."""
    same_files = made.loaded.keys() == before.loaded.keys() and all(
        one is before.loaded[key] for key, one in made.loaded.items()
    )
    if same_files and _rest(made.config) == _rest(before.config):
        known = vars(before)
        vars(made).update({name: known[name] for name in SHARED if name in known})


def _rest(config: StudyConfig) -> StudyConfig:
    """A study file without what nothing in `SHARED` rests on."""
    blank: dict[str, Any] = {"limits": LimitsSettings(), "solve": SolveSettings(), "report": ReportSettings()}
    blank |= {"uncertainty": None, "scenario": {}}
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
