"""Non-firm load that outages drop: optima found by hand, flows solved again, and what a plan may not say of it."""

from __future__ import annotations

import itertools
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import InputError
from optimizer.plan import checks_files, checks_structure
from optimizer.plan.checks_ac import verify_ac
from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import checks_for
from optimizer.plan.verify_context import Context
from optimizer.report.html import render_report
from optimizer.solve.limit_rows import LimitRows
from optimizer.solve.program import Clock, SecureProgram
from tests.solve.optima import least_musd
from tests.solve.service_cases import cost, service
from tests.solve.small import HEAD, MUSD_PER_USD_PER_H, study_of
from tests.solve.test_perspective import DEVELOPER
from tests.solve.trip_cases import NARROW, PAIR, STUDY, TRIP, plan_of


def figures(plan: Plan) -> list[float]:
    """Facility power and its firm part of the one campus [MW]."""
    return [float(mw) for mw in plan.table("sites")[["facility_mw", "firm_mw"]].to_numpy().ravel()]


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("more", "drawn", "firm"),
    [
        # One of two lines of 100 MW out: 100 MW.
        (service(), 100.0, 100.0),
        (service(non_firm_share=0.25), 100.0, 100.0),
        # With everything in service both carry 200 MW; 100 of them are dropped with the first line.
        (TRIP, 200.0, 100.0),
        # A quarter of 130 MW is 32.5; of 140 MW 35 would be dropped and 105 stay.
        (service(trip_on_outage=True, non_firm_share=0.25), 130.0, 100.0),
    ],
)
def test_a_campus_that_fits_only_until_an_outage(tmp_path: Path, more: str, drawn: float, firm: float) -> None:
    plan = plan_of(tmp_path, more)
    assert figures(plan) == [drawn, firm]
    assert cost(plan) == pytest.approx(300 - drawn + 10 * drawn * MUSD_PER_USD_PER_H)
    if "trip" in more:
        rows = plan.table("dropped")[["drawn_mw", "dropped_mw", "left_mw"]]
        assert rows.to_numpy().tolist() == pytest.approx(np.array([[drawn, drawn - firm, firm]]))
        assert plan.table("service_years")["non_firm_mw"].tolist() == pytest.approx([drawn - firm])
        worst = plan.table("contingencies").iloc[0]
        assert (worst["flow_mw"], worst["loading"]) == pytest.approx((100.0, 1.0))


def test_who_gives_less_is_overloaded_next(tmp_path: Path) -> None:
    """Of 100 MW dropped g and h give 50 each, so that h, at 0, takes 50 over lines of 30 MW with one out: 60 at most.

    Running h at 20 MW makes room for all 100 at 200 $/h more, against 40 MW that would not be served at 1 M$ each; a MW
    of the line is worth the 10 $/MWh that h is dearer.
    """
    plan = plan_of(tmp_path, TRIP, NARROW)
    assert figures(plan) == [200.0, 100.0]
    assert plan.table("dispatch").set_index("generator")["output_mw"].to_dict() == pytest.approx({"g": 180, "h": 20})
    assert cost(plan) == pytest.approx(100 + (10 * 180 + 20 * 20) * MUSD_PER_USD_PER_H)
    binding = plan.table("binding")
    narrow = binding[binding["element"].isin(["ac1", "ac2"])]
    assert narrow["value"].tolist() == pytest.approx([30.0] * len(narrow))
    assert narrow["price_usd_per_unit"].sum() == pytest.approx(10.0)


def test_what_is_not_worth_running_another_unit_for(tmp_path: Path) -> None:
    """At 0.09 M$ a MW, 10.27 $/MWh, a MW of load is worth 10 $ of g but not 5 more for half a MW of h: 60 drop."""
    dear = STUDY.replace("penalty_musd_per_mw_year = 1.0", "penalty_musd_per_mw_year = 0.09")
    assert figures(plan_of(tmp_path, TRIP, NARROW, study=dear)) == [160.0, 100.0]


