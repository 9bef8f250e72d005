"""A plan made by hand on four buses: every number derived here, none taken from the program.

The network is a triangle a, b, c of equal reactances with d on a spur at c::

        a ------- b          generators: cheap at a (20 $/MWh, 300 MW), dear at b (50 $/MWh, 100 MW)
         \\       /           load at the peak: b 90, c 10, d 20 MW; half of that in the light snapshot
          c ----              ratings / emergency ratings [MW]: ab 125 / 150, ac 90 / 100, cb 75 / 90, cd 15 / 18
          |
          d

With A, B, C what is injected at a, b and at c (spur included), A + B + C = 0, equal reactances give
``f_ab = (A - B) / 3``, ``f_ac = (A - C) / 3``, ``f_cb = (C - B) / 3``; the spur carries the load of d. After an
outage of

* ab: ``f_ac = A``, ``f_cb = -B``;   * ac: ``f_ab = A``, ``f_cb = C``;   * cb: ``f_ab = -B``, ``f_ac = -C``;
* cd: d and its load are lost, the generators give up 3/4 and 1/4 of it (p_max 300 and 100), then as above.

Before any new load. The spur carries 20 MW at the peak, 5 above its rating and, after each of the other outages, 2
above its emergency rating: four overloads that no dispatch can avoid. They may remain, so the spur's limit at the peak
is 20 MW everywhere. The outage of ab leaves ac to carry all of A: A <= 100 MW, so at the peak the cheap generator gives
100 of 120 MW. From 2032 upgrade u adds 30 (36) MW to ac for 0.5 M$ a year, less than the 20 MW x 30 $/MWh x 4000 h =
2.4 M$ that it saves: without new load it is built too, and A = 120 MW.

With new load. s1 at c has 1 block from 2030 and 2 from 2032, s2 at b 1 block from 2032, 10 MW a block. `RUNS` holds
the outputs: A at its limit of 100, then 136 MW at the peak, the dear generator for the rest, at 50 $/MWh. So energy is
worth 50 $/MWh at b and c, 20 at a, and ac after the outage of ab is worth the difference. In the light snapshot all
comes from a at 20 $/MWh.

Objective by hand, present value of two years each [M$], 2030 + 2032: generation 2 x (3650 x 4000 + 1440 x 4760) / 1e6 =
42.9088 and 2 x (3845 x 4000 + 1920 x 4760) / 1e6 = 49.0384; sites 2 x 5 and 2 x (9 + 5.5); ties 2 x 0.6 and 2 x 1.0;
cooling 0.2 and 0.4 + 0.4; water 2 x 365 x 144 / 1e6 and 2 x 365 x 472 / 1e6; upgrades 0 and 1. In all 136.59688.

Money. Discount rate 0, periods 2030 and 2032 of two years each, snapshots of 4000 and 4760 h.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, box

from optimizer.config import StudyConfig, apply_overrides, load_config, scenario_config
from optimizer.grid.contingency import OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid
from optimizer.layers.regulation import RuleBook
from optimizer.plan.plan import Plan
from optimizer.plan.tables import PLAN_TABLES
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
    return Grid("triangle", 100.0, buses, branches, generators, none, none, none, none, none, none, none)


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
        sites=_sites(),
        ties=_ties(),
        cooling=_cooling(),
        pue=_pue(),
        upgrades=pd.DataFrame(
            {
                "branch": ["ac"],
                "added_mw": [30.0],
                "added_emergency_mw": [36.0],
                "cost_musd": [6.0],
                "annuity_musd": [0.5],
                "ready": [2032],
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


def _sites() -> pd.DataFrame:
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


def _ties() -> pd.DataFrame:
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


def _cooling() -> pd.DataFrame:
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
    sites, ties, buses = _sites(), _ties(), grid().buses
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

    def scenario(self, name: str) -> SmallStudy:
        """The same without outages: the only scenario."""
        config = scenario_config(self.config, name)
        return replace(self, config=config, written=config, case=case(secure=False))


def alone(study: SmallStudy, plan: Plan) -> tuple[SmallStudy, Plan]:
    """The same study and plan without the scenario, which takes half the time to check."""
    config = apply_overrides(study.config, {"report.compare": []})
    tables = {name: table for name, table in plan.tables.items() if not name.startswith("comparison")}
    single = replace(study, config=config, written=config)
    return single, replace(plan, config=config, study=single, tables=tables, scenarios={})


def small_study(folder: Path) -> SmallStudy:
    """Write the study file and give the study."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    path.write_text(STUDY_TOML, encoding="utf-8")
    config, files = load_config(path), (InputFile(path, "study"),)
    return SmallStudy(config, case(), files, folder, config, {("study",): Loaded(None, files)})


