"""A plan as the report reads it: the same tables, joined and sorted for printing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import pandas as pd

from optimizer.errors import Finding
from optimizer.layers.places import WGS84, equal_area_crs
from optimizer.plan.manifest import Entry, inputs_of
from optimizer.plan.plan import Plan
from optimizer.report.sources import WaterRegion, water_regions
from optimizer.report.text import words
from optimizer.resources import dataset_names

_M2_PER_KM2 = 1e6


@dataclass(frozen=True)
class View:
    """What sections and maps ask of a plan.

    Parameters
    ----------
    plan : Plan
        The plan to show.
    """

    plan: Plan

    @property
    def summary(self) -> dict[str, Any]:
        """Content of plan.json."""
        return self.plan.summary

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the plan; an empty one if the plan has none of that name."""
        return self.plan.tables.get(name, pd.DataFrame())

    @cached_property
    def title(self) -> str:
        """Title of the report."""
        return self.plan.config.report.title or self.plan.config.study.name

    @cached_property
    def it_mw(self) -> dict[int, float]:
        """IT MW in service by period, in order."""
        return {int(t): float(v) for t, v in sorted((int(k), v) for k, v in self.summary.get("it_mw", {}).items())}

    @cached_property
    def periods(self) -> list[int]:
        """Years of decision, in order."""
        return list(self.plan.config.study.periods)

    @property
    def last_period(self) -> int:
        """Last year of decision."""
        return self.periods[-1]

    @property
    def is_developer(self) -> bool:
        """Whether the cost is the developer's, tariffs included, and not the system's."""
        return self.plan.config.study.perspective == "developer"

    @property
    def baseline_musd(self) -> float:
        """Cost of the same system without new load; 0 where the cost is the developer's, who has no part in it [M$]."""
        return 0.0 if self.is_developer else float(self.summary.get("baseline_musd") or 0.0)

    @cached_property
    def above_baseline_musd(self) -> float:
        """Cost above that of the same system without new load [M$]."""
        return float(self.summary["objective_musd"]) - self.baseline_musd

    @cached_property
    def sites(self) -> pd.DataFrame:
        """Built sites, largest first, indexed by site.

        Columns of the plan's ``sites`` table in the last period each stands, ``rank`` (1 is the largest),
        ``it_mw_<period>`` for every period, ``cost_musd`` over all periods, and the tie's ``base_kv`` and ``tie_km``.
        """
        rows = self.table("sites")
        if rows.empty:
            return pd.DataFrame({"it_mw": [], "rank": []}, index=pd.Index([], name="site"))
        last = rows.sort_values("period", kind="stable").groupby("site").tail(1).set_index("site")
        by_period = rows.pivot_table(index="site", columns="period", values="it_mw", aggfunc="sum")
        for period in self.periods:
            last[f"it_mw_{period}"] = by_period[period].fillna(0.0) if period in by_period else 0.0
        last["cost_musd"] = rows.groupby("site")["cost_musd"].sum()
        ties = self.table("ties")
        if not ties.empty:
            first = ties.drop_duplicates("site").set_index("site")
            last["base_kv"], last["tie_km"] = first["base_kv"], first["length_km"]
        ordered = last.assign(_site=last.index).sort_values(["it_mw", "_site"], ascending=[False, True])
        return ordered.drop(columns="_site").assign(rank=range(1, len(ordered) + 1))

    @cached_property
    def halls(self) -> pd.DataFrame:
        """What each built site is made of, indexed by site; empty unless the table of sites says so for one of them.

        Columns ``archetype``, ``rack_density_kw`` [kW] and ``utilization_share`` [-]; the study's where none is given.
        """
        given = self.table("halls")
        if given.empty:
            return pd.DataFrame(columns=["archetype", "rack_density_kw", "utilization_share"])
        config = self.plan.config
        # Without a region no archetype of the study's fills anything.
        region = config.sites.region or (config.grid is not None and config.grid.source in dataset_names())
        usual = config.demand.archetype if config.demand is not None and region else ""
        use = config.facility.utilization
        rows = given.set_index("site").reindex(self.sites.index)
        return pd.DataFrame(
            {
                "archetype": rows["archetype"].where(rows["archetype"].fillna("") != "", usual),
                "rack_density_kw": rows["rack_density_kw"].fillna(config.facility.rack_density_kw or float("nan")),
                "utilization_share": rows["utilization"].fillna(1.0 if use is None else use),
            }
        )

    @cached_property
    def kinds(self) -> pd.Series:
        """Kind of each built site, index ``site``; empty text where the inputs of the study are not at hand."""
        study = self.plan.study
        if study is None:
            return pd.Series("", index=self.sites.index, dtype=object)
        return study.candidates.sites["kind"].reindex(self.sites.index).fillna("").astype(object)

    @property
    def errors(self) -> list[Finding]:
        """Findings that contradict the plan."""
        return [finding for finding in self.plan.findings if finding.severity == "error"]

    @property
    def verified(self) -> bool:
        """Whether the plan was recomputed independently."""
        return self.summary.get("seconds", {}).get("verify") is not None

    @cached_property
    def splitting_outages(self) -> int:
        """Outages of one branch that split the network; 0 when the network is not at hand."""
        grid = None if self.plan.study is None else self.plan.study.grid
        return 0 if grid is None else len(grid.bridges())

    @cached_property
    def _water_regions(self) -> dict[str, WaterRegion]:
        return water_regions(self.plan.config)

    def water_stress(self) -> list[str]:
        """Water stress class of each built site's region, in order of `sites`; empty where it is not known."""
        known = self._water_regions
        return [words(known[basin].stress) if basin in known else "" for basin in self.sites["basin"]]

    def basin(self, basin: str) -> str:
        """Id of a water region with its name, where it has one."""
        region = self._water_regions.get(basin)
        return f"{basin} {region.name}" if region is not None and region.name else str(basin)

    def short_basin(self, basin: str) -> str:
        """As `basin`, without what the name adds in brackets."""
        return self.basin(basin).partition(" (")[0]

    @cached_property
    def _bus_names(self) -> dict[str, str]:
        grid = None if self.plan.study is None else self.plan.study.grid
        return {} if grid is None else {str(bus): str(name) for bus, name in grid.buses["name"].items() if name}

    @cached_property
    def _branch_ends(self) -> dict[str, tuple[str, str]]:
        grid = None if self.plan.study is None else self.plan.study.grid
        tables = [self.built_circuits] if grid is None else [grid.branches, self.built_circuits]
        rows = pd.concat([table[["from_bus", "to_bus"]] for table in tables])
        ends = zip(rows.index, rows["from_bus"], rows["to_bus"], strict=True)
        return {str(branch): (str(start), str(end)) for branch, start, end in ends}

    @cached_property
    def built_circuits(self) -> pd.DataFrame:
        """Circuits that the plan builds under every name that a unit of them has as a branch, indexed by ``branch``.

        Columns ``from_bus``, ``to_bus``, ``rating_mw`` (of one) [MW], ``length_km`` [km].
        """
        rows, columns = self.table("circuits"), ["from_bus", "to_bus", "rating_mw", "length_km"]
        if rows.empty:
            return pd.DataFrame(columns=columns, index=pd.Index([], name="branch"))
        total = rows.groupby("circuit")["count"].sum()
        rows = rows.drop_duplicates("circuit").set_index("circuit")[columns]
        parts = [rows, *(rows.loc[[c]].set_axis([f"{c}/{i}"]) for c in rows.index for i in range(1, int(total[c]) + 1))]
        return pd.concat(parts).rename_axis("branch")

    def bus(self, bus: str) -> str:
        """Id of a bus with its name, where it has one."""
        return f"{bus} {self._bus_names[bus]}" if bus in self._bus_names else str(bus)

    def branch(self, branch: str) -> str:
        """Id of a branch with the buses it joins, where the network is at hand; other text as it is."""
        ends = self._branch_ends.get(branch)
        if ends is None:
            return str(branch)
        start, end = (self._bus_names.get(bus, bus) for bus in ends)
        return f"{branch} {start} – {end}"

    def refused_area_km2(self) -> pd.DataFrame:
        """Refused places by rule, most first: ``rule``, ``places`` and, with the study at hand, ``area_km2``."""
        study = self.plan.study
        if study is not None and study.config.demand is not None:
            return refused_by_rule(study.candidates.refused)
        refused = self.table("refused")
        return refused_by_rule(refused) if len(refused) else pd.DataFrame()

    def inputs(self) -> tuple[Entry, ...]:
        """Every file the study read, with its hash."""
        study = self.plan.study
        return () if study is None else inputs_of([(file.path, file.role) for file in study.inputs], study.folder)

    @cached_property
    def base_loading(self) -> pd.DataFrame:
        """Highest loading of each branch without an outage in the last period, indexed by branch."""
        return highest(self.table("flows"), self.last_period)

    @cached_property
    def outage_loading(self) -> pd.DataFrame:
        """Highest loading listed for each branch after an outage in the last period, indexed by branch."""
        return highest(self.table("contingencies"), self.last_period)

    @cached_property
    def dropped_mw(self) -> pd.Series:
        """New load that any outage drops, the most first, index (period, snapshot) [MW]; empty where none is."""
        rows = self.table("dropped")
        if rows.empty:
            return pd.Series(dtype=float)
        summed = rows[rows["dropped_mw"] > 0].groupby(["period", "snapshot"])["dropped_mw"].sum()
        return summed.sort_values(ascending=False, kind="stable")


