"""The baseline: the same secure system without new load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from optimizer.solve.program import RowKey


@dataclass(frozen=True)
class Baseline:
    """The same secure system without new load.

    Parameters
    ----------
    objective_musd : float
        Cost of its best plan [M$].
    dispatch, upgrades, circuits : DataFrame
        Its plan: ``generator, period, snapshot, output_mw``; ``upgrade, in_service``; ``circuit, in_service, count``.
    rows : tuple of row keys
        Rows that its relaxation needed.
    """

    objective_musd: float
    dispatch: pd.DataFrame
    upgrades: pd.DataFrame
    circuits: pd.DataFrame
    rows: tuple[RowKey, ...]
