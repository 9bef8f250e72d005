"""The developer's perspective: tariffs are the cost itself, and what is built follows them; optima found by hand."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.solve.explain.site import why_site
from tests.solve.service_cases import LINE, STUDY, cost, plan_of, service
from tests.solve.small import HEAD, checked_plan, study_of
from tests.solve.test_service_supply import offered
from tests.solve.test_supply import engine

DEVELOPER = HEAD.replace('name = "Small"\n', 'name = "Small"\nperspective = "developer"\n')

TARIFF = """\
[[service.tariff]]
jurisdiction = "any"
demand_usd_per_kw_month = 10
non_firm_usd_per_kw_month = 4
energy_usd_per_mwh = 40
tax_musd_per_mw_year = 0.05
tax_abatement_share = 0.4
upgrade_cost_share = 0.5
"""

FIRM = service(curtailable_share=0.0) + TARIFF


def accounts(plan: Plan) -> dict[str, float]:
    """Present value of each account of which there is any [M$]."""
    costs = plan.table("costs").groupby("account")["cost_musd"].sum()
    return dict(costs[costs.abs() > 1e-9])


def test_tariffs_are_the_cost(tmp_path: Path) -> None:
    """40 MW fit at the peak, 10 MW are short at 1 M$ each; no generation is in the cost, old load is nobody's here."""
    plan = plan_of(tmp_path, FIRM, DEVELOPER, written=True)
    assert plan.table("sites")["it_mw"].tolist() == [40.0]
    expected = {"shortfall": 10, "energy": 40 * 8760 * 40 / 1e6, "demand charge": 0.12 * 40, "tax": 0.03 * 40}
    assert accounts(plan) == pytest.approx(expected)
    assert cost(plan) == pytest.approx(sum(expected.values()))
    assert plan.summary["baseline_musd"] == 0.0


@pytest.mark.slow
def test_capacity_that_costs_more_than_it_is_worth_is_not_built(tmp_path: Path) -> None:
    """A MW costs 0.3504 of energy, 0.12 of demand and 0.03 of tax: 0.5004 M$, more than 0.5 of not serving it."""
    dear = STUDY.replace("penalty_musd_per_mw_year = 1.0", "penalty_musd_per_mw_year = 0.5")
    assert plan_of(tmp_path / "dear", FIRM, DEVELOPER, dear).table("sites").empty
    cheap = STUDY.replace("penalty_musd_per_mw_year = 1.0", "penalty_musd_per_mw_year = 0.501")
    assert plan_of(tmp_path / "cheap", FIRM, DEVELOPER, cheap).table("sites")["it_mw"].tolist() == [40.0]


@pytest.mark.every(2)
@pytest.mark.parametrize(("share", "non_firm"), [(1.0, 50.0), (0.5, 25.0)])
def test_what_may_be_non_firm_is_contracted_so_where_it_costs_less(
    tmp_path: Path, share: float, non_firm: float
) -> None:
    """10 of 50 MW are curtailed for 100 h; all that may be non-firm is, at 4 instead of 10 $/kW-month."""
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200, non_firm_share=share) + TARIFF
    plan = plan_of(tmp_path, limit, DEVELOPER)
    years = plan.table("service_years").iloc[0]
    assert years[["contract_mw", "firm_mw", "non_firm_mw"]].tolist() == pytest.approx([50, 50 - non_firm, non_firm])
    assert plan.table("sites")["firm_mw"].tolist() == pytest.approx([50 - non_firm])
    expected = {
        "service": 0.2,
        "energy": (50 * 8760 - 1000) * 40 / 1e6,
        "demand charge": 0.012 * ((50 - non_firm) * 10 + non_firm * 4),
        "tax": 0.03 * 50,
    }
    assert accounts(plan) == pytest.approx(expected)
    assert plan.table("transfers").set_index("account").at["demand charge", "amount_musd"] == pytest.approx(
        expected["demand charge"]
    )


def test_non_firm_demand_that_costs_more_is_the_least_that_is_needed(tmp_path: Path) -> None:
    tariff = TARIFF.replace("non_firm_usd_per_kw_month = 4", "non_firm_usd_per_kw_month = 11")
    plan = plan_of(tmp_path, service(curtailable_share=0.0025, curtailment_usd_per_mwh=200) + tariff, DEVELOPER)
    assert plan.table("service_years")["non_firm_mw"].tolist() == pytest.approx([10])
    assert accounts(plan)["demand charge"] == pytest.approx(0.012 * (40 * 10 + 10 * 11))


