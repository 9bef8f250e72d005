"""A Pyomo model in the hands of the solver: compiled once, then its new constraints handed over as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.common.collections import ComponentMap
from pyomo.core.expr.numeric_expr import LinearExpression
from pyomo.repn import generate_standard_repn
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from optimizer.solve.highs import HighsProgram, Matrix


class HighsModel(HighsProgram):
    """A Pyomo model in the hands of one HiGHS object.

    Parameters
    ----------
    model : ConcreteModel
        Linear, with one active objective to minimize.
    threads : int
        Threads of the solver; one is deterministic.
    seed : int
        Random seed of the solver.
    cost_of_new : callable
        Objective coefficient of a variable that comes with a row added later.

    Attributes
    ----------
    own : Matrix
        The program as composed, before any row was added and any objective changed.
    constraints : tuple
        Constraint of each of its rows; one with two ends may have two.
    """

    def __init__(
        self,
        model: pyo.ConcreteModel,
        threads: int = 1,
        seed: int = 0,
        cost_of_new: Callable[[Any], float] = lambda variable: 0.0,
    ) -> None:
        self.cost_of_new = cost_of_new
        form = LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=None)
        # What costs nothing and is in no row may still be in rows that come: every decision is a column from the start.
        self.variables: list[Any] = [*form.columns, *_whole_besides(model, form.columns)]
        # By identity: variables are kept, so no other object takes theirs.
        self._column = {id(v): i for i, v in enumerate(self.variables)}
        self._row: ComponentMap = ComponentMap()
        self.constraints = tuple(row.constraint for row in form.rows)
        for i, constraint in enumerate(self.constraints):
            self._row[constraint] = i
        self.own = _matrix_of(form, self.variables)
        super().__init__(self.own, threads, seed)

    def add_rows(self, rows: Iterable[Any]) -> None:
        """Add constraints of the Pyomo model that were built since; new variables become columns."""
        # All at once: the solver moves every coefficient it holds each time that rows come.
        lower: list[float] = []
        upper: list[float] = []
        columns: list[NDArray[np.int32]] = []
        values: list[NDArray[np.float64]] = []
        first, _, _ = self.size
        for constraint in rows:
            variables, coefficients, constant = _linear(constraint.body)
            self._row[constraint] = first + len(lower)
            lower.append(_bound(constraint.lower, -1) - (constant if constraint.lower is not None else 0.0))
            upper.append(_bound(constraint.upper, 1) - (constant if constraint.upper is not None else 0.0))
            columns.append(self._columns_of(variables))
            values.append(np.array(coefficients, dtype=float))
        if lower:
            starts = np.cumsum([0, *map(len, columns)])
            parts = np.concatenate(values), np.concatenate(columns), starts
            matrix = sp.csr_matrix(parts, shape=(len(lower), len(self.variables)))
            self.add_sparse_rows(matrix, np.array(lower, dtype=float), np.array(upper, dtype=float))

    def _columns_of(self, variables: Sequence[Any]) -> NDArray[np.int32]:
        """Columns of variables, new ones added."""
        for variable in variables:
            if id(variable) not in self._column:
                self._column[id(variable)] = len(self.variables)
                self.variables.append(variable)
                self.add_column(self.cost_of_new(variable), _bound(variable.lb, -1), _bound(variable.ub, 1))
        return np.fromiter(map(self._column.__getitem__, map(id, variables)), np.int32, len(variables))

    def set_objective(self, expression: Any) -> None:
        """Minimize another linear expression of variables the solver has."""
        repn = generate_standard_repn(expression, compute_values=True)
        costs = np.zeros(len(self.variables))
        for variable, coefficient in zip(repn.linear_vars, repn.linear_coefs, strict=True):
            costs[self.column(variable)] = coefficient
        self.set_costs(costs)
        self.set_offset(float(repn.constant))

    def model_bounds(self, column: int) -> tuple[float, float]:
        """Bounds of a column as the Pyomo model has them."""
        return _bound(self.variables[column].lb, -1), _bound(self.variables[column].ub, 1)

    def column(self, variable: Any) -> int:
        """Column of a variable; raises KeyError if it is not whole, in no row and not in the objective."""
        return self._column[id(variable)]

    def load(self, values: NDArray[np.float64]) -> None:
        """Put a solution on the variables of the Pyomo model."""
        for variable, value in zip(self.variables, values, strict=False):
            variable.set_value(value, skip_validation=True)

    def dual(self, constraint: Any) -> float:
        """Price of a row in the last LP: change of the objective per unit of its right-hand side."""
        return float(self.prices()[0][self._row[constraint]])

    def reduced_cost(self, variable: Any) -> float:
        """Reduced cost of a variable in the last LP: change of the objective per unit of its active bound."""
        return float(self.prices()[1][self.column(variable)])

    def has(self, variable: Any) -> bool:
        """Whether a variable is in any row or in the objective."""
        return id(variable) in self._column

    def row(self, constraint: Any) -> int:
        """Row of a constraint; raises KeyError if it was never built."""
        return int(self._row[constraint])

    def row_bounds(self, constraint: Any) -> tuple[float, float]:
        """Bounds of the row of a constraint as the solver has them."""
        return self.bounds_of_row(self._row[constraint])

    def rows_room(self, constraints: Sequence[Any]) -> NDArray[np.float64]:
        """How far the rows of constraints, each with an upper bound only, are below it in the last solution."""
        return self.room_of_rows(np.array([self._row[c] for c in constraints], dtype=np.intp))

    def set_row_bounds(self, constraint: Any, lower: float, upper: float) -> None:
        """Change the bounds of the row of a constraint in place."""
        self.set_rows(np.array([self._row[constraint]]), np.array([lower]), np.array([upper]))


def _whole_besides(model: pyo.ConcreteModel, columns: Sequence[Any]) -> list[Any]:
    """Whole variables of a model that its standard form leaves out."""
    known = set(map(id, columns))
    every = (v for component in model.component_objects(pyo.Var) for v in component.values())
    return [v for v in every if id(v) not in known and v.is_integer() and not v.fixed]


def _matrix_of(form: Any, variables: list[Any]) -> Matrix:
    """A Pyomo standard form as a matrix with two-sided rows, with columns of zeros for variables that it leaves out."""
    matrix, cost = form.A.tocsr(), np.asarray(form.c.todense()).ravel().astype(float)
    matrix.resize(matrix.shape[0], len(variables))
    kind = np.array([row.bound_type for row in form.rows])
    rhs = np.asarray(form.rhs, dtype=float)
    # None reads as no number.
    ends = np.array([v.bounds for v in variables], dtype=float).reshape(-1, 2)
    return Matrix(
        matrix=matrix,
        cost=np.append(cost, np.zeros(len(variables) - len(cost))),
        offset=float(np.asarray(form.c_offset).ravel()[0]),
        column_lower=np.where(np.isnan(ends[:, 0]), -np.inf, ends[:, 0]),
        column_upper=np.where(np.isnan(ends[:, 1]), np.inf, ends[:, 1]),
        row_lower=np.where(kind == 1, -np.inf, rhs),
        row_upper=np.where(kind == -1, np.inf, rhs),
        integer=np.array([v.is_integer() for v in variables], dtype=bool),
    )


def _linear(expression: Any) -> tuple[Sequence[Any], Sequence[float], float]:
    """Variables, their coefficients and the constant of a linear expression."""
    if type(expression) is LinearExpression:
        variables, coefficients = expression.linear_vars, expression.linear_coefs
        # The flow of a branch has a term for every generator: reading them beats walking the expression.
        if len(set(map(id, variables))) == len(variables) and not any(v.fixed for v in variables):
            return variables, coefficients, float(expression.constant)
    repn = generate_standard_repn(expression, compute_values=True)
    return repn.linear_vars, repn.linear_coefs, float(repn.constant)


def _bound(value: Any, sign: int) -> float:
    if value is None:
        return float(sign * np.inf)
    return float(pyo.value(value))
