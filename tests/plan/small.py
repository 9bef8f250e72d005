"""A plan made by hand on four buses: every number derived here, none taken from the program.

The network is the triangle a, b, c with the spur c to d of `tests.plan.small_case`; `tests.plan.small_flows` has the
formulas of its flows, with A what is injected at a.

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

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig, apply_overrides
from optimizer.plan.plan import Plan
from optimizer.plan.tables import PLAN_TABLES
from tests.plan.small_case import (
    OPERATING,
    PERIODS,
    YEARS,
    SmallStudy,
    cooling_table,
    land,
    site_table,
    tie_table,
)
from tests.plan.small_flows import RUNS, RUNS_WITHOUT_SECURITY, flow_tables


def alone(study: SmallStudy, plan: Plan) -> tuple[SmallStudy, Plan]:
    """The same study and plan without the scenario, which takes half the time to check."""
    config = apply_overrides(study.config, {"report.compare": []})
    tables = {name: table for name, table in plan.tables.items() if not name.startswith(("comparison", "earlier"))}
    single = replace(study, config=config, written=config)
    return single, replace(plan, config=config, study=single, tables=tables, scenarios={})


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
        return {**site_table().loc[self.site], **cooling_table().loc[self.site, "tower"], "tie": tie, **_tie_cost(tie)}

    @property
    def it_mw(self) -> float:
        """IT load, in blocks of 10 MW."""
        return 10.0 * self.blocks

    @property
    def water(self) -> float:
        """IT load x 0.8 x 24 h x WUE [m3/day]: s1 288 a block, s2 96 a block."""
        return {"s1": 288.0, "s2": 96.0}[self.site] * self.blocks


def _tie_cost(tie: str) -> dict[str, float]:
    row = tie_table().loc[tie]
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
    ties = tie_table().loc[list(first)].assign(in_service=list(first.values())).reset_index()
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
    tables |= flow_tables(RUNS, secure=True) | _land_tables()
    tables |= {
        "upgrades": _table("upgrades", ("u", "ac", 2032, 30.0, 6.0, 36.0, 0.5, "a", "c", 30.0, "as listed")),
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
    # Both plans serve all of the demand, so that neither has earlier power to be worth anything.
    cheaper = other["without_security"].summary["objectives"]["cost_musd"]
    saved = summary["objectives"]["cost_musd"] - cheaper
    tables["earlier_power"] = _table("earlier_power", ("without_security", cheaper, 0.0, 0.0, saved, float("nan")))
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
    tables |= flow_tables(RUNS_WITHOUT_SECURITY, secure=False) | _land_tables()
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
