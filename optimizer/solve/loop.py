"""From a program to a plan and a proof of how good it is.

A lower bound proven at any time stays valid: rows only remove plans. Without a network all rows stand from the
beginning (`optimizer.solve.at_once`). With one, limits of branches are added as solutions break them: first to the
relaxation, until it breaks none, then to whatever looks for whole decisions. Where many of them bind and many sites
compete, that is a search over sets of sites with branch and cut (`optimizer.solve.search`); elsewhere the solver's own
integer search, in rounds (`optimizer.solve.integer_rounds`): its cuts handle upgrades better, and few sites faster.
Where circuits can be built, each plan is checked in the network that it makes (`optimizer.solve.topologies`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from optimizer.solve.at_once import find_at_once
from optimizer.solve.branching import WHOLE
from optimizer.solve.compact import PRIMAL, WHICHEVER, Compact
from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.integer_rounds import IntegerRounds
from optimizer.solve.named_basis import NamedBasis, begin_from, gone_share, named_basis
from optimizer.solve.program import RowKey, SecureProgram
from optimizer.solve.search import Search
from optimizer.solve.standing import Standing
from optimizer.solve.topologies import find_by_topologies
from optimizer.study.case import Case

MANY_SITES = 20
"""Sites from which on sets of them are searched; with fewer the solver's own search takes less time (unverified:
frontiers of small studies took 26 s one way and 17 s the other)."""

MANY_LIMITS = 50
"""Branch limits near the relaxation's solution from which on outage rows added at the nodes pay (unverified: the siting
benchmark has 105; a network of 40 buses on which the solver's own search is far faster has 2)."""

MOST_NONZEROS = 1_000_000
"""Coefficients of the relaxation beyond which thousands of linear programs take too long (unverified: the siting
benchmark has 0.08 million; on a network of 10,000 buses one set of sites was not made whole in 7 minutes)."""

MOST_ITERATIONS = 7000
"""Iterations of the simplex method from the basis of a program like this one, after which it is solved from nothing:
what-ifs of the Texas example take up to 6,500 or more than 12,000 (docs/benchmarks.md)."""

MOST_GONE = 0.05
"""Share of the columns of such a basis that a program may be without for it to be a good place to begin [-]: what-ifs
of the Texas example that took 2,500 iterations and did not end were without 6 %, the others without 0.1 %."""

MANY_OF_SERVICE = 5_000
"""Columns of service from which on the relaxation is solved without them first (docs/benchmarks.md)."""

LIMITED = ("limit_with_plan", "limit_without_plan")
"""How a search ends that gave up."""

__all__ = ["Found", "Limits", "find_plan"]


