"""Plans that must differ: which sites a plan builds and how much each carries, and rows that keep a new plan apart.

Symbols
-------
x[s]    1 when site s is built in the last period [-]
y[s]    blocks of site s in the last period [-]
e[i,s]  ``elsewhere_mw``  IT load that site s carries beyond what it does in plan i [MW]
m[i,s]  ``more``          1 when site s carries more than in plan i [-]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from optimizer.algebra import clean_value, constraint
from optimizer.study.case import Case


@dataclass(frozen=True)
class Layout:
    """What stands where in the last period.

    Parameters
    ----------
    blocks : mapping of str to int
        Blocks of every site that is built.
    """

    blocks: Mapping[str, int]

    @staticmethod
    def of(m: pyo.ConcreteModel, case: Case) -> Layout:
        """Read the layout from a model that holds a solution."""
        last = case.periods.index[-1]
        built = [s for s in case.sites.index if clean_value(m.siting.build[s, last]) > 0.5]
        return Layout({str(s): round(clean_value(m.siting.blocks[s, last])) for s in built})


@dataclass(frozen=True)
class Difference:
    """Least difference of two plans.

    Parameters
    ----------
    n_sites : int
        Sites that are built in one of them and not in the other.
    it_mw : float
        IT load that stands at other sites [MW].
    """

    n_sites: int = 1
    it_mw: float = 0.0


def keep_apart(m: pyo.ConcreteModel, case: Case, layouts: Sequence[Layout], least: Difference) -> None:
    """Add ``m.apart``, which keeps a plan apart from others, to a composed model.

    Parameters
    ----------
    m : ConcreteModel
        As `optimizer.formulation.compose` made it, with sites.
    case : Case
        Its case.
    layouts : sequence of Layout
        The other plans.
    least : Difference
        By how much, from each of them.
    """
    b = m.apart = pyo.Block()
    if not layouts:
        return
    last = case.periods.index[-1]
    numbers = range(len(layouts))

    @constraint(b, numbers if least.n_sites else [])
    def other_sites(b: Any, i: int) -> Any:
        """At least so many sites are built in one of two plans and not in the other.

        sum_{s built in i} (1 - x[s]) + sum_{s not built in i} x[s] >= N
        """
        x = {s: m.siting.build[s, last] for s in case.sites.index}
        kept = pyo.quicksum(1 - x[s] for s in layouts[i].blocks)
        return kept + pyo.quicksum(x[s] for s in case.sites.index if s not in layouts[i].blocks) >= least.n_sites

    if least.it_mw > 0:
        _load_elsewhere(b, m, case, layouts, least.it_mw)


def _load_elsewhere(b: pyo.Block, m: pyo.ConcreteModel, case: Case, layouts: Sequence[Layout], it_mw: float) -> None:
    last, sites = case.periods.index[-1], list(case.sites.index)
    pairs = [(i, s) for i in range(len(layouts)) for s in sites]
    most = {s: int(case.sites.at[s, "max_blocks"]) for s in sites}
    size = {s: float(case.sites.at[s, "block_mw"]) for s in sites}
    part = [(i, s) for i, s in pairs if 0 < layouts[i].blocks.get(s, 0) < most[s]]
    b.elsewhere_mw = pyo.Var(pairs, domain=pyo.NonNegativeReals)
    b.more = pyo.Var(part, domain=pyo.Binary)

    @constraint(b, range(len(layouts)))
    def load_elsewhere(b: Any, i: int) -> Any:
        """At least so much IT load stands at sites that do not carry it in the other plan.

        sum_s e[i,s] >= M
        """
        return pyo.quicksum(b.elsewhere_mw[i, s] for s in sites) >= it_mw

    @constraint(b, pairs)
    def beyond_the_other(b: Any, i: int, s: str) -> Any:
        """Load counts as standing elsewhere only beyond what its site carries in the other plan.

        e[i,s] <= P[s] (y[s] - y_i[s] + y_i[s] (1 - m[i,s])),  m = 1 where site s carries nothing in i
        """
        blocks = layouts[i].blocks.get(s, 0)
        if blocks >= most[s]:
            return b.elsewhere_mw[i, s] <= 0
        back = blocks * (1 - b.more[i, s]) if (i, s) in b.more else 0
        return b.elsewhere_mw[i, s] <= size[s] * (m.siting.blocks[s, last] - blocks + back)

    @constraint(b, part)
    def none_unless_more(b: Any, i: int, s: str) -> Any:
        """A site that carries no more than in the other plan carries nothing that stands elsewhere.

        e[i,s] <= P[s] (max_blocks[s] - y_i[s]) m[i,s]
        """
        return b.elsewhere_mw[i, s] <= size[s] * (most[s] - layouts[i].blocks[s]) * b.more[i, s]
