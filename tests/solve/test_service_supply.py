"""Curtailable service together with own supply, and with circuits on offer: optima found by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.plan.plan import Plan, tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from tests.solve.service_cases import LINE, STUDY, cost, service
from tests.solve.small import HEAD, checked_plan, study_of
from tests.solve.test_supply import GRID, engine
from tests.solve.test_supply import STUDY as CAMPUS

SUPPLY = '[supply]\ntechnologies = ["engine"]\ntable = "supply.csv"\n'
"""The engine of `tests.solve.test_supply`: 30 $/MWh, at a price per MW that is paid in the one year."""


def offered(max_mw: float, firm: bool = False) -> str:
    """The table ``[supply]`` with no more than so much of the engine."""
    return (
        SUPPLY
        + ("counts_as_firm = true\n" if firm else "")
        + (f'[[supply.technology]]\nname = "engine"\nmax_mw = {max_mw}\n' if max_mw else "")
    )


def plan_of(folder: Path, more: str, study: str = STUDY, written: bool = False, **tables: str) -> Plan:
    """The line to a site, with an engine on offer at 0.01 M$ a MW."""
    own = {"sites", "ties", "supply"}
    named = {(name if name in own else f"grid/{name}"): text for name, text in tables.items()}
    files = {**LINE, "supply": engine(0.01), **named}
    return checked_plan(study_of(folder, study + more, files, HEAD), written)


def at_the_peak(plan: Plan) -> dict[str, float]:
    """The row of service at the peak."""
    return dict(plan.table("service").set_index("snapshot").loc["peak"].drop(["site", "period"]))


@pytest.mark.slow
def test_what_the_engine_does_not_give_is_curtailed(tmp_path: Path) -> None:
    """10 MW are short through 100 h. A MW of engine costs 0.01 + 100 h at 20 $ more than the grid, 0.012 M$; a MW
    curtailed costs 0.02 less the 0.001 of energy saved. So all 5 MW of engine are built, and 5 MW are curtailed."""
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200)
    plan = plan_of(tmp_path, limit + offered(5), written=True)
    row = at_the_peak(plan)
    assert (row["facility_mw"], row["curtailed_mw"], row["drawn_mw"]) == pytest.approx((50, 5, 40))
    assert plan.table("sites")[["it_mw", "firm_mw"]].to_numpy().tolist() == [[50, pytest.approx(45)]]
    energy = 1e-5 * (60 * 100 + 30 * 8660 + 40 * 100 + 50 * 8660)
    assert cost(plan) == pytest.approx(energy + 5 * (0.01 + 0.003) + 500 * 200 / 1e6)


@pytest.mark.slow
def test_each_part_at_its_neutral_data_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200)
    alone = plan_of(tmp_path / "service", limit)
    without = plan_of(tmp_path / "without", limit + "[supply]\n")
    none = plan_of(tmp_path / "none", limit + offered(5).replace("max_mw = 5", "max_mw = 0"))
    assert cost(alone) == cost(without) == pytest.approx(cost(none))
    assert alone.table("service").equals(without.table("service"))
    supplied = plan_of(tmp_path / "supply", offered(10))
    firm = plan_of(tmp_path / "firm", service(curtailable_share=0.0) + offered(10))
    never = plan_of(tmp_path / "never", service(curtailable_share=1e-9, curtailment_usd_per_mwh=200) + offered(10))
    assert cost(supplied) == cost(firm) == pytest.approx(cost(never))
    assert supplied.table("supply").equals(firm.table("supply"))


@pytest.mark.slow
def test_more_of_either_never_costs_more(tmp_path: Path) -> None:
    """10 MW of blocks that cannot stand cost 10 M$; whatever fills the peak costs less, and both less than one."""
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200)
    both, curtailed, engines, none = (
        cost(plan_of(tmp_path / str(i), more)) for i, more in enumerate((limit + offered(5), limit, offered(5), ""))
    )
    assert both < curtailed < none
    # 5 MW of engines alone do not make room for a block of 10.
    assert both < engines == pytest.approx(none)


@pytest.mark.slow
def test_a_tie_relieved_by_own_supply_carries_what_is_caught_up(tmp_path: Path) -> None:
    """A tie of 45 MW, 6 MW of engine that count as firm, and 4 of 10 MW short at the peak put off.

    400 MWh come back in 8,660 h, and the tie has no room for them: the engine gives 5 MW and as much more.
    """
    wait = "[service.deferral]\nshare = 0.5\ncatch_up_share = 0.1\ncost_usd_per_mwh = 200\n"
    limit = service(curtailable_share=0.01, curtailment_usd_per_mwh=1000) + wait
    study = STUDY.replace('table = "sites.csv"\n', 'table = "sites.csv"\nties = "ties.csv"\n')
    ties = "site,bus,capacity_mw,cost_musd\nsb,b,45,0\n"
    plan = plan_of(tmp_path, limit + offered(6, firm=True), study, ties=ties)
    late = 400 / 8660
    rows = plan.table("service").set_index("snapshot")
    assert rows.loc["peak", ["deferred_mw", "drawn_mw"]].tolist() == pytest.approx([4, 40], abs=1e-5)
    assert rows.loc["light", ["recovered_mw", "drawn_mw"]].tolist() == pytest.approx([late, 45], abs=1e-5)
    own = 6 * 100 + (5 + late) * 8660
    energy = 1e-5 * (60 * 100 + 30 * 8660 + 40 * 100 + 45 * 8660) + 30 * own / 1e6
    assert cost(plan) == pytest.approx(energy + 6 * 0.01 + 400 * 200 / 1e6, abs=1e-6)


@pytest.mark.slow
def test_a_lost_campus_takes_along_what_it_draws_and_no_more(tmp_path: Path) -> None:
    """100 MW at a; at b a campus of 200, 100 of them from its engine, and 80 MW of generation: 20 MW are curtailed.

    Nothing flows. The campus lost, 80 MW are too many, of which the generators of 100 and 80 MW give up 44.4 and 35.6:
    44.4 MW flow from b to a, half on each line. Of what it would draw, 200, or draws less its engine, 100, it would
    be other numbers.
    """
    study = CAMPUS.replace("contingencies = []", 'contingencies = ["branch", "campus"]').replace(
        "2030 = 100", "2030 = 200"
    )
    files = {
        **GRID,
        "sites": GRID["sites"].replace("s,b,100,1,1", "s,b,100,2,1"),
        "grid/buses": "bus,base_kv,load_mw\na,138,100\nb,138,0\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,100,50\ngb,b,80,50\n",
        "supply": engine(0.1),
    }
    limit = service(curtailable_share=0.2, curtailment_usd_per_mwh=1000)
    plan = checked_plan(study_of(tmp_path, study + limit + offered(100), files, HEAD))
    assert plan.table("service")["curtailed_mw"].tolist() == pytest.approx([20], abs=1e-4)
    assert plan.summary["n_violations"] == 0
    after = plan.table("contingencies")
    lost = after[~after["contingency"].isin(["l1", "l2"])]
    assert lost["flow_mw"].tolist() == pytest.approx([-200 / 9, -200 / 9], abs=1e-3)


def test_what_is_curtailed_needs_no_accredited_capacity(tmp_path: Path) -> None:
    """150 MW count, with half in reserve 100 of them for load: 20 MW more at the peak are curtailed, or need engines.

    They would be 20 x 1.5 = 30 MW at 5 M$ each; curtailed, they cost 2,000 MWh at 200 $.
    """
    study = CAMPUS.replace('source = "grid"\n', 'source = "grid"\nsnapshots = ["peak", "light"]\n')
    files = {
        **GRID,
        "grid/buses": "bus,base_kv,load_mw\na,138,20\nb,138,0\n",
        "grid/snapshots": "snapshot,hours,load_factor\npeak,100,1.0\nlight,8660,0.0\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,accredited_share\ng,a,400,50,0.375\n",
        "supply": engine(5.0),
    }
    more = service(curtailable_share=0.01, curtailment_usd_per_mwh=200) + SUPPLY + "[adequacy]\nreserve_margin = 0.5\n"
    plan = checked_plan(study_of(tmp_path, study + more, files, HEAD))
    assert at_the_peak(plan)["curtailed_mw"] == pytest.approx(20, abs=1e-4)
    assert plan.table("adequacy")[["peak_mw", "margin"]].to_numpy().tolist() == [pytest.approx([100, 0.5], abs=1e-6)]
    assert plan.table("supply").empty


def test_what_is_curtailed_needs_no_carbon_free_supply(tmp_path: Path) -> None:
    """All that is used is to be carbon-free, the grid is not, and 5 MW of engines that count as such are on offer.

    10 MW of campus then use 5 MW all year, and 5 are curtailed; what backup serves of these would not be clean.
    """
    limit = service(curtailable_share=0.5, curtailment_usd_per_mwh=100)
    limit += "[service.backup]\nhours_per_year = 8760\nfuel_usd_per_mwh = 1\ncarbon_t_per_mwh = 0.7\n"
    clean = offered(5) + "carbon_free_share = 1\n[limits]\ncarbon_free_share = { 2030 = 1.0 }\n"
    study = STUDY.replace("2030 = 50", "2030 = 10")
    plan = plan_of(tmp_path, limit + clean, study)
    rows = plan.table("service").set_index("snapshot")
    assert rows["curtailed_mw"].to_dict() == pytest.approx({"peak": 5, "light": 5}, abs=1e-4)
    assert rows["backup_mw"].max() == pytest.approx(0, abs=1e-4)


def test_energy_not_taken_counts_own_supply(tmp_path: Path) -> None:
    """Of the energy of 50 MW the tariff asks for, 500 MWh are curtailed and 500 MWh the engine's: 1,000 are owed."""
    tariff = '[[service.tariff]]\njurisdiction = "any"\nminimum_take_share = 1.0\nenergy_usd_per_mwh = 30\n'
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200)
    plan = plan_of(tmp_path, limit + tariff + offered(5), STUDY + "[facility]\nutilization = 1.0\n")
    rows = plan.table("transfers").set_index("account")["amount_musd"]
    assert rows["minimum take"] == pytest.approx(1000 * 30 / 1e6)


