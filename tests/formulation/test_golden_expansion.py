"""New circuits on two buses, against their program written by hand.

* Sources give at most 200 MW. Line ab keeps its ends 100 / 1000 = 0.1 rad apart at most, the sources 0.2; widened by a
  hundredth the bound is 0.101 rad, and M = 500 x 0.101 = 50.5 MW.
* Without ab the buses are two parts, which only circuits join: apart by 60 / 500 = 0.12 rad, so M = 500 x 0.1212 = 60.6
  MW. That copy holds where unit 1 is built; else bus a may leave 200 MW over, and bus b 200 + 60.
* With unit 1 alone built, its outage moves all it carries to ab: 120 MW hold for both together, and each unit that
  differs lifts that by 100 + 50 MW, more than both can ever carry.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyomo.environ as pyo

from optimizer.formulation import EXPANSION_PARTS, compose, expansion, phasing
from optimizer.formulation.expansion_outages import Copy, add_copy
from optimizer.objectives.cost import cost
from optimizer.study.circuits import realised
from tests.formulation.two_buses import two_buses
from tests.formulation.writing import part_text, row_lines

GOLDEN = Path(__file__).parent / "golden" / "expansion.txt"


def composed() -> pyo.ConcreteModel:
    """The case with one copy and one row of a topology built."""
    case = two_buses()
    model = compose(case, cost, (*EXPANSION_PARTS, phasing))
    add_copy(model.expansion, Copy("ab", None, (("e", 1),)), 2030, "peak")
    real = realised(case, {"e": 1}, 2030)
    assert real.outage_names == ("ab", "e/1")
    model.expansion.outages.topology.limit_row(real, {"e": 1}, 2030, "peak", 0, 1, 1)
    return model


def test_expansion_is_the_program_written_by_hand() -> None:
    assert part_text(expansion, composed(), two_buses()) == GOLDEN.read_text(encoding="utf-8")


def test_the_law_of_a_branch_that_may_be_replaced_is_switched_too() -> None:
    """Circuit e of 150 MW in the place of ab: 150 / 500 = 0.3 rad, more than the 0.1 of ab itself.

    Widened by a hundredth one of the two keeps the buses 0.303 rad apart at most: M = 303 MW for ab of 1000 MW/rad, and
    151.5 MW for e. What ab carries, 100 MW, is widened so too.
    """
    case = two_buses()
    rebuild = case.circuits.assign(rating_mw=150.0, rating_emergency_mw=180.0, max_count=1, replaces="ab")
    model = compose(
        replace(case, expansion=replace(case.expansion, circuits=rebuild)), cost, (*EXPANSION_PARTS, phasing)
    )
    found = set(row_lines(model.expansion))
    at, z, ab = "[ab,2030,peak,{}]", "expansion.built[e,1,2030]", "expansion.flow_mw[ab,2030,peak]"
    angle = "1000 expansion.angle_rad[b,2030,peak]"
    assert {
        f"  expansion.law_until_replaced{at.format(1)}: {angle} - 303 {z} + {ab} <= 0",
        f"  expansion.law_until_replaced{at.format(-1)}: {angle} + 303 {z} + {ab} >= 0",
        f"  expansion.nothing_once_replaced{at.format(1)}: 101 {z} + {ab} <= 101",
        f"  expansion.nothing_once_replaced{at.format(-1)}: 101 {z} - {ab} <= 101",
        f"  expansion.switched_law[e,1,2030,peak,1]: 500 expansion.angle_rad[b,2030,peak] + 151.5 {z} + "
        "expansion.unit_flow_mw[e,1,2030,peak] <= 151.5",
    } <= found
    assert not any("flow_law" in line for line in found)


def test_every_constraint_has_a_sentence_and_its_algebra() -> None:
    families = list(composed().expansion.component_objects(pyo.Constraint))
    assert len(families) >= 13
    for family in families:
        sentence, blank, algebra = family.doc.partition("\n\n")
        assert sentence.strip().endswith("."), family.name
        assert blank, family.name
        assert any(sign in algebra for sign in ("<=", ">=", "=")), family.name
