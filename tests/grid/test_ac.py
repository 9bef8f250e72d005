"""The AC check: limits found by hand, what a new load brings told from what was there, and failures as findings."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import optimizer.grid.ac as ac
from optimizer.errors import Finding, InputError
from optimizer.grid.ac import check_ac
from optimizer.grid.ac_findings import MOST_LISTED, violation_findings
from optimizer.grid.ac_violations import compare
from optimizer.grid.network import Grid, make_grid


def grid_of(load_mw: float = 100, rating: float = 300, circuits: int = 1, **line: float) -> Grid:
    """A source of 1.0 pu at a, equal circuits of 0.1 pu to a load at b without reactive power."""
    buses = pd.DataFrame({"bus": ["a", "b"], "base_kv": 230.0, "load_mw": [0.0, load_mw], "load_mvar": 0.0})
    branches = pd.DataFrame({"branch": [f"l{i + 1}" for i in range(circuits)], "from_bus": "a", "to_bus": "b"})
    branches = branches.assign(x_pu=0.1, rating_mw=rating, **line)
    units = pd.DataFrame({"generator": ["g"], "bus": "a", "p_max_mw": 2000.0, "v_set_pu": 1.0})
    return make_grid("test", {"buses": buses, "branches": branches, "generators": units})


def output(mw: float) -> pd.Series:
    return pd.Series({"g": mw})


def new(mw: float) -> pd.Series:
    return pd.Series({"b": mw})


def rows(result: ac.ACResult) -> dict[tuple[str, str, str], str]:
    keys = zip(*(result.violations[c] for c in ("kind", "element", "contingency", "status")), strict=True)
    return {(kind, element, outage): status for kind, element, outage, status in keys}


def rules(findings: tuple[Finding, ...], severity: str) -> set[str]:
    return {f.rule for f in findings if f.severity == severity}


def far_voltage(p: float, q: float, x: float = 0.1) -> float:
    """Larger root of V^4 + (2 x q - 1) V^2 + x^2 (p^2 + q^2) = 0 [pu]."""
    half = x * q - 0.5
    return math.sqrt(-half + math.sqrt(half**2 - x * x * (p * p + q * q)))


def test_new_load_draws_reactive_power_by_its_power_factor() -> None:
    """100 MW and 180 MW at 0.95: q = 1.8 tan(acos 0.95) = 0.592 pu and V is below 0.95; at 1.0 it is 0.956."""
    result = check_ac(grid_of(), new(180), output(280), output_before_mw=output(100))
    expected = far_voltage(2.8, 1.8 * math.tan(math.acos(0.95)))
    assert expected < 0.95 < far_voltage(2.8, 0.0)
    low = result.violations[result.violations["kind"] == "voltage_low"]
    assert low["value"].tolist() == [pytest.approx(expected, abs=1e-6)]
    assert rows(result)["voltage_low", "b", ""] == "new"
    assert rows(check_ac(grid_of(), new(180), output(280), power_factor=1.0)) == {}


def test_apparent_power_is_held_against_the_rating() -> None:
    """The source end carries 300 MW and Q = 100 (V_a^2 - V_a V_b cos) / x, which follows from I^2 x = q_a - q_b."""
    q = 2 * math.tan(math.acos(0.95))
    v = far_voltage(3.0, q)
    sent = q + 0.1 * (9 + q * q) / v**2
    result = check_ac(grid_of(rating=310), new(200), output(300))
    loading = result.violations[result.violations["kind"] == "loading"]
    assert loading["value"].tolist() == [pytest.approx(100 * math.hypot(3.0, sent), abs=1e-3)]
    assert loading["limit"].tolist() == [310]
    assert set(result.violations["status"]) == {"not_compared"}


def test_existing_and_worse_are_told_apart() -> None:
    """Bus b is below 0.95 already at 320 MW (0.9405 pu): as before with the same load, worse with 100 MW more."""
    grid = grid_of(320, rating=0)
    assert far_voltage(3.2, 0.0) < 0.95
    same = check_ac(grid, new(0), output(320), output_before_mw=output(320))
    assert rows(same) == {("voltage_low", "b", ""): "existing"}
    assert "grid.ac.voltage_low" in rules(same.findings, "info")
    assert "grid.ac.voltage_low" not in rules(same.findings, "warning")
    worse = check_ac(grid, new(50), output(370), output_before_mw=output(320))
    assert rows(worse) == {("voltage_low", "b", ""): "worse"}
    assert "grid.ac.voltage_low" in rules(worse.findings, "warning")


def test_unlimited_ratings_are_never_exceeded() -> None:
    result = check_ac(grid_of(rating=0), new(100), output(200))
    assert "loading" not in set(result.violations["kind"])
    assert result.flow_error is None


def test_after_an_outage_emergency_limits_hold() -> None:
    """Two circuits of 150 MVA share 200 MW; one carries all of it after an outage, more than 1.2 x 150."""
    grid = grid_of(100, rating=150, circuits=2)
    outages = {"first": ["branch/l1"]}
    result = check_ac(grid, new(100), output(200), output_before_mw=output(100), outages=outages, power_factor=1.0)
    assert rows(result) == {("loading", "l2", "first"): "new"}
    assert result.violations["limit"].tolist() == [pytest.approx(180)]
    assert result.outages.loc["first"].to_dict() == {"state": "solved", "state_before": "solved", "lost_buses": 0}
    stronger = grid_of(100, rating=150, circuits=2, rating_emergency_mw=210)
    assert rows(check_ac(stronger, new(100), output(200), outages=outages, power_factor=1.0)) == {}


def test_outage_of_a_campus_and_of_a_unit_take_them_away() -> None:
    """Without the campus the line carries 100 MW; the unit's outage is made up by the other one at a."""
    grid = grid_of(100, rating=110)
    units = pd.concat([grid.generators, grid.generators.rename(index={"g": "h"})]).rename_axis("generator")
    grid = replace(grid, generators=units)
    campus = pd.DataFrame({"bus": ["b"], "load_mw": [100.0]}, index=["site"])
    outages = {"campus": ["new/site"], "unit": ["generator/h"]}
    both = pd.Series({"g": 100.0, "h": 100.0})
    result = check_ac(grid, campus, both, outages=outages, power_factor=1.0)
    assert rows(result) == {("loading", "l1", ""): "not_compared", ("loading", "l1", "unit"): "not_compared"}


