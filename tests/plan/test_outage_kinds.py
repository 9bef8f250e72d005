"""Outages beyond single branches in the check of a plan: found a second way, and caught when they do not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import Finding
from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint import Elements, JointSet
from optimizer.grid.joint_factors import JointFactors, OperatingPoint
from optimizer.plan import checks_security
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_network import Wires, flows_after_outage
from optimizer.plan.verify_outages import solved_again, worst_of_each_kind
from optimizer.solve import solve_study
from optimizer.study import Study
from tests.plan.test_network import networks
from tests.solve.small import study_of

TABLES = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,150\nc,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "b1,a,b,0.1,90,110\nb2,a,b,0.1,90,110\nac,a,c,0.1,90,110\ncb,c,b,0.1,90,110\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,400,10\ngb,b,400,30\ngc,c,400,20\n",
    "grid/contingencies": "contingency,element\ntower,b1\ntower,b2\nwest,ac\nwest,gc\n",
    "sites": "site,bus,block_mw,max_blocks\nsb,b,50,1\n",
}
TEXT = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 50 }
[security]
contingencies = ["branch", "generator", "campus", "list"]
"""


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Plan]:
    """A small study with an outage of every kind, and its plan."""
    study = study_of(tmp_path_factory.mktemp("kinds"), TEXT, TABLES)
    return study, tidy_plan(solve_study(study))


def found(solved: tuple[Study, Plan], tables: dict[str, pd.DataFrame] | None = None) -> list[Finding]:
    """What the checks of security find in the plan, with some tables changed."""
    return [f for check in checks_security.CHECKS for f in check(context_of(solved, tables))]


def context_of(solved: tuple[Study, Plan], tables: dict[str, pd.DataFrame] | None = None) -> Context:
    """The plan beside its case, with some tables changed."""
    study, plan = solved
    return Context(study.folder, "", plan.summary, {**plan.tables, **(tables or {})}, study, study.case)


def test_a_plan_with_every_kind_holds(solved: tuple[Study, Plan]) -> None:
    study, plan = solved
    names = ("b1", "b2", "ac", "cb", "generator ga", "generator gb", "generator gc", "tower", "west", "campus sb")
    assert study.case.outage_names == names
    assert plan.summary["n_contingencies_checked"] == 10
    assert found(solved) == []


@pytest.mark.parametrize("outage", ["generator ga", "generator gb", "tower", "west", "campus sb"])
def test_a_wrong_factor_is_found_by_solving_again(
    solved: tuple[Study, Plan], monkeypatch: pytest.MonkeyPatch, outage: str
) -> None:
    """Factors one percent too large disagree with the network without what is out."""
    context = context_of(solved)
    number = context.case.contingencies.number_of[outage]
    given = (context, [number], context.injection_mw[:, 0], context.point(0), 0, "contingencies")
    assert solved_again(*given) == []
    moved = JointFactors._moved
    monkeypatch.setattr(JointFactors, "_moved", lambda *values: 1.01 * moved(*values))
    assert {f.rule for f in solved_again(*given)} == {"plan.outage.resolved"}
    assert any(f.rule == "plan.outage.resolved" for f in found(solved))


def test_the_worst_of_each_kind_are_solved_again(solved: tuple[Study, Plan]) -> None:
    """At most five of a kind: here all of them."""
    context = context_of(solved)
    result = context.case.contingencies.screen(context.point(0), 0, context.emergency_limit_mw[:, 0], 1e-3)
    worst = worst_of_each_kind(context, result, context.point(0), context.emergency_limit_mw[:, 0], 0)
    kinds = [context.case.contingencies.kind(number) for number in worst]
    assert {"generator": 3, "list": 2, "campus": 1}.items() <= {kind: kinds.count(kind) for kind in kinds}.items()
    assert len(worst) == len(set(worst))


@pytest.mark.parametrize("outage", ["generator gb", "tower", "west"])
def test_a_changed_flow_is_found(solved: tuple[Study, Plan], outage: str) -> None:
    table = solved[1].tables["contingencies"].copy()
    rows = np.flatnonzero((table["contingency"] == outage).to_numpy())
    assert rows.size, "the outage is not among the highest loadings"
    table.loc[rows[0], "flow_mw"] += 0.01
    wrong = [f for f in found(solved, {"contingencies": table}) if f.severity == "error"]
    assert any("flow_mw" in f.where for f in wrong)


def test_a_dispatch_that_a_generator_outage_breaks_is_found(solved: tuple[Study, Plan]) -> None:
    """Without gb, ga and gc each give half of its 100 MW: with -50 and 150 before, all 200 MW then come from c.

    From c, 6 / 10 go over cb and the rest around over a: 120 of 110 MW, after that outage only. Before it cb carries
    90 - 10 MW, as 2 / 10 of what comes from a go over c.
    """
    table = solved[1].tables["dispatch"].copy()
    table["output_mw"] = table["generator"].map({"ga": -50.0, "gb": 100.0, "gc": 150.0})
    wrong = [f for f in found(solved, {"dispatch": table}) if f.rule == "plan.limit.emergency"]
    (row,) = (f for f in wrong if "outage generator gb, branch cb" in f.where)
    assert abs(row.value or 0.0) == pytest.approx(120)


@given(networks(), st.integers(0, 10_000))
def test_both_ways_agree_on_any_set(case: Any, seed: int) -> None:
    buses, branches, injection, weight = case
    random, n = np.random.default_rng(seed), len(buses)
    load = 2.0 ** random.permutation(n)
    network, mine = DCNetwork.build(buses, branches), Wires.of(buses, branches, "x")
    bus = random.integers(0, n, 2 * n)
    able = np.concatenate([weight, weight])
    out = Elements(
        "k",
        "list",
        tuple(random.choice(len(branches), int(random.integers(0, 3)), replace=False).tolist()),
        tuple(random.choice(2 * n, int(random.integers(0, 3)), replace=False).tolist()),
        (("s", int(random.integers(0, n))),) if random.random() < 0.5 else (),
    )
    point = OperatingPoint(network.flows(injection), random.uniform(0, 50, 2 * n), {key: 30.0 for key in out.loads})
    factors = JointFactors(network, JointSet.build(network, [out], bus, load), bus, able)
    units = list(out.generators)
    left, share = injection.copy(), np.zeros(n)
    np.add.at(share, bus, able)
    np.subtract.at(share, bus[units], able[units])
    np.subtract.at(left, bus[units], point.output_mw[units])
    for key in out.loads:
        left[key[1]] += 30.0
    changed = np.array([*bus[units], *(n for _, n in out.loads)], dtype=int)
    again = flows_after_outage(mine, np.array(out.branches, dtype=int), left, load, share, changed)
    np.testing.assert_allclose(again, factors.after([0], point, 0)[0], atol=1e-6)
