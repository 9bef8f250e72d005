"""A case on four buses with every subject in it, small enough to write each part's program on paper.

The network is a triangle of equal reactances with a spur, and c, the bus with most circuits, is the reference::

        a ------- b      branches: ab, ac, cb (from c to b), cd; ratings / emergency ratings [MW]
         \\       /         ab 100 / 120, ac 80 / 96, cb 60 / 72, cd unlimited but its angle keeps it within +-45 MW
          c ----          load at the peak: b 60, c 30, d 12 MW; half of that in the light snapshot
          |               ga at a: 10 to 200 MW (at the light snapshot 10 to 100), 100 $/h at 10 MW, then 50 MW
          d               at 20 and 140 MW at 30 $/MWh; gb at b: 0 to 100 MW at 50 $/MWh

One MW injected at a and taken at c splits 1/3 over ab and cb (against its direction) and 2/3 over ac. Injected at b:
-1/3 on ab, 1/3 on ac, -2/3 on cb. Injected at d: -1 on cd.

Present values: one M$ a year is worth 2 M$ in period 2030 and 3 M$ in 2032. Snapshots of 1000 and 7760 h.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from optimizer.grid.contingency import OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.study.case import Case, PortfolioLimits
from optimizer.study.demands import Demands, Orbit
from optimizer.study.portfolio import Delivery, Portfolio
from optimizer.study.ratings import RatingFactors
from optimizer.study.service import Backup, Deferral, Service
from optimizer.study.supplies import Adequacy, Supply
from optimizer.study.tariffs import Tariffs
from optimizer.study.work import Work

PERIODS = pd.Index([2030, 2032], name="period")
SNAPSHOTS = pd.Index(["peak", "light"], name="snapshot")
BUSES = pd.Index(["a", "b", "c", "d"], name="bus")


def tiny_case() -> Case:
    """The case: everything given by hand but the factorized network and the outages."""
    branches = _branches()
    network = DCNetwork.build(BUSES, branches)
    load = pd.DataFrame({(t, h): _load(h) for t in PERIODS for h in SNAPSHOTS}, index=BUSES)
    load.columns = pd.MultiIndex.from_tuples(load.columns, names=["period", "snapshot"])
    units = pd.Index(["ga", "gb"], name="generator")
    return Case(
        name="Tiny",
        periods=pd.DataFrame({"years": [2.0, 3.0], "annuity_years": [2.0, 3.0]}, index=PERIODS),
        snapshots=pd.DataFrame({"hours": [1000.0, 7760.0]}, index=SNAPSHOTS),
        buses=pd.DataFrame({"base_kv": 138.0, "substation": ["A", "B", "A", "D"], "zone": ""}, index=BUSES),
        load_mw=load,
        branches=branches,
        generators=pd.DataFrame(
            {
                "bus": ["a", "b"],
                "p_min_mw": [10.0, 0.0],
                "p_max_mw": [200.0, 100.0],
                "carrier": "gas",
                "carbon_t_per_mwh": 0.4,
            },
            index=units,
        ),
        output_min_mw=pd.DataFrame({"peak": [10.0, 0.0], "light": [10.0, 0.0]}, index=units),
        output_max_mw=pd.DataFrame({"peak": [200.0, 100.0], "light": [100.0, 100.0]}, index=units),
        cost_segments=pd.DataFrame(
            {"width_mw": [50.0, 140.0, 100.0], "cost_usd_per_mwh": [20.0, 30.0, 50.0]},
            index=pd.MultiIndex.from_tuples([("ga", 1), ("ga", 2), ("gb", 1)], names=["generator", "segment"]),
        ),
        cost_at_min_usd_per_h=pd.Series([100.0, 0.0], index=units),
        sites=_sites(),
        ties=_ties(),
        cooling=_cooling(),
        pue=pd.DataFrame({"peak": [1.2, 1.5, 1.25], "light": [1.1, 1.3, 1.2]}, index=_COOLED),
        upgrades=_upgrades(),
        water=pd.DataFrame(
            {"available_m3_day": [400.0, 1000.0], "price_usd_per_m3": [0.5, 1.0]},
            index=pd.MultiIndex.from_tuples([("creek", "fresh"), ("creek", "reclaimed")], names=["basin", "source"]),
        ),
        demand_mw=pd.Series([10.0, 40.0], index=PERIODS, name="it_mw"),
        shortfall_penalty_musd_per_mw_year=9.0,
        limits=PortfolioLimits(
            share_per_county=0.75,
            share_per_substation=0.6,
            budget_musd={2032: 500.0},
            carbon_t_per_year={2032: 100_000.0},
            new_it_mw_per_period=30.0,
        ),
        network=network,
        outages=OutageSet.branches(network, np.array(_load("peak"))),
        base_overloads=pd.DataFrame(
            {"branch": ["ac", "ac"], "contingency": ["", "ab"], "snapshot": "peak", "overload_mw": [5.0, 2.0]}
        ),
    )


def served_case() -> Case:
    """The same with workloads in place of a total demand: s2 in orbit, and too far from s1 to share training."""
    rows = pd.MultiIndex.from_tuples([("west", "chat"), ("east", "train")], names=["region", "workload"])
    pairs = pd.MultiIndex.from_tuples(
        [("west", "chat", "s1"), ("west", "chat", "s2"), ("east", "train", "s1"), ("east", "train", "s2")],
        names=["region", "workload", "site"],
    )
    demands = Demands(
        rows=pd.DataFrame(
            {
                "penalty_musd_per_mw_year": [2.0, 0.0],
                "revenue_musd_per_mw_year": [3.0, 0.0],
                "is_optional": [True, False],
                "min_site_mw": [0.0, 5.0],
            },
            index=rows,
        ),
        demand_mw=pd.DataFrame({2030: [8.0, 12.0], 2032: [8.0, 20.0]}, index=rows),
        pairs=pd.DataFrame({"cost_musd_per_mw_year": [0.5, 0.0, 0.0, 0.25], "rtt_ms": 1.0}, index=pairs),
        apart=(("east", "train", "s1", "s2"),),
    )
    return replace(
        tiny_case(),
        demand_mw=demands.total_mw,
        shortfall_penalty_musd_per_mw_year=None,
        workloads=demands,
        orbit=Orbit(("s2",), 2031, 6.0),
    )


def curtailed_case() -> Case:
    """The same with part of every campus's load non-firm, backup and work that can wait."""
    backup = Backup(0.8, 100.0, 0.5, 0.04, 300.0, 0.6)
    return replace(tiny_case(), service=Service(0.01, 8000.0, 0.5, 3.0, 200.0, backup, Deferral(0.25, True, 0.2, 50.0)))