def test_a_splitting_outage_loses_its_side() -> None:
    """A third bus behind b is cut off; what is left is solved."""
    buses = pd.DataFrame({"bus": ["a", "b", "c"], "base_kv": 230.0, "load_mw": [0.0, 100, 20], "load_mvar": 0.0})
    ends = {"from_bus": ["a", "b"], "to_bus": ["b", "c"], "x_pu": 0.1, "rating_mw": 300.0}
    branches = pd.DataFrame({"branch": ["l", "m"], **ends})
    units = pd.DataFrame({"generator": ["g"], "bus": "a", "p_max_mw": 900.0, "v_set_pu": 1.0})
    grid = make_grid("test", {"buses": buses, "branches": branches, "generators": units})
    result = check_ac(grid, new(50), output(170), outages={"m": ["branch/m"]})
    assert result.outages.loc["m", ["state", "lost_buses"]].tolist() == ["solved", 1]


def test_no_solution_is_an_error_where_there_was_one() -> None:
    """At power factor 1 no more than 1 / (2 x) = 500 MW flows; 600 MW have no solution, 100 MW do."""
    result = check_ac(grid_of(), new(500), output(600), output_before_mw=output(100), power_factor=1.0)
    assert (result.converged, result.converged_before) == (False, True)
    assert rules(result.findings, "error") == {"grid.ac.not_converged"}
    said = next(f for f in result.findings if f.rule == "grid.ac.not_converged").found
    assert "with reactive limits" in said
    assert "without reactive limits" in said
    assert "one bus" in said
    near = check_ac(grid_of(rating=0), new(395), output(495), output_before_mw=output(100), power_factor=1.0)
    assert near.converged


