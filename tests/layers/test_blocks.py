"""Blocks, pieces and boundaries on lattices small enough to be drawn; what holds of all of them, by random lattices."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.layers.blocks import NONE, Edges, boundary, connected, cut, total


def drawn(picture: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and letter of every cell of a picture, its last line being row 0."""
    lines = picture.split()
    cells = [(len(lines) - 1 - n, c, letter) for n, line in enumerate(lines) for c, letter in enumerate(line)]
    row, column, letters = (np.array(values) for values in zip(*cells, strict=True))
    return row, column, letters


def groups(letters: np.ndarray, label: np.ndarray) -> set[str]:
    """Letters of the cells of each number."""
    return {"".join(sorted(letters[label == n])) for n in set(label.tolist()) - {NONE}}


def test_cells_hang_together_by_edges_not_by_corners() -> None:
    row, column, letters = drawn("ab.d e..f .gh.")
    label = connected(Edges.of(row, column), letters != ".")
    edges = Edges.of(row, column)
    assert groups(letters, connected(edges.within(np.where(letters != ".", 0, NONE)), letters != ".")) == {
        "abe",
        "df",
        "gh",
    }
    # Without the marks all cells hang together.
    assert len(set(label[letters != "."].tolist())) == 1


def test_the_neighbours_of_a_cell() -> None:
    row, column, letters = drawn("abc def ghi")
    table = Edges.of(row, column).table()
    beside = {letter: "".join(sorted(letters[n] for n in table[i] if n != NONE)) for i, letter in enumerate(letters)}
    assert beside == {
        "a": "bd", "b": "ace", "c": "bf", "d": "aeg", "e": "bdfh", "f": "cei", "g": "dh", "h": "egi", "i": "fh",
    }  # fmt: skip


def test_a_block_no_larger_than_a_campus_is_not_cut() -> None:
    row, column, letters = drawn("abcd")
    edges, block = Edges.of(row, column), np.zeros(4, dtype=int)
    square = column // 2
    land = np.full(4, 10.0)
    assert groups(letters, cut(edges, block, square, land, 10, 40)) == {"abcd"}
    assert groups(letters, cut(edges, block, square, land, 10, 30)) == {"ab", "cd"}


def test_a_piece_too_small_for_a_campus_joins_its_neighbour() -> None:
    """Squares of two columns leave "e" alone with 10 ha; "cd" is the only one beside it. "f" is a block of its own."""
    row, column, letters = drawn("abcdef")
    edges = Edges.of(row, column)
    block = np.array([0, 0, 0, 0, 0, 1])
    found = cut(edges, block, column // 2, np.full(6, 10.0), 20, 30)
    assert groups(letters, found) == {"ab", "cde", "f"}


def test_the_boundary_takes_the_cheapest_land_then_the_nearest_then_what_is_compact() -> None:
    """Each cell has 10 ha and the campus needs 30."""
    row, column, letters = drawn("abc def ghi")
    edges, piece, land, need = Edges.of(row, column), np.zeros(9, dtype=int), np.full(9, 10.0), np.array([30.0])
    same = np.zeros(9)

    def taken(price: np.ndarray, ring: np.ndarray) -> str:
        chosen = boundary(edges, piece, land, need, (price, ring), (row, column))
        return "".join(letters[chosen])

    dear = np.where(np.isin(letters, list("ghi")), 1.0, 2.0)
    assert taken(dear, same) == "ghi"
    assert taken(same, np.where(np.isin(letters, list("cfi")), 1.0, 2.0)) == "cfi"
    # Price goes before distance.
    assert taken(dear, np.where(np.isin(letters, list("cfi")), 1.0, 2.0)) == "ghi"
    # All alike: the start is the first of the lowest row, g; d and h are its neighbours, 1 away.
    assert taken(same, same) == "dgh"


def test_the_boundary_goes_round_what_it_may_not_take() -> None:
    """The best cells are the two ends of a U: what lies between is bad but must be taken to reach the other end."""
    row, column, letters = drawn("a.b c.d efg")
    member = letters != "."
    piece = np.where(member, 0, NONE)
    price = np.where(np.isin(letters, ["a", "b"]), 1.0, 2.0)
    chosen = boundary(Edges.of(row, column), piece, np.full(9, 1.0), np.array([7.0]), (price,), (row, column))
    assert "".join(letters[chosen]) == "abcdefg"
    chosen = boundary(Edges.of(row, column), piece, np.full(9, 1.0), np.array([2.0]), (price,), (row, column))
    assert "".join(letters[chosen]) == "ac"


LATTICES = st.tuples(st.integers(1, 7), st.integers(1, 7)).flatmap(
    lambda size: st.tuples(
        st.just(size), st.lists(st.integers(0, 10), min_size=size[0] * size[1], max_size=size[0] * size[1])
    )
)


@given(LATTICES, st.integers(1, 3), st.integers(5, 60))
def test_what_holds_of_every_lattice(drawn_: tuple[tuple[int, int], list[int]], side: int, most: int) -> None:
    """Cells without land are left out. Blocks are the components of networkx; pieces and campuses hang together.

    Pieces part the blocks; a piece has too little land only where its whole block has; and a campus takes what it needs
    or all there is, and not one cell more than that.
    """
    (height, width), values = drawn_
    row, column = (a.ravel() for a in np.mgrid[0:height, 0:width])
    land = np.array(values, dtype=float)
    member = land > 0
    edges = Edges.of(row, column)
    block = connected(edges.within(np.where(member, 0, NONE)), member)
    graph = nx.grid_2d_graph(height, width).subgraph(zip(row[member], column[member], strict=True))
    assert {frozenset(c) for c in nx.connected_components(graph)} == {
        frozenset(zip(row[block == b], column[block == b], strict=True)) for b in set(block.tolist()) - {NONE}
    }
    least = 4.0
    piece = cut(edges, block, (row // side) * 100 + column // side, land, least, float(most))
    assert ((piece == NONE) == ~member).all()
    need = np.minimum(total(piece, land), most)
    taken = boundary(edges, piece, land, need, (land * 0,), (row, column))
    of_block = total(block, land)
    for p in set(piece.tolist()) - {NONE}:
        cells = piece == p
        assert nx.is_connected(graph.subgraph(zip(row[cells], column[cells], strict=True)))
        (b,) = set(block[cells].tolist())
        assert land[cells].sum() >= min(least, of_block[b])
        chosen = cells & taken
        assert nx.is_connected(graph.subgraph(zip(row[chosen], column[chosen], strict=True)))
        assert need[p] <= land[chosen].sum() < need[p] + 10
        if of_block[b] <= most:
            assert land[cells].sum() == pytest.approx(of_block[b])
