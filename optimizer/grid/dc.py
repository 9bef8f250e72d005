"""DC power flow: one sparse factorization, and flows, PTDF rows and PTDF columns from it.

An injection is positive into the network; a flow is positive from ``from_bus`` to ``to_bus``; both in MW. With angles
``a`` [rad], the flow of branch l from i to j is ``f_l = b_l (a_i - a_j - shift_l)`` and the balance at every bus is
``A' f = injection``, ``A`` the branch-bus incidence matrix (+1 from, -1 to). One reference bus per island has angle 0
and takes whatever the island's injections leave over.

``PTDF[l, n]`` is the change of ``f_l`` per MW injected at n and withdrawn at the reference of its island. Differences
of two columns in an island do not depend on the reference. Nothing dense larger than what is asked for is made or kept.

Source: B. Stott, J. Jardim, O. Alsac, "DC power flow revisited", IEEE Trans. Power Systems 24(3), 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csc_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from optimizer.errors import Finding, InputError
from optimizer.grid.network import BASE_MVA

#: Most right-hand sides solved at once. It bounds temporary memory, and keeps the dense steps inside the sparse solve
#: small enough to stay in cache and on one thread: 16 was the fastest of 1 to 512 on 2,000 buses, and 8 of 1 to 64 on
#: 10,024 and 70,047 (docs/benchmarks.md).
SOLVE_BLOCK = 16

#: Right-hand sides that together are larger than this leave the cache [bytes]; half of `SOLVE_BLOCK` are then solved.
CACHED_BYTES = 1_000_000

#: Memory that the PTDF rows kept for the next program may take [bytes].
KEPT_BYTES = 50_000_000

#: A pivot on the diagonal is taken where it is at least this share of the largest entry of its column [-].
DIAGONAL_PIVOT = 0.1


@dataclass(frozen=True, eq=False)
class DCNetwork:
    """A factorized DC network; made by `build`.

    Parameters
    ----------
    bus_ids, branch_ids : Index
        Ids in the order of all arrays.
    from_position, to_position : int array, shape (n_branch,)
        Bus positions of the branch ends.
    susceptance_mw : float array, shape (n_branch,)
        Flow per radian of angle difference [MW/rad].
    shift_rad : float array, shape (n_branch,)
        Phase shift [rad].
    island : int array, shape (n_bus,)
        Number of the island of each bus.
    reference : int array, shape (n_island,)
        Bus position of each island's reference: its bus with most circuits.
    """

    bus_ids: pd.Index
    branch_ids: pd.Index
    from_position: np.ndarray
    to_position: np.ndarray
    susceptance_mw: np.ndarray
    shift_rad: np.ndarray
    island: np.ndarray
    reference: np.ndarray
    _kept: np.ndarray  # positions of the buses that are not a reference
    _factor: SuperLU | None  # None when every bus is a reference

    @classmethod
    def build(cls, buses: pd.Index, branches: pd.DataFrame, susceptance: Literal["x", "series"] = "x") -> DCNetwork:
        """Factorize the network.

        Parameters
        ----------
        buses : Index
            Bus ids.
        branches : DataFrame, index branch id
            Branches in service: ``from_bus``, ``to_bus``, ``x_pu``, ``r_pu`` [pu on 100 MVA], ``tap``,
            ``shift_deg`` [deg].
        susceptance : {"x", "series"}
            ``1 / (x tap)`` with phase shifts, or ``x / (r^2 + x^2)`` without taps and shifts.

        Raises
        ------
        InputError
            An end is not a bus, both ends are one bus, a susceptance is not finite, or susceptances cancel so that
            angles are not determined.
        """
        from_position = buses.get_indexer(branches["from_bus"])
        to_position = buses.get_indexer(branches["to_bus"])
        x = branches["x_pu"].to_numpy(dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            if susceptance == "x":
                per_unit = 1.0 / (x * branches["tap"].to_numpy(dtype=float))
                shift = np.radians(branches["shift_deg"].to_numpy(dtype=float))
            else:
                per_unit = x / (branches["r_pu"].to_numpy(dtype=float) ** 2 + x**2)
                shift = np.zeros(len(branches))
        _refuse_bad(branches, from_position, to_position, per_unit)
        mw = per_unit * BASE_MVA
        island, reference = _islands(len(buses), from_position, to_position)
        kept = np.setdiff1d(np.arange(len(buses)), reference)
        factor = _factorize(len(buses), from_position, to_position, mw, kept)
        ids = pd.Index(branches.index)
        return cls(buses, ids, from_position, to_position, mw, shift, island, reference, kept, factor)

    def extended(
        self,
        branch_ids: list[str],
        from_position: np.ndarray,
        to_position: np.ndarray,
        susceptance_mw: np.ndarray,
        shift_rad: np.ndarray,
        without: np.ndarray | None = None,
    ) -> DCNetwork:
        """Return the network with further branches in service, after those that it has.

        Parameters
        ----------
        branch_ids : list of str
            Their ids.
        from_position, to_position : int array, shape (n_new,)
            Bus positions of their ends.
        susceptance_mw : float array, shape (n_new,)
            Flow per radian of angle difference [MW/rad].
        shift_rad : float array, shape (n_new,)
            Phase shift [rad].
        without : int array, optional
            Positions of branches that go out of service.

        Raises
        ------
        InputError
            Susceptances cancel so that angles are not determined.
        """
        stays = np.ones(self.n_branch, dtype=bool)
        stays[[] if without is None else without] = False
        ids = pd.Index([*self.branch_ids[stays], *branch_ids])
        start = np.concatenate([self.from_position[stays], np.asarray(from_position, dtype=np.intp)])
        end = np.concatenate([self.to_position[stays], np.asarray(to_position, dtype=np.intp)])
        mw = np.concatenate([self.susceptance_mw[stays], susceptance_mw])
        shift = np.concatenate([self.shift_rad[stays], shift_rad])
        island, reference = _islands(self.n_bus, start, end)
        kept = np.setdiff1d(np.arange(self.n_bus), reference)
        factor = _factorize(self.n_bus, start, end, mw, kept)
        return DCNetwork(self.bus_ids, ids, start, end, mw, shift, island, reference, kept, factor)

    @property
    def n_bus(self) -> int:
        """Number of buses."""
        return len(self.bus_ids)

    @property
    def n_branch(self) -> int:
        """Number of branches."""
        return len(self.branch_ids)

    @property
    def solve_block(self) -> int:
        """Right-hand sides that are solved at once."""
        return SOLVE_BLOCK if SOLVE_BLOCK * self.n_bus * 8 <= CACHED_BYTES else SOLVE_BLOCK // 2

    @cached_property
    def shift_flow_mw(self) -> np.ndarray:
        """Flow caused by phase shifters alone, shape (n_branch,) [MW]."""
        return self.flows(np.zeros(self.n_bus))

    def angles(self, injection_mw: np.ndarray) -> np.ndarray:
        """Return bus angles.

        Parameters
        ----------
        injection_mw : float array, shape (n_bus,) or (n_bus, k)
            Injection of each bus [MW]; the entry of a reference bus is ignored, it takes the rest.

        Returns
        -------
        float array, the same shape
            Angles [rad], 0 at the references.
        """
        injection = np.asarray(injection_mw, dtype=float)
        shifted = np.zeros(self.n_bus)
        driven = self.susceptance_mw * self.shift_rad
        np.add.at(shifted, self.from_position, driven)
        np.add.at(shifted, self.to_position, -driven)
        total = injection + (shifted if injection.ndim == 1 else shifted[:, None])
        return self._solve(total)

    def flows(self, injection_mw: np.ndarray) -> np.ndarray:
        """Return branch flows, phase shifters included.

        Parameters
        ----------
        injection_mw : float array, shape (n_bus,) or (n_bus, k)
            Injection of each bus [MW]. Balance is the caller's: a reference bus takes what its island leaves over.

        Returns
        -------
        float array, shape (n_branch,) or (n_branch, k)
            Flow [MW], ``b (a_from - a_to - shift)``.
        """
        flow = self.flows_of_angles(self.angles(injection_mw))
        driven = self.susceptance_mw * self.shift_rad
        return flow - (driven if flow.ndim == 1 else driven[:, None])

    def ptdf_rows(self, positions: np.ndarray) -> np.ndarray:
        """Return PTDF rows of some branches.

        Parameters
        ----------
        positions : int array, shape (m,)
            Branch positions.

        Returns
        -------
        float array, shape (m, n_bus)
            Change of flow per MW injected at each bus [MW/MW]; 0 at references and in other islands.
        """
        chosen = np.asarray(positions, dtype=np.intp)
        rows = np.empty((len(chosen), self.n_bus))
        for part in self._blocks(len(chosen)):
            # The susceptance matrix is its own transpose: row l is b_l times the angles of a transfer along l.
            angles = self.transfer_angles(chosen[part])
            rows[part] = angles.T * self.susceptance_mw[chosen[part], None]
        return rows

    def ptdf_row(self, position: int) -> np.ndarray:
        """Return the PTDF row of one branch, shape (n_bus,) [MW/MW], read-only; the first of them are kept.

        Programs of one network after another ask for the same few branches again and again.

        Parameters
        ----------
        position : int
            Branch position.
        """
        row = self._rows.get(position)
        if row is None:
            row = self.ptdf_rows(np.array([position]))[0]
            row.flags.writeable = False
            if len(self._rows) * row.nbytes < KEPT_BYTES:
                self._rows[position] = row
        return row

    @cached_property
    def _rows(self) -> dict[int, np.ndarray]:
        return {}

    def ptdf_columns(self, bus_positions: np.ndarray) -> np.ndarray:
        """Return PTDF columns of some buses, shape (n_branch, m) [MW/MW].

        Parameters
        ----------
        bus_positions : int array, shape (m,)
            Bus positions; the column of a reference bus is 0.
        """
        chosen = np.asarray(bus_positions, dtype=np.intp)
        columns = np.empty((self.n_branch, len(chosen)), order="F")
        for part in self._blocks(len(chosen)):
            columns[:, part] = self.flows_of_angles(self.unit_angles(chosen[part]))
        return columns

    def transfer_columns(self, branch_positions: np.ndarray) -> np.ndarray:
        """Return the flows of a transfer of 1 MW from one end of a branch to the other.

        Parameters
        ----------
        branch_positions : int array, shape (m,)
            Branch positions k.

        Returns
        -------
        float array, shape (n_branch, m), Fortran order
            ``P[:, k] = PTDF[:, from_k] - PTDF[:, to_k]`` [MW/MW]; ``P[k, k]`` is 1 for a bridge and less otherwise.
        """
        chosen = np.asarray(branch_positions, dtype=np.intp)
        columns = np.empty((self.n_branch, len(chosen)), order="F")
        for part in self._blocks(len(chosen)):
            columns[:, part] = self.flows_of_angles(self.transfer_angles(chosen[part]))
        return columns

    def transfer_angles(self, branch_positions: np.ndarray) -> np.ndarray:
        """Return the angles of a transfer of 1 MW from one end of a branch to the other.

        Parameters
        ----------
        branch_positions : int array, shape (m,)
            Branch positions; all are solved at once.

        Returns
        -------
        float array, shape (n_bus, m), Fortran order
            Angles [rad/MW], 0 at the references.
        """
        injection = np.zeros((self.n_bus, len(branch_positions)), order="F")
        numbers = np.arange(len(branch_positions))
        injection[self.from_position[branch_positions], numbers] = 1.0
        injection[self.to_position[branch_positions], numbers] = -1.0
        return self._solve(injection)

    def unit_angles(self, bus_positions: np.ndarray) -> np.ndarray:
        """Return the angles of 1 MW injected at a bus and withdrawn at its reference, shaped as `transfer_angles`."""
        injection = np.zeros((self.n_bus, len(bus_positions)), order="F")
        injection[bus_positions, np.arange(len(bus_positions))] = 1.0
        return self._solve(injection)

    def flows_of_angles(self, angles: np.ndarray) -> np.ndarray:
        """Return the flows of angle differences alone [MW], without the shifts' own term, shaped (n_branch, m)."""
        # Transposed, one case is contiguous, and picking its branch ends stays in cache.
        one = np.ascontiguousarray(angles.T)
        flow = np.take(one, self.from_position, axis=-1)
        flow -= np.take(one, self.to_position, axis=-1)
        flow *= self.susceptance_mw
        return flow.T

    def _blocks(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self.solve_block):
            yield slice(start, min(start + self.solve_block, count))

    def _solve(self, injection: np.ndarray) -> np.ndarray:
        """Angles [rad] of injections that hold the shifts' own term already."""
        angles = np.zeros(injection.shape, order="F")
        if self._factor is not None:
            angles[self._kept] = self._factor.solve(np.asfortranarray(injection[self._kept]))
        return angles


