"""The network: outages, upgrades, and what was broken before any new load."""

from __future__ import annotations

import pandas as pd

from optimizer.report import charts
from optimizer.report.page import Column, Details, Figure, Section, Text, blocks, table
from optimizer.report.text import MISSING, count, quantity, words
from optimizer.report.view import View

_MOST_LOADINGS = 15

_LOADING_COLUMNS = (
    Column("branch", "Branch", text=True),
    Column("contingency", "After outage of", text=True),
    Column("period", "Period", text=True),
    Column("snapshot", "Operating condition", text=True),
    Column("flow_mw", "Flow"),
    Column("limit_mw", "Limit"),
    Column("loading", "Loading"),
)


def loading_rows(view: View, loadings: pd.DataFrame) -> pd.DataFrame:
    """Return loadings ready to print, highest first, with the names that the network of the view gives."""
    keys = ["loading", "branch", "contingency", "period", "snapshot"]
    ordered = loadings.sort_values(keys, ascending=[False, True, True, True, True], kind="stable")
    return ordered.assign(
        branch=ordered["branch"].map(view.branch),
        contingency=outage_names(view, ordered["contingency"]),
        period=ordered["period"].astype(str),
        snapshot=ordered["snapshot"].map(words),
    )


def outage_names(view: View, contingencies: pd.Series) -> pd.Series:
    """Return outages as they are printed: single branches by name, no outage as a dash."""
    return contingencies.fillna("").map(view.branch).replace("", MISSING)


def loading_columns() -> tuple[Column, ...]:
    """Return the columns in which loadings are printed."""
    return _LOADING_COLUMNS


def outages(view: View) -> Section | None:
    """Return what the check of every outage found, and how loaded the network is."""
    if view.plan.config.grid is None or view.table("flows").empty:
        return None
    return Section(
        "outages",
        "Outages and loading",
        blocks(
            Text(_checked(view)),
            _highest(view),
            _near_limits(view),
            Figure(
                "loading",
                charts.loading_histogram(view.base_loading["loading"]),
                f"Branches by their highest loading in {view.last_period}, no outage (colours as on the map).",
            ),
            _ratings(view),
            _prices(view),
        ),
    )


def _checked(view: View) -> str:
    checked = int(view.summary.get("n_contingencies_checked") or 0)
    if not checked:
        return (
            "The study asks for no security against outages: flows are within normal ratings without any outage only."
        )
    broken = int(view.summary.get("n_violations") or 0)
    conditions = count(view.table("flows")["snapshot"].nunique(), "operating condition")
    asked = view.plan.config.security.contingencies
    what = "single outage" if asked == ("branch",) else "outage"
    text = (
        f"{count(checked, what)} were checked on every rated branch, in "
        f"{count(len(view.periods), 'period')} and {conditions}; {count(broken, 'violation')} found. "
        "Generation is set before the outage; after it every flow stays within its emergency rating."
    )
    if len(view.dropped_mw):
        most = quantity(view.dropped_mw.iloc[0], "dropped_mw")
        text += (
            f" Every outage drops non-firm load of the campuses, up to {most} together, and the generators give that "
            "much less in proportion to what they can give."
        )
    splitting = view.splitting_outages if "branch" in asked else 0
    if splitting:
        rule = view.plan.config.security.splitting
        rest = (
            "the smaller part is lost and the generators of the larger one share the imbalance"
            if rule == "secure"
            else "the study leaves these out"
        )
        text += f" {splitting:,} of the outages split the network: {rest}."
    return text


def _highest(view: View) -> object | None:
    listed = view.table("contingencies")
    if listed.empty:
        return None
    rows = loading_rows(view, listed.nlargest(_MOST_LOADINGS, "loading", keep="all"))
    note = "One row for each branch, outage, period and operating condition."
    return table(rows.head(_MOST_LOADINGS), _LOADING_COLUMNS, "The highest loadings after an outage", note=note)