@pytest.mark.every(2)
@pytest.mark.parametrize(("head", "built"), [(HEAD, 0), (DEVELOPER, 1)])
def test_who_pays_decides_what_is_built(tmp_path: Path, head: str, built: int) -> None:
    """An upgrade of 0.3 M$ or 1,000 MWh curtailed at 200 $.

    The system saves 10 $/MWh of generation by curtailing: 0.19 against 0.3. The developer pays half of the upgrade and
    40 $/MWh, 0.15 + 0.04 against 0.2.
    """
    study = STUDY.replace("enabled = false", "enabled = true")
    upgrades = "upgrade,branch,added_mw,cost_musd,ready\nu,ab,60,0.3,0\n"
    plan = plan_of(
        tmp_path,
        service(curtailable_share=0.0025, curtailment_usd_per_mwh=200) + TARIFF,
        head,
        study,
        written=bool(built),
        upgrades=upgrades,
    )
    assert len(plan.table("upgrades")) == built
    if built:
        assert accounts(plan)["upgrades"] == pytest.approx(0.15)
        paid = plan.table("transfers").set_index(["account", "payer"])["amount_musd"]["network upgrades"]
        assert paid.to_dict() == pytest.approx({"load": 0.15, "other customers": 0.15})


def test_circuits_are_paid_for_by_share(tmp_path: Path) -> None:
    study = STUDY + "[expansion]\nenabled = true\n"
    circuits = "circuit,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw,cost_musd\nnew,a,b,0.1,100,100,0.3\n"
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200) + TARIFF
    plan = plan_of(tmp_path, limit, DEVELOPER, study, circuits=circuits)
    assert accounts(plan)["circuits"] == pytest.approx(0.15)


def test_minimum_take_and_interest_on_the_deposit(tmp_path: Path) -> None:
    """At half utilization 40 MW take 175,200 of 350,400 MWh: of 80 %, 105,120 are owed; 0.2 M$/MW held at 5 %."""
    head = DEVELOPER.replace("discount_rate = 0.0", "discount_rate = 0.05")
    tariff = TARIFF + "minimum_take_share = 0.8\ndeposit_musd_per_mw = 0.2\n"
    study = STUDY + "[facility]\nutilization = 0.5\n"
    plan = plan_of(tmp_path, service(curtailable_share=0.0) + tariff, head, study)
    found = accounts(plan)
    assert found["energy"] == pytest.approx(175_200 * 40 / 1e6)
    assert found["minimum take"] == pytest.approx(105_120 * 40 / 1e6)
    assert found["deposit"] == pytest.approx(0.05 * 0.2 * 40)


def test_own_supply_saves_the_tariff(tmp_path: Path) -> None:
    """An engine at 30 $/MWh saves 10 $/MWh in all hours: 0.0876 M$ a MW for 0.01. It gives all of 50 MW."""
    files = {**LINE, "supply": engine(0.01)}
    plan = checked_plan(study_of(tmp_path, STUDY + FIRM + offered(0), files, DEVELOPER))
    expected = {"supply": 0.5 + 50 * 8760 * 30 / 1e6, "demand charge": 0.12 * 50, "tax": 0.03 * 50}
    assert accounts(plan) == pytest.approx(expected)


@pytest.mark.slow
def test_tariffs_of_nothing_leave_what_the_campuses_cost(tmp_path: Path) -> None:
    """With every price 0 the developer's cost is that of the system without generation."""
    free = '[[service.tariff]]\njurisdiction = "any"\nupgrade_cost_share = 1.0\n'
    developer = plan_of(tmp_path / "a", service(curtailable_share=0.0) + free, DEVELOPER)
    system = plan_of(tmp_path / "b", study=STUDY + '[dispatch]\ncost = "none"\n')
    assert cost(developer) == pytest.approx(cost(system))
    assert developer.table("sites")["it_mw"].tolist() == system.table("sites")["it_mw"].tolist()


@pytest.mark.slow
def test_dearer_tariffs_never_cost_less(tmp_path: Path) -> None:
    costs = [
        cost(plan_of(tmp_path / str(price), FIRM.replace("_mwh = 40", f"_mwh = {price}"), DEVELOPER))
        for price in (20, 40, 100)
    ]
    assert costs == sorted(costs)
    assert costs[0] < costs[1]
    # At 100 $/MWh nothing is built: 50 MW short.
    assert costs[-1] == pytest.approx(50.0)


