"""Useful work as the formulation reads it: generations of racks that do it, and programmes that avoid it.

Work is counted in MW of the best rack that can be bought in a period, so that a target in work is one in MW:

    D[t] = W[t] / (8,760 U k*[t])        k*[t] = max over racks sold by t of work per MWh

A MW of rack k then counts ``k / k*[t]``, and a unit of work avoided ``1 / (8,760 U k*[t])``. Where demand is given in
MW, a unit avoided is a MW.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.config import FacilitySettings, StudyConfig
from optimizer.errors import Finding, InputError
from optimizer.grid.schema import Column
from optimizer.study.economics import capital_recovery
from optimizer.study.facts import read_checked
from optimizer.study.halls import densest_kw
from optimizer.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from optimizer.study.study import Study

KWH_PER_MWH = 1000.0
"""Kilowatt-hours in a megawatt-hour (definition)."""

RACKS = (
    Column("rack", "id", required=True, meaning="Generation of racks."),
    Column("kw", "float", "kW", None, True, 0, meaning="Power of a rack, which rules out cooling.", lower_open=True),
    Column("cooling", "text", "", "", meaning="How it is cooled, in words."),
    Column("first_year", "int", "year", None, True, 0, meaning="First year in which it can be in service."),
    Column("cost_musd_per_mw", "float", "M$/MW", None, True, 0, meaning="One-time cost per MW of IT."),
    Column("work_per_kwh", "float", "", None, True, 0, meaning="Useful work per kWh of IT energy.", lower_open=True),
    Column("source", "text", "", "", meaning="Where the numbers are from."),
    Column("confidence", "text", "", "", meaning="How far they can be trusted."),
)
"""Columns of a catalogue of racks."""


@dataclass(frozen=True)
class Work:
    """What does work and what avoids it.

    Parameters
    ----------
    programmes : DataFrame, index ``programme``
        ``max_units`` [unit], ``cost_musd``, ``annuity_musd`` (per unit) [M$, M$/year].
    unit_mw : mapping of int to float
        MW of the target that a unit avoids, by period [MW/unit].
    racks : DataFrame, index ``rack``
        ``kw`` [kW], ``first_year``, ``cost_musd_per_mw``, ``annuity_musd_per_mw`` [M$/MW, M$/MW-year]. Without rows
        where demand is given in MW.
    counts : DataFrame, index ``rack``, columns period
        MW of the target that a MW of the rack meets, 0 before its first year [-].
    fits : mapping of (str, str) to tuple of str
        Cooling technologies of a site that take a rack, none where the place does not; a pair that is left out is
        taken by all.
    in_rent : frozenset of str
        Sites of cloud capacity, whose rent has the racks in it.
    """

    programmes: pd.DataFrame
    unit_mw: Mapping[int, float]
    racks: pd.DataFrame = field(default_factory=pd.DataFrame)
    counts: pd.DataFrame = field(default_factory=pd.DataFrame)
    fits: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    in_rent: frozenset[str] = frozenset()

    @property
    def has_racks(self) -> bool:
        """Whether generations of racks are chosen."""
        return bool(len(self.racks))

    def avoidable_mw(self, t: int) -> float:
        """Most of the target that programmes avoid [MW]."""
        return float(self.programmes["max_units"].sum()) * self.unit_mw[t]


def read_racks(path: Path, where: str) -> pd.DataFrame:
    """Read a catalogue of racks, index ``rack``.

    Raises
    ------
    InputError
        With every finding.
    """
    table, findings = read_checked(path, RACKS, where, ("rack",))
    if not findings and table.empty:
        findings = [Finding("study.racks.none", where, "the catalogue has no racks", "0 rows", "add a row a rack")]
    if findings:
        raise InputError(findings)
    return table.set_index("rack")


def best_work_per_mwh(racks: pd.DataFrame, t: int) -> float:
    """Work per MWh of the best rack that can be in service in a year, 0 where there is none."""
    sold = racks.loc[racks["first_year"] <= t, "work_per_kwh"]
    return KWH_PER_MWH * float(sold.max()) if len(sold) else 0.0


def target_mw(work: Mapping[int, float], racks: pd.DataFrame, utilization: float) -> dict[int, float]:
    """Least IT load that does the work asked for, all on the best rack of each period [MW].

    Parameters
    ----------
    work : mapping of int to float
        Work asked for in a year, by period [1/year].
    racks : DataFrame
        As `read_racks` gives it.
    utilization : float
        Mean over installed IT power [-].
    """
    return {
        t: amount / (HOURS_PER_YEAR * utilization * best_work_per_mwh(racks, t)) for t, amount in sorted(work.items())
    }


def work_of(
    config: StudyConfig,
    racks: pd.DataFrame | None,
    periods: Sequence[int],
    yearly_factor: float,
    fits: Mapping[tuple[str, str], tuple[str, ...]],
    kinds: pd.Series,
) -> Work | None:
    """Racks and programmes of a study, ``None`` where it has neither.

    Parameters
    ----------
    config : StudyConfig
        ``[demand]``, ``[facility]`` and ``[economics]``.
    racks : DataFrame, optional
        The catalogue, where demand is given in work.
    periods : sequence of int
        Years of decision [year].
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].
    fits : mapping
        As `Work.fits`.
    kinds : Series, index ``site``
        Kind of each site.
    """
    demand = config.demand
    if demand is None or (racks is None and not demand.efficiency):
        return None
    rows = [
        (e.name, e.max_units, e.cost_musd_per_unit, yearly_factor * e.cost_musd_per_unit) for e in demand.efficiency
    ]
    columns = ["programme", "max_units", "cost_musd", "annuity_musd"]
    programmes = pd.DataFrame(rows, columns=columns).set_index("programme")
    if racks is None:
        return Work(programmes, dict.fromkeys(periods, 1.0))
    use = config.facility.utilization or 1.0
    best = {t: best_work_per_mwh(racks, t) for t in periods}
    counts = pd.DataFrame(
        {t: KWH_PER_MWH * racks["work_per_kwh"] / best[t] * (racks["first_year"] <= t) for t in periods if best[t]},
        index=racks.index,
    )
    factor = rack_yearly_factor(config, yearly_factor)
    priced = racks[["kw", "first_year", "cost_musd_per_mw"]].assign(
        annuity_musd_per_mw=factor * racks["cost_musd_per_mw"]
    )
    units = {t: 1.0 / (HOURS_PER_YEAR * use * best[t]) for t in periods if best[t]}
    in_rent = frozenset(str(s) for s in kinds.index[kinds == "cloud"])
    return Work(programmes, units, priced, counts, fits, in_rent)


def rack_yearly_factor(config: StudyConfig, yearly_factor: float) -> float:
    """Yearly amount per M$ of racks, over their own life where the study gives one [1/year]."""
    return outfit_yearly_factor(config, config.facility, yearly_factor)


def outfit_yearly_factor(config: StudyConfig, facility: FacilitySettings, yearly_factor: float) -> float:
    """Yearly amount per M$ of the IT of a facility, over its own life where that is given [1/year]."""
    life, economics = facility.refresh_years, config.economics
    if life is None or not economics.annuitize:
        return yearly_factor
    return capital_recovery(economics.discount_rate, life)


def fits_of(
    racks: pd.DataFrame,
    cooling_of_site: Mapping[str, Sequence[str]],
    density_kw: Mapping[str, float],
    densest_kw: Mapping[str, float],
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Cooling technologies of each site that take each rack, where not all of them do.

    Parameters
    ----------
    racks : DataFrame
        ``kw`` [kW].
    cooling_of_site : mapping of str to sequence of str
        Technologies by site.
    density_kw : mapping of str to float
        Densest rack that a technology takes; one that is not named takes any [kW].
    densest_kw : mapping of str to float
        Densest rack that a site takes; one that is not named takes any that is cooled [kW].
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for s, technologies in cooling_of_site.items():
        for k, kw in racks["kw"].items():
            most_kw = densest_kw.get(s, float("inf"))
            able = tuple(c for c in technologies if min(most_kw, density_kw.get(c, float("inf"))) >= kw)
            if len(able) < len(technologies):
                found[s, str(k)] = able
    return found


def fits_of_study(study: Study, racks: pd.DataFrame | None) -> dict[tuple[str, str], tuple[str, ...]]:
    """`fits_of` for the candidates of a study; without a region no cooling has a density.

    Parameters
    ----------
    study : Study
        Its region and candidates.
    racks : DataFrame, optional
        ``kw`` [kW].
    """
    if racks is None:
        return {}
    offered: dict[str, list[str]] = {}
    for s, c in study.candidates.cooling.index:
        offered.setdefault(str(s), []).append(str(c))
    return fits_of(racks, offered, _cooled_kw(study), densest_kw(study.own))


def _cooled_kw(study: Study) -> dict[str, float]:
    """Densest rack that each technology takes [kW]."""
    if study.region is None:
        return {}
    known = study.region.facts["cooling_technologies"].set_index("cooling")["rack_density_max_kw"]
    return {str(c): float(kw) for c, kw in known.items()}


def most_dense_kw(study: Study) -> float:
    """Densest rack that some site of a study takes, by its cooling and by what is said of the place [kW]."""
    cooled, of_place = _cooled_kw(study), densest_kw(study.own)
    offered = study.candidates.cooling.index
    unlimited = float("inf")
    return max((min(cooled.get(c, unlimited), of_place.get(s, unlimited)) for s, c in offered), default=unlimited)


def cooled_racks(study: Study) -> pd.DataFrame | None:
    """Racks of a study that at least one site takes, ``None`` where demand is not given in work.

    A rack that nothing cools cannot be bought, so that the target is not stated in it either.
    """
    racks = study.racks
    if racks is None:
        return None
    fits, sites = fits_of_study(study, racks), set(study.candidates.cooling.index.get_level_values("site"))
    cooled = [not sites or any(fits.get((str(s), str(k)), ("any",)) for s in sites) for k in racks.index]
    return racks[cooled]
