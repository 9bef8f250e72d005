"""Blocks: cells that hang together, cut into pieces of a campus's size, and the best boundary within each piece.

Cells hang together where they share an edge. All is done on arrays, one entry a cell; a piece or block is the same
number in every cell that belongs to it, and -1 says that a cell belongs to none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

NONE = -1

ROUNDING_HA = 1e-6
"""Areas closer than this are equal: rounding of sums [ha]."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Pairs of cells that share an edge, each pair once.

    Parameters
    ----------
    first, second : int array, shape (m,)
        Positions of the two cells.
    count : int
        Number of cells.
    """

    first: np.ndarray
    second: np.ndarray
    count: int

    @classmethod
    def of(cls, row: np.ndarray, column: np.ndarray) -> Edges:
        """Find the neighbours of cells by row and column; no two cells are the same."""
        if not len(row):
            return cls(np.zeros(0, np.int32), np.zeros(0, np.int32), 0)
        down, left = int(row.min()), int(column.min())
        at = np.full((int(row.max()) - down + 1, int(column.max()) - left + 1), NONE, dtype=np.int32)
        at[row - down, column - left] = np.arange(len(row), dtype=np.int32)
        pairs = [(at[:, :-1], at[:, 1:]), (at[:-1], at[1:])]
        both = [((a >= 0) & (b >= 0), a, b) for a, b in pairs]
        first, second = (np.concatenate([side[n][side[0]] for side in both]) for n in (1, 2))
        return cls(first, second, len(row))

    def within(self, *labels: np.ndarray) -> Edges:
        """Keep the pairs whose cells have the same labels, none of them `NONE`."""
        kept = np.ones(len(self.first), dtype=bool)
        for label in labels:
            kept &= (label[self.first] == label[self.second]) & (label[self.first] != NONE)
        return Edges(self.first[kept], self.second[kept], self.count)

    def table(self) -> np.ndarray:
        """Neighbours of each cell, shape (count, 4), filled up with `NONE`."""
        ends = np.concatenate([self.first, self.second])
        order = np.argsort(ends, kind="stable")
        ends, other = ends[order], np.concatenate([self.second, self.first])[order]
        number = np.arange(len(ends)) - np.searchsorted(ends, ends)
        table = np.full((self.count, 4), NONE, dtype=np.int32)
        table[ends, number] = other
        return table


def connected(edges: Edges, chosen: np.ndarray) -> np.ndarray:
    """Number the groups of chosen cells that hang together, from 0 in the order of their first cells."""
    ones = np.ones(len(edges.first), dtype=np.int8)
    graph = sparse.coo_array((ones, (edges.first, edges.second)), shape=(edges.count, edges.count))
    label = connected_components(graph.tocsr(), directed=False)[1]
    return _renumbered(np.where(chosen, label, NONE))


def _renumbered(label: np.ndarray) -> np.ndarray:
    """Numbers in the order of their first cells, without gaps."""
    member = label != NONE
    _, first, inverse = np.unique(label[member], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    numbered = np.full(len(label), NONE, dtype=np.int32)
    numbered[member] = rank[inverse]
    return numbered


def total(label: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum of values by label."""
    member = label != NONE
    count = int(label.max()) + 1 if member.any() else 0
    return np.bincount(label[member], values[member], minlength=count)


def cut(
    edges: Edges,
    block: np.ndarray,
    square: np.ndarray,
    land_ha: np.ndarray,
    least_ha: float,
    most_ha: float,
) -> np.ndarray:
    """Cut blocks with more land than a campus needs into compact pieces.

    Such a block is cut along squares of cells; what hangs together in a square is a piece. A piece with less land than
    the smallest campus needs joins the piece of its block with which it shares most edges.

    Parameters
    ----------
    edges : Edges
        Neighbours.
    block : int array
        Block of each cell.
    square : int array
        Square of each cell.
    land_ha : array
        Usable land of each cell [ha].
    least_ha, most_ha : float
        Land of the smallest and of the largest campus [ha].

    Returns
    -------
    int array
        Piece of each cell; each lies in one block and hangs together.
    """
    large = np.zeros(len(block), dtype=bool)
    member = block != NONE
    large[member] = (total(block, land_ha) > most_ha + ROUNDING_HA)[block[member]]
    piece = connected(edges.within(block, np.where(large, square, 0)), member)
    inner = edges.within(block)
    while True:
        joined = _joined(inner, piece, total(piece, land_ha) < least_ha - ROUNDING_HA)
        if joined is None:
            return piece
        piece = joined


