"""Portfolio: how far it is from its limits, what was delivered, and what its campuses are made of."""

from __future__ import annotations

import pandas as pd

from optimizer.report.page import Column, Section, Table, Text, blocks, table
from optimizer.report.text import count, quantity
from optimizer.report.view import View

CLOSE = 1e-6
"""Share of a bound within which a limit counts as reached [-]."""


def portfolio(view: View) -> Section | None:
    """Return limits of the portfolio, deliveries, and what is built ahead of demand."""
    limits, delivered, ahead = view.table("portfolio"), view.table("deliveries"), view.table("build_ahead")
    if limits.empty and delivered.empty and ahead.empty:
        return None
    made = blocks(
        _reached(limits), _limits(limits, len(view.table("racks")) > 0), _deliveries(delivered), _ahead(ahead)
    )
    return Section("portfolio", "Portfolio", made)


def _reached(limits: pd.DataFrame) -> Text | None:
    if limits.empty:
        return None
    at = (limits["value"] - limits["bound"]).abs() <= CLOSE * limits["bound"].abs().clip(lower=1.0)
    return Text(f"{count(int(at.sum()), 'limit')} of {count(len(limits), 'limit')} on the portfolio are reached.")


def _limits(limits: pd.DataFrame, has_racks: bool) -> Table | None:
    if limits.empty:
        return None
    columns = (
        Column("limit", "Limit", text=True),
        Column("element", "Of", text=True),
        Column("period", "Period", text=True),
        Column("value", "Plan", decimals=1),
        Column("bound", "Limit", decimals=1),
        Column("unit", "Unit", text=True),
    )
    rows = limits.assign(period=limits["period"].astype(str))
    note = "What is left without a site or a substation must be at least the limit, everything else at most."
    note += " Shares and what is left are of work, in MW of the best rack of each period." if has_racks else ""
    return table(rows, columns, "Limits of the portfolio", note=note, file="tables/portfolio.csv")


def _deliveries(delivered: pd.DataFrame) -> Table | None:
    if delivered.empty:
        return None
    columns = (
        Column("item", "Item", text=True),
        Column("period", "Period", text=True),
        Column("arriving", "Arriving", decimals=1),
        Column("newly_taken", "Taken by what is new", decimals=1),
        Column("taken", "In all that stands", decimals=1),
    )
    rows = delivered.assign(period=delivered["period"].astype(str))
    return table(rows, columns, "Rationed items by period", file="tables/deliveries.csv")


def _ahead(ahead: pd.DataFrame) -> Table | None:
    if ahead.empty:
        return None
    columns = (
        Column("period", "Period", text=True),
        Column("target_mw", "Asked for", decimals=1),
        Column("built_mw", "In service", decimals=1),
        Column("ahead_mw", "Ahead of demand", decimals=1),
        Column("cost_musd", "Costs"),
    )
    rows = ahead.assign(period=ahead["period"].astype(str))
    note = "The part of the cost of blocks and cooling that capacity beyond the target has, in present value."
    return table(rows, columns, "Capacity built ahead of demand", note=note, file="tables/build_ahead.csv")


def work(view: View) -> Section | None:
    """Return which racks do the work and what programmes of efficiency avoid."""
    racks, avoided = view.table("racks"), view.table("efficiency")
    if racks.empty and avoided.empty:
        return None
    return Section("work", "Work and efficiency", blocks(_racks(racks), _avoided(avoided)))


def _racks(racks: pd.DataFrame) -> Table | None:
    if racks.empty:
        return None
    columns = (
        Column("rack", "Generation", text=True),
        Column("period", "Period", text=True),
        Column("it_mw", "IT load", decimals=1),
        Column("counted_mw", "As the period's best rack", decimals=1),
        Column("cost_musd", "Racks"),
    )
    rows = racks.groupby(["rack", "period"], as_index=False)[["it_mw", "counted_mw", "cost_musd"]].sum()
    rows = rows.assign(period=rows["period"].astype(str))
    note = (
        "A MW of an older generation does less work; the third number is the load that the best rack would take for it."
    )
    return table(rows, columns, "Racks by generation", note=note, file="tables/racks.csv")