def test_no_solution_before_either_is_a_warning() -> None:
    result = check_ac(grid_of(600), new(10), output(610), output_before_mw=output(600))
    assert (result.converged, result.converged_before) == (False, False)
    assert rules(result.findings, "error") == set()
    assert "grid.ac.not_converged" in rules(result.findings, "warning")


def test_an_outage_without_a_solution_is_a_finding() -> None:
    """Two circuits carry 600 MW, one cannot; without the new load one can carry 300 MW."""
    result = check_ac(
        grid_of(300, rating=0, circuits=2),
        new(300),
        output(600),
        output_before_mw=output(300),
        outages={"one": ["branch/l1"]},
        power_factor=1.0,
    )
    assert result.outages.loc["one", ["state", "state_before"]].tolist() == ["not_solved", "solved"]
    assert "grid.ac.outage.not_converged" in rules(result.findings, "warning")


def test_flow_error_is_the_difference_of_dc_and_ac_by_hand() -> None:
    """Unequal parallel paths: DC shares 200 MW by reactance, AC by impedance, as a division of current tells."""
    grid = grid_of(200, rating=400, circuits=2)
    grid = replace(grid, branches=grid.branches.assign(r_pu=[0.05, 0.0]))
    z1, z2 = 0.05 + 0.1j, 0.1j
    joint = z1 * z2 / (z1 + z2)
    v = complex(0.95)
    for _ in range(200):  # V_b = 1 - Z conj(S / V_b), by iteration to its fixed point
        v = 1 - joint * (2.0 / v).conjugate()
    drop = 1 - v
    # Mean of what enters at a and leaves at b, in the middle of each circuit.
    middle = [(((1 + v) / 2) * (drop / z).conjugate()).real * 100 for z in (z1, z2)]
    result = check_ac(grid, new(0), output(200))
    error = result.flow_error
    assert error is not None
    expected = np.abs(np.array(middle) - 100)
    assert error.max_mw == pytest.approx(expected.max(), abs=1e-4)
    assert error.mean_mw == pytest.approx(expected.mean(), abs=1e-4)
    assert error.max_share == pytest.approx(expected.max() / 400, abs=1e-6)


def test_capacitors_follow_the_load_only_where_the_data_have_no_solution() -> None:
    """A bank of 15 pu on a circuit of 10 pu has no realistic state; in proportion to a load of a tenth it is 1.5 pu."""
    grid = grid_of(100, rating=0)
    grid = replace(grid, buses=grid.buses.assign(shunt_mvar=[0.0, 1500.0]))
    light = check_ac(grid, new(0), output(10), load_mw=pd.Series({"a": 0.0, "b": 10.0}), output_before_mw=output(10))
    assert light.attempt == "capacitors_with_load"
    assert "grid.ac.relaxed" in rules(light.findings, "warning")
    peak = check_ac(replace(grid, buses=grid.buses.assign(shunt_mvar=[0.0, 50.0])), new(0), output(100))
    assert peak.attempt == "as_given"
    assert "grid.ac.relaxed" not in rules(peak.findings, "warning")


