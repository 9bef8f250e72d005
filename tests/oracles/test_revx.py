"""Tie costs that NREL reVX published, from their components, with the unit costs of the bundled interconnection data.

The length of a route over NREL's own rasters is the only thing taken from the published rows; all else is the class of
the line, the region and the voltage of what it ends at:

    tie line   = raw line cost x length multiplier (1.2 from 3 to 10 miles, 1 beyond)
    connection = new substation, where the tie ends at a line, or upgraded one, where at a substation or load center
               + transformers, where a line's voltage is above the tie's (in two of the regions only, as published)
    total      = tie line + connection

The unit costs are those of the source's own tables too.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.resources import dataset_path
from optimizer.study.terrain import read_terrain

TABLES = {"test_least_cost_400MW.csv.gz": (400, 230, 400), "test_least_cost_1000MW.csv.gz": (1500, 500, 1000)}
"""Power class [MW], its voltage [kV], and the MW by which transformers are paid."""

UNREACHED_USD = 1e11
"""Cost that the source gives to a region's stand-in sink, to keep it from being chosen [$]."""


@pytest.fixture(scope="module")
def source(reference_data: Path) -> Path:
    folder = reference_data / "revx-interconnection-costs"
    if not folder.is_dir():
        pytest.skip("no interconnection costs among the reference cases")
    return folder


def given(source: Path, name: str) -> dict:
    return json.loads((source / f"{name}.json").read_text(encoding="utf-8"))


def ours(name: str) -> pd.DataFrame:
    return pd.read_csv(dataset_path("interconnection") / f"{name}.csv")


@pytest.fixture(scope="module", params=sorted(TABLES))
def rows(request: pytest.FixtureRequest, source: Path) -> pd.DataFrame:
    """A published table, with the region's name and the class of its lines."""
    regions = {number: region for region, number in given(source, "iso_lookup").items()}
    table = pd.read_csv(source / request.param)
    power, kv, paid = TABLES[request.param]
    return table.assign(region=table["region"].map(regions), power=power, kv=kv, paid_mw=paid)


def test_tie_lines_are_raw_cost_times_length_multiplier(rows: pd.DataFrame) -> None:
    steps = ours("length_multipliers")
    at = np.searchsorted(steps["from_km"], rows["dist_km"], side="right") - 1
    assert (at >= 0).all()
    factor = steps["factor"].to_numpy()[at]
    assert (factor == 1.2).any()
    assert (rows["raw_line_cost"] * factor).to_numpy() == pytest.approx(rows["tie_line_cost"].to_numpy(), rel=1e-12)


def test_connections_are_substations_and_transformers(rows: pd.DataFrame) -> None:
    stations = ours("substation_costs").set_index(["region", "base_kv"])
    unit = stations.loc[pd.MultiIndex.from_frame(rows[["region", "kv"]])]
    at_line = (rows["category"] == "TransLine").to_numpy()
    musd = np.where(at_line, unit["new_substation_musd"], unit["upgraded_substation_musd"])
    musd = np.where(rows["category"] == "PCALoadCen", UNREACHED_USD / 1e6, musd)
    expected = 1e6 * musd + transformers_usd(rows, at_line)
    assert (expected > 0).all()
    assert expected == pytest.approx(rows["connection_cost"].to_numpy(), rel=1e-12)
    total = rows["raw_line_cost"] * rows["length_mult"] + expected
    assert total.to_numpy() == pytest.approx(rows["trans_cap_cost"].to_numpy(), rel=1e-12)


