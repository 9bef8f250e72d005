"""A small plan with everything a report can show: real types but for the study, which is a stand-in of plain data.

Four buses around Austin: a and b on 345 kV, c and d on 138 kV; two chosen sites of five candidates; one upgrade; one
comparison plan without security. Numbers that tests rely on: 300 MW in 2030 and 900 MW in 2032 (600 + 300), cost 5,000
M$ over a baseline of 4,000 M$.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, box

from optimizer.config import StudyConfig, load_config
from optimizer.errors import Finding
from optimizer.grid.network import Grid
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.plan.tables import PLAN_TABLES, empty_table
from optimizer.study.inputs import InputFile

PERIODS = (2030, 2032)
SNAPSHOTS = ("summer_peak", "typical")
GEOGRAPHIC = "EPSG:4326"

STUDY_TOML = """\
[study]
name = "Small study"
periods = [2030, 2032]

[grid]
source = "none"

[demand]
it_mw = { 2030 = 300, 2032 = 900 }

[report]
title = "Two campuses"
compare = ["without_security"]

[scenario.without_security.security]
contingencies = []
"""
NO_GRID_TOML = STUDY_TOML.replace('[grid]\nsource = "none"\n', "")


@dataclass(frozen=True)
class SmallCandidates:
    """What the report reads of `optimizer.study.sites.Candidates`."""

    sites: gpd.GeoDataFrame
    ties: gpd.GeoDataFrame
    refused: gpd.GeoDataFrame


@dataclass(frozen=True)
class SmallRegion:
    """What the report reads of `optimizer.study.region.Region`."""

    counties: gpd.GeoDataFrame


@dataclass(frozen=True)
class SmallStudy:
    """What the report reads of `optimizer.study.study.Study`."""

    name: str
    config: StudyConfig
    folder: Path
    grid: Grid | None
    region: SmallRegion | None
    candidates: SmallCandidates
    inputs: tuple[InputFile, ...]


def config(folder: Path, text: str = STUDY_TOML) -> StudyConfig:
    """The study file, read."""
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return load_config(folder / "study.toml")


def grid() -> Grid:
    """Four buses, four lines and a transformer inside the substation of a and c."""
    buses = pd.DataFrame(
        {
            "base_kv": [345.0, 345.0, 138.0, 138.0],
            "load_mw": [0.0, 50.0, 100.0, 20.0],
            "lat": [30.0, 31.0, 30.0, 30.5],
            "lon": [-98.0, -98.0, -98.0, -97.0],
            "name": ["ALPHA", "BETA", "GAMMA", ""],
        },
        index=pd.Index(["a", "b", "c", "d"], name="bus"),
    )
    branches = pd.DataFrame(
        {
            "from_bus": ["a", "a", "c", "c", "a"],
            "to_bus": ["b", "b", "d", "d", "c"],
            "rating_mw": [500.0, 500.0, 200.0, np.inf, 400.0],
            "length_km": [111.0, 111.0, 110.0, 110.0, 0.0],
            "kind": ["line", "line", "line", "line", "transformer"],
            "in_service": [True, True, True, True, True],
        },
        index=pd.Index(["ab1", "ab2", "cd1", "cd2", "ac"], name="branch"),
    )
    none = pd.DataFrame()
    return Grid("small", 100.0, buses, branches, none, none, none, none, none, none, none, none, none)


def candidates() -> SmallCandidates:
    """Five cells of a tenth of a degree, and seven refused ones: a ring of eight around a hole, less one."""
    lon, lat = np.array([-98.0, -97.5, -97.2, -97.8, -97.1]), np.array([30.2, 30.6, 30.1, 30.9, 30.8])
    columns = {
        "kind": "campus",
        "lat": lat,
        "lon": lon,
        "county": ["Travis", "Williamson", "Bastrop", "Burnet", "Milam"],
        "basin": "b1",
        "iecc_zone": "2A",
        "area_ha": 900.0,
        "max_blocks": 8,
        "bus": ["c", "d", "d", "c", "d"],
        "base_kv": 138.0,
        "tie_km": [12.0, 20.5, 18.0, 9.0, 7.0],
        "tie_cost_musd": [30.0, 45.0, 40.0, 25.0, 20.0],
        "fixed_cost_musd": 100.0,
        "block_cost_musd": 1000.0,
        "earliest": 2030,
    }
    index = pd.Index([f"s{i}" for i in range(1, 6)], name="site")
    cells = [box(x - 0.05, y - 0.05, x + 0.05, y + 0.05) for x, y in zip(lon, lat, strict=True)]
    sites = gpd.GeoDataFrame(columns, geometry=cells, crs=GEOGRAPHIC, index=index)
    routes = [LineString([(-98.0, 30.2), (-98.0, 30.0)]), LineString([(-97.5, 30.6), (-97.0, 30.5)])]
    ties = gpd.GeoDataFrame(
        {"site": ["s1", "s2"], "bus": ["c", "d"]},
        geometry=routes,
        crs=GEOGRAPHIC,
        index=pd.Index(["t1", "t2"], name="tie"),
    )
    ring = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    refused = gpd.GeoDataFrame(
        {
            "place": [f"r{i}" for i in range(8)],
            "rule": ["too_far"] * 7 + ["excluded:wetland"],
            "value": 30.0,
            "limit": 25.0,
        },
        geometry=[box(-97.0 + 0.1 * i, 31.0 + 0.1 * j, -96.9 + 0.1 * i, 31.1 + 0.1 * j) for i, j in ring],
        crs=GEOGRAPHIC,
    )
    return SmallCandidates(sites, ties, refused)


def counties() -> gpd.GeoDataFrame:
    """Two counties side by side."""
    shapes = [box(-98.3, 29.7, -97.5, 31.3), box(-97.5, 29.7, -96.6, 31.3)]
    names = pd.Index(["48001", "48002"], name="fips")
    return gpd.GeoDataFrame({"county": ["West", "East"]}, geometry=shapes, crs=GEOGRAPHIC, index=names)


def sites_table(sizes: dict[str, tuple[int, int]]) -> pd.DataFrame:
    """Built sites of a plan from the MW of each site in each period."""
    offered = candidates().sites
    rows = [
        {
            "site": site,
            "period": period,
            "blocks": mw // 100,
            "it_mw": float(mw),
            "facility_mw": 1.25 * mw,
            "firm_mw": 1.25 * mw,
            "cooling": "dry_cooler",
            "bus": offered.at[site, "bus"],
            "lat": offered.at[site, "lat"],
            "lon": offered.at[site, "lon"],
            "county": offered.at[site, "county"],
            "cost_musd": 0.5 * mw,
            "pue_annual": 1.2,
            "pue_hot_day": 1.25,
            "water_m3_day": 2.0 * mw,
            "basin": "b1",
            "area_ha": float(mw),
            "emissions_t_per_year": 3000.0 * mw,
        }
        for site, by_period in sizes.items()
        for period, mw in zip(PERIODS, by_period, strict=True)
        if mw
    ]
    return pd.DataFrame(rows) if rows else empty_table("sites")


def loadings(rows: list[tuple[Any, ...]], columns: str) -> pd.DataFrame:
    """A table of flows against limits, the loading worked out."""
    table = pd.DataFrame(rows, columns=columns.split())
    return table.assign(loading=table["flow_mw"].abs() / table["limit_mw"])


def tables(sizes: dict[str, tuple[int, int]]) -> dict[str, pd.DataFrame]:
    """Every table of the plan."""
    sites = sites_table(sizes)
    flows = [
        ("ab1", 2032, "summer_peak", -490.0, 500.0),
        ("ab1", 2032, "typical", 100.0, 500.0),
        ("ab2", 2032, "summer_peak", 400.0, 500.0),
        ("cd1", 2032, "summer_peak", 20.0, 200.0),
        ("cd2", 2032, "summer_peak", 20.0, np.nan),
        ("ac", 2030, "summer_peak", 390.0, 400.0),
    ]
    after = [
        ("ab2", "ab1", 2032, "summer_peak", 597.0, 600.0),
        ("cd1", "ab1", 2032, "summer_peak", -500.0, 600.0),
        ("ab1", "cd1", 2032, "typical", 60.0, 240.0),
    ]
    offered = candidates().sites.reset_index()
    refused = candidates().refused
    return {
        "sites": sites,
        "ties": pd.DataFrame(
            {
                "site": ["s1", "s2"],
                "bus": ["c", "d"],
                "circuits": 3,
                "length_km": [12.0, 20.5],
                "capacity_mw": 800.0,
                "cost_musd": [30.0, 45.0],
                "tie": ["t1", "t2"],
                "base_kv": 138.0,
                "in_service": [2030, 2032],
                "annuity_musd": [2.4, 3.6],
            }
        ),
        "upgrades": pd.DataFrame(
            {
                "upgrade": ["u1"],
                "branch": ["cd1"],
                "in_service": [2032],
                "added_mw": [100.0],
                "cost_musd": [12.3],
                "added_emergency_mw": [120.0],
                "annuity_musd": [1.0],
                "from_bus": ["c"],
                "to_bus": ["d"],
                "length_km": [110.0],
                "kind": ["reconductoring"],
            }
        ),
        "flows": loadings(flows, "branch period snapshot flow_mw limit_mw"),
        "contingencies": loadings(after, "contingency branch period snapshot flow_mw limit_mw"),
        "water": pd.DataFrame(
            {"basin": "b1", "period": PERIODS, "withdrawal_m3_day": [600.0, 1800.0], "limit_m3_day": 2000.0}
        ),
        "water_sources": pd.DataFrame(
            {
                "basin": "b1",
                "source": "waste_water",
                "period": PERIODS,
                "withdrawal_m3_day": [600.0, 1800.0],
                "available_m3_day": 2000.0,
                "price_usd_per_m3": 0.4,
            }
        ),
        "costs": pd.DataFrame(
            {
                "account": ["generation", "generation", "sites", "sites"],
                "period": [*PERIODS, *PERIODS],
                "cost_musd": [2000.0, 2400.0, 200.0, 400.0],
            }
        ),
        "demand": pd.DataFrame(
            {"period": PERIODS, "target_mw": [300.0, 900.0], "served_mw": [300.0, 900.0], "shortfall_mw": 0.0}
        ),
        "binding": pd.DataFrame(
            {
                "limit": ["emergency rating", "share_per_county"],
                "element": ["ab1", "Travis"],
                "contingency": ["ab2", ""],
                "period": [2032, 2032],
                "snapshot": ["summer_peak", ""],
                "value": [600.0, 600.0],
                "bound": [600.0, 600.0],
                "unit": ["MW", "MW"],
                "price_usd_per_unit": [12.5, np.nan],
            }
        ),
        "energy_prices": pd.DataFrame(
            {"period": [2030, 2032], "snapshot": "summer_peak", "price_usd_per_mwh": [30.25, 31.5]}
        ),
        "base_overloads": pd.DataFrame(
            {"branch": ["cd1"], "contingency": ["ab1"], "snapshot": ["summer_peak"], "overload_mw": [7.5]}
        ),
        "candidates": offered[PLAN_TABLES["candidates"].names],
        "refused": refused[["place", "rule", "value", "limit"]],
        "comparison_limits": loadings(
            [("without_security", "ab2", "ab1", 2032, "summer_peak", 690.0, 600.0)],
            "scenario contingency branch period snapshot flow_mw limit_mw",
        ),
    }


def summary(it_mw: dict[int, float], objective_musd: float) -> dict[str, Any]:
    """Content of plan.json."""
    return {
        "name": "small",
        "status": "gap_reached",
        "objective": "cost",
        "objective_value": objective_musd,
        "bound_value": objective_musd - 10.0,
        "unit": "M$",
        "objective_musd": objective_musd,
        "bound_musd": objective_musd - 10.0,
        "baseline_musd": 4000.0,
        "common_musd": 200.0,
        "gap": 0.0125,
        "gap_musd": 10.0,
        "it_mw": it_mw,
        "n_sites": 2,
        "n_contingencies_checked": 5,
        "n_monitored_limits": 5,
        "n_violations": 0,
        "seconds": {"read": 1.0, "verify": 2.0},
        "solver_seconds": 3.0,
        "peak_memory_mb": 200.0,
        "versions": {"python": "3.11"},
        "options": {"gap": 0.01},
        "seed": 0,
        "data_notice": "A made-up network of four buses.",
    }


def small_plan(folder: Path, text: str = STUDY_TOML) -> Plan:
    """The plan, with its study and one comparison plan.

    Parameters
    ----------
    folder : Path
        Where the study file is written.
    text : str
        The study file.
    """
    read = config(folder, text)
    network = grid() if read.grid else None
    source = InputFile(folder / "study.toml", "study")
    study: Any = SmallStudy("small", read, folder, network, SmallRegion(counties()), candidates(), (source,))
    made = Plan(
        summary=summary({2030: 300.0, 2032: 900.0}, 5000.0),
        tables=tables({"s1": (300, 600), "s2": (0, 300)}),
        findings=(Finding("grid.hours", "study.toml: grid.snapshots", "hours were rescaled", severity="info"),),
        config=read,
        study=study,
    )
    other = tables({"s1": (300, 300), "s3": (0, 600)})
    other = {name: other[name] for name in ("sites", "costs")}
    scenario = Plan(summary({2030: 300.0, 2032: 900.0}, 4900.0), other, (), read, study)
    return tidy_plan(replace(made, scenarios={"without_security": scenario}))
