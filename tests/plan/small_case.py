"""The study of the plan made by hand in `tests.plan.small`: its network on four buses, its sites, land and text.

The network is a triangle a, b, c of equal reactances with d on a spur at c::

        a ------- b          generators: cheap at a (20 $/MWh, 300 MW), dear at b (50 $/MWh, 100 MW)
         \\       /           load at the peak: b 90, c 10, d 20 MW; half of that in the light snapshot
          c ----              ratings / emergency ratings [MW]: ab 125 / 150, ac 90 / 100, cb 75 / 90, cd 15 / 18
          |
          d
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, box

from optimizer.config import StudyConfig, load_config, scenario_config
from optimizer.grid.contingency import OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid
from optimizer.layers.regulation import RuleBook
from optimizer.study.case import Case, PortfolioLimits
from optimizer.study.inputs import InputFile
from optimizer.study.outdoors import Outdoors
from optimizer.study.reading import Loaded

PERIODS, SNAPSHOTS = (2030, 2032), ("peak", "light")
OPERATING = [(t, h) for t in PERIODS for h in SNAPSHOTS]
YEARS = 2.0
HOURS = {"peak": 4000.0, "light": 4760.0}
BUSES = ("a", "b", "c", "d")
LOAD = {"peak": (0.0, 90.0, 10.0, 20.0), "light": (0.0, 45.0, 5.0, 10.0)}

STUDY_TOML = """\
[study]
name = "Triangle"
periods = [2030, 2032]

[grid]
source = "none"

[demand]
it_mw = { 2030 = 10.0, 2032 = 30.0 }

[security]
base_overloads = "allow"

[economics]
discount_rate = 0.0
last_period_years = 2.0

[report]
compare = ["without_security"]

