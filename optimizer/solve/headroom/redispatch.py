"""Headroom with redispatch: the largest load for which some available dispatch is secure.

One linear program a snapshot is kept warm while the load walks from bus to bus along the network, so that one optimum
is a short way from the next. The answer is the least over snapshots: once one snapshot allows w, the others are only
asked whether they allow w too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import depth_first_order, minimum_spanning_tree

from optimizer.progress import Progress, silent
from optimizer.solve.headroom.case import HeadroomCase
from optimizer.solve.headroom.columns import decided_by_bus
from optimizer.solve.headroom.distributed import BASE, GENERATION, OUTAGE, WORTH_MW, Found, cut_off, with_relief
from optimizer.solve.headroom.lp import NOTHING, Point, SecureDispatch
from optimizer.solve.headroom.pairs import Pairs

#: Parts that the walk is cut into, each on its own thread: a fixed number, so that the same optimum is found anywhere.
PARTS = 2

#: Values closer than this are one value [MW].
SAME_MW = 1e-6

#: A price below this is rounding [MW/MW].
NO_PRICE = 1e-6

#: Time between two looks at how far the parts are [s].
LOOK_S = 0.25


@dataclass(frozen=True)
class Sample:
    """A dispatch to be checked again: bus position, snapshot number, load [MW] and output by bus [MW]."""

    bus: int
    snapshot: int
    load_mw: float
    output_mw: np.ndarray


@dataclass
class _Progress:
    """What the parts tell while they run."""

    done: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


def redispatch_headroom(
    problem: HeadroomCase,
    pairs: Sequence[Pairs | None],
    start_rows: Sequence[list[tuple[int, int]]],
    buses: np.ndarray,
    share: float,
    sampled: frozenset[int] = frozenset(),
    progress: Progress = silent,
) -> tuple[dict[int, Found], list[Sample]]:
    """Find the headroom of buses over every secure dispatch.

    Parameters
    ----------
    problem : HeadroomCase
        The network; each snapshot has a secure dispatch.
    pairs : sequence of Pairs or None
        Outage limits that can be broken, one a snapshot.
    start_rows : sequence of list of (branch position, outage number)
        Limits to start from, one list a snapshot.
    buses : int array
        Bus positions.
    share : float
        Part of the load that is dropped after an outage in the non-firm value [-].
    sampled : frozenset of int
        Bus positions whose dispatch is returned.
    progress : Progress
        Told how many buses are done.

    Returns
    -------
    found : dict of int to Found
        By bus position.
    samples : list of Sample
        The dispatch at the firm headroom of sampled buses, by bus position.

    Raises
    ------
    SolverError
        The solver stopped without an answer.
    """
    walk = walk_order(problem, buses)
    cuts = np.array_split(walk, PARTS)
    told = _Progress()

    def part(chosen: np.ndarray) -> tuple[dict[int, Found], list[Sample]]:
        programs = [_program(problem, h, pairs[h], start_rows[h]) for h in range(len(problem.snapshots))]
        walker = _Walker(problem, programs, share, sampled)
        for bus in chosen.tolist():
            if told.stop.is_set():
                break
            walker.visit(bus)
            told.done += 1
        return walker.found, walker.samples

    results = _side_by_side(part, cuts, told, len(buses), progress)
    found = {bus: item for part_found, _ in results for bus, item in part_found.items()}
    samples = sorted((s for _, part_samples in results for s in part_samples), key=lambda s: s.bus)
    return found, samples


def _side_by_side(
    part: Callable[[np.ndarray], tuple[dict[int, Found], list[Sample]]],
    cuts: list[np.ndarray],
    told: _Progress,
    count: int,
    progress: Progress,
) -> list[tuple[dict[int, Found], list[Sample]]]:
    """Run the parts on threads; the solver lets others run."""
    with ThreadPoolExecutor(len(cuts)) as pool:
        jobs: list[Future[tuple[dict[int, Found], list[Sample]]]] = [pool.submit(part, cut) for cut in cuts]
        try:
            while wait(jobs, timeout=LOOK_S, return_when=FIRST_EXCEPTION).not_done:
                if any(job.done() and job.exception() for job in jobs):
                    break
                progress("redispatch", min(told.done / max(count, 1), 1.0), f"{told.done:,} of {count:,} buses")
        finally:
            if any(not job.done() for job in jobs):
                told.stop.set()
    return [job.result() for job in jobs]


def _program(problem: HeadroomCase, snapshot: int, pairs: Pairs | None, rows: list[tuple[int, int]]) -> SecureDispatch:
    program = SecureDispatch(problem, snapshot, decided_by_bus(problem, snapshot), pairs)
    program.add_rows(rows)
    return program


def walk_order(problem: HeadroomCase, buses: np.ndarray) -> np.ndarray:
    """Return buses in an order in which neighbours are electrically near: depth first along the least reactances."""
    network = problem.network
    shape = (network.n_bus, network.n_bus)
    distance = coo_array((1.0 / np.abs(network.susceptance_mw), (network.from_position, network.to_position)), shape)
    tree = minimum_spanning_tree(distance.tocsr())
    order = [
        depth_first_order(tree, int(root), directed=False, return_predecessors=False) for root in network.reference
    ]
    walk = np.concatenate(order)
    return walk[np.isin(walk, buses)]


class _Walker:
    """Walks from bus to bus with one program a snapshot."""

    def __init__(
        self, problem: HeadroomCase, programs: list[SecureDispatch], share: float, sampled: frozenset[int]
    ) -> None:
        self.problem, self.programs, self.share, self.sampled = problem, programs, share, sampled
        self.found: dict[int, Found] = {}
        self.samples: list[Sample] = []
        self._first = 0
        self._first_non_firm = 0

    def visit(self, bus: int) -> None:
        """Find the headroom of a bus, the value with a share dropped, and the upgrade that raises it most."""
        number = int(self.problem.cut_off_by[bus])
        if number >= 0:
            non_firm = self._least(bus, self.share, np.inf, 0)[0] if self.share >= 1 else 0.0
            self.found[bus] = cut_off(number, non_firm)
            return
        value, at, point = self._least(bus, 0.0, np.inf, self._first)
        self._first = at
        assert point is not None
        if bus in self.sampled:
            self.samples.append(Sample(bus, at, value, point.output_mw))
        found = self._described(value, at, point)
        found = self._relieved(bus, found, point)
        self.found[bus] = replace(found, non_firm_mw=self._non_firm(bus, value))

    def _least(self, bus: int, share: float, ceiling: float, first: int) -> tuple[float, int, Point | None]:
        """Largest load that every snapshot allows, up to a ceiling, and the snapshot that allows no more."""
        best, at, kept = ceiling, -1, None
        order = [first, *(h for h in range(len(self.programs)) if h != first)]
        for h in order:
            program = self.programs[h]
            program.set_load(bus, share, best)
            point = program.solve()
            # Every snapshot has a secure dispatch without the load, so its program has a solution.
            assert point is not None
            if point.load_mw < best - SAME_MW:
                best, at, kept = point.load_mw, h, point
                if best <= SAME_MW:
                    break
        return max(best, 0.0), at, kept

    def _described(self, value: float, at: int, point: Point) -> Found:
        price, key = max(((v, (-l, -k)) for (l, k), v in point.prices.items()), default=(0.0, (0, 0)))
        if price < NO_PRICE:
            return Found(value, value, GENERATION, snapshot=at)
        branch, outage = -key[0], -key[1]
        return Found(value, value, BASE if outage == NOTHING else OUTAGE, branch, outage, at)

    def _non_firm(self, bus: int, firm_mw: float) -> float:
        if self.share <= 0 or self.problem.factors is None:
            return firm_mw
        value, at, _ = self._least(bus, self.share, np.inf, self._first_non_firm)
        self._first_non_firm = max(at, 0)
        return value

    def _relieved(self, bus: int, found: Found, point: Point) -> Found:
        """Try upgrades in the order of the most that their prices promise, until no promise beats what was reached.

        The largest load is concave in the limits, so price times MW added is never less than the rise.
        """
        promises = []
        for branch, offers in self._priced(point).items():
            for upgrade in self.problem.upgrades_at.get(branch, []):
                before, after = self.problem.added_mw(found.snapshot, branch, upgrade[1], upgrade[2])
                promise = offers[0] * before + offers[1] * after
                promises.append((promise, -branch, upgrade))
        best, best_mw = None, 0.0
        for promise, place, upgrade in sorted(promises, key=lambda item: (-item[0], -item[1], item[2][0])):
            if promise <= max(best_mw, WORTH_MW):
                break
            rise = self._rise(bus, -place, upgrade, found, promise)
            if rise > best_mw:
                best, best_mw = upgrade, rise
        return with_relief(found, best, best_mw)

    def _priced(self, point: Point) -> dict[int, list[float]]:
        """Prices of limits before and after outages, by branch."""
        found: dict[int, list[float]] = {}
        for (l, k), price in point.prices.items():
            if price >= NO_PRICE:
                found.setdefault(l, [0.0, 0.0])[k != NOTHING] += price
        return found

    def _rise(
        self, bus: int, branch: int, upgrade: tuple[str, float, float, float], found: Found, promise: float
    ) -> float:
        for program in self.programs:
            program.raise_limits(branch, upgrade[1], upgrade[2])
        value = self._least(bus, 0.0, found.headroom_mw + promise + SAME_MW, found.snapshot)[0]
        for program in self.programs:
            program.raise_limits(branch, 0.0, 0.0)
        return value - found.headroom_mw
