"""Futures: the studies that a study with uncertainty stands for, and the one of mean values between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.config import ConditionsSettings, UncertainScenarioSettings
from optimizer.errors import Finding, InputError
from optimizer.study.case import Case

if TYPE_CHECKING:
    from optimizer.study.study import Study


def future_of(study: Study, one: UncertainScenarioSettings) -> Study:
    """Return the study as it is in one future: an ordinary study without uncertainty.

    Parameters
    ----------
    study : Study
        With demand.
    one : UncertainScenarioSettings
        The future; keys that it leaves out are as in the study.
    """
    demand = study.config.demand
    assert demand is not None
    given = one.model_dump(exclude_unset=True)
    changes: dict[str, Any] = {"uncertainty": None, "report.compare": []}
    changes |= {f"conditions.{key}": given[key] for key in ConditionsSettings.model_fields if key in given}
    changes["demand.it_mw"] = {
        t: mw * one.it_demand_factors.get(t, one.it_demand_factor) for t, mw in demand.it_mw.items()
    }
    if one.penalty_musd_per_mw_year is not None:
        changes["demand.penalty_musd_per_mw_year"] = one.penalty_musd_per_mw_year
    return study.override(changes)


def refuse_different(cases: Sequence[Case], names: Sequence[str]) -> None:
    """Raise if the candidates of futures differ, so that no decision about them could be the same in all.

    Raises
    ------
    InputError
        Sites, ties, cooling or upgrades of a future are not those of the first one.
    """
    first, findings = cases[0], []
    for case, name in zip(cases[1:], names[1:], strict=True):
        for table in ("sites", "ties", "cooling", "upgrades"):
            if not getattr(case, table).index.equals(getattr(first, table).index):
                text = f"its {table} are not those of scenario {names[0]}"
                remedy = "leave out what changes them"
                findings.append(Finding("study.futures.differ", f"uncertainty.scenario {name}", text, "", remedy))
        offers = [None if c.supply is None else list(c.supply.offers.index) for c in (first, case)]
        if offers[0] != offers[1]:
            text, remedy = f"supply on offer is not that of scenario {names[0]}", "leave out what changes it"
            findings.append(Finding("study.futures.differ", f"uncertainty.scenario {name}", text, "", remedy))
    if findings:
        raise InputError(findings)


def mean_case(base: Case, cases: Sequence[Case], probability: Sequence[float]) -> Case:
    """Return the case in which all that futures change has its expected value.

    A generator that leaves in some futures stays with the expected share of its output. A shortfall must be possible in
    all futures to be possible here.

    Parameters
    ----------
    base : Case
        Of the study with no generator withdrawn.
    cases : sequence of Case
        Of each future.
    probability : sequence of float
        Of each future [-].
    """
    weighted = list(zip(cases, probability, strict=True))

    def mean(table: str) -> Any:
        like = getattr(base, table)
        parts = [p * getattr(c, table).reindex(like.index).fillna(0.0) for c, p in weighted]
        return sum(parts[1:], parts[0])

    penalties = [c.shortfall_penalty_musd_per_mw_year for c in cases]
    known = [p * x for p, x in zip(probability, penalties, strict=True) if x is not None]
    penalty = sum(known) if len(known) == len(cases) else None
    demand_mw = mean("demand_mw")
    if base.network is None:
        return replace(base, demand_mw=demand_mw, shortfall_penalty_musd_per_mw_year=penalty)
    numbers = ["annuity_musd", "cost_musd", "ready"]
    upgrades = base.upgrades.copy()
    upgrades[numbers] = sum(p * c.upgrades[numbers] for c, p in weighted)
    least, most = mean("output_min_mw"), mean("output_max_mw")
    return replace(
        base,
        load_mw=mean("load_mw"),
        demand_mw=demand_mw,
        shortfall_penalty_musd_per_mw_year=penalty,
        upgrades=upgrades,
        output_min_mw=least,
        output_max_mw=most,
        generators=base.generators.assign(
            p_min_mw=least.min(axis=1), p_max_mw=_mean_of(base.generators["p_max_mw"], cases, probability)
        ),
        cost_segments=_mean_segments(base, weighted),
        cost_at_min_usd_per_h=mean("cost_at_min_usd_per_h"),
    )


def _mean_of(like: pd.Series, cases: Sequence[Case], probability: Sequence[float]) -> pd.Series:
    there = sum(
        p * pd.Series(like.index.isin(c.generators.index), index=like.index)
        for c, p in zip(cases, probability, strict=True)
    )
    return like * there


def _mean_segments(base: Case, weighted: Sequence[tuple[Case, float]]) -> pd.DataFrame:
    """Expected widths, and prices expected where the generator is there."""
    index = base.cost_segments.index
    width, price, there = (np.zeros(len(index)) for _ in range(3))
    for case, p in weighted:
        rows = case.cost_segments.reindex(index)
        known = rows["width_mw"].notna().to_numpy()
        width += p * rows["width_mw"].fillna(0.0).to_numpy()
        price += p * rows["cost_usd_per_mwh"].fillna(0.0).to_numpy()
        there += p * known
    price = np.divide(price, there, out=base.cost_segments["cost_usd_per_mwh"].to_numpy(float).copy(), where=there > 0)
    return pd.DataFrame({"width_mw": width, "cost_usd_per_mwh": price}, index=index)
