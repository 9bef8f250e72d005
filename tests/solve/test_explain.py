"""Infeasible studies, each made by one edit of one that has a plan: the conflict is minimal, every way out suffices.

What the explanation says is checked on cases that are changed as it says, each solved by a program of its own.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError
from optimizer.solve import solve_study
from optimizer.solve.explain import limits as of
from optimizer.solve.explain import parts
from optimizer.solve.explain.conflict import Conflict
from optimizer.solve.explain.infeasible import Explanation, explain
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import loosened
from optimizer.solve.explain.question import has_plan
from optimizer.solve.explain.text import conflict_text
from optimizer.solve.explain.ways_out import rounded_up
from optimizer.study import Study, read_study
from optimizer.study.case import Case
from tests.solve import infeasible as studies
from tests.solve import infeasible_parts as of_parts
from tests.solve.infeasible import Edit, all_limits
from tests.solve.small import HEAD, TWO_PERIODS, study_of
from tests.solve.test_expansion import sited
from tests.study.conftest import tiny, tiny_template  # noqa: F401

DISCRETE = {of.SITE, of.WORTHWHILE, of.SITE_READY, of.TIE_READY, of.UPGRADE_READY}
"""Rules that give way in whole steps: a little less may round up to the same."""

SHARES = {of.SUBSTATION, parts.CURTAILED_ENERGY, parts.NON_FIRM, parts.CARBON_FREE, parts.CARBON_FREE_EVERY}
"""Rules that are shares of what is itself decided: what suffices is known, the least is not."""

BASES = {
    "own": (TWO_PERIODS, studies.OWN_STUDY, studies.OWN, studies.OWN_EDITS),
    "grid": (HEAD, studies.GRID_STUDY, studies.STAR, studies.GRID_EDITS),
    "tied": (HEAD, studies.TIED_STUDY, studies.TIED, studies.TIED_EDITS),
    "load": (HEAD, studies.LOAD_STUDY, studies.LOAD, studies.LOAD_EDITS),
    "parts": (TWO_PERIODS, of_parts.PARTS_STUDY, of_parts.PARTS, of_parts.PARTS_EDITS),
    "served": (HEAD, of_parts.SERVED_STUDY, of_parts.SERVED, of_parts.SERVED_EDITS),
    "raised": (TWO_PERIODS, studies.RAISED_STUDY, studies.RAISED, studies.RAISED_EDITS),
}
EDITS = [(base, edit) for base, (*_, edits) in BASES.items() for edit in edits]


def plan_without(case: Case, dropped: list[Limit]) -> bool:
    """Whether a case has a plan without some limits; a target that is dropped may be met in part.

    The share of a county is one of the target, so a target that is lowered is not one that is not asked for.
    """
    targets = [limit for limit in dropped if limit.rule == of.DEMAND]
    others = {limit: math.inf for limit in dropped if limit.rule != of.DEMAND}
    return any(
        has_plan(loosened(case, {**others, **{t: left * case.demand_mw[t.period] for t in targets}}))
        for left in ((1.0, 0.75, 0.5, 0.25, 0.0) if targets else (1.0,))
    )


def check_holds(found: Explanation) -> None:
    """Hold an explanation against programs of changed cases."""
    case, conflict = found.case, found.conflict
    assert conflict is not None
    assert conflict.is_minimal
    assert has_plan(case) is False
    every = all_limits(case)
    others = [limit for limit in every if not conflict.holds(limit)]
    assert not plan_without(case, others)
    for member in conflict.members:
        own = [limit for limit in every if limit == member or limit.group == member]
        assert own, member
        assert plan_without(case, [*others, *own]), member
    assert found.ways_out
    for way in found.ways_out:
        assert way.is_proven
        assert has_plan(loosened(case, way.amounts)) is True
        if len(way.rules) == 1 and not DISCRETE & set(way.rules) and not SHARES & set(way.rules):
            less = {limit: 0.98 * way.least_share * amount for limit, amount in way.amounts.items()}
            assert has_plan(loosened(case, less)) is False, way


def check_explanation(found: Explanation, edit: Edit) -> None:
    """Hold an explanation against programs of changed cases, and against what was worked out by hand."""
    check_holds(found)
    conflict = found.conflict
    assert conflict is not None
    rules = [{getattr(of, n, None) or getattr(parts, n) for n in one.split()} for one in edit.rules.split("|")]
    assert {m.rule for m in conflict.members} in rules
    least = {way.rules[0]: way for way in found.ways_out if len(way.rules) == 1}
    for rule, amount in edit.least.items():
        given = least[rule].amounts.values()
        assert (max(given) if of.UNITS[rule] == "months" else sum(given)) == pytest.approx(amount, rel=1e-3)


@pytest.mark.every(4)
@pytest.mark.parametrize("base", BASES)
def test_there_is_a_plan_before_the_edit(base: str, tmp_path: Path) -> None:
    head, text, tables, _ = BASES[base]
    case = study_of(tmp_path, text, tables, head).case
    assert has_plan(case) is True
    assert explain(case).conflict is None


@pytest.mark.every(5)
@pytest.mark.parametrize(("base", "edit"), EDITS, ids=[f"{base}: {edit.name}" for base, edit in EDITS])
def test_one_edit(base: str, edit: Edit, tmp_path: Path) -> None:
    head, text, tables, _ = BASES[base]
    study = study_of(tmp_path, text, edit.tables(tables), head)
    check_explanation(explain(study.override(dict(edit.keys)).case), edit)


LARGE = [(base, edit) for base, edit in EDITS if base in ("own", "grid", "load", "raised")]


@pytest.mark.every(8)
@pytest.mark.parametrize(("base", "edit"), LARGE, ids=[f"{base}: {edit.name}" for base, edit in LARGE])
def test_one_edit_explained_as_if_the_network_were_large(
    base: str, edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits of branches one by one, and ways out from the relaxation: perhaps another conflict, but a conflict."""
    monkeypatch.setattr("optimizer.solve.explain.conflict.FEW_BRANCHES", 0)
    monkeypatch.setattr("optimizer.solve.explain.ways_out.FEW_BRANCHES", 0)
    monkeypatch.setattr("optimizer.solve.explain.ways_out.FEW_INTEGERS", 0)
    monkeypatch.setattr("optimizer.solve.explain.conflict.FEW", 2)
    monkeypatch.setattr("optimizer.solve.explain.least.FEW_INTEGERS", 0)
    head, text, tables, _ = BASES[base]
    check_holds(explain(study_of(tmp_path, text, edit.tables(tables), head).override(dict(edit.keys)).case))


