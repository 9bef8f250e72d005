"""Rack density and cooling: which technologies are offered to racks of a power, and which take it at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd


def _none() -> pd.DataFrame:
    return pd.DataFrame({"above_kw": [], "max_kw": []}, dtype=float)


@dataclass(frozen=True, eq=False)
class Densities:
    """Range of rack density of each technology, and what a study asks for.

    A technology takes every rack up to its largest. It is offered for racks denser than ``above_kw``, so that what is
    made for dense racks does not compete where something simpler does; and for any that it takes where the study names
    its technologies.

    Parameters
    ----------
    table : DataFrame, index ``cooling``
        ``above_kw`` and ``max_kw`` [kW]; a technology that is not in it takes everything.
    named : bool
        Whether the study names its technologies.
    racks_kw : tuple of float
        Racks that may be chosen for a hall, so that what they need is offered too [kW].
    usual_kw : float, optional
        Density of a place that has none of its own; ``None`` where nothing is known [kW].
    """

    table: pd.DataFrame = field(default_factory=_none)
    named: bool = False
    racks_kw: tuple[float, ...] = ()
    usual_kw: float | None = None

    def offered(self, density_kw: float | None) -> pd.Index:
        """Technologies of the table that are offered for racks of a density, all where it is ``None`` or nan."""
        if density_kw is None or np.isnan(density_kw):
            return self.table.index
        above, most = self.table["above_kw"], self.table["max_kw"]
        asked = above < density_kw
        for kw in (kw for kw in self.racks_kw if kw > density_kw):
            asked |= (above < kw) & (most >= kw)
        return self.table.index[(most >= density_kw) & (asked | self.named)]

    def offered_to_any(self, density_kw: Iterable[float | None]) -> list[str]:
        """Technologies that are offered for at least one of several densities, in the table's order."""
        found = {str(c) for kw in density_kw for c in self.offered(kw)}
        return [str(c) for c in self.table.index if str(c) in found]

    def are_offered(self, cooling: pd.Series, density_kw: pd.Series) -> pd.Series:
        """Whether each technology is offered for racks of the density beside it, nan for the usual one.

        Parameters
        ----------
        cooling : Series of str
            Technologies; one that is not in the table is offered for everything.
        density_kw : Series, same index
            Power of a rack [kW].
        """
        usual = np.nan if self.usual_kw is None else self.usual_kw
        pairs = pd.DataFrame({"cooling": cooling, "kw": density_kw.astype(float).fillna(usual)})
        good = ~pairs["cooling"].isin(self.table.index)
        for kw, rows in pairs.groupby("kw", dropna=False):
            good |= pairs.index.isin(rows.index) & pairs["cooling"].isin(self.offered(float(kw)))
        return good