def dropping_case() -> Case:
    """The same with nothing curtailed, and half of contract demand, after three interim years, dropped by outages."""
    return replace(tiny_case(), service=Service(0.0, None, 0.5, 3.0, 200.0, trips=True))


def paying_case() -> Case:
    """The same with part non-firm, where the cost is the developer's: s1 chooses non-firm demand, s2 has no need to."""
    prices = {
        "energy_usd_per_mwh": [50.0, 40.0],
        "firm_musd_per_mw_year": [0.12, 0.24],
        "non_firm_musd_per_mw_year": [0.06, 0.24],
        "deposit_musd_per_mw_year": [0.01, 0.0],
        "tax_musd_per_mw_year": [0.03, 0.0],
        "minimum_take_share": [0.8, 0.0],
    }
    return replace(curtailed_case(), tariffs=Tariffs(pd.DataFrame(prices, index=["s1", "s2"]), 0.25))


def supplied_case() -> Case:
    """The same with supply on site: at s1 solar, an engine in units of 5 MW behind a gas line, and a battery.

    Power stays within 40 MW of each, the battery within 4 hours. Solar is there at light load only. s2 is beside gb.
    """
    offers = pd.MultiIndex.from_product([["s1"], ["solar", "engine", "battery"]], names=["site", "technology"])
    technologies = pd.DataFrame(
        {
            "is_storage": [False, False, True],
            "storage_efficiency": [0.0, 0.0, 0.8],
            "max_storage_hours": [8.0, 8.0, 4.0],
            "running_usd_per_mwh": [0.0, 40.0, 0.0],
            "emission_t_per_mwh": [0.0, 0.5, 0.0],
            "water_m3_per_mwh": [0.0, 0.1, 0.0],
            "land_ha_per_mw": [2.0, 0.0, 0.0],
            "permit_hours": [np.inf, 500.0, np.inf],
            "unit_mw": [0.0, 5.0, 0.0],
            "carbon_free_share": [1.0, 0.0, 0.0],
            "accredited_share": [0.1, 0.9, 0.5],
            "accredited_hours": [4.0, 4.0, 3.0],
            "needs_gas_line": [False, True, False],
        },
        index=offers.get_level_values("technology"),
    )
    return replace(
        tiny_case(),
        supply=Supply(
            technologies=technologies,
            offers=pd.DataFrame(
                {
                    "ready": [2030, 2032, 2030],
                    "max_mw": 40.0,
                    "annuity_musd_per_mw": [0.1, 0.2, 0.05],
                    "cost_musd_per_mw": [1.0, 1.6, 0.5],
                    "annuity_musd_per_mwh": [0.0, 0.0, 0.03],
                    "cost_musd_per_mwh": [0.0, 0.0, 0.3],
                },
                index=offers,
            ),
            availability=pd.DataFrame({"peak": [0.0, 1.0, 1.0], "light": [0.5, 1.0, 1.0]}, index=offers),
            gas_lines=pd.DataFrame({"cost_musd": [10.0], "annuity_musd": [0.8]}, index=pd.Index(["s1"], name="site")),
            land=pd.DataFrame({"area_ha": [50.0], "campus_ha_per_mw": [0.5]}, index=pd.Index(["s1"], name="site")),
            days=((("peak", 4.0), ("light", 20.0)),),
            beside={"s2": "gb"},
            yearly_share=pd.DataFrame({"peak": [0.5, 1.0], "light": 1.0}, index=pd.Index(["s1", "s2"], name="site")),
            carbon_free_share={2032: 0.4},
            hourly_carbon_free_share={2032: 0.1},
        ),
        adequacy=Adequacy(
            pd.DataFrame({"accredited_mw": [250.0], "import_mw": [20.0]}, index=pd.Index([""], name="zone")), 0.25
        ),
    )