[scenario.without_security.security]
contingencies = []
"""


def grid() -> Grid:
    """The network with coordinates, one degree apart."""
    buses = pd.DataFrame(
        {
            "base_kv": 138.0,
            "load_mw": LOAD["peak"],
            "lat": [31.0, 31.0, 30.0, 29.0],
            "lon": [-99.0, -97.0, -98.0, -98.0],
            "substation": [f"sub {n}" for n in BUSES],
        },
        index=pd.Index(BUSES, name="bus"),
    )
    branches = pd.DataFrame(
        {
            "from_bus": ["a", "a", "c", "c"],
            "to_bus": ["b", "c", "b", "d"],
            "x_pu": 0.1,
            "r_pu": 0.0,
            "tap": 1.0,
            "shift_deg": 0.0,
            "in_service": True,
        },
        index=pd.Index(["ab", "ac", "cb", "cd"], name="branch"),
    )
    generators = pd.DataFrame({"bus": ["a", "b"]}, index=pd.Index(["cheap", "dear"], name="generator"))
    none = pd.DataFrame()
    return Grid("triangle", 100.0, buses, branches, generators, none, none, none, none, none, none, none, none)


def case(secure: bool = True) -> Case:
    """What the study gives the model, as `Case` describes it."""
    made = grid()
    network = DCNetwork.build(made.buses.index, made.branches)
    generators = pd.Index(["cheap", "dear"], name="generator")
    load = pd.DataFrame({(t, h): LOAD[h] for t, h in OPERATING}, index=made.buses.index)
    load.columns = pd.MultiIndex.from_tuples(load.columns, names=["period", "snapshot"])
    both = pd.Index(SNAPSHOTS, name="snapshot")
    return Case(
        name="Triangle",
        periods=pd.DataFrame({"years": YEARS, "annuity_years": YEARS}, index=pd.Index(PERIODS, name="period")),
        snapshots=pd.DataFrame({"hours": list(HOURS.values())}, index=both),
        buses=made.buses[["base_kv", "substation"]].assign(zone=""),
        load_mw=load,
        branches=made.branches[["from_bus", "to_bus"]].assign(
            base_kv=138.0,
            kind="line",
            length_km=[40.0, 30.0, 35.0, 10.0],
            rating_mw=[125.0, 90.0, 75.0, 15.0],
            rating_emergency_mw=[150.0, 100.0, 90.0, 18.0],
            flow_min_mw=-np.inf,
            flow_max_mw=np.inf,
            monitored=True,
        ),
        generators=pd.DataFrame(
            {"bus": ["a", "b"], "p_min_mw": 0.0, "p_max_mw": [300.0, 100.0], "carrier": "gas"}, index=generators
        ),
        output_min_mw=pd.DataFrame(0.0, index=generators, columns=both),
        output_max_mw=pd.DataFrame({h: [300.0, 100.0] for h in SNAPSHOTS}, index=generators),
        cost_segments=pd.DataFrame(
            {"width_mw": [300.0, 100.0], "cost_usd_per_mwh": [20.0, 50.0]},
            index=pd.MultiIndex.from_tuples([("cheap", 0), ("dear", 0)], names=["generator", "segment"]),
        ),
        cost_at_min_usd_per_h=pd.Series(0.0, index=generators),
        sites=site_table(),
        ties=tie_table(),
        cooling=cooling_table(),
        pue=_pue(),
        upgrades=pd.DataFrame(
            {
                "branch": ["ac"],
                "added_mw": [30.0],
                "added_emergency_mw": [36.0],
                "cost_musd": [6.0],
                "annuity_musd": [0.5],
                "ready": [2032],
                "kind": "as listed",
            },
            index=pd.Index(["u"], name="upgrade"),
        ),
        water=pd.DataFrame(
            {"available_m3_day": [400.0, 1000.0], "price_usd_per_m3": [0.5, 1.0]},
            index=pd.MultiIndex.from_tuples([("creek", "fresh"), ("creek", "reclaimed")], names=["basin", "source"]),
        ),
        demand_mw=pd.Series({2030: 10.0, 2032: 30.0}),
        shortfall_penalty_musd_per_mw_year=None,
        limits=PortfolioLimits(
            share_per_county=1.0,
            share_per_substation=1.0,
            budget_musd={2032: 1000.0},
            carbon_t_per_year={2032: 1e6},
            new_it_mw_per_period=20.0,
        ),
        network=network,
        outages=OutageSet.branches(network, made.buses["load_mw"].to_numpy()) if secure else None,
        base_overloads=pd.DataFrame(columns=["branch", "contingency", "snapshot", "overload_mw"]),
    )


def site_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": "campus",
            "block_mw": 10.0,
            "max_blocks": [3, 2, 2],
            "min_blocks": [1, 1, 1],
            "fixed_annuity_musd": [1.0, 0.5, 0.5],
            "block_annuity_musd": [4.0, 5.0, 6.0],
            "fixed_cost_musd": [12.0, 6.0, 6.0],
            "block_cost_musd": [48.0, 60.0, 72.0],
            "earliest": [2030, 2030, 2032],
            "county": ["Alpha", "Beta", "Beta"],
            "substation": ["sub c", "sub b", "sub b"],
            "jurisdiction": "",
            "basin": "creek",
            "area_ha": [50.0, 60.0, 70.0],
            "lat": [30.1, 31.1, 31.2],
            "lon": [-98.1, -97.1, -97.2],
            "utilization": 0.8,
            "emission_t_per_mwh": 0.4,
        },
        index=pd.Index(["s1", "s2", "s3"], name="site"),
    )


def tie_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site": ["s1", "s1", "s2", "s3"],
            "bus": ["c", "a", "b", "b"],
            "base_kv": 138.0,
            "circuits": [2, 2, 2, 3],
            "capacity_mw": [60.0, 60.0, 40.0, 80.0],
            "cost_musd": [7.2, 15.0, 4.8, 9.0],
            "annuity_musd": [0.6, 1.25, 0.4, 0.75],
            "length_km": [14.7, 130.0, 14.6, 29.3],
            "ready": [2030, 2030, 2030, 2032],
        },
        index=pd.Index(["s1-c", "s1-a", "s2-b", "s3-b"], name="tie"),
    )


_OPTIONS = pd.MultiIndex.from_tuples(
    [("s1", "tower"), ("s1", "dry"), ("s2", "tower"), ("s2", "dry"), ("s3", "dry")], names=["site", "cooling"]
)


def cooling_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pue_annual": [1.2, 1.35, 1.15, 1.3, 1.3],
            "pue_hot_day": [1.3, 1.5, 1.25, 1.45, 1.45],
            "wue_m3_per_mwh": [1.5, 0.0, 0.5, 0.0, 0.0],
            "cost_musd_per_mw": [0.12, 0.2, 0.24, 0.3, 0.3],
            "annuity_musd_per_mw": [0.01, 0.02, 0.02, 0.025, 0.025],
        },
        index=_OPTIONS,
    )


def _pue() -> pd.DataFrame:
    return pd.DataFrame({"peak": [1.3, 1.5, 1.25, 1.45, 1.45], "light": [1.2, 1.3, 1.2, 1.3, 1.3]}, index=_OPTIONS)


@dataclass(frozen=True)
class Land:
    """Candidates and refused cells, as a study offers them."""

    sites: gpd.GeoDataFrame
    ties: gpd.GeoDataFrame
    refused: gpd.GeoDataFrame


def land() -> Land:
    """Three parcels, their straight routes, and two cells that are none."""
    sites, ties, buses = site_table(), tie_table(), grid().buses
    near = {"s1": "s1-c", "s2": "s2-b", "s3": "s3-b"}
    candidates = gpd.GeoDataFrame(
        {
            "lat": sites["lat"],
            "lon": sites["lon"],
            "county": sites["county"],
            "basin": sites["basin"],
            "iecc_zone": ["2A", "3A", "3A"],
            "area_ha": sites["area_ha"],
            "max_blocks": sites["max_blocks"],
            "bus": [ties.at[near[s], "bus"] for s in sites.index],
            "base_kv": 138.0,
            "tie_km": [ties.at[near[s], "length_km"] for s in sites.index],
            "tie_cost_musd": [ties.at[near[s], "cost_musd"] for s in sites.index],
            "fixed_cost_musd": sites["fixed_cost_musd"],
            "block_cost_musd": sites["block_cost_musd"],
            "earliest": sites["earliest"],
        },
        geometry=[_parcel(lon, lat) for lon, lat in zip(sites["lon"], sites["lat"], strict=True)],
        crs="EPSG:4326",
    )
    routes = [
        LineString([(sites.at[s, "lon"], sites.at[s, "lat"]), (buses.at[n, "lon"], buses.at[n, "lat"])])
        for s, n in zip(ties["site"], ties["bus"], strict=True)
    ]
    refused = gpd.GeoDataFrame(
        {
            "place": ["cell 1", "cell 2"],
            "rule": ["too_far", "excluded"],
            "value": [31.5, 2.25],
            "limit": [25.0, 12.5],
        },
        geometry=[_parcel(-96.0, 28.0), _parcel(-95.9, 28.0)],
        crs="EPSG:4326",
    )
    return Land(candidates, gpd.GeoDataFrame(ties[["site", "bus"]], geometry=routes, crs="EPSG:4326"), refused)


def _parcel(lon: float, lat: float) -> Any:
    return box(lon - 0.02, lat - 0.02, lon + 0.02, lat + 0.02)


@dataclass(frozen=True)
class SmallStudy:
    """A study that is given, not read: what `Study` offers, over the hand-made case."""

    config: StudyConfig
    case: Case
    inputs: tuple[InputFile, ...]
    folder: Path
    written: StudyConfig
    loaded: dict[tuple[str, ...], Loaded]
    grid: Grid = field(default_factory=grid)
    candidates: Land = field(default_factory=land)
    outdoors: Outdoors = field(default_factory=Outdoors)
    rules: RuleBook = field(default_factory=RuleBook)
    racks: None = None
    region: None = None
    own: None = None

    @property
    def offered_circuits(self) -> pd.DataFrame:
        """No circuits are on offer."""
        return self.grid.circuits

    def scenario(self, name: str) -> SmallStudy:
        """The same without outages: the only scenario."""
        config = scenario_config(self.config, name)
        return replace(self, config=config, written=config, case=case(secure=False))


def small_study(folder: Path) -> SmallStudy:
    """Write the study file and give the study."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    path.write_text(STUDY_TOML, encoding="utf-8")
    config, files = load_config(path), (InputFile(path, "study"),)
    return SmallStudy(config, case(), files, folder, config, {("study",): Loaded(None, files)})
