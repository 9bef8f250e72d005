"""A composed case in the hands of the solver, with the rows that solutions break added as they are found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC

from optimizer.formulation import compose, expansion, name_of, parts_of, power_flow, security, workloads
from optimizer.formulation.rows import Broken
from optimizer.formulation.security import looks
from optimizer.objectives.cost import cost
from optimizer.solve.highs import Outcome
from optimizer.solve.highs_model import HighsModel
from optimizer.study.case import Case

if TYPE_CHECKING:
    from optimizer.solve.named_basis import NamedBasis

ROW_TOLERANCE_MW = 1e-4
"""An excess up to this is not a broken limit while rows are added [MW]; ten times tighter than the verifier's."""

ROWS_PER_BRANCH = 3
"""Outage rows added at a time for one branch and snapshot (unverified: best of 1, 3 and 10 on the Texas case)."""

ROWS_PER_SNAPSHOT = 200
"""Rows added at a time for one period and snapshot (unverified: a cap that is rarely reached after two rounds)."""

Log = Callable[[str], None]
RowKey = tuple[str, str, int, str, int]


@dataclass
class Clock:
    """Seconds spent in each stage; a measurement of the run that no decision reads."""

    seconds: dict[str, float] = field(default_factory=dict)

    def time(self, stage: str, started: float) -> None:
        """Add the time since `started` to a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


class SecureProgram:
    """The program of a case, its solver, and the rows built so far.

    Parameters
    ----------
    case : Case
        What is decided.
    threads, seed : int
        Passed to the solver.
    clock : Clock
        Where time is booked.
    log : callable
        Takes one line of text a round.
    objective, parts, elastic
        As `compose` takes them.
    deadline : float
        Value of the counter `now` at which solves are stopped [s].
    extend : callable, optional
        Takes the composed model and adds rows to it that are no part's, before the solver sees it.
    now : callable
        Counter of seconds, the clock's by default [s].

    Attributes
    ----------
    expected : tuple of row keys
        Limits that are expected to matter, as a search may have them from the start.
    held : tuple of row keys
        Limits near the solution of a relaxation that was solved in another form.
    ended : NamedBasis, optional
        Where that relaxation ended.
    """

    def __init__(
        self,
        case: Case,
        threads: int,
        seed: int,
        clock: Clock,
        log: Log,
        objective: Callable[[pyo.ConcreteModel], Any] = cost,
        parts: Iterable[ModuleType] | None = None,
        elastic: bool = False,
        deadline: float = np.inf,
        extend: Callable[[pyo.ConcreteModel], None] | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        started = time.perf_counter()
        self.case, self.clock, self.log, self.deadline, self._now = case, clock, log, deadline, now
        self._began = started, now()
        self.expected: tuple[RowKey, ...] = ()
        self.held: tuple[RowKey, ...] = ()
        self.ended: NamedBasis | None = None
        self.parts = parts_of(case) if parts is None else tuple(parts)
        # Hundreds of thousands of objects are made and none is garbage: looking for some takes a third of the time.
        with PauseGC():
            self.model = compose(case, objective, self.parts, elastic)
            if extend is not None:
                extend(self.model)
            overloads = self.model.limits.component("overload_mw")
            self.highs = HighsModel(
                self.model, threads, seed, lambda v: 1.0 if elastic and v.parent_component() is overloads else 0.0
            )
        clock.time("build", started)

    def add_rows(self, keys: Iterable[RowKey]) -> None:
        """Build branch rows that another program of the same grid needed; none where circuits are decided."""
        if power_flow not in self.parts:
            return
        started = time.perf_counter()
        added: list[Any] = []
        with PauseGC():
            for branch, outage, t, h, side in keys:
                if outage:
                    added += security.row_of(self.model.security, self.case, self.model, branch, outage, t, h, side)
                else:
                    added += power_flow.flow_of(self.model.power_flow, self.case, branch, t, h)
                    row = self.model.power_flow.rating_rows.add(branch, t, h, side)
                    added += [] if row is None else [row]
            self.highs.add_rows(added)
        self.clock.time("build", started)

    def limit_rows(self) -> list[tuple[RowKey, Any]]:
        """Branch rows built so far, as (branch, outage, period, snapshot, side) and constraint."""
        found: list[tuple[RowKey, Any]] = []
        if power_flow not in self.parts:
            return found
        for (branch, t, h, side), row in self.model.power_flow.within_normal_rating.items():
            found.append(((branch, "", t, h, side), row))
        if security in self.parts:
            for (branch, outage, t, h, side), row in self.model.security.within_emergency_rating.items():
                found.append(((branch, outage, t, h, side), row))
        return found

    def flow_mw(self, branch: str, outage: str, t: int, h: str) -> float:
        """Flow of a branch, after an outage if one is named, under the solution the model holds [MW]."""
        if outage:
            return security.flow_after(self.case, self.model, branch, outage, t, h)
        return float(self.model.power_flow.flow_mw[branch, t, h].value)

    def cut(self, values: NDArray[np.float64], everywhere: bool) -> tuple[int, float]:
        """Add the rows that a solution breaks; return how many, and the largest excess [MW].

        Parameters
        ----------
        values : ndarray
            Solution by column.
        everywhere : bool
            Look at everything at once; otherwise in the order of `optimizer.formulation.security.looks`.
        """
        self.highs.load(values)
        rows, worst = self._broken_branches(everywhere) if self.case.network is not None else ([], 0.0)
        started = time.perf_counter()
        if workloads in self.parts:
            # Whole plans never break these: they count as rows, not as broken limits.
            rows += workloads.cut(self.model.workloads, self.case, self.model).rows
        self.highs.add_rows(rows)
        self.clock.time("build", started)
        return len(rows), worst

    def _broken_branches(self, everywhere: bool) -> tuple[list[Any], float]:
        """Rows of branches that the solution on the model breaks, and the largest excess [MW]."""
        caps = ROWS_PER_BRANCH, ROWS_PER_SNAPSHOT
        if power_flow in self.parts:
            to_look = looks(self.case, self.model, ROW_TOLERANCE_MW, caps, everywhere)
        else:
            # Circuits have rows of their own, from networks that only whole decisions make.
            monitored = self.case.branches["monitored"].to_numpy()
            to_look = iter([((name_of(expansion),), Broken({}, {}, monitored, ROW_TOLERANCE_MW, *caps))])
        rows: list[Any] = []
        worst = 0.0
        while not rows:
            started = time.perf_counter()
            names, broken = next(to_look, ((), None))
            self.clock.time("screen", started)
            if broken is None:
                break
            started = time.perf_counter()
            with PauseGC():
                for part in (p for p in (power_flow, security, expansion) if name_of(p) in names):
                    new = part.cut(self.model.component(name_of(part)), self.case, self.model, broken)
                    rows += new.rows
                    worst = max(worst, new.worst_mw)
            self.clock.time("build", started)
        return rows, worst

    def solve(self, stage: str) -> Outcome:
        """Solve what is set up, on the clock of a stage."""
        started = time.perf_counter()
        outcome = self.highs.solve(max(self.on_the_clock(self.seconds_left()), 0.1))
        self.clock.time(stage, started)
        return outcome

    def seconds_left(self) -> float:
        """Time left before the deadline [s]."""
        return self.deadline - self._now()

    def on_the_clock(self, seconds: float) -> float:
        """Time on the clock, which the solver goes by, in which so much of the counter `now` is likely to pass [s].

        The processor's time passes slower where other work runs beside: as much slower as since the program was begun.
        """
        clock, counter = self._began
        passed = self._now() - counter
        return seconds * max(1.0, (time.perf_counter() - clock) / passed) if passed > 0 else seconds

    def solve_clean(self, stage: str, most_rounds: int, ceiling: float = np.inf, everywhere: bool = False) -> Outcome:
        """Solve the linear program as it is bounded now until the solution breaks no limit on any branch.

        Parameters
        ----------
        stage : str
            Where the time is booked and what the log calls it.
        most_rounds : int
            Rounds after which to give up (outcome status ``limit``).
        ceiling : float
            Stop as soon as the objective is above this: the rest cannot help.
        everywhere : bool
            Look at every rated branch from the first round on, as where most limits that matter are known.

        Returns
        -------
        Outcome
            ``optimal`` only if no limit is broken.
        """
        for number in range(1, most_rounds + 1):
            outcome = self.solve(stage)
            if outcome.status != "optimal" or outcome.objective > ceiling:
                return outcome
            rows, worst = self.cut(outcome.values, everywhere)
            self.log(
                f"{stage} round {number}: {outcome.objective:.4f} M$, {rows} rows added, worst excess {worst:.4f} MW"
            )
            if rows == 0:
                return outcome
        return Outcome("limit", outcome.objective, outcome.bound, outcome.values)

    def keep_overloads(self, objective: Any) -> None:
        """Allow no overload beyond those of the last solution, and minimize another objective from now on."""
        for overload in self.model.limits.overload_mw.values():
            overload.setub(max(0.0, float(overload.value)))
        known = [v for v in self.model.limits.overload_mw.values() if self.highs.has(v)]
        self.highs.set_bounds({self.highs.column(v): (0.0, v.ub) for v in known})
        self.model.allowances.close()
        self.highs.set_objective(objective)

    def integers_of(self, values: NDArray[np.float64]) -> dict[int, float]:
        """Integer columns of a solution, rounded."""
        return {int(c): float(round(values[c])) for c in self.highs.integers}

    def fix(self, integers: dict[int, float]) -> None:
        """Fix integer columns at given values."""
        if integers:
            self.highs.set_bounds({c: (v, v) for c, v in integers.items()})

    def upgrade_columns(self) -> NDArray[np.int32]:
        """Integer columns that only add to limits: upgrades in service."""
        block = self.model.component("upgrades")
        variables = [] if block is None else list(block.in_service.values())
        return np.array([self.highs.column(v) for v in variables if self.highs.has(v)], dtype=np.int32)

    def free(self) -> None:
        """Give integer columns back the bounds of the model."""
        if len(self.highs.integers):
            self.highs.set_bounds({int(c): self.highs.model_bounds(int(c)) for c in self.highs.integers})
