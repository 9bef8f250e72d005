"""DC power flow of the check: the susceptance system assembled and solved here, once more and on its own.

Flows after outages come from the factors of `optimizer.grid`; for the highest loaded ones of every kind they are found
a second way, by taking the elements out of the network and solving what is left.

With angles a [rad], ``f_l = b_l (a_from - a_to - shift_l)`` [MW] and the flows that leave a bus sum to its injection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

BASE_MVA = 100.0
"""Base power of the reactances in a grid's tables [MVA] (definition of the tables)."""

NOTHING = 1e-9
"""Generation below this share of what an island had is rounding: nothing is left to balance it [-]."""

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Wires:
    """Branches as numbers: where they end, and how much they carry for an angle.

    Parameters
    ----------
    n_bus : int
        Number of buses.
    start, end : ndarray of int, shape (n_branch,)
        Bus positions of the ends.
    susceptance_mw : ndarray, shape (n_branch,)
        Flow for an angle difference of 1 rad [MW].
    shift_rad : ndarray, shape (n_branch,)
        Phase shift [rad].
    """

    n_bus: int
    start: Ints
    end: Ints
    susceptance_mw: Floats
    shift_rad: Floats

    @classmethod
    def of(cls, buses: pd.Index, branches: pd.DataFrame, susceptance: str) -> Wires:
        """Read reactances.

        Parameters
        ----------
        buses : Index
            Bus ids.
        branches : DataFrame
            ``from_bus``, ``to_bus``, ``x_pu``, ``r_pu`` (on 100 MVA), ``tap``, ``shift_deg``.
        susceptance : {"x", "series"}
            1 / (x tap) with phase shifts, or x / (r^2 + x^2) without taps and shifts.
        """
        x, r = branches["x_pu"].to_numpy(float), branches["r_pu"].to_numpy(float)
        if susceptance == "x":
            per_unit = 1.0 / (x * branches["tap"].to_numpy(float))
            shift = np.deg2rad(branches["shift_deg"].to_numpy(float))
        else:
            per_unit, shift = x / (r * r + x * x), np.zeros(len(x))
        start, end = buses.get_indexer(branches["from_bus"]), buses.get_indexer(branches["to_bus"])
        return cls(len(buses), start, end, BASE_MVA * per_unit, shift)

    def incidence(self) -> csc_array:
        """Branch-bus matrix: +1 where a branch starts, -1 where it ends."""
        rows = np.arange(len(self.start))
        one = np.ones(len(rows))
        entries = (np.r_[one, -one], (np.r_[rows, rows], np.r_[self.start, self.end]))
        return csc_array(entries, shape=(len(rows), self.n_bus))

    def islands(self) -> Ints:
        """Number of the island of each bus."""
        matrix = self.incidence()
        _, island = connected_components(abs(matrix.T) @ abs(matrix), directed=False)
        return island.astype(np.intp)

    def flows(self, injection_mw: Floats) -> Floats:
        """Flow of every branch.

        Parameters
        ----------
        injection_mw : ndarray, shape (n_bus, m)
            Generation less load; each island sums to 0 [MW].

        Returns
        -------
        ndarray, shape (n_branch, m)
            Flow, positive from start to end [MW].
        """
        a = self.incidence()
        weight = diags_array(self.susceptance_mw)
        driven = (self.susceptance_mw * self.shift_rad)[:, None]
        island = self.islands()
        _, first = np.unique(island, return_index=True)
        free = np.setdiff1d(np.arange(self.n_bus), first)
        angle = np.zeros((self.n_bus, injection_mw.shape[1]))
        if len(free):
            matrix = csc_array(a.T @ weight @ a)[free][:, free]
            angle[free] = splu(csc_array(matrix)).solve((injection_mw + a.T @ driven)[free])
        return weight @ (a @ angle) - driven

    def without(self, branches: Ints) -> Wires:
        """The network with some branches taken out."""
        kept = np.ones(len(self.start), dtype=bool)
        kept[branches] = False
        shift = self.shift_rad[kept]
        return Wires(self.n_bus, self.start[kept], self.end[kept], self.susceptance_mw[kept], shift)


def flows_after_outage(
    wires: Wires,
    branches: int | Ints,
    injection_mw: Floats,
    load_mw: Floats,
    share: Floats,
    changed: Ints | None = None,
) -> Floats:
    """Take elements out and solve what is left.

    Where that splits an island, all parts but that with most load are lost, of equal loads the ones with fewer buses,
    then those without the island's bus of most branches. What the part that stays now has too much or too little is
    taken up by its generators in proportion to `share`; without any, it is lost too.

    Parameters
    ----------
    wires : Wires
        The network with everything in service.
    branches : int or ndarray of int
        Positions of the branches that are out; may be none.
    injection_mw : ndarray, shape (n_bus,)
        Generation less load before the outage, without the generators and new loads that it takes [MW].
    load_mw : ndarray, shape (n_bus,)
        Load that decides which part stays [MW].
    share : ndarray, shape (n_bus,)
        p_max x availability of the generators at each bus, without those that the outage takes [MW].
    changed : ndarray of int, optional
        Buses at which the outage takes generators or new loads.

    Returns
    -------
    ndarray, shape (n_branch,)
        Flow; nan for branches that are out and for those of parts that are lost [MW].
    """
    out = np.atleast_1d(np.asarray(branches, dtype=np.intp))
    elsewhere = np.empty(0, dtype=np.intp) if changed is None else changed
    left = wires.without(out)
    before, after = wires.islands(), left.islands()
    injection, lost = injection_mw.copy(), np.zeros(wires.n_bus, dtype=bool)
    for island in np.unique(before[np.concatenate([wires.start[out], elsewhere])]):
        here = before == island
        stays = here & (after == _largest_part(wires, after, here, load_mw))
        lost |= here & ~stays
        if (here == stays).all() and not here[elsewhere].any():
            continue
        able = np.where(stays, share, 0.0)
        if able.sum() > NOTHING * share[here].sum():
            injection -= able / able.sum() * injection[stays].sum()
        else:
            lost |= stays
    injection[lost] = 0.0
    flow = left.flows(injection[:, None])[:, 0]
    kept = np.ones(len(wires.start), dtype=bool)
    kept[out] = False
    whole = np.full(len(wires.start), np.nan)
    whole[kept] = np.where(lost[left.start], np.nan, flow)
    return whole


def _largest_part(wires: Wires, part: Ints, here: NDArray[np.bool_], load_mw: Floats) -> int:
    """Number of the part of an island that stays."""
    circuits = np.bincount(np.concatenate([wires.start, wires.end]), minlength=wires.n_bus)
    hub = part[np.flatnonzero(here)[np.argmax(circuits[here])]]
    sizes = {
        int(one): (round(float(load_mw[here & (part == one)].sum()), 6), int((here & (part == one)).sum()), one == hub)
        for one in np.unique(part[here])
    }
    return max(sizes, key=lambda one: sizes[one])
