"""Studies that have a plan until one edit, and the edits: each names the rules that can no longer hold together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from optimizer.solve.explain import limits as of
from optimizer.solve.explain import parts
from optimizer.solve.explain.limit import Limit
from optimizer.study.case import Case
from tests.solve.small import STAR

OWN = {
    "sites": "site,block_mw,max_blocks,min_blocks,county,earliest,fixed_cost_musd,cost_musd_per_block\n"
    "s1,50,3,0,A,2028,0,10\ns2,50,2,0,B,2028,0,10\ns3,25,4,2,C,2032,0,5\n"
}
"""150 MW in county A, 100 in B, and from 2032 on 100 in C; 0.2 M$ per MW everywhere. Asked for: 100, then 200 MW."""

OWN_STUDY = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100, 2032 = 200 }\n'

GRID_STUDY = '[grid]\nsource = "grid"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 150 }\n'
"""`STAR`: 150 MW at c over three lines of 100 MW; at b, over two, they would not survive an outage."""

TIED = {
    **STAR,
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,50,1,1\nsc,c,50,3,2\n",
    "ties": "site,bus,capacity_mw,cost_musd\nsb,b,200,1\nsc,c,200,1\n",
}
TIED_STUDY = GRID_STUDY.replace('"sites.csv"\n', '"sites.csv"\nties = "ties.csv"\n')

LOAD = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,0\nc,138,150\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,angle_min_deg,angle_max_deg\n"
    "ab,a,b,0.1,500,-30,30\nac,a,c,0.1,500,-30,30\ncb,c,b,0.1,500,-30,30\n",
    "grid/generators": "generator,bus,p_max_mw,p_min_mw,cost_usd_per_mwh\nga,a,200,0,10\ngb,b,200,0,30\n",
}
"""150 MW at c from a and b over equal lines of 1,000 MW per radian: 75 MW each way, 4.3 degrees, is the least."""

LOAD_STUDY = '[grid]\nsource = "grid"\n[security]\ncontingencies = []\n'

RAISED = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,40\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,60\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,300,10\n",
    "grid/upgrades": "upgrade,branch,added_mw,cost_musd,ready\nu,ab,60,5,2028\n",
    "sites": "site,bus,block_mw,max_blocks\ns,b,10,8\n",
}
"""40 MW at b over a line of 60 MW that an upgrade raises to 120: room for 20, then 80 MW of campus."""

RAISED_STUDY = (
    '[grid]\nsource = "grid"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 20, 2032 = 60 }\n'
    "[security]\ncontingencies = []\n"
)


@dataclass(frozen=True)
class Edit:
    """One edit to a study that has a plan.

    Parameters
    ----------
    name : str
        What was done.
    rules : str
        Rules of the only conflict, or of each of several, as names of `optimizer.solve.explain.limits`; after a bar
        those of another conflict, which the solver's multipliers may name instead.
    keys : mapping
        Keys of the study that change.
    replace : tuple of (table, old text, new text)
        Text of tables that changes.
    least : mapping of rule to float
        Least change of one rule that leaves a plan, worked out by hand.
    """

    name: str
    rules: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    replace: tuple[tuple[str, str, str], ...] = ()
    least: Mapping[str, float] = field(default_factory=dict)

    def tables(self, before: Mapping[str, str]) -> dict[str, str]:
        """Tables after the edit."""
        after = dict(before)
        for name, old, new in self.replace:
            assert old in after[name], (name, old)
            after[name] = after[name].replace(old, new)
        return after


def demand(**it_mw: float) -> dict[str, Any]:
    return {"demand.it_mw": {int(t[1:]): mw for t, mw in it_mw.items()}}


OWN_EDITS = (
    Edit("more than all sites hold", "DEMAND SITE", demand(y2030=100, y2032=400), least={of.DEMAND: 50, of.SITE: 50}),
    Edit(
        "earlier than the third site is ready",
        "DEMAND SITE SITE_READY",
        demand(y2030=300, y2032=300),
        least={of.DEMAND: 50, of.SITE: 50, of.SITE_READY: 24},
    ),
    Edit("a share too small for 2032", "DEMAND COUNTY", {"limits.share_per_county": 0.3}),
    Edit("half a block in each county", "DEMAND COUNTY", {"limits.share_per_county": 0.45}, least={of.COUNTY: 5}),
    Edit("no block in a county", "DEMAND COUNTY", {"limits.share_per_county": 0.1}),
    Edit(
        "a budget of 30 M$ for 40",
        "DEMAND BUDGET",
        {"limits.budget_musd": {2032: 30.0}},
        least={of.BUDGET: 10, of.DEMAND: 50},
    ),
    Edit(
        "a budget of 10 M$ for 20 in the first period",
        "DEMAND BUDGET",
        {"limits.budget_musd": {2030: 10.0}},
        least={of.BUDGET: 10, of.DEMAND: 50},
    ),
    Edit("90 MW a period", "DEMAND PACE", {"limits.new_it_mw_per_period": 90.0}, least={of.PACE: 10}),
    Edit(
        "both sites ready in 2032",
        "DEMAND SITE_READY",
        replace=(("sites", ",2028,", ",2032,"),),
        least={of.SITE_READY: 24, of.DEMAND: 100},
    ),
    Edit(
        "175 MW of sites",
        "DEMAND SITE",
        replace=(("sites", "s1,50,3", "s1,50,1"), ("sites", "s2,50,2", "s2,50,1"), ("sites", "s3,25,4", "s3,25,3")),
    ),
    Edit(
        "blocks of 180 MW",
        "DEMAND COUNTY",
        {"limits.share_per_county": 0.5},
        (("sites", "s1,50", "s1,180"), ("sites", "s2,50", "s2,180")),
    ),
    Edit(
        "a first campus of three blocks",
        "DEMAND WORTHWHILE COUNTY SITE_READY",
        {"limits.share_per_county": 0.5},
        (("sites", "50,3,0", "50,3,2"),),
    ),
    Edit(
        "one county",
        "DEMAND COUNTY",
        {"limits.share_per_county": 0.7},
        (("sites", ",B,", ",A,"), ("sites", ",C,", ",A,")),
    ),
)

GRID_EDITS = (
    Edit("both sites", "DEMAND EMERGENCY", demand(y2030=300)),
    Edit("three sites' load", "DEMAND SITE", demand(y2030=450), least={of.DEMAND: 300}),
    Edit("a generator of 100 MW", "DEMAND OUTPUT", replace=(("grid/generators", "900", "100"),), least={of.OUTPUT: 50}),
    Edit("a line less to c", "DEMAND EMERGENCY", replace=(("grid/branches", "c3,a,c,0.1,100,100\n", ""),)),
    Edit("lines of 60 MW", "DEMAND EMERGENCY", replace=(("grid/branches", "100,100", "60,60"),)),
    Edit("lines of 40 MW", "DEMAND NORMAL", replace=(("grid/branches", "100,100", "40,400"),)),
    Edit("no site at c", "DEMAND EMERGENCY", replace=(("sites", "sc,c,150,1,2\n", ""),)),
    Edit("half of it through a substation", "DEMAND SUBSTATION EMERGENCY", {"limits.share_per_substation": 0.5}),
)

TIED_EDITS = (
    Edit("ties of 60 MW", "DEMAND SITE", replace=(("ties", ",200,", ",60,"),), least={of.DEMAND: 50}),
    Edit("a budget of half a tie", "DEMAND BUDGET", {"limits.budget_musd": {2030: 0.5}}, least={of.BUDGET: 0.5}),
)

LOAD_EDITS = (
    Edit("4 degrees", "ANGLE", replace=(("grid/branches", "-30,30", "-4,4"),)),
    Edit(
        "1 degree on one line",
        "ANGLE",
        replace=(("grid/branches", "ac,a,c,0.1,500,-30,30", "ac,a,c,0.1,500,-1,1"),),
    ),
    Edit(
        "not more than 5 degrees backwards",
        "ANGLE OUTPUT",
        replace=(
            ("grid/branches", "cb,c,b,0.1,500,-30,30", "cb,c,b,0.1,500,-4,30"),
            ("grid/generators", "ga,a,200", "ga,a,20"),
        ),
    ),
    Edit("too little generation", "OUTPUT", replace=(("grid/generators", "200", "70"),), least={of.OUTPUT: 10}),
    Edit(
        "too much least output",
        "LEAST_OUTPUT",
        replace=(("grid/generators", "200,0", "200,90"),),
        least={of.LEAST_OUTPUT: 30},
    ),
)

RAISED_EDITS = (
    Edit("90 MW", "DEMAND SITE", demand(y2030=20, y2032=90), least={of.DEMAND: 10}),
    Edit(
        "an upgrade in 2034",
        "DEMAND NORMAL UPGRADE_READY",
        replace=(("grid/upgrades", "2028", "2034"),),
        least={of.UPGRADE_READY: 24, of.DEMAND: 40, of.NORMAL: 40},
    ),
    Edit(
        "an upgrade of 10 MW",
        "DEMAND NORMAL",
        replace=(("grid/upgrades", "ab,60", "ab,10"),),
        least={of.NORMAL: 30, of.DEMAND: 30},
    ),
    Edit("no money for the upgrade", "DEMAND NORMAL BUDGET", {"limits.budget_musd": {2032: 4.0}}, least={of.BUDGET: 1}),
    Edit("60 MW at once", "DEMAND PACE", {"limits.new_it_mw_per_period": 25.0}, least={of.PACE: 5, of.DEMAND: 20}),
    Edit("50 MW more load", "DEMAND OUTPUT", replace=(("grid/generators", "300", "70"),), least={of.OUTPUT: 30}),
)

TINY_EDITS = (
    Edit("more than all sites hold", "DEMAND SITE | DEMAND WATER", demand(y2030=100, y2032=1500)),
    Edit("decided a year later", "DEMAND SITE_READY | DEMAND TIE_READY", {"study.decision_year": 2028}),
    Edit("two counties of 0.4", "DEMAND COUNTY", {"limits.share_per_county": 0.4}),
    Edit("water for two blocks", "DEMAND WATER", {"water.withdrawal_share": 0.08}),
    Edit("90 MW a period", "DEMAND PACE", {"limits.new_it_mw_per_period": 90.0}, least={of.PACE: 10}),
    Edit("a budget that buys no block", "DEMAND BUDGET", {"limits.budget_musd": {2032: 2000.0}}),
    Edit("emissions", "DEMAND CARBON", {"limits.carbon_t_per_year": {2032: 1e5}}),
)


def limits_of_parts(case: Case, T: list[int]) -> list[Limit]:
    """Limits of service, adequacy, carbon-free supply, deliveries and the portfolio."""
    own, service, supply = case.portfolio, case.service, case.supply
    found = [Limit(parts.GROUP, column) for column in own.share_per]
    survives = {"site": parts.SURVIVE_SITE, "substation": parts.SURVIVE_SUBSTATION}
    found += [Limit(survives[own.survive_loss_of])] if own.survive_loss_of else []
    losses = {"site": parts.LOSS_SITE, "substation": parts.LOSS_SUBSTATION}
    found += [Limit(losses[kind]) for kind in own.largest_loss_mw]
    found += [Limit(parts.BASIN, name) for name in own.water_m3_day_per_basin]
    found += [Limit(parts.YEARLY_PACE)] * (own.new_it_mw_per_year is not None)
    found += [Limit(parts.EMBODIED, "", t) for t in own.embodied_t]
    found += [Limit(parts.DELIVERY, one.item, t) for one in own.deliveries for t in T]
    if case.adequacy is not None:
        found += [Limit(parts.ADEQUACY, zone or parts.UNNAMED) for zone in case.adequacy.zones.index]
    if service is not None:
        found += [Limit(parts.CURTAILED_ENERGY)]
        found += [Limit(parts.CURTAILED_HOURS)] * (service.hours_per_year is not None)
        found += [Limit(parts.NON_FIRM)] * (service.non_firm_share < 1)
    if supply is not None:
        found += [Limit(parts.CARBON_FREE, "", t) for t in supply.carbon_free_share]
        found += [Limit(parts.CARBON_FREE_EVERY, "", t) for t in supply.hourly_carbon_free_share]
    return found


def all_limits(case: Case) -> list[Limit]:
    """Every limit of a case that could give way, listed from the case alone."""
    T, H, limits = [int(t) for t in case.periods.index], list(case.snapshots.index), case.limits
    found = [Limit(of.DEMAND, "", t) for t in case.demand_mw.index]
    found += [Limit(rule, s) for rule in (of.SITE, of.WORTHWHILE, of.SITE_READY) for s in case.sites.index]
    found += [Limit(rule, o) for rule in (of.TIE, of.TIE_READY) for o in case.ties.index]
    found += [Limit(of.UPGRADE_READY, u) for u in case.upgrades.index]
    found += [Limit(of.WATER, b) for b in dict.fromkeys(case.water.index.get_level_values("basin"))]
    found += [Limit(of.COUNTY)] * (limits.share_per_county is not None)
    found += [Limit(of.SUBSTATION)] * (limits.share_per_substation is not None)
    found += [Limit(of.PACE)] * (limits.new_it_mw_per_period is not None)
    found += [Limit(of.BUDGET, "", t) for t in T if t in limits.budget_musd]
    found += [Limit(of.CARBON, "", t) for t in T if t in limits.carbon_t_per_year]
    found += [Limit(of.TOTAL, name) for name in limits.totals]
    found += limits_of_parts(case, T)
    units = list(product(case.generators.index, H))
    found += [Limit(of.OUTPUT, g, 0, h) for g, h in units]
    found += [Limit(of.LEAST_OUTPUT, g, 0, h) for g, h in units if case.output_min_mw.at[g, h]]
    rated = case.branches.index[np.isfinite(case.branches["rating_mw"].astype(float))] if len(case.branches) else []
    found += [Limit(of.NORMAL, l, 0, h) for l, h in product(rated, H)]
    found += [Limit(of.EMERGENCY, l, 0, h, k) for l, h, k in product(rated, H, case.outage_names)]
    return found + [Limit(of.ANGLE, l) for l in case.branches.index]
