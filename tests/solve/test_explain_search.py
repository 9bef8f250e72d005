"""How an explanation looks for plans: what is known of a case before, and what is guessed, never changes an answer.

Whether there is a plan is compared with integer programs that are solved to their end with rows of the model, and with
what follows from the case by hand.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.solve.explain import limits as of
from optimizer.solve.explain.infeasible import Explanation, explain
from optimizer.solve.explain.least import least_seen
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import loosened
from optimizer.solve.explain.question import NOTHING, KnownRows, has_plan
from optimizer.solve.program import Clock, SecureProgram
from optimizer.study.case import Case
from tests.solve.infeasible import GRID_EDITS, GRID_STUDY, STAR
from tests.solve.small import HEAD, study_of
from tests.solve.test_explain import check_holds
from tests.solve.test_search import in_rows_of_pyomo, mesh, program_of

TARGETS = (0.5, 1.2, 2.5)
"""Factors on the target of a drawn case, of which some leave a plan and some do not."""


def with_target(case: Case, factor: float) -> Case:
    return replace(case, demand_mw=case.demand_mw * factor)


def edited(name: str, folder: Path) -> Case:
    edit = next(one for one in GRID_EDITS if one.name == name)
    return study_of(folder, GRID_STUDY, edit.tables(STAR), HEAD).override(dict(edit.keys)).case


def as_if_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.solve.explain.conflict.FEW_BRANCHES", 0)
    monkeypatch.setattr("optimizer.solve.explain.ways_out.FEW_BRANCHES", 0)


@pytest.mark.every(2)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_known_of_other_cases_changes_no_answer(seed: int, tmp_path: Path) -> None:
    """Limits and the place where the last search ended are handed from case to case, with and without a plan."""
    case, known = mesh(tmp_path, seed), KnownRows()
    answers = []
    for factor in TARGETS:
        changed = with_target(case, factor)
        expected = in_rows_of_pyomo(changed).status == "optimal"
        assert has_plan(changed, known=known) is expected, factor
        assert has_plan(changed) is expected, factor
        answers.append(expected)
    assert answers[0]
    assert not answers[-1]
    assert known.keys
    assert known.basis is not None


def test_a_guess_counts_only_where_it_is_a_plan(tmp_path: Path) -> None:
    """What an optimal plan decides is one; to build nothing, or half of it for twice the target, is none."""
    case = mesh(tmp_path, 0)
    program, best = program_of(case), in_rows_of_pyomo(case)
    guess = {program.highs.variables[c].name: value for c, value in best.integers.items()}
    nothing = dict.fromkeys(guess, 0.0)
    assert has_plan(case, guess=guess, no_others=True) is True
    assert has_plan(case, guess=nothing, no_others=True) is None
    assert has_plan(case, guess=nothing) is True
    assert has_plan(with_target(case, 2.0), guess=guess, no_others=True) is None
    assert has_plan(case, guess={}, no_others=False) is True


def test_a_guess_without_some_decisions_is_left_open(tmp_path: Path) -> None:
    case = mesh(tmp_path, 0)
    assert has_plan(case, guess={"siting.build[s1,2030]": 1.0}, no_others=True) is None


@pytest.mark.every(2)
@pytest.mark.parametrize("name", ["a generator of 100 MW", "lines of 40 MW"])
def test_solves_from_nothing_explain_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no iteration is allowed from the last basis, each program is solved from nothing."""
    monkeypatch.setattr("optimizer.solve.explain.question.MOST_ITERATIONS", 0)
    check_holds(explain(edited(name, tmp_path)))


def unproven(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Explanation:
    """An explanation whose time runs out before anything was proven to suffice."""
    as_if_large(monkeypatch)
    monkeypatch.setattr("optimizer.solve.explain.programs.Programs.has_plan", lambda *given, **named: None)
    monkeypatch.setattr("optimizer.solve.explain.ways_out.WaysOut._is_late", lambda self: True)
    return explain(edited(name, folder))


def test_what_was_not_proven_is_said_to_be_needed_at_least(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """150 MW of campus on 100 MW of generation: 50 MW more of either, at least; none is said to suffice."""
    found = unproven("a generator of 100 MW", tmp_path, monkeypatch)
    assert found.conflict is not None
    assert found.conflict.is_minimal
    for way in found.ways_out:
        assert not way.is_proven
        assert sum(way.amounts.values()) <= 50.0 * (1.0 + 1e-3)
    assert all("at least: time ran out" in words for words in found.ways_words)


def test_a_plan_found_in_time_is_never_called_the_least(tmp_path: Path) -> None:
    """One site of 150 MW for 150 MW on generation of 100: the target gives way whole, of which a third is needed.

    What is known to be needed is the share of decisions in part, at any gap of the search.
    """
    case = edited("a generator of 100 MW", tmp_path)
    for gap in (0.05, 0.3):
        found = least_seen(NOTHING, case, {of.DEMAND: 1.0}, KnownRows(), float("inf"), gap=gap)
        assert found.status == "found"
        needed = sum(found.amounts.values())
        assert has_plan(loosened(case, found.amounts)) is True
        assert found.least_share * needed <= 50.0 * (1.0 + 1e-6) <= needed + 1e-3
    assert has_plan(loosened(case, {Limit(of.DEMAND, "", 2030): 49.0})) is False


def test_a_limit_in_processor_time_is_longer_on_the_clock(tmp_path: Path) -> None:
    """A counter that runs at half the speed of the clock: 10 s of it take 20 s; of the clock itself, 10 s."""
    case = mesh(tmp_path, 0)
    slow = SecureProgram(case, 1, 0, Clock(), lambda line: None, now=lambda: 0.5 * time.perf_counter())
    assert slow.on_the_clock(10.0) == pytest.approx(20.0, rel=0.01)
    assert program_of(case).on_the_clock(10.0) == pytest.approx(10.0, rel=0.01)
    assert slow.on_the_clock(float("inf")) == float("inf")
