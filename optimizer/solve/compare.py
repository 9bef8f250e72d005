"""Scenarios solved beside the plan: what they build instead, and which limits of the full study they break."""

from __future__ import annotations

import pandas as pd

from optimizer.plan.plan import Plan
from optimizer.solve.operation import operation, withdrawals
from optimizer.solve.tables.service import with_service
from optimizer.solve.tables.supply import supplied_mw
from optimizer.study.case import Case


def comparison_tables(case: Case, plan: Plan, beside: dict[str, Plan]) -> dict[str, pd.DataFrame]:
    """Tables ``comparison`` and ``comparison_limits``.

    Parameters
    ----------
    case : Case
        Case of the plan, whose outages and limits count.
    plan : Plan
        The plan.
    beside : dict of str to Plan
        Plans of the scenarios.
    """
    own = plan.tables["sites"].set_index(["site", "period"])["it_mw"]
    differences, limits = [], []
    for name, other in beside.items():
        theirs = other.tables["sites"].set_index(["site", "period"])["it_mw"]
        both = pd.DataFrame({"it_mw": theirs, "it_mw_plan": own}).fillna(0.0)
        both["difference_mw"] = both["it_mw"] - both["it_mw_plan"]
        differences.append(both.rename_axis(["site", "period"]).reset_index().assign(scenario=name))
        # Where circuits can be built, the two plans run in networks of their own: neither's limits are the other's.
        if case.network is not None and not len(case.circuits):
            assert other.study is not None
            placed = other.tables["sites"].merge(other.tables["ties"][["site", "tie"]], on="site")
            found = operation(
                case,
                other.tables["dispatch"],
                # Its own case: outages of the full study may leave no candidate where the scenario builds.
                with_service(
                    withdrawals(other.study.case, placed, supplied_mw(dict(other.tables))),
                    other.tables.get("service", pd.DataFrame()),
                    other.tables.get("dropped"),
                ),
                other.tables["upgrades"][["upgrade", "in_service"]],
            )
            limits.append(found.broken.assign(scenario=name))
    made = {"comparison": pd.concat(differences)}
    return {**made, "comparison_limits": pd.concat(limits)} if limits else made
