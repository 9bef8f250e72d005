"""What an overridden study takes from the one it came from is what it would have worked out itself.

A copy of a study knows nothing that was worked out before; so whatever is overridden, it and its copy must agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from optimizer.study import Study
from optimizer.study.case import Case

OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "another discount rate": {"economics.discount_rate": 0.12},
    "another life": {"economics.life_years": 10.0},
    "dearer campuses": {"facility.cost_musd_per_mw": 30.0},
    "dearer by the campus": {"facility.fixed_cost_musd": 90.0},
    "more land a MW": {"facility.land_ha_per_mw": 9.0},
    "smaller campuses": {"facility.max_campus_mw": 50.0},
    "other blocks": {"facility.block_mw": 25.0},
    "other racks": {"facility.rack_density_kw": 15.0},
    "later upgrades": {"upgrades.lead_months": 90.0},
    "larger upgrades": {"upgrades.added_share": 0.9},
    "no upgrades": {"upgrades.enabled": False},
    "a higher emergency factor": {"security.emergency_factor": 1.5},
    "bridges do not count": {"security.splitting": "skip"},
    "generators may be out": {"security.contingencies": ["branch", "generator"]},
    "one site": {"sites.max_sites": 1},
    "short ties": {"sites.max_tie_km": 4.0},
    "smaller cells": {"sites.cell_km": 4.0},
    "less water": {"water.withdrawal_share": 0.1},
    "other targets": {"demand.it_mw": {"2030": 50, "2032": 250}},
    "a limit": {"limits.share_per_county": 0.7},
    "less existing load": {"conditions.existing_load_factor": 0.7},
    "other susceptances": {"grid.susceptance": "series"},
}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, gpd.GeoDataFrame):
        shapes = np.asarray(one.geometry.to_wkb()) if len(one) else np.empty(0)
        others = np.asarray(other.geometry.to_wkb()) if len(other) else np.empty(0)
        return np.array_equal(shapes, others) and pd.DataFrame(one.drop(columns="geometry")).equals(
            pd.DataFrame(other.drop(columns="geometry"))
        )
    if isinstance(one, pd.DataFrame | pd.Series):
        return bool(one.equals(other))
    return True


@pytest.mark.every(3)
@pytest.mark.parametrize("name", OVERRIDES)
def test_what_is_shared_is_what_would_be_worked_out(tiny: Study, name: str) -> None:
    assert len(tiny.case.sites)
    other = tiny.override(OVERRIDES[name])
    alone = replace(other)
    for part in (f.name for f in fields(other.candidates)):
        assert same(getattr(other.candidates, part), getattr(alone.candidates, part)), part
    for part in (f.name for f in fields(Case)):
        assert same(getattr(other.case, part), getattr(alone.case, part)), part
    assert other.network is not None
    assert alone.network is not None
    np.testing.assert_array_equal(other.network.susceptance_mw, alone.network.susceptance_mw)
    factors, expected = other.case.contingencies, alone.case.contingencies
    assert factors.names == expected.names
    for h in range(len(other.case.snapshots)):
        for number in range(len(factors)):
            for one, its in zip(factors.factors(number, h), expected.factors(number, h), strict=True):
                np.testing.assert_array_equal(one, its)


def test_prices_leave_the_survey_of_the_land_as_it_is(tiny: Study) -> None:
    before = tiny.candidates.refused
    dearer = tiny.override({"facility.cost_musd_per_mw": 30.0, "economics.discount_rate": 0.12})
    assert dearer.surveyed is tiny.surveyed
    assert dearer.candidates.sites["block_annuity_musd"].gt(tiny.candidates.sites["block_annuity_musd"]).all()
    assert same(before, replace(tiny).candidates.refused)


def test_factors_are_kept_for_the_same_network_and_sharing_only(tiny: Study) -> None:
    case = tiny.case
    assert replace(case).outage_factors is case.outage_factors
    less = replace(case, output_max_mw=0.5 * case.output_max_mw + 1.0)
    assert less.outage_factors is not case.outage_factors
    expected = replace(tiny).override({"conditions.existing_load_factor": 1.0}).case.outage_factors
    number = int(np.flatnonzero(expected.outages.splits)[0])
    for mine, theirs in zip(
        case.outage_factors.columns(np.array([number]), 0), expected.columns(np.array([number]), 0), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
