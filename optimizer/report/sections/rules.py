"""Rules that hold at the chosen sites: what they ask, and how far each can be relied on."""

from __future__ import annotations

import pandas as pd

from optimizer.report.page import Column, Section, Text, blocks, table
from optimizer.report.text import count, listing, significant, words
from optimizer.report.view import View

_SUMMED = ("M$", "MW")
"""Units of amounts that add up over sites."""

_MOST_NAMED = 8


def rules(view: View) -> Section | None:
    """Return what rules ask of the chosen sites; the uncertain ones are named first."""
    lines = view.table("rules")
    if lines.empty:
        return None
    asked = lines["rule"].nunique()
    sites = lines["site"].nunique()
    text = (
        f"{count(asked, 'rule')} hold at {count(sites, 'chosen site')}."
        if asked != 1
        else (f"1 rule holds at {count(sites, 'chosen site')}.")
    )
    return Section(
        "rules",
        "Rules that hold",
        blocks(
            Text(
                f"{text} Security and minimum take pass between parties: they are no cost of the system, and not in it."
            ),
            _uncertain(lines),
            table(
                _by_rule(lines),
                (
                    Column("rule", "Rule", text=True),
                    Column("effect", "What", text=True),
                    Column("asks", "It asks", text=True),
                    Column("amount", "Amount", text=True),
                    Column("sites", "Sites", decimals=0, unit=""),
                    Column("document", "Source", text=True),
                    Column("reservations", "Not certain", text=True),
                ),
                "What rules ask of the chosen sites",
                note="Amounts in M$ and MW are sums over the sites; others hold at each. A rule holds by place, size, "
                "voltage and date; proposed rules only where the study asks for them.",
                most=200,
                file="tables/rules.csv",
            ),
        ),
    )


def _uncertain(lines: pd.DataFrame) -> Text | None:
    names = list(dict.fromkeys(lines.loc[lines["reservations"] != "", "rule"]))
    if not names:
        return None
    shown = names[:_MOST_NAMED] + ([f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else [])
    verb = "is" if len(names) == 1 else "are"
    return Text(
        f"Not certain, and to be read at the source before relying on it: {listing(shown)} {verb} flagged.", "warning"
    )


def _by_rule(lines: pd.DataFrame) -> pd.DataFrame:
    """One row a rule and effect, sites counted, amounts of the units that add up summed."""
    rows = []
    for (rule, effect), group in lines.groupby(["rule", "effect"], sort=True):
        unit, values = str(group["unit"].iloc[0]), group["value"]
        value = values.sum() if unit in _SUMMED else values.max()
        known = values.notna().any()
        shown = f"{significant(value)} {unit}".removesuffix(" -") if known else ""
        rows.append(
            {
                "rule": rule,
                "effect": words(effect),
                "asks": group["asks"].iloc[0],
                "amount": shown,
                "sites": group["site"].nunique(),
                "document": group["document"].iloc[0],
                "reservations": group["reservations"].iloc[0],
            }
        )
    return pd.DataFrame(rows)