def test_the_price_of_a_limit_is_what_a_megawatt_more_saves(tmp_path: Path) -> None:
    """31 MW a line instead of 30: h runs 19 MW, 10 $/h less."""
    wider = {**NARROW, "grid/branches": NARROW["grid/branches"].replace("30,30", "31,31")}
    before, after = (
        least_musd(study_of(tmp_path / name, STUDY + TRIP, one, HEAD))
        for name, one in (("narrow", NARROW), ("wide", wider))
    )
    assert before - after == pytest.approx(10 * MUSD_PER_USD_PER_H)


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("keys", "tables"),
    [
        (keys, tables)
        for keys in ({}, {"non_firm_share": 0.3}, {"non_firm_share": 0.3, "curtailable_share": 0.1})
        for tables in (PAIR, NARROW)
    ],
    ids=["all", "all, narrow", "some", "some, narrow", "curtailed", "curtailed, narrow"],
)
def test_dropping_never_costs_more(tmp_path: Path, keys: dict[str, float], tables: dict[str, str]) -> None:
    """What is armed is a choice, so that none is always one."""
    both = [
        least_musd(study_of(tmp_path / str(trip), STUDY + service(trip_on_outage=trip, **keys), tables, HEAD))
        for trip in (False, True)
    ]
    assert both[1] <= both[0] + 1e-5


def test_without_outages_nothing_is_dropped(tmp_path: Path) -> None:
    text = STUDY + "[security]\ncontingencies = []\n"
    study = study_of(tmp_path, text + TRIP, PAIR, HEAD)
    assert study.case.service is None
    assert [f.where for f in study.findings if f.rule == "study.key.idle"] == ["service.trip_on_outage"]
    assert "dropped" not in plan_of(tmp_path, TRIP, study=text).tables


RING = {
    "grid/buses": "bus,base_kv,load_mw\na,138,20\nb,138,60\nc,138,40\nd,138,50\ne,138,30\nf,138,10\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "ab,a,b,0.1,95,105\nbc,b,c,0.13,70,75\ncd,c,d,0.08,80,85\nde,d,e,0.11,90,95\nea,e,a,0.09,120,130\nbd,b,d,0.2,70,75\n"
    "ef,e,f,0.1,200,200\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,260,12\ngc,c,140,25\ngf,f,90,18\n",
    "grid/snapshots": "snapshot,hours,load_factor\npeak,400,1.0\nlight,8360,0.6\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,10,12,0.1\nsd,d,10,12,0.3\n",
}
"""A ring of five buses with a chord, and a generator on a spur whose loss splits the network."""

