"""What rules ask of the sites that a plan builds: lines for its table ``rules`` and for the report.

Security, minimum take and curtailment move money and duty between parties; they are stated here and never counted as a
cost of the system. A line carries the document of its rule, and what is not certain about it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from optimizer.config import StudyConfig
from optimizer.layers.jurisdictions import Place, split_names
from optimizer.layers.regulation import Question, RuleBook, judge
from optimizer.layers.rule import Effect, Rule, effects
from optimizer.study.rules import Spans, span_of
from optimizer.units import USD_PER_MUSD

COLUMNS = ("site", "rule", "effect", "value", "unit", "asks", "document", "reservations")

_PER_LOAD = {"minimum_take_share": "minimum_take", "curtailment_share": "curtailment"}
# Effects that are shares of the load, and what the line of the amount is called.


def rule_lines(
    built: pd.DataFrame, jurisdictions: Mapping[str, str], book: RuleBook, config: StudyConfig
) -> pd.DataFrame:
    """List what every rule asks of every built site.

    Parameters
    ----------
    built : DataFrame, index ``site``
        ``load_mw``, the most that it draws [MW], and ``base_kv`` of its tie, nan without one [kV].
    jurisdictions : mapping of str to str
        Those of each site, ``;``-joined.
    book : RuleBook
        The rules.
    config : StudyConfig
        Years of decision.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row an effect.
    """
    spans = Spans.of(config)
    rows: list[dict[str, Any]] = []
    for site, load_mw, base_kv in built[["load_mw", "base_kv"]].itertuples(name=None):
        inside = frozenset(split_names(jurisdictions[site]))
        kv = (0.0, math.inf) if math.isnan(base_kv) else (base_kv, base_kv)
        for rule in book.rules:
            if inside.isdisjoint(rule.jurisdiction):
                continue
            first, last = span_of(rule, spans)
            asked = Question(Place(inside, has_point=True), load_mw, load_mw, first, last, *kv)
            if judge(rule, asked, book.jurisdictions, book.scenarios).outcome != "does_not_apply":
                doubts = "; ".join(rule.reservations(first, last))
                rows += [_line(site, rule, effect, load_mw, doubts) for effect in effects(rule)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _line(site: str, rule: Rule, effect: Effect, load_mw: float, doubts: str) -> dict[str, Any]:
    name, value, unit = effect.name, effect.value, effect.unit
    if name == "security_usd_per_mw" and value is not None:
        name, value, unit = "security", value * load_mw / USD_PER_MUSD, "M$"
    elif name == "fee_usd" and value is not None:
        name, value, unit = "fee", value / USD_PER_MUSD, "M$"
    elif name in _PER_LOAD and value is not None:
        name, value, unit = _PER_LOAD[name], value * load_mw, "MW"
    return {
        "site": site,
        "rule": rule.id,
        "effect": name,
        "value": value,
        "unit": unit,
        "asks": one_line(effect.text),
        "document": document(rule),
        "reservations": one_line(doubts),
    }


def document(rule: Rule) -> str:
    """Source of a rule with its section."""
    return one_line(", ".join(text for text in (rule.source, rule.section) if text))


def one_line(text: str) -> str:
    """Text without line breaks and control characters, as a cell of a table holds it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