# What is injected at b and c, and what the cheap generator gives, at the peak and in the light snapshot.


@dataclass(frozen=True)
class Run:
    """One period and snapshot: outputs, new load, and the flows that follow by the formulas above."""

    cheap_mw: float
    dear_mw: float
    new_b_mw: float
    new_c_mw: float
    load: tuple[float, float, float, float]

    def injections(self, cheap: float, dear: float, spur: float) -> tuple[float, float, float]:
        """A, B and C."""
        return cheap, dear - self.load[1] - self.new_b_mw, -self.load[2] - self.new_c_mw - spur

    def flows(self) -> dict[str, float]:
        """Flows with everything in service."""
        return {**self._triangle(*self.injections(self.cheap_mw, self.dear_mw, self.load[3])), "cd": self.load[3]}

    @staticmethod
    def _triangle(a: float, b: float, c: float) -> dict[str, float]:
        return {"ab": (a - b) / 3, "ac": (a - c) / 3, "cb": (c - b) / 3}

    def after(self) -> dict[tuple[str, str], float]:
        """Flows after each outage, by (outage, branch)."""
        a, b, c = self.injections(self.cheap_mw, self.dear_mw, self.load[3])
        spur = self.load[3]
        found = {
            ("ab", "ac"): a,
            ("ab", "cb"): -b,
            ("ac", "ab"): a,
            ("ac", "cb"): c,
            ("cb", "ab"): -b,
            ("cb", "ac"): -c,
        }
        found |= {(k, "cd"): spur for k in ("ab", "ac", "cb")}
        lost = self._triangle(*self.injections(self.cheap_mw - 0.75 * spur, self.dear_mw - 0.25 * spur, 0.0))
        return found | {("cd", branch): flow for branch, flow in lost.items()}


RUNS = {
    (2030, "peak"): Run(100.0, 33.0, 0.0, 13.0, LOAD["peak"]),  # s1: 10 MW x 1.3
    (2030, "light"): Run(72.0, 0.0, 0.0, 12.0, LOAD["light"]),  # 60 + 10 x 1.2
    (2032, "peak"): Run(136.0, 22.5, 12.5, 26.0, LOAD["peak"]),  # s1: 20 x 1.3, s2: 10 x 1.25
    (2032, "light"): Run(96.0, 0.0, 12.0, 24.0, LOAD["light"]),
}
"""The plan: 120 + 13 = 133 = 100 + 33 MW; 60 + 12 = 72; 120 + 38.5 = 158.5 = 136 + 22.5; 60 + 36 = 96."""

RUNS_WITHOUT_SECURITY = {
    (2030, "peak"): Run(132.5, 0.0, 12.5, 0.0, LOAD["peak"]),  # s2: 10 x 1.25
    (2030, "light"): Run(72.0, 0.0, 12.0, 0.0, LOAD["light"]),
    (2032, "peak"): Run(158.0, 0.0, 25.0, 13.0, LOAD["peak"]),  # s2: 20 x 1.25, s1: 10 x 1.3
    (2032, "light"): Run(96.0, 0.0, 24.0, 12.0, LOAD["light"]),
}
"""The scenario: no outage counts, so all comes from the cheap generator."""

