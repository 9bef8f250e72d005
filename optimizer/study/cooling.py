"""Cooling technologies on offer at a place: what its climate makes of them, and which its racks and water allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.errors import Finding, nearest
from optimizer.layers import climate
from optimizer.layers.cooling_hours import annual, hourly
from optimizer.layers.weather import Station
from optimizer.study.densities import Densities
from optimizer.study.offers import Sieve
from optimizer.study.outdoors import STRESS_CLASSES, Outdoors
from optimizer.study.region import Region
from optimizer.study.rules import permitted
from optimizer.units import HOURS_PER_DAY

ANY = "unspecified"
"""Name of the cooling of a site of which nothing is known: PUE 1, no water, no cost."""

COLUMNS = ("pue_annual", "pue_hot_day", "wue_m3_per_mwh", "cost_musd_per_mw")


ROUNDING = 1e-6
"""Share of IT by which a plant may fall short: rounding of psychrometrics [-]."""

HOT_HOUR_PERCENTILE = 99.6
"""Percentile of the hours that stands for the hottest, where a study gives none [%]: the 0.4 % annual cooling condition
of ASHRAE, Handbook Fundamentals, Climatic Design Information (as a standard for data centers unverified)."""


@dataclass(frozen=True, eq=False)
class Technologies:
    """Cooling technologies on offer, by climate zone, and what changes them from place to place.

    Parameters
    ----------
    table : DataFrame, index (``iecc_zone``, ``cooling``)
        `COLUMNS`.
    stations : tuple of Station
        Hourly weather: where one stands for a place, its figures replace those of the zone.
    hourly : DataFrame, index (``station``, ``cooling``)
        ``pue_annual``, ``pue_hot_day`` [-], ``wue_m3_per_mwh``, and ``it_share``, the share of IT capacity that the
        technology holds in the hot hour [-]. Only technologies with an hourly method.
    least_it_share : float
        A technology that holds less is not offered [-].
    stress : mapping of str to int
        Stress class of each water region, from 0 for the lowest.
    forbidden_above : mapping of str to int
        Class above which a technology is not offered.
    densities : Densities
        Which technologies are offered for the racks of a place.
    """

    table: pd.DataFrame
    stations: tuple[Station, ...] = ()
    hourly: pd.DataFrame = field(default_factory=pd.DataFrame)
    least_it_share: float = 1.0
    stress: Mapping[str, int] = field(default_factory=dict)
    forbidden_above: Mapping[str, int] = field(default_factory=dict)
    densities: Densities = field(default_factory=Densities)

    @property
    def most_pue(self) -> float:
        """Highest facility power over IT power on a hot day, of any technology anywhere [-]."""
        return float(max([self.table["pue_hot_day"].max(), *self.hourly.get("pue_hot_day", [])]))

    def most_pue_at(self, places: pd.DataFrame) -> np.ndarray:
        """Highest facility power over IT power on a hot day of any technology at each place, 1 where none is [-].

        Parameters
        ----------
        places : DataFrame
            ``iecc_zone``, ``lat`` and ``lon`` [deg]; where places have racks of their own, ``rack_density_kw`` [kW].
        """
        if "rack_density_kw" not in places:
            return self._most_pue_at(places, self.densities.usual_kw)
        most = np.ones(len(places))
        for kw, rows in places.groupby(places["rack_density_kw"].astype(float), dropna=False):
            density_kw = self.densities.usual_kw if np.isnan(kw) else float(kw)
            most[places.index.get_indexer(rows.index)] = self._most_pue_at(rows, density_kw)
        return most

    def _most_pue_at(self, places: pd.DataFrame, density_kw: float | None) -> np.ndarray:
        known, offered = self.densities.table.index, self.densities.offered(density_kw)

        def of(table: pd.DataFrame, level: str) -> pd.Series:
            names = table.index.get_level_values("cooling")
            return table.loc[names.isin(offered) | ~names.isin(known), "pue_hot_day"].groupby(level=level).max()

        by_zone = of(self.table, "iecc_zone")
        most = places["iecc_zone"].map(by_zone).astype(float).fillna(1.0).to_numpy()
        if self.hourly.empty:
            return most
        station = climate.with_station(places, self.stations)["station"]
        return np.fmax(most, station.map(of(self.hourly, "station")).to_numpy(dtype=float))

    def with_unspecified(self) -> Technologies:
        """The same with the technology of sites of which nothing is known."""
        return replace(self, table=pd.concat([self.table, unspecified().table]))


def unspecified() -> Technologies:
    """The one technology of a study without a region: PUE 1, WUE 0, no cost."""
    index = pd.MultiIndex.from_tuples([("", ANY)], names=["iecc_zone", "cooling"])
    return Technologies(pd.DataFrame([(1.0, 1.0, 0.0, 0.0)], index=index, columns=list(COLUMNS)))


def technologies(
    region: Region,
    config: StudyConfig,
    outdoors: Outdoors | None = None,
    racks_kw: Sequence[float] = (),
    sites_kw: Mapping[str, float] | None = None,
) -> tuple[Technologies, list[Finding]]:
    """Cooling technologies by climate zone, less those that the study or its racks rule out.

    Parameters
    ----------
    region : Region
        ``facts/cooling`` and ``facts/cooling_technologies``.
    config : StudyConfig
        ``[cooling]``, ``water.forbid`` and ``facility.rack_density_kw``.
    outdoors : Outdoors, optional
        Hourly weather and stress classes; none by default.
    racks_kw : sequence of float
        Racks that may be chosen [kW].
    sites_kw : mapping of str to float, optional
        Density of the sites that have one of their own [kW].

    Returns
    -------
    options : Technologies
        By zone ``pue_annual`` (median), ``pue_hot_day`` (the study's percentile) [-], ``wue_m3_per_mwh`` (median;
        1 L/kWh is 1 m3/MWh), ``cost_musd_per_mw`` [M$/MW]; by station what its hours make of each technology.
    findings : list of Finding
        Unknown technologies; none left.
    """
    densities = densities_of(region, config, racks_kw)
    options, findings = _by_zone(region, config, densities, sites_kw or {})
    outdoors, names = outdoors or Outdoors(), list(options.index.unique("cooling"))
    made = Technologies(
        options,
        outdoors.stations,
        _by_station(outdoors, names, config),
        1.0 if config.cooling.least_it_share is None else config.cooling.least_it_share,
        {basin: STRESS_CLASSES.index(name) for basin, name in outdoors.stress.items() if name in STRESS_CLASSES},
        {c: STRESS_CLASSES.index(name) for c, name in (config.water.forbid or {}).items()},
        densities,
    )
    made = _with_overhead(made, config.cooling.overhead_factor)
    return made, findings + _unusable(region, config, outdoors, names)


def _with_overhead(made: Technologies, factor: float) -> Technologies:
    """Change what facilities draw beyond their IT load: ``1 + factor (PUE - 1)``."""
    if factor == 1.0:
        return made
    changed = {}
    for name in ("table", "hourly"):
        table = getattr(made, name)
        columns = [c for c in ("pue_annual", "pue_hot_day") if c in table]
        changed[name] = table.assign(**{c: 1.0 + factor * (table[c] - 1.0) for c in columns})
    return replace(made, **changed)


def _by_station(outdoors: Outdoors, names: list[str], config: StudyConfig) -> pd.DataFrame:
    """What the hours of each station make of each technology that has a method."""
    settings = config.cooling
    percentile = settings.hot_hour_percentile or HOT_HOUR_PERCENTILE
    chillers, supplies = settings.chiller_share or {}, settings.supply_c or {}
    rows = {}
    for one in outdoors.stations:
        for name in (n for n in names if n in outdoors.methods):
            method = outdoors.methods[name]
            size, supply = chillers.get(name, method.chiller_share), supplies.get(name, method.supply_c)
            changed = replace(method, chiller_share=size, supply_c=supply)
            rows[one.name, name] = annual(hourly(changed, one.hours, outdoors.parameters), percentile)
    index = pd.MultiIndex.from_tuples(list(rows), names=["station", "cooling"]) if rows else None
    return pd.DataFrame(list(rows.values()), index=index)


def _unusable(region: Region, config: StudyConfig, outdoors: Outdoors, names: list[str]) -> list[Finding]:
    """Keys about technologies, zones and stress that would do nothing."""
    settings, findings = config.cooling, []
    known = list(region.facts["cooling_technologies"]["cooling"])
    keyed = (("cooling.chiller_share", settings.chiller_share), ("cooling.supply_c", settings.supply_c))
    for key, given in (*keyed, ("water.forbid", config.water.forbid)):
        for name in given or {}:
            if name not in known:
                text = "no such technology"
                findings.append(Finding("study.cooling.unknown", key, text, repr(name), nearest(name, known)))
    for key, given in keyed:
        if given and not outdoors.stations:
            text, remedy = "without hourly weather it changes nothing", "give cooling.weather or [[cooling.stations]]"
            findings.append(Finding("study.cooling.no_weather", key, text, "", remedy, "warning"))
    for name in settings.supply_c or {}:
        if name in outdoors.methods and not outdoors.methods[name].is_liquid:
            text, remedy = "air cools its IT, so its water follows from the air supplied", "leave it out"
            findings.append(Finding("study.cooling.not_liquid", "cooling.supply_c", text, repr(name), remedy))
    zones = sorted(set(region.facts["cooling"]["iecc_zone"]))
    for number, one in enumerate(settings.stations, start=1):
        if one.zone is not None and one.zone not in zones:
            where, text = f"cooling.stations#{number} ({one.file})", "no such climate zone"
            findings.append(Finding("study.cooling.zone", where, text, repr(one.zone), nearest(one.zone, zones)))
    without = [n for n in names if outdoors.stations and n not in outdoors.methods]
    if without:
        text, remedy = "no hourly method is known; the table by zone holds for it", "read its PUE as a yearly median"
        findings.append(Finding("study.cooling.no_method", "cooling", text, ", ".join(without), remedy, "warning"))
    return findings


def densities_of(region: Region, config: StudyConfig, racks_kw: Sequence[float]) -> Densities:
    """Range of rack density of the technologies that a study allows.

    Parameters
    ----------
    region : Region
        ``facts/cooling_technologies``.
    config : StudyConfig
        ``cooling.technologies`` and ``facility.rack_density_kw``.
    racks_kw : sequence of float
        Racks that may be chosen [kW].
    """
    known, wanted = region.facts["cooling_technologies"].set_index("cooling"), config.cooling.technologies
    allowed_ones = known if wanted is None else known[known.index.isin(wanted)]
    table = pd.DataFrame(
        {"above_kw": allowed_ones["rack_density_above_kw"], "max_kw": allowed_ones["rack_density_max_kw"]}, dtype=float
    )
    return Densities(table, wanted is not None, tuple(racks_kw), config.facility.rack_density_kw)


def _uncooled(densities: Densities, known: Sequence[str], asked: Mapping[str, float | None]) -> list[Finding]:
    """Places whose racks no technology takes."""
    findings = []
    for where, kw in asked.items():
        if kw is not None and not len(densities.offered(kw)):
            most = densities.table["max_kw"].max()
            remedy = f"lower {where} or allow another technology: {', '.join(known)}"
            text = f"no technology cools such racks; the densest they reach is {most:g} kW"
            findings.append(Finding("study.cooling.none", where, text, f"{kw:g} kW", remedy))
    return findings


def _by_zone(
    region: Region, config: StudyConfig, densities: Densities, sites_kw: Mapping[str, float]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Technologies by zone that racks of any density of the study may have, index (``iecc_zone``, ``cooling``)."""
    known = region.facts["cooling_technologies"].set_index("cooling")
    wanted, usual = config.cooling.technologies, config.facility.rack_density_kw
    findings = [
        Finding("study.cooling.unknown", "cooling.technologies", "no such technology", repr(c), nearest(c, known.index))
        for c in wanted or ()
        if c not in known.index
    ]
    if not findings:
        of_sites = {f"sites, site {s}, rack_density_kw": kw for s, kw in sites_kw.items()}
        findings += _uncooled(densities, list(known.index), {"facility.rack_density_kw": usual} | of_sites)
    chosen = known.loc[densities.offered_to_any([usual, *sites_kw.values()])]
    table = region.facts["cooling"]
    table = table[table["cooling"].isin(chosen.index)].set_index(["iecc_zone", "cooling"]).sort_index()
    options = pd.DataFrame(
        {
            "pue_annual": table["pue_p50"],
            "pue_hot_day": table[f"pue_p{config.cooling.hot_day_percentile:02d}"],
            "wue_m3_per_mwh": table["wue_p50_l_per_kwh"],
            "cost_musd_per_mw": chosen["capex_musd_per_mw_it"]
            .reindex(table.index.get_level_values("cooling"))
            .to_numpy(),
        }
    )
    return options, findings


