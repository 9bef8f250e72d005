"""Land lost by rule: what each rule takes by itself, what no other takes, and what all take together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.layers.places import M2_PER_HA
from optimizer.study.land_places import LandPlaces
from optimizer.study.offers import LOST_COLUMNS

REGION = "land of the region"
LAYERS = "all layers together"
ALL = "all rules together"
"""Rows beside those of the rules: the land there is, and what is lost of it jointly."""


def area_lost(land: LandPlaces, rule: np.ndarray, also: np.ndarray) -> pd.DataFrame:
    """Land lost by rule.

    Of a layer it is the land that it covers. Any other rule refuses whole places, and loses what layers leave of them.

    Parameters
    ----------
    land : LandPlaces
        Cells or parcels.
    rule : array of str, one a place
        First rule that refused it, empty for land of a candidate.
    also : array of str, one a place
        The others, joined by ``;``.

    Returns
    -------
    DataFrame
        ``rule``; ``alone_ha``, lost were it the only rule; ``only_ha``, lost to no other rule of its kind (layers among
        layers, rules of places among these) [ha]. The last rows are `LAYERS`, `ALL` and `REGION`.
    """
    found = land.found
    alone, only = (np.asarray(m.sum(axis=0)).ravel() / M2_PER_HA for m in (found.taken_m2, found.only_m2))
    rows = [(f"excluded:{name}", alone[n], only[n]) for n, name in enumerate(land.layers)]
    usable_ha = found.usable_m2 / M2_PER_HA
    refused = rule != ""
    rows += _of_places(rule, also, usable_ha)
    layers = float(found.refused_m2.sum()) / M2_PER_HA
    joint = float((found.total_m2 / M2_PER_HA)[refused].sum() + found.refused_m2[~refused].sum() / M2_PER_HA)
    rows += [(LAYERS, layers, layers), (ALL, joint, joint)]
    whole = float(found.total_m2.sum()) / M2_PER_HA
    rows.append((REGION, whole, whole))
    return pd.DataFrame(rows, columns=list(LOST_COLUMNS))


def _of_places(rule: np.ndarray, also: np.ndarray, usable_ha: np.ndarray) -> list[tuple[str, float, float]]:
    """Rows of the rules that refuse whole places, in the order in which they come up."""
    both = pd.Series(rule, dtype=object) + np.where(also == "", "", ";") + also
    code, texts = pd.factorize(both)
    area = np.bincount(code, usable_ha, minlength=len(texts))
    alone: dict[str, float] = {}
    only: dict[str, float] = {}
    for text, hectares in zip(texts, area, strict=True):
        # Layers leave land in a place that they refuse: it is lost because too little is left.
        names = dict.fromkeys("too_little_left" if r.startswith("excluded:") else r for r in text.split(";") if r)
        for name in names:
            alone[name] = alone.get(name, 0.0) + float(hectares)
            only[name] = only.get(name, 0.0) + (float(hectares) if len(names) == 1 else 0.0)
    return [(name, alone[name], only[name]) for name in alone]