def _near_limits(view: View) -> object | None:
    listed = view.table("contingencies")
    if len(listed) <= _MOST_LOADINGS:
        return None
    rows = loading_rows(view, listed).iloc[_MOST_LOADINGS:]
    figure = Figure(
        "outage_loading",
        charts.outage_loading_histogram(listed["loading"]),
        f"The {len(listed):,} loadings listed: the ten highest of each operating condition, and all above 95 %.",
    )
    more = table(rows, _LOADING_COLUMNS, "Further loadings after an outage", file="tables/contingencies.csv")
    return Details(f"The other {len(rows):,} loadings near a limit", (figure, more))


def _ratings(view: View) -> Details | None:
    """Ratings by operating condition, where a table gives factors on them."""
    spread = view.table("ratings")
    if spread.empty:
        return None
    rows = spread.assign(snapshot=spread["snapshot"].map(words))
    columns = (
        Column("snapshot", "Operating condition", text=True),
        Column("limit", "Rating", text=True),
        Column("count", "Branches", unit="", decimals=0),
        Column("least", "Least factor", unit="", decimals=3),
        Column("mean", "Mean factor", unit="", decimals=3),
        Column("most", "Largest factor", unit="", decimals=3),
    )
    note = (
        "Factors that the study gives on ratings, upgrades included: branches whose factor is not 1, and the spread "
        "over all existing branches. Limits and loadings above are those of each operating condition."
    )
    return Details("Ratings by operating condition", (table(rows, columns, "Factors on ratings", note=note),))


def _prices(view: View) -> Details | None:
    prices = view.table("energy_prices")
    if prices.empty:
        return None
    rows = prices.assign(period=prices["period"].astype(str), snapshot=prices["snapshot"].map(words))
    columns = (
        Column("period", "Period", text=True),
        Column("snapshot", "Operating condition", text=True),
        Column("price_usd_per_mwh", "Price"),
    )
    note = "Cost of one more MWh at the reference bus, with sites and upgrades as chosen."
    return Details("Energy price", (table(rows, columns, "Energy price", note=note),))


_TRANSFER_COLUMNS = (
    Column("link", "Link", text=True),
    Column("sender", "From", text=True),
    Column("receiver", "To", text=True),
    Column("snapshot", "Operating condition", text=True),
    Column("sent_mw", "Sent"),
    Column("received_mw", "Received"),
    Column("lost_mw", "Lost", decimals=1),
)


def hvdc_transfers(view: View) -> Section | None:
    """Return what HVDC links carry; ``None`` where the study does not decide it."""
    if "hvdc" not in view.plan.tables:
        return None
    rows = _transfers(view)
    limits = (Column("limit_mw", "Limit"), Column("used_share", "Used")) if "limit_mw" in rows.columns else ()
    columns = (*_TRANSFER_COLUMNS, *limits)
    last = rows[rows["period"] == view.last_period]
    earlier = rows[rows["period"] != view.last_period].assign(period=lambda found: found["period"].astype(str))
    note = (
        "Lost: what enters a link less what leaves it. A constant loss is drawn where a link ends, also of an idle one."
    )
    text = (
        "Transfers are decided with the dispatch in every operating condition, and held after outages. "
        "A link is listed in the direction in which it runs."
    )
    before = None
    if len(earlier):
        by_period = (columns[0], Column("period", "Period", text=True), *columns[1:])
        listed = table(earlier, by_period, "HVDC transfers of earlier periods", file="tables/hvdc.csv")
        before = Details(f"HVDC transfers before {view.last_period}", (listed,))
    said = [
        Text(f"{finding.message}: {finding.found}.".capitalize(), "warning")
        for finding in view.plan.findings
        if finding.rule == "grid.hvdc.direction"
    ]
    shown = table(last, columns, f"HVDC transfers in {view.last_period}", note=note)
    return Section("hvdc", "HVDC transfers", blocks(Text(text), *said, shown, before))


