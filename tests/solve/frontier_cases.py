"""Small studies with trade-offs between all objectives, and every plan of them by enumeration.

A generator at a (10 $/MWh), two lines of 100 MW to b and three to c. With one line out, b can take 100 MW and c 200.
Sites of 30 MW a block: sb at b, in the dry north of Texas, sc and sd at c, near the coast. Dry coolers cost more than
towers and use less water and, at these places, less energy; so energy, emissions and water pull together against the
cost of plant. A year of 8,760 h, all money of one year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import pandas as pd

from optimizer.study.case import Case
from tests.solve.small import STAR

TABLES: Mapping[str, str] = {
    **STAR,
    "grid/buses": "bus,base_kv,lat,lon\na,138,32,-98\nb,138,35.2,-101.8\nc,138,29.8,-95.4\n",
    "sites": "site,bus,lat,lon,block_mw,max_blocks,fixed_cost_musd_per_year,cost_musd_per_year_per_block\n"
    "sb,b,35.2,-101.8,30,3,2,4\nsc,c,29.8,-95.4,30,2,0,6\nsd,c,29.9,-95.5,30,2,1.3,5.1\n",
}
"""Sites in places of two climates, each with two technologies of cooling."""

TEXT = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
region = "texas"
max_sites = 1
min_base_kv = 500
[solve]
gap = 0.0
[demand]
it_mw = { 2030 = 100 }
"""
"""No cell of land has a point of 500 kV: the sites are those of the table."""

PENALTY = "penalty_musd_per_mw_year = 2.6\n"
"""Some blocks cost more than that per MW, others less."""

CAPACITY_MW = {"b": 100.0, "c": 200.0}


@dataclass(frozen=True)
class Choice:
    """A plan: blocks and cooling of each built site, and its objectives."""

    blocks: dict[str, int]
    cooling: dict[str, str]
    values: dict[str, float]


def choices(case: Case) -> Iterator[Choice]:
    """Every plan of a case of one period on the star, its objectives worked out from the tables of the case."""
    options = [
        [(s, 0, "")] + [(s, y, c) for y in range(1, int(row.max_blocks) + 1) for c in case.cooling_of_site[s]]
        for s, row in case.sites.iterrows()
    ]
    for chosen in product(*options):
        built = [(s, y, c) for s, y, c in chosen if y]
        made = _choice(case, built)
        if made is not None:
            yield made


def _choice(case: Case, built: list[tuple[str, int, str]]) -> Choice | None:
    (target,) = case.demand_mw
    at_bus = dict.fromkeys(CAPACITY_MW, 0.0)
    water: dict[str, float] = {}
    served = cost = carbon = 0.0
    for s, y, c in built:
        site, cool = case.sites.loc[s], case.cooling.loc[(s, c)]
        mw = y * site.block_mw
        bus = case.ties.loc[case.ties["site"] == s, "bus"].iat[0]
        drawn = mw * case.pue.at[(s, c), "year"]
        at_bus[bus] += drawn
        served += mw
        cost += site.fixed_annuity_musd + y * site.block_annuity_musd + mw * cool.annuity_musd_per_mw
        cost += drawn * 10 * 8760 / 1e6
        carbon += mw * site.utilization * 8760 * cool.pue_annual * site.emission_t_per_mwh
        water[site.basin] = water.get(site.basin, 0.0) + 24 * mw * site.utilization * cool.wue_m3_per_mwh
    short = max(0.0, target - served)
    if any(at_bus[n] > CAPACITY_MW[n] for n in at_bus):
        return None
    if short and case.shortfall_penalty_musd_per_mw_year is None:
        return None
    cost += short * (case.shortfall_penalty_musd_per_mw_year or 0.0)
    cost += sum(365 * _paid_usd(case.water.loc[basin], need) / 1e6 for basin, need in water.items())
    values = {"cost_musd": cost, "carbon_t": carbon, "water_m3": 365 * sum(water.values()), "delay_mw_years": short}
    return Choice({s: y for s, y, _ in built}, {s: c for s, _, c in built}, values)


def _paid_usd(sources: pd.DataFrame, need: float) -> float:
    """Cheapest sources first [$/day]."""
    paid = 0.0
    for row in sources.sort_values("price_usd_per_m3").itertuples():
        taken = min(need, row.available_m3_day)
        paid, need = paid + taken * row.price_usd_per_m3, need - taken
    assert need <= 1e-9
    return paid


def efficient(all_choices: list[Choice], keys: list[str]) -> list[tuple[float, ...]]:
    """Efficient combinations of objectives, the cheapest first; those closer than 1e-6 of their size are one."""
    points = sorted({tuple(float(f"{c.values[k]:.9g}") for k in keys) for c in all_choices})
    kept: list[tuple[float, ...]] = []
    for p in points:
        if not any(all(a <= b * (1 + 1e-6) + 1e-6 for a, b in zip(q, p, strict=True)) for q in kept):
            kept.append(p)
    return kept
