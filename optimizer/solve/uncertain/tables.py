"""Tables of one plan for several futures: what is decided first, what follows in each, what it costs and forgoes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optimizer.solve.uncertain.decide import STOCHASTIC, Uncertain
from optimizer.solve.uncertain.first import DECIMALS, amounts_of, without_amounts

NO_MORE = 2 * 10.0**-DECIMALS
"""What rounding may add to an amount from one period to the next [MW or MWh]."""


def first_stage_table(found: Uncertain) -> pd.DataFrame:
    """What is decided before the future is known, each decision in the first period in which it is taken.

    Parameters
    ----------
    found : Uncertain
        The plan.

    Returns
    -------
    DataFrame
        ``kind`` (site, tie, cooling, gas line, supply, storage, upgrade), ``name``, site or branch it is ``of``,
        ``detail`` (bus or technology), ``period``, from which it is there or planned to be, and ``amount`` where it is
        one: supply [MW], energy of storage [MWh], in every period in which there is more.
    """
    case = found.study.case
    first: dict[tuple[str, str], int] = {}
    for kind, name, when in without_amounts(found.chosen):
        if kind != "cooling":
            first[kind, name] = min(int(when), first.get((kind, name), int(when)))
    rows: list[tuple[Any, ...]] = [
        ("site", s, s, "", first["build", s]) for s in case.sites.index if ("build", s) in first
    ]
    for o, row in case.ties.iterrows():
        if ("tie", o) in first:
            rows.append(("tie", str(o), row.site, row.bus, first["tie", str(o)]))
    for s, c in case.cooling.index:
        if ("cooling", s, c) in found.chosen:
            rows.append(("cooling", c, s, c, first["build", s]))
    rows += [("gas line", s, s, "", first["gas line", s]) for s in case.sites.index if ("gas line", s) in first]
    rows += _amount_rows(found)
    for u, row in case.upgrades.iterrows():
        if ("upgrade", u) in first:
            rows.append(("upgrade", str(u), row.branch, "", first["upgrade", str(u)]))
    columns = ["kind", "name", "of", "detail", "period", "amount"]
    return pd.DataFrame([row if len(row) == len(columns) else (*row, np.nan) for row in rows], columns=columns)


def _amount_rows(found: Uncertain) -> list[tuple[Any, ...]]:
    """Supply and what it stores, in every period in which there is more of it than before."""
    rows, before = list[tuple[Any, ...]](), dict[tuple[str, str, str], float]()
    for (kind, s, q, t), amount in sorted(amounts_of(found.chosen).items(), key=lambda one: one[0]):
        if amount > before.get((kind, s, q), 0.0) + NO_MORE:
            rows.append((kind, q, s, "", t, amount))
        before[kind, s, q] = amount
    return rows


def cost_table(found: Uncertain) -> pd.DataFrame:
    """Cost of the plan in each future by account: ``scenario, probability, account, cost_musd`` [M$, present value]."""
    parts = []
    for name, probability in zip(found.futures, found.risk.probability, strict=True):
        costs = found.plans[name].table("costs").groupby("account", sort=False, observed=True)["cost_musd"].sum()
        parts.append(costs.reset_index().assign(scenario=name, probability=probability))
    return pd.concat(parts, ignore_index=True)[["scenario", "probability", "account", "cost_musd"]]


def regret_table(found: Uncertain) -> pd.DataFrame:
    """Every plan known under every future, and what it costs there more than if that future had been known.

    Parameters
    ----------
    found : Uncertain
        The plan.

    Returns
    -------
    DataFrame
        ``plan``, ``scenario``, ``probability``, ``holds`` (yes, no, or not found within the limits), ``cost_musd`` and
        ``regret_musd``, both empty where the plan does not hold [M$].
    """
    rows = []
    for plan, costs in found.costs_musd.items():
        for i, name in enumerate(found.futures):
            holds = np.isfinite(costs[i])
            said = "yes" if holds else "no" if found.is_certain[plan][i] else "not found"
            cost = float(costs[i]) if holds else np.nan
            rows.append((plan, name, float(found.risk.probability[i]), said, cost, cost - float(found.own_musd[i])))
    columns = ["plan", "scenario", "probability", "holds", "cost_musd", "regret_musd"]
    return pd.DataFrame(rows, columns=columns)


def scenario_table(found: Uncertain) -> pd.DataFrame:
    """One row a future: its plan's cost, what it would cost if known, IT load and shortfall in the last period."""
    rows = []
    for i, name in enumerate(found.futures):
        plan = found.plans[name]
        demand = plan.table("demand").iloc[-1]
        cost = float(found.costs_musd[STOCHASTIC][i])
        rows.append(
            {
                "scenario": name,
                "probability": float(found.risk.probability[i]),
                "cost_musd": cost,
                "own_musd": float(found.own_musd[i]),
                "regret_musd": cost - float(found.own_musd[i]),
                "it_mw": float(demand["served_mw"]),
                "shortfall_mw": float(demand["shortfall_mw"]),
                "n_later_upgrades": _later(found, name),
            }
        )
    return pd.DataFrame(rows)


def _later(found: Uncertain, name: str) -> int:
    early = {key[1] for key in found.chosen if key[0] == "upgrade"}
    built = found.plans[name].tables.get("upgrades")
    return 0 if built is None else int((~built["upgrade"].astype(str).isin(early)).sum())


def decision_table(found: Uncertain) -> pd.DataFrame:
    """What is decided in each future: IT load of every site and period, and upgrades from their first period on.

    Parameters
    ----------
    found : Uncertain
        The plan.

    Returns
    -------
    DataFrame
        ``scenario``, ``kind`` (site or upgrade), ``name``, ``period``, ``blocks``, ``it_mw`` of sites, ``added_mw`` of
        upgrades [MW].
    """
    parts = []
    for name, plan in found.plans.items():
        sites = plan.table("sites")[["site", "period", "blocks", "it_mw"]].rename(columns={"site": "name"})
        parts.append(sites.assign(scenario=name, kind="site"))
        if "upgrades" in plan.tables:
            upgrades = plan.table("upgrades")[["upgrade", "in_service", "added_mw"]]
            upgrades = upgrades.rename(columns={"upgrade": "name", "in_service": "period"})
            parts.append(upgrades.assign(scenario=name, kind="upgrade"))
    columns = ["scenario", "kind", "name", "period", "blocks", "it_mw", "added_mw"]
    rows = pd.concat([part.astype({"name": str, "period": int}) for part in parts if len(part)] or parts)
    return rows.reindex(columns=columns).reset_index(drop=True)