OUTAGES = '[security]\ncontingencies = ["branch", "generator", "campus"]\n'
DRAWN = {"non_firm_share": 0.5, "curtailable_share": 0.02, "trip_on_outage": True}


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of the ring, with branches, generators and campuses out one by one."""
    text = STUDY.replace("2030 = 300", "2030 = 200") + OUTAGES
    return plan_of(tmp_path_factory.mktemp("ring"), service(**DRAWN), RING, study=text)


def flows(branches: pd.DataFrame, injection: pd.Series) -> pd.Series:
    """DC flows of what is given, each connected part of which balances [MW]."""
    buses = list(injection.index)
    a = np.zeros((len(branches), len(buses)))
    for i, (start, end) in enumerate(branches[["from_bus", "to_bus"]].to_numpy()):
        a[i, buses.index(start)], a[i, buses.index(end)] = 1.0, -1.0
    b = 100.0 / branches["x_pu"].to_numpy(float)
    angles = np.linalg.pinv(a.T @ np.diag(b) @ a) @ injection.to_numpy(float)
    return pd.Series(b * (a @ angles), index=branches.index)


def test_flows_solved_again_without_what_is_out_and_dropped(ring: Plan) -> None:
    """Every outage of every kind on every branch, from the plan's tables and the study's, by pseudo-inverse."""
    grid = ring.study.grid
    assert grid is not None
    dropped, bus_of = ring.table("dropped"), {"sb": "b", "sd": "d"}
    assert dropped["dropped_mw"].max() > 1.0
    units, branches = grid.generators, grid.branches
    listed = ring.table("contingencies").set_index(["contingency", "branch", "snapshot"])["flow_mw"]
    compared = 0
    for h, factor in (("peak", 1.0), ("light", 0.6)):
        rows = ring.table("dispatch").query("snapshot == @h").set_index("generator")["output_mw"]
        left = dropped.query("snapshot == @h").set_index("site")["left_mw"]
        outages = [*branches.index, *(f"generator {g}" for g in units.index), *(f"campus {s}" for s in left.index)]
        for outage in outages:
            name = outage.split(" ")[-1]
            there = branches.drop(index=name, errors="ignore")
            lost = ["f"] if name == "ef" else []
            injection = -factor * grid.buses["load_mw"].drop(lost)
            for s, mw in left.items():
                injection[bus_of[s]] -= 0.0 if s == name else mw
            on = units.drop(index=[*(["gf"] if lost else []), *([name] if name in units.index else [])])
            for g, n in on["bus"].items():
                injection[n] += rows[g]
            # Whatever is left over is shared by p_max.
            over = injection.sum()
            for g, n in on["bus"].items():
                injection[n] -= over * on.at[g, "p_max_mw"] / on["p_max_mw"].sum()
            there = there[~there["from_bus"].isin(lost) & ~there["to_bus"].isin(lost)]
            found = flows(there, injection)
            limit = there["rating_emergency_mw"].astype(float)
            assert (found.abs() <= limit + 1e-3).all(), outage
            for l in there.index:
                if (outage, l, h) in listed.index:
                    compared += 1
                    assert listed[outage, l, h] == pytest.approx(found[l], abs=1e-3)
    assert compared >= 20


def test_rows_of_the_search_are_those_of_the_model(ring: Plan) -> None:
    """Limits after each kind of outage, as numbers over columns and as algebra, on the plan's own decisions."""
    assert ring.study is not None
    program = SecureProgram(ring.study.case, 1, 0, Clock(), lambda line: None)
    random = np.random.default_rng(1)
    keys = [
        (l, k, 2030, "peak", side)
        for (l, k), side in zip(
            itertools.product(["ab", "cd"], ["de", "ef", "generator gc", "campus sb"]), itertools.cycle([1, -1])
        )
    ]
    program.add_rows(keys)
    values = random.uniform(0, 50, len(program.highs.variables))
    # Flows and new load are what they are by law; other columns are free. Supply meets demand.
    model, case = program.model, program.case
    program.highs.load(values)
    load = {n: v for n, v in zip("bd", random.uniform(0, 90, 2), strict=True)}
    for n, mw in load.items():
        model.interconnection.new_load_mw[n, 2030, "peak"].set_value(mw)
    for g, share in (("ga", 0.5), ("gc", 0.3), ("gf", 0.2)):
        model.dispatch.output_mw[g, 2030, "peak"].set_value(share * (210 + sum(load.values())))
    for (branch, *_), variable in list(model.power_flow.flow_mw.items()):
        injection = -case.load_mw[2030, "peak"].copy()
        for n, mw in load.items():
            injection[n] -= mw
        for g, n in case.generators["bus"].items():
            injection[n] += model.dispatch.output_mw[g, 2030, "peak"].value
        variable.set_value(case.grid_network.flows(injection.to_numpy())[case.branches.index.get_loc(branch)])
    now = np.array([variable.value for variable in program.highs.variables], dtype=float)
    limits = LimitRows(program)
    for key, row in program.limit_rows():
        (made,) = limits.rows(key)
        assert made.upper - made.coefficients @ now[made.columns] == pytest.approx(row.uslack(), abs=1e-6)


def broken_rules(plan: Plan, **changed: pd.DataFrame) -> set[str]:
    """Rules that a plan with changed tables breaks."""
    assert plan.study is not None
    tables = {**plan.tables, **changed}
    context = Context(plan.study.folder, "", plan.summary, tables, plan.study, plan.study.case)
    checks = (check for check in checks_for(context) if check not in checks_files.CHECKS)
    found = [f for check in (*checks_structure.CHECKS, *checks) for f in check(context)]
    return {f.rule for f in found if f.severity == "error"}


