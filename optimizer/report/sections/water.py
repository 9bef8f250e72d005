"""Water: withdrawal against the limit of every water region."""

from __future__ import annotations

from optimizer.report import charts
from optimizer.report.page import Column, Details, Figure, Section, Text, blocks, table
from optimizer.report.text import quantity, words
from optimizer.report.view import View


def water(view: View) -> Section | None:
    """Return water by region: the chart of the last period, the table of all, and the sources."""
    use = view.table("water")
    taken = use[use["withdrawal_m3_day"] > 0] if len(use) else use
    if taken.empty:
        return None
    last = taken[taken["period"] == view.last_period]
    share = view.plan.config.water.withdrawal_share
    text = (
        f"The campuses withdraw {quantity(last['withdrawal_m3_day'].sum(), 'water_m3_day')} in {view.last_period}. "
        f"The limit is {quantity(share, 'withdrawal_share')} of what each region's sources can still give."
    )
    if view.plan.config.water.source:
        text += " Sources of the study's own give all that they can."
    rows = taken.assign(
        basin=taken["basin"].map(view.basin),
        period=taken["period"].astype(str),
        used_share=taken["withdrawal_m3_day"] / taken["limit_m3_day"],
    )
    columns = (
        Column("basin", "Water region", text=True),
        Column("period", "Period", text=True),
        Column("withdrawal_m3_day", "Withdrawal"),
        Column("limit_m3_day", "Limit"),
        Column("used_share", "Used"),
    )
    return Section(
        "water",
        "Water",
        blocks(
            Text(text),
            Figure(
                "water",
                charts.water_use(last.assign(basin=last["basin"].map(view.short_basin))),
                f"Water regions that are used in {view.last_period}.",
            )
            if len(last)
            else None,
            table(rows, columns, "Water by region and period"),
            _sources(view),
            _electricity(view),
        ),
    )


def _electricity(view: View) -> Details | None:
    """Water behind the electricity, where the study asks for it."""
    behind = view.table("electricity_water")
    if behind.empty:
        return None
    columns = (
        Column("site", "Site", text=True),
        Column("period", "Period", text=True),
        Column("factor_m3_per_mwh", "Behind a MWh", unit="m3/MWh", decimals=2),
        Column("site_m3_day", "At the site"),
        Column("indirect_m3_day", "Behind its electricity"),
        Column("source_m3_day", "Together"),
    )
    rows = behind.assign(period=behind["period"].astype(str))
    note = (
        "Consumed where the electricity is generated, on a mean day: IT load times mean use, PUE and an average of the "
        "generation, in part not verified. It is reported only: no decision rests on it, and no limit."
    )
    caption = "Water at the site and behind its electricity"
    shown = table(rows, columns, caption, note=note, file="tables/electricity_water.csv")
    return Details("Water behind the electricity", (shown,))


def _sources(view: View) -> Details | None:
    sources = view.table("water_sources")
    used = sources[sources["withdrawal_m3_day"] > 0] if len(sources) else sources
    if used.empty:
        return None
    columns = (
        Column("basin", "Water region", text=True),
        Column("source", "Source", text=True),
        Column("period", "Period", text=True),
        Column("withdrawal_m3_day", "Withdrawal"),
        Column("available_m3_day", "Available"),
        Column("price_usd_per_m3", "Price"),
    )
    rows = used.assign(
        basin=used["basin"].map(view.basin), source=used["source"].map(words), period=used["period"].astype(str)
    )
    return Details("Water by source", (table(rows, columns, "Sources drawn on", file="tables/water_sources.csv"),))
