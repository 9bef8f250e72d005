"""Places that workloads name, and what of them would change a plan without a word: unknown borders, data, distances."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from optimizer.config import WorkloadKindSettings
from optimizer.errors import Finding, nearest
from optimizer.layers.jurisdictions import Jurisdictions

CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
"""How codes of countries and of what is in them are written (ISO 3166-1 alpha-2 and 3166-2)."""


def inside(sites: pd.DataFrame, borders: Sequence[str], known: Jurisdictions) -> np.ndarray:
    """Whether each site lies in one of some jurisdictions or countries, by code or by name (US-TX is Texas).

    Parameters
    ----------
    sites : DataFrame, index ``site``
        ``jurisdiction``, ``country``, ``jurisdictions``.
    borders : sequence of str
        Codes or names.
    known : Jurisdictions
        By which names of places are compared.
    """
    wanted = {*borders, *(known.code_of(border) for border in borders)}
    texts = sites[["jurisdiction", "country", "jurisdictions"]].fillna("").astype(str).agg(";".join, axis=1)
    # A jurisdiction that is not known lies in what its code begins with, as US-TX in US.
    within = {
        text: any(name in wanted or name.startswith(tuple(f"{b}-" for b in borders)) for name in known.holding(text))
        for text in texts.unique()
    }
    return np.asarray(texts.map(within), dtype=bool)


def _is_place(text: str, known: Jurisdictions) -> bool:
    """Whether a text is a place where no site needs to be: one that is known by name, or written as a code."""
    return bool(known.named(text)) or CODE.fullmatch(text) is not None


def _named_places(sites: pd.DataFrame, known: Jurisdictions) -> list[str]:
    """Names of places that a text may have meant: where sites are, and jurisdictions that are known."""
    here = {str(v) for c in ("jurisdiction", "country") for v in sites[c].dropna() if v}
    return sorted(here | {name for one in known.by_id.values() for name in (one.id, one.name, *one.aliases)})


def unknown_borders(
    sites: pd.DataFrame, kinds: Sequence[WorkloadKindSettings], known: Jurisdictions
) -> Iterator[Finding]:
    """Borders within which no site lies, beside others, and that nothing knows: a slip of the pen tightens the rule.

    Parameters
    ----------
    sites : DataFrame, index ``site``
        As `inside` takes them.
    kinds : sequence of WorkloadKindSettings
        Rules of the workloads.
    known : Jurisdictions
        As in `inside`.
    """
    for kind in dict.fromkeys(kinds):
        if not kind.residency or not inside(sites, kind.residency, known).any():
            continue
        for border in kind.residency:
            if not _is_place(border, known) and not inside(sites, (border,), known).any():
                where = f"workloads.kind ({kind.name}), residency"
                remedy = f"{nearest(border, _named_places(sites, known))}, or leave it out"
                yield Finding("study.workload.border", where, "no such place, and no site in it", repr(border), remedy)


def data_places(
    demand: pd.DataFrame,
    sites: pd.DataFrame,
    kinds: Sequence[WorkloadKindSettings],
    names: Sequence[str],
    known: Jurisdictions,
    where: str,
) -> Iterator[Finding]:
    """Data that lie nowhere, so that moving them is paid for at every site; and prices or places without the other.

    Parameters
    ----------
    demand : DataFrame
        ``region``, ``workload``, ``data_in``.
    sites, known
        As in `inside`.
    kinds : sequence of WorkloadKindSettings
        Of each row of `demand`.
    names : sequence of str
        All sites, refused ones too.
    where : str
        The table of demand.
    """
    for i, kind in enumerate(kinds):
        place, at = str(demand["data_in"].iat[i] or ""), f"{where}, region {demand['region'].iat[i]}, data_in"
        if not place:
            continue
        if not kind.move_musd_per_mw_year:
            text, remedy = (
                "moving these data costs nothing",
                "give move_musd_per_mw_year of the workload, or leave it out",
            )
            yield Finding("study.workload.free_move", at, text, repr(place), remedy, "warning")
        elif place not in names and not inside(sites, (place,), known).any():
            if _is_place(place, known):
                text = "no site lies there, so that all pay move_musd_per_mw_year"
                yield Finding(
                    "study.workload.data_away", at, text, repr(place), "add such a site, or leave it out", "warning"
                )
                continue
            text, remedy = "neither a site nor a place", nearest(place, [*names, *_named_places(sites, known)])
            yield Finding("study.workload.data_in", at, text, repr(place), remedy)
    stated = {kind.name for i, kind in enumerate(kinds) if demand["data_in"].iat[i]}
    for kind in dict.fromkeys(kinds):
        if kind.move_musd_per_mw_year and kind.name not in stated:
            text, remedy = (
                "the table of demand does not say where its data are",
                f"give data_in in {where}, or leave it out",
            )
            at, price = f"workloads.kind ({kind.name}), move_musd_per_mw_year", f"{kind.move_musd_per_mw_year:g}"
            yield Finding("study.workload.no_data", at, text, price, remedy, "warning")


def unknown_distances(
    demand: pd.DataFrame, sites: pd.DataFrame, kinds: Sequence[WorkloadKindSettings], allowed: np.ndarray, where: str
) -> Iterator[Finding]:
    """Sites that may share a demand only when near each other, and of which nothing tells how near.

    A site in orbit has no place on the ground and shares with none.

    Parameters
    ----------
    demand, sites, where
        As in `data_places`; sites with ``kind`` and ``lat`` [deg].
    kinds : sequence of WorkloadKindSettings
        Of each row of `demand`.
    allowed : ndarray of bool, shape (n_demand, n_site)
        Whether the other rules let the site serve it.
    """
    nowhere = sites["lat"].isna().to_numpy() & (sites["kind"] != "orbital").to_numpy()
    for i, kind in enumerate(kinds):
        if kind.between_sites_rtt_ms is None or allowed[i].sum() < 2 or not (allowed[i] & nowhere).any():
            continue
        site, region = str(sites.index[np.flatnonzero(allowed[i] & nowhere)[0]]), demand["region"].iat[i]
        text = f"sites that share it must be near each other, and where site {site} is is not known"
        remedy = "give lat and lon of its sites, or forbid the pair in the table of pairs"
        yield Finding("study.workload.distance_unknown", f"{where}, region {region}", text, kind.name, remedy)
