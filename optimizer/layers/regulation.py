"""Regulation: which rules for large loads hold at a place, for a load, on a day, and why.

A rule holds at a place if the place lies in one of its jurisdictions, from its effective day to its last day, both
included, for loads and voltages in its range. A proposed rule holds only where it is asked for by name.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.jurisdictions import Jurisdictions, Place, split_names
from optimizer.layers.rule import Range, Rule

COLUMNS = (Column("jurisdictions", "text", meaning="codes of the jurisdictions it is known to lie in, ;-joined"),)

Outcome = Literal["applies", "may_apply", "does_not_apply"]


@dataclass(frozen=True)
class RuleBook:
    """Rules and the jurisdictions that they name.

    Parameters
    ----------
    rules : tuple of Rule
        In the order of their files.
    jurisdictions : Jurisdictions
        All that are known.
    files : mapping of str to str
        File that each rule was read from, as the study names it.
    scenarios : frozenset of str
        Proposed rules that are to be applied.
    """

    rules: tuple[Rule, ...] = ()
    jurisdictions: Jurisdictions = field(default_factory=Jurisdictions)
    files: Mapping[str, str] = field(default_factory=dict)
    scenarios: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Options:
    """Settings of `attach`.

    Parameters
    ----------
    everywhere : tuple of str
        Jurisdictions that every place is said to lie in, such as the system operator.
    """

    everywhere: tuple[str, ...] = ()


def attach(places: pd.DataFrame, jurisdictions: Jurisdictions, options: Options | None = None) -> pd.DataFrame:
    """Find the jurisdictions of each place.

    Parameters
    ----------
    places : DataFrame or GeoDataFrame
        Points or polygons, or a table with ``lat`` and ``lon`` [deg]; ``fips`` (county code), ``county`` (its name) and
        ``jurisdiction`` (codes or names, ``;``-joined), each empty where not known. A polygon lies where its centre
        lies.
    jurisdictions : Jurisdictions
        All that are known.
    options : Options, optional
        Jurisdictions that hold everywhere.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index.
    """
    everywhere = (options or Options()).everywhere
    inside = jurisdictions.drawn_around(places)
    keys = pd.DataFrame(
        {
            "fips": places["fips"].to_numpy(),
            "county": places["county"].to_numpy(),
            "jurisdiction": places["jurisdiction"].to_numpy(),
            "inside": inside,
        }
    )
    number = keys.groupby(list(keys.columns), sort=False).ngroup()
    kinds = keys.loc[~number.duplicated()].itertuples(index=False, name=None)
    texts = [
        ";".join(sorted(jurisdictions.closure(_codes(jurisdictions, fips, county, said, drawn, everywhere))))
        for fips, county, said, drawn in kinds
    ]
    return pd.DataFrame({"jurisdictions": [texts[i] for i in number]}, index=places.index)


def _codes(
    known: Jurisdictions, fips: str, county: str, said: str, drawn: str, everywhere: tuple[str, ...]
) -> set[str]:
    codes = {code for name in (*split_names(said), *everywhere) for code in known.named(name)}
    codes |= set(split_names(drawn))
    if known.knows(fips):
        codes |= {fips, *known.counties_named(county, fips)}
    return codes


@dataclass(frozen=True)
class Question:
    """What is asked of the rules.

    Parameters
    ----------
    place : Place
        Where.
    least_mw, most_mw : float
        Smallest and largest load that is meant [MW].
    least_kv, most_kv : float
        Lowest and highest voltage that is meant [kV].
    first, last : date
        First and last day that is meant.
    """

    place: Place
    least_mw: float
    most_mw: float
    first: date
    last: date
    least_kv: float = 0.0
    most_kv: float = math.inf


@dataclass(frozen=True)
class Verdict:
    """Whether a rule holds, and why.

    Parameters
    ----------
    rule : Rule
        The rule.
    outcome : {"applies", "may_apply", "does_not_apply"}
        May apply where the place, the load or the voltage is not said closely enough.
    why : str
        The reasons.
    elsewhere : bool
        Whether it does not apply because it is a rule of other places.
    """

    rule: Rule
    outcome: Outcome
    why: str
    elsewhere: bool = False


def judge(rule: Rule, asked: Question, jurisdictions: Jurisdictions, scenarios: Collection[str] = ()) -> Verdict:
    """Say whether a rule holds, and why.

    Parameters
    ----------
    rule : Rule
        The rule.
    asked : Question
        Place, load, voltage and days.
    jurisdictions : Jurisdictions
        All that are known.
    scenarios : collection of str
        Proposed rules that are to be applied.
    """
    where, reason = _where(rule, asked.place, jurisdictions)
    if where == "does_not_apply":
        return Verdict(rule, where, reason, elsewhere=True)
    reasons = [reason]
    outcomes: list[Outcome] = [where]
    checks = (
        _status(rule, scenarios),
        _when(rule, asked.first, asked.last),
        _size(rule.load_range, asked.least_mw, asked.most_mw, "MW"),
        _size(rule.voltage_range, asked.least_kv, asked.most_kv, "kV"),
    )
    for outcome, text in checks:
        if outcome == "does_not_apply":
            return Verdict(rule, outcome, text)
        outcomes.append(outcome)
        reasons += [text] if text else []
    return Verdict(rule, "may_apply" if "may_apply" in outcomes else "applies", "; ".join(reasons))


def _where(rule: Rule, place: Place, known: Jurisdictions) -> tuple[Outcome, str]:
    for code in rule.jurisdiction:
        if code in place.inside:
            return "applies", f"the place lies in {known.title(code)}"
    for code in rule.jurisdiction:
        if known.may_hold(code, place):
            return "may_apply", f"the place may lie in {known.title(code)}"
    named = ", ".join(known.title(code) for code in rule.jurisdiction[:3])
    return "does_not_apply", f"a rule of {named}"


def _status(rule: Rule, scenarios: Collection[str]) -> tuple[Outcome, str]:
    if rule.status == "proposed":
        if rule.id not in scenarios:
            return "does_not_apply", "proposed, not in force"
        return "applies", "proposed, applied because it is asked for"
    if rule.status == "ended" and rule.end is None:
        return "does_not_apply", "ended, on a day that is not stated"
    return "applies", ""


def _when(rule: Rule, first: date, last: date) -> tuple[Outcome, str]:
    since = "" if rule.effective is None else f"in force from {rule.effective.text}"
    until = "" if rule.end is None else f"in force to {rule.end.text}"
    if last < rule.first_day:
        return "does_not_apply", since
    if first > rule.last_day:
        return "does_not_apply", until
    if rule.effective is None and rule.end is None:
        return "applies", "" if rule.status == "proposed" else "in force, since when is not stated"
    return "applies", " ".join([since, until.removeprefix("in force ") if since else until]).strip()


def _size(allowed: Range, least: float, most: float, unit: str) -> tuple[Outcome, str]:
    said = allowed.says(unit)
    if not said:
        return "applies", ""
    if not allowed.meets(least, most):
        return "does_not_apply", f"it holds {said}"
    if allowed.holds(least) and allowed.holds(most):
        return "applies", f"it holds {said}"
    return "may_apply", f"it holds {said}, and that is not said" if unit == "kV" else f"it holds {said}"
