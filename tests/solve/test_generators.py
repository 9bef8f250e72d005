"""How many generators stand at a site, on studies whose best plan is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError
from optimizer.plan.checks_generators import check_generators
from optimizer.plan.checks_supply import check_capacity
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.plan.verify_context import Context
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from tests.solve import service_cases
from tests.solve.small import checked_plan
from tests.solve.test_supply import SUPPLY, YEAR_H, study

UNITS = SUPPLY.strip() + ",unit_mw,max_units\n"
ENGINES = '[supply]\ntechnologies = ["small"]\ntable = "supply.csv"\n'
BOTH = ENGINES.replace('["small"]', '["small", "large"]')
SMALL = UNITS + "small,0.1,0,8,5.5,4,0.5,12,1,1,0,0,10,\n"
LARGE = SMALL + "large,0.12,0,8,5.5,4,0.5,12,1,1,0,0,30,\n"
SITES = (
    "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,emission_t_per_mwh,max_generators\ns,b,100,1,1,0.4,{}\n"
)


def saved(plan: Plan) -> float:
    """What a plan costs less than one without own supply, whose energy costs 50 $/MWh [M$]."""
    return 1 + 100 * YEAR_H * 50 / 1e6 - float(plan.summary["objective_musd"])


def built(plan: Plan) -> dict[str, float]:
    rows = plan.table("supply")
    return dict(zip(rows["technology"], rows["capacity_mw"], strict=True))


@pytest.mark.every(3)
@pytest.mark.parametrize(("most", "mw"), [("4", 40.0), ("0", 0.0), ("2.9", 20.0), ("99", 100.0), ("", 100.0)])
def test_units_of_a_technology(tmp_path: Path, most: str, mw: float) -> None:
    """Engines of 10 MW save 20 $ a MWh, 0.1752 M$ a MW and year, and cost 0.1: as many are built as may be."""
    table = SMALL.replace(",10,\n", f",10,{most}\n")
    plan = checked_plan(study(tmp_path, ENGINES, supply=table), written=most == "4")
    assert built(plan) == ({"small": mw} if mw else {})
    assert saved(plan) == pytest.approx(mw * (20 * YEAR_H / 1e6 - 0.1))


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("of_site", "of_study", "mw"),
    [("3", "", 30.0), ("", "5", 50.0), ("3", "5", 30.0), ("", "", 100.0), ("0", "5", 0.0)],
)
def test_generators_of_a_site(tmp_path: Path, of_site: str, of_study: str, mw: float) -> None:
    """The table of sites comes first, the study's own number where it says nothing."""
    limits = f"[limits]\nmax_generators_per_site = {of_study}\n" if of_study else ""
    plan = checked_plan(
        study(tmp_path, ENGINES + limits, supply=SMALL, sites=SITES.format(of_site)), written=of_site == "3"
    )
    assert built(plan) == ({"small": mw} if mw else {})
    most = of_site or of_study
    assert plan.table("generators")["max_units"].tolist() == ([int(most)] if most else [])
    assert plan.table("generators")["own_units"].tolist() == ([mw / 10] if most else [])


@pytest.mark.slow
def test_technologies_count_together(tmp_path: Path) -> None:
    """Two generators are large ones, dearer by 0.02 M$ a MW but three times the size; a fourth is a small one."""
    for number, expected in ((2, {"large": 60.0}), (3, {"large": 90.0}), (4, {"large": 90.0, "small": 10.0})):
        plan = checked_plan(study(tmp_path / str(number), BOTH, supply=LARGE, sites=SITES.format(number)))
        assert built(plan) == expected
    assert saved(plan) == pytest.approx(100 * 20 * YEAR_H / 1e6 - 90 * 0.12 - 10 * 0.1)


@pytest.mark.slow
def test_more_generators_never_cost_more_and_very_many_are_no_limit(tmp_path: Path) -> None:
    costs = []
    for number in ("0", "1", "4", "50", ""):
        plan = checked_plan(study(tmp_path / (number or "any"), BOTH, supply=LARGE, sites=SITES.format(number)))
        costs.append(plan.summary["objective_musd"])
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(costs[-2])


