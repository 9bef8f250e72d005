"""The page of a sensitivity analysis: the tornado, thresholds, what binds and over which range."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from optimizer.objectives import OBJECTIVES
from optimizer.report import sensitivity_figures
from optimizer.report.frontier_figures import DECIMALS, UNITS
from optimizer.report.html import render_page, write_page
from optimizer.report.page import Bullets, Column, Figure, KeyFigures, Section, Table, Text, blocks, table
from optimizer.report.text import count, number, quantity
from optimizer.solve.sensitivity import Sensitivity
from optimizer.solve.thresholds import Threshold


def write_sensitivity_page(found: Sensitivity, n_violations: int, path: Path) -> Path:
    """Write the page as one file that opens offline.

    Parameters
    ----------
    found : Sensitivity
        What is shown.
    n_violations : int
        Figures of its plans that an independent recomputation does not confirm.
    path : Path
        File to write; it appears in one step.
    """
    return write_page(render_page(found.study.name, sections(found, n_violations)), path)


def sections(found: Sensitivity, n_violations: int) -> list[Section]:
    """Return the sections of the page."""
    made = [_answer(found, n_violations), _thresholds(found)]
    return made if found.ranges.empty else [*made, _binding(found)]


def headline(found: Sensitivity) -> str:
    """Return the answer in one line."""
    label, bar = OBJECTIVES[found.objective].label, found.bars[0]
    if not np.isfinite(bar.swing(found.base)):
        broken = sum(not np.isfinite(one.swing(found.base)) for one in found.bars)
        return f"{count(broken, 'quantity', 'quantities')} of {len(found.bars)} can leave the study without a plan"
    moving = [one for one in found.bars if one.low.differs_from(found.base) or one.high.differs_from(found.base)]
    if not moving:
        return f"No quantity changes the {label} by more than the gap"
    swing = number(moving[0].swing(found.base), decimals=DECIMALS[found.objective])
    return f"{moving[0].label} moves the {label} most, by up to {swing}\u00a0{UNITS[found.unit]}"


def _answer(found: Sensitivity, n_violations: int) -> Section:
    unit, decimals = UNITS[found.unit], DECIMALS[found.objective]
    label = OBJECTIVES[found.objective].label
    blurred = sum(not end.differs_from(found.base) for bar in found.bars for end in (bar.low, bar.high))
    key_figures = (
        (number(found.base.objective, decimals=decimals), unit, f"{label} of the study's own plan"),
        (quantity(found.base.gap, "gap"), "", "its gap"),
        (str(len(found.bars)), "quantities", "varied one at a time"),
        (str(blurred), "ends", "not distinguishable from no change"),
    )
    caption = (
        f"Change of the {label} when one quantity is at the low or high end of its range and all else is as the study "
        "says. The whisker is the range in which the change lies for certain, given the gaps of both plans; hatched: "
        "that range holds no change at all."
    )
    figure = Figure("tornado", sensitivity_figures.tornado(found, unit), caption)
    notice = found.plan.summary.get("data_notice")
    return Section(
        "answer",
        headline(found)[0].upper() + headline(found)[1:],
        blocks(
            KeyFigures(key_figures),
            figure,
            _checked(n_violations),
            Text(str(notice), "notice") if notice else None,
            Text(
                "Each end is a study of its own, read, solved and proven apart. × stands for a factor on it.",
                "quiet",
            ),
            _tornado_table(found, unit, decimals),
        ),
    )


def _checked(broken: int) -> Text:
    if broken:
        return Text(f"An independent recomputation does not confirm {count(broken, 'figure')} of the plans.", "warning")
    return Text("An independent recomputation from the inputs confirms every figure of every plan.", "good")


def _tornado_table(found: Sensitivity, unit: str, decimals: int) -> Table:
    rows = found.tornado
    for name in ("value", "own_value"):
        rows[name] = [sensitivity_figures.value_text(v, u) for v, u in zip(rows[name], rows["value_unit"], strict=True)]
    rows["told"] = np.where(rows["is_distinct"], "yes", "no")
    columns = [
        Column("what", "Quantity", text=True),
        Column("value", "At", text=True),
        Column("own_value", "Study", text=True),
        Column("status", "Status", text=True),
        Column("change", "Change", unit=unit, decimals=decimals + 1),
        Column("change_least", "At least", unit=unit, decimals=decimals + 1),
        Column("change_most", "At most", unit=unit, decimals=decimals + 1),
        Column("gap", "Gap"),
        Column("told", "Distinguishable", text=True),
        Column("n_sites", "Sites", unit="", decimals=0),
        Column("sites_added", "Sites added", text=True),
        Column("sites_dropped", "Sites dropped", text=True),
    ]
    note = "Plans are complete in the folder plans, under the number of the range in the study and its end."
    return table(rows, columns, "Both ends of each range", note=note, file="tornado.csv")


def _thresholds(found: Sensitivity) -> Section:
    if not found.study.config.sensitivity.thresholds:
        text = "Not looked for: sensitivity.thresholds is false."
        return Section("thresholds", "Where the set of sites changes", (Text(text, "quiet"),))
    if not found.thresholds:
        text = (
            "At both ends of every range the plan builds the sites of the study's own plan. Between them, values were "
            "not looked at."
        )
        return Section("thresholds", "Where the set of sites changes", (Text(text),))
    caveat = (
        "Found by halving, every value a whole study. At a threshold two sets of sites are equally good, so where a "
        "plan is proven to a gap only, the value is where the plans found change, and the best plans may change "
        "elsewhere within the gap. Between a value and its neighbours further changes may lie."
    )
    return Section(
        "thresholds",
        "Where the set of sites changes",
        (Bullets(tuple(_sentence(one) for one in found.thresholds)), Text(caveat, "quiet")),
    )


def _sentence(one: Threshold) -> str:
    below, above = (sensitivity_figures.value_text(side.value, one.bar.unit) for side in (one.below, one.above))
    between = f"{one.bar.label} between {below} and {above}"
    if not (one.below.has_plan and one.above.has_plan):
        return f"{between}: there is no plan {'below' if one.above.has_plan else 'above'}."
    added, dropped = sorted(one.above.sites - one.below.sites), sorted(one.below.sites - one.above.sites)
    moves = ((added, "comes in", "come in"), (dropped, "drops out", "drop out"))
    parts = [f"{_some(names)} {verb if len(names) == 1 else verbs}" for names, verb, verbs in moves if names]
    proven = "proven" if one.is_proven else f"gaps {quantity(max(one.below.gap, one.above.gap), 'gap')} at most"
    return f"{between}: going up, {' and '.join(parts)} ({proven})."


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _binding(found: Sensitivity) -> Section:
    rows = found.ranges.copy()
    rows["name"] = [sensitivity_figures.name_of(row) for row in rows.to_dict("records")]
    for name in ("bound", "used", "low", "high"):
        rows[name] = [sensitivity_figures.value_text(v, u) for v, u in zip(rows[name], rows["unit"], strict=True)]
    for name in ("price", "price_below", "price_above"):
        rows[name] = [sensitivity_figures.value_text(v, "") for v in rows[name]]
    columns = [
        Column("name", "Limit", text=True),
        Column("bound", "Is", text=True),
        Column("used", "Needed", text=True),
        Column("price", "Price", text=True),
        Column("price_unit", "in", text=True),
        Column("low", "Holds from", text=True),
        Column("below", "because below", text=True),
        Column("price_below", "Price there", text=True),
        Column("high", "to", text=True),
        Column("above", "because above", text=True),
        Column("price_above", "Price there", text=True),
        Column("n_solves", "Solves", unit="", decimals=0),
    ]
    text = (
        "The price of a limit is the cost saved by one more unit of it while the whole decisions of the plan (sites, "
        "blocks, ties, cooling, upgrades) stay as they are. Each limit was moved and the cost solved again: within its "
        "range the cost is the forecast to 1e-7 of itself and 1e-3 of the change. A limit that acts on whole decisions "
        "alone has no price; its range says how far it can be tightened before the plan breaks it. The rating of a "
        "branch is moved in the one period, snapshot and outage named. What a limit does to the whole decisions is "
        "what ranges and thresholds of the study's own quantities tell."
    )
    drawn = sensitivity_figures.price_ranges(found.ranges)
    caption = "Range in which each price was confirmed; the number is the price. The first by present value."
    return Section(
        "binding",
        "What binds, and how far its price holds",
        blocks(
            Text(text, "quiet"),
            Figure("ranges", drawn, caption) if drawn is not None else None,
            table(rows, columns, "Limits that bind or are full", file="ranges.csv"),
        ),
    )
