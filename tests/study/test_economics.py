import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.study.economics import capital_recovery, period_table, ready_year, yearly_factor


def test_an_annuity_repays_the_loan() -> None:
    """Published tables of the capital recovery factor: 7 %, 30 years: 0.0806; 10 %, 2 years: 1/(1/1.1 + 1/1.21)."""
    assert capital_recovery(0.07, 30) == pytest.approx(0.0806, abs=5e-5)
    assert capital_recovery(0.10, 2) == pytest.approx(1 / (1 / 1.1 + 1 / 1.21))


def test_without_interest_it_is_paid_in_equal_parts() -> None:
    assert capital_recovery(0.0, 20) == 0.05
    assert capital_recovery(1e-9, 20) == pytest.approx(0.05, rel=1e-6)


@given(st.floats(0.001, 0.3), st.integers(1, 60))
def test_the_present_value_of_the_payments_is_the_cost(rate: float, years: int) -> None:
    paid = sum(capital_recovery(rate, years) / (1 + rate) ** n for n in range(1, years + 1))
    assert paid == pytest.approx(1.0)


def test_periods_last_until_the_next() -> None:
    """10 %: 2030 and 2031 are worth 1 + 1/1.1; 2032 to 2034, discounted to 2030: 1.1^-2 + 1.1^-3 + 1.1^-4."""
    table = period_table([2030, 2032], 0.10, 3)
    assert table["years"].tolist() == [2, 3]
    assert table["annuity_years"].tolist() == pytest.approx([1 + 1 / 1.1, 1.1**-2 + 1.1**-3 + 1.1**-4])


def test_a_part_of_a_year_counts_in_part() -> None:
    assert period_table([2030], 0.0, 2.5)["annuity_years"].tolist() == [2.5]
    assert period_table([2030], 0.10, 1.5)["annuity_years"].tolist() == pytest.approx([1 + 0.5 / 1.1])


def test_one_year_without_interest_is_one_year_of_cost() -> None:
    assert period_table([2024], 0.0, 1)["annuity_years"].tolist() == [1.0]


@given(st.floats(0, 0.2), st.floats(0.5, 30))
def test_costs_counted_whole_add_up_to_the_cost(rate: float, years: float) -> None:
    periods = period_table([2030], rate, years)
    assert yearly_factor(periods, rate, 30, annuitize=False) * periods["annuity_years"].iloc[0] == pytest.approx(1.0)


@pytest.mark.parametrize(("months", "year"), [(0, 2026), (1, 2027), (12, 2027), (12.5, 2028), (36, 2029), (39, 2030)])
def test_what_is_ready_within_a_year_serves_from_the_next(months: float, year: int) -> None:
    assert ready_year(2026, months) == year
