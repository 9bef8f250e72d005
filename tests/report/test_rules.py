"""The section on rules: what holds is said with its source, what is uncertain is named, user text stays text."""

from dataclasses import replace

import numpy as np
import pandas as pd

from optimizer.plan.plan import Plan
from optimizer.plan.tables import PLAN_TABLES
from optimizer.report.html import write_report
from optimizer.report.sections.rules import rules
from optimizer.report.view import View

EVIL = "<script>alert('x')</script>"


def lines(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=PLAN_TABLES["rules"].names)


def with_rules(plan: Plan, *rows: tuple[object, ...]) -> Plan:
    return replace(plan, tables={**plan.tables, "rules": lines(*rows)})


TWO = (
    ("s1", "law", "security", 30.0, "M$", "to be posted", "Act, 1", ""),
    ("s2", "law", "security", 60.0, "M$", "to be posted", "Act, 1", ""),
    ("s1", "code", "renewable_share", 0.5, "-", "share", "Code", "confidence weak"),
    ("s2", "code", "renewable_share", 0.5, "-", "share", "Code", "confidence weak"),
    ("s1", EVIL, "duty 1", np.nan, "", EVIL, EVIL, EVIL),
)


def test_without_rules_there_is_no_section(plan: Plan) -> None:
    assert rules(View(plan)) is None


def test_amounts_add_up_over_sites_and_shares_do_not(plan: Plan) -> None:
    """30 + 60 M$ of security at two sites; half of the energy at each of two."""
    section = rules(View(with_rules(plan, *TWO)))
    assert section is not None
    table = section.blocks[-1]
    cells = {row[0]: row for row in table.rows}
    assert cells["law"][3:5] == ("90.00 M$", "2")
    assert cells["code"][3:5] == ("0.5000", "2")
    assert cells[EVIL][3] == "–"


def test_uncertain_rules_are_named_before_the_table(plan: Plan) -> None:
    section = rules(View(with_rules(plan, *TWO)))
    assert section is not None
    warning = section.blocks[1]
    assert warning.tone == "warning"
    assert "code" in warning.text
    assert "law" not in warning.text
    certain = rules(View(with_rules(plan, *TWO[:2])))
    assert certain is not None
    assert [block.kind for block in certain.blocks] == ["text", "table"]


def test_text_of_rules_is_escaped_in_the_page(plan: Plan, tmp_path) -> None:
    path = tmp_path / "report.html"
    write_report(with_rules(plan, *TWO), path)
    text = path.read_text(encoding="utf-8")
    assert EVIL not in text
    assert "&lt;script&gt;alert" in text
    assert '<section id="rules"' in text
