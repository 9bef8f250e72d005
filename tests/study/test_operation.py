"""Snapshots, load, availability and cost of generation on the tiny grid (see conftest)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.config import DispatchSettings
from optimizer.errors import InputError
from optimizer.study import Study
from optimizer.study.generation import cost_curves, output_limits

Edited = Callable[..., Study]


def snapshots(*rows: dict[str, object]) -> dict[str, object]:
    return {"grid.snapshot": [dict(row) for row in rows]}


def rules(read: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(InputError) as refused:
        read()
    return {f.rule: str(f) for f in refused.value.findings}


def test_load_by_period_and_snapshot(edited: Edited) -> None:
    """100 MW at n1, half of it in the low snapshot, plus 3 % a year for two years; the shunt of 7 MW never changes."""
    buses = (
        "bus,base_kv,load_mw,shunt_mw,lat,lon,zone\nn1,115,100,7,0,0.01,z\nn2,115,0,0,0,0.02,z\nn3,115,0,0,0,0.03,z\n"
        "n4,115,0,0,0,0.04,z\n"
    )
    load = edited({"tiny/grid/buses.csv": buses}, {"grid.load_growth_per_year": 0.03}).case.load_mw
    assert load.loc["n1"].to_dict() == pytest.approx(
        {(2030, "peak"): 107, (2030, "low"): 57, (2032, "peak"): 100 * 1.03**2 + 7, (2032, "low"): 50 * 1.03**2 + 7}
    )
    assert load.loc["n2"].tolist() == [0.0] * 4


def test_a_zone_factor_replaces_that_of_the_snapshot(edited: Edited) -> None:
    study = edited({"tiny/grid/load_factors.csv": "snapshot,zone,factor\nlow,z,0.3\n"})
    assert study.case.load_mw.loc["n1", 2030].to_dict() == pytest.approx({"peak": 100, "low": 30})


def test_availability_by_generator_zone_and_carrier(edited: Edited) -> None:
    """Wind has 0.2 at the peak; g2 is named for the low snapshot, which wins over wind's 0.5. Gas has all of it."""
    case = edited().case
    assert case.output_max_mw.loc["g2"].to_dict() == {"peak": 20.0, "low": 90.0}
    assert case.output_max_mw.loc["g1"].to_dict() == {"peak": 2000.0, "low": 2000.0}
    table = "snapshot,carrier,zone,factor\npeak,wind,z,0.6\npeak,wind,,0.2\n"
    assert edited({"tiny/grid/availability.csv": table}).case.output_max_mw.loc["g2", "peak"] == 60.0


@pytest.mark.slow
def test_snapshots_of_the_study_replace_those_of_the_grid(tiny: Study) -> None:
    rows = (
        {"name": "a", "hours": 4000.0, "load_factors": {"z": 0.8}, "availability": {"wind": 0.1}},
        {"name": "b", "hours": 4760.0, "load_factor": 0.9},
    )
    case = tiny.override(snapshots(*rows)).case
    assert case.snapshots["hours"].to_dict() == {"a": 4000, "b": 4760}
    assert case.load_mw.loc["n1", 2030].to_dict() == pytest.approx({"a": 80, "b": 90})
    assert case.output_max_mw.loc["g2"].to_dict() == pytest.approx({"a": 10.0, "b": 100.0})


def test_a_subset_stands_for_the_year(tiny: Study) -> None:
    study = tiny.override({"grid.snapshots": ["peak"]})
    assert study.case.snapshots["hours"].to_dict() == {"peak": 8760}
    (note,) = study.findings
    assert (note.rule, note.severity, note.value) == ("study.snapshot.rescaled", "info", 760)


def test_hours_that_are_no_year_are_said(edited: Edited) -> None:
    study = edited({"tiny/grid/snapshots.csv": "snapshot,hours\npeak,1\nlow,2\n"})
    assert [(f.rule, f.severity) for f in study.findings] == [("study.snapshot.hours", "warning")]