def test_a_plan_that_says_another_drop_is_found_out(tmp_path: Path) -> None:
    """Less would overload a line after an outage; more is not drawn; and what is left is what is not dropped."""
    plan = plan_of(tmp_path)
    rows = plan.table("dropped")

    def said(mw: float) -> set[str]:
        return broken_rules(plan, dropped=rows.assign(dropped_mw=mw, left_mw=rows["drawn_mw"] - mw))

    assert "plan.limit.emergency" in said(90.0)
    assert "plan.service.dropped" in said(210.0)
    assert "plan.recomputed" in broken_rules(plan, dropped=rows.assign(left_mw=50.0))


TARIFF = """\
[[service.tariff]]
jurisdiction = "any"
demand_usd_per_kw_month = 10
non_firm_usd_per_kw_month = 4
energy_usd_per_mwh = 40
"""


@pytest.mark.every(2)
@pytest.mark.parametrize("cheaper", [True, False])
def test_a_developer_pays_for_what_may_be_dropped(tmp_path: Path, cheaper: bool) -> None:
    """130 MW of which 30 must be non-firm, and a quarter, 32.5, is where that costs 6 $/kW-month less."""
    tariff = TARIFF if cheaper else TARIFF.replace("month = 4", "month = 10")
    plan = plan_of(tmp_path, service(trip_on_outage=True, non_firm_share=0.25) + tariff, head=DEVELOPER)
    assert figures(plan) == pytest.approx([130.0, 97.5 if cheaper else 100.0])
    assert plan.table("dropped")["dropped_mw"].tolist() == pytest.approx([30.0])
    a_year = 0.012 * (10 * 130 - (6 * 32.5 if cheaper else 0))
    assert cost(plan) == pytest.approx(170 + a_year + 130 * 8760 * 40 / 1e6)


ENGINE = """\
[supply]
technologies = ["engine"]
[[supply.technology]]
name = "engine"
cost_musd_per_mw = 0.1
fuel_usd_per_mwh = 5
life_years = 1
"""


def test_what_a_campus_supplies_itself_is_not_dropped(tmp_path: Path) -> None:
    """Curtailed, supplied and dropped together are never more than the campus draws; the check says so of the plan."""
    plan = plan_of(tmp_path, service(trip_on_outage=True, curtailable_share=0.05, curtailment_usd_per_mwh=1) + ENGINE)
    rows = plan.table("dropped")
    assert (rows["dropped_mw"] <= rows["drawn_mw"] + 1e-6).all()


def test_circuits_on_offer_are_refused(tmp_path: Path) -> None:
    circuits = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd\nnew,a,b,0.1,100,5\n"
    with pytest.raises(InputError, match="does not go with new circuits on offer"):
        study_of(tmp_path, STUDY + TRIP, {**PAIR, "grid/circuits": circuits}, HEAD)


def test_the_report_says_what_is_dropped(tmp_path: Path) -> None:
    text = unescape(render_report(plan_of(tmp_path))).replace("\xa0", " ")
    assert "once non-firm load of up to 100 MW is dropped" in text
    assert "What outages drop" in text
    assert "Nothing may be curtailed before an outage" in text


@pytest.mark.slow
def test_outages_take_the_load_along_in_ac_too(tmp_path: Path) -> None:
    """Of 200 MW over two lines 100 are dropped with one, so that the other carries 100 MW and what is reactive of it.

    At a power factor of 0.95 the campus takes 33 Mvar, and the line of 0.1 pu less than 12: at most 110 MVA.
    """
    folder = write_plan(plan_of(tmp_path / "study"), tmp_path / "plan")
    findings, figures = verify_ac(folder)
    one = figures["snapshots"]["year"]
    assert {row["contingency"]: row["state"] for row in one["outages"]} == dict.fromkeys(
        ("ab1", "ab2", "ac1", "ac2"), "solved"
    )
    after = [f.value for f in findings if f.rule == "grid.ac.loading" and "after outage ab" in f.where]
    assert after
    assert max(after) < 110.0
    (told,) = [f for f in findings if f.rule == "grid.ac.dropped"]
    assert told.found == "up to 100 MW in a snapshot"
