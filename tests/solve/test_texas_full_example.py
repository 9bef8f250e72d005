"""The Texas example with every part that goes together: a corner of it in the suite, the whole in the long tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from optimizer.plan.plan import Plan, tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from optimizer.study import Study, read_study
from tests.solve.small import checked_plan

CORNER = {
    "grid.area": {"center": "3007159", "hops": 4},
    "grid.snapshots": ["summer_peak", "typical"],
    "study.periods": [2030, 2032],
    "demand.work": {2030: 7008, 2032: 14016},
    "demand.efficiency": [],
    "service.curtailable_hours_per_year": 240,
    "sites.max_sites": 8,
    "sites.cell_km": 8,
    "limits.share_per": {},
    "limits.share_per_county": 0.7,
    "limits.survive_loss_of": None,
    "limits.share_left": None,
    "limits.water_m3_day_per_basin": {},
    "limits.carbon_t_per_year": {},
    "limits.embodied_t": {},
}
"""A part of the network near Houston, two snapshots, two periods; limits of places that are not in it left out."""


@pytest.fixture(scope="module")
def whole(repository: Path) -> Study:
    return read_study(repository / "examples" / "texas_full")


@pytest.fixture(scope="module")
def corner(whole: Study) -> Plan:
    return checked_plan(whole.override(CORNER))


@pytest.mark.slow
def test_newer_racks_do_more_work(corner: Plan) -> None:
    """200 MW of 2028's racks do 7,008 million; in 2032 they count half, and 100 MW of the next ones do the rest."""
    racks = corner.table("racks").groupby(["rack", "period"])["it_mw"].sum().to_dict()
    assert racks == pytest.approx({("liquid_2028", 2030): 200, ("liquid_2028", 2032): 200, ("liquid_2032", 2032): 100})
    taken = corner.table("deliveries").set_index(["item", "period"])["taken"]
    assert taken["accelerator_racks", 2030] == pytest.approx(7.4 * 200)
    assert taken["accelerator_racks", 2032] == pytest.approx(7.4 * 300)


@pytest.mark.slow
def test_every_part_is_in_the_report(corner: Plan) -> None:
    page = render_report(corner)
    for section in ("Portfolio", "Work and efficiency", "When power arrives", "Facilities", "Rules that hold", "Water"):
        assert section in page, section
    assert "in MW of the best rack of each period" in page
    assert "none is curtailed" in page
    assert corner.table("transfers")["amount_musd"].sum() > 0


def check_portfolio(plan: Plan) -> None:
    """Limits of the study file, from the tables of sites, cooling and water."""
    sites, target = plan.table("sites"), plan.table("demand").set_index("period")["target_mw"]
    # With racks, shares are of work: each site counts what its racks count.
    counted = sites.set_index(["site", "period"])["it_mw"]
    if "racks" in plan.tables:
        counted = plan.table("racks").groupby(["site", "period"])["counted_mw"].sum()
    sites = sites.join(counted.rename("counted_mw"), on=["site", "period"])
    for (t, _), mw in sites.groupby(["period", "county"])["counted_mw"].sum().items():
        assert mw <= 0.4 * target[t] + 1e-6
    assert sites.groupby(["period", "bus"])["facility_mw"].sum().max() <= 1300 + 1e-3
    for t, mw in sites.groupby("period")["counted_mw"].sum().items():
        assert mw - sites[sites["period"] == t]["counted_mw"].max() >= 0.6 * target[t] - 1e-6
    basins = sites[sites["basin"].isin(["p61", "p65"])].groupby(["period", "basin"])["water_m3_day"].sum()
    assert (basins <= 40_000 + 1e-3).all()
    paused = sites[sites["county"] == "Medina"]
    assert "Shackelford" not in set(sites["county"])
    assert paused.empty or paused["period"].min() > 2030


