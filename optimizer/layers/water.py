"""Water: the region whose sources a place draws on, and what these can still give."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.grid.schema import Column

COLUMNS = (
    Column("basin", "text", meaning="water region the place draws on"),
    Column("water_available_m3_day", "float", "m3/day", meaning="volume all its sources can give to this study"),
)


@dataclass(frozen=True)
class OwnSource:
    """Water that a study brings itself, such as trucked or reclaimed water.

    Parameters
    ----------
    basin : str
        Water region that it serves.
    source : str
        Its name.
    available_m3_day : float
        Volume it can give [m3/day].
    price_usd_per_m3 : float
        Price [$/m3].
    """

    basin: str
    source: str
    available_m3_day: float
    price_usd_per_m3: float


@dataclass(frozen=True)
class Options:
    """How much of what is available a study may take.

    Parameters
    ----------
    withdrawal_share : float
        Share of the available volume of every source [-].
    sources : tuple of str, optional
        Sources that may be used; ``None`` for all.
    own : tuple of OwnSource
        Sources that the study brings, used whole.
    """

    withdrawal_share: float = 1.0
    sources: tuple[str, ...] | None = None
    own: tuple[OwnSource, ...] = ()


def supply(sources: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Water that a study may take, by region and source.

    Parameters
    ----------
    sources : DataFrame
        ``water_region``, ``water_source``, ``available_m3_day`` [m3/day], ``price_usd_per_m3`` [$/m3].
    options : Options
        Share and sources.

    Returns
    -------
    DataFrame
        Index (``basin``, ``source``); ``available_m3_day`` after the share, ``price_usd_per_m3``.
    """
    chosen = sources if options.sources is None else sources[sources["water_source"].isin(options.sources)]
    table = pd.DataFrame(
        {
            "basin": chosen["water_region"],
            "source": chosen["water_source"],
            "available_m3_day": options.withdrawal_share * chosen["available_m3_day"],
            "price_usd_per_m3": chosen["price_usd_per_m3"],
        }
    )
    if options.own:
        table = pd.concat([table, pd.DataFrame([vars(one) for one in options.own])], ignore_index=True)
    return table.set_index(["basin", "source"]).sort_index()


def attach(
    places: pd.DataFrame, counties: pd.DataFrame, sources: pd.DataFrame, options: Options | None = None
) -> pd.DataFrame:
    """Water region of each place, that of its county, and what it can give.

    Parameters
    ----------
    places : DataFrame
        ``fips``, empty outside all counties.
    counties : DataFrame, index ``fips``
        ``water_region``.
    sources : DataFrame
        As for `supply`.
    options : Options, optional
        As for `supply`; all of it by default.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index.
    """
    available = supply(sources, options or Options())["available_m3_day"].groupby(level="basin").sum()
    basin = places["fips"].map(counties["water_region"]).fillna("")
    return pd.DataFrame(
        {"basin": basin, "water_available_m3_day": basin.map(available).fillna(0.0)}, index=places.index
    )