def spread_case() -> Case:
    """The same with limits of the portfolio and two rationed items; twelve MW a year, from 2030 on."""
    chips = Delivery("chips", {2030: 30.0, 2032: 60.0}, 2.0, 3.0, 0.0, False, ("s1",))
    transformers = Delivery("transformers", {2030: 1.0, 2032: 2.0}, 0.0, 0.0, 2.0, True, ("s1", "s2"))
    return replace(
        tiny_case(),
        portfolio=Portfolio(
            share_per={"utility": 0.5},
            labels=pd.DataFrame({"utility": ["North", "South"]}, index=pd.Index(["s1", "s2"], name="site")),
            survive_loss_of="substation",
            share_left=0.25,
            largest_loss_mw={"site": 30.0, "substation": 35.0},
            water_m3_day_per_basin={"creek": 300.0},
            new_it_mw_per_year=12.0,
            embodied_t={2032: 90_000.0},
            deliveries=(chips, transformers),
            carbon_price_usd_per_t=100.0,
            yearly_factor=0.1,
            facility={"building_t_per_mw": 2000.0, "it_t_per_mw": 300.0, "refresh_years": 5.0},
            years_before={2030: 1.0, 2032: 2.0},
        ),
    )


def working_case() -> Case:
    """The same in useful work: old racks, and new ones from 2032 that do twice as much and only towers of s1 cool."""
    names = pd.Index(["old", "new"], name="rack")
    return replace(
        tiny_case(),
        work=Work(
            pd.DataFrame({"max_units": 100.0, "cost_musd": 0.1, "annuity_musd": 0.02}, index=["caching"]),
            {2030: 0.01, 2032: 0.005},
            pd.DataFrame(
                {
                    "kw": [10.0, 100.0],
                    "first_year": [2020, 2032],
                    "cost_musd_per_mw": [8.0, 12.0],
                    "annuity_musd_per_mw": [2.0, 3.0],
                },
                index=names,
            ),
            pd.DataFrame({2030: [1.0, 0.0], 2032: [0.5, 1.0]}, index=names),
            {("s1", "new"): ("tower",)},
        ),
    )


