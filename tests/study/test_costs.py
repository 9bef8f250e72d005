import numpy as np
import pytest

from optimizer.study import Study
from optimizer.study.costs import Costs


@pytest.fixture(scope="module")
def costs(request: pytest.FixtureRequest) -> Costs:
    study: Study = request.getfixturevalue("tiny")
    assert study.costs is not None
    return study.costs


def array(*values: float) -> np.ndarray:
    return np.array(values)


def test_circuits_share_towers_two_by_two(costs: Costs) -> None:
    """115 kV: two circuits 1.5 M$/km, three 1.5 + 1.0. 345 kV has no double-circuit cost: two lines of 2.0."""
    found = costs.line_musd_per_km(array(115, 115, 345, 345), np.array([2, 3, 2, 3]))
    assert found.tolist() == [1.5, 2.5, 4.0, 6.0]


def test_positions_at_both_ends(costs: Costs) -> None:
    """Two circuits: two positions, 3 M$. Three: 3 + 2 at the point, and a campus station of six, 14 - 10 more."""
    assert costs.positions_musd(array(115, 115), np.array([2, 3])).tolist() == [3.0, 9.0]


def test_transformers_carry_the_load_with_one_out(costs: Costs) -> None:
    """90 MW at 0.9 are 100 MVA; two transformers of 100, or three of 50 MVA, at 10,000 $/MVA."""
    found = costs.transformers_musd(array(115, 115), np.array([2, 3]), array(90.0, 90.0))
    assert found.tolist() == pytest.approx([2.0, 1.5])


def test_no_transformer_below_the_lowest_voltage(costs: Costs) -> None:
    assert costs.transformers_musd(array(69.0), np.array([2]), array(90.0)).tolist() == [0.0]


def test_firm_capacity_with_one_circuit_out(costs: Costs) -> None:
    """(2 - 1) x 300 x 0.9 and (3 - 1) x 300 x 0.9; 230 kV, between the classes: 1,800 x 230/345 x 0.9."""
    found = costs.firm_tie_mw(array(115, 115, 230, 500), np.array([2, 3, 2, 2]))
    assert found.tolist() == pytest.approx([270.0, 540.0, 1080.0, 1620.0])


@pytest.mark.parametrize(("kv", "cost"), [(69, 0.2), (115, 0.2), (132, 0.4), (345, 0.4), (500, 0.4)])
def test_a_voltage_between_classes_costs_as_the_class_above(costs: Costs, kv: float, cost: float) -> None:
    assert costs.reconductor_musd_per_km(array(kv)).tolist() == [cost]


def test_lead_times(costs: Costs) -> None:
    """Study 6, permit 6 and a line of 24 or 36 months one after the other, equipment of 31 beside them."""
    assert costs.tie_months(115) == 36
    assert costs.tie_months(345) == 48
    assert costs.campus_months() == 26
    assert costs.reconductoring_months() == 24


def test_equipment_may_take_longest(costs: Costs) -> None:
    late = costs.facts["lead_times"].assign(
        months_typical=lambda t: t["months_typical"].where(t["item"] != "breaker", 60)
    )
    assert Costs({**costs.facts, "lead_times": late}).tie_months(115) == 60


def test_the_emission_factor_is_the_first_grid_average(costs: Costs) -> None:
    assert costs.emission_t_per_mwh == 0.4
