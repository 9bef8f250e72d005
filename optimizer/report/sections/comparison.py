"""The plan beside the plans of other scenarios of the study, such as one without security."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.report import maps
from optimizer.report.page import Column, Details, Figure, Section, Text, blocks, table
from optimizer.report.sections.network import loading_columns, loading_rows
from optimizer.report.text import count, listing, quantity, words
from optimizer.report.view import View

_MOST_LIMITS = 15


def compared(view: View) -> Section | None:
    """Return the comparison with every scenario that was solved beside the plan."""
    items: list[Any] = []
    for i, (name, plan) in enumerate(sorted(view.plan.scenarios.items())):
        items += _scenario(view, View(plan), name, i)
    return Section("comparison", _title(view), tuple(items)) if items else None


def _title(view: View) -> str:
    return f"Compared with: {listing(words(name) for name in sorted(view.plan.scenarios))}"


def _scenario(view: View, other: View, name: str, number: int) -> list[Any]:
    if not other.plan.has_plan:
        return [Text(f"The scenario {words(name)} has no plan ({words(other.summary['status'])}).", "warning")]
    broken = view.table("comparison_limits")
    broken = broken[broken["scenario"] == name] if len(broken) else broken
    figure = maps.comparison_map(view, other, words(name), broken)
    caption = (
        f"Filled circles: this plan. Open circles: the plan {words(name)}, on the same scale. Thick red lines: "
        "branches whose limits in this study the other plan breaks."
    )
    return list(
        blocks(
            Text(_difference(view, other, name)),
            Text(_broken(view, broken, name), "" if broken.empty else "warning"),
            Figure(f"comparison_{number}", figure, caption, wide=True) if figure is not None else None,
            _sites(view, other, name),
            *_limits(view, broken, name),
        )
    )


def _difference(view: View, other: View, name: str) -> str:
    here, there = set(view.sites.index), set(other.sites.index)
    saved = float(view.summary["objective_musd"]) - float(other.summary["objective_musd"])
    cost = (
        "costs the same"
        if abs(saved) < 0.05
        else f"costs {quantity(abs(saved), 'cost_musd')} {'less' if saved > 0 else 'more'}"
    )
    both = here & there
    same_size = sum(_mw(view, site) == _mw(other, site) for site in both)
    return (
        f"The plan {words(name)} {cost}. It builds {count(len(there), 'site')}: {len(both)} of this plan's {len(here)} "
        f"({same_size} at the same size) and {len(there - here)} elsewhere."
    )


def _mw(view: View, site: Any) -> float:
    return round(float(view.sites["it_mw"].get(site, 0.0)), 3)


def _broken(view: View, broken: pd.DataFrame, name: str) -> str:
    if broken.empty:
        return f"The plan {words(name)} breaks no limit of this study."
    outages = broken.loc[broken["contingency"].fillna("") != "", "contingency"].nunique()
    worst = broken.sort_values("loading", ascending=False, kind="stable").iloc[0]
    after = f", after {count(outages, 'outage')}" if outages else ""
    limits = count(broken["branch"].nunique(), "branch limit")
    flow, limit = quantity(abs(worst["flow_mw"]), "flow_mw"), quantity(worst["limit_mw"], "limit_mw")
    return (
        f"These limits make the difference: the plan {words(name)} breaks {limits}{after} ({len(broken):,} times in "
        f"all periods and operating conditions). The worst: branch {view.branch(worst['branch'])} would carry {flow}, "
        f"its limit is {limit} ({worst['period']}, {words(worst['snapshot'])})."
    )


def _sites(view: View, other: View, name: str) -> Any:
    sites = sorted({*view.sites.index, *other.sites.index}, key=lambda s: (-max(_mw(view, s), _mw(other, s)), str(s)))
    county = pd.concat(
        [view.sites.get("county", pd.Series(dtype=str)), other.sites.get("county", pd.Series(dtype=str))]
    )
    county = county[~county.index.duplicated()]
    rows = pd.DataFrame(
        {
            "site": sites,
            "county": [county.get(s, "") for s in sites],
            "here_mw": [_mw(view, s) for s in sites],
            "there_mw": [_mw(other, s) for s in sites],
        }
    )
    rows["difference_mw"] = rows["there_mw"] - rows["here_mw"]
    columns = (
        Column("site", "Site", text=True),
        Column("county", "County", text=True),
        Column("here_mw", "This plan"),
        Column("there_mw", f"Plan {words(name)}"),
        Column("difference_mw", "Difference"),
    )
    total = {"site": "All sites"} | {c: rows[c].sum() for c in ("here_mw", "there_mw", "difference_mw")}
    return table(rows, columns, f"IT load by site in {view.last_period}", total=total)


def _limits(view: View, broken: pd.DataFrame, name: str) -> list[Any]:
    if broken.empty:
        return []
    rows = loading_rows(view, broken)
    first = table(
        rows.head(_MOST_LIMITS), loading_columns(), f"Limits of this study that the plan {words(name)} breaks"
    )
    rest = rows.iloc[_MOST_LIMITS:]
    if rest.empty:
        return [first]
    more = table(rest, loading_columns(), "Further limits broken", file="tables/comparison_limits.csv")
    return [first, Details(f"The other {len(rest):,} limits broken", (more,))]
