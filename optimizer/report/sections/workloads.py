"""Workloads: who serves whom, what is not served, and what orbit would have to cost."""

from __future__ import annotations

import pandas as pd

from optimizer.report.page import Column, Figure, Section, Table, Text, blocks, table
from optimizer.report.text import count, quantity
from optimizer.report.view import View
from optimizer.report.workload_figures import service_map

BREAK_EVEN = "break_even_launch_usd_per_kg"


def workloads(view: View) -> Section | None:
    """Return who serves whom in the last period, what is not served, and the break-even of orbit."""
    demand, served = view.table("workload_demand"), view.table("workloads")
    if demand.empty:
        return _orbit_alone(view)
    now = demand[demand["period"] == view.last_period]
    rows = served[served["period"] == view.last_period] if len(served) else served
    text = (
        f"In {view.last_period}, {count(rows['site'].nunique() if len(rows) else 0, 'site')} serve "
        f"{quantity(now['served_mw'].sum(), 'it_mw')} of the {quantity(now['target_mw'].sum(), 'it_mw')} that "
        f"{count(now['region'].nunique(), 'region')} ask for."
    )
    return Section(
        "workloads",
        "Who serves whom",
        blocks(Text(text), _value(view), _map(view, rows), _orbit(view), _served(rows), _unserved(demand)),
    )


def _value(view: View) -> Text | None:
    value = view.summary.get("objectives", {}).get("net_present_value_musd")
    if value is None:
        return None
    earned = view.table("workloads")["revenue_musd"].sum()
    return Text(
        f"What is served earns {quantity(earned, 'revenue_musd')} in present value; less all costs that is a net "
        f"present value of {quantity(value, 'value_musd')}."
    )


def _map(view: View, rows: pd.DataFrame) -> Figure | None:
    study = view.plan.study
    if study is None or study.workload_tables is None or rows.empty:
        return None
    regions = study.workload_tables.demand[["region", "lat", "lon"]].dropna().drop_duplicates("region")
    sites = pd.DataFrame(study.candidates.sites)
    drawn = service_map(rows, sites, regions.set_index("region").reindex(sorted(set(rows["region"]))))
    if drawn is None:
        return None
    caption = (
        f"Who serves whom in {view.last_period}: lines are as wide as what they carry, their colour is the workload. "
        "What has no place, such as orbit, is not drawn."
    )
    return Figure("workloads", drawn, caption, wide=True)


def _orbit_alone(view: View) -> Section | None:
    """Where orbit competes for a total target there is nothing else to say of it."""
    text = _orbit(view)
    return None if text is None else Section("orbit", "Capacity in orbit", (text,))


def _orbit(view: View) -> Text | None:
    orbit = view.plan.config.orbit
    if orbit is None or BREAK_EVEN not in view.summary:
        return None
    price = view.summary[BREAK_EVEN]
    if price is None:
        return Text("No launch price was found at which capacity in orbit breaks even.", "quiet")
    return Text(
        f"Capacity in orbit breaks even at a launch price of {price:,.0f} $/kg: up to that price a plan with it is "
        f"cheaper than the best without, and at that price none is, which a solve has proven. The study says "
        f"{orbit.launch_usd_per_kg:,.0f} $/kg."
    )


def _served(rows: pd.DataFrame) -> Table | None:
    if rows.empty:
        return None
    columns = (
        Column("region", "Region", text=True),
        Column("workload", "Workload", text=True),
        Column("site", "Served by", text=True),
        Column("served_mw", "Served", decimals=1),
        Column("rtt_ms", "Round trip", unit="ms", decimals=1),
        Column("cost_musd", "Network"),
        Column("revenue_musd", "Revenue"),
    )
    ordered = rows.sort_values(["region", "workload", "served_mw"], ascending=[True, True, False], kind="stable")
    return table(ordered, columns, "Who serves whom in the last period", file="tables/workloads.csv")


def _unserved(demand: pd.DataFrame) -> Table | None:
    short = demand[demand["unserved_mw"] > 0]
    if short.empty:
        return None
    columns = (
        Column("region", "Region", text=True),
        Column("workload", "Workload", text=True),
        Column("period", "Period", text=True),
        Column("target_mw", "Asked for", decimals=1),
        Column("unserved_mw", "Not served", decimals=1),
        Column("penalty_musd", "At a price of"),
    )
    rows = short.assign(period=short["period"].astype(str))
    return table(rows, columns, "Demand that is not served", file="tables/workload_demand.csv")