RATING = {"ab": 125.0, "ac": 90.0, "cb": 75.0, "cd": 15.0}
EMERGENCY = {"ab": 150.0, "ac": 100.0, "cb": 90.0, "cd": 18.0}


def normal_limit(branch: str, t: int, h: str, upgraded: bool = True) -> float:
    """Rating, upgrade of ac from 2032, allowance of the spur at the peak [MW]."""
    added = 30.0 if branch == "ac" and t >= 2032 and upgraded else 0.0
    return RATING[branch] + added + (5.0 if branch == "cd" and h == "peak" else 0.0)


def emergency_limit(branch: str, t: int, h: str, upgraded: bool = True) -> float:
    """The same after an outage [MW]."""
    added = 36.0 if branch == "ac" and t >= 2032 and upgraded else 0.0
    return EMERGENCY[branch] + added + (2.0 if branch == "cd" and h == "peak" else 0.0)


def _flow_tables(runs: dict[tuple[int, str], Run], secure: bool) -> dict[str, pd.DataFrame]:
    flows, outages = [], []
    for (t, h), run in runs.items():
        for branch, flow in run.flows().items():
            limit = normal_limit(branch, t, h, secure)
            flows.append((branch, t, h, flow, limit, abs(flow) / limit))
        after = run.after() if secure else {}
        rows = [
            (outage, branch, t, h, flow, emergency_limit(branch, t, h), abs(flow) / emergency_limit(branch, t, h))
            for (outage, branch), flow in after.items()
        ]
        rows.sort(key=lambda row: -row[-1])
        outages += [row for i, row in enumerate(rows) if i < 10 or row[-1] > 0.95]
    columns = PLAN_TABLES["flows"].names, PLAN_TABLES["contingencies"].names
    return {
        "flows": pd.DataFrame(flows, columns=columns[0]),
        "contingencies": pd.DataFrame(outages, columns=columns[1]),
    }


def _dispatch(runs: dict[tuple[int, str], tuple[float, float]]) -> pd.DataFrame:
    rows = [
        (name, t, h, output)
        for (t, h), outputs in runs.items()
        for name, output in zip(("cheap", "dear"), outputs, strict=True)
    ]
    return pd.DataFrame(rows, columns=["generator", "period", "snapshot", "output_mw"])


def _yearly_musd(peak: tuple[float, float], light: tuple[float, float]) -> float:
    """Generation cost of a year [M$]."""
    hourly = [20.0 * cheap + 50.0 * dear for cheap, dear in (peak, light)]
    return (4000.0 * hourly[0] + 4760.0 * hourly[1]) / 1e6


def _table(name: str, *rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=PLAN_TABLES[name].names)


def _overloads(secure: bool) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = [("cd", "", "peak", 5.0)]
    rows += [("cd", outage, "peak", 2.0) for outage in ("ab", "ac", "cb")] if secure else []
    return _table("base_overloads", *rows)


def _without_new_load(secure: bool) -> dict[tuple[int, str], tuple[float, float]]:
    peak = {2030: (100.0, 20.0), 2032: (120.0, 0.0)} if secure else dict.fromkeys(PERIODS, (120.0, 0.0))
    return {(t, h): peak[t] if h == "peak" else (60.0, 0.0) for t, h in OPERATING}


@dataclass(frozen=True)
class Built:
    """A campus in a period: blocks, cooling, and the water that its basin's price falls on."""

    site: str
    period: int
    blocks: int

    @property
    def facts(self) -> dict[str, Any]:
        """Figures of the site, its tie and its cooling, all cooled by towers."""
        tie = {"s1": "s1-c", "s2": "s2-b"}[self.site]
        return {**_sites().loc[self.site], **_cooling().loc[self.site, "tower"], "tie": tie, **_tie_cost(tie)}

    @property
    def it_mw(self) -> float:
        """IT load, in blocks of 10 MW."""
        return 10.0 * self.blocks

    @property
    def water(self) -> float:
        """IT load x 0.8 x 24 h x WUE [m3/day]: s1 288 a block, s2 96 a block."""
        return {"s1": 288.0, "s2": 96.0}[self.site] * self.blocks


