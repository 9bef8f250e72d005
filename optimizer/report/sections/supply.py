"""Supply: what stands on site, what plants beside campuses give them, and the margin of every zone."""

from __future__ import annotations

import pandas as pd

from optimizer.plan.tables import empty_table
from optimizer.report.page import Column, Figure, Section, Table, Text, blocks, table
from optimizer.report.supply_figure import supply_through_the_day
from optimizer.report.text import count, quantity
from optimizer.report.view import View


def supply(view: View) -> Section | None:
    """Return what campuses supply themselves, what the grid loses, and whether zones are adequate."""
    asked = view.plan.config.supply is not None or view.plan.config.adequacy is not None
    own, direct, zones = view.table("supply"), view.table("colocation"), view.table("adequacy")
    counted = view.table("generators")
    if not (asked or len(counted)) or (own.empty and direct.empty and zones.empty and counted.empty):
        return None
    return Section(
        "supply",
        "Supply on site and adequacy",
        blocks(
            _said(view, own),
            _output(view),
            _standing(own),
            _gas_lines(view),
            _counted(counted),
            _lost(direct),
            _direct(direct),
            _zones(zones),
        ),
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


def _output(view: View) -> Figure | None:
    """What supply of the last period gives through each day, with what plants beside campuses give them."""
    rows, direct = (_last(view, name) for name in ("supply_output", "colocation"))
    settings = view.plan.config.supply
    if settings is None or (rows.empty and direct.empty):
        return None
    given = rows.pivot_table(index="snapshot", columns="technology", values="output_mw", aggfunc="sum", sort=False)
    beside = direct.groupby("snapshot", sort=False)["direct_mw"].sum()
    if len(beside) and (beside > 0).any():
        given = given.reindex(given.index.union(beside.index)).assign(**{"plant beside": beside})
    taken = rows.groupby("snapshot", sort=False)["charge_mw"].sum()
    days = tuple(tuple(zip(day.snapshots, day.hours, strict=False)) for day in settings.order)
    sites = {*rows["site"], *direct["site"]}
    drawn = _drawn_mw(view, sites)
    figure = supply_through_the_day(given.fillna(0.0).astype(float), taken.astype(float), drawn, days)
    caption = (
        f"What supply of campuses gives in {view.last_period}, all {count(len(sites), 'campus', 'campuses')} that have "
        "any together. "
    )
    caption += "What storage takes is below the axis, what it gives back above. " if (taken > 0).any() else ""
    rest = "comes from the grid, or is curtailed" if len(view.table("service")) else "comes from the grid"
    caption += f"The black line is what they draw: the rest {rest}. " if len(drawn) else ""
    caption += "Days that repeat stand apart, each snapshot as wide as it lasts." if days else ""
    return Figure("supply-output", figure, caption.strip())


def _last(view: View, name: str) -> pd.DataFrame:
    """Rows of a table in the last period, with its columns where there are none."""
    rows = view.table(name)
    return empty_table(name) if rows.empty else rows[rows["period"] == view.last_period]


def _drawn_mw(view: View, sites: set[str]) -> pd.Series:
    """Facility power of these campuses in the last period by snapshot; empty without the study [MW]."""
    placed = view.table("sites")
    placed = placed[(placed["period"] == view.last_period) & placed["site"].isin(sites)]
    if view.plan.study is None or placed.empty:
        return pd.Series(dtype=float)
    pue = view.plan.study.case.pue.loc[pd.MultiIndex.from_frame(placed[["site", "cooling"]])]
    return pue.mul(placed["it_mw"].to_numpy(float), axis=0).sum()


def _gas_lines(view: View) -> Table | None:
    lines = view.table("gas_lines")
    if lines.empty:
        return None
    km = _gas_line_km(view)
    columns = (
        Column("site", "Site", text=True),
        Column("in_service", "In service", text=True),
        *([Column("length_km", "Length", decimals=1)] if km is not None else ()),
        Column("cost_musd", "Once", decimals=1),
        Column("annuity_musd", "By year", unit="M$/year", decimals=2),
    )
    rows = lines.assign(in_service=lines["in_service"].astype(str))
    if km is not None:
        rows["length_km"] = lines["site"].map(km).astype(float)
    note = "The cost is in the account of supply."
    return table(rows, columns, "Gas lines to campuses", note=note, file="tables/gas_lines.csv")


def _gas_line_km(view: View) -> pd.Series | None:
    """Length of the gas line of each of the user's sites; ``None`` without their table."""
    study = view.plan.study
    return None if study is None or study.own is None else study.own.sites["gas_line_km"]


def _counted(generators: pd.DataFrame) -> Table | None:
    if generators.empty:
        return None
    columns = (
        Column("site", "Site", text=True),
        Column("period", "Period", text=True),
        Column("own_units", "Own supply", unit="", decimals=0),
        Column("backup_units", "Backup", unit="", decimals=0),
        Column("max_units", "Allowed together", unit="", decimals=0),
    )
    rows = generators.assign(period=generators["period"].astype(str))
    note = "Technologies that come in any size, and stores, are not counted; part of a backup generator counts as one."
    return table(rows, columns, "Generators by site", note=note, file="tables/generators.csv")


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