TAMPERED = (
    ("service", "curtailed_mw", -1.0, "plan.balance"),
    ("service", "drawn_mw", 1.0, "drawn_mw"),
    ("service", "curtailed_mw", 42.0, "plan.supply.export"),
    ("supply_output", "output_mw", -1.0, "plan.balance"),
)


@pytest.mark.slow
def test_a_changed_number_is_found(tmp_path: Path) -> None:
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200)
    plan = plan_of(tmp_path, limit + offered(5))
    for table, column, change, said in TAMPERED:
        changed = plan.table(table).copy()
        changed.loc[changed["snapshot"] == "peak", column] += change
        made = replace(plan, tables={**plan.tables, table: changed})
        findings = verify_plan(write_plan(made, tmp_path / f"{table}_{column}_{change:g}"))
        errors = [str(f) for f in findings if f.severity == "error"]
        assert any(said in text for text in errors), (table, column, errors)


EXPANDING = STUDY + "[expansion]\nenabled = true\n"


def circuit(cost_musd: float) -> str:
    """One more line from a to b."""
    columns = "circuit,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw,cost_musd\n"
    return f"{columns}new,a,b,0.1,100,100,{cost_musd}\n"


@pytest.mark.every(2)
@pytest.mark.parametrize(("price", "built"), [(0.18, 1), (0.2, 0)])
def test_a_circuit_is_built_where_it_costs_less_than_curtailing(tmp_path: Path, price: float, built: int) -> None:
    """Curtailed, 10 MW through 100 h cost 0.2 M$ and save 0.01 M$ of energy."""
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200)
    plan = plan_of(tmp_path, limit, EXPANDING, circuits=circuit(price), written=True)
    assert len(plan.table("circuits")) == built
    assert at_the_peak(plan)["curtailed_mw"] == pytest.approx(0 if built else 10, abs=1e-4)
    energy = 1e-5 * (60 * 100 + 30 * 8660 + (50 if built else 40) * 100 + 50 * 8660)
    assert cost(plan) == pytest.approx(energy + (price if built else 0.2))


