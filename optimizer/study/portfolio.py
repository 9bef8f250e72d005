"""Portfolio as the formulation reads it: who shares what, what may be lost, what is delivered, what carbon costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pandas as pd

from optimizer.config import DeliverySettings, FacilitySettings, LimitsSettings
from optimizer.layers.jurisdictions import Jurisdictions
from optimizer.units import USD_PER_MUSD

FACILITY = (
    "shell_share",
    "it_cost_musd_per_mw",
    "staff_people_per_mw",
    "building_t_per_mw",
    "it_t_per_mw",
    "refresh_years",
    "it_mass_t_per_mw",
)
"""Keys of ``[facility]`` from which the table of facilities follows."""

EMBODIED = ("building_t_per_mw", "it_t_per_mw", "refresh_years")
"""Those of them from which embodied carbon follows."""

OWN_LIMITS = ("county", "substation")
"""Columns of sites that keys of their own limit, by rows that stand in policy."""


@dataclass(frozen=True)
class Delivery:
    """An item that is rationed.

    Parameters
    ----------
    item : str
        What it is.
    arriving : mapping of int to float
        Items that arrive after the period before and up to a period, by period [count].
    per_mw : float
        Items that a MW of IT takes [1/MW].
    per_site, per_tie : float
        Items that a site and a tie take [count].
    storable : bool
        Whether what a period leaves over can serve a later one.
    sites : tuple of str
        Sites that take it.
    per_supply_mw, per_cooling_mw : mapping of str to float
        Items that a MW of own supply, and of IT that is cooled, takes, by technology [1/MW].
    per_backup_mw : float
        Items that a MW of backup takes [1/MW].
    per_upgrade, per_circuit : float
        Items that a network upgrade and a new circuit take, whatever sites take [count].
    """

    item: str
    arriving: Mapping[int, float]
    per_mw: float
    per_site: float
    per_tie: float
    storable: bool
    sites: tuple[str, ...]
    per_supply_mw: Mapping[str, float] = field(default_factory=dict)
    per_cooling_mw: Mapping[str, float] = field(default_factory=dict)
    per_backup_mw: float = 0.0
    per_upgrade: float = 0.0
    per_circuit: float = 0.0


@dataclass(frozen=True)
class Portfolio:
    """Limits beside those of `optimizer.study.case.PortfolioLimits`; the default sets none.

    Parameters
    ----------
    share_per : mapping of str to float
        Largest share of the period's IT MW by column of `labels` [-].
    labels : DataFrame, index ``site``
        Text columns of sites that are limited; empty text belongs to nobody.
    survive_loss_of : str
        ``"site"``, ``"substation"``, or empty.
    share_left : float
        Share of the target that stays in service after the loss [-].
    largest_loss_mw : mapping of str to float
        Most facility power at one ``"site"`` and at one ``"substation"`` [MW].
    water_m3_day_per_basin : mapping of str to float
        Largest withdrawal by water region [m3/day].
    new_it_mw_per_year : float, optional
        Largest IT MW energized in a year [MW/year].
    embodied_t : mapping of int to float
        Largest embodied carbon of what stands in a period [t CO2e].
    deliveries : tuple of Delivery
        Items that are rationed.
    carbon_price_usd_per_t : float
        Price of emissions, operational and embodied [$/t CO2e].
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].
    facility : mapping of str to float
        Those of `FACILITY` that are known of a campus, each in its own unit.
    facts : DataFrame, index ``site``
        `FACILITY` of each site by its hall and its kind, nan where unknown, ``has_building`` (1 or 0) and
        ``building_yearly_factor`` [1/year]; without columns, all sites are made of `facility`.
    land_musd_per_block : mapping of str to float
        Part of a block's one-time cost that is land, by site; none for the user's own sites [M$].
    years_before : mapping of int to float
        Years from the period before, or from the decision, to a period [year].
    """

    share_per: Mapping[str, float] = field(default_factory=dict)
    labels: pd.DataFrame = field(default_factory=pd.DataFrame)
    survive_loss_of: str = ""
    share_left: float = 0.0
    largest_loss_mw: Mapping[str, float] = field(default_factory=dict)
    water_m3_day_per_basin: Mapping[str, float] = field(default_factory=dict)
    new_it_mw_per_year: float | None = None
    embodied_t: Mapping[int, float] = field(default_factory=dict)
    deliveries: tuple[Delivery, ...] = ()
    carbon_price_usd_per_t: float = 0.0
    yearly_factor: float = 0.0
    facility: Mapping[str, float] = field(default_factory=dict)
    facts: pd.DataFrame = field(default_factory=pd.DataFrame)
    land_musd_per_block: Mapping[str, float] = field(default_factory=dict)
    years_before: Mapping[int, float] = field(default_factory=dict)

    def without(self, site: str) -> Portfolio:
        """The same limits where a site takes none of the rationed items."""
        kept = (replace(one, sites=tuple(s for s in one.sites if s != site)) for one in self.deliveries)
        return replace(self, deliveries=tuple(kept))

    @property
    def is_limited(self) -> bool:
        """Whether any limit of the part ``portfolio`` is set."""
        return bool(
            self.share_per
            or self.survive_loss_of
            or self.largest_loss_mw
            or self.water_m3_day_per_basin
            or self.new_it_mw_per_year is not None
            or self.embodied_t
        )

    def known(self, name: str, sites: pd.Index) -> pd.Series:
        """A fact of each site, nan where it is unknown."""
        if name in self.facts.columns:
            return self.facts[name].reindex(sites).astype(float)
        usual = {"has_building": 1.0, "building_yearly_factor": self.yearly_factor}
        return pd.Series((usual | dict(self.facility)).get(name, float("nan")), index=sites, dtype=float)

    def embodied_t_per_mw(self, sites: pd.Index) -> pd.Series:
        """Embodied carbon of a MW of IT when it is built: building or launch, and one outfit of IT [t CO2e/MW]."""
        return self.known("building_t_per_mw", sites).fillna(0.0) + self.known("it_t_per_mw", sites).fillna(0.0)

    def least_embodied_t_per_mw(self, sites: pd.Index) -> float:
        """The least of it where a site embodies any: what one more MW takes of a cap at least [t CO2e/MW]."""
        each = self.embodied_t_per_mw(sites)
        return float(each[each > 0].min()) if (each > 0).any() else 0.0

    @property
    def carbon_musd_per_t(self) -> float:
        """Price of a tonne [M$/t CO2e]."""
        return self.carbon_price_usd_per_t / USD_PER_MUSD

    def embodied_musd_per_mw_year(self, sites: pd.Index) -> pd.Series:
        """Yearly price of the embodied carbon of a MW: the building's over the study's life, the IT's over its own.

        ``price (building x yearly factor + IT / refresh years)`` [M$/MW-year]; of satellites over theirs.
        """
        building = self.known("building_t_per_mw", sites).fillna(0.0) * self.known("building_yearly_factor", sites)
        renewed = (self.known("it_t_per_mw", sites) / self.known("refresh_years", sites)).fillna(0.0)
        return self.carbon_musd_per_t * (building + renewed)

    @property
    def has_facilities(self) -> bool:
        """Whether anything is known of what the table of facilities shows."""
        return bool(self.facility) or len(self.facts.columns) > 0


def years_before(periods: Sequence[int], decision_year: int) -> dict[int, float]:
    """Years from the period before to each period, the first from the decision year on, at least one [year].

    Parameters
    ----------
    periods : sequence of int
        Years of decision, increasing [year].
    decision_year : int
        Year at the start of which is decided [year].
    """
    first = max(1, periods[0] - decision_year + 1)
    later = {after: float(after - before) for before, after in pairwise(periods)}
    return {periods[0]: float(first)} | later


def arriving(per_year: Mapping[int, float], periods: Sequence[int], decision_year: int) -> dict[int, float]:
    """Items that arrive after the period before, or from the decision year on, up to each period [count].

    Parameters
    ----------
    per_year : mapping of int to float
        As stated; a year without a number has that of the last one stated before it [1/year].
    periods, decision_year
        As in `years_before`.
    """

    def in_year(year: int) -> float:
        named = [y for y in per_year if y <= year]
        return float(per_year[max(named)]) if named else 0.0

    since = min(decision_year, periods[0])
    found = {}
    for t in periods:
        found[t] = sum(in_year(year) for year in range(since, t + 1))
        since = t + 1
    return found


def deliveries_of(
    settings: Iterable[DeliverySettings], sites: pd.DataFrame, periods: Sequence[int], decision_year: int
) -> tuple[Delivery, ...]:
    """Items that are rationed, by period and with the sites that take them.

    Parameters
    ----------
    settings : iterable of DeliverySettings
        ``[[limits.delivery]]``.
    sites : DataFrame, index ``site``
        ``kind``.
    periods, decision_year
        As in `years_before`.
    """
    made = []
    for one in settings:
        takes = sites["kind"].isin(one.kinds) if one.kinds else pd.Series(True, index=sites.index)
        made.append(
            Delivery(
                one.item,
                arriving(one.per_year, periods, decision_year),
                one.per_mw,
                one.per_site,
                one.per_tie,
                one.storable,
                tuple(str(s) for s in sites.index[takes.to_numpy(bool)]),
                dict(one.per_supply_mw),
                dict(one.per_cooling_mw),
                one.per_backup_mw,
                one.per_upgrade,
                one.per_circuit,
            )
        )
    return tuple(made)


def shares_of(limits: LimitsSettings) -> dict[str, float]:
    """Largest share by column, without the columns that keys of their own limit."""
    return {column: share for column, share in limits.share_per.items() if column not in OWN_LIMITS}


def share_of(limits: LimitsSettings, column: str) -> float | None:
    """Largest share of a county or substation, however it was written; ``None`` without a limit [-]."""
    written = limits.share_per_county if column == "county" else limits.share_per_substation
    return limits.share_per.get(column) if written is None else written


def site_labels(
    sites: pd.DataFrame, own: pd.DataFrame | None, zone_of_bus: Mapping[str, str], known: Jurisdictions
) -> pd.DataFrame:
    """Text columns of sites, by which a portfolio is spread.

    A site of the user's has the texts of its table. What they leave out follows: ``state`` and ``country`` from the
    jurisdiction (US-TX, or Texas, is a state of US), ``zone`` from the nearest point of interconnection.

    Parameters
    ----------
    sites : DataFrame, index ``site``
        Candidates: ``kind``, ``county``, ``jurisdiction``, ``basin``, ``bus``.
    own : DataFrame, optional
        The user's table, same index.
    zone_of_bus : mapping of str to str
        Operator zone of each bus.
    known : Jurisdictions
        By which names of places are compared.
    """
    code = _text(sites["jurisdiction"]).map(known.code_of)
    found = {column: _text(sites[column]) for column in ("kind", "county", "jurisdiction", "basin")}
    found |= {
        "state": code.where(code.str.contains("-", regex=False), ""),
        "country": code.str.split("-").str[0],
        "zone": _text(sites["bus"].map(dict(zone_of_bus))) if "bus" in sites else _text(sites["kind"]).str[:0],
    }
    table = pd.DataFrame(found, index=sites.index)
    for column in () if own is None else own.columns:
        if isinstance(own, pd.DataFrame) and not pd.api.types.is_numeric_dtype(own[column]):
            given = _text(own[column].reindex(sites.index))
            table[column] = given.where(given != "", table[column]) if column in table else given
    return table


def _text(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), "").astype(str)


def facility_values(facility: FacilitySettings) -> dict[str, float]:
    """Those of `FACILITY` that are known."""
    values = {name: getattr(facility, name) for name in FACILITY}
    return {name: float(value) for name, value in values.items() if value is not None}
