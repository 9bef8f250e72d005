"""What opening a site would cost at the prices of a linear program that has it closed.

With multipliers y of a program that holds the columns of site s at 0, no plan that opens it by tie o and cooling c,
from period t on, costs less than the program's value plus

    r[s,c] + sum_(t' >= t) (F[s,o,t'] + min_(k in sizes) k p[s,o,c,t'])

where F and p are the reduced costs ``c - A' y`` of opening and of one block. Multipliers of rows that hold columns of
that site only count as 0: with the site closed they prove nothing, and any choice is valid (weak duality).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.program import SecureProgram
from optimizer.study.case import Case

Floats = NDArray[np.float64]

ROUNDING = 1e-6
"""Added before a number of blocks is rounded down [-]."""


@dataclass(frozen=True)
class Sites:
    """Columns of the sites of a program.

    Parameters
    ----------
    names : tuple of str
        Sites that can be opened.
    build, blocks : ndarray of int, shape (n_site, n_period)
        Columns of the whole program.
    most, least : ndarray, shape (n_site, n_period)
        Blocks that a site may have, and has at least where it is built [-].
    site, tie, cooling : ndarray of int, shape (n_option,)
        Site of each way to open one, by position; tie and cooling by position in the case's tables.
    fits : ndarray, shape (n_option,)
        Blocks that the firm capacity of the option's tie feeds in every snapshot [-].
    fixed, unit : list of csr_matrix, shape (n_column, n_option), one a period
        What opening sets to 1, and what one block adds.
    once : csr_matrix, shape (n_column, n_option)
        What opening sets to 1 for good.
    """

    names: tuple[str, ...]
    build: NDArray[np.intp]
    blocks: NDArray[np.intp]
    most: Floats
    least: Floats
    site: NDArray[np.intp]
    tie: NDArray[np.intp]
    cooling: NDArray[np.intp]
    fits: Floats
    fixed: list[sp.csr_matrix]
    unit: list[sp.csr_matrix]
    once: sp.csr_matrix


def tied_sites(case: Case) -> tuple[str, ...]:
    """Sites that can be opened by a tie and a technology of cooling, in the order of the case."""
    return tuple(str(s) for s in case.sites.index if case.ties_of_site.get(s) and case.cooling_of_site.get(s))


def sites_of(program: SecureProgram) -> Sites:
    """Find the columns of every site and every way to open it.

    Parameters
    ----------
    program : SecureProgram
        Of a case with sites.
    """
    case, m, column = program.case, program.model, program.highs.column
    T, H, n = list(case.periods.index), list(case.snapshots.index), len(program.highs.own.cost)
    names = tied_sites(case)
    options = [(i, o, c) for i, s in enumerate(names) for o in case.ties_of_site[s] for c in case.cooling_of_site[s]]
    block, capacity = case.sites["block_mw"].to_dict(), case.ties["capacity_mw"].to_dict()
    bus, pue = case.ties["bus"].to_dict(), dict(zip(case.pue.index, case.pue[H].to_numpy(float), strict=True))
    once = _matrix(n, [[(column(m.cooling.chosen[names[i], c]), 1.0)] for i, _, c in options])
    fixed, unit = [], []
    for t in T:
        opened = [
            [(column(m.siting.build[names[i], t]), 1.0), (column(m.interconnection.in_service[o, t]), 1.0)]
            for i, o, _ in options
        ]
        grown = []
        for i, o, c in options:
            s = names[i]
            mw = float(block[s])
            terms = [(column(m.siting.blocks[s, t]), 1.0), (column(m.cooling.it_mw[s, c, t]), mw)]
            terms.append((column(m.interconnection.it_mw[o, c, t]), mw))
            drawn = zip(H, pue[s, c], strict=True)
            terms += [(column(m.interconnection.new_load_mw[bus[o], t, h]), mw * float(f)) for h, f in drawn]
            grown.append(terms)
        fixed.append(_matrix(n, opened))
        unit.append(_matrix(n, grown))
    table = case.sites.loc[list(names)]
    most = np.repeat(table["max_blocks"].to_numpy(float)[:, None], len(T), axis=1)
    least = np.repeat(np.maximum(1.0, table["min_blocks"].to_numpy(float))[:, None], len(T), axis=1)
    ties, coolings = case.ties.index, case.cooling.index
    return Sites(
        names,
        np.array([[column(m.siting.build[s, t]) for t in T] for s in names], dtype=np.intp).reshape(len(names), len(T)),
        np.array([[column(m.siting.blocks[s, t]) for t in T] for s in names], dtype=np.intp).reshape(
            len(names), len(T)
        ),
        most,
        least,
        np.array([i for i, _, _ in options], dtype=np.intp),
        np.array([ties.get_loc(o) for _, o, _ in options], dtype=np.intp),
        np.array([coolings.get_loc((names[i], c)) for i, _, c in options], dtype=np.intp),
        np.floor([capacity[o] / (block[names[i]] * pue[names[i], c].max()) + ROUNDING for i, o, c in options]),
        fixed,
        unit,
        once,
    )


def _matrix(n: int, columns: list[list[tuple[int, float]]]) -> sp.csr_matrix:
    """One column an option."""
    rows = [r for terms in columns for r, _ in terms]
    values = [v for terms in columns for _, v in terms]
    at = [i for i, terms in enumerate(columns) for _ in terms]
    return sp.csr_matrix((values, (rows, at)), shape=(n, len(columns)))


@dataclass(frozen=True)
class Prices:
    """What opening sites costs at some prices.

    Parameters
    ----------
    option : ndarray, shape (n_option,)
        Least cost of opening a site in one way; infinite where it is not possible [M$].
    site : ndarray, shape (n_site,)
        Least over its options [M$].
    base : float
        Bound on everything else, without the program's constant [M$].
    """

    option: Floats
    site: Floats
    base: float


def columns_of(sites: Sites, program: SecureProgram, options: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Columns of the whole program that no other than the given options need.

    Parameters
    ----------
    sites : Sites
        Of the same program.
    options : ndarray of bool, shape (n_option,)
        Ways to open sites that are dropped.
    """
    case = program.case
    left = set(sites.site[~options].tolist())
    names = [name for i, name in enumerate(sites.names) if i not in left]
    ties = case.ties.index[np.setdiff1d(sites.tie, sites.tie[~options])].tolist()
    cooling = case.cooling.index[np.setdiff1d(sites.cooling, sites.cooling[~options])].tolist()
    return _columns(program, names, ties, cooling)