RING = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,60\nc,138,20\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "ab,a,b,0.1,70,80\nac,a,c,0.1,60,70\nbc,b,c,0.1,60,70\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,200,10\ngb,b,40,70\n",
    "grid/snapshots": "snapshot,hours,load_factor\npeak,100,1.0\nlight,8660,0.5\n",
    "sites": "site,bus,block_mw,max_blocks\nsb,b,10,5\n",
    "supply": engine(0.02),
}


@pytest.mark.slow
@pytest.mark.parametrize("price", [0.001, 0.4])
def test_circuits_service_and_supply_together_are_the_best_of_all_networks(tmp_path: Path, price: float) -> None:
    """The plan costs what the cheaper of two plain studies costs: with the circuit as a branch, and without it."""
    study = STUDY.replace("contingencies = []", 'contingencies = ["branch", "generator", "campus"]')
    limit = service(curtailable_share=0.01, curtailment_usd_per_mwh=200) + offered(5)
    columns = "circuit,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw,cost_musd\n"
    offer = {"grid/circuits": f"{columns}new,a,b,0.1,70,80,{price}\n"}
    more = study + "[expansion]\nenabled = true\n" + limit
    together = checked_plan(study_of(tmp_path / "both", more, {**RING, **offer}, HEAD))
    branches = RING["grid/branches"]
    without = cost(checked_plan(study_of(tmp_path / "without", study + limit, RING, HEAD)))
    built = {**RING, "grid/branches": branches + "new,a,b,0.1,70,80\n"}
    with_it = cost(checked_plan(study_of(tmp_path / "with", study + limit, built, HEAD)))
    assert with_it < without
    assert cost(together) == pytest.approx(min(with_it + price, without), rel=1e-6)
    assert len(together.table("circuits")) == (with_it + price < without)


def test_a_plan_of_all_three_is_written_and_checked(tmp_path: Path) -> None:
    limit = service(curtailable_share=0.01, curtailment_usd_per_mwh=200) + offered(5)
    columns = "circuit,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw,cost_musd\n"
    files = {**RING, "grid/circuits": f"{columns}new,a,b,0.1,70,80,0.4\n"}
    study = study_of(tmp_path, EXPANDING + limit, files, HEAD)
    plan = tidy_plan(solve_study(study))
    findings = verify_plan(write_plan(plan, tmp_path / "out"))
    assert [str(f) for f in findings if f.severity == "error"] == []
