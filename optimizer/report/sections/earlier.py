"""What earlier power is worth: plans in which it comes earlier or later, against this one."""

from __future__ import annotations

import pandas as pd

from optimizer.config.earlier import earlier_name
from optimizer.report.earlier_figure import gained_by_months
from optimizer.report.page import Column, Figure, Section, Table, Text, blocks, table
from optimizer.report.text import quantity, words
from optimizer.report.view import View


def earlier_power(view: View) -> Section | None:
    """Return what a MW-month of earlier power is worth; ``None`` where no plan beside this one moves it."""
    rows, asked = view.table("earlier_power"), view.plan.config.report.earlier_months
    if rows.empty or not (asked or (rows["earlier_mw_months"].abs() > 0).any()):
        return None
    return Section(
        "earlier-power",
        "What earlier power is worth",
        blocks(_answer(rows), _curve(view, rows), _table(rows)),
    )


def _answer(rows: pd.DataFrame) -> Text:
    sooner = rows[rows["earlier_mw_months"] > 0]
    if sooner.empty:
        gained = rows.loc[rows["gained_musd"].idxmax()]
        return Text(
            "No plan beside this one serves anything earlier than this one does; the best of them, "
            f"{words(gained['scenario'])}, is worth {quantity(gained['gained_musd'], 'gained_musd')}."
        )
    best = sooner.loc[sooner["earlier_mw_months"].idxmax()]
    return Text(
        f"The plan {words(best['scenario'])} serves {best['earlier_mw_months']:,.0f} MW-months that this one does not, "
        f"and is worth {quantity(best['gained_musd'], 'gained_musd')} more: "
        f"{best['value_usd_per_mw_month']:,.0f} $ for each MW-month of earlier power."
    )


def _curve(view: View, rows: pd.DataFrame) -> Figure | None:
    months = view.plan.config.report.earlier_months
    by_name = rows.set_index("scenario")
    points = [(one, by_name.loc[earlier_name(one)]) for one in months if earlier_name(one) in by_name.index]
    if not points:
        return None
    drawn = gained_by_months(
        [one for one, _ in points],
        [float(row["gained_musd"]) for _, row in points],
        [float(row["earlier_mw_months"]) for _, row in points],
        view.plan.config.study.currency_year,
    )
    caption = (
        "What shorter lead times are worth: each point is a plan of its own, in which every lead time is so many "
        "months shorter. Years are whole, so that the curve has steps."
    )
    return Figure("earlier-power", drawn, caption)


def _table(rows: pd.DataFrame) -> Table:
    columns = (
        Column("scenario", "Plan", text=True),
        Column("cost_musd", "Cost"),
        Column("delay_mw_years", "Delay", unit="MW-years", decimals=1),
        Column("earlier_mw_months", "Earlier", unit="MW-months", decimals=0),
        Column("gained_musd", "Better by"),
        Column("value_usd_per_mw_month", "Worth", unit="$/MW-month", decimals=0),
    )
    note = (
        "Against this plan. A plan differs in more than the time of its power where its scenario changes more; "
        "differences within the gap of the solves mean nothing."
    )
    shown = rows.assign(scenario=rows["scenario"].map(words))
    return table(shown, columns, "Earlier power, and what it is worth", note=note, file="tables/earlier_power.csv")