def by_place(
    places: pd.DataFrame, options: Technologies, least_it_mw: pd.Series | float, utilization: pd.Series | float
) -> pd.DataFrame:
    """Cooling options of each place, with what may rule each of them out.

    Parameters
    ----------
    places : DataFrame
        ``iecc_zone``, ``basin``, ``lat``, ``lon`` [deg] and ``water_available_m3_day`` [m3/day]; where places have
        racks of their own, ``rack_density_kw``, nan for the study's [kW].
    options : Technologies
        As `technologies` gives them.
    least_it_mw : Series or float
        Smallest campus of each place [MW].
    utilization : Series or float
        Mean over installed IT power, of each place or of all [-].

    Returns
    -------
    DataFrame, index (``site``, ``cooling``)
        `COLUMNS`, with ``water_need_m3_day``, what the smallest campus withdraws [m3/day]:
        ``24 x utilization x WUE x MW``; ``available`` [m3/day]; ``it_share``, held in the hot hour [-];
        ``stress`` and ``stress_limit``, classes from 0 on, nan and inf where nothing is said.
    """
    left = pd.DataFrame(
        {
            "site": places.index,
            "iecc_zone": places["iecc_zone"].to_numpy(),
            "available": places["water_available_m3_day"].to_numpy(),
            "least_mw": _of_places(least_it_mw, places),
            "utilization": _of_places(utilization, places),
            "stress": _stress(places, options),
        }
    )
    left["rack_density_kw"] = places["rack_density_kw"].to_numpy(float) if "rack_density_kw" in places else np.nan
    located = climate.with_station(places, options.stations)
    left["station"] = located["station"].to_numpy() if "station" in located else ""
    table = left.merge(options.table.reset_index(), on="iecc_zone")
    table = table[options.densities.are_offered(table["cooling"], table["rack_density_kw"])]
    table = _with_weather(table, options)
    table["stress_limit"] = table["cooling"].map(dict(options.forbidden_above)).fillna(np.inf).astype(float)
    table["water_need_m3_day"] = HOURS_PER_DAY * table["utilization"] * table["wue_m3_per_mwh"] * table["least_mw"]
    order = pd.Series(range(len(places)), index=places.index)
    table["_order"] = table["site"].map(order)
    table = table.sort_values(["_order", "cooling"]).set_index(["site", "cooling"])
    return table[[*COLUMNS, "water_need_m3_day", "available", "it_share", "least_it_share", "stress", "stress_limit"]]


