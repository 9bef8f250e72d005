"""Prices: the stated prices must make the stated dispatch the cheapest one, generator by generator.

With whole decisions fixed, the dispatch of a period and snapshot is a linear program of its own. Its outputs are
cheapest if and only if there are prices lambda of energy at the reference bus and mu >= 0 of every limit at its bound
with

    rc[g,i] = cost[g,i] - (lambda - sum_r sign_r mu_r h_r[bus of g])

zero for a cost segment used in part, not negative for one not used, not positive for one used whole. For a limit r on
the flow of branch l, ``h_r[n] = PTDF[l,n]``; after outage k, ``h_r[n] = PTDF[l,n] + sum_j D_lj PTDF[j,n]`` over the
branches j that are out, and D_lg more for a generator g that is; sign_r is that of the flow. PTDF columns of the
reference bus are 0, so lambda is the price there. mu is the cost saved per MWh of more limit. A MWh more of a generator
that gives all it can saves ``-rc`` of its last segment, a MWh less that it must give ``rc`` of its first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.checks_binding import ANGLE, EMERGENCY, LARGEST, LEAST, LEAST_TRANSFER, NORMAL, TRANSFER
from optimizer.plan.verify_compare import capped, cell, finding
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_network import Floats
from optimizer.units import USD_PER_MUSD

BRANCH_LIMITS = (NORMAL, EMERGENCY, ANGLE)

NO_EFFECT = 1e-9
"""A flow that changes by less than this per MW of any output is one that no output can change [MW/MW]."""


@dataclass(frozen=True)
class Segments:
    """Every piece of every generator's cost curve.

    Parameters
    ----------
    generator : ndarray of int
        Position of the generator.
    cost_usd_per_mwh : ndarray
        Cost of the piece [$/MWh].
    low_mw, high_mw : ndarray
        Output at its ends [MW].
    """

    generator: np.ndarray
    cost_usd_per_mwh: Floats
    low_mw: Floats
    high_mw: Floats


def segments(context: Context) -> Segments:
    """Pieces of all cost curves, one after the other from p_min."""
    case = context.case
    pieces = case.cost_segments.reset_index().sort_values(["generator", "segment"], kind="stable")
    end = pieces.groupby("generator")["width_mw"].cumsum().to_numpy(float)
    at = case.generators.index.get_indexer(pieces["generator"])
    base = case.generators["p_min_mw"].to_numpy(float)[at]
    first = ~pieces["generator"].duplicated().to_numpy()
    last = ~pieces["generator"].duplicated(keep="last").to_numpy()
    # The first and the last piece go on as far as availability lets the generator go.
    low = np.where(first, -np.inf, base + end - pieces["width_mw"].to_numpy(float))
    high = np.where(last, np.inf, base + end)
    return Segments(at, pieces["cost_usd_per_mwh"].to_numpy(float), low, high)


def price_slack(context: Context, column: int) -> float:
    """Largest reduced cost that counts as none in a period and snapshot [$/MWh]."""
    t, h = context.operating[column]
    musd_per_usd_per_h = context.annuity_years[t] * float(context.case.snapshots.at[h, "hours"]) / USD_PER_MUSD
    return tolerances.PRICE_USD_PER_UNIT + tolerances.DUAL_MUSD / musd_per_usd_per_h


def row_factors(context: Context, column: int, rows: pd.DataFrame) -> Floats:
    """Flow that each limit is on, for 1 MW from every generator to the reference, (n_row, n_generator) [MW/MW].

    Parameters
    ----------
    context : Context
        The plan.
    column : int
        Which period and snapshot.
    rows : DataFrame
        Rows of the binding table that limit branches.
    """
    case, branches = context.case, context.case.branches.index
    at = case.buses.index.get_indexer(case.generators["bus"])
    factors = context.ptdf(branches.get_indexer(rows["element"]))[:, at]
    number = context.snapshots.index(context.operating[column][1])
    for i, row in enumerate(rows.itertuples()):
        if row.contingency and case.is_secured:
            outage = case.contingencies.number_of[row.contingency]
            shares, _ = case.contingencies.factors(outage, number)
            moved = shares[branches.get_loc(row.element)].tolist()
            for driver, share in zip(case.contingencies.drivers(outage), moved, strict=True):
                if driver.kind == "branch":
                    factors[i] += share * context.ptdf(np.array([driver.position]))[0, at]
                elif driver.kind == "generator":
                    factors[i, driver.position] += share
    return factors


def _side(context: Context, row: Any) -> float:
    """+1 where the limit is on flow from start to end, -1 where it is on flow the other way."""
    if row.limit != ANGLE:
        return float(np.sign(row.bound))
    ends = context.case.branches.loc[row.element, ["flow_min_mw", "flow_max_mw"]].to_numpy(float)
    return -1.0 if np.argmin(np.abs(ends - row.bound)) == 0 else 1.0


def check_optimality(context: Context) -> list[Finding]:
    """The stated prices make the stated dispatch the cheapest, in every period and snapshot."""
    binding = context.table("binding")
    energy = context.table("energy_prices").set_index(["period", "snapshot"])["price_usd_per_mwh"]
    pieces, findings = segments(context), []
    island = _reference_island(context)
    for column, (t, h) in enumerate(context.operating):
        here = _of_snapshot(binding, t, h, BRANCH_LIMITS)
        rows = binding[here & binding["element"].isin(context.case.branches.index)]
        if (t, h) not in energy.index or pd.isna(energy[t, h]):
            where = f"{context.prefix}tables/energy_prices.csv period {t}, snapshot {h} column price_usd_per_mwh"
            findings.append(Finding("plan.price.missing", where, "the price is missing"))
            continue
        factors = row_factors(context, column, rows)
        sides = np.array([_side(context, row) for row in rows.itertuples()])
        paid = sides * rows["price_usd_per_unit"].fillna(0.0).to_numpy(float)
        price = float(energy[t, h]) - paid @ factors
        findings += _without_effect(context, column, factors, rows)
        reduced = _reduced_costs(context, pieces, column, price, island)
        if reduced.wrong.any():
            findings += _explain(context, (t, h), reduced, factors, rows)
        findings += _of_generators(context, column, pieces, reduced)
        findings += _of_transfers(context, column, price, island)
    return findings


def _of_snapshot(binding: pd.DataFrame, t: int, h: str, limits: tuple[str, ...]) -> pd.Series:
    """Which rows are of some limits in a period and snapshot."""
    here = (binding["period"] == t) & (binding["snapshot"] == h) & binding["limit"].isin(limits)
    return here.fillna(False).astype(bool)


def _of_generators(context: Context, column: int, pieces: Segments, reduced: ReducedCosts) -> list[Finding]:
    """Prices of the limits of generators, in the island whose energy price is stated.

    A MW more of one beside a campus may be worth more to the campus than to the network.
    """
    table, found = context.table("binding"), []
    case, close = context.case, price_slack(context, column)
    beside = set() if case.supply is None else {str(g) for _, g in case.supply.beside.items()}
    rows = table[_of_snapshot(table, *context.operating[column], (LARGEST, LEAST))]
    for row in rows[rows["element"].isin(case.generators.index)].itertuples():
        own = np.flatnonzero(pieces.generator == case.generators.index.get_loc(row.element))
        if not len(own) or not reduced.compared[own[0]]:
            continue
        saved = -reduced.usd_per_mwh[own[-1]] if row.limit == LARGEST else reduced.usd_per_mwh[own[0]]
        beyond = row.price_usd_per_unit - max(saved, 0.0)
        if not (beyond >= -close if row.element in beside else abs(beyond) <= close):
            where = cell(context.prefix, "binding", int(row.Index), table, "price_usd_per_unit")
            found.append(finding(where, float(row.price_usd_per_unit), max(float(saved), 0.0), "$/MWh"))
    return found


def _of_transfers(context: Context, column: int, price: Floats, island: np.ndarray) -> list[Finding]:
    """Prices of the limits of links between buses whose price is stated: what arrives is worth, less what is taken."""
    table, found, case = context.table("binding"), [], context.case
    rows = table[_of_snapshot(table, *context.operating[column], (TRANSFER, LEAST_TRANSFER))]
    for row in rows[rows["element"].isin(case.links.index)].itertuples():
        link = case.links.loc[row.element]
        start, end = case.generators.index.get_indexer([link.from_unit, link.to_unit])
        if not island[case.buses.index.get_indexer(case.generators["bus"].iloc[[start, end]])].all():
            continue
        sends, takes = (start, end) if row.bound >= 0 else (end, start)
        saved = float((1 - link.loss_share) * price[takes] - price[sends]) * (1 if row.limit == TRANSFER else -1)
        if abs(row.price_usd_per_unit - max(saved, 0.0)) > price_slack(context, column):
            where = cell(context.prefix, "binding", int(row.Index), table, "price_usd_per_unit")
            found.append(finding(where, float(row.price_usd_per_unit), max(saved, 0.0), "$/MWh"))
    return found


def _without_effect(context: Context, column: int, factors: Floats, rows: pd.DataFrame) -> list[Finding]:
    """A limit on a flow that no output can change saves nothing, unless campuses are curtailed or supply themselves."""
    if any(len(context.table(name)) for name in ("service", "supply")):
        return []
    case, h = context.case, context.operating[column][1]
    room = (case.output_max_mw[h] - case.output_min_mw[h]).to_numpy(float) > 2 * tolerances.INTERIOR_MW
    moved = np.abs(factors[:, room]).max(axis=1, initial=0.0)
    price = rows["price_usd_per_unit"].fillna(0.0).to_numpy(float)
    table, found = context.table("binding"), []
    for i in np.flatnonzero((moved < NO_EFFECT) & (np.abs(price) > tolerances.PRICE_USD_PER_UNIT)):
        where = cell(context.prefix, "binding", int(rows.index[i]), table, "price_usd_per_unit")
        found.append(finding(where, float(price[i]), 0.0, "$/MWh", "no generator can change this flow"))
    return found


def _reference_island(context: Context) -> np.ndarray:
    """Buses whose reference the energy price is of: the island with most load."""
    load = context.case.load_mw.to_numpy(float).sum(axis=1)
    largest = max(context.islands, key=lambda buses: (float(load[buses].sum()), len(buses)))
    inside = np.zeros(len(load), dtype=bool)
    inside[largest] = True
    return inside


@dataclass(frozen=True)
class ReducedCosts:
    """Cost less price of every segment.

    Parameters
    ----------
    generator : ndarray of int
        Position of the generator.
    usd_per_mwh : ndarray
        Cost of the segment less the price at its bus [$/MWh].
    wrong : ndarray of bool
        Cheaper than its price and not used whole, or dearer than its price and used.
    inside : ndarray of bool
        Used in part, so that cost and price must be equal.
    compared : ndarray of bool
        In the island whose energy price is stated.
    """

    generator: np.ndarray
    usd_per_mwh: Floats
    wrong: np.ndarray
    inside: np.ndarray
    compared: np.ndarray


def _reduced_costs(context: Context, pieces: Segments, column: int, price: Floats, island: np.ndarray) -> ReducedCosts:
    """Compare costs with what each generator is paid, in the island whose energy price is stated."""
    case, h = context.case, context.operating[column][1]
    output = context.output_mw[:, column][pieces.generator]
    low = np.maximum(pieces.low_mw, case.output_min_mw[h].to_numpy(float)[pieces.generator])
    high = np.minimum(pieces.high_mw, case.output_max_mw[h].to_numpy(float)[pieces.generator])
    bus = case.buses.index.get_indexer(case.generators["bus"])[pieces.generator]
    price, compared = _of_links(context, column, price, island)
    reduced = pieces.cost_usd_per_mwh - price[pieces.generator]
    known = island[bus] & compared[pieces.generator]
    usable = (high - low > 2 * tolerances.INTERIOR_MW) & known
    below = usable & (output < high - tolerances.INTERIOR_MW)
    above = usable & (output > low + tolerances.INTERIOR_MW)
    close = price_slack(context, column)
    wrong = ((reduced < -close) & below) | ((reduced > close) & above)
    return ReducedCosts(pieces.generator, reduced, wrong, below & above, known)


def _of_links(context: Context, column: int, price: Floats, island: np.ndarray) -> tuple[Floats, np.ndarray]:
    """What a MW more at the from-bus of a link earns, less what it costs at its to-bus; which generators compare.

    The other end of a link follows from this one. A link with losses that carries nothing does not tell its direction.
    """
    case, price = context.case, price.copy()
    compared = ~case.is_link_end
    at, buses = case.generators.index.get_indexer, case.buses.index.get_indexer(case.generators["bus"])
    for row in case.links.itertuples():
        start, end = (int(at([name])[0]) for name in (row.from_unit, row.to_unit))
        sent, kept = -context.output_mw[start, column], 1 - row.loss_share
        if not (island[buses[start]] and island[buses[end]]) or (row.loss_share and abs(sent) < tolerances.INTERIOR_MW):
            continue
        price[start] -= (kept if sent > 0 else 1 / kept) * price[end]
        compared[start] = True
    return price, compared


def _explain(
    context: Context, key: tuple[int, str], reduced: ReducedCosts, factors: Floats, rows: pd.DataFrame
) -> list[Finding]:
    """Name the one price that, changed alone, makes the segments used in part cost what they are paid; else all."""
    t, h = key
    table = context.table("binding")
    energy = f"{context.prefix}tables/energy_prices.csv period {t}, snapshot {h} column price_usd_per_mwh"
    named = [cell(context.prefix, "binding", int(i), table, "price_usd_per_unit") for i in rows.index]
    off, at = reduced.usd_per_mwh[reduced.inside], reduced.generator[reduced.inside]
    directions = [np.ones(len(at)), *(row[at] for row in factors)]
    close = 2 * price_slack(context, context.operating.index(key))
    pairs = zip([energy, *named], directions, strict=True)
    suspects = [place for place, direction in pairs if len(off) and _explains(direction, off, close)]
    worst = int(np.argmax(np.abs(reduced.usd_per_mwh) * reduced.wrong))
    generator = context.case.generators.index[reduced.generator[worst]]
    message = f"at the stated prices the dispatch is not the cheapest ({int(reduced.wrong.sum())} segments)"
    found = f"generator {generator} costs {reduced.usd_per_mwh[worst]:+.4f} $/MWh more than it is paid"
    wrong = [Finding("plan.price.not_optimal", place, message, found) for place in suspects or [energy, *named]]
    return capped(wrong, f"{context.prefix}tables/binding.csv column price_usd_per_unit, period {t}, snapshot {h}")


def _explains(direction: Floats, off: Floats, close: float) -> bool:
    """Whether a change along a direction alone takes all reduced costs to zero."""
    length = float(direction @ direction)
    if length < NO_EFFECT:
        return False
    left = off - direction * float(direction @ off) / length
    return bool(np.abs(left).max() <= close)


def check_price_rows(context: Context) -> list[Finding]:
    """Every period and snapshot has a price, and no other."""
    stated = context.table("energy_prices")
    found = zip(stated["period"], stated["snapshot"], strict=True)
    extra = [key for key in found if key not in set(context.operating)]
    where = f"{context.prefix}tables/energy_prices.csv"
    return [finding(where, f"period {t}, snapshot {h}", "a period and snapshot of the study") for t, h in extra]


CHECKS = (check_optimality, check_price_rows)
