"""What it costs, and what it would cost less without: accounts and binding limits."""

from __future__ import annotations

import pandas as pd

from optimizer.report import charts
from optimizer.report.page import Column, Details, Figure, Section, Table, Text, blocks, table
from optimizer.report.text import count, listing, quantity, significant, words
from optimizer.report.view import View

_MOST_LIMITS = 15


def cost(view: View) -> Section | None:
    """Return cost by account, above the baseline and by period."""
    every = view.table("costs")
    if every.empty:
        return None
    spent = every["cost_musd"].abs().groupby(every["account"]).transform("max") > 0
    # Where nothing costs anything, that is what there is to show.
    costs = every[spent] if spent.any() else every
    year = view.plan.config.study.currency_year
    total = costs.groupby("account", sort=True)["cost_musd"].sum()
    baseline = view.baseline_musd
    shared = _shared(view, list(total.index)) if baseline else []
    above = total.drop(shared)
    if shared:
        above[f"{listing(shared)} above the baseline"] = total[shared].sum() - baseline
    rate = view.plan.config.economics.discount_rate
    text = f"Present value in M$ of {year}, discounted at {quantity(rate, 'rate_share')} a year to {view.periods[0]}. "
    text += _whose(view, baseline, shared)
    if unspent := sorted(set(every["account"]) - set(costs["account"])):
        text += f" Nothing is spent on {listing(map(words, unspent))}."
    caption = "Cost above the baseline by account." if baseline else "Cost by account."
    return Section(
        "cost",
        "Cost",
        blocks(
            Text(text),
            Figure("cost", charts.cost_by_account(above, year, bool(baseline)), caption),
            _by_period(view, costs, baseline),
        ),
    )


def _shared(view: View, accounts: list[str]) -> list[str]:
    """Accounts in which the same system without the new load has a cost too."""
    anyway = {"generation": True} | {c: len(view.table(f"baseline_{c}")) > 0 for c in ("circuits", "upgrades")}
    return [account for account in anyway if anyway[account] and account in accounts]


def _whose(view: View, baseline: float, shared: list[str]) -> str:
    """Whose cost it is, and what of generation is in it."""
    if view.is_developer:
        return (
            "It is the developer's cost, not the system's: tariffs are in it, with the share of network upgrades that "
            "they ask for, and generation is not."
        )
    what = listing(shared or ["generation"]).capitalize()
    text = f"{what} {'are those' if len(shared) > 1 else 'is that'} of the whole system, old load included"
    if baseline:
        text += f"; the same system without the new load costs {quantity(baseline, 'cost_musd')} (the baseline)"
    return f"{text}."


def _by_period(view: View, costs: pd.DataFrame, baseline: float) -> Table:
    wide = costs.pivot_table(index="account", columns="period", values="cost_musd", aggfunc="sum", fill_value=0.0)
    wide.columns = [f"p{period}" for period in wide.columns]
    wide["cost_musd"] = wide.sum(axis=1)
    sums = wide.sum()
    rows = wide.sort_values("cost_musd", ascending=False, kind="stable").reset_index()
    rows["account"] = rows["account"].map(words)
    columns = [Column("account", "Account", text=True)]
    columns += [Column(c, c[1:], unit="M$", decimals=1) for c in wide.columns if c != "cost_musd"]
    columns.append(Column("cost_musd", "All periods"))
    above = view.above_baseline_musd
    note = f"All accounts less the baseline: {quantity(above, 'cost_musd')}." if baseline else ""
    total = {"account": "All accounts"} | sums.to_dict()
    return table(rows, columns, "Present value by account and period", note=note, total=total)


def what_binds(view: View) -> Section | None:
    """Return the limits at their bound, the dearest first."""
    binding = view.table("binding")
    if binding.empty:
        return None
    rows = binding.assign(
        limit=binding["limit"].map(words),
        element=binding["element"]
        .map(view.branch)
        .map(view.basin)
        .mask(binding["limit"].str.contains("generator|HVDC"), binding["element"]),
        contingency=binding["contingency"].map(view.branch),
        snapshot=binding["snapshot"].map(words),
        period=binding["period"].map(lambda t: "all" if pd.isna(t) else str(int(t))),
        value=[f"{significant(v)} {u}" for v, u in zip(binding["value"], binding["unit"], strict=True)],
        bound=[f"{significant(v)} {u}" for v, u in zip(binding["bound"], binding["unit"], strict=True)],
        price=[
            _price(p, u, h)
            for p, u, h in zip(binding["price_usd_per_unit"], binding["unit"], binding["snapshot"], strict=True)
        ],
        size=binding["price_usd_per_unit"].abs().fillna(-1.0),
    ).sort_values("size", ascending=False, kind="stable")
    columns = (
        Column("limit", "Limit", text=True),
        Column("element", "On", text=True),
        Column("contingency", "After outage of", text=True),
        Column("period", "Period", text=True),
        Column("snapshot", "Operating condition", text=True),
        Column("value", "Value", text=True),
        Column("bound", "Bound", text=True),
        Column("price", "Price", text=True),
    )
    counts = binding["limit"].map(words).value_counts(sort=False)
    kinds = ", ".join(f"{kind} ({counts[kind]:,})" for kind in sorted(counts.index, key=lambda k: (-counts[k], k)))
    text = (
        f"{count(len(binding), 'limit')} hold the plan where it is: {kinds}. The price is what one unit more of the "
        "limit would save, with sites, ties, cooling and upgrades as chosen; a limit on whole decisions has none."
    )
    if binding["limit"].str.contains("generator|HVDC").any():
        text += (
            " Of generators and HVDC links only those whose limits are dearest are listed; of a least output or "
            "transfer it is less that saves."
        )
    first = table(rows.head(_MOST_LIMITS), columns, "The limits with the highest prices")
    rest = rows.iloc[_MOST_LIMITS:]
    more = None
    if len(rest):
        more = Details(
            f"The other {len(rest):,} limits", (table(rest, columns, "Further limits", file="tables/binding.csv"),)
        )
    return Section("binds", "What binds", blocks(Text(text), first, more))


def _price(price: float, unit: str, snapshot: object) -> str:
    """A price; that of power is by hour where the limit is one of a snapshot, else by year."""
    if pd.isna(price):
        return "–"
    hourly = pd.notna(snapshot) and str(snapshot) != ""
    return f"{significant(price)} $/{('MWh' if hourly else 'MW-year') if unit == 'MW' else unit}"