BACKUP = (
    "[service.backup]\nhours_per_year = 200\nfuel_usd_per_mwh = 50\ncost_musd_per_mw = 0.0001\ncarbon_t_per_mwh = 1\n"
)


@pytest.mark.every(2)
@pytest.mark.parametrize(("number", "mw", "units"), [("", 10.0, None), (3, 10.0, 3), (2, 8.0, 2), (0, 0.0, 0)])
def test_backup_counts_too(tmp_path: Path, number: int | str, mw: float, units: int | None) -> None:
    """10 MW are curtailed in 100 h a year: backup serves a MWh for 50 $, not served it costs 200.

    Backup generators have 4 MW: three make 10 MW, the third in part; two make 8 MW, and 2 MW are not served.
    """
    sites = f"site,bus,block_mw,max_blocks,max_generators\nsb,b,10,5,{number}\n"
    more = service_cases.service(curtailable_share=0.01, curtailment_usd_per_mwh=200) + BACKUP + "unit_mw = 4\n"
    plan = service_cases.plan_of(tmp_path, more, sites=sites, written=number == 2)
    assert plan.table("service_years")["backup_capacity_mw"].tolist() == pytest.approx([mw])
    assert plan.summary["costs_musd"]["service"] == pytest.approx(
        100 * (50 * mw + 200 * (10 - mw)) / 1e6 + 0.0001 * mw, rel=1e-6
    )
    assert plan.table("generators")["backup_units"].tolist() == ([] if units is None else [units])


def test_what_is_not_counted_is_said(tmp_path: Path) -> None:
    any_size = SMALL.replace(",10,\n", ",,\n")
    found = [f for f in study(tmp_path / "1", ENGINES, supply=any_size, sites=SITES.format(3)).findings]
    assert [f.rule for f in found if f.rule.startswith("study.supply")] == ["study.supply.uncounted"]
    bare = study(tmp_path / "2", "", sites=SITES.format(3)).findings
    assert [f.rule for f in bare if f.rule.startswith("study.supply")] == ["study.supply.no_generators"]


def test_verify_finds_generators_that_are_too_many(tmp_path: Path) -> None:
    """The plan of a study in which five may stand is not one of a study in which three may."""
    many = study(tmp_path / "many", ENGINES, supply=SMALL, sites=SITES.format(5))
    few = study(tmp_path / "few", ENGINES, supply=SMALL, sites=SITES.format(3))
    plan = tidy_plan(solve_study(many))
    assert check_generators(Context(many.folder, "", plan.summary, plan.tables, many, many.case)) == []
    context = Context(few.folder, "", plan.summary, plan.tables, few, few.case)
    assert "plan.generators.too_many" in {f.rule for f in check_generators(context)}
    units = study(tmp_path / "units", ENGINES, supply=SMALL.replace(",10,\n", ",10,3\n"))
    context = Context(units.folder, "", plan.summary, plan.tables, units, units.case)
    assert "plan.supply.too_large" in {f.rule for f in check_capacity(context)}
    assert check_generators(context)


def test_the_report_counts_generators(tmp_path: Path) -> None:
    page = render_report(checked_plan(study(tmp_path, ENGINES, supply=SMALL, sites=SITES.format(3))))
    assert "Generators by site" in page


def test_a_conflict_names_the_generators_and_how_many_more_would_do(tmp_path: Path) -> None:
    """Half of what 100 MW use is to be carbon-free, and three units of 10 MW that are may stand: two are missing."""
    clean = SMALL.replace("unit_mw,max_units", "unit_mw,max_units,carbon_free_share").replace(",10,\n", ",10,,1\n")
    more = ENGINES + "[limits]\ncarbon_free_share = { 2030 = 0.5 }\nmax_generators_per_site = 3\n"
    with pytest.raises(InfeasibleError) as error:
        checked_plan(study(tmp_path, more, supply=clean))
    assert "allow 2 " in str(error.value)
    assert "generators" in str(error.value)