@pytest.mark.every(2)
@pytest.mark.parametrize(("head", "built"), [(HEAD, "sa"), (DEVELOPER, "sb")])
def test_sites_are_chosen_by_their_tariffs(tmp_path: Path, head: str, built: str) -> None:
    """A block is 1 M$ a year dearer at sb, where 10 MW take 87,600 MWh at 20 instead of 60 $: 3.5 M$ less.

    The system pays the same for power at both.
    """
    tariffs = "".join(
        f'[[service.tariff]]\njurisdiction = "{place}"\nenergy_usd_per_mwh = {usd}\n'
        for place, usd in (("US-TX", 60), ("US-OK", 20))
    )
    sites = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,jurisdiction\n"
    sites += "sa,a,10,1,1,US-TX\nsb,a,10,1,2,US-OK\n"
    study = STUDY.replace("2030 = 50", "2030 = 10").replace("penalty_musd_per_mw_year = 1.0\n", "")
    plan = plan_of(tmp_path, service(curtailable_share=0.0) + tariffs, head, study, sites=sites)
    assert plan.table("sites")["site"].tolist() == [built]
    if built == "sb":
        assert accounts(plan) == pytest.approx({"sites": 2.0, "energy": 87_600 * 20 / 1e6})
        reasons = why_site(plan, "sa")
        assert reasons.difference_musd == pytest.approx(87_600 * 40 / 1e6 - 1)
        assert set(reasons.by_account_musd or {}) == {"sites", "energy"}


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("sites", "tariffs"),
    [
        (("texas", "oklahoma"), ("US-TX", "US-OK")),
        (("US-TX", "US-OK"), ("Texas", "US")),
        (("US-TX", "texas"), ("US-TX", "US")),
    ],
)
def test_tariffs_hold_where_places_lie_by_another_name(
    sites: tuple[str, str], tariffs: tuple[str, str], tmp_path: Path
) -> None:
    """The same with 60 $ at the first place's tariff and 20 at the second's.

    A tariff of US holds in Oklahoma where Texas alone has its own. Where both sites are in Texas, both pay Texan prices
    and sa is built.
    """
    text = "".join(
        f'[[service.tariff]]\njurisdiction = "{place}"\nenergy_usd_per_mwh = {usd}\n'
        for place, usd in zip(tariffs, (60, 20), strict=True)
    )
    table = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,jurisdiction\n"
    table += f"sa,a,10,1,1,{sites[0]}\nsb,a,10,1,2,{sites[1]}\n"
    study = STUDY.replace("2030 = 50", "2030 = 10").replace("penalty_musd_per_mw_year = 1.0\n", "")
    plan = plan_of(tmp_path, service(curtailable_share=0.0) + text, DEVELOPER, study, sites=table)
    same = sites[1] == "texas"
    assert plan.table("sites")["site"].tolist() == ["sa" if same else "sb"]
    expected = {"sites": 1.0, "energy": 87_600 * 60 / 1e6} if same else {"sites": 2.0, "energy": 87_600 * 20 / 1e6}
    assert accounts(plan) == pytest.approx(expected)


def test_a_gap_is_one_of_the_developers_cost(tmp_path: Path) -> None:
    """Stopped within a tenth of the cost, the plan states the gap that its bound makes on the whole cost."""
    study = STUDY.replace("gap = 0.0", "gap = 0.1")
    plan = plan_of(tmp_path, FIRM, DEVELOPER, study)
    objective, bound = (float(plan.summary[key]) for key in ("objective_musd", "bound_musd"))
    assert plan.summary["gap"] == pytest.approx((objective - bound) / objective, abs=1e-6)
    assert plan.summary["gap"] <= 0.1


@pytest.mark.slow
def test_the_report_says_whose_cost_it_is(tmp_path: Path) -> None:
    html = unescape(render_report(plan_of(tmp_path, FIRM, DEVELOPER)))
    for words in ("the developer's cost", "tariffs are in it", "demand charge"):
        assert words in html
    assert "without the new load" not in html


TAMPERED = (
    ("service_years", "non_firm_mw", 30.0, "plan.service.contract"),
    ("service_years", "non_firm_mw", 5.0, "plan.service.firm"),
    ("costs", "cost_musd", 1.0, "cost_musd"),
)


@pytest.mark.slow
def test_a_changed_number_is_found(tmp_path: Path) -> None:
    limit = service(curtailable_share=0.0025, curtailment_usd_per_mwh=200, non_firm_share=0.5) + TARIFF
    plan = plan_of(tmp_path, limit, DEVELOPER)
    for table, column, value, said in TAMPERED:
        changed = plan.table(table).copy()
        row = changed.index[changed["account"] == "energy"][0] if table == "costs" else changed.index[0]
        changed.loc[row, column] = value
        made = replace(plan, tables={**plan.tables, table: changed})
        findings = verify_plan(write_plan(made, tmp_path / f"{table}_{value:g}"))
        errors = [str(f) for f in findings if f.severity == "error"]
        assert any(said in text for text in errors), (table, column, errors)