def test_unknown_names(tiny: Study) -> None:
    assert "did you mean 'peak'" in rules(lambda: tiny.override({"grid.snapshots": ["peek"]}))["study.snapshot.unknown"]
    row = {"name": "a", "hours": 8760.0, "load_factors": {"y": 1.0}, "availability": {"wint": 0.1}}
    assert {"study.zone.unknown", "study.zone.missing", "study.carrier.unknown"} == set(
        rules(lambda: tiny.override(snapshots(row)))
    )


@pytest.mark.every(3)
@pytest.mark.parametrize(("column", "hot"), [("0,1", [False, True]), ("1,1", [True, True]), ("0,0", [False, False])])
def test_the_table_may_say_which_day_is_hot(edited: Edited, column: str, hot: list[bool]) -> None:
    first, second = column.split(",")
    text = f"snapshot,hours,load_factor,hot_day\npeak,760,1,{first}\nlow,8000,0.5,{second}\n"
    study = edited({"tiny/grid/snapshots.csv": text})
    assert study.operation.hot_day.tolist() == hot
    expected = [1.3 if h else 1.25 for h in hot]
    assert study.case.pue.loc[("e001n000", "dry")].tolist() == expected


def test_hot_day_must_be_yes_or_no(edited: Edited) -> None:
    text = "snapshot,hours,hot_day\npeak,760,very\nlow,8000,0\n"
    assert "table.value.type" in rules(lambda: edited({"tiny/grid/snapshots.csv": text}))


def test_a_grid_without_snapshots_has_one(tiny_folder: Path, edited: Edited) -> None:
    (tiny_folder / "tiny" / "grid" / "snapshots.csv").unlink()
    (tiny_folder / "tiny" / "grid" / "availability.csv").unlink()
    case = edited().case
    assert case.snapshots["hours"].to_dict() == {"year": 8760}
    assert case.pue.loc[("e001n000", "dry")].tolist() == [1.3]


def units(**columns: object) -> pd.DataFrame:
    defaults = {
        "p_min_mw": 0.0,
        "p_max_mw": 100.0,
        "cost_usd_per_mwh": 0.0,
        "cost_quadratic_usd_per_mw2h": 0.0,
        "cost_constant_usd_per_h": 0.0,
        "cost_points": "",
    }
    return pd.DataFrame([{**defaults, **columns}], index=pd.Index(["g"], name="generator"))


def test_secants_of_a_quadratic_cost() -> None:
    """0.1 p^2 + 2 p + 5 from 20 to 100 in two pieces: slopes 2 + 0.1 (20 + 60), 2 + 0.1 (60 + 100); 85 $/h at 20 MW."""
    rows = units(cost_usd_per_mwh=2.0, cost_quadratic_usd_per_mw2h=0.1, cost_constant_usd_per_h=5.0)
    segments, at_min = cost_curves(rows, pd.Series([20.0]), DispatchSettings(cost_segments=2))
    assert segments["width_mw"].to_dict() == {("g", 1): 40.0, ("g", 2): 40.0}
    assert segments["cost_usd_per_mwh"].tolist() == pytest.approx([10.0, 18.0])
    assert at_min["g"] == pytest.approx(0.1 * 400 + 2 * 20 + 5)


def test_a_linear_cost_is_one_piece_and_no_range_none() -> None:
    segments, _ = cost_curves(units(cost_usd_per_mwh=7.0), pd.Series([0.0]), DispatchSettings(cost_segments=5))
    assert segments.to_dict("list") == {"width_mw": [100.0], "cost_usd_per_mwh": [7.0]}
    none, at_min = cost_curves(units(p_max_mw=0.0, cost_usd_per_mwh=7.0), pd.Series([0.0]), DispatchSettings())
    assert none.empty
    assert at_min["g"] == 0.0


