"""The cost objective is the cost ledger, all of it and nothing else."""

from __future__ import annotations

import pyomo.environ as pyo
import pytest

from optimizer.formulation import compose
from optimizer.objectives.cost import cost
from tests.formulation.tiny import tiny_case


def test_cost_is_the_sum_of_every_account_and_period() -> None:
    """With every variable at 1 the objective is the sum of all coefficients that the golden programs post."""
    model = compose(tiny_case(), cost)
    for variable in model.component_data_objects(pyo.Var):
        variable.set_value(1.0, skip_validation=True)
    yearly = {
        "sites": 1 + 4 + 0.5 + 9,
        "shortfall": 9,
        "ties": 0.6 + 1.25 + 0.4,
        "cooling": 0.01 + 0.02 + 0.03,
        "water": 365 * 1.5 / 1e6,
        "upgrades": 0.5 + 0.8,
        "generation": 8760 * (20 + 30 + 50 + 100) / 1e6,
    }
    # One M$ a year is worth 2 M$ in the first period and 3 M$ in the second.
    assert pyo.value(model.objective) == pytest.approx(5 * sum(yearly.values()), rel=1e-12)
    assert {account for account, _ in model.ledger.cost_musd} == set(yearly)
