"""Studies of deliveries, portfolio, service, adequacy and own supply that have a plan until one edit, and the edits."""

from __future__ import annotations

from optimizer.solve.explain import limits as of
from optimizer.solve.explain import parts
from tests.solve.infeasible import Edit

PARTS = {
    "sites": "site,block_mw,max_blocks,utility\ns1,50,2,north\ns2,50,2,south\n",
}
"""100 MW in the north and 100 in the south, asked for: 100, then 150 MW."""

PARTS_STUDY = (
    '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100, 2032 = 150 }\n'
    "[facility]\nbuilding_t_per_mw = 1000\nit_t_per_mw = 500\nrefresh_years = 5\n"
)

PARTS_EDITS = (
    Edit(
        "no two blocks of three with one utility",
        "DEMAND GROUP",
        {"limits.share_per": {"utility": 0.6}},
        least={parts.GROUP: 100 * (100 / 150 - 0.6)},
    ),
    Edit(
        "80 % left without any site",
        "DEMAND SURVIVE_SITE SITE",
        {"limits.survive_loss_of": "site", "limits.share_left": 0.8},
    ),
    Edit(
        "100,000 t embodied",
        "DEMAND EMBODIED",
        {"limits.embodied_t": {2030: 100_000.0}},
        least={parts.EMBODIED: 50_000},
    ),
    Edit("20 MW a year", "DEMAND YEARLY_PACE", {"limits.new_it_mw_per_year": 20.0}, least={parts.YEARLY_PACE: 5}),
    Edit(
        "210 chips in five years for 100 MW and a site",
        "DEMAND DELIVERY",
        {
            "limits.delivery": [
                {"item": "chips", "per_mw": 2.0, "per_site": 20.0, "per_year": {2026: 42.0, 2031: 500.0}}
            ]
        },
        least={parts.DELIVERY: 10},
    ),
    Edit(
        "no site above 60 MW",
        "DEMAND LOSS_SITE",
        {"limits.largest_loss_mw": {"site": 60.0}},
        least={parts.LOSS_SITE: 40},
    ),
)

SERVED = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,60\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\nab,a,b,0.1,100,100\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,accredited_share\ng,a,900,10,0.2\n",
    "grid/snapshots": "snapshot,hours,load_factor\npeak,100,1.0\nlight,8660,0.5\n",
    "sites": "site,bus,block_mw,max_blocks\nsb,b,10,5\n",
    "supply": "technology,cost_musd_per_mw,carbon_free_share\nsun,1,1\n",
}
"""A line of 100 MW with room for 40 MW at the peak, 100 h, of a campus of 50; 180 MW count as capacity."""

SERVED_STUDY = (
    '[grid]\nsource = "grid"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 50 }\n'
    "[security]\ncontingencies = []\n[service]\ncurtailable_share = 0.01\ncurtailment_usd_per_mwh = 200\n"
)

SERVED_EDITS = (
    Edit(
        "a tenth of a percent",
        "DEMAND NORMAL CURTAILED_ENERGY",
        {"service.curtailable_share": 0.001},
        least={parts.CURTAILED_ENERGY: 100 * (1000 / 438_000 - 0.001), of.NORMAL: 10 - 4.38},
    ),
    Edit(
        "no more than a tenth non-firm",
        "DEMAND NORMAL NON_FIRM",
        {"service.non_firm_share": 0.1},
        least={parts.NON_FIRM: 10, of.NORMAL: 5},
    ),
    Edit(
        "more reserve than curtailing leaves",
        "DEMAND ADEQUACY CURTAILED_ENERGY",
        {"adequacy.reserve_margin": 0.9, "service.curtailable_share": 0.0025},
        least={
            parts.ADEQUACY: 1.9 * (110 - 10.95) - 180,
            parts.CURTAILED_ENERGY: (110 - 180 / 1.9) * 100 / 4380 - 0.25,
        },
    ),
    Edit(
        "hours for one of two peaks",
        "DEMAND NORMAL CURTAILED_HOURS",
        {"service.curtailable_hours_per_year": 150.0},
        (("grid/snapshots", "light,8660,0.5", "again,100,1.0\nlight,8560,0.5"),),
        least={parts.CURTAILED_HOURS: 50, of.NORMAL: 10},
    ),
    Edit(
        "more sun than there is",
        "DEMAND CARBON_FREE CURTAILED_ENERGY",
        {
            "supply.technologies": ["sun"],
            "supply.table": "supply.csv",
            "supply.technology": [{"name": "sun", "max_mw": 20.0}],
            "limits.carbon_free_share": {2030: 0.5},
        },
        least={parts.CARBON_FREE: 50 - 100 * 20 / 49.5},
    ),
)
