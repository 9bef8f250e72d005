"""Outage limits that can be broken at all, as a list short enough to look at in a millisecond.

A secure dispatch keeps every flow within its limit before the outage, ``|f_l| <= R_l``. So the flow of branch l after
the outage of k is at most ``R_l + |D_lk| R_k``, and where that is no more than the emergency rating ``E_l`` the limit
can never be broken: on networks with finite ratings a few pairs of a hundred are left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from optimizer.grid.contingency import OutageFactors
from optimizer.grid.screening import screen

#: Outages whose factors are looked at together, which bounds temporary memory.
BLOCK = 256

#: A factor below this moves no flow that is worth a limit [MW/MW]: rounding of the solves that give it.
NO_FACTOR = 1e-9


@dataclass(frozen=True, eq=False)
class Bounds:
    """Limits that decide which pairs are possible, each of shape (n_branch,) [MW].

    Parameters
    ----------
    base, emergency : float array
        Largest flow before and after an outage.
    added, added_emergency : float array
        Most that one upgrade adds to them; pairs that only an upgrade makes possible are kept too.
    """

    base: np.ndarray
    emergency: np.ndarray
    added: np.ndarray
    added_emergency: np.ndarray

    def same_as(self, other: Bounds) -> bool:
        """Whether all limits are the same."""
        return all(np.array_equal(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))

    def possible(self, factor: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Which pairs can be broken: `factor` has one outage a row, `out` is the branch position of each."""
        size = np.abs(factor)
        size[size < NO_FACTOR] = 0.0
        with np.errstate(invalid="ignore"):
            # 0 x inf: an unlimited branch that moves nothing.
            moved, more = size * self.base[out, None], size * (self.base + self.added)[out, None]
            moved[size == 0], more[size == 0] = 0.0, 0.0
            limit, raised = self.emergency, self.emergency + self.added_emergency
            kept = (self.base + more > limit) | (self.base + self.added + moved > raised)
        kept &= np.isfinite(limit)
        return kept


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a branch and an outage, ordered by branch, then outage.

    Parameters
    ----------
    branch : int array, shape (n_pair,)
        Branch position.
    outage : int array, shape (n_pair,)
        Outage number.
    out : int array, shape (n_pair,)
        Position of the branch that is out.
    factor : float array, shape (n_pair,)
        ``D`` [MW/MW].
    """

    branch: np.ndarray
    outage: np.ndarray
    out: np.ndarray
    factor: np.ndarray

    def __len__(self) -> int:
        return len(self.branch)

    def flows(self, flow_mw: np.ndarray) -> np.ndarray:
        """Return the flow of each pair's branch after its outage [MW]."""
        after = flow_mw[self.out]
        after *= self.factor
        after += flow_mw[self.branch]
        return after


def possible_pairs(
    factors: OutageFactors,
    snapshot: int,
    bounds: Bounds,
    extra: Mapping[tuple[int, int], float],
    shared: tuple[np.ndarray, ...] | None = None,
) -> tuple[Pairs, tuple[np.ndarray, ...]]:
    """Return the pairs that can be broken in a snapshot.

    Parameters
    ----------
    factors : OutageFactors
        The outages.
    snapshot : int
        Column of the participation that shares the imbalance of a split.
    bounds : Bounds
        Limits of the snapshot.
    extra : mapping of (branch position, outage number) to float
        Pairs with an allowance are always kept: their flow may be above the emergency rating.
    shared : tuple of arrays, optional
        Pairs of outages that do not split, from an earlier snapshot with the same bounds.

    Returns
    -------
    pairs : Pairs
    shared : tuple of arrays
        To be given to the next snapshot with the same bounds.
    """
    outages = factors.outages
    if shared is None:
        shared = _found(factors, np.flatnonzero(~outages.splits), snapshot, bounds, extra)
    split = _found(factors, np.flatnonzero(outages.splits), snapshot, bounds, extra)
    branch, outage, factor = (np.concatenate(parts) for parts in zip(shared, split, strict=True))
    order = np.lexsort((outage, branch))
    branch, outage, factor = branch[order], outage[order], factor[order]
    return Pairs(branch, outage, outages.positions[outage], factor), shared


def _found(
    factors: OutageFactors,
    numbers: np.ndarray,
    snapshot: int,
    bounds: Bounds,
    extra: Mapping[tuple[int, int], float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    allowed: dict[int, list[int]] = {}
    for l, k in extra:
        allowed.setdefault(k, []).append(l)
    branch, outage, factor = [np.empty(0, np.intp)], [np.empty(0, np.intp)], [np.empty(0)]
    for start in range(0, len(numbers), BLOCK):
        chosen = numbers[start : start + BLOCK]
        rows = factors.rows(chosen, snapshot)
        dead = factors.dead_entries(chosen, snapshot)
        rows[dead] = 0.0
        kept = bounds.possible(rows, factors.outages.positions[chosen])
        kept[dead] = False
        for row in [i for i, k in enumerate(chosen.tolist()) if k in allowed]:
            kept[row, allowed[int(chosen[row])]] = True
        at, monitored = np.nonzero(kept)
        branch.append(monitored)
        outage.append(chosen[at])
        factor.append(rows[at, monitored])
    return np.concatenate(branch), np.concatenate(outage), np.concatenate(factor)


def all_broken(
    factors: OutageFactors,
    flow_mw: np.ndarray,
    snapshot: int,
    limit_mw: np.ndarray,
    extra: Mapping[tuple[int, int], float],
    tolerance_mw: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return branch, outage number and excess [MW] of every limit broken after any outage, none left out."""
    found = screen(factors, flow_mw, snapshot, limit_mw, tolerance_mw, top=0, extra_limit=extra).violations
    return found["branch"].to_numpy(), found["outage"].to_numpy(), found["excess_mw"].to_numpy()