def _tie_cost(tie: str) -> dict[str, float]:
    row = _ties().loc[tie]
    return {"bus": row["bus"], "tie_annuity": row["annuity_musd"]}


def _water_usd_day(total: float) -> float:
    """Fresh water to 400 m3/day at 0.5 $/m3, reclaimed beyond at 1 $/m3."""
    return 0.5 * min(total, 400.0) + 1.0 * max(total - 400.0, 0.0)


def _siting_tables(built: list[Built]) -> tuple[dict[str, pd.DataFrame], dict[str, dict[int, float]]]:
    """Tables of what is built, and its costs by account and period."""
    costs = {account: dict.fromkeys(PERIODS, 0.0) for account in ("sites", "ties", "cooling", "water")}
    total = {t: sum(b.water for b in built if b.period == t) for t in PERIODS}
    basin = {t: YEARS * 365 * _water_usd_day(total[t]) / 1e6 for t in PERIODS}
    sites, cooling = [], []
    for b in built:
        f, t = b.facts, b.period
        own = YEARS * (f["fixed_annuity_musd"] + f["block_annuity_musd"] * b.blocks)
        cooled = YEARS * f["annuity_musd_per_mw"] * b.it_mw
        share = basin[t] * b.water / total[t]
        for account, musd in (("sites", own), ("ties", YEARS * f["tie_annuity"]), ("cooling", cooled)):
            costs[account][t] += musd
        costs["water"][t] = basin[t]
        hot = f["pue_hot_day"] * b.it_mw
        emissions = b.it_mw * 0.8 * 8760 * f["pue_annual"] * 0.4
        place = (f["bus"], f["lat"], f["lon"], f["county"], own + YEARS * f["tie_annuity"] + cooled + share)
        pue = (f["pue_annual"], f["pue_hot_day"], b.water, "creek", f["area_ha"], emissions)
        sites.append((b.site, t, b.blocks, b.it_mw, hot, hot, "tower", *place, *pue))
        cooling.append((b.site, "tower", t, b.it_mw, hot, f["pue_annual"] * b.it_mw, b.water, cooled))
    served = {t: sum(b.it_mw for b in built if b.period == t) for t in PERIODS}
    target = {2030: 10.0, 2032: 30.0}
    split = [
        ("creek", source, t, drawn, available, price)
        for t in PERIODS
        for source, drawn, available, price in (
            ("fresh", min(total[t], 400.0), 400.0, 0.5),
            ("reclaimed", max(total[t] - 400.0, 0.0), 1000.0, 1.0),
        )
    ]
    first = {b.facts["tie"]: min(o.period for o in built if o.site == b.site) for b in built}
    ties = _ties().loc[list(first)].assign(in_service=list(first.values())).reset_index()
    tables = {
        "sites": _table("sites", *sites),
        "ties": ties[PLAN_TABLES["ties"].names],
        "cooling": _table("cooling", *cooling),
        "demand": _table("demand", *((t, target[t], served[t], 0.0) for t in PERIODS)),
        "water": _table("water", *(("creek", t, total[t], 1400.0) for t in PERIODS)),
        "water_sources": _table("water_sources", *split),
    }
    return tables, costs


def _land_tables() -> dict[str, pd.DataFrame]:
    made = land()
    candidates = made.sites.rename_axis("site").reset_index()[PLAN_TABLES["candidates"].names]
    refused = made.refused[PLAN_TABLES["refused"].names]
    return {"candidates": pd.DataFrame(candidates), "refused": pd.DataFrame(refused)}


