"""Service: when power arrives and how firm it is, what is curtailed, what firmness costs, and who pays whom."""

from __future__ import annotations

import pandas as pd

from optimizer.report.page import Column, Figure, Section, Table, Text, blocks, table
from optimizer.report.service_figures import contract_demand, cost_of_firmness
from optimizer.report.text import quantity
from optimizer.report.view import View

MONTHS_PER_YEAR = 12.0
USD_PER_MUSD = 1e6


def service(view: View) -> Section | None:
    """Return when power arrives, firm or not, and what firmness costs; ``None`` in a study of firm service alone."""
    years, curve, transfers = (view.table(name) for name in ("service_years", "firmness", "transfers"))
    if years.empty and curve.empty and transfers.empty:
        return None
    shown = blocks(
        _answer(view, years),
        _earlier(view, curve),
        _contracts(view, years),
        _curve(view, curve),
        _curve_table(curve),
        _phases(view, years),
        _curtailed(view),
        _dropped(view),
        _transfers(view, transfers),
    )
    return Section("service", "When power arrives, and how firm it is", shown)


def _answer(view: View, years: pd.DataFrame) -> Text | None:
    given = view.plan.config.service
    if years.empty or given is None:
        return None
    worst = years.loc[years["curtailed_share"].astype(float).idxmax()]
    first = int(years["period"].min())
    now = years[years["period"] == first]
    energized = (
        f"In {first}, {quantity(now['contract_mw'].sum(), 'contract_mw')} are energized, "
        f"{quantity(now['firm_mw'].sum(), 'firm_mw')} of them firm."
    )
    energized += _after_outages(view)
    if not given.curtailable_share > 0:
        return Text(f"{energized} Nothing may be curtailed before an outage.")
    if not worst["curtailed_share"] > 0:
        return Text(f"{energized} The study allows {given.curtailable_share:.3%} of a year, and none is curtailed.")
    return Text(
        f"{energized} The campus curtailed most, {worst['site']} in {int(worst['period'])}, is curtailed in "
        f"{worst['curtailed_hours']:,.0f} hours of the year and by "
        f"{worst['curtailed_share']:.3%} of its energy, of {given.curtailable_share:.3%} that the study allows."
    )


def _after_outages(view: View) -> str:
    """What the first outage drops, at most; nothing where the study lets none do so."""
    if view.table("dropped").empty:
        return ""
    if view.dropped_mw.empty:
        return " Load may be dropped after an outage, and none need be."
    (t, h), most = view.dropped_mw.index[0], quantity(view.dropped_mw.iloc[0], "dropped_mw")
    return f" After any outage, non-firm load is dropped at once: at most {most} together, in {h} of {int(t)}."


def _earlier(view: View, curve: pd.DataFrame) -> Text | None:
    demand = view.plan.config.demand
    penalty = None if demand is None else demand.penalty_musd_per_mw_year
    parts, whose = [], "the developer's" if view.is_developer else "the system's"
    if penalty is not None:
        a_month = penalty * USD_PER_MUSD / MONTHS_PER_YEAR
        parts.append(f"The study prices power that comes later at {a_month:,.0f} $/MW-month.")
    if not curve.empty:
        best = curve.iloc[-1]
        if best["earlier_mw_months"] > 0:
            parts.append(
                f"With {best['share']:.2%} curtailable instead of {curve['share'].iloc[0]:.2%}, "
                f"{best['earlier_mw_months']:,.0f} MW-months of delay end, and each is worth "
                f"{best['value_usd_per_mw_month']:,.0f} $/MW-month in {whose} cost."
            )
        else:
            parts.append("No plan of the curve brings power earlier than another.")
    return Text(" ".join(parts)) if parts else None


def _contracts(view: View, years: pd.DataFrame) -> Figure | None:
    if years.empty:
        return None
    drops = not view.table("dropped").empty
    caption = (
        f"Contract demand of all campuses: firm demand is never curtailed{', nor dropped after an outage' * drops}; "
        f"non-firm demand is the least that the year's curtailment{' and outages need' if drops else ' needs'}"
    )
    caption += ", or more where it costs the developer less." if view.is_developer else "."
    return Figure("contract-demand", contract_demand(years, list(view.periods)), caption)


def _curve(view: View, curve: pd.DataFrame) -> Figure | None:
    if curve.empty:
        return None
    drawn = cost_of_firmness(curve, view.plan.config.study.currency_year)
    caption = "What firmness costs: each point is a plan of its own, solved and checked beside this one."
    return Figure("cost-of-firmness", drawn, caption)


def _curve_table(curve: pd.DataFrame) -> Table | None:
    if curve.empty:
        return None
    columns = (
        Column("percent", "May be curtailed", unit="%", decimals=2),
        Column("cost_musd", "Cost"),
        Column("bound_musd", "Proven least"),
        Column("delay_mw_years", "Delay", unit="MW-years", decimals=1),
        Column("curtailed_mwh", "Curtailed", unit="MWh", decimals=0),
        Column("earlier_mw_months", "Earlier", unit="MW-months", decimals=0),
        Column("value_usd_per_mw_month", "Worth", unit="$/MW-month", decimals=0),
    )
    note = "Costs are within the gap of their solves: differences smaller than cost less proven least mean nothing."
    return table(curve.assign(percent=100.0 * curve["share"]), columns, "The cost of firmness", note=note)


