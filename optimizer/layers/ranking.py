"""Screening scores: one number a site, by which people browse candidates. The optimizer never reads it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from optimizer.config.place_tables import ScoreSettings
from optimizer.errors import Finding, InputError, nearest


def score(sites: pd.DataFrame, settings: Sequence[ScoreSettings]) -> pd.Series:
    """Weighted mean of comparable values of columns, higher being better.

    For each column, with ``sign`` 1 where high values are good and -1 where low ones are, over the sites that have a
    value:

        range    (value - least) / (most - least), from the worst to the best; 1/2 where all are equal
        rank     (number of worse sites + half of the other equal ones) / (number of sites - 1); 1/2 of a single site
        z_score  sign x (value - mean) / standard deviation of all sites; 0 where all are equal

    A column for which a site has no value counts as its worst for ``range`` and ``rank``, and as the lowest score that
    any site has for ``z_score``: what is not known is no merit.

    Parameters
    ----------
    sites : DataFrame
        Sites, with the columns that are named.
    settings : sequence of ScoreSettings
        Columns, directions, weights and methods.

    Returns
    -------
    Series
        ``score``, index of the sites; nan where no column is named.

    Raises
    ------
    InputError
        Columns that are not there, or hold no numbers; every finding of all of them.
    """
    if findings := [finding for n, column in enumerate(settings, start=1) for finding in _check(n, column, sites)]:
        raise InputError(findings)
    total = np.zeros(len(sites)) if settings else np.full(len(sites), np.nan)
    for column in settings:
        sign = 1.0 if column.direction == "high" else -1.0
        values = sign * sites[column.column].to_numpy(dtype=float, na_value=np.nan)
        total += column.weight * comparable(values, column.method)
    return pd.Series(
        total / sum(column.weight for column in settings) if settings else total, sites.index, name="score"
    )


def comparable(values: np.ndarray, method: str) -> np.ndarray:
    """Values, high ones good, on a scale that is the same for all columns.

    Parameters
    ----------
    values : array, shape (n,)
        Values; those that are not finite are not known.
    method : {"range", "rank", "z_score"}
        As for `score`.
    """
    known = np.isfinite(values)
    found, some = np.zeros(len(values)), values[known]
    if not len(some):
        return found
    if method == "range":
        spread = np.ptp(some)
        found[known] = (some - some.min()) / spread if spread > 0 else 0.5
    elif method == "rank":
        order = np.sort(some)
        worse, not_better = np.searchsorted(order, some, "left"), np.searchsorted(order, some, "right")
        found[known] = (worse + (not_better - worse - 1) / 2) / (len(some) - 1) if len(some) > 1 else 0.5
    else:
        spread = some.std()
        found[known] = (some - some.mean()) / spread if np.ptp(some) > 0 else 0.0
        found[~known] = found[known].min()
    return found


def _check(number: int, column: ScoreSettings, sites: pd.DataFrame) -> list[Finding]:
    where = f"sites.scores#{number}.column"
    if column.column not in sites.columns:
        numbers = [str(c) for c in sites.columns if pd.api.types.is_numeric_dtype(sites[c])]
        text = "sites have no such column"
        return [Finding("sites.scores.column", where, text, repr(column.column), nearest(column.column, numbers))]
    if not pd.api.types.is_numeric_dtype(sites[column.column]):
        text, remedy = "the column holds no numbers", "name a column of numbers"
        return [Finding("sites.scores.text", where, text, repr(column.column), remedy)]
    return []