def _of_places(value: pd.Series | float, places: pd.DataFrame) -> np.ndarray | float:
    return value.reindex(places.index).to_numpy(dtype=float) if isinstance(value, pd.Series) else value


def _stress(places: pd.DataFrame, options: Technologies) -> np.ndarray:
    """Stress class of each place's water region, nan where it is not known."""
    if not options.stress:
        return np.full(len(places), np.nan)
    return places["basin"].map(dict(options.stress)).to_numpy(dtype=float)


def _with_weather(table: pd.DataFrame, options: Technologies) -> pd.DataFrame:
    """Put a station's figures in the place of the zone's.

    A plant that holds a share of the IT load in the hot hour is built larger by its inverse, and so holds all: modules
    of one size, each at the load that it holds. Its cost grows likewise.
    """
    table = table.assign(it_share=1.0, least_it_share=options.least_it_share)
    if options.hourly.empty:
        return table
    keys = pd.MultiIndex.from_frame(table[["station", "cooling"]])
    found = options.hourly.reindex(keys).set_axis(table.index)
    for column in ("pue_annual", "pue_hot_day", "wue_m3_per_mwh", "it_share"):
        table[column] = found[column].fillna(table[column])
    # Without any share there is no size that holds; the option is refused then.
    table["cost_musd_per_mw"] = table["cost_musd_per_mw"] / table["it_share"].where(table["it_share"] > 0, 1.0)
    return table


