"""New circuits: which are built, and what was on offer."""

from __future__ import annotations

from optimizer.report.page import Column, Section, Text, blocks, table
from optimizer.report.text import count, listing, quantity
from optimizer.report.view import View


def new_circuits(view: View) -> Section | None:
    """Return the new circuits of the plan; ``None`` where the study offers none."""
    if "circuits" not in view.plan.tables:
        return None
    built, title = view.table("circuits"), "New circuits"
    if built.empty:
        return Section("circuits", title, (Text("None is built: the network does without."),))
    units, cost = int(built["count"].sum()), quantity(built["cost_musd"].sum(), "cost_musd")
    text = (
        f"{count(units, 'circuit')} are built" if units != 1 else "One circuit is built"
    ) + f", at {cost} once. New circuits change how power divides over the network; "
    text += (
        "flows and outages were checked in the network of each period, and a built circuit can be out like any other."
    )
    old = sorted(set(built["replaces"]) - {""})
    if old:
        text += (
            f" {count(len(old), 'existing branch', 'existing branches')} {'is' if len(old) == 1 else 'are'} replaced."
        )
    text += _anyway(view)
    rows = built.assign(
        from_bus=built["from_bus"].map(view.bus),
        to_bus=built["to_bus"].map(view.bus),
        in_service=built["in_service"].astype(str),
    )
    columns = (
        Column("circuit", "Circuit", text=True),
        Column("from_bus", "From", text=True),
        Column("to_bus", "To", text=True),
        Column("kind", "Kind", text=True),
        *((Column("replaces", "Replaces", text=True),) if old else ()),
        Column("count", "Units", unit="", decimals=0),
        Column("rating_mw", "Rating of one"),
        Column("in_service", "In service", text=True),
        Column("cost_musd", "One-time cost", decimals=1),
        Column("annuity_musd", "Cost a year", decimals=2),
    )
    total = {"circuit": "All circuits"} | {c: rows[c].sum() for c in ("count", "cost_musd", "annuity_musd")}
    return Section("circuits", title, blocks(Text(text), table(rows, columns, "New circuits", total=total)))


def _anyway(view: View) -> str:
    """What the network needs without the new load too."""
    needed = view.table("baseline_circuits")
    if needed.empty:
        return ""
    units = needed.groupby("circuit", sort=True)["count"].sum()
    names = listing([circuit if n == 1 else f"{n:,} × {circuit}" for circuit, n in units.items()])
    return f" The network without the new load needs circuits too, which its cost (the baseline) has in it: {names}."
