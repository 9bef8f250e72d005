"""An explanation in words: the rule in its own docstring's sentence, where, when, how much, and what to change."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from optimizer.solve.explain import limits as of
from optimizer.solve.explain import parts
from optimizer.solve.explain.conflict import Conflict
from optimizer.solve.explain.limit import Limit
from optimizer.study.case import Case

MOST_NAMES = 3
"""Elements named in a sentence; the others are counted."""

WHAT = {
    of.DEMAND: ("", ""),
    of.SITE: ("site", "sites"),
    of.WORTHWHILE: ("site", "sites"),
    of.TIE: ("tie", "ties"),
    of.WATER: ("water region", "water regions"),
    of.COUNTY: ("any county", ""),
    of.SUBSTATION: ("any substation", ""),
    of.BUDGET: ("", ""),
    of.CARBON: ("", ""),
    of.PACE: ("each period", ""),
    of.SITE_READY: ("site", "sites"),
    of.TIE_READY: ("tie", "ties"),
    of.UPGRADE_READY: ("upgrade", "upgrades"),
    of.OUTPUT: ("generator", "generators"),
    of.LEAST_OUTPUT: ("generator", "generators"),
    of.NORMAL: ("branch", "branches"),
    of.EMERGENCY: ("branch", "branches"),
    of.ANGLE: ("branch", "branches"),
    of.UNSERVED: ("bus", "buses"),
    of.COST: ("", ""),
    of.TOTAL: ("total", ""),
    parts.GROUP: ("any", ""),
    parts.SURVIVE_SITE: ("any site", ""),
    parts.SURVIVE_SUBSTATION: ("any substation", ""),
    parts.LOSS_SITE: ("any site", ""),
    parts.LOSS_SUBSTATION: ("any substation", ""),
    parts.BASIN: ("water region", "water regions"),
    parts.EMBODIED: ("", ""),
    parts.YEARLY_PACE: ("each year", ""),
    parts.DELIVERY: ("item", "items"),
    parts.GENERATORS: ("site", "sites"),
    parts.ADEQUACY: ("zone", "zones"),
    parts.CURTAILED_ENERGY: ("any campus", ""),
    parts.CURTAILED_HOURS: ("any campus", ""),
    parts.NON_FIRM: ("any campus", ""),
    parts.CARBON_FREE: ("", ""),
    parts.CARBON_FREE_EVERY: ("", ""),
}
"""What a rule is about, one and several."""

DO = {
    of.DEMAND: "lower [demand] it_mw by {amount}{where}",
    of.SITE: "make room for {amount} more of IT load{where}",
    of.WORTHWHILE: "accept {amount} less than the smallest worthwhile size{where}",
    of.TIE: "raise firm capacity by {amount}{where}",
    of.WATER: "find {amount} more water{where}",
    of.COUNTY: "raise limits.share_per_county from {before:.4g} to {after:.4g}, {amount} more of the target",
    of.SUBSTATION: "raise limits.share_per_substation from {before:.4g} to {after:.4g}, {amount} more of all new load",
    of.BUDGET: "raise limits.budget_musd by {amount}{where}",
    of.CARBON: "raise limits.carbon_t_per_year by {amount}{where}",
    of.PACE: "raise limits.new_it_mw_per_period by {amount}",
    of.SITE_READY: "have{named} ready {amount} earlier",
    of.TIE_READY: "have{named} ready {amount} earlier",
    of.UPGRADE_READY: "have{named} ready {amount} earlier",
    of.OUTPUT: "add {amount} of generation{where}",
    of.LEAST_OUTPUT: "run {amount} below least output{where}",
    of.NORMAL: "raise normal ratings by {amount}{where}",
    of.EMERGENCY: "raise emergency ratings by {amount}{where}",
    of.ANGLE: "widen angle limits by {amount}{where}",
    of.UNSERVED: "serve {amount} less of existing load{where}",
    of.COST: "pay {amount} more in present value",
    of.TOTAL: "raise the limit on the total by {amount}",
    parts.GROUP: "raise limits.share_per.{element} from {before:.4g} to {after:.4g}, {amount} more of the target",
    parts.SURVIVE_SITE: "lower limits.share_left from {before:.4g} to {after:.4g}, {amount} less of the target",
    parts.SURVIVE_SUBSTATION: "lower limits.share_left from {before:.4g} to {after:.4g}, {amount} less of the target",
    parts.LOSS_SITE: "raise limits.largest_loss_mw.site by {amount}",
    parts.LOSS_SUBSTATION: "raise limits.largest_loss_mw.substation by {amount}",
    parts.BASIN: "raise limits.water_m3_day_per_basin by {amount}{where}",
    parts.EMBODIED: "raise limits.embodied_t by {amount}{where}",
    parts.YEARLY_PACE: "raise limits.new_it_mw_per_year by {amount}",
    parts.DELIVERY: "have {amount} more delivered of{named}",
    parts.GENERATORS: "allow {amount} more of generators{where}",
    parts.ADEQUACY: "add {amount} of accredited capacity or imports{where}",
    parts.CURTAILED_ENERGY: "raise service.curtailable_share from {before:.4g} to {after:.4g}",
    parts.CURTAILED_HOURS: "raise service.curtailable_hours_per_year by {amount}",
    parts.NON_FIRM: "raise service.non_firm_share from {before:.4g} to {after:.4g}",
    parts.CARBON_FREE: "lower limits.carbon_free_share{where} from {before:.4g} to {after:.4g}",
    parts.CARBON_FREE_EVERY: "lower limits.carbon_free_share_every_snapshot{where} from {before:.4g} to {after:.4g}",
}
"""What to do for a rule to give way."""


def size_of(case: Case, limit: Limit) -> float:
    """Size of a limit in its unit; nan where it has none that says anything."""
    if limit.rule in parts.PART_UNITS:
        return parts.part_size(case, limit)
    if limit.rule == of.DEMAND:
        return float(case.demand_mw[limit.period])
    share = {of.COUNTY: case.limits.share_per_county, of.SUBSTATION: case.limits.share_per_substation}.get(limit.rule)
    if share is not None:
        return 100.0 * share
    if limit.rule == of.PACE:
        return float(case.limits.new_it_mw_per_period or math.nan)
    if limit.rule == of.BUDGET:
        return float(case.limits.budget_musd[limit.period])
    if limit.rule == of.TOTAL:
        # Limits on several totals have no common unit.
        return float(case.limits.totals[limit.element]) if limit.element else math.nan
    if limit.rule == of.CARBON:
        return float(case.limits.carbon_t_per_year[limit.period])
    return _size_of_elements(case, limit)


def _size_of_elements(case: Case, limit: Limit) -> float:
    """Size of a limit that every element has; the sum where all are meant."""
    chosen = [limit.element] if limit.element else slice(None)
    if limit.rule == of.SITE:
        return float((case.sites["block_mw"] * case.sites["max_blocks"]).loc[chosen].sum())
    if limit.rule == of.TIE and limit.element:
        return float(case.ties.at[limit.element, "capacity_mw"])
    if limit.rule == of.WATER:
        return float(case.water["available_m3_day"].groupby(level="basin").sum().loc[chosen].sum())
    if limit.rule == of.OUTPUT:
        return float(case.output_max_mw[limit.snapshot].loc[chosen].sum())
    if limit.rule == of.LEAST_OUTPUT:
        return float(case.output_min_mw[limit.snapshot].loc[chosen].sum())
    if limit.rule == of.UNSERVED:
        return float(case.load_mw.loc[chosen].sum().max())
    if limit.rule in (of.NORMAL, of.EMERGENCY) and limit.element:
        rated = float(
            case.branches.at[limit.element, "rating_mw" if limit.rule == of.NORMAL else "rating_emergency_mw"]
        )
        return rated * case.rating_factor_of(limit.element, limit.snapshot, limit.rule == of.EMERGENCY)
    if limit.rule == of.ANGLE and limit.element:
        low, high = case.branches.loc[limit.element, ["flow_min_mw", "flow_max_mw"]].astype(float)
        return float(min(abs(low), abs(high)))
    return math.nan


def conflict_text(case: Case, conflict: Conflict, sentences: Mapping[str, str]) -> str:
    """The conflict in a sentence for each rule.

    Parameters
    ----------
    case : Case
        The case.
    conflict : Conflict
        Limits that cannot hold together.
    sentences : mapping of rule to str
        First sentence of each constraint's docstring.
    """
    by_rule: dict[str, list[Limit]] = {}
    for member in conflict.members:
        by_rule.setdefault(member.rule, []).append(member)
    if not by_rule:
        return "what nobody can change rules it out, with every other limit left out"
    said = [f"{_sentence(case, rule, sentences[rule])}{_members(case, limits)}." for rule, limits in by_rule.items()]
    tail = "" if conflict.is_minimal else " Time ran out before it was shown that each of these is needed."
    return " ".join(said) + tail


def _sentence(case: Case, rule: str, sentence: str) -> str:
    """The sentence of a rule, without its exception where the case does not have it."""
    sentence = sentence.rstrip(".")
    is_exact = rule == of.DEMAND and case.shortfall_penalty_musd_per_mw_year is None
    return sentence.partition(", but for a shortfall")[0] if is_exact else sentence


def _members(case: Case, limits: list[Limit]) -> str:
    """Where, when and how much, in brackets."""
    shown = [_member(case, limit) for limit in limits[:MOST_NAMES]]
    shown = [text for text in shown if text]
    more = len(limits) - MOST_NAMES
    if more > 0:
        shown.append(f"{more} more")
    return f" ({'; '.join(shown)})" if shown else ""


def _member(case: Case, limit: Limit) -> str:
    one, many = WHAT[limit.rule]
    what = f"{one} {limit.element}" if limit.element else (f"all {many}" if many else one)
    after = f"after outage {limit.outage}" if limit.outage else ""
    size = size_of(case, limit)
    amount = with_unit(size, of.unit_of(limit)) if math.isfinite(size) else _ready_text(case, limit)
    when = (
        amount,
        f"in {limit.period}" if limit.period else "",
        f"in snapshot {limit.snapshot}" * bool(limit.snapshot),
    )
    return ": ".join(filter(None, (" ".join(filter(None, (what, after))), " ".join(filter(None, when)))))


def _ready_text(case: Case, limit: Limit) -> str:
    """From when something can serve, for the rules about that."""
    ready = {
        of.SITE_READY: case.sites.get("earliest"),
        of.TIE_READY: case.ties.get("ready"),
        of.UPGRADE_READY: case.upgrades.get("ready"),
    }.get(limit.rule)
    if ready is None or (limit.element and limit.element not in ready.index):
        return ""
    return f"ready in {float(ready[limit.element]) if limit.element else float(ready.min()):.0f}"


def with_unit(amount: float, unit: str) -> str:
    """An amount as people write it."""
    text = f"{amount:,.0f}" if abs(amount) >= 1000 else f"{amount:.4g}"
    return f"{text}{'' if unit == '%' else ' '}{unit}"


def way_text(case: Case, amounts: Mapping[Limit, float]) -> str:
    """A way out in words.

    Parameters
    ----------
    case : Case
        The case.
    amounts : mapping of Limit to float
        How far each limit gives way, in its unit.
    """
    by_rule: dict[str, dict[Limit, float]] = {}
    for limit, amount in amounts.items():
        by_rule.setdefault(limit.rule, {})[limit] = amount
    return " and ".join(_rule_text(case, rule, limits) for rule, limits in by_rule.items())


def _rule_text(case: Case, rule: str, limits: Mapping[Limit, float]) -> str:
    ranked = sorted(limits.items(), key=lambda item: (-item[1], item[0]))
    if len(ranked) > 1 and of.unit_of(ranked[0][0]) == "%":
        # Shares of different things do not add up.
        return " and ".join(_rule_text(case, rule, dict([one])) for one in ranked)
    if rule == of.DEMAND and all(amount >= case.demand_mw[limit.period] for limit, amount in limits.items()):
        years = " and ".join(str(limit.period) for limit in sorted(limits))
        return f"give up the target{'s' * (len(limits) > 1)} of {years}"
    unit = of.unit_of(ranked[0][0])
    total = max(limits.values()) if unit == "months" else sum(limits.values())
    amount = with_unit(total, unit)
    if rule == of.ANGLE:
        amount = f"{sum(_degrees(case, limit, mw) for limit, mw in limits.items()):.3g} deg ({amount} of flow)"
    if unit == "months" and len(limits) > 1:
        amount = f"up to {amount}"
    before = size_of(case, ranked[0][0])
    after = before - total if rule in (of.DEMAND, of.LEAST_OUTPUT, of.UNSERVED, *parts.LESSENED) else before + total
    shares = {"before": before / 100, "after": max(0.0, after) / 100, "element": ranked[0][0].element}
    where = _where(ranked)
    named = where.replace(f"at {WHAT[rule][0]} ", f"{WHAT[rule][0]} ")
    text = DO[rule].format(amount=amount, where=where, named=named, **shares)
    if len(limits) == 1 and unit != "%" and rule != of.ANGLE and math.isfinite(before):
        text += f", from {with_unit(before, unit)} to {with_unit(after, unit)}"
    return text


def _where(ranked: list[tuple[Limit, float]]) -> str:
    """Where and when, the largest amounts first."""
    texts: list[str] = []
    for limit, amount in ranked[:MOST_NAMES]:
        what = f"at {WHAT[limit.rule][0]} {limit.element}" if limit.element else ""
        after = f"after outage {limit.outage}" if limit.outage else ""
        when = f"in {limit.period}" if limit.period else ""
        snapshot = f"in snapshot {limit.snapshot}" if limit.snapshot else ""
        own = f"({with_unit(amount, of.unit_of(limit))})" if len(ranked) > 1 else ""
        texts.append(" ".join(filter(None, (what, after, when, snapshot, own))))
    more = len(ranked) - MOST_NAMES
    if more > 0:
        texts.append(f"{more} more")
    joined = ", ".join(filter(None, texts))
    return f" {joined}" if joined else ""


def _degrees(case: Case, limit: Limit, flow_mw: float) -> float:
    """Angle that belongs to a flow of a branch [deg]."""
    network = case.grid_network
    susceptance = abs(float(network.susceptance_mw[network.branch_ids.get_loc(limit.element)]))
    return float(np.degrees(flow_mw / susceptance))