def _phases(view: View, years: pd.DataFrame) -> Table | None:
    study = view.plan.study
    if years.empty or study is None:
        return None
    case, ties = study.case, view.table("ties").set_index("site")
    rows = years.sort_values(["site", "period"]).copy()
    rows["added_mw"] = rows["contract_mw"] - rows.groupby("site")["contract_mw"].shift(fill_value=0.0)
    rows["ready_site"] = rows["site"].map(case.sites["earliest"])
    tie = rows["site"].map(ties["tie"]) if len(ties) else rows["site"]
    rows["ready_tie"] = tie.map(case.ties["ready"])
    upgrades = view.table("upgrades")
    begun = upgrades.groupby("in_service")["upgrade"].count() if len(upgrades) else pd.Series(dtype=int)
    rows["upgrades"] = rows["period"].map(begun).fillna(0)
    text = {"period": rows["period"], "ready_site": rows["ready_site"], "ready_tie": rows["ready_tie"]}
    rows = rows.assign(**{name: _years(values) for name, values in text.items()})
    columns = (
        Column("site", "Site", text=True),
        Column("period", "Phase", text=True),
        Column("added_mw", "Added", decimals=1),
        Column("firm_mw", "Firm", decimals=1),
        Column("non_firm_mw", "Non-firm", decimals=1),
        Column("ready_site", "Site ready", text=True),
        Column("ready_tie", "Tie ready", text=True),
        Column("upgrades", "Upgrades that begin to serve", unit="", decimals=0),
    )
    note = (
        "A site is ready when its construction can be done, a tie when study, permit, equipment and line can; a year "
        "of 0 is no wait."
    )
    return table(rows, columns, "Energization by phase", note=note, file="tables/service_years.csv")


def _years(values: pd.Series) -> list[str]:
    return ["" if pd.isna(value) else str(int(value)) for value in values]


def _curtailed(view: View) -> Table | None:
    rows = view.table("service")
    rows = rows[rows["curtailed_mw"] > 0] if len(rows) else rows
    if rows.empty:
        return None
    columns = (
        Column("site", "Site", text=True),
        Column("period", "Period", text=True),
        Column("snapshot", "Snapshot", text=True),
        Column("hours", "Lasts", unit="h/year", decimals=0),
        Column("facility_mw", "Would draw", decimals=1),
        Column("curtailed_mw", "Curtailed", decimals=1),
        Column("backup_mw", "Served by backup", decimals=1),
        Column("deferred_mw", "Put off", decimals=1),
        Column("drawn_mw", "Drawn", decimals=1),
    )
    study = view.plan.study
    if study is not None:
        rows = rows.assign(hours=rows["snapshot"].map(study.case.snapshots["hours"]))
    rows = rows.assign(period=rows["period"].astype(str)).sort_values(["period", "site"], kind="stable")
    return table(rows, columns, "When campuses are curtailed", file="tables/service.csv")


def _dropped(view: View) -> Table | None:
    rows = view.table("dropped")
    rows = rows[rows["dropped_mw"] > 0] if len(rows) else rows
    if rows.empty:
        return None
    columns = (
        Column("site", "Site", text=True),
        Column("period", "Period", text=True),
        Column("snapshot", "Snapshot", text=True),
        Column("drawn_mw", "Drawn before", decimals=1),
        Column("dropped_mw", "Dropped", decimals=1),
        Column("left_mw", "Drawn after", decimals=1),
    )
    note = (
        "The same after any outage, of whatever kind; generators give that much less in proportion to what they can "
        "give. It is the least that the plan's dispatch needs. How often it happens, and what it costs, is not counted."
    )
    rows = rows.assign(period=rows["period"].astype(str)).sort_values(["period", "site"], kind="stable")
    return table(rows, columns, "What outages drop", note=note, file="tables/dropped.csv")


def _transfers(view: View, transfers: pd.DataFrame) -> Table | None:
    rows = transfers[transfers["amount_musd"].abs() > 0] if len(transfers) else transfers
    if rows.empty:
        return None
    columns = (
        Column("account", "What for", text=True),
        Column("payer", "Who pays or forgoes it", text=True),
        Column("period", "Period", text=True),
        Column("amount_musd", "Amount", decimals=2),
    )
    note = "Transfers change who bears the cost, not what it is: none of them is in the objective."
    if view.is_developer:
        note = (
            "The objective is the developer's cost: what load pays is in it, of a deposit its interest; an exit fee is "
            "paid only on leaving, and what others pay is not in it."
        )
    rows = rows.assign(period=rows["period"].astype(str))
    return table(rows, columns, "Transfers by payer", note=note, file="tables/transfers.csv")
