"""Each part on the tiny case, against its program written by hand.

The files in ``golden/`` were written from the docstrings' algebra and the numbers in `tests.formulation.tiny`, not
from what the code makes: every index set was written out, every coefficient worked out on paper. What is not obvious:

* A post to ``cost_musd`` is a yearly amount times 2 (2030) or 3 (2032). One MW of output at 1 $/MWh through the peak
  costs 2 x 1000 / 1e6 = 0.002 M$ in 2030; the 100 $/h of ga's least output cost 2 x 8760 x 100 / 1e6 = 1.752 M$.
* Water per IT MW is 24 x 0.5 x WUE: 18 m3/day (s1, tower), 6 (s2, dry). Carbon is 8760 x 0.5 x PUE x emissions:
  1927.2 t (s1, tower), 2277.6 (s1, dry), 1576.8 (s2, dry). 1 $/m3 a day through 2030 is 2 x 365 / 1e6 = 0.00073 M$.
* Tie s1c (60 MW) carries all that 30 MW of IT can draw (45 MW); s1a (40 MW) and s2b (40 MW, draw 50 MW) need a row at
  the peak, in which every technology draws most, and every tie one for the site's size.
* Factors of flow are those of `tests.formulation.tiny`. After the outage of ab all of it goes round over ac: D = 1.
  After that of cd the spur's load is lost; at the peak ga and gb (200 and 100 MW) give up 2/3 and 1/3 of it, so per MW
  lost ab carries -(2/3 - 1/3) / 3 = -1/9 more.
* Without gb its output comes from ga alone: 2/3 less 1/3 of it more over ac. Without the campus s1 ga and gb give up
  2/3 and 1/3 of what it drew (1.2 or 1.5 MW per MW of IT): over ab -1/9 of that at c and 1/3 - 1/9 of that at a. With
  ab and cd out together, all that ab carried goes over ac, and ga gives up 2/3 of the spur's load over it alone.
* Six limits are built: ac at the peak of 2032 in service (80 MW and an allowance of 5), ac after the outage of ab (96
  and 2), ab after that of cd at the peak of 2030, in its own direction, and one after each of the other kinds of
  outage; with them the flows of ac, ab and cd.
* Service: both snapshots may be curtailed, but not for all 8,760 h, so hours are counted. s1 draws at most 30 x 1.5 =
  45 MW, s2 40 x 1.25 = 50 MW. Each tie of s1 is relieved of and catches up at most 1.5 + 1.3 + 2 x 0.2 x 1.5 = 3.4 MW a
  MW on dry, 2.78 on tower; s1c carries 30 x (1.5 + 0.3) = 54 of 60 MW, so that only s1a and s2b can be full. 1,000 h of
  the peak at 200 $/MWh are 0.4 M$ per MW in 2030; backup at 300 $/MWh costs 100 more than losing the load, waiting at
  50 saves 150. 2032 ends in 2035, when what was connected in 2030 is past its three interim years: half of contract
  demand, and for what is new all of it.
* Load that outages drop: ga and gb give 2/3 and 1/3 of it less, so that a MW of s1a sends 1/3 from a to b, one of s2b
  2/3 from b to a, and one of s1c 2/3 from c to a and 1/3 from c to b.
* Tariffs: a MWh of s1 costs 2 x 50 / 1e6 = 0.0001 M$ in 2030, a MW of contract demand 2 x 0.12, of it 2 x 0.06 less
  where it is non-firm; s2 has one price for both, and no minimum take. s1 on tower takes 8760 x 0.5 x 1.1 = 4818 MWh
  a MW (dry 5694, s2 5256) less what is curtailed for 1,000 and 7,760 h, and owes 0.8 x 8760 = 7008 MWh per MW
  contracted. No more than 8760 x 45 x 1.2 = 473,040 MWh are taken at s1, what is caught up among them (s2 525,600), and
  no more than 0.8 x 8760 x 45 beside them owed.
* Workloads: 8 MW of chat in the west may be served from either site, 12 and 20 MW of train in the east from either but
  at least 5 MW at a site, and not from both. A MW of chat earns 3 M$ a year; what is not served of it costs 2. From
  orbit, 6 MW a year are added from 2031 on: none until 2030, those of 2031 and 2032 in 2032.
* Supply at s1: grid power saved at the peak is 1000 x 0.5 x 0.4 = 200 t/MW, of which half counts; at light load 7760 x
  0.5 x 0.4 = 1552; an engine emits 0.5 instead of 0.4 t/MWh (250, 1940), and gb beside s2 0.4 instead of 0.3 (50, 388).
  Its fuel at 40 $/MWh costs 2 x 1000 x 40 / 1e6 = 0.08 M$ a MW at the peak of 2030; its water: 1000 x 0.5 x 0.1 / 365.
  Of 100 MWh taken 80 come back: 4 h of peak store 3.2 MWh for a MW, 20 h of light load 16. The zone has 250 + 20 MW
  against 1.25 times 102 MW (51 at light load) and the campuses: 142.5 MW are left at the peak, 206.25 else.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.repn import generate_standard_repn

from optimizer import formulation
from optimizer.formulation import (
    GRID_PARTS,
    SITING_PARTS,
    adequacy,
    compose,
    deliveries,
    expansion,
    generators,
    name_of,
    orbit,
    parts_of,
    phasing,
    portfolio,
    power_flow,
    security,
    service,
    supply,
    tariffs,
    work,
    workloads,
)
from optimizer.grid.joint import Elements, JointSet
from optimizer.objectives.cost import cost
from optimizer.study.portfolio import Delivery, Portfolio
from tests.formulation.tiny import (
    curtailed_case,
    dropping_case,
    paying_case,
    rented_case,
    served_case,
    spread_case,
    supplied_case,
    tiny_case,
    working_case,
)
from tests.formulation.writing import part_text, row_lines

GOLDEN = Path(__file__).parent / "golden"
PARTS = (*SITING_PARTS, *GRID_PARTS, security, phasing)
SERVING = (workloads, orbit)
SUPPLYING = (supply, adequacy)
SPREAD = (portfolio, deliveries)
OTHERS = (
    Elements("generator gb", "generator", generators=(1,)),
    Elements("ab+cd", "list", branches=(0, 3)),
    Elements("campus s1", "campus", loads=(("s1", 2), ("s1", 0))),
)


def composed(parts: tuple[ModuleType, ...] | None = None) -> pyo.ConcreteModel:
    """The tiny case with the limits of the goldens built."""
    case = tiny_case()
    joint = JointSet.build(case.grid_network, OTHERS, np.array([0, 1]), case.load_mw[2030, "peak"].to_numpy())
    case = replace(case, joint=joint)
    model = compose(case, cost, parts)
    power_flow.flow_of(model.power_flow, case, "ac", 2032, "peak")
    model.power_flow.rating_rows.add("ac", 2032, "peak", 1)
    for branch, outage, t, side in (("ac", "ab", 2032, 1), ("ab", "cd", 2030, 1)):
        power_flow.flow_of(model.power_flow, case, branch, t, "peak")
        power_flow.flow_of(model.power_flow, case, outage, t, "peak")
        model.security.rows.add(branch, outage, t, "peak", side)
    for branch, outage, t in (("ac", "generator gb", 2032), ("ab", "campus s1", 2030), ("ac", "ab+cd", 2030)):
        security.row_of(model.security, case, model, branch, outage, t, "peak", 1)
    return model


@pytest.fixture(scope="module")
def model() -> pyo.ConcreteModel:
    return composed()


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_part_is_the_program_written_by_hand(part: ModuleType, model: pyo.ConcreteModel) -> None:
    written = (GOLDEN / f"{name_of(part)}.txt").read_text(encoding="utf-8")
    assert part_text(part, model, tiny_case()) == written


@pytest.mark.parametrize("part", SERVING, ids=name_of)
def test_part_of_workloads_is_the_program_written_by_hand(part: ModuleType) -> None:
    """Rows that make the relaxation strong stand for the cheapest sites of each demand: here for all."""
    written = (GOLDEN / f"{name_of(part)}.txt").read_text(encoding="utf-8")
    case = served_case()
    assert set(parts_of(case)) == {*PARTS, *SERVING}
    assert part_text(part, compose(case, cost), case) == written


def test_service_is_the_program_written_by_hand() -> None:
    """What a campus draws at a point of interconnection is less by what it is relieved of, there and in every row."""
    written, case = (GOLDEN / "service.txt").read_text(encoding="utf-8"), curtailed_case()
    assert set(parts_of(case)) == {*PARTS, service}
    model = compose(case, cost)
    assert part_text(service, model, case) == written
    fed = [line for line in row_lines(model.interconnection) if "new_load_is_fed[b,2030,peak]" in line]
    assert fed == [
        "  interconnection.new_load_is_fed[b,2030,peak]: 1.25 interconnection.it_mw[s2b,dry,2030] "
        "- interconnection.new_load_mw[b,2030,peak] - service.curtailed_mw[s2b,2030,peak] "
        "+ service.recovered_mw[s2b,2030,peak] = 0"
    ]


def test_load_that_outages_drop_is_the_program_written_by_hand() -> None:
    """Up to what is drawn, and of what is connected in 2030 no more than half in 2032."""
    case = dropping_case()
    assert set(parts_of(case)) == {*PARTS, service}
    written = (GOLDEN / "service_dropping.txt").read_text(encoding="utf-8")
    assert part_text(service, compose(case, cost), case) == written


DROPPED = {
    # Of 1/3 from a to b, 1/3 goes over ac and 2/3 over ab, whose outage sends that over ac too; of 2/3 from c to a 4/9
    # go over ac and 2/9 over ab, of 1/3 from c to b 1/9 over ac and 1/9 backwards over ab; of 2/3 from b to a all.
    ("ac", "ab"): {"s1a": 1 / 3, "s1c": -2 / 3, "s2b": -2 / 3},
    # Spur cd only loses its load: 1/9 of what it carries goes off ab, and nothing is dropped there.
    ("ab", "cd"): {"s1a": 2 / 9, "s1c": -1 / 9, "s2b": -4 / 9},
    # gb gives all of it up: ga alone gives less, and what is dropped at a goes nowhere.
    ("ac", "generator gb"): {"s1a": 0.0, "s1c": -2 / 3, "s2b": -1 / 3},
    # What is dropped of a campus is lost with it all the same.
    ("ab", "campus s1"): {"s1a": 0.0, "s1c": 0.0, "s2b": -4 / 9},
    # ab is out, and what the spur carries is shared by ga, over ac alone, and gb.
    ("ac", "ab+cd"): {"s1a": 1 / 3, "s1c": -2 / 3, "s2b": -2 / 3},
}
"""Branch and outage, and what a MW dropped at each tie puts on the branch after it."""


@pytest.mark.parametrize(("branch", "outage"), DROPPED, ids="-".join)
def test_dropped_load_counts_in_every_limit_after_outages(branch: str, outage: str) -> None:
    case = dropping_case()
    joint = JointSet.build(case.grid_network, OTHERS, np.array([0, 1]), case.load_mw[2030, "peak"].to_numpy())
    case = replace(case, joint=joint)
    model = compose(case, cost)
    *_, row = security.row_of(model.security, case, model, branch, outage, 2030, "peak", 1)
    terms = generate_standard_repn(row.body)
    by_name = dict(zip((v.name for v in terms.linear_vars), terms.linear_coefs, strict=True))
    found = {o: by_name.get(f"service.dropped_mw[{o},2030,peak]", 0.0) for o in case.ties.index}
    assert found == pytest.approx(DROPPED[branch, outage], abs=1e-12)


@pytest.mark.parametrize("part", SUPPLYING, ids=name_of)
def test_part_of_supply_is_the_program_written_by_hand(part: ModuleType) -> None:
    written = (GOLDEN / f"{name_of(part)}.txt").read_text(encoding="utf-8")
    case = supplied_case()
    assert set(parts_of(case)) == {*PARTS, *SUPPLYING}
    assert part_text(part, compose(case, cost), case) == written


def test_tariffs_are_the_program_written_by_hand() -> None:
    """Of an upgrade of 0.5 M$ a year the developer pays a quarter; own supply saves energy as far as it counts."""
    case = paying_case()
    assert set(parts_of(case)) == {*PARTS, service, tariffs}
    model = compose(case, cost)
    assert part_text(tariffs, model, case) == (GOLDEN / "tariffs.txt").read_text(encoding="utf-8")
    model.upgrades.in_service["u1", 2030].set_value(1)
    model.upgrades.in_service["u2", 2030].set_value(0)
    assert pyo.value(model.ledgers.cost_musd["upgrades", 2030]) == pytest.approx(2 * 0.25 * 0.5)
    supplied = replace(supplied_case(), tariffs=case.tariffs)
    lines = dict(line.strip().split(": ") for line in row_lines(compose(supplied, cost).tariffs))
    taken = lines["tariffs.energy_taken[s1c,2030]"]
    # At the peak half of 1,000 h at half utilization, at light load all of 7,760 h.
    assert "- 250 supply.own_mw[s1c,2030,peak]" in taken
    assert "- 3880 supply.own_mw[s1c,2030,light]" in taken


def test_service_and_supply_meet_at_the_tie() -> None:
    """With both, curtailment leaves less to supply and to be carbon-free, and the tie carries what is caught up."""
    case = replace(supplied_case(), service=curtailed_case().service)
    model = compose(case, cost)
    assert set(parts_of(case)) == {*PARTS, *SUPPLYING, service}
    drawn = "1.5 interconnection.it_mw[s1c,dry,2030] + 1.2 interconnection.it_mw[s1c,tower,2030]"
    lines = dict(line.strip().split(": ") for line in row_lines(model.supply))
    assert lines["supply.nothing_is_exported[s1c,2030,peak]"] == (
        f"{drawn} - service.curtailed_mw[s1c,2030,peak] + service.recovered_mw[s1c,2030,peak] "
        "- supply.own_mw[s1c,2030,peak] >= 0"
    )
    assert lines["supply.net_within_capacity[s1c,2030,peak]"] == (
        "60 interconnection.in_service[s1c,2030] - 1.5 interconnection.it_mw[s1c,dry,2030] "
        "- 1.2 interconnection.it_mw[s1c,tower,2030] - service.recovered_mw[s1c,2030,peak] "
        "+ supply.own_mw[s1c,2030,peak] >= 0"
    )
    # A tenth of what is used is to be carbon-free: of backup too, of what is curtailed not.
    clean = lines["supply.carbon_free_in_every_snapshot[2032,peak]"]
    for term in ("- 0.1 service.curtailed_mw", "+ 0.1 service.recovered_mw"):
        assert all(f"{term}[{tie},2032,peak]" in clean for tie in ("s1a", "s1c", "s2b"))
    assert all(f"+ 0.1 service.backup_mw[{site},2032,peak]" in clean for site in ("s1", "s2"))


@pytest.mark.parametrize("part", SPREAD, ids=name_of)
def test_part_of_the_portfolio_is_the_program_written_by_hand(part: ModuleType) -> None:
    """A MW embodies 2,000 t in its building and 300 t in its IT; s1 takes 2 chips a MW and 3 a site, a tie 2."""
    written = (GOLDEN / f"{name_of(part)}.txt").read_text(encoding="utf-8")
    case = spread_case()
    assert set(parts_of(case)) == {*PARTS, *SPREAD}
    assert part_text(part, compose(case, cost), case) == written


def test_generators_are_the_program_written_by_hand() -> None:
    """Engines and backup in generators of 4 MW, a quarter of one a MW: 6 of both at s1; s2 has backup alone."""
    service_of = curtailed_case().service
    assert service_of is not None
    assert service_of.backup is not None
    backed = replace(service_of, backup=replace(service_of.backup, unit_mw=4.0))
    case = replace(supplied_case(), service=backed, max_generators={"s1": 6, "s2": 3})
    assert set(parts_of(case)) == {*PARTS, *SUPPLYING, service, generators}
    assert part_text(generators, compose(case, cost), case) == (GOLDEN / "generators.txt").read_text(encoding="utf-8")
    bare = replace(case, service=None, supply=None)
    assert not row_lines(compose(bare, cost).generators)


def test_items_of_plant_and_network_are_a_row_written_by_hand() -> None:
    """Items that engines, solar, what towers cool, backup and upgrades take; other sites and technologies take none."""
    units = Delivery(
        *("units", {2030: 30.0, 2032: 60.0}, 0.0, 0.0, 0.0, True, ("s1",)),
        per_supply_mw={"engine": 0.2, "solar": 0.1},
        per_cooling_mw={"tower": 0.5},
        per_backup_mw=0.3,
        per_upgrade=2.0,
    )
    case = replace(supplied_case(), service=curtailed_case().service, portfolio=Portfolio(deliveries=(units,)))
    rows = [line for line in row_lines(compose(case, cost).deliveries) if "2030" in line]
    assert rows == [
        "  deliveries.items_taken[units,2030]: 0.5 cooling.it_mw[s1,tower,2030] - deliveries.taken[units,2030] "
        "+ 0.3 service.backup_capacity_mw[s1,2030] "
        "+ 0.2 supply.capacity_mw[s1,engine,2030] + 0.1 supply.capacity_mw[s1,solar,2030] "
        "+ 2 upgrades.in_service[u1,2030] + 2 upgrades.in_service[u2,2030] = 0"
    ]


RENTED_YEARLY = """\
cooling.all_it_is_cooled[s3,T]: cooling.it_mw[s3,any,T] - 10 siting.blocks[s3,T] = 0
cooling.only_by_the_chosen[s3,any,T]: 20 cooling.chosen[s3,any] - cooling.it_mw[s3,any,T] >= 0
siting.no_larger_than_the_site[s3,T]: siting.blocks[s3,T] - 2 siting.build[s3,T] <= 0
siting.no_smaller_than_worthwhile[s3,T]: siting.blocks[s3,T] - siting.build[s3,T] >= 0
"""
RENTED_ONCE = """\
cooling.one_technology[s3]: cooling.chosen[s3,any] - siting.build[s3,2032] = 0
siting.blocks_stay[s3,2032]: siting.blocks[s3,2030] - siting.blocks[s3,2032] <= 0
siting.stays_built[s3,2032]: siting.build[s3,2030] - siting.build[s3,2032] <= 0
"""
RENTED_TERMS = {
    **{f"policy.all_points[{t},{h}]": f"cooling.it_mw[s3,any,{t}] + " for t in (2030, 2032) for h in ("light", "peak")},
    **{f"policy.share_of_a_county[Alpha,{t}]": f" + 10 siting.blocks[s3,{t}]" for t in (2030, 2032)},
    **{f"siting.demand_is_met[{t}]": f" + 10 siting.blocks[s3,{t}]" for t in (2030, 2032)},
    "phasing.construction_pace[2030]": " + 10 siting.blocks[s3,2030]",
    "phasing.construction_pace[2032]": " + 10 siting.blocks[s3,2030] - 10 siting.blocks[s3,2032]",
    "policy.budget[2032]": " + siting.blocks[s3,2032]",
    "policy.carbon_cap[2032]": " + 876 cooling.it_mw[s3,any,2032]",
}


def test_a_rented_site_beside_a_grid_is_the_rows_written_by_hand() -> None:
    """A leased hall has the rows of its size, counts to targets and limits, and has no term in any of the network.

    It emits 8760 x 0.5 x 0.2 = 876 t a MW, a block is fitted out for 1 M$, and what it takes is in all that is taken.
    """
    models = [compose(case, cost) for case in (tiny_case(), rented_case())]
    alone, beside = ({line.split(":")[0].strip(): line.strip() for line in row_lines(model)} for model in models)
    yearly = "".join(RENTED_YEARLY.replace("T", t) for t in ("2030", "2032"))
    new = {name: row for name, row in beside.items() if name not in alone}
    assert sorted(new.values()) == sorted((yearly + RENTED_ONCE).splitlines())
    changed = {name for name, row in alone.items() if beside[name] != row}
    assert changed == set(RENTED_TERMS)
    for name, terms in RENTED_TERMS.items():
        assert terms in beside[name]
        assert beside[name].replace(terms, "", 1) == alone[name]


def test_work_is_the_program_written_by_hand() -> None:
    """Old racks cost 2 M$ a MW and year, new ones 3, a unit avoided 0.02; old ones count half beside new ones.

    A unit is 0.01 MW in 2030 and 0.005 MW of the last period's best rack: 100 units are 0.5 MW of it. Each of these is
    200 units, 4 M$ a year and 20 M$ once, and counts 2 MW in 2030.
    """
    case = working_case()
    model = compose(case, cost)
    assert set(parts_of(case)) == {*PARTS, work}
    assert part_text(work, model, case) == (GOLDEN / "work.txt").read_text(encoding="utf-8")
    met = [line for line in row_lines(model.siting) if "demand_is_met" in line]
    assert met == [
        "  siting.demand_is_met[2030]: siting.shortfall_mw[2030] + 2 work.avoided_mw[caching,2030] "
        "+ work.rack_mw[s1,old,2030] + work.rack_mw[s2,old,2030] >= 10",
        "  siting.demand_is_met[2032]: siting.shortfall_mw[2032] + work.avoided_mw[caching,2032] "
        "+ work.rack_mw[s1,new,2032] + 0.5 work.rack_mw[s1,old,2032] + work.rack_mw[s2,new,2032] "
        "+ 0.5 work.rack_mw[s2,old,2032] >= 40",
    ]


def test_shares_and_losses_of_work_are_the_rows_written_by_hand() -> None:
    """Half of 10 and of 40 MW of the best rack for each utility, a quarter left without a substation.

    A MW not served costs 9 M$ a year in 2032, when it is the new rack's work, and half of that in 2030.
    """
    case = replace(working_case(), portfolio=replace(spread_case().portfolio, deliveries=()))
    model = compose(case, cost)
    rows = [line.strip() for line in row_lines(model.portfolio) if "[s1a" not in line and "2030" not in line]
    new = "work.rack_mw[{0},new,2032] + 0.5 work.rack_mw[{0},old,2032]"
    less = "work.rack_mw[{0},new,2032] - 0.5 work.rack_mw[{0},old,2032]"
    for row in (
        f"portfolio.share_of_a_group[utility,North,2032]: {new.format('s1')} <= 20",
        f"portfolio.share_of_a_group[utility,South,2032]: {new.format('s2')} <= 20",
        f"portfolio.all_racks[2032]: portfolio.serving_mw[2032] - {less.format('s1')} - {less.format('s2')} = 0",
        f"portfolio.racks_over_ties[s2,2032]: portfolio.tied_mw[s2b,2032] - {less.format('s2')} = 0",
        "portfolio.only_over_the_tie_in_use[s2b,2032]: interconnection.it_mw[s2b,dry,2032] "
        "- portfolio.tied_mw[s2b,2032] >= 0",
        "portfolio.enough_without_a_substation[B,2032]: portfolio.serving_mw[2032] - portfolio.tied_mw[s2b,2032] >= 10",
    ):
        assert row in rows
    for short in model.siting.shortfall_mw.values():
        short.set_value(1.0)
    assert [pyo.value(model.ledgers.cost_musd["shortfall", t]) for t in (2030, 2032)] == pytest.approx([2 * 4.5, 3 * 9])


def test_carbon_is_priced_where_it_arises() -> None:
    """100 $/t for 2 years: a MW of s1 on tower emits 1,927.2 t a year, and embodies 2,000 x 0.1 + 300 / 5 = 260 t.

    So it costs 2 x 100 (1,927.2 + 260) / 1e6 = 0.43744 M$ in 2030.
    """
    model = compose(spread_case(), cost)
    for variable in (model.cooling.it_mw, model.siting.blocks, model.siting.build):
        for one in variable.values():
            one.set_value(0)
    model.cooling.it_mw["s1", "tower", 2030].set_value(10)
    model.siting.blocks["s1", 2030].set_value(1)
    assert pyo.value(model.ledgers.cost_musd["carbon", 2030]) == pytest.approx(4.3744)


def test_every_part_has_a_golden_program_and_none_is_left_over() -> None:
    """A module of the folder that declares anything is a part, whether or not a list names it."""
    folder = Path(formulation.__file__).parent
    modules = {p.stem for p in folder.glob("*.py") if "\ndef declare(" in p.read_text(encoding="utf-8")}
    # Expansion, which takes the place of power flow and security, has a case and a test of its own.
    assert modules == {
        name_of(part) for part in (*PARTS, *SERVING, *SUPPLYING, *SPREAD, service, tariffs, work, expansion, generators)
    }
    assert modules | {"service_dropping"} == {p.stem for p in GOLDEN.glob("*.txt")}
    assert set(parts_of(tiny_case())) == set(PARTS)


def test_every_constraint_has_a_sentence_and_its_algebra(model: pyo.ConcreteModel) -> None:
    families = list(model.component_objects(pyo.Constraint))
    for case in (curtailed_case(), paying_case(), served_case(), spread_case(), supplied_case(), working_case()):
        families += compose(case, cost).component_objects(pyo.Constraint)
    assert len(families) > 20
    for family in families:
        sentence, blank, algebra = family.doc.partition("\n\n")
        assert sentence.strip().endswith("."), family.name
        assert blank, family.name
        assert any(sign in algebra for sign in ("<=", ">=", "=")), family.name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_parts_does_not_matter(seed: int, model: pyo.ConcreteModel) -> None:
    order = list(PARTS)
    random.Random(seed).shuffle(order)
    assert order != list(PARTS)
    other = composed(tuple(order))
    assert row_lines(other) == row_lines(model)
    optima = [_optimum(m) for m in (model, other)]
    assert optima[0] == pytest.approx(optima[1], rel=1e-9)


def _optimum(model: pyo.ConcreteModel) -> float:
    from optimizer.solve.highs_model import HighsModel

    outcome = HighsModel(model).solve()
    assert outcome.status == "optimal"
    return outcome.objective
