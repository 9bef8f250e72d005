"""What the user knows of reactive support at points of interconnection: told with a plan, and in no equation of it.

A study by the transmission provider says whether new load at a point needs a capacitor bank, a static compensator or
the like. The model has active power only: it decides nothing by these words, and computes no voltage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.errors import Finding, nearest
from optimizer.grid.schema import as_text

if TYPE_CHECKING:
    from optimizer.study.study import Study

COLUMN = "reactive_support"
"""Further column of a grid's buses and of a table of ties; a tie's own word wins over its bus's."""

WORDS = ("needed", "available")
"""What the column may say; an empty cell says nothing."""


def said_at_buses(study: Study) -> pd.Series:
    """What the grid says of each bus, index ``bus``; empty where it says nothing."""
    buses = pd.DataFrame() if study.grid is None else study.grid.buses
    if COLUMN not in buses.columns:
        return pd.Series("", index=buses.index, dtype=object)
    return pd.Series(as_text(buses[COLUMN]), index=buses.index, dtype=object)


def support_table(study: Study, ties: pd.DataFrame) -> pd.DataFrame:
    """What is known at the ties of a plan.

    Parameters
    ----------
    study : Study
        Its grid and its own ties.
    ties : DataFrame
        ``site`` and ``bus`` of the ties built.

    Returns
    -------
    DataFrame
        ``site``, ``bus``, ``reactive_support``, one row a tie of which anything is known. Of several options of a site
        at a bus that differ, ``needed`` counts.
    """
    at_bus = said_at_buses(study)
    own = pd.DataFrame(columns=["site", "bus", COLUMN]) if study.own is None else study.own.ties
    rows = []
    for s, n in ties[["site", "bus"]].drop_duplicates().itertuples(index=False, name=None):
        words = set(own.loc[(own["site"] == s) & (own["bus"] == n), COLUMN]) - {""}
        word = next((w for w in WORDS if w in words), str(at_bus.get(n, "")))
        rows += [(s, n, word)] if word else []
    return pd.DataFrame(rows, columns=["site", "bus", COLUMN])


def support_findings(study: Study) -> Iterator[Finding]:
    """Words that say nothing, in the tables of buses and ties."""
    tables = [("buses", said_at_buses(study))]
    if study.own is not None:
        tables.append(("ties", study.own.ties[COLUMN]))
    for name, words in tables:
        for row, word in words[~words.isin(["", *WORDS])].items():
            where = f"{name}, {row}, {COLUMN}" if name == "buses" else f"{name} row {row}, {COLUMN}"
            remedy = f"{nearest(str(word), WORDS)}; leave the cell empty where it is not known"
            yield Finding("study.reactive_support.word", where, "no such word", repr(str(word)), remedy)
