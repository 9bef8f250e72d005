"""Where: the map, the chosen sites, and their growth."""

from __future__ import annotations

from optimizer.report import charts, maps
from optimizer.report.page import Column, Figure, Section, Text, blocks, table
from optimizer.report.text import listing, quantity, words
from optimizer.report.view import View


def the_map(view: View) -> Section | None:
    """Return the map of the plan."""
    figure = maps.plan_map(view)
    if figure is None:
        return None
    loading = "the loading of lines (highest of any operating condition of the last period)"
    caption = (
        f"The area of a circle is the site's IT load in {view.last_period}. The buttons switch between the plan, "
        f"{loading} and the land: which of it is a candidate, and by which rule the rest is refused. "
        if view.plan.config.demand is not None
        else f"The buttons switch between the plan and {loading}. "
    )
    caption += (
        "Click an entry of the legend to switch a layer; hover for "
        "values; drag a box to zoom in, double-click to zoom out. Equal-area projection; lines are drawn straight."
    )
    missing = Text(
        "The inputs of the study are not at hand: lines, buses, counties and refused land are not drawn.", "warning"
    )
    return Section(
        "map", "Map", blocks(missing if view.plan.study is None else None, Figure("map", figure, caption, wide=True))
    )


def chosen_sites(view: View) -> Section | None:
    """Return the tables of chosen sites: connection and growth, then cooling, water and land."""
    if view.sites.empty:
        return None
    rows = view.sites.reset_index().assign(cooling=lambda t: t["cooling"].map(words), water_stress=view.water_stress())
    rows = rows.assign(bus=rows["bus"].map(view.bus), basin=rows["basin"].map(view.short_basin))
    name: tuple[Column, ...] = (
        Column("rank", "#", decimals=0, unit=""),
        Column("site", "Site", text=True),
        Column("county", "County", text=True),
    )
    rows["kind"] = rows["site"].map(view.kinds)
    if (~rows["kind"].isin(("", "campus"))).any():
        name += (Column("kind", "Kind", text=True),)
    growth = tuple(Column(f"it_mw_{period}", f"IT {period}", unit="MW", decimals=0) for period in view.periods)
    connection: tuple[Column, ...] = (
        Column("facility_mw", "Facility"),
        Column("bus", "Point of interconnection", text=True),
        Column("base_kv", "Voltage"),
        Column("tie_km", "Tie"),
        Column("cost_musd", "Cost"),
    )
    note = ""
    known = view.table("reactive_support")
    if not known.empty:
        rows["reactive_support"] = rows["site"].map(known.set_index("site")["reactive_support"]).fillna("")
        connection += (Column("reactive_support", "Reactive support", text=True),)
        note = " Reactive support: as the tables of ties and buses say; the model computes no voltage."
    climate: tuple[Column, ...] = (
        Column("cooling", "Cooling", text=True),
        Column("pue_annual", "PUE, year"),
        Column("pue_hot_day", "PUE, hot day"),
        Column("basin", "Water region", text=True),
        Column("water_stress", "Water stress", text=True),
        Column("water_m3_day", "Water"),
        Column("area_ha", "Land"),
        Column("emissions_t_per_year", "Emissions"),
    )
    halls = view.halls
    if not halls.empty:
        made_of = {column: rows["site"].map(halls[column]) for column in halls.columns}
        rows = rows.assign(**made_of | {"archetype": made_of["archetype"].map(words)})
        climate = (
            Column("archetype", "Archetype", text=True),
            Column("rack_density_kw", "Rack", unit="kW", decimals=0),
            Column("utilization_share", "IT use", decimals=0),
            *climate,
        )
    total = {f"it_mw_{period}": rows[f"it_mw_{period}"].sum() for period in view.periods}
    total |= {"site": "All sites", "cost_musd": rows["cost_musd"].sum()}
    sums = {"site": "All sites"} | {c: rows[c].sum() for c in ("water_m3_day", "area_ha", "emissions_t_per_year")}
    year = view.plan.config.study.currency_year
    return Section(
        "sites",
        "Chosen sites",
        blocks(
            _by_archetype(view),
            table(
                rows,
                (*name, *growth, *connection),
                "Size and connection, largest first",
                note=f"Cost: present value of the site, its tie, cooling and water over all periods, {year} dollars. "
                f"Facility: IT load times PUE, in the operating condition where that is highest.{note}",
                total=total,
            ),
            table(
                rows,
                (*name[:2], *climate),
                f"Cooling, water and land in {view.last_period}",
                note="PUE: facility power over IT power. Water and emissions: at the mean use of the IT capacity."
                + (
                    ""
                    if halls.empty
                    else " Archetype, rack and IT use: the site's, where its table gives them, else the study's."
                ),
                total=sums,
            ),
        ),
    )


def _by_archetype(view: View) -> Text | None:
    """IT capacity of each archetype, where sites differ in theirs."""
    known = view.halls["archetype"]
    sums = view.sites["it_mw"].groupby(known, sort=True).sum().sort_values(ascending=False, kind="stable")
    if len(sums) < 2:
        return None
    parts = [f"{words(name) or 'without archetype'} {quantity(mw, 'it_mw')}" for name, mw in sums.items()]
    return Text(f"IT load by archetype in {view.last_period}: {listing(parts)}.")


def capacity_by_year(view: View) -> Section | None:
    """Return the chart of capacity by year."""
    figure = charts.capacity(view)
    if figure is None:
        return None
    mark = "dashed line" if len(view.periods) > 1 else "black mark"
    asked = f"Capacity is built in whole blocks and never removed; the {mark} is what the study asks for"
    demand = view.plan.config.demand
    if demand is not None and demand.work:
        # What is built has another unit: older racks count for less, and programmes avoid some of it.
        asked += ", in MW of the best rack of each period"
    text = Text(f"{asked}.", "quiet")
    return Section(
        "capacity", "Capacity by year", blocks(Figure("capacity", figure, "IT load in service, by site."), text)
    )