def _transfers(view: View) -> pd.DataFrame:
    """Transfers as they run: who sends, who receives, what is lost, and of which limit."""
    stated = view.table("hvdc")
    back = stated["from_mw"] < 0
    start, end = stated["from_bus"].map(view.bus), stated["to_bus"].map(view.bus)
    rows = stated[["link", "period"]].assign(
        sender=start.where(~back, end),
        receiver=end.where(~back, start),
        snapshot=stated["snapshot"].map(words),
        sent_mw=stated["from_mw"].where(~back, -stated["to_mw"]),
        received_mw=stated["to_mw"].where(~back, -stated["from_mw"]),
        lost_mw=stated["from_mw"] - stated["to_mw"],
    )
    grid = None if view.plan.study is None else view.plan.study.grid
    if grid is None:
        return rows
    facts = grid.hvdc[["p_min_mw", "p_max_mw", "loss_mw"]].astype(float).reindex(stated["link"]).set_axis(stated.index)
    limit = facts["p_max_mw"].where(~back, -facts["p_min_mw"])
    # The limit is on what is withdrawn; backwards the end that sends has the constant loss beside it.
    withdrawn = rows["sent_mw"].where(~back, rows["sent_mw"] - facts["loss_mw"])
    return rows.assign(limit_mw=limit, used_share=withdrawn / limit.where(limit > 0))


def network_upgrades(view: View) -> Section | None:
    """Return the upgrades chosen."""
    built = view.table("upgrades")
    if view.plan.config.grid is None or view.plan.config.demand is None:
        return None
    if built.empty:
        text = "None is needed." if view.plan.config.upgrades.enabled else "The study allows none."
        return Section("upgrades", "Network upgrades", (Text(text),))
    rows = built.assign(in_service=built["in_service"].astype(str), branch=built["branch"].map(view.branch))
    columns = (
        Column("upgrade", "Upgrade", text=True),
        Column("kind", "Kind", text=True),
        Column("branch", "Branch", text=True),
        Column("length_km", "Length"),
        Column("in_service", "In service", text=True),
        Column("added_mw", "Added rating"),
        Column("added_emergency_mw", "Added emergency rating"),
        Column("cost_musd", "One-time cost"),
        Column("annuity_musd", "Cost a year", decimals=2),
    )
    total = {"upgrade": "All upgrades"} | {c: rows[c].sum() for c in ("length_km", "cost_musd", "annuity_musd")}
    note = "Reconductoring of existing lines, or terminal work at their ends: more rating, the same impedance."
    return Section("upgrades", "Network upgrades", (table(rows, columns, "Upgrades", note=note, total=total),))


def base_overloads(view: View) -> Section | None:
    """Return which rule the case before any new load needed, and what was broken then."""
    if view.plan.config.grid is None or view.plan.config.demand is None:
        return None
    broken = view.table("base_overloads")
    rule = view.plan.config.security.base_overloads
    title = "Limits broken before any new load"
    if broken.empty:
        meant = (
            "refuses a network that breaks limits by itself"
            if rule == "refuse"
            else "would allow such limits by as much as they are broken"
        )
        return Section(
            "base_overloads",
            title,
            (Text(f"None: the network without new load breaks no limit. The study's rule {meant}."),),
        )
    most = quantity(broken["overload_mw"].max(), "overload_mw", 1)
    text = (
        f"The network breaks {count(len(broken), 'limit')} before any new load. The study allows each by as much as it "
        f"is broken then, {most} at most, and no more; elsewhere every limit holds."
    )
    ordered = broken.sort_values(
        ["overload_mw", "branch", "contingency", "snapshot"], ascending=[False, True, True, True], kind="stable"
    )
    rows = ordered.assign(
        branch=ordered["branch"].map(view.branch),
        contingency=outage_names(view, ordered["contingency"]),
        snapshot=ordered["snapshot"].map(words),
    )
    columns = (
        Column("branch", "Branch", text=True),
        Column("contingency", "After outage of", text=True),
        Column("snapshot", "Operating condition", text=True),
        Column("overload_mw", "Allowed above the limit", decimals=1),
    )
    listed = table(rows, columns, "Limits broken before any new load", file="tables/base_overloads.csv")
    return Section("base_overloads", title, (Text(text, "warning"), listed))