def test_a_limit_on_a_total(tmp_path: Path) -> None:
    """100 MW from 2030 and 200 from 2032 cost 0.2 M$ a MW in every way: half of that pays for no plan."""
    study = study_of(tmp_path, studies.OWN_STUDY, studies.OWN, TWO_PERIODS)
    whole = float(solve_study(study).summary["objective_musd"])
    case = study.override({"limits.cost_musd": 0.5 * whole}).case
    found = explain(case)
    assert found.conflict is not None
    assert found.conflict.is_minimal
    assert {m.rule for m in found.conflict.members} == {of.DEMAND, of.TOTAL}
    least = {way.rules[0]: way.amounts for way in found.ways_out}
    assert least[of.TOTAL] == {Limit(of.TOTAL, "cost"): pytest.approx(0.5 * whole, rel=1e-3)}
    assert f"to {whole:,.4g} M$" in " ".join(found.ways_words)
    for way in found.ways_out:
        assert has_plan(loosened(case, way.amounts)) is True


def test_limits_on_totals_that_time_left_together_are_said_together(tmp_path: Path) -> None:
    """A group whose members were not told apart in time has no element, and no amount in one unit."""
    case = study_of(tmp_path, studies.OWN_STUDY, studies.OWN, TWO_PERIODS).override({"limits.cost_musd": 1.0}).case
    conflict = Conflict((Limit(of.TOTAL), Limit(of.DEMAND, period=2030)), False)
    said = conflict_text(case, conflict, {of.TOTAL: "A total stays within its limit.", of.DEMAND: "It is met."})
    assert said.startswith("A total stays within its limit (total). It is met (100 MW in 2030). Time ran out")