def find_plan(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> Found:
    """Find a secure plan and prove how good it is.

    Parameters
    ----------
    program : SecureProgram
        Composed, with or without rows of an earlier program.
    limits : Limits
        When to stop.
    decided : callable
        D of the gap as a function of the objective [M$]; increasing by at most the objective's own increase.
    """
    case = program.case
    if len(case.circuits):
        return find_by_topologies(program, limits, decided)
    if case.network is None:
        return find_at_once(program, limits, decided)
    standing = Standing(program, limits, decided)
    return search_on(standing, *relaxation(standing))


def is_written_out(case: Case) -> bool:
    """Whether searches of a case go over few columns with flows written out as numbers (`optimizer.solve.compact`)."""
    return case.network is not None and not len(case.circuits)


def search_on(standing: Standing, compact: Compact, relaxed: Outcome) -> Found:
    """Search for better plans and bounds, with a network as it stands, until the gap is closed or a limit is reached.

    Parameters
    ----------
    standing : Standing
        Best plan, if there is one, and bound.
    compact, relaxed
        As `relaxation` returns them.
    """
    case = standing.program.case
    if relaxed.status != "optimal":
        status = "infeasible" if relaxed.status == "infeasible" else "limit_without_plan"
        return Found(status, np.inf, -np.inf, {})
    if _is_whole(compact, relaxed):
        standing.keep(compact, relaxed)
    many = len(case.sites) >= MANY_SITES and len(compact.keys) >= MANY_LIMITS
    # Prices of opening sites hold for campuses that draw what their blocks say, and use nothing else.
    others = (case.service, case.supply, case.adequacy, case.workloads, case.work, case.tariffs)
    plain = all(part is None for part in others) and not case.portfolio.deliveries
    suits = many and plain and compact.highs.size[2] <= MOST_NONZEROS
    if suits and not standing.is_done and not len(case.upgrades):
        Search(standing, compact).run(relaxed)
    if not standing.is_done:
        IntegerRounds(standing, compact).run(relaxed)
    return standing.found()


def relaxation(standing: Standing, rows: Iterable[RowKey] = ()) -> tuple[Compact, Outcome]:
    """Solve the relaxation of a program until it breaks no limit, which gives the first bound.

    Parameters
    ----------
    standing : Standing
        Of the program; its bound is raised.
    rows : iterable of row keys
        Limits that are expected to matter, beside those that the program has.
    """
    compact, relaxed = known_relaxation(standing, rows)
    return compact, relaxed if relaxed.status == "infeasible" else cleaned(standing, compact)


def known_relaxation(
    standing: Standing, rows: Iterable[RowKey], basis: NamedBasis | None = None
) -> tuple[Compact, Outcome]:
    """Solve the relaxation with the limits that are known to matter, which may be bound enough.

    Parameters
    ----------
    standing : Standing
        Of the program; its bound is raised.
    rows : iterable of row keys
        Limits that are expected to matter, beside those that the program has.
    basis : NamedBasis, optional
        Of the relaxation of a program like this one.
    """
    with standing.booked("lp"):
        program = standing.program
        known = dict.fromkeys([*(key for key, _ in program.limit_rows()), *program.expected, *rows])
        compact = standing.compact(())
        relaxed = None if basis is None else _solved_from(compact, known, basis)
        if relaxed is None:
            relaxed = _solved_from_nothing(program, compact, known)
        if relaxed.status == "optimal":
            standing.raise_bound(compact.proven())
            program.held, program.ended = tuple(compact.keys), named_basis(compact)
    return compact, relaxed


def _solved_from(compact: Compact, rows: Iterable[RowKey], basis: NamedBasis) -> Outcome | None:
    """Solve with limits from a named basis; nothing, and no limits, where that takes too long, or would."""
    if gone_share(compact, basis) > MOST_GONE:
        return None
    compact.add(rows)
    begin_from(compact, basis)
    with compact.highs.options(simplex_iteration_limit=MOST_ITERATIONS):
        outcome = compact.solve(WHICHEVER)
    if outcome.status != "limit":
        return outcome
    compact.remove(list(compact.keys))
    compact.highs.forget_basis()
    return None


def cleaned(standing: Standing, compact: Compact) -> Outcome:
    """Solve a relaxation on, until it breaks no limit.

    Parameters
    ----------
    standing, compact
        Of `known_relaxation`; the bound is raised.
    """
    with standing.booked("lp"):
        program = standing.program
        relaxed = compact.clean(fully=True)
        if relaxed.status == "optimal":
            standing.raise_bound(compact.proven())
            compact.purge()
            program.held, program.ended = tuple(compact.keys), named_basis(compact)
            compact.highs.set_options(presolve="off")
    program.log(f"relaxation: {standing}, {compact.highs.size[0]} rows, {compact.solves} solves")
    return relaxed


def _solved_from_nothing(program: SecureProgram, compact: Compact, rows: Iterable[RowKey]) -> Outcome:
    """Solve with limits, the program without them first: from nothing dense rows take the simplex method far longer."""
    later = _of_service(program, compact)
    if len(later) < MANY_OF_SERVICE:
        without = compact.solve()
        if without.status == "infeasible":
            # Rows only remove plans, and from an infeasible basis HiGHS 1.15 ended without an answer.
            return without
        compact.add(rows)
        return compact.solve()
    # Nearly all of these end at 0, and rows that have them pivot on each from nothing, to no end. From a solution
    # without them that breaks no limit the primal simplex method finds the few that help.
    with compact.without(later):
        relaxed = compact.solve()
        compact.add(rows)
        if relaxed.status == "optimal" or compact.keys:
            relaxed = compact.clean(fully=True)
    if relaxed.status == "optimal":
        return compact.solve(PRIMAL)
    compact.highs.forget_basis()
    return compact.solve()


def _of_service(program: SecureProgram, compact: Compact) -> NDArray[np.intp]:
    """Columns by which campuses are curtailed, backed up and caught up with."""
    block = program.model.component("service")
    variables = [] if block is None else [v for one in block.component_objects(pyo.Var) for v in one.values()]
    own = [program.highs.column(v) for v in variables if program.highs.has(v) and v.lb == 0]
    return compact.columns(np.array(own, dtype=np.intp))


def keep_whole(standing: Standing, compact: Compact, relaxed: Outcome) -> None:
    """Keep the solution of a relaxation as a plan if all of it is whole and it breaks no limit.

    Parameters
    ----------
    standing : Standing
        Given the plan.
    compact, relaxed
        As `known_relaxation` returns them; limits that a whole solution breaks are added.
    """
    if _is_whole(compact, relaxed) and not compact.cut(relaxed.values, fully=True):
        standing.keep(compact, relaxed)


def _is_whole(compact: Compact, relaxed: Outcome) -> bool:
    whole = relaxed.values[compact.integer]
    return bool(np.abs(whole - np.round(whole)).max(initial=0.0) <= WHOLE)
