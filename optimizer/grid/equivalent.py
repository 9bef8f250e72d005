"""DC equivalent of the part of a network that is cut off: Kron reduction, and where it moves injections to.

With the buses split into those inside and those outside, the DC balance ``B a = p`` is

    [B_II B_IO] [a_I]   [p_I]
    [B_OI B_OO] [a_O] = [p_O]

and leaves inside, after the outside angles are eliminated,
``(B_II - B_IO B_OO^-1 B_OI) a_I = p_I - B_IO B_OO^-1 p_O``. The Schur complement differs from the network inside
only between boundary buses: the off-diagonal entries of ``B_IO B_OO^-1 B_OI`` are the susceptances of equivalent
branches between them, and ``-B_IO B_OO^-1`` says what share of an injection outside goes to each boundary bus.

``B_OO`` is the susceptance matrix of a network in which all buses inside are one bus, which takes what is left over. So
it is factorized as any other (`DCNetwork`), and one boundary bus at a time is solved for: nothing dense is made but
a square over the boundary buses.

Sources: J. B. Ward, Equivalent circuits for power-flow studies, AIEE Transactions 68, 1949; F. Dorfler, F. Bullo, Kron
reduction of graphs with applications to electrical networks, IEEE Trans. Circuits and Systems I 60(1), 2013.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from optimizer.grid.dc import DCNetwork

#: Entries of the Schur complement below this share of the diagonal are rounding of zeros: no path outside joins the two
#: buses [-].
ROUNDING = 1e-13

#: What all buses inside are called while they are one; no bus has an empty name.
_INSIDE = ""


@dataclass(frozen=True, eq=False)
class Outside:
    """The network that is cut off, as it is seen from the boundary; made by `build`.

    Parameters
    ----------
    buses : str array, shape (n_outside,)
        Buses outside that some path outside joins to the boundary.
    boundary : str array, shape (n_boundary,)
        Buses inside with a branch to them, in table order.
    """

    buses: np.ndarray
    boundary: np.ndarray
    _network: DCNetwork  # all inside as one bus, the first; then `buses`
    _coupling: csr_array  # shape (n_boundary, n_outside): susceptance between them [MW/rad]

    @classmethod
    def build(
        cls, buses: pd.Index, branches: pd.DataFrame, inside: np.ndarray, susceptance: Literal["x", "series"]
    ) -> Outside | None:
        """Factorize the network outside; ``None`` where no branch leads out.

        Parameters
        ----------
        buses : Index
            Bus ids of the whole network.
        branches : DataFrame
            Its branches in service, as `DCNetwork.build` takes them.
        inside : bool array, shape (n_bus,)
            Which buses are kept.
        susceptance : {"x", "series"}
            As for `DCNetwork.build`.

        Raises
        ------
        InputError
            Susceptances outside cancel, so that angles there are not determined.
        """
        one, other = buses.get_indexer(branches["from_bus"]), buses.get_indexer(branches["to_bus"])
        crossing = inside[one] != inside[other]
        if not crossing.any():
            return None
        attached = _attached(len(buses), one, other, inside)
        outer = attached[one] | attached[other]
        rows = branches[outer].assign(shift_deg=0.0)
        for end, at in (("from_bus", one), ("to_bus", other)):
            rows[end] = np.where(inside[at[outer]], _INSIDE, buses.to_numpy()[at[outer]])
        names = pd.Index([_INSIDE, *buses[attached]])
        network = DCNetwork.build(names, rows, susceptance)
        chosen = crossing[outer]
        near = np.where(inside[one], one, other)[outer][chosen]
        far = np.where(inside[one], other, one)[outer][chosen]
        boundary, row = np.unique(near, return_inverse=True)
        position = np.cumsum(attached) - 1
        shape = (len(boundary), int(attached.sum()))
        coupling = csr_array((network.susceptance_mw[chosen], (row, position[far])), shape=shape)
        return cls(names.to_numpy()[1:], buses.to_numpy()[boundary], network, coupling)

    def moved(self, injection_mw: np.ndarray) -> np.ndarray:
        """Return what injections outside are worth at the boundary (Ward).

        Parameters
        ----------
        injection_mw : float array, shape (n_outside, k)
            Injections at `buses` [MW].

        Returns
        -------
        float array, shape (n_boundary, k)
            Injections at `boundary` [MW], the same sum in each column.
        """
        angles = self._network.angles(np.vstack([-injection_mw.sum(axis=0), injection_mw]))
        return np.asarray(self._coupling @ (angles[1:] - angles[0]))

    def joining(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the equivalent branches between boundary buses.

        Returns
        -------
        one, other : int array, shape (n_equivalent,)
            Positions in `boundary` of the ends, ``one < other``, ascending.
        susceptance_mw : float array, shape (n_equivalent,)
            Flow per radian of angle difference [MW/rad].
        """
        count = len(self.boundary)
        square = np.empty((count, count))
        for start in range(0, count, self._network.solve_block):
            chosen = slice(start, start + self._network.solve_block)
            square[:, chosen] = self.moved(self._coupling[chosen].toarray().T)
        square = (square + square.T) / 2.0
        scale = np.sqrt(np.abs(np.diag(square)))
        one, other = np.nonzero(np.triu(np.abs(square) > ROUNDING * np.outer(scale, scale), 1))
        return one, other, square[one, other]


def transfer_shares(
    network: DCNetwork, boundary: np.ndarray, one: np.ndarray, other: np.ndarray, susceptance_mw: np.ndarray
) -> np.ndarray:
    """Return how much of a transfer an equivalent branch carries at most: that of a transfer between its own ends.

    ``b (g_ii + g_jj - g_ij - g_ji)``, g the angles of the boundary buses per MW injected. Between any other two buses
    the angle across the branch differs less, where all susceptances are positive (reciprocity).

    Parameters
    ----------
    network : DCNetwork
        The network inside with its equivalent branches.
    boundary : int array, shape (n_boundary,)
        Positions of the boundary buses in it.
    one, other : int array, shape (n_equivalent,)
        Positions in `boundary` of the ends.
    susceptance_mw : float array, shape (n_equivalent,)
        Susceptances [MW/rad].

    Returns
    -------
    float array, shape (n_equivalent,)
        Shares [MW/MW].
    """
    angle = np.empty((len(boundary), len(boundary)))
    for start in range(0, len(boundary), network.solve_block):
        chosen = slice(start, start + network.solve_block)
        angle[:, chosen] = network.unit_angles(boundary[chosen])[boundary]
    own = np.diag(angle)
    return np.asarray(susceptance_mw * (own[one] + own[other] - angle[one, other] - angle[other, one]))


def _attached(n_bus: int, one: np.ndarray, other: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Which buses are outside and joined to the boundary by a path outside."""
    outer = nx.Graph()
    outer.add_nodes_from([-1])  # all inside
    ends = np.where(inside[one], -1, one), np.where(inside[other], -1, other)
    outer.add_edges_from(zip(ends[0].tolist(), ends[1].tolist(), strict=True))
    found = np.array(sorted(nx.node_connected_component(outer, -1) - {-1}), dtype=np.intp)
    attached = np.zeros(n_bus, dtype=bool)
    attached[found] = True
    return attached