def transformers_usd(rows: pd.DataFrame, at_line: np.ndarray) -> np.ndarray:
    """Transformers between the tie's class and that of a line it ends at; in two regions only, as the source has it."""
    table = ours("transformer_costs")
    price = {frozenset(pair): usd for *pair, usd in table[["kv_high", "kv_low", "usd_per_mw"]].itertuples(index=False)}
    classes = np.array(sorted(set(table["kv_high"])))
    found = np.zeros(len(rows))
    for i in np.flatnonzero(at_line):
        volts, region, kv = rows["voltage"].iloc[i], rows["region"].iloc[i], rows["kv"].iloc[i]
        step_up = volts > kv if kv < classes[-1] else volts > classes[-1]
        if region in ("Southeast", "SCE") and step_up:
            # The class of a voltage between two is the one above it.
            line_kv = int(classes[min(np.searchsorted(classes, volts), len(classes) - 1)])
            found[i] = rows["paid_mw"].iloc[i] * price[frozenset((line_kv, kv))]
    return found


def test_routes_cost_at_least_the_dearest_multiplier_free_line(rows: pd.DataFrame) -> None:
    """Raw cost over length: at least the cheapest region's line, less where cells of it lie in no region."""
    lines = ours("line_costs").set_index(["power_class_mw", "region"])["new_line_musd_per_km"]
    cheapest = lines.loc[rows["power"].iloc[0]].min() * 1e6
    assert (rows["raw_line_cost"] / rows["dist_km"] >= 0.4 * cheapest).all()


def test_line_costs_are_those_of_the_source(source: Path) -> None:
    table = ours("line_costs")
    found = {
        r: {str(p): c for p, c in g[["power_class_mw", "new_line_usd_per_mile"]].itertuples(index=False)}
        for r, g in table.groupby("region")
    }
    assert found == given(source, "base_line_costs")
    per_km = table["new_line_usd_per_mile"] / 1.609344 / 1e6
    assert table["new_line_musd_per_km"].tolist() == pytest.approx(per_km.tolist(), abs=1e-6)


@pytest.mark.parametrize(("column", "name"), [("new_substation_musd", "new"), ("upgraded_substation_musd", "upgrade")])
def test_substation_costs_are_those_of_the_source(source: Path, column: str, name: str) -> None:
    found = ours("substation_costs").set_index(["region", "base_kv"])[column]
    expected = given(source, f"{name}_substation_costs")
    assert len(found) == sum(map(len, expected.values()))
    for region, by_kv in expected.items():
        for kv, usd in by_kv.items():
            assert 1e6 * found[region, int(kv)] == pytest.approx(usd, rel=1e-12)


def test_transformer_costs_are_those_of_the_source(source: Path) -> None:
    """Both orders of the two voltages, every pair of them."""
    table = ours("transformer_costs").set_index(["kv_high", "kv_low"])["usd_per_mw"]
    pairs = [(int(a), int(b), usd) for a, row in given(source, "transformer_costs").items() for b, usd in row.items()]
    assert len(pairs) == 49
    assert {(a, b): usd for a, b, usd in pairs} == {(a, b): table[max(a, b), min(a, b)] for a, b, _ in pairs}


def test_power_classes_are_those_of_the_source(source: Path) -> None:
    found = ours("power_classes").set_index("power_class_mw")["base_kv"].to_dict()
    assert {str(mw): kv for mw, kv in found.items()} == given(source, "power_to_voltage")


def test_terrain_multipliers_are_those_of_the_source(source: Path) -> None:
    """Every code of land cover from 0 to 99, and slopes on both sides of every limit."""
    tables, findings = read_terrain(dataset_path("interconnection") / "terrain_multipliers.csv")
    assert findings == []
    codes = {code: name for name, listed in given(source, "land_use_classes").items() for code in listed}
    between = {91, 92, 93, 94}
    assert len(tables) == 8
    for region in given(source, "iso_multipliers"):
        name, slope = region["iso"].lower(), region["slope"]
        for code in set(range(100)) - between:
            expected = region["land_use"].get(codes.get(code), 1.0)
            assert tables[f"{name}_land_cover"].factors(np.array([code]))[0] == expected, (name, code)
        found = tables[f"{name}_slope"].factors(np.array([0, 1.99, 2, 7.99, 8, 60])).tolist()
        assert found == [1, 1, slope["hill_mult"], slope["hill_mult"], slope["mtn_mult"], slope["mtn_mult"]]
