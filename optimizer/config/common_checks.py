"""Words that checks of several tables share: periods, names given twice, names of folders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from optimizer.errors import Finding

if TYPE_CHECKING:
    from optimizer.config.decision_tables import DemandSettings, StudySettings


def periods_of(study: StudySettings, demand: DemandSettings | None) -> tuple[int, ...]:
    """Periods of the study: those written, else the years of demand, else the currency year [year]."""
    if study.periods:
        return study.periods
    years = tuple(sorted(demand.it_mw or demand.work)) if demand else ()
    return years or (study.currency_year,)


def repeated(names: Any, where: str) -> Iterator[Finding]:
    """Names that are given more than once."""
    for name in sorted({n for n in names if list(names).count(n) > 1}):
        yield Finding("config.duplicate_name", where, "the name is given twice", repr(name), "give each name once")


def folder_names(names: Iterable[str], where: str) -> Iterator[Finding]:
    """Names that cannot be those of folders."""
    for name in names:
        # A scenario's plan is written to a folder of that name.
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
            yield Finding(
                "config.scenario_name",
                where,
                "the name cannot be used for a folder",
                found=repr(name),
                remedy="use letters, digits, - and _, at most 64, starting with a letter or digit",
            )