def refused_by_rule(refused: pd.DataFrame) -> pd.DataFrame:
    """Return refused places by rule, most first: ``rule``, ``places`` and, where they are areas, ``area_km2``."""
    if refused.empty:
        return pd.DataFrame()
    by_rule = pd.DataFrame({"places": refused.groupby("rule", sort=True).size()})
    if isinstance(refused, gpd.GeoDataFrame) and refused.geometry.notna().any():
        shapes = refused.geometry.to_crs(_equal_area(refused))
        by_rule["area_km2"] = (shapes.area / _M2_PER_KM2).groupby(refused["rule"].to_numpy()).sum()
    ordered = by_rule.reset_index().sort_values(["places", "rule"], ascending=[False, True], kind="stable")
    return ordered.reset_index(drop=True)


def _equal_area(places: gpd.GeoDataFrame) -> Any:
    return equal_area_crs(tuple(places.to_crs(WGS84).total_bounds))


def highest(loadings: pd.DataFrame, period: int) -> pd.DataFrame:
    """Return for each branch the row of its highest loading in a period, indexed by branch, highest first.

    Parameters
    ----------
    loadings : DataFrame
        Columns ``branch``, ``period``, ``snapshot``, ``flow_mw``, ``limit_mw``, ``loading``, perhaps ``contingency``.
    period : int
        The period looked at.
    """
    columns = ["snapshot", "flow_mw", "limit_mw", "loading"]
    if loadings.empty:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="branch"))
    rows = loadings[(loadings["period"] == period) & loadings["loading"].notna()]
    return highest_by_branch(rows)


def highest_by_branch(loadings: pd.DataFrame) -> pd.DataFrame:
    """Return for each branch the row of its highest loading, indexed by branch, highest first."""
    ordered = loadings.sort_values(["loading", "branch", "snapshot"], ascending=[False, True, True], kind="stable")
    return ordered.drop_duplicates("branch").set_index("branch")
