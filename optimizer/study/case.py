"""Case: labels and numbers only, which the formulation reads.

No geometry and no graph: tables by id, in model units (MW, M$, m3/day, t, km, h), with neighbour lists made once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.config.checks import UNTIED_KINDS
from optimizer.grid.all_outages import AllOutages
from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.dropping import DroppedLoad
from optimizer.grid.hvdc import no_links
from optimizer.grid.joint import JointSet
from optimizer.grid.joint_factors import JointFactors
from optimizer.study.circuits import Expansion
from optimizer.study.demands import Demands, Orbit
from optimizer.study.equipment import Equipment
from optimizer.study.portfolio import Portfolio
from optimizer.study.ratings import RatingFactors
from optimizer.study.service import Service
from optimizer.study.supplies import Adequacy, Supply
from optimizer.study.tariffs import Tariffs
from optimizer.study.work import Work


@dataclass(frozen=True)
class PortfolioLimits:
    """Limits on the whole portfolio; ``None`` or an empty mapping means no limit.

    Parameters
    ----------
    share_per_county : float, optional
        Largest share of the period's IT MW in one county [-].
    share_per_substation : float, optional
        Largest share of the period's IT MW tied to one substation [-].
    budget_musd : mapping of int to float
        Largest one-time investment committed up to and including a period [M$].
    carbon_t_per_year : mapping of int to float
        Largest yearly location-based emissions of the campuses in a period [t CO2e/year].
    new_it_mw_per_period : float, optional
        Largest IT MW energized in one period [MW].
    totals : mapping of str to float
        Largest value of an objective over all periods, by its name, in its own unit [M$, t CO2e, m3, MW-years].
    site_ramp_mw_per_year : float, optional
        Most IT MW by which one site grows in a year [MW/year].
    """

    share_per_county: float | None = None
    share_per_substation: float | None = None
    budget_musd: Mapping[int, float] = field(default_factory=dict)
    carbon_t_per_year: Mapping[int, float] = field(default_factory=dict)
    new_it_mw_per_period: float | None = None
    totals: Mapping[str, float] = field(default_factory=dict)
    site_ramp_mw_per_year: float | None = None


@dataclass(frozen=True)
class Case:
    """What the formulation reads.

    Parameters
    ----------
    name : str
        Name of the study.
    periods : DataFrame, index ``period`` (int year)
        ``years`` length of the period [years]; ``annuity_years`` sum of the discount factors of its years [years].
    snapshots : DataFrame, index ``snapshot``
        ``hours`` weight of the operating condition [h/year].
    buses : DataFrame, index ``bus``
        ``base_kv`` [kV], ``substation``, ``zone``. Empty when the study has no grid.
    load_mw : DataFrame, index ``bus``, columns (period, snapshot)
        Existing load, shunt conductance included [MW].
    branches : DataFrame, index ``branch``
        In-service branches only: ``from_bus``, ``to_bus``, ``base_kv`` (the lower of its ends) [kV], ``kind``,
        ``length_km`` [km], ``rating_mw``, ``rating_emergency_mw`` [MW, inf when unlimited], ``flow_min_mw``,
        ``flow_max_mw`` (limits from angle differences) [MW, -inf and inf when none], ``monitored`` (bool, rows are
        looked for here).
    generators : DataFrame, index ``generator``
        ``bus``, ``p_min_mw``, ``p_max_mw`` [MW], ``carrier``, ``carbon_t_per_mwh`` [t/MWh].
    output_min_mw, output_max_mw : DataFrame, index ``generator``, columns snapshot
        Limits of output in each snapshot: availability applied; equal for a fixed dispatch [MW].
    cost_segments : DataFrame, index (generator, segment)
        ``width_mw`` [MW] and ``cost_usd_per_mwh`` [$/MWh] of a convex piecewise linear cost above ``p_min_mw``.
    cost_at_min_usd_per_h : Series, index ``generator``
        Cost of running at ``p_min_mw`` [$/h].
    sites : DataFrame, index ``site``
        ``kind``, ``block_mw``, ``max_blocks``, ``min_blocks``, ``fixed_annuity_musd`` [M$/year once built],
        ``block_annuity_musd`` [M$/year per block], ``fixed_cost_musd``, ``block_cost_musd`` (one-time) [M$],
        ``earliest`` (int year), ``county``, ``substation`` (of its nearest point), ``jurisdiction``, ``basin``,
        ``area_ha`` [ha], ``lat``, ``lon`` [deg], ``utilization`` [-], ``emission_t_per_mwh`` [t/MWh].
    ties : DataFrame, index ``tie``
        ``site``, ``bus``, ``base_kv`` [kV], ``circuits``, ``capacity_mw`` (firm) [MW], ``cost_musd`` [M$],
        ``annuity_musd`` [M$/year], ``length_km`` [km], ``ready`` (int year).
    cooling : DataFrame, index (site, cooling)
        ``pue_annual``, ``pue_hot_day`` [-], ``wue_m3_per_mwh`` (equal to L/kWh) [m3/MWh of IT energy],
        ``cost_musd_per_mw`` [M$ per MW of IT], ``annuity_musd_per_mw`` [M$/year per MW of IT].
    pue : DataFrame, index (site, cooling), columns snapshot
        Facility MW per IT MW in the snapshot [-].
    upgrades : DataFrame, index ``upgrade``
        ``branch``, ``added_mw``, ``added_emergency_mw`` [MW], ``cost_musd`` [M$], ``annuity_musd`` [M$/year],
        ``ready`` (int year), ``kind`` (reconductoring, terminal, or as listed).
    water : DataFrame, index (basin, source)
        ``available_m3_day`` [m3/day] after the study's share, ``price_usd_per_m3`` [$/m3].
    demand_mw : Series, index ``period``
        IT MW that must be in service [MW]. Empty when the study has no demand.
    shortfall_penalty_musd_per_mw_year : float, optional
        Price of unserved IT MW, with racks of a MW of the last period's best; ``None``: all must be served
        [M$/MW-year].
    limits : PortfolioLimits
        Limits on the whole portfolio.
    network : DCNetwork, optional
        Factorized DC network over `buses` and `branches`, in their order; ``None`` without a grid.
    outages : OutageSet, optional
        Outages of single branches that must be survived; ``None`` where they need not be.
    base_overloads : DataFrame
        Columns ``branch``, ``contingency`` (empty text in the base case), ``snapshot``, ``overload_mw``: allowances
        found before any new load, added to the limit [MW].
    joint : JointSet
        Outages of other kinds that must be survived: of generators, by their position in `generators`, of several
        branches, and of sites, by name and the buses of their ties.
    expansion : Expansion
        New circuits on offer; none where the network stays as it is.
    workloads : Demands, optional
        Demand by region and workload; `demand_mw` is then its total. ``None``: demand is a total only.
    orbit : Orbit, optional
        Limits on capacity in orbit; ``None`` where there are none.
    service : Service, optional
        What the grid may curtail, or drop after an outage; ``None``: all service is firm.
    supply : Supply, optional
        Supply on site and alongside; ``None`` without any.
    adequacy : Adequacy, optional
        Capacity that zones must have; ``None`` where none is asked for.
    portfolio : Portfolio
        Concentration, losses, deliveries and carbon; sets no limit by default.
    work : Work, optional
        Generations of racks and programmes of efficiency; ``None`` where there are neither.
    tariffs : Tariffs, optional
        What campuses pay where the cost is the developer's; ``None``: it is the system's.
    rating_factors : RatingFactors, optional
        Factors on ratings by snapshot, of `branches` and of every unit on offer; ``None``: they are the same in all.
    max_generators : mapping of str to int
        Most generators at each site that has a limit [-].
    equipment : Equipment
        IT equipment by site; counts nothing by default.
    links : DataFrame, index ``link``
        HVDC links whose transfer is decided, with `optimizer.grid.hvdc.LINK_COLUMNS`; their ends are in `generators`.
    """

    name: str
    periods: pd.DataFrame
    snapshots: pd.DataFrame
    buses: pd.DataFrame
    load_mw: pd.DataFrame
    branches: pd.DataFrame
    generators: pd.DataFrame
    output_min_mw: pd.DataFrame
    output_max_mw: pd.DataFrame
    cost_segments: pd.DataFrame
    cost_at_min_usd_per_h: pd.Series
    sites: pd.DataFrame
    ties: pd.DataFrame
    cooling: pd.DataFrame
    pue: pd.DataFrame
    upgrades: pd.DataFrame
    water: pd.DataFrame
    demand_mw: pd.Series
    shortfall_penalty_musd_per_mw_year: float | None
    limits: PortfolioLimits
    network: DCNetwork | None
    outages: OutageSet | None
    base_overloads: pd.DataFrame
    joint: JointSet = field(default_factory=JointSet)
    expansion: Expansion = field(default_factory=Expansion)
    workloads: Demands | None = None
    orbit: Orbit | None = None
    service: Service | None = None
    supply: Supply | None = None
    adequacy: Adequacy | None = None
    portfolio: Portfolio = field(default_factory=Portfolio)
    work: Work | None = None
    tariffs: Tariffs | None = None
    rating_factors: RatingFactors | None = None
    max_generators: Mapping[str, int] = field(default_factory=dict)
    equipment: Equipment = field(default_factory=Equipment)
    links: pd.DataFrame = field(default_factory=no_links)

    def rating_factor(self, h: str, after_outage: bool = False) -> NDArray[np.float64] | float:
        """Factor on the rating of every branch in a snapshot, upgrades included: one each, or 1 for all [-]."""
        if self.rating_factors is None:
            return 1.0
        key = (h, after_outage)
        if key not in self._rating_factors:
            table = self.rating_factors.table(after_outage)
            self._rating_factors[key] = table[h].reindex(self.branches.index).to_numpy(float)
        return self._rating_factors[key]

    def rating_factor_of(self, branch: str, h: str, after_outage: bool = False) -> float:
        """Factor on the rating of one branch, or of a unit of a new circuit, in a snapshot [-]."""
        if self.rating_factors is None:
            return 1.0
        return float(self.rating_factors.table(after_outage).at[branch, h])

    @cached_property
    def _rating_factors(self) -> dict[tuple[str, bool], NDArray[np.float64]]:
        return {}

    @property
    def network_cost_share(self) -> float:
        """Share of the cost of network upgrades and circuits that counts [-]."""
        return 1.0 if self.tariffs is None else self.tariffs.network_share

    @property
    def circuits(self) -> pd.DataFrame:
        """New circuits on offer, see `Expansion`."""
        return self.expansion.circuits

    @property
    def grid_network(self) -> DCNetwork:
        """The network, for parts that only a study with a grid builds.

        Raises
        ------
        ValueError
            The study has no grid: the caller's mistake.
        """
        if self.network is None:
            raise ValueError("the case has no grid")
        return self.network

    @property
    def drops_load(self) -> bool:
        """Whether non-firm load may be dropped after an outage."""
        return self.service is not None and self.service.trips and len(self.ties) > 0

    @property
    def has_racks(self) -> bool:
        """Whether demand is given in work, so that what stands counts by its racks."""
        return self.work is not None and self.work.has_racks

    def penalty_musd_per_mw_year(self, t: int) -> float | None:
        """Price of a MW of a period's target that is not served [M$/MW-year]; ``None``: all must be served.

        A unit of work has one price. So with racks a MW of a period with a better rack, which is more work, costs more.
        """
        price = self.shortfall_penalty_musd_per_mw_year
        if price is None or self.work is None or not self.has_racks:
            return price
        return price * self.work.unit_mw[int(self.periods.index[-1])] / self.work.unit_mw[t]

    @property
    def required_mw(self) -> pd.Series:
        """IT MW that must be in service whatever it costs, index ``period`` [MW]."""
        if self.workloads is not None:
            return self.workloads.required_mw
        return self.unavoidable_mw if self.shortfall_penalty_musd_per_mw_year is None else 0.0 * self.demand_mw

    @property
    def unavoidable_mw(self) -> pd.Series:
        """Demand less what programmes of efficiency can avoid of it, index ``period`` [MW]."""
        if self.work is None:
            return self.demand_mw
        left = {t: max(0.0, float(mw) - self.work.avoidable_mw(int(t))) for t, mw in self.demand_mw.items()}
        return pd.Series(left, index=self.demand_mw.index, name=self.demand_mw.name, dtype=float)

    @property
    def has_revenue(self) -> bool:
        """Whether anything served earns revenue."""
        return self.workloads is not None and self.workloads.has_revenue

    @property
    def is_secured(self) -> bool:
        """Whether any outage must be survived."""
        return self.outages is not None or len(self.joint) > 0

    @property
    def outage_names(self) -> tuple[str, ...]:
        """Name of every outage in the order of its number; none where nothing must be survived."""
        return (*(() if self.outages is None else self.outages.names), *self.joint.names)

    def n_outages(self, built: Collection[str]) -> int:
        """Count the outages that must be survived when only some sites are built: no other campus can be lost."""
        campuses = [one.elements.loads for one in self.joint.outages if one.elements.kind == "campus"]
        return len(self.outage_names) - sum(not any(s in built for s, _ in loads) for loads in campuses)

    @property
    def disconnected_buses(self) -> np.ndarray:
        """Positions of the buses that some outage cuts off, ascending: no load there is firm."""
        single = [] if self.outages is None else [self.outages.disconnected_buses]
        return np.unique(np.concatenate([self.joint.disconnected_buses, *single]))

    @cached_property
    def outage_factors(self) -> OutageFactors:
        """How flow moves after outages of single branches; generators take up an imbalance by p_max x availability.

        Raises
        ------
        ValueError
            There are none, or the study has no grid: the caller's mistake.
        """
        if self.outages is None:
            raise ValueError("the case has no outages of single branches")
        participation = np.zeros((len(self.grid_network.bus_ids), len(self.snapshots)))
        np.add.at(participation, self.generator_bus, self.participation_mw)
        return self.outages.factors(self.grid_network, participation)

    @cached_property
    def contingencies(self) -> AllOutages:
        """Every outage that must be survived, under one numbering, and how flow moves after it.

        Raises
        ------
        ValueError
            The study has no grid: the caller's mistake.
        """
        joint = JointFactors(self.grid_network, self.joint, self.generator_bus, self.participation_mw)
        return AllOutages(None if self.outages is None else self.outage_factors, joint)

    @cached_property
    def dropping(self) -> DroppedLoad:
        """How the system runs once non-firm load is dropped; generators give less by p_max x availability.

        Raises
        ------
        ValueError
            The study has no grid: the caller's mistake.
        """
        return DroppedLoad(self.grid_network, self.generator_bus, self.participation_mw)

    @property
    def generator_bus(self) -> np.ndarray:
        """Bus position of each generator, shape (n_generator,)."""
        return self.grid_network.bus_ids.get_indexer(pd.Index(self.generators["bus"]))

    @property
    def participation_mw(self) -> np.ndarray:
        """Share of each generator in balancing what an outage leaves over, shape (n_generator, n_snapshot) [MW]."""
        share = self.output_max_mw[list(self.snapshots.index)].to_numpy(dtype=float).copy()
        # A link holds its transfer after an outage.
        share[self.is_link_end] = 0.0
        return share

    @property
    def is_link_end(self) -> np.ndarray:
        """Which of the generators are ends of HVDC links whose transfer is decided, shape (n_generator,)."""
        return np.asarray(self.generators.index.isin([*self.links["from_unit"], *self.links["to_unit"]]))

    @property
    def needs_tie(self) -> pd.Series:
        """Whether each site draws from the study's grid, index ``site``: of leases, cloud capacity and orbit none."""
        return ~self.sites["kind"].isin(UNTIED_KINDS) & (self.network is not None)

    @property
    def pue_on_grid(self) -> pd.DataFrame:
        """`pue` of the sites that draw from the grid."""
        return self.pue[self.pue.index.get_level_values("site").map(self.needs_tie).to_numpy(bool)]

    @cached_property
    def ties_of_site(self) -> dict[str, list[str]]:
        """Tie ids of each site; those that need none have none."""
        return _neighbours(self.sites.index, self.ties["site"])

    @cached_property
    def ties_of_bus(self) -> dict[str, list[str]]:
        """Tie ids of each point of interconnection that has any."""
        return _neighbours((), self.ties["bus"])

    @cached_property
    def pue_of(self) -> dict[tuple[str, str], dict[str, float]]:
        """`pue` by snapshot, of each site and cooling technology [-]."""
        names, rows = [str(h) for h in self.pue.columns], self.pue.to_numpy(float).tolist()
        return {(s, c): dict(zip(names, row, strict=True)) for (s, c), row in zip(self.pue.index, rows, strict=True)}

    @cached_property
    def cooling_of_site(self) -> dict[str, list[str]]:
        """Cooling technologies of each site."""
        found: dict[str, list[str]] = {s: [] for s in self.sites.index}
        for s, c in self.cooling.index:
            found[s].append(c)
        return found

    @cached_property
    def sites_of_county(self) -> dict[str, list[str]]:
        """Site ids of each county."""
        return _neighbours((), self.sites["county"])

    @cached_property
    def upgrades_of_branch(self) -> dict[str, list[str]]:
        """Upgrade ids of each branch that has any."""
        return _neighbours((), self.upgrades["branch"])


def _neighbours(keys: object, values: pd.Series) -> dict[str, list[str]]:
    """Ids grouped by the value they point at, in table order; `keys` are present even when empty."""
    found: dict[str, list[str]] = {str(k): [] for k in keys}  # type: ignore[attr-defined]
    for item, key in values.items():
        if isinstance(key, str) and key:
            found.setdefault(key, []).append(str(item))
    return found