def _binding() -> pd.DataFrame:
    """At the peak ac after the outage of ab, worth 50 - 20 $/MWh; the spur, worth nothing; fresh water from 2032."""
    rows: list[tuple[Any, ...]] = []
    for t, at_limit in ((2030, 100.0), (2032, 136.0)):
        rows.append(("emergency rating", "ac", "ab", t, "peak", at_limit, at_limit, "MW", 30.0))
        rows.append(("normal rating", "cd", "", t, "peak", 20.0, 20.0, "MW", 0.0))
        rows += [("emergency rating", "cd", k, t, "peak", 20.0, 20.0, "MW", 0.0) for k in ("ab", "ac", "cb")]
    rows.append(("county share", "Alpha", "", 2030, "", 10.0, 10.0, "MW", np.nan))
    rows.append(("water available", "creek|fresh", "", 2032, "", 400.0, 400.0, "m3/day", 0.5))
    return _table("binding", *rows)


def _summary(
    config: StudyConfig, costs: dict[str, dict[int, float]], built: list[Built], secure: bool
) -> dict[str, Any]:
    """plan.json: baseline, common cost and gap by their definitions.

    Without new load: 2 x 17.712 M$ in 2030; in 2032 2 x (15.312 + 0.5), the upgrade included; without security 2 x
    15.312 in both. Common: s1 has the least cost, (4 + 1/3) / 10 M$ per MW and year, times 2 years x (10 + 30) MW.
    """
    objective = sum(sum(by_period.values()) for by_period in costs.values())
    baseline = 2 * 17.712 + 2 * (15.312 + 0.5) if secure else 4 * 15.312
    common = 80.0 * (4.0 + 1.0 / 3.0) / 10.0
    bound = objective - 0.25
    return {
        "name": "Triangle",
        "status": "gap_reached",
        "objective": "cost",
        "objective_value": objective,
        "bound_value": bound,
        "unit": "M$",
        "objectives": {
            "cost_musd": objective,
            # MW x utilization x 8,760 h x PUE x 0.4 t/MWh, two years each.
            "carbon_t": YEARS * 0.8 * 8760 * 0.4 * sum(b.it_mw * b.facts["pue_annual"] for b in built),
            "water_m3": YEARS * 365 * sum(b.water for b in built),
            "delay_mw_years": 0.0,
        },
        "objective_musd": objective,
        "bound_musd": bound,
        "gap": 0.25 / (objective - baseline - common),
        "gap_musd": 0.25,
        "baseline_musd": baseline,
        "common_musd": common,
        "it_mw": {str(t): sum(b.it_mw for b in built if b.period == t) for t in PERIODS},
        "n_sites": len({b.site for b in built}),
        "n_contingencies_checked": 4 if secure else 0,
        "n_monitored_limits": 4,
        "n_violations": 0,
        "costs_musd": {account: sum(by_period.values()) for account, by_period in costs.items()},
        "binding": [],
        "seconds": {"read": 0.5, "build": 1.5, "total": 3.0},
        "solver_seconds": 0.75,
        "peak_memory_mb": 210.0,
        "versions": {"gridsite": "0.1.0"},
        "options": config.solve.model_dump(mode="json"),
        "seed": 0,
        "data_notice": "",
    }


OBJECTIVE_MUSD = 136.59688
"""Sum of the costs derived above [M$]."""


def small_plan(study: SmallStudy) -> Plan:
    """The plan, with the scenario solved beside it."""
    built = [Built("s1", 2030, 1), Built("s1", 2032, 2), Built("s2", 2032, 1)]
    tables, costs = _siting_tables(built)
    outputs = {key: (run.cheap_mw, run.dear_mw) for key, run in RUNS.items()}
    costs["generation"] = {t: YEARS * _yearly_musd(outputs[t, "peak"], outputs[t, "light"]) for t in PERIODS}
    costs["upgrades"] = {2030: 0.0, 2032: YEARS * 0.5}
    costs["shortfall"] = dict.fromkeys(PERIODS, 0.0)
    tables |= _flow_tables(RUNS, secure=True) | _land_tables()
    tables |= {
        "upgrades": _table("upgrades", ("u", "ac", 2032, 30.0, 6.0, 36.0, 0.5, "a", "c", 30.0)),
        "circuits": _table("circuits"),
        "dispatch": _dispatch(outputs),
        "baseline_dispatch": _dispatch(_without_new_load(secure=True)),
        "baseline_upgrades": _table("baseline_upgrades", ("u", 2032)),
        "overload_dispatch": _table(
            "overload_dispatch",
            *(("cheap", "peak", 100.0), ("dear", "peak", 20.0), ("cheap", "light", 60.0), ("dear", "light", 0.0)),
        ),
        "costs": _costs(costs),
        "binding": _binding(),
        "energy_prices": _table("energy_prices", *((t, h, 50.0 if h == "peak" else 20.0) for t, h in OPERATING)),
        "base_overloads": _overloads(secure=True),
        **_comparison(),
    }
    summary = _summary(study.config, costs, built, secure=True)
    other = {"without_security": _plan_without_security(study.scenario("without_security"))}
    return Plan(summary, tables, (), study.config, study, ("round 1", "round 2"), other)


