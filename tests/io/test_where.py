"""Filters: selected rows worked out by hand, what is refused, and that no text does harm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.io.where import MAX_LENGTH, MAX_NESTING, parse_where

FRAME = pd.DataFrame(
    {
        "a": [1.0, 2.0, np.nan, 4.0],
        "i": [1, 2, 3, 4],
        "t": ["x", "xy", None, "O'Hare"],
        "b": [True, None, False, True],
        "my zone": ["AE", "X", "A%", "A_"],
        "when": pd.to_datetime(["2020-01-01"] * 4),
    }
)


def rows(text: str, frame: pd.DataFrame = FRAME) -> list[int]:
    """Selected rows, counted from 1."""
    return (np.flatnonzero(parse_where(text, "w").mask(frame)) + 1).tolist()


def refusal(text: str) -> tuple[str, str, str]:
    with pytest.raises(InputError) as refused:
        rows(text)
    finding = refused.value.findings[0]
    assert finding.where == "w"
    assert finding.remedy
    return finding.rule, finding.found, finding.remedy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 1", [2, 4]),
        ("a <> 1", [2, 4]),
        ("a >= 2 AND i <= 2", [2]),
        ("a = 1 OR t = 'O''Hare'", [1, 4]),
        ("t IN ('x', 'xy')", [1, 2]),
        ("i IN (1, a)", [1, 2, 4]),
        ("a BETWEEN 2 AND 4", [2, 4]),
        ("i NOT BETWEEN 2 AND 3", [1, 4]),
        ("t LIKE 'x%'", [1, 2]),
        ("t LIKE 'x_'", [2]),
        ("\"my zone\" LIKE 'A\\%'", [3]),
        ("\"my zone\" = 'AE'", [1]),
        ("a IS NULL", [3]),
        ("t IS NOT NULL", [1, 2, 4]),
        ("b", [1, 4]),
        ("NOT b", [3]),
        ("b = FALSE", [3]),
        ("i + 2 * a >= 6", [2, 4]),
        ("-i < -3", [4]),
        ("i - 1 = 0", [1]),
        # 4 / (4 - 2) = 2; row 2 divides by zero, and row 3 has no a.
        ("a / (i - 2) = 2", [4]),
        ("t < 'xa'", [1, 4]),
        ("1 = 1", [1, 2, 3, 4]),
        ("(a = 1) = b", [1]),
    ],
)
def test_rows_that_are_selected(text: str, expected: list[int]) -> None:
    assert rows(text) == expected


@pytest.mark.parametrize("text", ["a > 1", "t = 'x'", "b", "t LIKE 'x%'", "a IN (1, 2)", "a BETWEEN 0 AND 2"])
def test_a_missing_value_is_in_neither_a_condition_nor_its_opposite(text: str) -> None:
    missing = int(FRAME[parse_where(text, "w").columns[0]].isna().to_numpy().nonzero()[0][0]) + 1
    assert missing not in rows(text)
    assert missing not in rows(f"NOT ({text})")
    assert sorted(rows(text) + rows(f"NOT ({text})") + [missing]) == [1, 2, 3, 4]


def test_unknown_and_false_is_false_and_unknown_or_true_is_true() -> None:
    # In row 3 the value of a is missing.
    assert rows("NOT (a > 1 AND i = 4)") == [1, 2, 3]
    assert rows("a > 9 OR i = 3") == [3]


def test_columns_are_named_once_in_their_order() -> None:
    assert parse_where("t = 'x' OR a > 1 AND t <> 'y'", "w").columns == ("t", "a")


def test_categories_are_what_they_stand_for() -> None:
    frame = pd.DataFrame({"c": pd.Categorical(["p", "q", None]), "n": pd.Categorical([3, None, 5])})
    assert rows("c = 'q'", frame) == [2]
    assert rows("n > 3", frame) == [3]


def test_cells_of_a_raster() -> None:
    frame = pd.DataFrame({"value": np.array([11, 12, 95], dtype="uint8")})
    assert rows("value IN (11, 95) AND value > 11", frame) == [3]


@pytest.mark.parametrize(
    ("text", "rule", "found", "remedy"),
    [
        ("zone = 'AE'", "layer.where.column", "zone", "my zone"),
        ("tt = 'x'", "layer.where.column", "tt", "known: "),
        ("a = 'x'", "layer.where.type", "'x'", "quotes"),
        ("t > 1", "layer.where.type", "1", "quotes"),
        ("a", "layer.where.type", "a", ""),
        ("a LIKE 'x'", "layer.where.type", "a", ""),
        ("a + t = 1", "layer.where.type", "t", ""),
        ("when = 'x'", "layer.where.type", "when", ""),
        ("a = NULL", "layer.where.operator", "IS NULL", "is null"),
        ("a % 2 = 1", "layer.where.operator", "%", "between"),
        ("a ^ 2 = 1", "layer.where.operator", "^", ""),
        ("S_INTERSECTS(geometry, POINT(0 0))", "layer.where.operator", "s_intersects", ""),
        ("when > DATE('2020-01-01')", "layer.where.operator", "date", ""),
        ("load_extension('x') = 1", "layer.where.operator", "load_extension", ""),
        ("t LIKE t", "layer.where.operator", "LIKE", ""),
        ("1", "layer.where.operator", "1", ""),
        ("a = (1, 2)", "layer.where.operator", "list", ""),
        ("i = 99999999999999999999", "layer.where.operator", "1e+20", ""),
        ("a = 1e999", "layer.where.operator", "inf", ""),
        ("a =", "layer.where.syntax", "character", "CQL2"),
        ("", "layer.where.syntax", "''", ""),
        ("a = 1; DROP TABLE parks", "layer.where.syntax", "character 6", ""),
        ("a = 1 UNION SELECT 1", "layer.where.syntax", "character 7", ""),
        ("a = 1 /* x */", "layer.where.syntax", "character", ""),
        ("__import__('os')", "layer.where.syntax", "__import__", ""),
        ("eval('a') = 1", "layer.where.operator", "eval", ""),
        ("a == 1", "layer.where.syntax", "character", ""),
        ("(" * (MAX_NESTING + 1) + "a = 1" + ")" * (MAX_NESTING + 1), "layer.where.too_long", "51 levels", ""),
        ("NOT " * 60 + "a = 1", "layer.where.too_long", "NOT", ""),
        ("a = 1 OR " * 60 + "a = 1", "layer.where.too_long", f"{60 * 9 + 5} characters", "500"),
        ("a" + "+a" * 200 + " = 1", "layer.where.too_long", "a+a", ""),
    ],
)
def test_what_is_refused(text: str, rule: str, found: str, remedy: str) -> None:
    assert refusal(text)[0] == rule
    assert found in refusal(text)[1]
    assert remedy in refusal(text)[2]


def test_text_that_looks_like_sql_is_text() -> None:
    assert rows("t = ''' OR 1=1 --'") == []
    assert rows("t = 'x' OR 1 = 1") == [1, 2, 3, 4]  # this is a condition that always holds, and does no more


def test_patterns_are_no_regular_expressions() -> None:
    frame = pd.DataFrame({"t": ["a.c", "abc", "(a+)+$"]})
    assert rows("t LIKE 'a.c'", frame) == [1]
    assert rows("t LIKE '(a+)+$'", frame) == [3]


def test_a_pattern_of_many_wildcards_is_fast() -> None:
    # A backtracking matcher needs longer than the age of the Earth for this one.
    frame = pd.DataFrame({"t": ["a" * 20_000 + "b"] * 20})
    assert rows(f"t LIKE '{'%a' * 200}'", frame) == []


def test_every_unknown_column_is_said_at_once() -> None:
    found = parse_where("p = 1 AND q = 2", "w").check(FRAME)
    assert [f.found for f in found] == ["'p'", "'q'"]


def test_no_rows_are_a_table_too() -> None:
    assert parse_where("a > 1 AND t = 'x' AND t LIKE 'x'", "w").mask(FRAME.iloc[:0]).shape == (0,)


WORDS = st.sampled_from(
    "a i t b when zz ( ) , = <> < >= + - * / AND OR NOT IN BETWEEN LIKE IS NULL TRUE 1 2.5 1e400 'x' '%' \"a\" ; -- . "
    "DATE CASEI S_INTERSECTS POINT [ ] 'O''H' ^ % DIV \\ \x00 é".split(" ")
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=MAX_LENGTH + 10), st.lists(WORDS, max_size=40).map(" ".join)))
def test_any_text_selects_rows_or_is_refused_with_findings(text: str) -> None:
    findings, chosen = [], None
    try:
        chosen = parse_where(text, "w").mask(FRAME)
    except InputError as refused:
        findings = list(refused.findings)
    assert all(f.rule.startswith("layer.where.") and f.remedy for f in findings)
    assert (chosen is None) == bool(findings)
    assert chosen is None or (chosen.dtype == bool and chosen.shape == (4,))


NUMBERS = st.integers(-3, 3)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8), NUMBERS, NUMBERS, st.sampled_from(["<", "<=", "="])
)
def test_agrees_with_python(pairs: list[tuple[int, int]], low: int, high: int, sign: str) -> None:
    frame = pd.DataFrame(pairs, columns=["p", "q"])
    compare = {"<": int.__lt__, "<=": int.__le__, "=": int.__eq__}[sign]
    expected = [
        n for n, (p, q) in enumerate(pairs, 1) if compare(p + 2 * q, high) and (not low <= p <= high or q in (low, 1))
    ]
    assert rows(f"p + 2 * q {sign} {high} AND (NOT p BETWEEN {low} AND {high} OR q IN ({low}, 1))", frame) == expected
