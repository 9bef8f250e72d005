"""Places under the rules of a study: the jurisdictions they lie in, what rules change there, and which they forbid."""

from __future__ import annotations

import pandas as pd

from optimizer.config import StudyConfig
from optimizer.layers import regulation
from optimizer.layers.regulation import RuleBook
from optimizer.study.cooling import Technologies
from optimizer.study.offers import Sieve
from optimizer.study.rules import Spans, rule_groups, site_rules


def ruled(
    places: pd.DataFrame,
    book: RuleBook,
    config: StudyConfig,
    technologies: Technologies,
    least_kv: float,
    exempt: pd.Series | None = None,
) -> pd.DataFrame:
    """What rules change at each place.

    Parameters
    ----------
    places : DataFrame
        ``fips``, ``county``, ``jurisdiction``, ``lat``, ``lon`` [deg], ``iecc_zone``, ``block_mw`` [MW], ``min_blocks``
        and ``max_blocks``.
    book : RuleBook
        The rules.
    config : StudyConfig
        Years, and jurisdictions that hold everywhere.
    technologies : Technologies
        Cooling, of which the least efficient on a hot day decides how much a campus draws at its largest.
    least_kv : float
        Lowest voltage of a point of interconnection [kV].
    exempt : Series of bool, optional
        Places that no rule binds: the study neither builds, connects nor operates what stands there.

    Returns
    -------
    DataFrame, same index
        The columns of `SiteRules.table`, with ``jurisdictions``, ``rule_group`` (equal where rules change the same) and
        ``least_draw_mw``, what the smallest campus draws [MW].
    """
    inside = regulation.attach(places, book.jurisdictions, regulation.Options(config.rules.jurisdictions))
    if exempt is not None and exempt.any():
        # Who operates the grid of the campuses says nothing of a place elsewhere.
        inside[exempt] = regulation.attach(places[exempt], book.jurisdictions)
    sized = places[["block_mw", "min_blocks", "max_blocks"]].join(inside)
    if exempt is not None:
        sized["jurisdictions"] = sized["jurisdictions"].mask(exempt, "")
    sized = sized.assign(draw_per_it=technologies.most_pue_at(places))
    found = site_rules(sized, book, Spans.of(config), least_kv).table
    return found.assign(
        jurisdictions=inside["jurisdictions"],
        rule_group=rule_groups(found),
        least_draw_mw=sized["min_blocks"].clip(lower=1) * sized["block_mw"] * sized["draw_per_it"],
    )


def refuse_forbidden(sieve: Sieve, found: pd.DataFrame) -> None:
    """Refuse places where a rule forbids the smallest campus.

    Parameters
    ----------
    sieve : Sieve
        The places.
    found : DataFrame
        As `ruled` gives it, a row for each place of the sieve.
    """
    by = found["forbidden_by"].to_numpy()
    for rule in sorted(set(by) - {""}):
        sieve.refuse(by == rule, f"forbidden:{rule}", found["least_draw_mw"], found["forbidden_from_mw"])
