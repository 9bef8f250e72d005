"""A solve that starts from a plan: it ends where one from nothing ends, whatever the plan says.

Every study is solved both ways. Both plans are recomputed by the independent check, so each is a plan of the study it
was asked for; and neither costs less than what the other proves of all plans. So a decision, a limit or a bound of the
plan that was given cannot have reached the answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import optimizer as gs
from optimizer.cli.verbs import app
from optimizer.errors import InfeasibleError, InputError
from optimizer.plan.plan import Plan, read_plan, tidy_plan, write_plan
from optimizer.solve import solve_study
from optimizer.solve.existing import baseline_digest, overloads_digest
from optimizer.solve.loop import relaxation
from optimizer.solve.openings import columns_of_other_ways
from optimizer.solve.prepared import Run
from optimizer.solve.standing import Standing
from optimizer.solve.start import Start, held_by, known_rows, start_of, whole_decisions
from optimizer.study import Study
from tests.solve.small import STAR_STUDY, TWO_PERIODS, built, checked_plan, study_of

GAP = 0.01
ROOM = 1e-6
"""Relative room of two optima that rounding of tables leaves [-]."""

TABLES: Mapping[str, str] = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,60\nc,138,40\nd,138,30\ne,138,50\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw,length_km\n"
    "ab,a,b,0.10,150,180,20\nbc,b,c,0.10,80,100,20\ncd,c,d,0.12,90,110,30\nde,d,e,0.10,120,140,25\n"
    "ea,e,a,0.08,150,180,20\nbe,b,e,0.20,60,80,40\nac,a,c,0.15,90,110,35\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\n"
    "ga,a,300,20,coal\ngd,d,260,35,gas\ngc,c,90,50,gas\n",
    "grid/upgrades": "upgrade,branch,added_mw,cost_musd\nu_ab,ab,80,9\nu_bc,bc,60,4\nu_ea,ea,80,6\nu_ac,ac,60,5\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,fixed_cost_musd_per_year,county\n"
    "sb,b,20,4,1.0,0.9,north\nsc,c,20,4,1.3,0.5,north\nsd,d,20,4,1.6,0.2,south\nse,e,20,4,1.2,0.8,south\n",
}
"""A ring with two chords, cheap generation at one end, and a site at every other bus."""

TEXT = f"""\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = {{ 2030 = 60, 2032 = 120 }}
[solve]
gap = {GAP}
"""

FEWER_SITES = "".join(line for line in TABLES["sites"].splitlines(keepends=True) if not line.startswith("sb,"))

OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "more demand": {"demand.it_mw": {"2030": 80, "2032": 160}},
    "less demand": {"demand.it_mw": {"2030": 20, "2032": 60}},
    "too much demand": {"demand.it_mw": {"2030": 80, "2032": 5000}},
    "a price for what is not served": {"demand.penalty_musd_per_mw_year": 0.05},
    "another discount rate": {"economics.discount_rate": 0.12},
    "no gap": {"solve.gap": 0.0},
    "a wide gap": {"solve.gap": 0.2},
    "a share of a county": {"limits.share_per_county": 0.5},
    "a share that leaves nothing": {"limits.share_per_county": 0.2},
    "a pace": {"limits.new_it_mw_per_period": 60},
    "a limit on cost": {"limits.cost_musd": 1.0},
    "less existing load": {"conditions.existing_load_factor": 0.7},
    "more existing load": {"conditions.existing_load_factor": 1.2},
    "dear gas": {"conditions.fuel_price_factors": {"gas": 3.0}},
    "cheap gas": {"conditions.fuel_price_factors": {"gas": 0.3}},
    "dear upgrades": {"conditions.upgrade_cost_factor": 20.0},
    "no upgrades": {"upgrades.enabled": False},
    "a higher emergency factor": {"security.emergency_factor": 1.5},
    "no outages": {"security.contingencies": []},
    "outages of generators": {"security.contingencies": ["branch", "generator"]},
    "a generator gone": {"conditions.withdrawn_generators": ["gc"]},
    "one period": {"study.periods": [2030], "demand.it_mw": {"2030": 100}},
    "other periods": {"study.periods": [2031, 2034], "demand.it_mw": {"2031": 60, "2034": 120}},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_of(tmp_path_factory.mktemp("ring"), TEXT, TABLES, TWO_PERIODS)


@pytest.fixture(scope="module")
def plan(study: Study) -> Plan:
    return checked_plan(study)


def solved(study: Study, start: Plan | None = None) -> Plan | None:
    """The plan, checked; ``None`` where there is none."""
    try:
        return checked_plan(study, start=start)
    except InfeasibleError:
        return None


def assert_same(warm: Plan | None, cold: Plan | None, gap: float) -> None:
    assert (warm is None) == (cold is None)
    if warm is None or cold is None:
        return
    assert warm.summary["status"] in ("optimal", "gap_reached")
    assert cold.summary["status"] in ("optimal", "gap_reached")
    assert warm.summary["gap"] <= gap
    room = ROOM * max(1.0, abs(cold.summary["objective_musd"]))
    assert warm.summary["bound_musd"] <= cold.summary["objective_musd"] + room
    assert cold.summary["bound_musd"] <= warm.summary["objective_musd"] + room
    assert warm.summary["baseline_musd"] == pytest.approx(cold.summary["baseline_musd"], rel=3e-3)
    assert warm.summary["common_musd"] == pytest.approx(cold.summary["common_musd"], rel=1e-9)


@pytest.mark.every(6)
@pytest.mark.parametrize("name", OVERRIDES)
def test_a_warm_solve_ends_where_a_cold_one_does(study: Study, plan: Plan, name: str) -> None:
    changed = study.override(OVERRIDES[name])
    gap = changed.config.solve.gap
    assert_same(solved(changed, plan), solved(study_again(changed)), gap)


def study_again(study: Study) -> Study:
    """The same study, read and worked out anew: nothing that another left is in it."""
    return replace(study)


@pytest.mark.slow
def test_the_site_of_the_plan_is_gone(study: Study, plan: Plan, tmp_path: Path) -> None:
    assert "sb" in built(plan)
    other = study_of(tmp_path, TEXT, {**TABLES, "sites": FEWER_SITES}, TWO_PERIODS)
    assert_same(solved(other, plan), solved(other), GAP)


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("grid/branches", "cd,c,d,0.12,90,110,30\n", ""),
        ("grid/branches", "ab,a,b,0.10,150,180", "ab,a,b,0.10,90,100"),
        ("grid/branches", "ab,a,b,0.10,150,180", "ab,a,b,0.10,,"),
        ("grid/branches", "ac,a,c,0.15", "ac,b,d,0.15"),
        ("sites", "sb,b,", "sb,c,"),
        ("sites", "sb,b,20,4", "sb,b,30,2"),
        ("grid/upgrades", "u_ab,ab,80,9\n", ""),
    ],
)
def test_the_network_or_a_site_is_another(study: Study, plan: Plan, tmp_path: Path, table: str, old: str, new: str):
    assert old in TABLES[table]
    other = study_of(tmp_path, TEXT, {**TABLES, table: TABLES[table].replace(old, new)}, TWO_PERIODS)
    assert_same(solved(other, plan), solved(other), GAP)


@pytest.mark.slow
def test_a_plan_of_another_study_is_a_poor_start_and_no_more(plan: Plan, tmp_path: Path) -> None:
    text = STAR_STUDY[0].replace('compare = ["bold"]', "compare = []")
    other = study_of(tmp_path, text, STAR_STUDY[1])
    assert_same(solved(other, plan), solved(other), 0.01)


@pytest.mark.slow
def test_another_objective(study: Study, plan: Plan) -> None:
    changed = study.override({"study.objective": "delay", "demand.penalty_musd_per_mw_year": 0.5})
    warm, cold = solved(changed, plan), solved(study_again(changed))
    assert warm is not None
    assert cold is not None
    assert warm.summary["objective_value"] == pytest.approx(cold.summary["objective_value"], abs=1e-3, rel=GAP)


def test_limits_of_a_relaxation_in_another_form_are_carried(study: Study) -> None:
    h = str(study.case.snapshots.index[0])
    program = Run(study, lambda *_: None).program(study.case)
    program.highs.relax(True)
    assert program.solve_clean("lp", 20).status == "optimal"
    known = held_by(program)
    other = ("de", "ea", 2030, h, 1)
    assert other not in known
    program.held = (*known, other)
    assert held_by(program) == (*known, other)


@pytest.mark.slow
def test_a_plan_from_disk_starts_as_well(study: Study, plan: Plan, tmp_path: Path) -> None:
    read = read_plan(write_plan(plan, tmp_path / "plan"))
    assert read.start is None
    left = start_of(read)
    assert left is not None
    assert left.rows
    assert left.baseline is None
    for name in ("nothing", "more demand", "less existing load"):
        changed = study.override(OVERRIDES[name])
        assert_same(solved(changed, read), solved(study_again(changed)), GAP)


def test_decisions_are_those_of_the_plan(study: Study, plan: Plan) -> None:
    """With nothing changed the plan's own decisions are a plan, at the plan's own cost."""
    left = start_of(plan)
    assert left is not None
    program = Run(study, lambda *_: None).program(study.case)
    program.add_rows(known_rows(study.case, left.rows))
    program.highs.relax(True)
    program.fix(whole_decisions(program, left))
    outcome = program.solve_clean("repair", 20)
    assert outcome.status == "optimal"
    assert outcome.objective == pytest.approx(plan.summary["objective_musd"], rel=1e-6)


def test_ways_that_the_plan_does_not_use(study: Study, plan: Plan) -> None:
    """Its sites may be sized anew with the ties and the cooling that they have; all else of any site is another way."""
    left, case = start_of(plan), study.case
    assert left is not None
    program = Run(study, lambda *_: None).program(case)
    model, column = program.model, program.highs.column
    values = np.zeros(len(program.highs.own.cost))
    decided = whole_decisions(program, left)
    values[list(decided)] = list(decided.values())
    closed = columns_of_other_ways(program, values)
    placed = left.placed
    sites, ties = set(placed["site"]), set(placed["tie"])
    cooling = set(zip(placed["site"], placed["cooling"], strict=True))
    assert 0 < len(sites) < len(case.sites)
    last = case.periods.index[-1]
    for s in case.sites.index:
        assert closed[column(model.siting.blocks[s, last])] == (s not in sites)
        assert closed[column(model.siting.build[s, last])] == (s not in sites)
        for c in case.cooling_of_site[s]:
            assert closed[column(model.cooling.chosen[s, c])] == ((s, c) not in cooling)
    for o in case.ties.index:
        assert closed[column(model.interconnection.in_service[o, last])] == (o not in ties)
    assert not closed[program.upgrade_columns()].any()


def test_a_relaxation_without_a_solution_is_solved_once(study: Study, plan: Plan) -> None:
    """Sixteen blocks of 20 MW are not 5,000 MW, and limits of branches cannot change that."""
    changed = study.override(OVERRIDES["too much demand"])
    run = Run(changed, lambda *_: None)
    program = run.program(changed.case)
    standing = Standing(program, run.limits(GAP), abs)
    left = start_of(plan)
    assert left is not None
    compact, relaxed = relaxation(standing, known_rows(changed.case, left.rows))
    assert (relaxed.status, compact.solves, len(compact.keys)) == ("infeasible", 1, 0)
    assert known_rows(changed.case, left.rows)


def test_why_not_is_said_as_from_nothing(study: Study, plan: Plan) -> None:
    """From a plan reasons are not looked for beforehand, and are the same once the search has found none."""
    changed = study.override(OVERRIDES["too much demand"])
    said = []
    for start in (None, plan):
        with pytest.raises(InfeasibleError) as caught:
            solve_study(changed, start=start)
        said.append([finding.rule for finding in caught.value.findings])
    assert said[0] == said[1]
    assert any(rule.startswith("study.demand") for rule in said[0])


def test_figures_of_the_existing_system_are_kept_only_where_nothing_they_rest_on_changed(study: Study) -> None:
    def digests(overrides: Mapping[str, Any]) -> tuple[str, str, str]:
        case = study.override(overrides).case
        return baseline_digest(case), overloads_digest(case, False), overloads_digest(case, True)

    own = digests({})
    for kept in ("more demand", "a share of a county", "no gap"):
        assert digests(OVERRIDES[kept]) == own
    costs = ("another discount rate", "dear gas")
    for name in costs:
        baseline, overloads, priced = digests(OVERRIDES[name])
        assert baseline != own[0]
        assert overloads == own[1]
        assert priced != own[2]
    assert digests(OVERRIDES["dear upgrades"])[0] != own[0]
    for name in ("less existing load", "no outages", "outages of generators", "a generator gone"):
        changed = digests(OVERRIDES[name])
        assert all(new != old for new, old in zip(changed, own, strict=True)), name


def test_a_kept_baseline_is_the_one_that_a_cold_solve_finds(study: Study, plan: Plan) -> None:
    warm = solve_study(study.override(OVERRIDES["more demand"]), start=plan)
    assert "baseline: nothing that it rests on has changed" in warm.log
    assert "overloads: nothing that they rest on has changed" in warm.log
    again = solve_study(study.override(OVERRIDES["dear gas"]), start=plan)
    assert "baseline: nothing that it rests on has changed" not in again.log
    assert "overloads: nothing that they rest on has changed" in again.log


def test_where_nothing_changed_the_plan_is_found_without_a_search(study: Study, plan: Plan) -> None:
    """Within a gap that its relaxation proves no integer program is solved."""
    same = solve_study(study.override({"solve.gap": 0.99}), start=plan)
    assert any("from the plan given, as it was" in line for line in same.log)
    assert not any("sized anew" in line or line.startswith("mip round") for line in same.log)


def test_limits_that_the_case_does_not_have_are_dropped(study: Study) -> None:
    h = str(study.case.snapshots.index[0])
    good = [("ab", "", 2030, h, 1), ("ab", "ea", 2032, h, -1)]
    bad = [
        ("zz", "", 2030, h, 1),
        ("ab", "zz", 2030, h, 1),
        ("ab", "ab", 2030, h, 1),
        ("ab", "", 2031, h, 1),
        ("ab", "", 2030, "night", 1),
    ]
    assert known_rows(study.case, [*bad, *good, *good]) == good
    assert known_rows(study.override({"security.contingencies": []}).case, good) == good[:1]


@pytest.mark.slow
def test_a_chain_of_what_ifs(study: Study, plan: Plan) -> None:
    """Each starts from the one before; the last is the first study again."""
    last: Plan | None = plan
    for name in ("more demand", "dear gas", "less existing load", "too much demand", "no upgrades", "nothing"):
        changed = study.override(OVERRIDES[name])
        found = solved(changed, last)
        assert_same(found, solved(study_again(changed)), GAP)
        last = found or last


drawn = st.fixed_dictionaries(
    {},
    optional={
        "demand.it_mw": st.tuples(st.integers(0, 12), st.integers(0, 12)).map(
            lambda d: {"2030": 10 * min(d) + 10, "2032": 10 * max(d) + 10}
        ),
        "economics.discount_rate": st.sampled_from([0.0, 0.05, 0.1]),
        "limits.share_per_county": st.sampled_from([0.4, 0.6, 1.0]),
        "conditions.existing_load_factor": st.sampled_from([0.5, 0.9, 1.1, 1.4]),
        "conditions.upgrade_cost_factor": st.sampled_from([0.1, 2.0]),
        "conditions.fuel_price_factors": st.sampled_from([{"gas": 0.5}, {"coal": 2.0}]),
        "security.contingencies": st.sampled_from([[], ["branch"]]),
        "solve.gap": st.sampled_from([0.0, 0.05]),
    },
)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(overrides=drawn)
def test_any_what_if(study: Study, plan: Plan, overrides: dict[str, Any]) -> None:
    changed = study.override(overrides)
    assert_same(solved(changed, plan), solved(study_again(changed)), changed.config.solve.gap)


@pytest.mark.slow
def test_what_an_override_shares_is_what_it_would_have_worked_out(study: Study) -> None:
    study.case  # noqa: B018 -- works everything out
    for name, overrides in OVERRIDES.items():
        shared, alone = study.override(overrides), study_again(study.override(overrides))
        pd.testing.assert_frame_equal(shared.case.sites, alone.case.sites, obj=name)
        pd.testing.assert_frame_equal(shared.case.ties, alone.case.ties, obj=name)
        pd.testing.assert_frame_equal(shared.case.branches, alone.case.branches, obj=name)
        assert (shared.case.outages is None) == (alone.case.outages is None)
    assert study.override(OVERRIDES["no gap"]).candidates is study.candidates
    assert study.override(OVERRIDES["another discount rate"]).candidates is not study.candidates


def test_a_record_without_a_plan_is_refused(study: Study) -> None:
    none = Plan({"status": "infeasible"}, {}, (), study.config, study)
    with pytest.raises(InputError, match="made no plan to start from"):
        gs.solve(study, start=none)


def test_in_a_notebook(study: Study, plan: Plan) -> None:
    dear = gs.solve(study.override({"economics.discount_rate": 0.09}), start=plan)
    assert dear.has_plan
    assert isinstance(dear.start, Start)
    assert tidy_plan(dear).start is dear.start


# On the command line


def gridsite(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.slow
def test_start_on_the_command_line(study: Study, plan: Plan, tmp_path: Path) -> None:
    last = write_plan(plan, tmp_path / "last")
    done = gridsite("solve", study.folder, "--start", last, "--out", tmp_path / "next", "--json", "--quiet")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["status"] in ("optimal", "gap_reached")
    assert np.isclose(told["objective_musd"], plan.summary["objective_musd"], rtol=2 * GAP)
    assert "from the plan given" in (tmp_path / "next" / "solve.log").read_text()
    again = gridsite("solve", study.folder, "--start", tmp_path / "next", "--out", tmp_path / "next", "--quiet")
    assert again.exit_code == 0, again.output


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("", None),
        ("plan.json", None),
        ("plan.json", "{"),
        ("plan.json", '{"status": "infeasible"}'),
        ("study.toml", None),
        ("tables/sites.csv", "\x00\x01"),
        ("tables/ties.csv", "site,bus\n1,\n"),
    ],
)
def test_a_start_that_is_no_plan_is_refused(study: Study, plan: Plan, tmp_path: Path, file: str, text: str | None):
    last = write_plan(plan, tmp_path / "last")
    if not file:
        last = tmp_path / "nowhere"
    elif text is None:
        (last / file).unlink()
    else:
        (last / file).write_text(text)
    done = gridsite("solve", study.folder, "--start", last, "--out", tmp_path / "next", "--quiet")
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "next").exists()