def test_a_solution_that_the_new_load_takes_away_is_said() -> None:
    """A unit at b with 10 Mvar bears 100 MW but not 600; holding 1.0 pu without limits, 1000 MW could flow (1 / x)."""
    grid = grid_of(100, rating=0)
    units = pd.concat([grid.generators, grid.generators.rename(index={"g": "h"})]).rename_axis("generator")
    units = units.assign(bus=["a", "b"], q_min_mvar=[math.nan, -10.0], q_max_mvar=[math.nan, 10.0])
    grid = replace(grid, generators=units)
    only_a = pd.Series({"g": 2000.0, "h": 1.0})
    result = check_ac(grid, new(500), output(600), output_before_mw=output(100), output_max_mw=only_a, power_factor=1.0)
    assert result.attempt == "no_reactive_limits"
    said = next(f for f in result.findings if f.rule == "grid.ac.relaxed")
    assert "the new load takes one away" in said.message
    # The angle over the circuit is asin(0.6): each end gives (1 - cos) / x, far beyond 10 Mvar.
    assert result.converged
    assert result.converged_before


def test_bad_input_is_refused_with_every_finding() -> None:
    load = pd.Series({"nowhere": 10.0, "b": math.nan})
    with pytest.raises(InputError) as refused:
        check_ac(grid_of(), load, pd.Series({"ghost": 1.0}), power_factor=0.0)
    found = {f.rule for f in refused.value.findings}
    assert found == {"grid.bus.unknown", "grid.generator.unknown", "grid.ac.not_a_number", "grid.ac.power_factor"}


def test_unknown_elements_of_outages_are_said() -> None:
    result = check_ac(grid_of(), new(10), output(110), outages={"x": ["branch/none"]})
    assert "grid.ac.outage.nothing" in {f.rule for f in result.findings}
    assert result.outages.empty


def test_failure_of_the_engine_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("java.lang.OutOfMemoryError\n\tat somewhere")

    monkeypatch.setattr(ac, "_first_common", broken)
    result = check_ac(grid_of(), new(10), output(110))
    assert not result.converged
    assert [f.rule for f in result.findings] == ["grid.ac.engine"]
    assert result.findings[0].found == "java.lang.OutOfMemoryError"


def test_a_grid_that_holds_no_voltage_is_a_finding() -> None:
    grid = grid_of()
    grid = replace(grid, generators=grid.generators.assign(q_max_mvar=0.1, q_min_mvar=0.0))
    result = check_ac(grid, new(10), output(110))
    assert not result.converged
    assert "grid.ac.not_converged" in {f.rule for f in result.findings}


def test_buses_outside_of_the_main_part_are_said() -> None:
    buses = pd.DataFrame({"bus": ["a", "b", "c"], "base_kv": 230.0, "load_mw": [0.0, 100, 0], "load_mvar": 0.0})
    branches = pd.DataFrame({"branch": ["l"], "from_bus": ["a"], "to_bus": ["b"], "x_pu": 0.1, "rating_mw": 300.0})
    units = pd.DataFrame({"generator": ["g"], "bus": "a", "p_max_mw": 900.0, "v_set_pu": 1.0})
    grid = make_grid("test", {"buses": buses, "branches": branches, "generators": units})
    assert "grid.ac.islands" in rules(check_ac(grid, new(10), output(110)).findings, "info")


def test_the_worst_of_each_kind_are_listed_and_all_are_counted() -> None:
    n = MOST_LISTED + 5
    found = pd.DataFrame({"kind": "loading", "element": [f"l{i}" for i in range(n)], "contingency": ""})
    found = found.assign(value=[100.0 + i for i in range(n)], limit=90.0, unit="MVA")
    said = violation_findings(compare(found, found.iloc[:0], {""}))
    assert len(said) == 1 + MOST_LISTED
    assert said[0].found == f"{n} branches, {n} cases"
    assert said[1].where.startswith(f"AC, branch l{n - 1},")
    assert (said[1].value, said[1].limit, said[1].unit) == (100.0 + n - 1, 90.0, "MVA")


def test_the_same_input_gives_the_same_result() -> None:
    one, two = (check_ac(grid_of(circuits=2), new(200), output(300), outages={"k": ["branch/l1"]}) for _ in range(2))
    assert one.to_dict() == two.to_dict()
    assert one.findings == two.findings
