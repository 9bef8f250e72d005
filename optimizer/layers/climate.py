"""Climate: the zone that decides how much power and water cooling takes."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.grid.schema import Column

COLUMNS = (Column("iecc_zone", "text", meaning="climate zone of the International Energy Conservation Code"),)


@dataclass(frozen=True)
class Options:
    """The layer has no settings."""


def attach(places: pd.DataFrame, counties: pd.DataFrame, options: Options | None = None) -> pd.DataFrame:
    """Climate zone of each place, that of its county.

    Parameters
    ----------
    places : DataFrame
        ``fips``, empty outside all counties.
    counties : DataFrame, index ``fips``
        ``iecc_zone``.
    options : Options, optional
        Nothing to set.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index.
    """
    return pd.DataFrame({"iecc_zone": places["fips"].map(counties["iecc_zone"]).fillna("")}, index=places.index)