def test_workloads_supply_and_service_go_together(repository: Path, whole: Study, tmp_path: Path) -> None:
    """Demands of a corner: training at no site below 200 MW, and a third of the energy of the year carbon-free.

    The tables of `own_supply.toml` are put into the other study, whose network is then not read twice.
    """
    demand = tmp_path / "demand.csv"
    demand.write_text(
        "region,workload,it_mw,lat,lon\nhouston,interactive,100,29.76,-95.37\ntexas,training,200,29.5,-96\n"
        "houston,batch,100,29.76,-95.37\n"
    )
    written = tomllib.loads((repository / "examples" / "texas_full" / "own_supply.toml").read_text(encoding="utf-8"))
    shared = {key: value for key, value in CORNER.items() if not key.startswith(("demand.", "service.", "grid.s"))}
    ours = {
        "study.periods": [2030],
        "demand": None,
        "workloads": {**written["workloads"], "demand": str(demand)},
        "supply": written["supply"],
        "grid.area": {"center": "3007159", "hops": 3},
        "sites.max_sites": 6,
        "limits.carbon_free_share": {2030: 0.33},
    }
    study = whole.override(shared | ours)
    plan = checked_plan(study)
    assert study.case.service is not None
    assert study.case.supply is not None
    served = plan.table("workloads")
    assert served.groupby("workload")["served_mw"].sum().to_dict() == pytest.approx(
        {"interactive": 100, "training": 200, "batch": 100}
    )
    assert served.loc[served["workload"] == "training", "served_mw"].min() == pytest.approx(200)
    rows = plan.table("supply")
    free_mwh = rows.loc[rows["technology"].isin(["solar", "wind"]), "output_mwh_per_year"].sum()
    # What 400 MW of IT draw all year is more than their own 3,504 GWh.
    assert free_mwh >= 0.33 * 400 * 8760
    assert "Who serves whom" in render_report(plan)


def test_a_campus_at_a_plant_is_served_by_it_and_what_is_rented_stands_beside(
    repository: Path, whole: Study, tmp_path: Path
) -> None:
    """300 MW near Dallas, no county with more than 70 %, carbon-free energy for campuses without wind or sun.

    Two blocks of 100 MW fit at the nuclear plant, which alone can be carbon-free: nine tenths leave room for no
    third block on the grid, so that leased halls take the rest, whose energy is in their rent.
    """
    folder = repository / "examples" / "texas_full"
    written = tomllib.loads((folder / "own_supply.toml").read_text(encoding="utf-8"))
    demand = tmp_path / "demand.csv"
    demand.write_text("region,workload,it_mw,lat,lon\ndallas,interactive,300,32.8,-96.82\n")
    ours = {
        "study.periods": [2030],
        "demand": None,
        "workloads": {"demand": str(demand), "kind": [{"name": "interactive", "max_rtt_ms": 5}]},
        "supply": {"technologies": []},
        "sites.table": str(folder / written["sites"]["table"]),
        "sites.ties": str(folder / written["sites"]["ties"]),
        "grid.area": {"center": "3005260", "hops": 2},
        "sites.max_sites": 4,
        "limits.carbon_free_share": {2030: 0.9},
    }
    plan = checked_plan(whole.override({k: v for k, v in CORNER.items() if not k.startswith("demand.")} | ours))
    sites = plan.table("sites").set_index("site")
    assert sites["it_mw"].to_dict() == pytest.approx({"beside_nuclear": 200, "dallas_lease": 100})
    taken = plan.table("colocation")
    assert set(taken["generator"]) == {"13086"}
    assert taken["direct_mw"].max() == pytest.approx(sites.at["beside_nuclear", "facility_mw"], abs=0.01)
    assert sites.at["beside_nuclear", "emissions_t_per_year"] == 0


