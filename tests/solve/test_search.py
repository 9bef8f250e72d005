"""The search by sets of sites and branch and cut: its rows, bounds and plans, against other ways to the same."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
import scipy.sparse as sp

from optimizer.grid.joint import Elements, JointSet
from optimizer.solve.aggregation import aggregate
from optimizer.solve.compact import Compact
from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Matrix, RowProgram
from optimizer.solve.integer_rounds import IntegerRounds
from optimizer.solve.limit_rows import LimitRows
from optimizer.solve.loop import relaxation
from optimizer.solve.openings import Openings, columns_of, sites_of
from optimizer.solve.program import Clock, SecureProgram
from optimizer.solve.proof import dual_bound, implied_bounds
from optimizer.solve.search import Search
from optimizer.solve.sizes import Sizes
from optimizer.solve.standing import Standing
from optimizer.study.case import Case
from tests.formulation.tiny import curtailed_case, rated_case, tiny_case
from tests.solve.small import study_of

EXACT = Limits(gap=0.0, max_rounds=50)
SAME = 3e-6
"""Relative difference of two optima, each proven to 1e-6 [-]."""

MESH = """
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = {{ 2030 = {demand} }}
[upgrades]
enabled = false
[security]
base_overloads = "allow"
"""


def mesh(folder: Path, seed: int) -> Case:
    """A ring of nine buses with five chords and a campus at eight of them, costs and ratings drawn."""
    rng = np.random.default_rng(seed)
    names = [f"n{i}" for i in range(9)]
    ends = [(i, (i + 1) % 9) for i in range(9)] + [(0, 4), (2, 7), (1, 5), (3, 8), (6, 2)]
    branches = [
        f"l{k},{names[i]},{names[j]},{rng.uniform(0.05, 0.2):.4f},{rng.integers(60, 160)}"
        for k, (i, j) in enumerate(ends)
    ]
    sites = [
        f"s{i},{names[i]},20,{rng.integers(2, 6)},{rng.uniform(1, 12):.3f},{rng.uniform(0.5, 3):.3f}"
        for i in range(1, 9)
    ]
    generators = [f"g{i},{names[i]},{p},{c}" for i, p, c in ((0, 300, 12.5), (4, 200, 21.0), (7, 150, 33.0))]
    tables = {
        "grid/buses": "bus,base_kv,load_mw\n" + "".join(f"{n},230,{rng.integers(5, 25)}\n" for n in names),
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\n" + "\n".join(branches) + "\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\n" + "\n".join(generators) + "\n",
        "sites": "site,bus,block_mw,max_blocks,fixed_cost_musd_per_year,cost_musd_per_year_per_block\n"
        + "\n".join(sites)
        + "\n",
    }
    return study_of(folder, MESH.format(demand=int(rng.integers(6, 12)) * 20), tables).case


def program_of(case: Case) -> SecureProgram:
    return SecureProgram(case, 1, 0, Clock(), lambda line: None)


def compact_of(program: SecureProgram) -> Compact:
    return Compact(program, LimitRows(program), np.zeros(len(program.highs.own.cost), dtype=bool))


def searched(case: Case, limits: Limits = EXACT) -> Found:
    """By sets of sites and branch and cut, whatever `find_plan` would choose."""
    return by(Search, case, limits)


def in_rounds(case: Case, limits: Limits = EXACT) -> Found:
    """By the solver's own search in rounds, whatever `find_plan` would choose."""
    return by(IntegerRounds, case, limits)


def in_rows_of_pyomo(case: Case) -> Found:
    """By integer programs to their end, with the rows of the model that each plan broke, until one breaks none."""
    program = program_of(case)
    program.highs.relax(False)
    program.highs.set_options(mip_rel_gap=0.0)
    for _ in range(60):
        outcome = program.solve("mip")
        if outcome.status != "optimal":
            return Found(outcome.status, np.inf, -np.inf, {})
        if program.cut(outcome.values, everywhere=True)[0] == 0:
            return Found("optimal", outcome.objective, outcome.bound, program.integers_of(outcome.values))
    raise AssertionError("limits were broken to the end")


def by(how: type[Search] | type[IntegerRounds], case: Case, limits: Limits) -> Found:
    standing = Standing(program_of(case), limits, abs)
    compact, relaxed = relaxation(standing)
    if relaxed.status != "optimal":
        return Found(relaxed.status, np.inf, -np.inf, {})
    how(standing, compact).run(relaxed)
    return standing.found()


@pytest.fixture(params=range(8))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return mesh(tmp_path, request.param)


@pytest.mark.every(3)
def test_plans_cost_what_the_solvers_own_search_finds(case: Case) -> None:
    found = searched(case)
    other = in_rows_of_pyomo(case)
    assert found.status == other.status
    assert found.objective == pytest.approx(other.objective, rel=SAME)
    assert found.bound <= found.objective
    assert found.bound == pytest.approx(other.objective, rel=SAME) or found.status == "infeasible"


