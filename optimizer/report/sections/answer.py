"""The answer: how much, where, by when, at what cost, how well proven, how safe."""

from __future__ import annotations

from optimizer.report.page import KeyFigures, Section, Text, blocks
from optimizer.report.text import count, listing, number, quantity, unit_of
from optimizer.report.view import View


def the_answer(view: View) -> Section:
    """Return the headline, what supports it, and the key figures."""
    return Section(
        "answer",
        headline(view),
        blocks(
            Text(_cost(view), "lead"),
            Text(_security(view), "lead"),
            Text(*_verification(view)),
            _shortfall(view),
            _notice(view),
            KeyFigures(tuple(_key_figures(view))),
        ),
    )


def headline(view: View) -> str:
    """Return the answer in one sentence."""
    if not view.it_mw:
        secure = "secure " if view.summary.get("n_contingencies_checked") else ""
        built = {"new circuit": _new_circuits(view), "network upgrade": len(view.table("upgrades"))}
        what = listing(count(n, name) for name, n in built.items() if n)
        return f"The cheapest {secure}operation of the network" + (f" with {what}" if what else "")
    capacity = quantity(view.it_mw[view.last_period], "it_mw")
    return f"{capacity} of IT load at {count(len(view.sites), 'site')} by {view.last_period}"


def _new_circuits(view: View) -> int:
    return int(view.table("circuits")["count"].sum()) if "circuits" in view.plan.tables else 0


def _cost(view: View) -> str:
    money = quantity(view.above_baseline_musd, "cost_musd")
    year = view.plan.config.study.currency_year
    if view.is_developer:
        what = f"The plan costs the developer {money}, tariffs included (present value, {year} dollars)"
    elif view.it_mw:
        what = f"The plan costs {money} more than the same system without the new load (present value, {year} dollars)"
    else:
        what = f"The plan costs {money} (present value, {year} dollars)"
    gap, gap_musd = view.summary["gap"], view.summary["gap_musd"]
    if gap <= 0:
        return f"{what}, and no plan within the study's limits can cost less."
    proof = f"no plan within the study's limits can be more than {quantity(gap_musd, 'gap_musd')} cheaper"
    share = f"{quantity(gap, 'gap')} of the cost that the decision can change"
    stopped = (
        " The search stopped at its limit of time or rounds." if view.summary["status"] == "limit_with_plan" else ""
    )
    return f"{what}; proven: {proof} ({share}).{stopped}"


def _security(view: View) -> str:
    checked = int(view.summary.get("n_contingencies_checked") or 0)
    broken = int(view.summary.get("n_violations") or 0)
    if view.plan.config.grid is None:
        return "The study has no network: nothing is said about flows and outages."
    where = "in the base case"
    if checked:
        where += f" or after any of the {count(checked, 'single outage')}"
        if len(view.dropped_mw):
            where += f", once non-firm load of up to {quantity(view.dropped_mw.iloc[0], 'dropped_mw')} is dropped"
    if broken:
        return f"The check found {count(broken, 'violation')} {where}: the plan does not hold as it stands."
    allowed = view.table("base_overloads")
    besides = ", beyond what was broken before any new load (listed below)" if len(allowed) else ""
    unchecked = "" if checked else " Outages were not studied."
    return f"No limit of the network is broken {where}, in any period and operating condition{besides}.{unchecked}"


def _verification(view: View) -> tuple[str, str]:
    if not view.verified:
        return "The plan has not been recomputed independently: run gridsite verify.", "warning"
    errors = len(view.errors)
    if errors:
        return (
            f"An independent recomputation does not confirm the plan: {count(errors, 'error')}, listed below.",
            "warning",
        )
    return (
        "An independent recomputation from the inputs, without the optimization model, confirms every figure.",
        "good",
    )


def _shortfall(view: View) -> Text | None:
    demand = view.table("demand")
    missing = demand[demand["shortfall_mw"] > 0] if len(demand) else demand
    if missing.empty:
        return None
    parts = [
        f"{quantity(mw, 'it_mw')} in {period}"
        for period, mw in zip(missing["period"], missing["shortfall_mw"], strict=True)
    ]
    verb = "is" if len(parts) == 1 else "are"
    return Text(f"The target is not met: {', '.join(parts)} {verb} not served, at the study's penalty.", "warning")


def _notice(view: View) -> Text | None:
    notice = view.summary.get("data_notice")
    return Text(str(notice), "notice") if notice else None


def _key_figures(view: View) -> list[tuple[str, str, str]]:
    figures: list[tuple[str, str, str]] = []

    def add(value: object, name: str, what: str, unit: str | None = None) -> None:
        figures.append((number(value, name), unit_of(name) if unit is None else unit, what))

    if view.it_mw:
        add(view.it_mw[view.last_period], "it_mw", f"IT load in {view.last_period}")
        add(len(view.sites), "n_mw", "sites", "")
    whose = "the developer's cost" if view.is_developer else "above the baseline" if view.it_mw else "cost"
    add(view.above_baseline_musd, "cost_musd", whose)
    add(view.summary["gap"], "gap", "gap proven")
    if view.plan.config.grid is not None:
        add(view.summary.get("n_contingencies_checked") or 0, "n_mw", "outages checked", "")
        add(view.summary.get("n_violations") or 0, "n_mw", "violations found", "")
        add(len(view.table("upgrades")), "n_mw", "network upgrades", "")
        if "circuits" in view.plan.tables:
            add(_new_circuits(view), "n_mw", "new circuits", "")
    ties = view.table("ties")
    if len(ties):
        add(ties["length_km"].sum(), "tie_km", "of tie lines")
    if view.it_mw and len(view.sites):
        add(view.sites["water_m3_day"].sum(), "water_m3_day", f"water in {view.last_period}")
        add(
            view.sites["emissions_t_per_year"].sum() / 1e6,
            "emissions_mt",
            f"emissions in {view.last_period}",
            "Mt CO₂e/year",
        )
    return figures
