"""The page of a frontier, or of the best distinct plans: the answer, the figure, where the sites are, the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.objectives import OBJECTIVES
from optimizer.report import frontier_figures
from optimizer.report.frontier_figures import DECIMALS, UNITS
from optimizer.report.html import render_page, write_page
from optimizer.report.page import Column, Figure, KeyFigures, Section, Table, Text, blocks, table
from optimizer.report.text import count, listing, number, quantity
from optimizer.solve.alternatives import Alternatives
from optimizer.solve.frontier import Frontier


def write_frontier_page(found: Frontier | Alternatives, rows: pd.DataFrame, sites: pd.DataFrame, path: Path) -> Path:
    """Write the page as one file that opens offline.

    Parameters
    ----------
    found : Frontier or Alternatives
        What is shown.
    rows : DataFrame
        Its table, with ``n_violations`` of each plan.
    sites : DataFrame
        As `optimizer.solve.alternatives.sites_of`.
    path : Path
        File to write; it appears in one step.
    """
    return write_page(render_page(found.study.name, sections(found, rows, sites)), path)


def sections(found: Frontier | Alternatives, rows: pd.DataFrame, sites: pd.DataFrame) -> list[Section]:
    """Return the sections of the page."""
    first = _frontier(found, rows) if isinstance(found, Frontier) else _alternatives(found, rows, sites)
    answer = Section(
        "answer", headline(found), blocks(*first, _checked(rows), *_notices(found), Text(_how(found), "quiet"))
    )
    return [answer, _where(found, rows, sites), Section("plans", "The plans", (_table(found, rows),))]


def headline(found: Frontier | Alternatives) -> str:
    """Return the answer in one line."""
    size = len(found.plans)
    if isinstance(found, Frontier):
        names = listing([OBJECTIVES[name].label for name in found.objectives])
        if size == 1:
            return f"One plan is best in {names} at once"
        every = "all " if found.is_exact else ""
        return f"{every}{count(size, 'efficient plan')} between {names}".capitalize()
    band = quantity(found.limit_musd - found.plans[0].cost_musd, "cost_musd")
    every = f"all that lie within {band}" if found.complete else f"within {band}"
    return f"{count(size, 'distinct plan')}, {every} of the cheapest"


def _frontier(found: Frontier, rows: pd.DataFrame) -> list[Any]:
    key_figures, ends = [], []
    for name in found.objectives:
        values, unit = rows[OBJECTIVES[name].key], UNITS[OBJECTIVES[name].unit]
        least, most = (number(v, decimals=DECIMALS[name]) for v in (values.min(), values.max()))
        key_figures.append((f"{least} – {most}", unit, OBJECTIVES[name].label))
        ends.append(f"{OBJECTIVES[name].label} from {least} to {most}\u00a0{unit}")
    key_figures.append((str(len(rows)), "plans", "none dominates another"))
    text = f"Efficient: no plan found is as good in everything and better in something. They range in {listing(ends)}."
    caption = (
        "Each mark is a plan, numbered as in the table and in the folder of plans; down and to the left is better."
    )
    if len(found.objectives) == 2:
        caption += " Nothing better than the line was found."
    if (rows["gap"] > 0).any():
        caption += " The bar to the left of a mark ends at what is proven: no plan within its limits lies beyond."
    figure = Figure("trade", frontier_figures.trade_off(rows, found.objectives), caption)
    return [Text(text, "lead"), KeyFigures(tuple(key_figures)), figure]


def _alternatives(found: Alternatives, rows: pd.DataFrame, sites: pd.DataFrame) -> list[Any]:
    shared, built = int(sites["in_all"].sum()), len(sites)
    band = found.limit_musd - found.plans[0].cost_musd
    text = (
        f"{count(shared, 'site') if shared else 'None'} of the {count(built, 'site')} that any of these plans builds "
        f"{'are' if shared > 1 else 'is'} in all of them. Each two plans differ by at least {_difference(found)}."
    )
    key_figures = (
        (str(len(rows)), "plans", "in the band" if not found.complete else "in the band, and no other"),
        (f"{shared:,}", "sites", "in all of them"),
        (number(rows["more_musd"].max(), "cost_musd", 2), "M$", "the dearest above the cheapest"),
        (number(100 * found.within, decimals=1), "%", "of the cost that the decision can change: the band"),
    )
    caption = "What each plan costs more than the cheapest: short bars mean that the choice hardly matters to the cost."
    figure = Figure("costs", frontier_figures.costs_of_the_best(rows, band), caption)
    return [Text(text, "lead"), KeyFigures(key_figures), figure]


def _difference(found: Alternatives) -> str:
    parts = []
    if found.difference.n_sites:
        parts.append(f"{count(found.difference.n_sites, 'site')} built in one and not in the other")
    if found.difference.it_mw:
        parts.append(f"{quantity(found.difference.it_mw, 'it_mw')} of IT load that stands elsewhere")
    return listing(parts)


def _checked(rows: pd.DataFrame) -> Text:
    broken = int((rows["n_violations"] > 0).sum())
    if broken:
        return Text(f"An independent recomputation does not confirm {count(broken, 'plan')}.", "warning")
    return Text("An independent recomputation from the inputs confirms every figure of every plan.", "good")


def _notices(found: Frontier | Alternatives) -> list[Text]:
    notice = found.plans[0].plan.summary.get("data_notice")
    return [Text(str(notice), "notice")] if notice else []


def _how(found: Frontier | Alternatives) -> str:
    asked = found.study.config.solve.gap
    gap = f"to within the study's gap of {quantity(asked, 'gap')}" if asked else "to the end"
    if isinstance(found, Alternatives):
        complete = (
            "A last search proved that no further plan lies in the band."
            if found.complete
            else "There may be further plans in the band."
        )
        return (
            f"Each plan is the cheapest that differs from those before it, proven {gap}; the order of plans "
            f"closer than that is not. {complete}"
        )
    first = OBJECTIVES[found.objectives[0]].label
    if found.is_exact:
        return "Every search was proven to the end and nothing is left to explore: no efficient plan is missing."
    left = "nothing is left to explore" if found.complete else "between the plans shown there may be further ones"
    return (
        f"Found by minimizing {first} under limits on the rest that move from plan to plan, not by weights. Each "
        f"search is proven {gap}, and {left}."
    )


def _where(found: Frontier | Alternatives, rows: pd.DataFrame, sites: pd.DataFrame) -> Section:
    drawn = frontier_figures.sites_map(sites, len(rows), found.study)
    caption = "Sites that any plan builds; the number says in how many plans, the area shows the largest IT load."
    tiles = frontier_figures.sites_by_plan(sites, rows["plan"].tolist())
    left = (
        f" The first {frontier_figures.MOST_SITES} of {len(sites):,}; all are in sites.csv."
        if len(sites) > frontier_figures.MOST_SITES
        else ""
    )
    return Section(
        "where",
        "Which sites are in which plans",
        blocks(
            Figure("map", drawn, caption, wide=True) if drawn is not None else None,
            Figure("tiles", tiles, f"IT load of each site in the last year of each plan; blank: not built.{left}"),
        ),
    )


def _table(found: Frontier | Alternatives, rows: pd.DataFrame) -> Table:
    named = list(found.objectives) if isinstance(found, Frontier) else ["cost"]
    known = [name for name in OBJECTIVES if name not in named and OBJECTIVES[name].key in rows]
    others = [name for name in known if rows[OBJECTIVES[name].key].abs().max() > 0]
    columns = [Column("plan", "Plan", text=True)]
    for name in (*named, *others):
        objective = OBJECTIVES[name]
        columns.append(
            Column(objective.key, objective.label.capitalize(), unit=UNITS[objective.unit], decimals=DECIMALS[name])
        )
    first = OBJECTIVES[named[0]]
    columns += [
        Column("more_musd", "Above plan 01", unit="M$", decimals=2),
        Column(
            f"bound_{first.key}", f"Proven least {first.label}", unit=UNITS[first.unit], decimals=DECIMALS[named[0]]
        ),
        Column("gap", "Gap"),
        Column("n_sites", "Sites", unit="", decimals=0),
        Column("n_sites_not_in_first", "Not in plan 01", unit="", decimals=0),
        Column("it_mw", "IT load"),
        Column("n_violations", "Violations", unit="", decimals=0),
    ]
    note = "Each plan is complete in the folder plans, under its number."
    return table(rows, columns, "Plans, in order of the first objective", note=note, file="frontier.csv")