def columns_of_sites(program: SecureProgram, names: Sequence[str]) -> NDArray[np.bool_]:
    """Columns of the whole program that only some sites need: these, their ties and their cooling.

    Parameters
    ----------
    program : SecureProgram
        Of a case with sites.
    names : sequence of str
        Sites that are tied to the grid.
    """
    case = program.case
    ties = [o for s in names for o in case.ties_of_site[s]]
    return _columns(program, names, ties, [(s, c) for s in names for c in case.cooling_of_site[s]])


def columns_of_other_ways(program: SecureProgram, values: Floats) -> NDArray[np.bool_]:
    """Columns of the whole program that sites, ties and cooling have for themselves which a solution does not use.

    Parameters
    ----------
    program : SecureProgram
        Of a case with or without sites.
    values : ndarray, shape (n_own,)
        Solution by the columns of the whole program.
    """
    case, column, model = program.case, program.highs.column, program.model
    names, periods = tied_sites(case), case.periods.index.tolist()
    if not names:
        return np.zeros(len(program.highs.own.cost), dtype=bool)

    def unused(variables: Iterable[Any]) -> bool:
        return all(values[column(one)] == 0 for one in variables)

    build, in_service, chosen = model.siting.build, model.interconnection.in_service, model.cooling.chosen
    closed = [s for s in names if unused(build[s, t] for t in periods)]
    ties = [o for s in names for o in case.ties_of_site[s] if unused(in_service[o, t] for t in periods)]
    cooling = [(s, c) for s in names for c in case.cooling_of_site[s] if unused([chosen[s, c]])]
    return _columns(program, closed, ties, cooling)


def _columns(
    program: SecureProgram, names: Iterable[str], ties: Iterable[str], cooling: Iterable[tuple[str, str]]
) -> NDArray[np.bool_]:
    """Columns of the whole program that sites, ties, and technologies at sites have for themselves."""
    case, column, model = program.case, program.highs.column, program.model
    siting, interconnection, cooled = model.siting, model.interconnection, model.cooling
    build, blocks, in_service, fed_mw = siting.build, siting.blocks, interconnection.in_service, interconnection.it_mw
    chosen, cooled_mw = cooled.chosen, cooled.it_mw
    periods, site_of = case.periods.index.tolist(), case.ties["site"].to_dict()
    found = [build[s, t] for s in names for t in periods] + [blocks[s, t] for s in names for t in periods]
    for o in ties:
        found += [in_service[o, t] for t in periods]
        found += [fed_mw[o, c, t] for c in case.cooling_of_site[site_of[o]] for t in periods]
    for s, c in cooling:
        found.append(chosen[s, c])
        found += [cooled_mw[s, c, t] for t in periods]
        found += [fed_mw[o, c, t] for o in case.ties_of_site[s] for t in periods]
    closed = np.zeros(len(program.highs.own.cost), dtype=bool)
    closed[[column(variable) for variable in found]] = True
    return closed