def _avoided(avoided: pd.DataFrame) -> Table | None:
    if avoided.empty:
        return None
    columns = (
        Column("programme", "Programme", text=True),
        Column("period", "Period", text=True),
        Column("units", "Units avoided", decimals=1),
        Column("avoided_mw", "IT load avoided", decimals=1),
        Column("cost_musd", "Costs"),
    )
    rows = avoided.assign(period=avoided["period"].astype(str))
    return table(rows, columns, "Demand that is avoided", file="tables/efficiency.csv")


def _counted(view: View) -> str:
    if len(view.table("equipment")):
        return "is an account of this plan, over its own life"
    return "is in no account of this plan"


def equipment(view: View) -> Section | None:
    """Return what the IT of each site costs, where it is an account of the plan."""
    made = view.table("equipment")
    if made.empty:
        return None
    last = made[made["period"] == view.last_period]
    text = (
        f"IT equipment is an account of the cost: {quantity(made['cost_musd'].sum(), 'cost_musd')} in present value "
        f"over all periods, and {quantity(last['investment_musd'].sum(), 'investment_musd')} once for what stands in "
        f"{view.last_period}, which limits on investment hold too."
    )
    columns = (
        Column("site", "Site", text=True),
        Column("period", "Period", text=True),
        Column("it_mw", "IT load", decimals=1),
        Column("it_cost_musd_per_mw", "Outfit", unit="M$/MW", decimals=2),
        Column("investment_musd", "Once"),
        Column("cost_musd", "Present value"),
    )
    rows = made.assign(period=made["period"].astype(str))
    shown = table(rows, columns, "IT equipment by site", file="tables/equipment.csv")
    return Section("equipment", "IT equipment", blocks(Text(text), shown))


def facilities(view: View) -> Section | None:
    """Return what the campuses of the last period are made of."""
    made = view.table("facilities")
    rows = made[made["period"] == view.last_period] if len(made) else made
    if rows.empty:
        return None
    said = [
        f"{view.last_period}: the sites employ about {rows['staff_people'].sum():,.0f} people.",
        f"Their making, with one outfit of IT, emits {rows['embodied_t'].sum():,.0f} t CO₂e.",
        f"IT that reaches its life leaves {rows['ewaste_t_per_year'].sum():,.0f} t of e-waste a year.",
        f"An outfit of IT costs {quantity(rows['it_musd'].sum(), 'it_musd')}, which {_counted(view)}.",
    ]
    facts = ("staff_people", "embodied_t", "ewaste_t_per_year", "it_musd")
    text = " ".join(sentence for sentence, fact in zip(said, facts, strict=True) if rows[fact].notna().any())
    if rows[list(facts)].isna().any(axis=None):
        text += " Of what is left empty the study knows nothing."
    columns = (
        Column("site", "Site", text=True),
        Column("site_musd", "Site"),
        Column("land_musd", "Land"),
        Column("shell_musd", "Shell"),
        Column("electrical_musd", "Electrical"),
        Column("other_musd", "Rent, launch"),
        Column("mechanical_musd", "Cooling"),
        Column("it_musd", "IT"),
        Column("staff_people", "Staff", decimals=0),
        Column("embodied_t", "Embodied carbon", unit="t CO₂e", decimals=0),
        Column("ewaste_t_per_year", "E-waste", unit="t/year", decimals=0),
    )
    note = "Shares and masses are those of the archetype of the study or of the site, most of them not verified."
    shown = table(rows, columns, "What the campuses are made of", note=note, file="tables/facilities.csv")
    return Section("facilities", "Facilities", blocks(Text(text.strip()), shown))
