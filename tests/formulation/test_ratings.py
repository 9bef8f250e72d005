"""Limits of branches whose ratings vary by snapshot, against rows written by hand.

At the peak ac has half of its 80 MW and of the 30 and 60 MW that upgrades add; after an outage 3/4 of its 96 MW and of
the 36 and 72 MW added. Allowances of 5 and 2 MW stand beside. With ab out all that it carried goes round over ac.
"""

from __future__ import annotations

from optimizer.formulation import compose, power_flow, security
from optimizer.objectives.cost import cost
from tests.formulation.tiny import rated_case
from tests.formulation.writing import row_lines


def test_limits_are_those_written_by_hand() -> None:
    case = rated_case()
    model = compose(case, cost)
    power_flow.flow_of(model.power_flow, case, "ac", 2032, "peak")
    model.power_flow.rating_rows.add("ac", 2032, "peak", 1)
    security.row_of(model.security, case, model, "ac", "ab", 2032, "peak", 1)
    rows = [*row_lines(model.power_flow), *row_lines(model.security)]
    flow = "power_flow.flow_mw[{},2032,peak]"
    added = " - {} upgrades.in_service[u1,2032] - {} upgrades.in_service[u2,2032] <= {}"
    assert [row.strip() for row in rows if "within" in row] == [
        f"power_flow.within_normal_rating[ac,2032,peak,1]: {flow.format('ac')}{added.format(15, 30, 45)}",
        "security.within_emergency_rating[ac,ab,2032,peak,1]: "
        f"{flow.format('ab')} + {flow.format('ac')}{added.format(27, 54, 74)}",
    ]