def judged(
    places: pd.DataFrame,
    options: Technologies,
    least_it_mw: pd.Series | float,
    utilization: pd.Series | float,
    sources: Sequence[str] | None,
) -> pd.DataFrame:
    """What rules out the last technology of each place, if anything does.

    Parameters
    ----------
    places : DataFrame
        With the columns that `by_place` reads, and what rules say of cooling (`optimizer.study.rules.LIMITS`).
    options : Technologies
        As `technologies` gives them.
    least_it_mw : Series or float
        Smallest campus of each place [MW].
    utilization : Series or float
        Mean over installed IT power, of each place or of all [-].
    sources : sequence of str, optional
        Water sources that the study may use; ``None`` for all.

    Returns
    -------
    DataFrame, same index
        ``hot``, ``stressed`` and ``dry``: whether heat, the stress of the water or too little of it rule out the last
        technology; ``it_share`` and ``least_it_share`` [-], ``stress`` and ``stress_limit`` [class],
        ``water_need_m3_day`` [m3/day] that say by how much; ``least_pue``, on a hot day, of those that are left [-].
    """
    table = permitted(by_place(places, options, least_it_mw, utilization), places, sources)
    held = table[holds(table)]
    unstressed = held[unforbidden(held)]
    fit = unstressed[unstressed["water_need_m3_day"] <= unstressed["available"]]

    def of(rows: pd.DataFrame, column: str, how: str) -> pd.Series:
        return rows[column].groupby(level="site").agg(how).reindex(places.index)

    result = pd.DataFrame(
        {
            "it_share": of(table, "it_share", "max"),
            "least_it_share": options.least_it_share,
            "stress": of(held, "stress", "min"),
            "stress_limit": of(held, "stress_limit", "max"),
            "water_need_m3_day": of(unstressed, "water_need_m3_day", "min"),
            "least_pue": of(fit, "pue_hot_day", "min"),
        }
    )
    hot = result["it_share"].notna() & ~_among(places, held)
    stressed = result["stress"].notna() & ~_among(places, unstressed)
    return result.assign(hot=hot, stressed=stressed, dry=~_among(places, fit) & ~hot & ~stressed)