def _costs(costs: dict[str, dict[int, float]]) -> pd.DataFrame:
    return _table(
        "costs", *((account, t, musd) for account, by_period in costs.items() for t, musd in by_period.items())
    )


def _comparison() -> dict[str, pd.DataFrame]:
    """Limits that the scenario breaks.

    2030 peak, outage of ab: ac carries A = 132.5 of 100, cb -B = 90 + 12.5 of 90 MW. 2032 peak: ac carries 158 of 100,
    cb 115 of 90 MW; outage of ac: ab 158 of 150; outage of cb: 115 and 43, within.
    """
    rows = [
        ("ab", "ac", 2030, 132.5, 100.0),
        ("ab", "cb", 2030, 102.5, 90.0),
        ("ab", "ac", 2032, 158.0, 100.0),
        ("ab", "cb", 2032, 115.0, 90.0),
        ("ac", "ab", 2032, 158.0, 150.0),
    ]
    name = "without_security"
    limits = [(name, k, branch, t, "peak", flow, limit, flow / limit) for k, branch, t, flow, limit in rows]
    sites = [
        (name, "s1", 2030, 0.0, 10.0, -10.0),
        (name, "s1", 2032, 10.0, 20.0, -10.0),
        (name, "s2", 2030, 10.0, 0.0, 10.0),
        (name, "s2", 2032, 20.0, 10.0, 10.0),
    ]
    return {"comparison": _table("comparison", *sites), "comparison_limits": _table("comparison_limits", *limits)}


def _plan_without_security(study: SmallStudy) -> Plan:
    built = [Built("s2", 2030, 1), Built("s1", 2032, 1), Built("s2", 2032, 2)]
    tables, costs = _siting_tables(built)
    outputs = {key: (run.cheap_mw, run.dear_mw) for key, run in RUNS_WITHOUT_SECURITY.items()}
    costs["generation"] = {t: YEARS * _yearly_musd(outputs[t, "peak"], outputs[t, "light"]) for t in PERIODS}
    costs["upgrades"] = costs["shortfall"] = dict.fromkeys(PERIODS, 0.0)
    tables |= _flow_tables(RUNS_WITHOUT_SECURITY, secure=False) | _land_tables()
    tables |= {
        "upgrades": _table("upgrades"),
        "dispatch": _dispatch(outputs),
        "baseline_dispatch": _dispatch(_without_new_load(secure=False)),
        "baseline_upgrades": _table("baseline_upgrades"),
        "overload_dispatch": _table(
            "overload_dispatch",
            *(("cheap", "peak", 120.0), ("dear", "peak", 0.0), ("cheap", "light", 60.0), ("dear", "light", 0.0)),
        ),
        "costs": _costs(costs),
        "binding": _table(
            "binding",
            ("normal rating", "cd", "", 2030, "peak", 20.0, 20.0, "MW", 0.0),
            ("water available", "creek|fresh", "", 2032, "", 400.0, 400.0, "m3/day", 0.5),
        ),
        "energy_prices": _table("energy_prices", *((t, h, 20.0) for t, h in OPERATING)),
        "base_overloads": _overloads(secure=False),
    }
    return Plan(_summary(study.config, costs, built, secure=False), tables, (), study.config, study)
