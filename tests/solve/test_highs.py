"""A model passed to the solver once, then rows, variables and bounds changed in place."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.expr.numeric_expr import LinearExpression

from optimizer.solve.highs_model import HighsModel


@pytest.fixture
def knapsack() -> pyo.ConcreteModel:
    """Most value 5 x + 4 y, written as a cost, with 6 x + 4 y <= 24, x + 2 y <= 6 and a constant of 10.

    The corner (3, 1.5) gives -11; of whole numbers (4, 0) is best, -10.
    """
    m = pyo.ConcreteModel()
    m.x = pyo.Var(domain=pyo.NonNegativeIntegers, bounds=(0, 10))
    m.y = pyo.Var(domain=pyo.NonNegativeIntegers, bounds=(0, 10))
    m.first = pyo.Constraint(expr=6 * m.x + 4 * m.y <= 24)
    m.second = pyo.Constraint(expr=m.x + 2 * m.y <= 6)
    m.later = pyo.Constraint(pyo.Any)
    m.cost = pyo.Objective(expr=10 - 5 * m.x - 4 * m.y)
    return m


def test_relaxation_and_integer_optimum(knapsack: pyo.ConcreteModel) -> None:
    highs = HighsModel(knapsack)
    outcome = highs.solve()
    assert (outcome.status, outcome.objective, outcome.bound) == ("optimal", pytest.approx(-10), pytest.approx(-10))
    highs.relax(True)
    relaxed = highs.solve()
    assert relaxed.objective == pytest.approx(-11)
    assert relaxed.values[[highs.column(knapsack.x), highs.column(knapsack.y)]] == pytest.approx([3, 1.5])
    highs.relax(False)
    assert highs.solve().objective == pytest.approx(-10)


def test_prices_of_rows(knapsack: pyo.ConcreteModel) -> None:
    """6 u + v = 5 and 4 u + 2 v = 4: u = 0.75, v = 0.5 of value per unit, a cost of so much less."""
    highs = HighsModel(knapsack)
    highs.relax(True)
    highs.solve()
    assert highs.dual(knapsack.first) == pytest.approx(-0.75)
    assert highs.dual(knapsack.second) == pytest.approx(-0.5)


def test_a_decision_that_nothing_names_is_a_column(knapsack: pyo.ConcreteModel) -> None:
    """It costs nothing until a row comes that has it: with x <= 1 + 2 z, z makes room for x = 3 for nothing.

    Of whole numbers (3, 1) is then best, 10 - 15 - 4 = -9.
    """
    knapsack.z = pyo.Var(domain=pyo.Binary)
    knapsack.part = pyo.Var(bounds=(0, 1))
    highs = HighsModel(knapsack)
    assert highs.has(knapsack.z)
    assert not highs.has(knapsack.part)
    highs.add_rows([knapsack.later.add("row", knapsack.x <= 1 + 2 * knapsack.z)])
    assert highs.size[:2] == (3, 3)
    outcome = highs.solve()
    assert outcome.objective == pytest.approx(-9)
    assert outcome.values[highs.column(knapsack.z)] == pytest.approx(1)


def test_rows_and_variables_come_later(knapsack: pyo.ConcreteModel) -> None:
    """x + 2 <= z + 4, z <= 1 at a cost of 3: x is 2 for nothing, or 3 for 3.

    (2, 2) costs 10 - 10 - 8 = -8, (3, 1) with z = 1 costs 10 - 15 - 4 + 3 = -6.
    """
    highs = HighsModel(knapsack, cost_of_new=lambda variable: 3.0)
    knapsack.z = pyo.Var(bounds=(0, 1))
    row = knapsack.later.add("row", knapsack.x + 2 <= knapsack.z + 4)
    highs.add_rows([row])
    rows, columns, _ = highs.size
    assert (rows, columns) == (3, 3)
    outcome = highs.solve()
    assert outcome.objective == pytest.approx(-8)
    assert outcome.values[highs.column(knapsack.z)] == pytest.approx(0)


def test_rows_of_terms_are_read_as_they_would_be_walked(knapsack: pyo.ConcreteModel) -> None:
    """x + 2 z with z new, x + x + 3 y, and y held at 1: the rows x + 2 z, 2 x + 3 y and x <= 5 - 4."""
    highs = HighsModel(knapsack)
    knapsack.z = pyo.Var(bounds=(-1, 1))
    x, y, z = knapsack.x, knapsack.y, knapsack.z

    def terms(coefficients: list[float], variables: list[pyo.Var]) -> LinearExpression:
        return LinearExpression(constant=0.0, linear_coefs=coefficients, linear_vars=variables)

    highs.add_rows([])
    assert highs.size[0] == 2
    first = [
        knapsack.later.add(1, terms([1.0, 2.0], [x, z]) == 3),
        knapsack.later.add(2, terms([1, 1, 3], [x, x, y]) <= 9),
    ]
    highs.add_rows(first)
    y.fix(1)
    highs.add_rows([knapsack.later.add(3, terms([1.0, 4.0], [x, y]) <= 5)])
    held = highs.matrix()
    columns = [highs.column(v) for v in (x, y, z)]
    assert held.matrix.toarray()[2:, columns].tolist() == [[1, 0, 2], [2, 3, 0], [1, 0, 0]]
    assert (held.row_lower[2:].tolist(), held.row_upper[2:].tolist()) == ([3, -np.inf, -np.inf], [3, 9, 1])
    assert (held.column_lower[columns[2]], held.column_upper[columns[2]]) == (-1, 1)
    assert [highs.row(row) for row in first] == [2, 3]


def test_bounds_are_changed_and_given_back(knapsack: pyo.ConcreteModel) -> None:
    highs = HighsModel(knapsack)
    x = highs.column(knapsack.x)
    highs.set_bounds({x: (1.0, 1.0)})
    assert highs.solve().objective == pytest.approx(10 - 5 - 8)
    highs.set_bounds({x: (20.0, 20.0)})
    assert highs.solve().status == "infeasible"
    assert not np.isfinite(highs.solve().objective)
    highs.set_bounds({x: highs.model_bounds(x)})
    assert highs.solve().objective == pytest.approx(-10)


def test_another_objective(knapsack: pyo.ConcreteModel) -> None:
    """Least y less x, plus 7: x at its most, 4."""
    highs = HighsModel(knapsack)
    highs.set_objective(knapsack.y - knapsack.x + 7)
    assert highs.solve().objective == pytest.approx(3)


def test_a_solution_goes_back_to_the_model(knapsack: pyo.ConcreteModel) -> None:
    highs = HighsModel(knapsack)
    highs.load(highs.solve().values)
    assert (knapsack.x.value, knapsack.y.value) == pytest.approx((4, 0))
    assert pyo.value(knapsack.cost) == pytest.approx(-10)