def _islands(n_bus: int, from_position: np.ndarray, to_position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Island number of each bus, and the reference of each island: its bus with most circuits, the first of equals."""
    ends = (from_position, to_position)
    adjacency = coo_array((np.ones(len(from_position)), ends), shape=(n_bus, n_bus))
    count, island = connected_components(adjacency, directed=False)
    degree = np.bincount(np.concatenate(ends), minlength=n_bus)
    order = np.lexsort((np.arange(n_bus), -degree, island))
    reference = order[np.searchsorted(island[order], np.arange(count))]
    return island, reference


def _factorize(
    n_bus: int, from_position: np.ndarray, to_position: np.ndarray, mw: np.ndarray, kept: np.ndarray
) -> SuperLU | None:
    """Sparse LU of the bus susceptance matrix without the references."""
    if len(kept) == 0:
        return None
    i, j = from_position, to_position
    rows, columns = np.concatenate([i, j, i, j]), np.concatenate([i, j, j, i])
    matrix = csc_array((np.concatenate([mw, mw, -mw, -mw]), (rows, columns)), shape=(n_bus, n_bus))
    reduced = csc_array(matrix[kept][:, kept])
    # With positive susceptances the matrix is diagonally dominant, the diagonal a safe pivot, and a symmetric ordering
    # keeps the factors sparse. A series capacitor (negative x) loses that guarantee at a few buses, where the threshold
    # lets another pivot in: as exact as full pivoting, with factors that solve six times as fast on 70,047 buses.
    try:
        return splu(
            reduced,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0 if (mw > 0).all() else DIAGONAL_PIVOT,
            options={"SymmetricMode": True},
        )
    except RuntimeError as singular:
        remedy = "check the branches with negative x_pu: their susceptance cancels that of the branches beside them"
        text = "susceptances cancel, bus angles are not determined"
        raise InputError([Finding("grid.singular", "branches, x_pu", text, str(singular), remedy)]) from singular


def _refuse_bad(
    branches: pd.DataFrame, from_position: np.ndarray, to_position: np.ndarray, per_unit: np.ndarray
) -> None:
    findings = []
    for rule, column, bad, text, remedy in (
        ("grid.bus.unknown", "from_bus", from_position < 0, "no such bus", "name a bus of the buses table"),
        ("grid.bus.unknown", "to_bus", to_position < 0, "no such bus", "name a bus of the buses table"),
        (
            "grid.branch.loop",
            "to_bus",
            (from_position == to_position) & (from_position >= 0),
            "both ends are the same bus",
            "remove the branch or correct an end",
        ),
        (
            "grid.branch.zero_reactance",
            "x_pu",
            ~np.isfinite(per_unit) | (per_unit == 0),
            "the susceptance is not a finite number other than 0",
            "give a reactance that is not 0 and a tap above 0",
        ),
    ):
        for branch in branches.index[bad]:
            found = str(branches.loc[branch, column])
            findings.append(Finding(rule, f"branches, branch {branch}, {column}", text, found, remedy))
    if findings:
        raise InputError(findings)