def _joined(edges: Edges, piece: np.ndarray, small: np.ndarray) -> np.ndarray | None:
    """Pieces after each small one has joined a neighbour; ``None`` where none has any."""
    ends = np.concatenate(
        [[piece[edges.first], piece[edges.second]], [piece[edges.second], piece[edges.first]]], axis=1
    )
    ends = ends[:, (ends[0] != ends[1]) & small[ends[0]]]
    if not ends.size:
        return None
    pairs, shared = np.unique(ends, axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -shared, pairs[0]))
    of, to = pairs[:, order]
    first = np.flatnonzero(np.diff(of, prepend=NONE))
    graph = sparse.coo_array((np.ones(len(first), np.int8), (of[first], to[first])), shape=(len(small),) * 2)
    group = connected_components(graph.tocsr(), directed=False)[1]
    return _renumbered(np.where(piece != NONE, group[piece], NONE))


def boundary(
    edges: Edges,
    piece: np.ndarray,
    land_ha: np.ndarray,
    need_ha: np.ndarray,
    keys: tuple[np.ndarray, ...],
    place: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Choose the cells of each piece that its campus takes: whole cells that hang together.

    It starts from the best cell and takes the best neighbour of what it has until the land is enough. The best cell
    comes first by `keys`, then lies nearest to the start.

    Parameters
    ----------
    edges : Edges
        Neighbours.
    piece : int array
        Piece of each cell.
    land_ha : array
        Usable land of each cell [ha].
    need_ha : array, by piece
        Land that the campus needs [ha]; further entries at the end are not read.
    keys : tuple of array
        What the choice goes by, the most important first; smaller is better.
    place : tuple of int array
        Row and column of each cell.

    Returns
    -------
    bool array
        Cells that are taken.
    """
    if (piece == NONE).all():
        return np.zeros(len(piece), dtype=bool)
    sums = total(piece, land_ha)
    need_ha = need_ha[: len(sums)]
    taken = (piece != NONE) & (sums <= need_ha + ROUNDING_HA)[piece]
    open_ = np.flatnonzero((piece != NONE) & ~taken)
    if not len(open_):
        return taken
    rank, best_first = _ranks(piece, open_, keys, place)
    neighbours = edges.within(piece).table()
    left_ha = need_ha.copy()
    seen = np.zeros(len(piece), dtype=bool)
    front = best_first[np.flatnonzero(np.diff(piece[best_first], prepend=NONE))]
    seen[front] = True
    while len(front):
        best = np.full(len(need_ha), len(open_), dtype=np.int64)
        np.minimum.at(best, piece[front], rank[front])
        chosen = best_first[best[best < len(open_)]]
        taken[chosen] = True
        left_ha[piece[chosen]] -= land_ha[chosen]
        beside = neighbours[chosen].ravel()
        beside = np.unique(beside[beside != NONE])
        beside = beside[~seen[beside]]
        seen[beside] = True
        front = np.concatenate([front[~taken[front]], beside])
        front = front[left_ha[piece[front]] > ROUNDING_HA]
    return taken


def _ranks(
    piece: np.ndarray, cells: np.ndarray, keys: tuple[np.ndarray, ...], place: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each cell among `cells`, and the cells by rank: by piece, keys, and distance from the piece's best."""
    row, column = (axis[cells] for axis in place)
    by_keys = [key[cells] for key in reversed(keys)]
    order = np.lexsort((column, row, *by_keys, piece[cells]))
    starts = np.flatnonzero(np.diff(piece[cells][order], prepend=NONE))
    start = np.repeat(order[starts], np.diff(starts, append=len(order)))
    squared = np.empty(len(cells))
    squared[order] = (row[order] - row[start]) ** 2.0 + (column[order] - column[start]) ** 2.0
    order = np.lexsort((column, row, squared, *by_keys, piece[cells]))
    rank = np.zeros(len(piece), dtype=np.int64)
    rank[cells[order]] = np.arange(len(cells))
    return rank, cells[order]
