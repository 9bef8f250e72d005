"""Supply: what stands on site, what plants beside campuses give them, and the margin of every zone."""

from __future__ import annotations

import pandas as pd

from optimizer.report.page import Column, Section, Table, Text, blocks, table
from optimizer.report.text import count, quantity
from optimizer.report.view import View


def supply(view: View) -> Section | None:
    """Return what campuses supply themselves, what the grid loses, and whether zones are adequate."""
    asked = view.plan.config.supply is not None or view.plan.config.adequacy is not None
    own, direct, zones = view.table("supply"), view.table("colocation"), view.table("adequacy")
    if not asked or (own.empty and direct.empty and zones.empty):
        return None
    return Section(
        "supply",
        "Supply on site and adequacy",
        blocks(_said(view, own), _standing(own), _lost(direct), _direct(direct), _zones(zones)),
    )


def _said(view: View, own: pd.DataFrame) -> Text:
    now = own[own["period"] == view.last_period] if len(own) else own
    if now.empty:
        return Text(f"In {view.last_period} no campus has supply of its own.")
    energy = float(now.loc[now["energy_mwh"] == 0, "output_mwh_per_year"].sum()) / 1e6
    tie = "relieves its tie" if _is_firm(view) else "does not relieve its tie, which carries all that a campus draws"
    campuses = count(now["site"].nunique(), "campus", "campuses")
    return Text(
        f"In {view.last_period}, {campuses} generate {energy:,.2f} TWh a year of what they use, with "
        f"{quantity(now['capacity_mw'].sum(), 'capacity_mw')} on site at a present value of "
        f"{quantity(own['cost_musd'].sum(), 'cost_musd')} over all periods. Own supply {tie}."
    )


def _is_firm(view: View) -> bool:
    settings = view.plan.config.supply
    return settings is not None and settings.counts_as_firm


def _standing(own: pd.DataFrame) -> Table | None:
    if own.empty:
        return None
    columns = (
        Column("site", "Site", text=True),
        Column("technology", "Technology", text=True),
        Column("period", "Period", text=True),
        Column("capacity_mw", "Capacity", decimals=1),
        Column("energy_mwh", "Storage", unit="MWh", decimals=0),
        Column("output_mwh_per_year", "Output", unit="MWh/year", decimals=0),
        Column("cost_musd", "Cost", decimals=1),
        Column("land_ha", "Land", decimals=1),
        Column("emissions_t_per_year", "Emissions", unit="t/year", decimals=0),
    )
    rows = own.assign(period=own["period"].astype(str))
    return table(rows, columns, "What stands on site", file="tables/supply.csv")


def _lost(direct: pd.DataFrame) -> Text | None:
    if direct.empty:
        return None
    plants = ", ".join(sorted(set(direct["generator"])))
    return Text(
        f"Campuses behind one meter with {plants} take up to {quantity(direct['direct_mw'].max(), 'direct_mw')} of its "
        "output directly. The grid loses that: other generators give it instead, and their cost is in the plan's."
    )


def _direct(direct: pd.DataFrame) -> Table | None:
    if direct.empty:
        return None
    columns = (
        Column("site", "Site", text=True),
        Column("generator", "Beside", text=True),
        Column("period", "Period", text=True),
        Column("snapshot", "Snapshot", text=True),
        Column("direct_mw", "To the campus", decimals=1),
        Column("to_grid_mw", "Left to the grid", decimals=1),
    )
    rows = direct.assign(period=direct["period"].astype(str))
    return table(rows, columns, "Plants beside campuses", file="tables/colocation.csv")


def _zones(zones: pd.DataFrame) -> Table | None:
    if zones.empty:
        return None
    columns = (
        Column("zone", "Zone", text=True),
        Column("period", "Period", text=True),
        Column("peak_mw", "Peak", decimals=0),
        Column("accredited_mw", "Existing capacity", decimals=0),
        Column("own_accredited_mw", "On site", decimals=0),
        Column("import_mw", "Imports", decimals=0),
        Column("margin", "Margin", unit="-", decimals=3),
    )
    rows = zones.assign(period=zones["period"].astype(str), zone=zones["zone"].replace("", "all"))
    return table(rows, columns, "Accredited capacity over the peak of each zone", file="tables/adequacy.csv")
