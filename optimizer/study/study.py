"""Study: what the user holds. A configuration, the grid, the region, the user's tables, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.config import ConditionsSettings, FacilitySettings, StudyConfig, apply_overrides, scenario_config
from optimizer.errors import Finding, refuse_errors
from optimizer.grid.contingency import OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint import Elements, JointSet
from optimizer.grid.network import Grid
from optimizer.grid.topology import is_equivalent
from optimizer.layers import water
from optimizer.layers.layer import MapLayer
from optimizer.layers.regulation import RuleBook
from optimizer.layers.terrain import TerrainTable
from optimizer.study import cooling, points
from optimizer.study.branches import branch_table, no_branches, no_upgrades, upgrade_table
from optimizer.study.build import build_case
from optimizer.study.case import Case
from optimizer.study.cells import Surroundings, Surveyed, land_offers, surveyed
from optimizer.study.circuits import Expansion, circuit_table, extended_network, no_circuits, with_units
from optimizer.study.conditions import changed_upgrades
from optimizer.study.contingencies import grid_outages
from optimizer.study.cooling import Technologies
from optimizer.study.costs import Costs
from optimizer.study.demands import Demands
from optimizer.study.economics import period_table, shortened, sooner, yearly_factor
from optimizer.study.halls import densities_kw, halls_of
from optimizer.study.inputs import InputFile
from optimizer.study.offers import Offers
from optimizer.study.operation import Operation, operate
from optimizer.study.outdoors import Outdoors
from optimizer.study.own import OwnSites
from optimizer.study.own_offers import OwnSurroundings, own_offers
from optimizer.study.portfolio import site_labels
from optimizer.study.ratings import RatingFactors, applied_rows, factors_of
from optimizer.study.reading import Loaded
from optimizer.study.region import Region
from optimizer.study.reinforcements import branch_of, from_case, reinforcements
from optimizer.study.routing import Routing, make_routing
from optimizer.study.sites import Candidates, assemble, no_candidates, no_water
from optimizer.study.supply_tables import SupplyTables
from optimizer.study.water import water_options
from optimizer.study.workload_tables import WorkloadTables
from optimizer.study.workloads import demands_of

__all__ = ["Candidates", "Study"]

MOST_SURVEYED = 200_000
"""Cells or parcels up to which a survey of the land is kept for studies that change prices; one of more takes longer to
find memory for than to make again (unverified: a choice) [count]."""


@dataclass(frozen=True, eq=False)
class Study:
    """A study: read it with `read_study`, change it with `override` or `scenario`.

    Parameters
    ----------
    name : str
        Name of the study.
    config : StudyConfig
        The study file, resolved; ``[facility]`` filled from the archetype where a region is used.
    folder : Path
        Folder that paths of the study are relative to.
    grid : Grid, optional
        The network.
    region : Region, optional
        Counties and facts.
    inputs : tuple of InputFile
        Every file that was read.
    findings : tuple of Finding
        Warnings and notes of reading; never errors.
    written : StudyConfig
        The study file as it was given, which overrides apply to.
    own : OwnSites, optional
        The user's own sites and ties.
    layers : tuple of MapLayer
        Map layers of the user.
    parcels : GeoDataFrame, optional
        The user's parcels, index name.
    loaded : mapping
        All that was read, by role and name, so that an override does not read it again.
    outage_lists : mapping of str to DataFrame
        Lists of outages by the name of their file.
    outdoors : Outdoors
        Hourly weather, stress of water and water behind the electricity, where the study asks for them.
    terrain : mapping of str to TerrainTable
        Terrain tables by name, where a layer asks for one.
    rules : RuleBook
        Regulation.
    headroom : DataFrame, optional
        What limits headroom at each bus, where the study offers circuits for it.
    workload_tables : WorkloadTables, optional
        Demand by region and workload, and pairs.
    supply_tables : SupplyTables, optional
        Technologies of supply on site.
    racks : DataFrame, optional
        Catalogue of racks, where demand is given in work, index ``rack``.
    archetypes : mapping of str to mapping of str to float
        Values of facilities by archetype and parameter, where the study or a site of its own asks for them.
    """

    name: str
    config: StudyConfig
    folder: Path
    grid: Grid | None
    region: Region | None
    inputs: tuple[InputFile, ...]
    findings: tuple[Finding, ...]
    written: StudyConfig = field(repr=False)
    own: OwnSites | None = field(repr=False, default=None)
    layers: tuple[MapLayer, ...] = field(repr=False, default=())
    parcels: gpd.GeoDataFrame | None = field(repr=False, default=None)
    loaded: Mapping[tuple[str, ...], Loaded] = field(repr=False, default_factory=dict)
    outage_lists: Mapping[str, pd.DataFrame] = field(repr=False, default_factory=dict)
    outdoors: Outdoors = field(repr=False, default_factory=Outdoors)
    terrain: Mapping[str, TerrainTable] = field(repr=False, default_factory=dict)
    rules: RuleBook = field(repr=False, default_factory=RuleBook)
    headroom: pd.DataFrame | None = field(repr=False, default=None)
    workload_tables: WorkloadTables | None = field(repr=False, default=None)
    supply_tables: SupplyTables | None = field(repr=False, default=None)
    racks: pd.DataFrame | None = field(repr=False, default=None)
    archetypes: Mapping[str, Mapping[str, float]] = field(repr=False, default_factory=dict)

    def override(self, mapping: Mapping[str, Any]) -> Study:
        """Return a study with some keys changed; files that the change does not touch are not read again.

        Parameters
        ----------
        mapping : mapping of str to object
            Dotted key to value, such as ``{"water.withdrawal_share": 0.0}``.

        Raises
        ------
        InputError
            A key is unknown, a value cannot be used, or a file that is now needed cannot be read.
        """
        return self._changed(apply_overrides(self.written, mapping))

    def scenario(self, name: str) -> Study:
        """Return the study with the overrides of its scenario `name`.

        Raises
        ------
        InputError
            There is no such scenario, or it cannot be applied.
        """
        return self._changed(scenario_config(self.written, name))

    def _changed(self, written: StudyConfig) -> Study:
        # What reads a study makes one, so it stands above this class.
        from optimizer.study.from_file import study_of

        return study_of(written, self.folder, self.loaded, before=self)

    @cached_property
    def yearly_factor(self) -> float:
        """Yearly amount per M$ of one-time cost [1/year]."""
        economics = self.config.economics
        periods = period_table(self.config.study.periods, economics.discount_rate, economics.last_period_years)
        return yearly_factor(periods, economics.discount_rate, economics.life_years, economics.annuitize)

    @cached_property
    def network(self) -> DCNetwork | None:
        """Factorized DC network; ``None`` without a grid."""
        if self.grid is None or self.config.grid is None:
            return None
        return DCNetwork.build(self.grid.buses.index, self.grid.branches_in_service, self.config.grid.susceptance)

    @cached_property
    def outages(self) -> OutageSet | None:
        """Outage of every branch, those that split the network only if they are secured; ``None`` without a grid."""
        if self.grid is None or self.network is None:
            return None
        skip = self.config.security.splitting == "skip"
        load_mw = self.grid.buses["load_mw"].to_numpy()
        return OutageSet.branches(self.network, load_mw, skip, is_equivalent(self.grid.branches_in_service))

    @cached_property
    def widest_outages(self) -> tuple[OutageSet, JointSet]:
        """Outages of single branches and others with every circuit on offer built: what they cut off is never firm."""
        assert self.grid is not None
        assert self.network is not None
        assert self.outages is not None
        if self.circuits.empty:
            return self.outages, self.joint
        network = extended_network(self.network, Expansion(self.circuits), self.circuits["max_count"].to_dict())
        load_mw, skip = self.grid.buses["load_mw"].to_numpy(), self.config.security.splitting == "skip"
        at = network.bus_ids.get_indexer(self.operation.generators["bus"])
        single = OutageSet.branches(network, load_mw, skip)
        return single, JointSet.build(network, self.other_outages[0], at, load_mw, skip)

    @cached_property
    def other_outages(self) -> tuple[list[Elements], list[Finding]]:
        """Outages of generators, double circuits and lists that are asked for, and what is wrong with them."""
        if self.grid is None:
            return [], []
        return grid_outages(self.config, self.grid, self.operation, self.outage_lists)

    @cached_property
    def joint(self) -> JointSet:
        """Outages beside those of single branches and of campuses, with what each leaves.

        Raises
        ------
        InputError
            One leaves the network connected but without a unique DC solution.
        """
        return JointSet() if self.network is None else self.joint_set(self.other_outages[0])

    def joint_set(self, outages: Iterable[Elements]) -> JointSet:
        """Find out what outages leave of the network."""
        assert self.grid is not None
        assert self.network is not None
        at = self.network.bus_ids.get_indexer(self.operation.generators["bus"])
        skip = self.config.security.splitting == "skip"
        return JointSet.build(self.network, outages, at, self.grid.buses["load_mw"].to_numpy(), skip)

    @cached_property
    def operation(self) -> Operation:
        """Snapshots, existing load and limits of generation."""
        return operate(self.config, self.grid)[0]

    @cached_property
    def planned_operation(self) -> Operation:
        """The same as the tables say it, without ``conditions``: on this candidate sites rest."""
        if self.config.conditions == ConditionsSettings():
            return self.operation
        return operate(self.config.model_copy(update={"conditions": ConditionsSettings()}), self.grid)[0]

    @cached_property
    def costs(self) -> Costs | None:
        """Costs and lead times of the region; ``None`` without one."""
        return None if self.region is None else Costs(self.region.facts, self.config.study.shorter_lead_months)

    @cached_property
    def branches(self) -> pd.DataFrame:
        """Branches in service, as `Case.branches`."""
        if self.grid is None or self.network is None:
            return no_branches()
        return branch_table(self.grid, self.network, self.config)

    @cached_property
    def widest_branches(self) -> pd.DataFrame:
        """Branches in service and every unit of every circuit on offer, as `Case.branches`."""
        return with_units(self.branches, Expansion(self.circuits), self.circuits["max_count"].to_dict())

    @cached_property
    def rating_factors(self) -> RatingFactors | None:
        """Factors on ratings by snapshot; ``None`` where ratings are the same in all."""
        if self.grid is None or self.config.grid is None or applied_rows(self.config.grid, self.grid).empty:
            return None
        offer, own = Expansion(self.circuits), list(self.branches.index)
        # A circuit that the study makes for a branch stands beside it or in its place, in the same weather.
        given = self.grid.circuits.index
        names = [e if e in given else branch_of(e) for e, _ in offer.units]
        owner = pd.Series([*own, *names], index=self.widest_branches.index)
        return factors_of(self.config.grid, self.grid, self.widest_branches, owner, self.operation.snapshots.index)

    @cached_property
    def offered_circuits(self) -> pd.DataFrame:
        """New circuits on offer, with the columns of the grid's table."""
        assert self.grid is not None
        if not self.config.expansion.enabled:
            return self.grid.circuits.iloc[:0]
        beside, settings = self.reinforcing_circuits[0], self.config.study
        given = self.grid.circuits
        if settings.shorter_lead_months:
            years = sooner(given["ready"].astype(float), settings.decision_year, settings.shorter_lead_months)
            given = given.assign(ready=years)
        return given if beside.empty else pd.concat([given, beside]).rename_axis("circuit")

    @cached_property
    def reinforcing_circuits(self) -> tuple[pd.DataFrame, list[Finding]]:
        """New circuits for branches that the study names or that limit headroom, and what is wrong with them."""
        settings = self.config.expansion
        if self.grid is None or not settings.enabled:
            return no_circuits(), []
        made, findings = from_case(self.grid, settings, self.yearly_factor)
        if self.headroom is None and not settings.branches:
            return made, findings
        year, shorter = self.config.study.decision_year, self.config.study.shorter_lead_months
        if settings.lead_months is not None:
            settings = settings.model_copy(update={"lead_months": shortened(settings.lead_months, shorter)})
        table, found = reinforcements(self.grid, self.headroom, settings, self.costs, year)
        # A branch that the case prices itself is not offered twice.
        table = table[~table.index.isin(made.index)]
        return (table if made.empty else pd.concat([made, table])), [*findings, *found]

    @cached_property
    def circuits(self) -> pd.DataFrame:
        """New circuits on offer, as `Case.circuits`."""
        if self.grid is None or self.offered_circuits.empty:
            return no_circuits()
        return circuit_table(self.offered_circuits, self.grid.buses["base_kv"], self.config, self.yearly_factor)

    @cached_property
    def possible_upgrades(self) -> pd.DataFrame:
        """Upgrades that could be built, whether or not the study offers them."""
        return upgrade_table(self.grid, self.branches, self.config, self.costs, self.yearly_factor)

    @property
    def upgrades(self) -> pd.DataFrame:
        """Upgrades on offer, as `Case.upgrades`, with ``length_km`` that is paid for [km]."""
        offered = self.possible_upgrades if self.config.upgrades.enabled else no_upgrades()
        return changed_upgrades(self.config.conditions, offered)

    @cached_property
    def points(self) -> pd.DataFrame:
        """Points of interconnection, see `optimizer.study.points.points_of_interconnection`."""
        if self.grid is None or self.outages is None:
            return points.no_points()
        own_mw, factors = self.planned_operation.own_mw(), self.rating_factors
        flows = points.intake(self.grid, self.widest_branches, self.possible_upgrades, own_mw, factors)
        cut_off = np.union1d(self.widest_outages[0].disconnected_buses, self.widest_outages[1].disconnected_buses)
        return points.points_of_interconnection(self.grid, flows, cut_off, self.config)

    @cached_property
    def routing(self) -> Routing | None:
        """How the routes of ties are found; ``None`` for straight lines, and without a region or points.

        Raises
        ------
        InputError
            A raster holds a friction factor that is not a positive number.
        """
        settings = self.config.sites
        if settings.routing == "straight" or self.region is None or self.points.empty:
            return None
        return make_routing(self.region, settings, self.layers, self.terrain, self.points)

    @cached_property
    def cooling(self) -> Technologies:
        """Cooling technologies, see `optimizer.study.cooling.technologies`."""
        if self.region is None:
            return cooling.unspecified()
        found = self.technologies[0]
        return found if self.own is None else found.with_unspecified()

    @cached_property
    def technologies(self) -> tuple[Technologies, list[Finding]]:
        """Cooling technologies of the region, and what is wrong with the keys about them."""
        assert self.region is not None
        racks_kw = () if self.racks is None else tuple(self.racks["kw"].astype(float))
        return cooling.technologies(
            self.region, self.config, self.outdoors, racks_kw, densities_kw(self.halls, self.own)
        )

    @cached_property
    def halls(self) -> dict[str, FacilitySettings]:
        """What those of the user's sites are made of that have an archetype or a rack density of their own."""
        return halls_of(self.own, self.written.facility, self.config.facility, self.archetypes)

    def facility_of(self, site: str) -> FacilitySettings:
        """What a site is made of: its own hall, or that of the study."""
        return self.halls.get(site, self.config.facility)

    @cached_property
    def candidates(self) -> Candidates:
        """Candidate sites, their ties, cooling and water, and refused places; none without demand.

        Raises
        ------
        InputError
            A site of the user's cannot be, or the region would be cut into too many cells.
        """
        if self.config.demand is None:
            return no_candidates(self.operation.snapshots.index)
        parts: list[Offers] = []
        if self.own is not None:
            offers, found = self.own_offers
            refuse_errors(found)
            parts.append(offers)
        if self.region is not None and self.grid is not None:
            parts.append(land_offers(self.surveyed, self.surroundings))
            if len(self.surveyed.land.table) > MOST_SURVEYED:
                del vars(self)["surveyed"]
        settings = water_options(self.config)
        supply = no_water() if self.region is None else water.supply(self.region.facts["water_sources"], settings)
        buses = None if self.grid is None else self.grid.buses
        hot_day, sources = self.planned_operation.hot_day, self.config.water.sources
        return assemble(parts, self.cooling, supply, hot_day, buses, self.yearly_factor, self.routing, sources)

    @property
    def surroundings(self) -> Surroundings:
        """All that land is judged by; the study has a region."""
        assert self.region is not None
        return Surroundings(
            self.config,
            self.region,
            self.layers,
            self.parcels,
            self.points,
            self.cooling,
            self.yearly_factor,
            self.routing,
            self.rules,
        )

    @cached_property
    def surveyed(self) -> Surveyed:
        """The land and what could be on it, whatever it costs; the study has a region."""
        return surveyed(self.surroundings)

    @cached_property
    def own_offers(self) -> tuple[Offers, list[Finding]]:
        """The user's own sites as offers, and what is wrong with them."""
        cut_off = self.joint.disconnected_buses
        if self.outages is not None:
            single, joint = self.widest_outages
            cut_off = joint.disconnected_buses
            if "branch" in self.config.security.contingencies:
                cut_off = np.union1d(cut_off, single.disconnected_buses)
        buses = [] if self.grid is None else self.grid.buses.index[cut_off]
        around = OwnSurroundings(
            self.config,
            self.grid,
            self.region,
            self.layers,
            self.points,
            frozenset(buses),
            self.cooling,
            self.routing,
            self.rules,
            self.halls,
        )
        assert self.own is not None
        return own_offers(self.own, around)

    @cached_property
    def workloads(self) -> tuple[Demands, list[Finding]] | None:
        """Demand by region and workload with the sites that may serve it, and what is wrong; ``None`` without."""
        if self.workload_tables is None:
            return None
        sites, refused = pd.DataFrame(self.candidates.sites), self.candidates.refused["place"]
        country = pd.Series("", index=sites.index) if self.own is None else self.own.sites["country"]
        placed = sites.assign(country=country.reindex(sites.index).fillna(""))
        known = [*sites.index, *refused]
        return demands_of(self.workload_tables, placed, self.config, known, self.rules.jurisdictions)

    @cached_property
    def site_labels(self) -> pd.DataFrame:
        """Text columns of the candidate sites, by which a portfolio is spread, index ``site``."""
        own = None if self.own is None else pd.DataFrame(self.own.sites.drop(columns="geometry"))
        zones = {} if self.grid is None else self.grid.buses["zone"].astype(str).to_dict()
        return site_labels(pd.DataFrame(self.candidates.sites), own, zones, self.rules.jurisdictions)

    @cached_property
    def case(self) -> Case:
        """Labels and numbers only, for the formulation."""
        return build_case(self)