@pytest.mark.every(3)
def test_rounds_find_what_rows_of_pyomo_find(case: Case) -> None:
    found, other = in_rounds(case), in_rows_of_pyomo(case)
    assert found.status == other.status
    assert found.objective == pytest.approx(other.objective, rel=SAME)
    assert found.bound == pytest.approx(other.objective, rel=SAME) or found.status == "infeasible"


@pytest.mark.every(4)
def test_prices_of_large_programs_give_the_same_bounds(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """What prices the simplex method goes on by decides nothing of what it ends at."""
    usual = in_rounds(case)
    monkeypatch.setattr("optimizer.solve.compact.MANY_ROWS", 0)
    found = in_rounds(case)
    assert (found.status, found.objective) == (usual.status, pytest.approx(usual.objective, rel=SAME))
    assert found.bound == pytest.approx(usual.bound, rel=SAME)


@pytest.mark.every(3)
def test_a_loose_gap_is_kept_and_its_bound_holds(case: Case) -> None:
    best = in_rows_of_pyomo(case)
    found = searched(case, Limits(gap=0.02, max_rounds=50))
    if best.status == "infeasible":
        assert found.status == "infeasible"
        return
    assert found.bound <= best.objective * (1 + SAME)
    assert found.objective <= best.objective + 0.02 * found.objective + 1e-6
    assert found.objective - found.bound <= 0.02 * found.objective + 1e-6


@pytest.mark.every(2)
def test_the_same_program_gives_the_same_plan_again(case: Case) -> None:
    first, again = (searched(case) for _ in range(2))
    assert first == again


@pytest.mark.every(4)
@pytest.mark.parametrize("demand_mw", [20.0, 30.0, 40.0, 50.0])
@pytest.mark.parametrize(("rating", "penalty"), [(0.8, None), (1.0, 0.4), (1.3, 9.0), (2.0, None)])
def test_periods_ties_and_cooling_too(demand_mw: float, rating: float, penalty: float | None) -> None:
    """The case with every subject in it, two periods and snapshots, several ties and technologies, but no upgrades."""
    case = tiny_case()
    scaled = {name: case.branches[name] * rating for name in ("rating_mw", "rating_emergency_mw")}
    case = replace(
        case,
        branches=case.branches.assign(**scaled),
        upgrades=case.upgrades.iloc[:0],
        demand_mw=pd.Series([10.0, demand_mw], index=case.periods.index),
        shortfall_penalty_musd_per_mw_year=penalty,
        limits=replace(case.limits, share_per_county=None, share_per_substation=None),
    )
    found, other = searched(case), in_rows_of_pyomo(case)
    assert found.status == other.status
    assert found.objective == pytest.approx(other.objective, rel=SAME)
    if found.status != "infeasible":
        assert found.bound == pytest.approx(other.objective, rel=SAME)


@pytest.mark.every(4)
@pytest.mark.parametrize("demand_mw", [20.0, 30.0, 40.0, 50.0])
@pytest.mark.parametrize(("rating", "cost"), [(0.6, 1.0), (0.8, 1.0), (0.8, 0.1), (1.0, 10.0)])
def test_upgrades_in_rounds(demand_mw: float, rating: float, cost: float) -> None:
    """The case with every subject in it, upgrades included, dear or cheap, needed or not."""
    case = tiny_case()
    scaled = {name: case.branches[name] * rating for name in ("rating_mw", "rating_emergency_mw")}
    case = replace(
        case,
        branches=case.branches.assign(**scaled),
        upgrades=case.upgrades.assign(annuity_musd=case.upgrades["annuity_musd"] * cost),
        demand_mw=pd.Series([10.0, demand_mw], index=case.periods.index),
    )
    found, other = in_rounds(case), in_rows_of_pyomo(case)
    assert found.status == other.status
    assert found.objective == pytest.approx(other.objective, rel=SAME)
    loose = in_rounds(case, Limits(gap=0.05, max_rounds=50))
    if found.status != "infeasible":
        assert found.bound == pytest.approx(other.objective, rel=SAME)
        assert loose.bound <= other.objective * (1 + SAME)
        assert loose.objective - loose.bound <= 0.05 * loose.objective + 1e-6


@pytest.mark.parametrize(("demand_mw", "rating"), [(40.0, 0.6), (40.0, 0.8), (50.0, 0.8)])
def test_curtailment_in_rounds(demand_mw: float, rating: float) -> None:
    """The case with service, in compact form and in rows of Pyomo."""
    case = curtailed_case()
    scaled = {name: case.branches[name] * rating for name in ("rating_mw", "rating_emergency_mw")}
    case = replace(
        case,
        branches=case.branches.assign(**scaled),
        demand_mw=pd.Series([10.0, demand_mw], index=case.periods.index),
    )
    found, other = in_rounds(case), in_rows_of_pyomo(case)
    assert found.status == other.status
    assert found.objective == pytest.approx(other.objective, rel=SAME)
    assert found.bound == pytest.approx(other.objective, rel=SAME)


@cache
def tiny_program(kind: str) -> tuple[SecureProgram, LimitRows]:
    case = tiny_case()
    if kind == "rated":
        case = rated_case()
    if kind == "curtailed":
        case = curtailed_case()
        loss = Elements("campus s1", "campus", loads=(("s1", 2), ("s1", 0)))
        load = case.load_mw[2030, "peak"].to_numpy()
        case = replace(case, joint=JointSet.build(case.grid_network, (loss,), np.array([0, 1]), load))
    program = program_of(case)
    return program, LimitRows(program)


@pytest.mark.parametrize("kind", ["plain", "curtailed", "rated"])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("h", ["peak", "light"])
def test_rows_are_those_of_the_formulation(h: str, side: int, kind: str) -> None:
    """At random values, what a row has left is what the algebra of the formulation has left."""
    program, rows = tiny_program(kind)
    case, rng = program.case, np.random.default_rng(7)
    names = ["", *case.contingencies.names]
    keys = [(str(b), k, 2032, h, side) for b in case.branches.index for k in names if b != k]
    keys = [key for key in keys if np.isfinite(case.branches.at[key[0], "rating_mw"])]
    program.add_rows(keys)
    values = rng.uniform(0.0, 50.0, len(program.highs.own.cost))
    # Supply meets demand in what is compared: factors are free up to a constant otherwise.
    drawn = {key: values[rows.drawn[key]].sum() for key in rows.keys}
    for key in rows.keys:
        values[rows.output[key]] *= (rows.load_mw[key].sum() + drawn[key]) / values[rows.output[key]].sum()
    program.highs.load(values)
    for (branch, t, snapshot), row in program.model.power_flow.flow_law.items():
        flow = program.model.power_flow.flow_mw[branch, t, snapshot]
        flow.set_value(0.0, skip_validation=True)
        # The law reads: other terms - flow = constant.
        flow.set_value(pyo.value(row.body) - pyo.value(row.upper), skip_validation=True)
    compared = 0
    for key, row in program.limit_rows():
        if key in keys:
            ours = rows.rows(key)[-1]
            left = ours.upper - float(ours.coefficients @ values[ours.columns])
            assert left == pytest.approx(pyo.value(row.upper) - pyo.value(row.body), abs=1e-6)
            compared += 1
    assert compared == len(keys)


def random_program(seed: int) -> Matrix:
    """A bounded linear program with a solution: its rows are made to hold at a random point."""
    rng = np.random.default_rng(seed)
    n, m = 8, 6
    matrix = sp.csr_matrix(rng.integers(-3, 4, (m, n)).astype(float))
    upper = rng.integers(1, 9, n).astype(float)
    point = rng.uniform(0.0, upper)
    activity = matrix @ point
    low = np.where(rng.random(m) < 0.5, activity - rng.uniform(0, 2, m), -np.inf)
    high = np.where(rng.random(m) < 0.7, activity + rng.uniform(0, 2, m), np.inf)
    cost = rng.integers(-5, 6, n).astype(float)
    return Matrix(matrix, cost, 0.0, np.zeros(n), upper, low, high, np.zeros(n, bool))


@pytest.mark.parametrize("seed", range(10))
def test_any_multipliers_bound_a_program_and_the_solvers_own_reach_it(seed: int) -> None:
    p = random_program(seed)
    solver = RowProgram(p)
    best = solver.solve()
    assert best.status == "optimal"
    rows, columns = (p.row_lower, p.row_upper), (p.column_lower, p.column_upper)
    assert dual_bound(p.matrix, p.cost, rows, columns, solver.duals()) == pytest.approx(best.objective, abs=1e-6)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        y = rng.normal(0, 2, p.matrix.shape[0])
        assert dual_bound(p.matrix, p.cost, rows, columns, y) <= best.objective + 1e-6


def test_a_bound_by_hand() -> None:
    """min x + y with x + 2 y >= 4, x <= 1, y <= 5: y = 1.5 at x = 1 costs 2.5; half the row proves 2 = 0.5 x 4."""
    matrix, cost = sp.csr_matrix([[1.0, 2.0]]), np.array([1.0, 1.0])
    rows = (np.array([4.0]), np.array([np.inf]))
    columns = (np.zeros(2), np.array([1.0, 5.0]))
    assert dual_bound(matrix, cost, rows, columns, np.array([0.5])) == pytest.approx(2.0)
    # A multiplier of 1 asks 2 y for 1 y: what it takes back at y = 5 spoils the bound.
    assert dual_bound(matrix, cost, rows, columns, np.array([1.0])) == pytest.approx(4.0 - 5.0)
    # Against a side without a bound a multiplier proves nothing.
    assert dual_bound(matrix, cost, rows, columns, np.array([-1.0])) == pytest.approx(0.0)


def test_bounds_are_carried_from_row_to_row() -> None:
    """x <= 3 z, z <= 1 and y <= 2 x, nothing else given: x <= 3 and y <= 6."""
    matrix = sp.csr_matrix([[1.0, 0.0, -3.0], [-2.0, 1.0, 0.0]])
    low, high = np.full(2, -np.inf), np.zeros(2)
    found = implied_bounds(matrix, (low, high), (np.zeros(3), np.array([np.inf, np.inf, 1.0])))
    assert found[1].tolist() == pytest.approx([3.0, 6.0, 1.0])


def test_columns_that_others_determine_are_left_out() -> None:
    """b = 10 a, c = b and d = 0 by a row of its own: one column is left of four, and b <= 25 keeps a at 2.5."""
    matrix = sp.csr_matrix([[10.0, -1.0, 0, 0], [0, 1.0, -1.0, 0], [0, 0, 0, 1.0], [1.0, 0, 1.0, 1.0]])
    upper = np.array([9.0, 25.0, np.inf, 7.0])
    rows = (np.array([0.0, 0.0, 0.0, -np.inf]), np.array([0.0, 0.0, 0.0, 20.0]))
    whole = Matrix(matrix, np.ones(4), 0.0, np.zeros(4), upper, *rows, np.array([True, False, False, False]))
    by = aggregate(whole)
    small, left = by.program(whole)
    assert small.matrix.shape == (1, 1)
    assert left.tolist() == [3]
    assert small.matrix.toarray().tolist() == [[11.0]]
    assert (small.cost.tolist(), small.column_upper.tolist()) == ([21.0], [2.5])
    assert (by.spread @ np.array([2.0])).tolist() == [2.0, 20.0, 20.0, 0.0]


@pytest.mark.every(3)
def test_prices_bound_what_opening_a_site_costs(case: Case) -> None:
    """With a closed site forced open the relaxation costs no less than its prices promise."""
    program = program_of(case)
    sites, compact = sites_of(program), compact_of(program)
    relaxed = compact.clean(fully=True)
    if relaxed.status != "optimal":
        pytest.skip("the draw has no plan")
    openings = Openings(sites, compact)
    prices = openings.at_prices(sites.most, np.zeros(len(sites.names), dtype=bool))
    assert prices.base + np.minimum(prices.site, 0.0).sum() <= relaxed.objective + 1e-6
    build = compact.place[sites.build[:, -1]]
    checked = 0
    for i in np.flatnonzero(relaxed.values[build] < 1e-9):
        column = build[[i]]
        compact.bound(column, np.ones(1), np.ones(1))
        opened = compact.clean(fully=True)
        compact.bound(column, np.zeros(1), np.ones(1))
        others = np.minimum(np.delete(prices.site, i), 0.0).sum()
        assert opened.status != "optimal" or opened.objective >= prices.base + others + prices.site[i] - 1e-6
        checked += 1
    assert checked


@pytest.mark.every(3)
def test_dropped_options_and_tighter_sizes_keep_the_best_plan(case: Case) -> None:
    program = program_of(case)
    best = in_rows_of_pyomo(case)
    if best.status == "infeasible":
        pytest.skip("the draw has no plan")
    sites, compact = sites_of(program), compact_of(program)
    relaxed = compact.clean(fully=True)
    ceiling = best.objective - compact.offset + 1e-6 * best.objective
    openings = Openings(sites, compact)
    dear = openings.too_dear(openings.at_prices(sites.most, np.zeros(len(sites.names), dtype=bool)), ceiling)
    closed = columns_of(sites, program, dear)
    sizes = Sizes(sites, compact, sites.most)
    sizes.tighten(relaxed, ceiling)
    plan = np.zeros(len(program.highs.own.cost))
    for column, value in best.integers.items():
        plan[column] = value
    assert not plan[closed].any()
    assert (plan[sites.blocks] <= sizes.most + 1e-9).all()


def test_infeasible_only_where_multipliers_prove_it(tmp_path: Path) -> None:
    """More load than all generators give: no node has a plan, and the proof is checked outside the solver."""
    case = mesh(tmp_path, 0)
    case = replace(case, demand_mw=pd.Series([5000.0], index=case.periods.index))
    compact = compact_of(program_of(case))
    outcome = compact.solve()
    assert outcome.status == "infeasible"
    ray = compact.highs.dual_ray()
    nothing = np.zeros(len(compact.cost))
    reached = [compact.proven_by(sign * ray, nothing > 0, nothing) for sign in (1.0, -1.0)]
    assert max(reached) > 1.0