def refuse_uncooled(sieve: Sieve, judgement: pd.DataFrame, known: np.ndarray) -> None:
    """Refuse places that no technology cools, by what rules out the last of them.

    Parameters
    ----------
    sieve : Sieve
        Places, with ``water_available_m3_day``.
    judgement : DataFrame
        As `judged` gives it, a row for each place.
    known : bool array
        Places of whose climate and water something is known.
    """
    by = {name: judgement[name].to_numpy() for name in judgement.columns}
    sieve.refuse(by["hot"] & known, "cooling_derated", by["it_share"], by["least_it_share"])
    sieve.refuse(by["stressed"] & known, "water_stress", by["stress"], by["stress_limit"])
    available = sieve.places["water_available_m3_day"].to_numpy()
    sieve.refuse(by["dry"] & known, "no_cooling", available, by["water_need_m3_day"])


def _among(places: pd.DataFrame, options: pd.DataFrame) -> np.ndarray:
    return places.index.isin(options.index.get_level_values("site"))


def holds(table: pd.DataFrame) -> pd.Series:
    """Options whose plant holds enough of the IT load in the hot hour."""
    return (table["it_share"] >= table["least_it_share"] - ROUNDING) & (table["it_share"] > 0)


def unforbidden(table: pd.DataFrame) -> pd.Series:
    """Options that the stress of the place's water does not forbid."""
    return ~(table["stress"] > table["stress_limit"])


def allowed(by_place_table: pd.DataFrame) -> pd.DataFrame:
    """Options that hold in the heat, that water stress does not forbid and that the water region can serve."""
    table = by_place_table
    return table[holds(table) & unforbidden(table) & (table["water_need_m3_day"] <= table["available"])]