class Openings:
    """Prices of opening closed sites in a compact program.

    Parameters
    ----------
    sites : Sites
        Of the same program.
    compact : Compact
        Where they are closed or open.
    """

    def __init__(self, sites: Sites, compact: Compact) -> None:
        self.sites, self.compact = sites, compact
        keep = compact.kept
        # An option needs all its columns: one that is 0 in every plan rules it out.
        there = compact.place >= 0
        needs = sum(
            (abs(m) for m in (*sites.unit[-1:], *sites.fixed[-1:], sites.once)), sp.csr_matrix(sites.once.shape)
        )
        self.possible = np.asarray(needs[~there].sum(axis=0)).ravel() == 0.0
        self.serves = [
            np.asarray((abs(u) + abs(f))[~there].sum(axis=0)).ravel() == 0.0
            for u, f in zip(sites.unit, sites.fixed, strict=True)
        ]
        self.fixed = [m[keep].T.tocsr() for m in sites.fixed]
        self.unit = [m[keep].T.tocsr() for m in sites.unit]
        self.once = sites.once[keep].T.tocsr()
        self.loads = _loads(compact)
        self.owner = self._owners()
        self.local = self._local_rows()

    def _owners(self) -> NDArray[np.intp]:
        """Site of each column, by position; -1 for columns of none, and for loads that sites may share."""
        compact, sites = self.compact, self.sites
        owner = np.full(len(compact.cost), -1)
        every = sum((abs(m) for m in (*sites.fixed, *sites.unit, sites.once)), sp.csr_matrix(sites.once.shape))
        entries = every[compact.kept].tocoo()
        owner[entries.row] = sites.site[entries.col]
        owner[self.loads] = -1
        return owner

    def _local_rows(self) -> NDArray[np.intp]:
        """Site of each row that holds columns of one site only and asks nothing of a closed one; -1 for the others."""
        matrix = self.compact.matrix
        owners = self.owner[matrix.indices]
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        low, high = np.full(matrix.shape[0], len(self.sites.names)), np.full(matrix.shape[0], -1)
        np.minimum.at(low, rows, owners)
        np.maximum.at(high, rows, owners)
        quiet = np.all([(end == 0.0) | np.isinf(end) for end in self.compact.row_bounds], axis=0)
        return np.where((low == high) & quiet, low, -1)

    def at_prices(self, most: Floats, is_open: NDArray[np.bool_]) -> Prices:
        """Costs of opening sites at the prices of the last solve.

        Parameters
        ----------
        most : ndarray, shape (n_site, n_period)
            Blocks a site may have.
        is_open : ndarray of bool, shape (n_site,)
            Sites whose own rows keep their multipliers; what the others cost is not in the base.
        """
        compact, sites = self.compact, self.sites
        duals = compact.highs.duals()
        free = (self.local >= 0) & ~np.append(is_open, False)[self.local]
        duals[: compact.n_own][free] = 0.0
        reduced = compact.cost - compact.stacked().T @ duals
        reduced[self.loads] = np.maximum(reduced[self.loads], 0.0)
        best = self._best_profile(reduced, most)
        option = np.where(self.possible, self.once @ reduced + best, np.inf)
        site = np.full(len(sites.names), np.inf)
        np.minimum.at(site, sites.site, option)
        apart = (self.owner >= 0) & ~np.append(is_open, False)[self.owner]
        return Prices(option, site, compact.proven_by(duals, apart))

    def _best_profile(self, reduced: Floats, most: Floats) -> Floats:
        """Least cost over the periods of opening by each option, without what is paid once.

        Blocks stay, so at given prices a site is best opened in some period with its least blocks, and brought to its
        most in the same or a later one, or never.
        """
        sites, options, periods = self.sites, len(self.sites.site), range(len(self.unit))
        few, many, opened = np.empty((3, len(periods), options))
        for t in periods:
            price = self.unit[t] @ reduced
            size = np.minimum(most[sites.site, t], sites.fits)
            least = sites.least[sites.site, t]
            serves = self.serves[t] & (size >= least)
            few[t], many[t] = np.where(serves, price * least, np.inf), np.where(serves, price * size, np.inf)
            opened[t] = self.fixed[t] @ reduced
        best = np.full(options, np.inf)
        for first in periods:
            for grown in range(first, len(periods) + 1):
                cost = opened[first:].sum(axis=0) + few[first:grown].sum(axis=0) + many[grown:].sum(axis=0)
                best = np.minimum(best, cost)
        return best

    def too_dear(self, prices: Prices, ceiling: float) -> NDArray[np.bool_]:
        """Options of which no plan costs less than a ceiling, by prices at which no site was open.

        Every site takes its best option or none; a plan with a given option costs no less than all that and the
        difference of the option.
        """
        least = prices.base + float(np.minimum(prices.site, 0.0).sum())
        rest = least - np.minimum(prices.site, 0.0)
        found: NDArray[np.bool_] = rest[self.sites.site] + prices.option > ceiling
        return found


def _loads(compact: Compact) -> NDArray[np.bool_]:
    """Columns here that are new load at a point of interconnection, which sites may share."""
    model, highs = compact.program.model, compact.program.highs
    shared = np.zeros(len(compact.cost), dtype=bool)
    for variable in model.interconnection.new_load_mw.values():
        at = compact.place[highs.column(variable)]
        if at >= 0 and compact.kept[at] == highs.column(variable):
            shared[at] = True
    return shared