def test_a_piecewise_cost_is_taken_as_it_is() -> None:
    """Points 0:0 50:500 80:1400 are slopes of 10 and 30 $/MWh; from 20 to 100 MW the last goes on."""
    rows = units(cost_points="0:0 50:500 80:1400", cost_usd_per_mwh=99.0)
    segments, at_min = cost_curves(rows, pd.Series([20.0]), DispatchSettings())
    assert segments["width_mw"].tolist() == pytest.approx([30.0, 30.0, 20.0])
    assert segments["cost_usd_per_mwh"].tolist() == pytest.approx([10.0, 30.0, 30.0])
    assert at_min["g"] == pytest.approx(200.0)


def test_cost_may_be_left_out() -> None:
    rows = units(cost_usd_per_mwh=7.0, cost_constant_usd_per_h=5.0)
    segments, at_min = cost_curves(rows, pd.Series([10.0]), DispatchSettings(cost="none"))
    assert segments["cost_usd_per_mwh"].tolist() == [0.0]
    assert at_min["g"] == 0.0


@given(st.floats(0, 50), st.floats(1, 500), st.floats(0, 100), st.floats(0, 1), st.integers(1, 9))
def test_pieces_meet_the_curve_at_their_ends(low: float, width: float, c1: float, c2: float, pieces: int) -> None:
    """Convex, never below the curve, and at most c2 width^2 / 4 above it: half way along a piece."""
    rows = units(p_max_mw=low + width, cost_usd_per_mwh=c1, cost_quadratic_usd_per_mw2h=c2)
    segments, at_min = cost_curves(rows, pd.Series([low]), DispatchSettings(cost_segments=pieces))
    output, cost = low, at_min["g"]
    assert (np.diff(segments["cost_usd_per_mwh"]) >= -1e-6).all()
    for step, slope in segments[["width_mw", "cost_usd_per_mwh"]].itertuples(index=False):
        assert cost == pytest.approx(c1 * output + c2 * output**2, rel=1e-6, abs=1e-6)
        middle = output + step / 2
        above = cost + slope * step / 2 - (c1 * middle + c2 * middle**2)
        assert above == pytest.approx(c2 * step**2 / 4, rel=1e-3, abs=1e-3)
        output, cost = output + step, cost + slope * step
    assert output == pytest.approx(low + width)


def test_least_output_gives_way_to_availability() -> None:
    factors = pd.DataFrame({"h": [0.3]}, index=["g"])
    low, high = output_limits(units(p_min_mw=50.0), factors, DispatchSettings())
    assert (low.at["g", "h"], high.at["g", "h"]) == (30.0, 30.0)


def test_negative_output_is_not_reduced() -> None:
    factors = pd.DataFrame({"h": [0.3]}, index=["g"])
    low, high = output_limits(units(p_min_mw=-50.0, p_max_mw=-10.0), factors, DispatchSettings())
    assert (low.at["g", "h"], high.at["g", "h"]) == (-50.0, -10.0)


def test_fixed_dispatch(edited: Edited) -> None:
    """Output is p_mw in every snapshot, whatever is available; 0.01 x 80^2 + 10 x 80 = 864 $/h is paid for it."""
    table = (
        "generator,bus,p_max_mw,p_mw,cost_usd_per_mwh,cost_quadratic_usd_per_mw2h,carrier\n"
        "g1,n3,2000,80,10,0.01,gas\ng2,n3,100,40,0,0,wind\n"
    )
    keys: dict[str, object] = {"demand": None, "dispatch.generators": "fixed"}
    case = edited({"tiny/grid/generators.csv": table}, keys).case
    assert case.output_min_mw.equals(case.output_max_mw)
    assert case.output_max_mw.loc["g2"].tolist() == [40.0, 40.0]
    assert case.cost_segments.empty
    assert case.cost_at_min_usd_per_h["g1"] == pytest.approx(864)


def test_fixed_dispatch_needs_outputs(tiny: Study) -> None:
    keys: dict[str, object] = {"demand": None, "dispatch.generators": "fixed"}
    found = rules(lambda: tiny.override(keys))
    assert "generator g2" in found["study.dispatch.no_output"]