def words(base: str, name: str, folder: Path) -> str:
    """Conflict and ways out of an edit, as they are said."""
    head, text, tables, edits = BASES[base]
    edit = next(one for one in edits if one.name == name)
    found = explain(study_of(folder, text, edit.tables(tables), head).override(dict(edit.keys)).case)
    return " ".join([found.conflict_words, *found.ways_words])


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("base", "name", "said"),
    [
        ("parts", "no two blocks of three with one utility", "raise limits.share_per.utility from 0.6 to 0.6667"),
        (
            "parts",
            "210 chips in five years for 100 MW and a site",
            "have 10 units more delivered of item chips in 2030",
        ),
        ("parts", "80 % left without any site", "lower limits.share_left from 0.8 to"),
        ("parts", "20 MW a year", "raise limits.new_it_mw_per_year by 5 MW, from 20 MW to 25 MW"),
        ("served", "no more than a tenth non-firm", "raise service.non_firm_share from 0.1 to 0.2"),
        (
            "served",
            "hours for one of two peaks",
            "raise service.curtailable_hours_per_year by 50 h, from 150 h to 200 h",
        ),
        ("served", "more reserve than curtailing leaves", "of accredited capacity or imports at zone without a name"),
        ("served", "more sun than there is", "lower limits.carbon_free_share in 2030 from 0.5 to 0.404"),
        ("served", "a tenth of a percent", "stays within its share of what the campus would draw (any campus: 0.1%)"),
    ],
)
def test_limits_of_parts_are_named_in_words(base: str, name: str, said: str, tmp_path: Path) -> None:
    assert said in words(base, name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("edit", studies.TINY_EDITS, ids=[edit.name for edit in studies.TINY_EDITS])
def test_one_edit_of_a_study_of_a_region(edit: Edit, tiny: Study) -> None:  # noqa: F811
    check_explanation(explain(tiny.override(dict(edit.keys)).case), edit)


def test_the_error_carries_the_explanation(tmp_path: Path) -> None:
    """350 MW fit of the 400 asked for."""
    text = studies.OWN_STUDY.replace("2032 = 200", "2032 = 400")
    with pytest.raises(InfeasibleError) as refused:
        solve_study(study_of(tmp_path, text, studies.OWN, TWO_PERIODS))
    rules = [f.rule for f in refused.value.findings]
    assert rules[:2] == ["study.demand.beyond_sites", "solve.infeasible.conflict"]
    assert set(rules[2:]) == {"solve.infeasible.way_out"}
    conflict = refused.value.findings[1]
    assert "reaches the period's target" in conflict.message
    assert "lower [demand] it_mw by 50 MW in 2032, from 400 MW to 350 MW" in conflict.remedy


@pytest.mark.parametrize(
    ("amount", "rounded"), [(49.99999999, 50.0), (50.0, 50.0), (12.34561, 12.35), (0.0, 0.0), (123456.0, 123500.0)]
)
def test_amounts_round_up(amount: float, rounded: float) -> None:
    assert rounded_up(amount) == pytest.approx(rounded)


def test_a_study_with_new_circuits(tmp_path: Path) -> None:
    """Two sites of 200 MW cannot hold 450, whatever is built between them.

    Beside 10 MW of load 400 MW of generation leave 390, so seven blocks of 50 MW: the target has to come down by 100,
    of which the sites alone need 50, and larger sites or stronger ties do not help.
    """
    case = read_study(sited(tmp_path, "{ 2030 = 450 }", 5.0)).case
    assert len(case.circuits)
    found = explain(case)
    assert found.conflict is not None
    assert found.conflict.is_minimal
    # Sites and the firm capacity of their ties are the same 200 MW: either is a conflict with the target.
    assert {m.rule for m in found.conflict.members} in ({of.DEMAND, of.SITE}, {of.DEMAND, of.TIE})
    (way,) = found.ways_out
    assert way.amounts == {Limit(of.DEMAND, "", 2030): pytest.approx(100.0)}
    assert way.is_proven
    assert way.least_share == pytest.approx(0.5)
    assert has_plan(case) is False
    assert has_plan(loosened(case, way.amounts)) is True