def test_batteries_carry_energy_through_ordered_days(repository: Path) -> None:
    """200 MW near Houston, every part of a day to nine tenths carbon-free by sun alone: at night from a store."""
    folder = repository / "examples" / "texas_full"
    days = tomllib.loads((folder / "days.toml").read_text(encoding="utf-8"))["grid"]["snapshot"]
    study = read_study(folder / "days.toml").override(
        {
            # No generator of the corner has wind, sun or water.
            "grid.snapshot": [{key: value for key, value in one.items() if key != "availability"} for one in days],
            "grid.area": {"center": "3007159", "hops": 3},
            "demand.it_mw": {2034: 200},
            "supply.technologies": ["solar", "battery"],
            "sites.table": str(folder / "sites.csv"),
            "sites.ties": None,
            "sites.max_sites": 4,
            "limits.share_per_county": None,
        }
    )
    plan = checked_plan(study)
    stored = (
        plan.table("supply_output")
        .query("technology == 'battery'")
        .groupby("snapshot")[["charge_mw", "output_mw"]]
        .sum()
    )
    for night in ("summer_night", "winter_night", "winter_evening"):
        # What 200 MW of IT draw at least, with no sun at all.
        assert stored.at[night, "output_mw"] >= 0.9 * 200 - 1e-3
    # Parts of a day are of equal length: what comes out went in before, and more for the losses.
    for day in ("summer", "winter"):
        of_day = stored[stored.index.str.startswith(day)].sum()
        assert of_day["output_mw"] == pytest.approx(0.85 * of_day["charge_mw"], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["study.toml", "own_supply.toml"])
def test_the_whole_holds(repository: Path, name: str, tmp_path: Path) -> None:
    plan = tidy_plan(solve_study(read_study(repository / "examples" / "texas_full" / name)))
    assert [str(f) for f in verify_plan(write_plan(plan, tmp_path / "plan")) if f.severity == "error"] == []
    assert plan.summary["gap"] <= 0.02
    assert plan.summary["n_contingencies_checked"] == 3206
    check_portfolio(plan)
    rented = {"dallas_lease", "san_antonio_lease", "cloud", "orbit_shell"}
    assert rented <= set(plan.table("candidates")["site"])
    if "colocation" in plan.tables:
        # Nothing else is carbon-free without a price.
        assert (plan.table("colocation").groupby("period")["direct_mw"].sum() > 0).all()
    # None serves before the first period after 51 months from the start of 2026.
    assert plan.table("upgrades")["in_service"].min() >= 2032


@pytest.mark.slow
def test_the_days_hold(repository: Path, tmp_path: Path) -> None:
    plan = tidy_plan(solve_study(read_study(repository / "examples" / "texas_full" / "days.toml")))
    assert [str(f) for f in verify_plan(write_plan(plan, tmp_path / "plan")) if f.severity == "error"] == []
    assert plan.summary["gap"] <= 0.02
    assert plan.summary["n_contingencies_checked"] == 3206
    assert plan.table("sites")["it_mw"].sum() == pytest.approx(2500)
    # In the summer evening neither sun nor wind gives much: the page says that batteries do.
    assert plan.table("supply").groupby("technology")["energy_mwh"].sum()["battery"] > 0


@pytest.mark.parametrize(
    "snapshots", [["summer_peak"], pytest.param(["summer_peak", "typical"], marks=pytest.mark.slow)]
)
def test_a_new_line_makes_room_in_a_corner(repository: Path, snapshots: list[str]) -> None:
    """One line beside what limits the corner is enough for 2,000 MW, every outage of the network with it checked."""
    study = read_study(repository / "examples" / "texas_full" / "circuits.toml")
    plan = checked_plan(study.override({"grid.snapshots": snapshots}))
    assert plan.summary["gap"] <= 0.02
    built = plan.table("circuits")
    assert built["kind"].tolist() == ["line"]
    assert built["circuit"].iat[0].removeprefix("beside ") in study.config.expansion.branches
    assert plan.table("sites")["it_mw"].sum() == pytest.approx(2000)
    # The corner has 80 branches of its own.
    assert plan.summary["n_contingencies_checked"] == 81
