"""Findings of an AC check: what has no solution, what breaks a limit, and how far DC flow is from AC flow."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from optimizer.errors import Finding, Severity
from optimizer.grid.ac_dc_error import FlowError
from optimizer.grid.ac_flow import ATTEMPTS, SOLVED, ACCase, ACRun
from optimizer.grid.ac_violations import excess

#: Elements listed one by one of each kind and status, the worst first; the rest is counted.
MOST_LISTED = 10

_KINDS = {
    "voltage_low": ("bus", "buses", "the voltage is below its limit"),
    "voltage_high": ("bus", "buses", "the voltage is above its limit"),
    "loading": ("branch", "branches", "the apparent power is above its rating"),
}
_STATUS: dict[str, tuple[str, Severity]] = {
    "new": ("which it is not without the new load", "warning"),
    "worse": ("by more than without the new load", "warning"),
    "not_compared": ("and there is nothing to compare with", "warning"),
    "existing": ("as it is without the new load", "info"),
}
_TEXT = {attempt.name: attempt.text for attempt in ATTEMPTS}


def violation_findings(rows: pd.DataFrame) -> list[Finding]:
    """Return a count of each kind and status, then its worst elements.

    Parameters
    ----------
    rows : DataFrame
        Violations with their ``status``; a column ``when`` says which period and snapshot, where there are several.

    Returns
    -------
    list of Finding
        What the new load brings as warnings, what is there without it as notes.
    """
    found: list[Finding] = []
    ranked = rows.assign(excess=excess(rows)).sort_values("excess", ascending=False, kind="stable")
    for status, (relation, severity) in _STATUS.items():
        for kind, (what, plural, text) in _KINDS.items():
            chosen = ranked[(ranked["kind"] == kind) & (ranked["status"] == status)]
            if chosen.empty:
                continue
            worst = chosen.drop_duplicates("element")
            rule = f"grid.ac.{kind}"
            count = f"{len(worst)} {what if len(worst) == 1 else plural}"
            cases = f"{len(chosen)} cases" if len(chosen) > 1 else "1 case"
            found.append(Finding(rule, f"AC, all {plural}", f"{text}, {relation}", f"{count}, {cases}", "", severity))
            found += [_one(row, rule, what, f"{text}, {relation}", severity) for row in _first(worst)]
    return found


def _first(rows: pd.DataFrame) -> list[dict[str, object]]:
    records: list[dict[str, object]] = rows.head(MOST_LISTED).to_dict("records")
    return records


def _one(row: dict[str, object], rule: str, what: str, text: str, severity: Severity) -> Finding:
    value, limit, unit = float(str(row["value"])), float(str(row["limit"])), str(row["unit"])
    after = f"after outage {row['contingency']}" if row["contingency"] else "no outage"
    when = ", ".join(part for part in (str(row.get("when", "")), after) if part)
    shown = f"{value:.4f} pu" if unit == "pu" else f"{value:.1f} {unit}"
    if unit != "pu" and limit > 0:
        shown += f", {value / limit:.1%} of {limit:.1f} {unit}"
    where = f"AC, {what} {row['element']}, {when}"
    return Finding(rule, where, text, shown, "", severity, value, limit, unit)


def run_findings(
    case: ACCase | None,
    runs: Sequence[ACRun],
    tried: Sequence[tuple[str, str, str]],
    states: pd.DataFrame,
    error: FlowError | None,
    solved_before: bool = False,
) -> list[Finding]:
    """Return what is to be said of the solutions themselves.

    Parameters
    ----------
    case : ACCase, optional
        The case with new load, where it has a solution.
    runs : sequence of ACRun
        With new load, and without.
    tried : sequence of (str, str, str)
        Attempts, and what came of each with and without the new load.
    states : DataFrame
        Of the outages.
    error : FlowError, optional
        DC against AC.
    solved_before : bool
        Whether some attempt has a solution without the new load.
    """
    found = _base(runs, tried, solved_before)
    if case is not None and runs[0].flow is not None:
        found += _outside(case, runs[0])
    found += _outages(states)
    if error is not None:
        text = f"AC flows differ from DC flows by {error.mean_mw:.1f} MW in the mean of {error.n_branch} rated branches"
        shown = f"at most {error.max_mw:.1f} MW (branch {error.max_branch}); {error.mean_share:.1%} of the rating, "
        shown += f"at most {error.max_share:.1%} (branch {error.max_share_branch})"
        found.append(
            Finding("grid.ac.flow_error", "AC, all branches", text, shown, "", "info", error.max_mw, None, "MW")
        )
    return found


def _base(runs: Sequence[ACRun], tried: Sequence[tuple[str, str, str]], solved_before: bool) -> list[Finding]:
    history = "; ".join(_came_of(*one) for one in tried)
    if runs[0].flow is None:
        rule, where = "grid.ac.not_converged", "AC, no outage"
        remedy = "the new load may be more than the voltage can bear: place less of it here, or add reactive support"
        if solved_before:
            return [Finding(rule, where, "there is no solution with the new load, but one without it", history, remedy)]
        text = "no solution was found, with new load or without" if len(runs) == 2 else "no solution was found"
        remedy = "look at reactive load, shunts and set points of the grid: they are not those of this operating point"
        return [Finding(rule, where, text, history, remedy, "warning")]
    found = []
    if len(tried) > 1:
        # Both cases are solved in the same way, so that either may be why it is not the first.
        lost = any(before == SOLVED and said != SOLVED for _, said, before in tried)
        text = "the data as given have no solution"
        if tried[0][1] == SOLVED:
            text += " without the new load"
        elif lost:
            text += ", and the new load takes one away that there would be"
        text += f"; results are {_TEXT[runs[0].attempt.name]} (unverified)"
        remedy = "give shunts and set points for this operating point"
        found.append(Finding("grid.ac.relaxed", "AC, no outage", text, history, remedy, "warning"))
    if len(runs) == 2 and runs[1].flow is None:
        text = "there is no solution without the new load, so that nothing can be compared"
        found.append(Finding("grid.ac.not_compared", "AC, no outage", text, runs[1].said, "", "warning"))
    return found


def _came_of(name: str, said: str, before: str) -> str:
    """What came of an attempt, in a few words."""
    both = said if before in ("", said) else f"{said}, {before} without the new load"
    return f"{_TEXT[name]}: {both}"


def _outside(case: ACCase, run: ACRun) -> list[Finding]:
    """Buses that no solution is of."""
    assert run.flow is not None
    outside = run.flow.voltage_pu.index[run.flow.voltage_pu.isna()]
    if not len(outside):
        return []
    mw = float(case.point.load_mw.reindex(outside).fillna(0.0).sum())
    new = case.point.new_load
    mw_new = float(new["load_mw"][new["bus"].isin(outside)].sum())
    text = "only the largest connected part is solved: other buses are not checked"
    shown = f"{len(outside)} buses with {mw:,.0f} MW, the first {outside[0]}"
    severity: Severity = "info"
    if mw_new:
        shown, severity = f"{shown}; {mw_new:,.0f} MW of the new load", "warning"
    return [Finding("grid.ac.islands", "AC, all buses", text, shown, "", severity)]


def _outages(states: pd.DataFrame) -> list[Finding]:
    found = []
    for state, rule, text in (
        ("not_solved", "grid.ac.outage.not_converged", "outages have no solution"),
        ("without_reactive_limits", "grid.ac.outage.relaxed", "outages have a solution without reactive limits only"),
    ):
        here = states[states["state"] == state]
        before = here["state_before"] == state
        for rows, relation, severity in (
            (here[~before], "with the new load", "warning"),
            (here[before], "with the new load, and without it", "info"),
        ):
            if len(rows):
                names = ", ".join(map(str, rows.index[:MOST_LISTED]))
                shown = f"{len(rows)} of {len(states)}: {names}"
                found.append(Finding(rule, "AC, outages", f"{text} {relation}", shown, "", severity))  # type: ignore[arg-type]
    return found
