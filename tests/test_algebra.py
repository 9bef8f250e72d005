"""Ledgers, constraints that must explain themselves, and tidy tables."""

from __future__ import annotations

import pandas as pd
import pyomo.environ as pyo
import pytest

from optimizer.algebra import Ledger, Ledgers, clean_value, constraint, rows_on_demand, tidy


@pytest.fixture
def m() -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.x = pyo.Var(["a", "b"], initialize={"a": 2.0, "b": 3.0})
    return m


def test_a_ledger_adds_what_is_posted_and_reads_zero_elsewhere(m: pyo.ConcreteModel) -> None:
    ledger = Ledger()
    ledger.post("k", 2 * m.x["a"])
    ledger.post("k", m.x["b"] + 1)
    m.sums = ledger.close()
    assert pyo.value(ledger["k"]) == 2 * 2 + 3 + 1
    assert ledger["other"] == 0.0
    assert ledger.keys() == ["k"]


def test_a_ledger_is_not_read_before_nor_written_after_it_is_closed(m: pyo.ConcreteModel) -> None:
    ledger = Ledger()
    with pytest.raises(RuntimeError, match="before it is closed"):
        ledger["k"]
    m.sums = ledger.close()
    with pytest.raises(RuntimeError, match="'k' came too late"):
        ledger.post("k", m.x["a"])


def test_ledgers_stand_on_the_model_under_their_names(m: pyo.ConcreteModel) -> None:
    ledgers = Ledgers()
    ledgers.cost_musd.post(("sites", 2030), 5 * m.x["a"])
    m.ledger = pyo.Block()
    ledgers.close(m.ledger)
    assert pyo.value(m.ledger.cost_musd["sites", 2030]) == 10
    assert len(m.ledger.water_m3_day) == 0


def test_a_constraint_carries_its_sentence(m: pyo.ConcreteModel) -> None:
    @constraint(m, ["a", "b"])
    def at_most_four(m: pyo.ConcreteModel, i: str) -> object:
        """Nothing is above four.

        x[i] <= 4
        """
        return m.x[i] <= 4

    assert m.at_most_four.doc == "Nothing is above four.\n\nx[i] <= 4"
    assert at_most_four is m.at_most_four
    assert pyo.value(m.at_most_four["b"].upper) == 4


@pytest.mark.parametrize("declare", [constraint, rows_on_demand])
def test_a_constraint_without_a_docstring_is_refused(m: pyo.ConcreteModel, declare: object) -> None:
    with pytest.raises(TypeError, match="'silent' has no docstring"):

        @declare(m)  # type: ignore[operator]
        def silent(m: pyo.ConcreteModel) -> object:
            return m.x["a"] <= 4


def test_rows_on_demand_are_built_once(m: pyo.ConcreteModel) -> None:
    @rows_on_demand(m)
    def limit(m: pyo.ConcreteModel, i: str, most: int) -> object:
        """Nothing is above its limit.

        x[i] <= most
        """
        return m.x[i] <= most

    assert len(m.limit) == 0
    row = limit.add("a", 4)
    assert pyo.value(row.upper) == 4
    assert limit.add("a", 4) is None
    assert len(m.limit) == 1


def test_a_tidy_table_has_no_solver_noise() -> None:
    m = pyo.ConcreteModel()
    m.built = pyo.Var(["s", "r"], [2030], domain=pyo.Binary)
    m.it_mw = pyo.Var(["s", "r"], [2030])
    for s, built, it_mw in (("s", 0.9999996, 10.000001), ("r", 1e-7, -9e-8)):
        m.built[s, 2030].set_value(built, skip_validation=True)
        m.it_mw[s, 2030].set_value(it_mw)
    expected = {"site": ["s", "r"], "period": [2030, 2030], "built": [1.0, 0.0], "it_mw": [10.000001, 0.0]}
    pd.testing.assert_frame_equal(tidy(["site", "period"], built=m.built, it_mw=m.it_mw), pd.DataFrame(expected))
    assert clean_value(m.it_mw["s", 2030]) == 10.000001
