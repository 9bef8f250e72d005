"""The page of a plan for several futures: the answer, its cost in each, where the sites are, regret, tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.report import frontier_figures, uncertain_figures
from optimizer.report.html import render_page, write_page
from optimizer.report.page import Column, Figure, KeyFigures, Section, Text, blocks, table
from optimizer.report.text import count, number, quantity
from optimizer.solve.uncertain.decide import MEAN, Uncertain


def write_uncertain_page(
    found: Uncertain, tables: dict[str, pd.DataFrame], sites: pd.DataFrame, n_violations: int, path: Path
) -> Path:
    """Write the page as one file that opens offline.

    Parameters
    ----------
    found : Uncertain
        What is shown.
    tables : dict of str to DataFrame
        ``scenarios``, ``first_stage`` and ``regret``, as `optimizer.solve.uncertain.tables` makes them.
    sites : DataFrame
        As `optimizer.solve.alternatives.sites_of`, a plan for each scenario.
    n_violations : int
        Errors that the independent check of the plans found.
    path : Path
        File to write; it appears in one step.
    """
    return write_page(render_page(found.study.name, sections(found, tables, sites, n_violations)), path)


def sections(
    found: Uncertain, tables: dict[str, pd.DataFrame], sites: pd.DataFrame, n_violations: int
) -> list[Section]:
    """Return the sections of the page."""
    caption = "What the plan costs in each scenario, and what it would cost had the scenario been known beforehand."
    answer = Section(
        "answer",
        headline(found),
        blocks(
            Text(_lead(found), "lead"),
            KeyFigures(_key_figures(found)),
            Figure("costs", uncertain_figures.costs_by_scenario(found), caption),
            _checked(n_violations),
            *_notices(found),
            Text(_how(found), "quiet"),
        ),
    )
    return [answer, _where(found, sites), _regret(found, tables["regret"]), _tables(tables)]


def headline(found: Uncertain) -> str:
    """Return the answer in one line."""
    n = len({name for kind, name, _ in found.chosen if kind == "build"})
    sites = "No site is built" if not n else f"{count(n, 'site')} {'holds' if n == 1 else 'hold'}"
    cost = quantity(found.expected_musd, "cost_musd")
    return f"{sites} in {_scenarios(found)}, at an expected cost of {cost}"


def _scenarios(found: Uncertain) -> str:
    return "the one scenario" if len(found.futures) == 1 else f"all {count(len(found.futures), 'scenario')}"


def _lead(found: Uncertain) -> str:
    parts = [
        "Sites, their ties and cooling, and early upgrades are decided now; blocks, later upgrades and dispatch follow "
        "once it is known which scenario comes."
    ]
    if MEAN not in found.costs_musd:
        parts.append("The scenario of mean values has no plan.")
    elif np.isinf(found.mean_value_musd):
        parts.append("The plan that is best for mean values does not hold in every scenario.")
    else:
        saved = quantity(found.stochastic_solution_musd, "cost_musd", 2)
        parts.append(f"Against the plan that is best for mean values it saves {saved}.")
    known = quantity(found.perfect_information_musd, "cost_musd", 2)
    parts.append(f"Knowing the scenario beforehand would be worth up to {known}.")
    return " ".join(parts)


def _key_figures(found: Uncertain) -> tuple[tuple[str, str, str], ...]:
    tail = 100 * (1 - found.risk.level)
    saved = found.stochastic_solution_musd
    return (
        (number(found.expected_musd, "cost_musd"), "M$", "expected cost"),
        (number(found.cvar_musd, "cost_musd"), "M$", f"mean of the worst {number(tail, decimals=0)} %"),
        (number(saved, "cost_musd", 2), "M$" if np.isfinite(saved) else "", "saved against the plan for mean values"),
        (number(found.perfect_information_musd, "cost_musd", 2), "M$", "value of perfect information"),
        (number(found.gap, "gap"), "%", "gap to what is proven"),
    )


def _checked(n_violations: int) -> Text:
    if n_violations:
        return Text(f"An independent recomputation does not confirm {count(n_violations, 'figure')}.", "warning")
    return Text(
        "An independent recomputation from the inputs confirms every figure of the plan in each scenario.", "good"
    )


def _notices(found: Uncertain) -> list[Text]:
    notice = next(iter(found.plans.values())).summary.get("data_notice")
    return [Text(str(notice), "notice")] if notice else []


def _how(found: Uncertain) -> str:
    weight, level = found.risk.weight, found.risk.level
    what = "the expected cost" if not weight else f"{1 - weight:g} of the expected cost and {weight:g} of its tail mean"
    way = (
        "in one program of all scenarios"
        if found.method == "extensive"
        else f"scenario by scenario, with {count(found.n_tried, 'choice')} of sites tried in all of them"
    )
    bound = quantity(found.bound_musd, "cost_musd", 2)
    tail = f" The tail mean is the conditional value at risk at level {level:g}." if weight else ""
    return f"Found by minimizing {what}, {way}; no choice of sites has less than {bound} of it.{tail}"


def _where(found: Uncertain, sites: pd.DataFrame) -> Section:
    drawn = uncertain_figures.sites_map(sites, found.study)
    caption = "The sites: the outer circle shows the most IT load in any scenario, the inner one the least."
    tiles = frontier_figures.sites_by_plan(sites, list(found.futures), "scenario") if len(sites) else None
    return Section(
        "where",
        "Where, and how large in each scenario",
        blocks(
            Figure("map", drawn, caption, wide=True) if drawn is not None else None,
            Figure("tiles", tiles, "IT load of each site in the last year of each scenario.")
            if tiles is not None
            else Text("No site is built."),
        ),
    )


def _regret(found: Uncertain, rows: pd.DataFrame) -> Section:
    caption = (
        "What each plan costs in each scenario beyond the least known for that scenario. Each row is a choice of "
        "sites, with the best that can follow from it."
    )
    return Section(
        "regret", "What other plans would cost", (Figure("regret", uncertain_figures.regret(found, rows), caption),)
    )


def _tables(tables: dict[str, pd.DataFrame]) -> Section:
    scenario: list[Any] = [
        Column("scenario", "Scenario", text=True),
        Column("probability", "Probability", unit="", decimals=3),
        Column("cost_musd", "Cost", decimals=2),
        Column("own_musd", "Least if known", unit="M$", decimals=2),
        Column("regret_musd", "Regret", unit="M$", decimals=2),
        Column("it_mw", "IT load"),
        Column("shortfall_mw", "Not served"),
        Column("n_later_upgrades", "Later upgrades", unit="", decimals=0),
    ]
    first = [
        Column("kind", "Decision", text=True),
        Column("name", "Name", text=True),
        Column("of", "Site or branch", text=True),
        Column("detail", "Bus or technology", text=True),
        Column("period", "From", text=True),
        Column("amount", "MW, or MWh of storage", unit="", decimals=1),
    ]
    return Section(
        "tables",
        "Tables",
        (
            table(tables["scenarios"], scenario, "The plan in each scenario", note="Each is complete in scenarios."),
            table(tables["first_stage"], first, "Decided before the scenario is known", file="first_stage.csv"),
        ),
    )