def rented_case() -> Case:
    """The tiny case with a leased hall s3 in county Alpha: two blocks of 10 MW, without ties and water."""
    case, s3 = tiny_case(), ("s3", "any")
    hall = case.sites.iloc[0].to_dict() | {
        "kind": "lease",
        "max_blocks": 2,
        "min_blocks": 0,
        "fixed_annuity_musd": 0.0,
        "block_annuity_musd": 6.0,
        "fixed_cost_musd": 0.0,
        "block_cost_musd": 1.0,
        "substation": "",
        "basin": "",
        "emission_t_per_mwh": 0.2,
    }
    sites = pd.concat([case.sites, pd.DataFrame([hall], index=pd.Index(["s3"], name="site"))])
    index = pd.MultiIndex.from_tuples([*case.cooling.index, s3], names=["site", "cooling"])
    cooling, pue = case.cooling.reindex(index), case.pue.reindex(index)
    cooling.loc[s3], pue.loc[s3] = [1.0, 1.0, 0.0, 0.0, 0.0], 1.0
    return replace(case, sites=sites, cooling=cooling, pue=pue)


def _load(snapshot: str) -> list[float]:
    peak = [0.0, 60.0, 30.0, 12.0]
    return peak if snapshot == "peak" else [mw / 2 for mw in peak]


def _branches() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "from_bus": ["a", "a", "c", "c"],
            "to_bus": ["b", "c", "b", "d"],
            "x_pu": 0.1,
            "r_pu": 0.0,
            "tap": 1.0,
            "shift_deg": 0.0,
            "base_kv": 138.0,
            "kind": "line",
            "length_km": 10.0,
            "rating_mw": [100.0, 80.0, 60.0, np.inf],
            "rating_emergency_mw": [120.0, 96.0, 72.0, np.inf],
            "flow_min_mw": [-np.inf, -np.inf, -np.inf, -45.0],
            "flow_max_mw": [np.inf, np.inf, np.inf, 45.0],
            "monitored": True,
        },
        index=pd.Index(["ab", "ac", "cb", "cd"], name="branch"),
    )


def _sites() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": "campus",
            "block_mw": [10.0, 20.0],
            "max_blocks": [3, 2],
            "min_blocks": [1, 0],
            "fixed_annuity_musd": [1.0, 0.5],
            "block_annuity_musd": [4.0, 9.0],
            "fixed_cost_musd": [12.0, 6.0],
            "block_cost_musd": [48.0, 90.0],
            "earliest": [2030, 2032],
            "county": ["Alpha", "Beta"],
            "substation": ["A", "B"],
            "jurisdiction": "",
            "basin": "creek",
            "area_ha": 50.0,
            "lat": 30.0,
            "lon": -98.0,
            "utilization": 0.5,
            "emission_t_per_mwh": [0.4, 0.3],
        },
        index=pd.Index(["s1", "s2"], name="site"),
    )


def _ties() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "site": ["s1", "s1", "s2"],
            "bus": ["c", "a", "b"],
            "base_kv": 138.0,
            "circuits": 2,
            "capacity_mw": [60.0, 40.0, 40.0],
            "cost_musd": [7.0, 15.0, 5.0],
            "annuity_musd": [0.6, 1.25, 0.4],
            "length_km": 10.0,
            "ready": [2030, 2032, 2030],
        },
        index=pd.Index(["s1c", "s1a", "s2b"], name="tie"),
    )


_COOLED = pd.MultiIndex.from_tuples([("s1", "tower"), ("s1", "dry"), ("s2", "dry")], names=["site", "cooling"])


def _cooling() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pue_annual": [1.1, 1.3, 1.2],
            "pue_hot_day": [1.2, 1.5, 1.25],
            "wue_m3_per_mwh": [1.5, 0.0, 0.5],
            "cost_musd_per_mw": [0.12, 0.2, 0.3],
            "annuity_musd_per_mw": [0.01, 0.02, 0.03],
        },
        index=_COOLED,
    )


def rated_case() -> Case:
    """The tiny case with ratings that vary: at the peak ac has half of its normal and 3/4 of its emergency rating."""
    case = tiny_case()
    tables = [pd.DataFrame(1.0, index=case.branches.index, columns=SNAPSHOTS) for _ in range(2)]
    for table, of_ac, light in zip(tables, (0.5, 0.75), (1.25, 1.1), strict=True):
        table["light"] = light
        table.loc["ac", "peak"] = of_ac
    return replace(case, rating_factors=RatingFactors(*tables))


def _upgrades() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "branch": "ac",
            "added_mw": [30.0, 60.0],
            "added_emergency_mw": [36.0, 72.0],
            "cost_musd": [6.0, 9.0],
            "annuity_musd": [0.5, 0.8],
            "ready": [2030, 2032],
            "kind": "as listed",
        },
        index=pd.Index(["u1", "u2"], name="upgrade"),
    )
