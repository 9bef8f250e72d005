"""Service: optima found by hand, limits of curtailment, what serves curtailed load, and what more of it never does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.plan import checks_files
from optimizer.plan.plan import tidy_plan
from optimizer.plan.verify import checks_for
from optimizer.plan.verify_context import Context
from optimizer.report.html import render_report
from optimizer.solve import loop, solve_study
from tests.solve.service_cases import LINE, STUDY, cost, plan_of, service
from tests.solve.small import HEAD, checked_plan, study_of


@pytest.mark.slow
def test_firm_service_is_what_the_hardest_snapshot_leaves(tmp_path: Path) -> None:
    """40 MW fit at the peak: four blocks, and 10 MW short at 1 M$ each."""
    plan = plan_of(tmp_path)
    assert plan.table("sites")["it_mw"].tolist() == [40.0]
    # 10 $/MWh for 60 and 30 MW of load, and for 40 MW all year.
    assert cost(plan) == pytest.approx(10.0 + 1e-5 * (60 * 100 + 30 * 8660 + 40 * 8760))


def test_ten_of_fifty_megawatts_are_curtailed_at_the_peak(tmp_path: Path) -> None:
    """10 MW through 100 h are 1,000 of 438,000 MWh, 0.228 %: within 0.25 %, at 200 $/MWh dearer by 0.2 M$."""
    plan = plan_of(tmp_path, service(curtailable_share=0.0025, curtailment_usd_per_mwh=200))
    assert plan.table("sites")[["it_mw", "facility_mw", "firm_mw"]].to_numpy().tolist() == [[50.0, 50.0, 40.0]]
    rows = plan.table("service").set_index("snapshot")
    assert rows["curtailed_mw"].to_dict() == pytest.approx({"peak": 10.0, "light": 0.0})
    assert rows["drawn_mw"].to_dict() == pytest.approx({"peak": 40.0, "light": 50.0})
    years = plan.table("service_years").iloc[0]
    assert years["curtailed_mwh"] == pytest.approx(1000.0)
    assert years["curtailed_hours"] == 100.0
    assert years["curtailed_share"] == pytest.approx(1000 / 438_000, abs=1e-6)
    energy = 1e-5 * (60 * 100 + 30 * 8660 + 40 * 100 + 50 * 8660)
    assert cost(plan) == pytest.approx(0.2 + energy)
    assert plan.table("costs").set_index("account").at["service", "cost_musd"] == pytest.approx(0.2)


@pytest.mark.every(2)
@pytest.mark.parametrize("must", [False, True])
def test_a_relaxation_that_begins_without_curtailment_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, must: bool
) -> None:
    """Studies of many sites are solved so; where the demand must be met there is no solution to begin with."""
    monkeypatch.setattr(loop, "MANY_OF_SERVICE", 1)
    study = STUDY.replace("penalty_musd_per_mw_year = 1.0\n", "") if must else STUDY
    plan = plan_of(tmp_path, service(curtailable_share=0.0025, curtailment_usd_per_mwh=200), study=study)
    assert plan.table("service").set_index("snapshot")["curtailed_mw"].to_dict() == pytest.approx(
        {"peak": 10.0, "light": 0.0}
    )
    assert cost(plan) == pytest.approx(0.2 + 1e-5 * (60 * 100 + 30 * 8660 + 40 * 100 + 50 * 8660))


def test_too_small_a_share_leaves_a_block_out(tmp_path: Path) -> None:
    """0.2 % of 438,000 MWh are 876, and 10 MW at the peak need 1,000."""
    plan = plan_of(tmp_path, service(curtailable_share=0.002))
    assert plan.table("sites")["it_mw"].tolist() == [40.0]
    assert plan.table("service")["curtailed_mw"].max() == 0.0


def test_a_snapshot_longer_than_the_hours_is_never_curtailed(tmp_path: Path) -> None:
    """The peak lasts 100 h, more than 99; the shorter snapshot that keeps the study legal has room for all."""
    tables = {"snapshots": "snapshot,hours,load_factor\npeak,100,1.0\nlight,8570,0.5\nshort,90,0.2\n"}
    plan = plan_of(tmp_path, service(curtailable_share=0.1, curtailable_hours_per_year=99), **tables)
    assert plan.table("sites")["it_mw"].tolist() == [40.0]


@pytest.mark.every(2)
@pytest.mark.parametrize(("hours", "built"), [(199, 40.0), (200, 50.0)])
def test_hours_of_snapshots_are_counted_whole(tmp_path: Path, hours: int, built: float) -> None:
    """Two peaks of 100 h each short of 10 MW: both or the block cannot stand; a little of each hour is no way out."""
    tables = {"snapshots": "snapshot,hours,load_factor\npeak,100,1.0\nlight,8560,0.5\nagain,100,1.0\n"}
    plan = plan_of(tmp_path, service(curtailable_share=0.1, curtailable_hours_per_year=hours), **tables)
    assert plan.table("sites")["it_mw"].tolist() == [built]
    assert plan.table("service_years")["curtailed_hours"].tolist() == [0.0 if built == 40 else 200.0]


BACKUP = """\
[service.backup]
hours_per_year = 100
fuel_usd_per_mwh = 300
carbon_t_per_mwh = 0.7
cost_musd_per_mw = 0.01
"""


def test_backup_serves_what_is_dearer_to_lose(tmp_path: Path) -> None:
    """10 MW for 100 h at 300 $/MWh are 0.3 M$ and 0.1 M$ for the plant, against 1 M$ at 1,000 $/MWh: 700 t."""
    plan = plan_of(tmp_path, service(curtailable_share=0.01, curtailment_usd_per_mwh=1000) + BACKUP)
    years = plan.table("service_years").iloc[0]
    assert years[["backup_capacity_mw", "backup_mwh", "lost_mwh", "cost_musd"]].tolist() == pytest.approx(
        [10.0, 1000.0, 0.0, 0.4]
    )
    assert plan.summary["objectives"]["carbon_t"] == pytest.approx(700.0)


@pytest.mark.slow
def test_an_air_permit_of_fewer_hours_needs_more_plant(tmp_path: Path) -> None:
    """1,000 MWh in 40 h of full output take 25 MW."""
    backup = BACKUP.replace("hours_per_year = 100", "hours_per_year = 40")
    plan = plan_of(tmp_path, service(curtailable_share=0.01, curtailment_usd_per_mwh=1000) + backup)
    assert plan.table("service_years")["backup_capacity_mw"].tolist() == pytest.approx([25.0])


def test_deferred_work_is_caught_up_within_the_tie(tmp_path: Path) -> None:
    """Half of 50 MW can wait: 10 MW through 100 h come back in 8,660 h, over a tie of 60 MW."""
    deferral = "[service.deferral]\nshare = 0.5\ncatch_up_share = 0.1\ncost_usd_per_mwh = 10\n"
    larger = LINE["sites"].replace("b,10,5", "b,10,6")
    plan = plan_of(tmp_path, service(curtailable_share=0.01, curtailment_usd_per_mwh=1000) + deferral, sites=larger)
    rows = plan.table("service").set_index("snapshot")
    assert rows.at["peak", "deferred_mw"] == pytest.approx(10.0)
    assert rows.at["light", "recovered_mw"] == pytest.approx(1000 / 8660, abs=1e-6)
    assert plan.table("service_years")["cost_musd"].tolist() == pytest.approx([0.01], abs=1e-6)


def test_deferred_work_may_be_lost(tmp_path: Path) -> None:
    """Without catching up, a fifth of 50 MW can wait, and nothing is drawn later."""
    deferral = '[service.deferral]\nshare = 0.1\nenergy = "lost"\n'
    plan = plan_of(tmp_path, service(curtailable_share=0.01, curtailment_usd_per_mwh=1000) + deferral)
    years = plan.table("service_years").iloc[0]
    # 5 of 10 MW wait at no cost, 5 MW are lost for 100 h at 1,000 $/MWh.
    assert years["cost_musd"] == pytest.approx(0.5)
    assert plan.table("service")["recovered_mw"].max() == 0.0


INTERIM = service(curtailable_share=0.01, non_firm_share=0.0, interim_non_firm=True, interim_years=2)
THREE_PERIODS = HEAD.replace("[2030]", "[2030, 2032, 2034]").replace(
    "last_period_years = 1.0", "last_period_years = 2.0"
)
OVER_TIME = STUDY.replace("2030 = 50", "2030 = 50, 2032 = 50, 2034 = 50").replace("enabled = false", "enabled = true")
UPGRADE = "upgrade,branch,added_mw,cost_musd,ready\nu,ab,60,1,2032\n"


@pytest.mark.every(2)
@pytest.mark.parametrize("interim", [False, True])
def test_interim_service_brings_power_before_the_upgrade(tmp_path: Path, interim: bool) -> None:
    """The upgrade serves from 2032 on; until then 40 MW are firm, and in interim service all 50 are drawn."""
    plan = plan_of(tmp_path, INTERIM if interim else "", THREE_PERIODS, OVER_TIME, upgrades=UPGRADE)
    it_mw = plan.table("sites").set_index("period")["it_mw"].to_dict()
    assert it_mw == {2030: 50.0 if interim else 40.0, 2032: 50.0, 2034: 50.0}
    assert plan.table("upgrades")["in_service"].tolist() == [2032]
    if interim:
        assert plan.table("service_years")["non_firm_mw"].tolist() == pytest.approx([10.0, 0.0, 0.0])
        assert plan.table("service_years")["firm_mw"].tolist() == pytest.approx([40.0, 50.0, 50.0])


@pytest.mark.slow
def test_a_last_period_of_many_years_is_not_interim(tmp_path: Path) -> None:
    """Energized in 2034 for ten years, with two years of interim service: firm from the start, so 40 MW."""
    head = HEAD.replace("[2030]", "[2034]").replace("last_period_years = 1.0", "last_period_years = 10.0")
    plan = plan_of(tmp_path, INTERIM, head, STUDY.replace("2030 = 50", "2034 = 50"))
    assert plan.table("sites")["it_mw"].tolist() == [40.0]


@pytest.mark.slow
def test_nothing_curtailable_is_firm_service(tmp_path: Path) -> None:
    firm = plan_of(tmp_path / "firm")
    neutral = plan_of(tmp_path / "neutral", service(curtailable_share=0.0) + BACKUP)
    assert cost(neutral) == cost(firm)
    assert neutral.table("sites").equals(firm.table("sites"))
    assert "service" not in neutral.tables


@pytest.mark.slow
def test_more_curtailable_energy_never_costs_more(tmp_path: Path) -> None:
    costs = [
        cost(plan_of(tmp_path / str(i), service(curtailable_share=share, curtailment_usd_per_mwh=500)))
        for i, share in enumerate((0.0, 0.0005, 0.0025, 0.01))
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


def test_curve_of_firmness_is_written_and_recomputed(tmp_path: Path) -> None:
    """From firm to 0.25 % a delay of 10 MW-years ends, for 0.2 M$ and energy less: 120 MW-months."""
    curve = "[report]\nfirmness = [0.0, 0.0025]\n"
    plan = plan_of(tmp_path, service(curtailable_share=0.0025, curtailment_usd_per_mwh=200) + curve, written=True)
    rows = plan.table("firmness")
    assert rows["scenario"].tolist() == ["curtailed_0_percent", "curtailed_0-25_percent"]
    assert rows["delay_mw_years"].tolist() == pytest.approx([10.0, 0.0])
    assert rows["earlier_mw_months"].tolist() == pytest.approx([0.0, 120.0])
    saved = 1e6 * (10.0 - 0.2 - 1e-5 * 10 * 8660)
    assert rows["value_usd_per_mw_month"].iloc[1] == pytest.approx(saved / 120, abs=0.01)


def test_a_lost_campus_takes_away_what_it_draws(tmp_path: Path) -> None:
    """The loss of the campus is an outage like any other, and what is curtailed is not lost with it."""
    study = STUDY.replace("contingencies = []", 'contingencies = ["campus", "generator"]')
    tables = {"generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\ngb,b,20,90\n"}
    plan = plan_of(tmp_path, service(curtailable_share=0.01), study=study, **tables)
    assert plan.table("service").set_index("snapshot").at["peak", "curtailed_mw"] == pytest.approx(10.0)


def test_site_grows_no_faster_than_its_ramp(tmp_path: Path) -> None:
    """20 MW in its first year, 40 more in two years to 2032: 50 are asked for."""
    ramp = "[limits]\nsite_ramp_mw_per_year = 20\n"
    tables = {"snapshots": "snapshot,hours,load_factor\nall,8760,0.5\n"}
    plan = plan_of(tmp_path, ramp, THREE_PERIODS, OVER_TIME, **tables)
    assert plan.table("sites")["it_mw"].tolist() == [20.0, 50.0, 50.0]


TARIFF = """\
[[service.tariff]]
jurisdiction = "any"
demand_usd_per_kw_month = 10
non_firm_usd_per_kw_month = 4
minimum_take_share = 1.0
energy_usd_per_mwh = 30
deposit_musd_per_mw = 0.2
exit_fee_musd_per_mw = 0.1
tax_musd_per_mw_year = 0.05
tax_abatement_share = 0.4
upgrade_cost_share = 0.6
"""


def test_transfers_are_reported_by_payer(tmp_path: Path) -> None:
    """50 MW contracted, 10 of them non-firm and curtailed for 1,000 MWh."""
    plan = plan_of(tmp_path, service(curtailable_share=0.0025) + TARIFF)
    rows = plan.table("transfers").set_index(["account", "payer"])["amount_musd"].to_dict()
    assert rows == pytest.approx(
        {
            ("demand charge", "load"): 0.012 * (40 * 10 + 10 * 4),
            ("minimum take", "load"): 1000 * 30 / 1e6,
            ("deposit held", "load"): 10.0,
            ("exit fee at stake", "load"): 5.0,
            ("tax", "load"): 0.6 * 2.5,
            ("tax abatement", "authority"): 0.4 * 2.5,
            ("network upgrades", "load"): 0.0,
            ("network upgrades", "other customers"): 0.0,
        }
    )


@pytest.mark.slow
def test_upgrades_are_shared_between_load_and_other_customers(tmp_path: Path) -> None:
    """An upgrade of 1 M$ a year, 60 % of it paid by the load; transfers are no part of the cost."""
    upgrades = UPGRADE.replace(",2032", ",0")
    study = STUDY.replace("enabled = false", "enabled = true")
    with_tariff = plan_of(tmp_path / "a", service(curtailable_share=0.0) + TARIFF, study=study, upgrades=upgrades)
    without = plan_of(tmp_path / "b", study=study, upgrades=upgrades)
    assert cost(with_tariff) == cost(without)
    rows = with_tariff.table("transfers").set_index(["account", "payer"])["amount_musd"]
    assert rows["network upgrades"].to_dict() == pytest.approx({"load": 0.6, "other customers": 0.4})


@pytest.mark.slow
def test_report_says_when_power_arrives_and_what_firmness_costs(tmp_path: Path) -> None:
    curve = "[report]\nfirmness = [0.0, 0.0025]\n"
    more = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200) + TARIFF + curve
    html = render_report(plan_of(tmp_path, more))
    # 10 MW at the peak are 1,000 MWh; a MW-year short at 1 M$ is 83,333 $ a month.
    for words in ("When power arrives", "83,333 $/MW-month", "100 hours", "120 MW-months", "demand charge"):
        assert words in html


def found(folder: Path, name: str, **cells: float) -> list[str]:
    """What the check says of a plan in which some columns of a table were changed, where they are largest."""
    study = study_of(
        folder, STUDY + service(curtailable_share=0.01, curtailment_usd_per_mwh=1000) + BACKUP + TARIFF, LINE
    )
    plan = tidy_plan(solve_study(study))
    table = plan.tables[name].copy()
    for column, value in cells.items():
        table.loc[table[column].idxmax(), column] = value
    changed = replace(plan, tables={**plan.tables, name: table})
    context = Context(study.folder, "", changed.summary, changed.tables, study, study.case)
    chosen = [check for check in checks_for(context) if check not in checks_files.CHECKS]
    return [str(finding) for check in chosen for finding in check(context) if finding.severity == "error"]


@pytest.mark.every(6)
@pytest.mark.parametrize(
    ("name", "column", "value", "words"),
    [
        ("service", "curtailed_mw", 60.0, "plan.service.load"),
        ("service", "curtailed_mw", 50.0, "plan.service.energy"),
        ("service", "curtailed_mw", -1.0, "plan.service.negative"),
        ("service", "curtailed_mw", 9.0, "plan.balance"),
        ("service", "backup_mw", 11.0, "backup and deferral are more than is curtailed"),
        ("service", "recovered_mw", 1.0, "plan.service.limit"),
        ("service", "deferred_mw", 1.0, "plan.service.limit"),
        ("service", "firm_mw", 41.0, "firm_mw"),
        ("service_years", "backup_capacity_mw", 5.0, "plan.service.permit"),
        ("service_years", "backup_capacity_mw", 51.0, "plan.service.backup"),
        ("service_years", "cost_musd", 0.1, "cost_musd"),
        ("transfers", "amount_musd", 0.1, "amount_musd"),
    ],
)
def test_a_changed_number_is_found(name: str, column: str, value: float, words: str, tmp_path: Path) -> None:
    assert any(words in one for one in found(tmp_path, name, **{column: value}))


@pytest.mark.every(2)
@pytest.mark.parametrize(("tie_musd", "bus"), [(0.03, "a"), (10.0, "b")])
def test_only_the_tie_that_is_built_is_relieved(tmp_path: Path, tie_musd: float, bus: str) -> None:
    """At b 10 of 50 MW are short for 100 h of the year, 0.1 M$ of lost load, and caught up there; a is never short.

    4 of the 10 MW wait at 10 $/MWh and are caught up over 8,660 h with 0.046 MW, of at most 0.001 x 50: 0.064 M$.
    """
    ties = f"site,bus,capacity_mw,cost_musd\nsb,a,200,{tie_musd}\nsb,b,200,0\n"
    waits = "[service.deferral]\nshare = 0.08\ncatch_up_share = 0.001\ncost_usd_per_mwh = 10\n"
    study = STUDY.replace('table = "sites.csv"\n', 'table = "sites.csv"\nties = "ties.csv"\n')
    more = service(curtailable_share=0.01) + waits
    plan = checked_plan(study_of(tmp_path, study + more, {**LINE, "ties": ties}, HEAD))
    assert plan.table("ties")["bus"].tolist() == [bus]
    alone = ties.splitlines(keepends=True)
    one = {**LINE, "ties": alone[0] + alone[1 if bus == "a" else 2]}
    assert cost(plan) == pytest.approx(cost(checked_plan(study_of(tmp_path / "one", study + more, one, HEAD))))
    moved = plan.table("service").groupby("snapshot")[["curtailed_mw", "deferred_mw", "recovered_mw"]].sum()
    expected = [0, 0, 0, 0] if bus == "a" else [10, 4, 0, 4 * 100 / 8660]
    assert [*moved.loc["peak"], moved.at["light", "recovered_mw"]] == pytest.approx(expected, abs=1e-5)
    costs = plan.table("costs").set_index("account")["cost_musd"]
    assert costs["service"] == pytest.approx(0.0 if bus == "a" else 0.064)
