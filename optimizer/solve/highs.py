"""One HiGHS object for one program: handed over once, then rows and columns added and bounds changed in place.

No other file calls HiGHS.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Status = Literal["optimal", "infeasible", "unbounded", "limit", "error"]

_STATUS: dict[Any, Status] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnbounded: "unbounded",
    highspy.HighsModelStatus.kTimeLimit: "limit",
    highspy.HighsModelStatus.kIterationLimit: "limit",
    highspy.HighsModelStatus.kSolutionLimit: "limit",
    highspy.HighsModelStatus.kObjectiveTarget: "limit",
    highspy.HighsModelStatus.kInterrupt: "limit",
}

BASIC, RESTING = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower
"""Status of a row that is slack, and of a column at its lower bound."""

RAY_ROUNDING = 1e-9
"""Share of a column in a proof of infeasibility, the largest multiplier of size 1, that is rounding [-]."""

NO_COEFFICIENT = 1e-9
"""Coefficients of added rows below this are rounding of the solves that give them; the solver would drop them too."""


@dataclass(frozen=True)
class Outcome:
    """What one solve gave.

    Parameters
    ----------
    status : str
        ``optimal``, ``infeasible``, ``unbounded``, ``limit`` or ``error``.
    objective, bound : float
        Value of the incumbent (inf without one) and the proven bound, in the objective's unit.
    values : ndarray, shape (n_column,)
        The incumbent; empty without one.
    """

    status: Status
    objective: float
    bound: float
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Matrix:
    """A linear program as the solver holds it.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_row, n_column)
        Coefficients.
    cost : ndarray, shape (n_column,)
        Objective coefficients.
    offset : float
        Constant of the objective.
    column_lower, column_upper, row_lower, row_upper : ndarray
        Bounds, infinite where there is none.
    integer : ndarray of bool, shape (n_column,)
        Columns that are whole numbers.
    """

    matrix: sp.csr_matrix
    cost: NDArray[np.float64]
    offset: float
    column_lower: NDArray[np.float64]
    column_upper: NDArray[np.float64]
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]
    integer: NDArray[np.bool_]


@dataclass(frozen=True)
class Basis:
    """Which columns and rows a linear solve ended with in its basis, as the solver names them."""

    columns: tuple[Any, ...]
    rows: tuple[Any, ...]


class HighsProgram:
    """A linear or integer program given as a matrix.

    Parameters
    ----------
    program : Matrix
        What is solved.
    threads, seed : int
        Passed to the solver.
    """

    def __init__(self, program: Matrix, threads: int = 1, seed: int = 0) -> None:
        self._highs = highspy.Highs()
        self.threads, self.seed = threads, seed
        self.set_options(output_flag=False, threads=threads, random_seed=seed)
        self.integers = np.flatnonzero(program.integer).astype(np.int32)
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = program.matrix.shape
        lp.col_cost_, lp.offset_ = program.cost, program.offset
        lp.col_lower_, lp.col_upper_ = program.column_lower, program.column_upper
        lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = program.matrix.indptr.astype(np.int32)
        lp.a_matrix_.index_ = program.matrix.indices.astype(np.int32)
        lp.a_matrix_.value_ = program.matrix.data.astype(float)
        whole, continuous = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        lp.integrality_ = [whole if i else continuous for i in program.integer]
        self._highs.passModel(lp)
        self.relaxed = False
        self._last: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def set_options(self, **options: Any) -> None:
        """Set options of HiGHS by their own names."""
        for name, value in options.items():
            self._highs.setOptionValue(name, value)

    @contextmanager
    def options(self, **options: Any) -> Iterator[None]:
        """Set options of HiGHS for a while."""
        before = {name: self._highs.getOptionValue(name)[1] for name in options}
        self.set_options(**options)
        try:
            yield
        finally:
            self.set_options(**before)

    def start_from(self, values: NDArray[np.float64]) -> None:
        """Give the next integer solve a solution to start from, shape (n_column,)."""
        started = highspy.HighsSolution()
        started.col_value = values.tolist()
        started.value_valid = True
        self._highs.setSolution(started)

    def relax(self, relaxed: bool, columns: NDArray[np.int32] | None = None) -> None:
        """Drop or restore integrality of every integer column, or of some of them."""
        chosen = self.integers if columns is None else columns
        kind = highspy.HighsVarType.kContinuous if relaxed else highspy.HighsVarType.kInteger
        self._highs.changeColsIntegrality(len(chosen), chosen, np.full(len(chosen), int(kind), dtype=np.uint8))
        self.relaxed = relaxed and len(chosen) == len(self.integers)

    def set_bounds(self, bounds: Mapping[int, tuple[float, float]]) -> None:
        """Change the bounds of columns in place."""
        columns = np.array(list(bounds), dtype=np.int32)
        lower = np.array([b[0] for b in bounds.values()], dtype=float)
        upper = np.array([b[1] for b in bounds.values()], dtype=float)
        self._highs.changeColsBounds(len(columns), columns, lower, upper)

    def basis(self) -> Basis:
        """Basis of the last linear solve."""
        found = self._highs.getBasis()
        return Basis(tuple(found.col_status), tuple(found.row_status))

    @property
    def has_basis(self) -> bool:
        """Whether the next linear solve begins from a basis."""
        return bool(self._highs.getBasis().valid)

    def set_basis(self, basis: Basis, is_foreign: bool = False) -> None:
        """Start the next solve from a basis; rows that came since are slack in it.

        Parameters
        ----------
        basis : Basis
            Of this program.
        is_foreign : bool
            It was that of a program like this one: the solver makes a basis of what it names.
        """
        started = highspy.HighsBasis()
        more = self._highs.getNumRow() - len(basis.rows)
        started.col_status = list(basis.columns)
        started.row_status = [*basis.rows, *[BASIC] * more]
        started.valid, started.alien = True, is_foreign
        self._highs.setBasis(started)

    def forget_basis(self) -> None:
        """Make the next solve a cold one."""
        self._highs.clearSolver()
        self._last = None

    def solve(self, seconds: float = np.inf) -> Outcome:
        """Solve what is set up now, for at most so many seconds of wall time.

        A linear solve that fails is repeated from nothing: from some bases HiGHS 1.15 ends without an answer.
        """
        outcome = self._solve(seconds)
        if outcome.status == "error" and not self._is_mip():
            self.forget_basis()
            outcome = self._solve(seconds)
        return outcome

    def _solve(self, seconds: float) -> Outcome:
        # The solver counts the time of all linear programs it ever solved, but of one integer program at a time.
        spent = 0.0 if self._is_mip() else self._highs.getRunTime()
        self.set_options(time_limit=spent + seconds)
        self._run()
        status = _STATUS.get(self._highs.getModelStatus(), "error")
        info = self._highs.getInfo()
        solution = self._highs.getSolution()
        usable = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        # A basis may be optimal to the solver while its solution is outside tolerances: that is no solution.
        status = "error" if status == "optimal" and not usable else status
        values = np.array(solution.col_value) if usable else np.empty(0)
        objective = float(info.objective_function_value) if usable else np.inf
        bound = float(info.mip_dual_bound) if self._is_mip() else (objective if status == "optimal" else -np.inf)
        return Outcome(status, objective, bound, values)

    def _run(self) -> None:
        """Run in a thread of its own, so that an interrupt reaches Python and stops the solver."""
        self._last = None
        worker = threading.Thread(target=self._highs.run, daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                worker.join(0.2)
        except BaseException:
            self._highs.cancelSolve()
            worker.join()
            raise

    def _is_mip(self) -> bool:
        return bool(len(self.integers)) and not self.relaxed

    def costs(self) -> tuple[NDArray[np.float64], float]:
        """Costs of all columns now, and the constant of the objective."""
        lp = self._highs.getLp()
        return np.array(lp.col_cost_, dtype=float), float(lp.offset_)

    def duals(self) -> NDArray[np.float64]:
        """Prices of all rows in the last LP: change of the objective per unit of right-hand side."""
        return np.array(self._highs.getSolution().row_dual)

    def prices(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Prices of rows and reduced costs of columns in the last LP, taken from the solver once."""
        if self._last is None:
            solution = self._highs.getSolution()
            self._last = (np.array(solution.row_dual), np.array(solution.col_dual))
        return self._last

    def set_costs(self, costs: NDArray[np.float64]) -> None:
        """Change the costs of all columns, shape (n_column,), and drop the constant of the objective."""
        self._highs.changeColsCost(len(costs), np.arange(len(costs), dtype=np.int32), costs)
        self._highs.changeObjectiveOffset(0.0)

    def set_offset(self, offset: float) -> None:
        """Change the constant of the objective."""
        self._highs.changeObjectiveOffset(offset)

    def columns_of_ray(self) -> frozenset[int]:
        """Columns whose bounds the proof of the last linear program's infeasibility rests on.

        With multipliers y of the rows (a Farkas certificate), a column counts where ``A' y`` is not 0. Empty where the
        solver has no multipliers. What they prove is not checked here.
        """
        ray = self.dual_ray()
        if not len(ray):
            # Presolve shows infeasibility without multipliers.
            self.set_options(presolve="off")
            self.forget_basis()
            self._run()
            self.set_options(presolve="choose")
            ray = self.dual_ray()
        if not len(ray):
            return frozenset()
        size = np.abs(self.matrix().matrix.T @ (ray / np.abs(ray).max()))
        return frozenset(np.flatnonzero(size > RAY_ROUNDING).tolist())

    def matrix(self) -> Matrix:
        """The program as the solver holds it now, rows and columns added since included."""
        lp, (rows, columns, _) = self._highs.getLp(), self.size
        stored = lp.a_matrix_
        shape = (np.array(stored.value_), np.array(stored.index_), np.array(stored.start_))
        is_by_row = stored.format_ == highspy.MatrixFormat.kRowwise
        made = (sp.csr_matrix if is_by_row else sp.csc_matrix)(shape, shape=(rows, columns))
        integer = np.zeros(columns, dtype=bool)
        integer[self.integers] = True
        return Matrix(
            matrix=made.tocsr(),
            cost=np.array(lp.col_cost_, dtype=float),
            offset=float(lp.offset_),
            column_lower=np.array(lp.col_lower_, dtype=float),
            column_upper=np.array(lp.col_upper_, dtype=float),
            row_lower=np.array(lp.row_lower_, dtype=float),
            row_upper=np.array(lp.row_upper_, dtype=float),
            integer=integer,
        )

    def add_sparse_rows(self, matrix: sp.csr_matrix, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        """Add rows given as a sparse matrix, shape (m, n_column)."""
        starts, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        self._highs.addRows(matrix.shape[0], lower, upper, matrix.nnz, starts, index, matrix.data)

    def add_column(self, cost: float, lower: float, upper: float) -> None:
        """Add a column that is in no row yet."""
        self._highs.addCol(cost, lower, upper, 0, [], [])

    def set_rows(self, rows: NDArray[np.intp], lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        """Change the bounds of rows."""
        for row, low, high in zip(rows.tolist(), lower.tolist(), upper.tolist(), strict=True):
            self._highs.changeRowBounds(row, low, high)

    def bounds_of_row(self, row: int) -> tuple[float, float]:
        """Bounds of a row as the solver has them."""
        _, lower, upper, _ = self._highs.getRow(row)
        return float(lower), float(upper)

    def room_of_rows(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """How far rows, each with an upper bound only, are below it in the last solution."""
        return np.asarray(np.array(self._highs.getLp().row_upper_)[rows] - self.row_values()[rows])

    def row_values(self) -> NDArray[np.float64]:
        """Values of all rows in the last solution."""
        return np.array(self._highs.getSolution().row_value)

    def dual_ray(self) -> NDArray[np.float64]:
        """Multipliers by row that show the last linear program infeasible; empty where the solver has none."""
        # The method is there, but not in the stubs of HiGHS 1.15.
        _, exists, ray = self._highs.getDualRay()  # type: ignore[attr-defined]
        return np.array(ray) if exists else np.empty(0)

    @property
    def size(self) -> tuple[int, int, int]:
        """Rows, columns and nonzeros."""
        return self._highs.getNumRow(), self._highs.getNumCol(), self._highs.getNumNz()


class RowProgram(HighsProgram):
    """A program whose rows and columns change in place while its basis is kept."""

    def add_dense_rows(self, rows: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        """Add rows given with every column, shape (m, n_column)."""
        kept = np.abs(rows) >= NO_COEFFICIENT
        starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))[:-1]]).astype(np.int32)
        index = np.nonzero(kept)[1].astype(np.int32)
        self._highs.addRows(len(rows), lower, upper, len(index), starts, index, rows[kept])

    def set_columns(self, columns: NDArray[np.intp], lower: NDArray[np.float64], upper: NDArray[np.float64]) -> None:
        """Change the bounds of columns given as arrays."""
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def change_column(self, column: int, rows: Sequence[int], values: NDArray[np.float64]) -> None:
        """Change coefficients of one column."""
        for row, value in zip(rows, values.tolist(), strict=True):
            self._highs.changeCoeff(row, column, value)

    def set_cost(self, column: int, cost: float) -> None:
        """Change the cost of one column."""
        self._highs.changeColsCost(1, np.array([column], dtype=np.int32), np.array([cost]))

    def rest_at_lower(self, columns: NDArray[np.intp]) -> None:
        """Let the next solve start from the last basis, with columns that are not in it at their lower ends.

        Parameters
        ----------
        columns : ndarray of int
            Columns that change so.
        """
        basis = self._highs.getBasis()
        if not basis.valid:
            return
        status = list(basis.col_status)
        for column in columns.tolist():
            status[column] = BASIC if status[column] == BASIC else RESTING
        basis.col_status = status
        self._highs.setBasis(basis)

    def drop_rows(self, rows: NDArray[np.intp]) -> None:
        """Delete rows; the basis stays valid where all of them are slack."""
        self._highs.deleteRows(len(rows), rows.astype(np.int32))


class SiftedProgram(RowProgram):
    """A program that gains columns too."""

    def add_columns(
        self, matrix: sp.csc_matrix, cost: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
    ) -> None:
        """Add columns, shape (n_row, m), for as many rows as the matrix has."""
        starts, index = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        self._highs.addCols(matrix.shape[1], cost, lower, upper, matrix.nnz, starts, index, matrix.data)

    def set_basis(self, basis: Basis, is_foreign: bool = False) -> None:
        """Start the next solve from a basis; columns that came since rest at their lower bounds."""
        more = self._highs.getNumCol() - len(basis.columns)
        super().set_basis(Basis((*basis.columns, *[RESTING] * more), basis.rows), is_foreign)

    def are_slack(self) -> NDArray[np.bool_]:
        """Rows that are basic in the last solution."""
        return np.array([status == BASIC for status in self._highs.getBasis().row_status])
