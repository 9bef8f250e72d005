import math

import pytest

from optimizer.report.text import count, figure_text, listing, number, quantity, rule_words, significant, wrapped

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("value", "name", "printed"),
    [
        (1234.5, "it_mw", "1,234"),  # half to even, as everywhere in Python
        (1234567.04, "cost_musd", "1,234,567.0"),
        (0.0125, "gap", "1.25"),
        (0.98765, "loading", "98.8"),
        (-12.34, "tie_km", "−12.3"),
        (-0.04, "cost_musd", "0.0"),
        (math.nan, "it_mw", "–"),
        (None, "it_mw", "–"),
        (math.inf, "limit_mw", "unlimited"),
        (12.5, "price_usd_per_mwh", "12.50"),
        (12.5, "annuity_musd_per_mw", "12.50"),
    ],
)
def test_a_number_is_printed_as_its_unit_wants(value: float, name: str, printed: str) -> None:
    assert number(value, name) == printed


def test_a_quantity_has_its_unit_behind_a_space_that_does_not_break() -> None:
    assert quantity(1250.0, "facility_mw") == f"1,250{NBSP}MW"
    assert quantity(None, "facility_mw") == "–"


@pytest.mark.parametrize(
    ("value", "printed"),
    [(123456.7, "123,457"), (12.3456, "12.35"), (0.00123456, "0.001235"), (-2.0, "−2.000"), (0, "0")],
)
def test_four_significant_digits(value: float, printed: str) -> None:
    assert significant(value) == printed


def test_words() -> None:
    assert count(1, "site") == f"1{NBSP}site"
    assert count(3206, "outage") == f"3,206{NBSP}outages"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing(["a"]) == "a"
    assert rule_words("excluded:wet_land") == "excluded: wet land"


def test_text_in_figures_is_shown_as_it_is() -> None:
    assert figure_text("<b>a & b</b>") == "&lt;b&gt;a &amp; b&lt;/b&gt;"
    assert wrapped("one <two> three", width=9) == "one &lt;two&gt;<br>three"
