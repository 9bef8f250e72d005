"""Weather, derating, stress of water and water of the study's own, in the tiny region (see conftest).

Its technologies are named as those with an hourly method: ``liquid_dry`` (3 M$/MW), ``liquid_tower`` (2 M$/MW) and
``air``, which has none.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.layers.cooling_hours import Method, hourly
from optimizer.plan import checks_climate
from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.reading import read_summary, read_tables
from optimizer.plan.verify import verify_plan
from optimizer.plan.verify_context import Context
from optimizer.solve import solve_study
from optimizer.study import Study
from tests.plan.tamper import tamper_cell
from tests.study.conftest import COUNTIES, FACTS

Edited = Callable[..., Study]
HOURS = 8760


def renamed(text: str) -> str:
    return text.replace("dry,", "liquid_dry,").replace("tower,", "liquid_tower,")


def weather(dry_bulb_c: float, relative_humidity: float = 100.0) -> str:
    return "dry_bulb_c,relative_humidity\n" + f"{dry_bulb_c},{relative_humidity}\n" * HOURS


FILES = {
    "tiny/facts/cooling.csv": renamed(FACTS["cooling"]),
    "tiny/facts/cooling_technologies.csv": renamed(FACTS["cooling_technologies"]),
    "tiny/facts/water_regions.csv": "water_region,stress_class\nw1,extremely_high\nw2,low\n",
    "tiny/counties.csv": COUNTIES,
    "mild.csv": weather(10.0),
    "hot.csv": weather(36.0),
}
MILD = {"cooling.weather": "mild.csv"}
# Saturated air of 36 C, water of 40 C, approach of 8 K: half of the load without a chiller.
DERATED = {
    "cooling.weather": "hot.csv",
    "cooling.chiller_share": {"liquid_dry": 0.0},
    "cooling.supply_c": {"liquid_dry": 40.0},
}


def rules(study: Study) -> dict[str, str]:
    table = study.candidates.refused
    return dict(zip(table["place"], table["rule"], strict=True))


def offered(study: Study, site: str) -> list[str]:
    return study.candidates.cooling.loc[site].index.tolist()


def test_nothing_changes_without_the_keys(edited: Edited) -> None:
    study = edited(FILES)
    assert study.outdoors.stations == ()
    assert study.candidates.cooling.at[("e-02n000", "liquid_dry"), "pue_annual"] == 1.2
    assert not any(file.role in ("weather", "cooling") for file in study.inputs)


def test_weather_replaces_the_table_by_zone(edited: Edited) -> None:
    """Every hour is the same: annual and hot-day figures are those of the hour; ``air`` keeps those of the table."""
    study = edited(FILES, MILD)
    (station,) = study.outdoors.stations
    one = hourly(Method("dry", "air", 42.5, 1.0), station.hours.head(1), study.outdoors.parameters).iloc[0]
    row = study.candidates.cooling.loc[("e-02n000", "liquid_dry")]
    assert row[["pue_annual", "pue_hot_day"]].tolist() == pytest.approx([one["pue"]] * 2)
    assert row["wue_m3_per_mwh"] == 0.0
    assert row["cost_musd_per_mw"] == 3.0
    air = edited(FILES, {**MILD, "facility.rack_density_kw": 20.0})
    assert air.candidates.cooling.loc[("e-02n000", "air"), "pue_annual"] == 1.4
    assert [f.rule for f in air.findings if f.severity == "warning"].count("study.cooling.no_method") == 1
    assert {f.path.name for f in study.inputs if f.role in ("weather", "cooling")} == {
        "mild.csv", "methods.csv", "parameters.csv"
    }  # fmt: skip


@pytest.mark.slow
def test_the_connection_is_made_for_the_hot_hour(edited: Edited) -> None:
    """36 of 8,760 hours are hot: more than 0.4 % of them, so the hot hour is one of these; of 35 it is not."""
    pue = {}
    for hot in (35, 36):
        text = weather(10.0)[: -len("10.0,100.0\n") * hot] + "50.0,40.0\n" * hot
        study = edited({**FILES, "mild.csv": text}, MILD)
        pue[hot] = study.candidates.pue.loc[("e-02n000", "liquid_dry")]
    assert pue[36]["peak"] > pue[35]["peak"] + 0.01
    assert pue[36]["low"] == pytest.approx(pue[35]["low"], abs=1e-3)


@pytest.mark.slow
def test_a_plant_that_does_not_hold_is_not_offered(edited: Edited) -> None:
    """In the east water is short for a tower, so its cells are refused; in the west the tower is left."""
    study = edited(FILES, DERATED)
    table = study.candidates.refused.set_index("place")
    east = table[table["rule"] == "cooling_derated"]
    assert set(east.index) == set()
    assert offered(study, "e-02n000") == ["liquid_tower"]
    only = edited(FILES, {**DERATED, "cooling.technologies": ["liquid_dry"]})
    east = only.candidates.refused.set_index("place")
    east = east[east["rule"] == "cooling_derated"]
    assert len(east) == 8
    assert east["value"].to_numpy() == pytest.approx(0.5)
    assert east["limit"].to_numpy() == pytest.approx(1.0)


def test_a_plant_that_holds_half_is_built_twice_as_large_where_that_is_allowed(edited: Edited) -> None:
    study = edited(FILES, {**DERATED, "cooling.least_it_share": 0.5})
    row = study.candidates.cooling.loc[("e-02n000", "liquid_dry")]
    assert row["cost_musd_per_mw"] == pytest.approx(6.0)


@pytest.mark.slow
def test_stations_stand_for_their_zone_or_for_what_is_nearest(edited: Edited) -> None:
    """One station in the west, one for zone 2A, the east: cells of zone 1A have the former."""
    stations = [{"file": "mild.csv", "lat": 0.0, "lon": -0.1}, {"file": "hot.csv", "zone": "2A"}]
    study = edited(FILES, {"cooling.stations": stations, "water.withdrawal_share": 1.0})
    both = [edited(FILES, {"cooling.weather": name}).candidates.cooling for name in ("mild.csv", "hot.csv")]
    for site, expected in (("e-02n000", both[0]), ("e001n000", both[1])):
        for c in offered(study, site):
            assert study.candidates.cooling.at[(site, c), "pue_annual"] == expected.at[(site, c), "pue_annual"]
    near = [{"file": "mild.csv", "lat": 0.0, "lon": -0.1}, {"file": "hot.csv", "lat": 0.0, "lon": 0.1}]
    placed = edited(FILES, {"cooling.stations": near}).candidates.cooling
    for site, expected in (("e-02n000", both[0]), ("e001n000", both[1])):
        row = placed.loc[(site, "liquid_dry"), "pue_annual"]
        assert row == expected.at[(site, "liquid_dry"), "pue_annual"]


@pytest.mark.parametrize(
    ("limit", "left"), [("high", ["liquid_dry"]), ("extremely_high", ["liquid_dry", "liquid_tower"])]
)
def test_water_stress_forbids_above_a_class(edited: Edited, limit: str, left: list[str]) -> None:
    """w1 is extremely high: above high, not above its own class."""
    study = edited(FILES, {"water.forbid": {"liquid_tower": limit}})
    assert offered(study, "e-02n000") == left


def test_a_cell_whose_every_cooling_is_forbidden_says_its_class(edited: Edited) -> None:
    study = edited(FILES, {"water.forbid": {"liquid_tower": "high", "liquid_dry": "medium_high"}})
    table = study.candidates.refused.set_index("place")
    west = table[table["rule"] == "water_stress"]
    assert len(west) == 4
    assert set(west["value"]) == {4.0}
    assert set(west["limit"]) == {3.0}
    assert set(west["unit"]) == {"class"}


def test_water_of_the_study_joins_the_supply_curve_whole(edited: Edited) -> None:
    """East has 100 m3/day, of which the study may take a tenth; trucks bring 1,200, enough for one block's tower."""
    trucks = {"basin": "w2", "name": "trucked", "available_m3_day": 1200.0, "price_usd_per_m3": 8.0}
    study = edited(FILES, {"water.source": [trucks], "water.withdrawal_share": 0.1})
    water = study.candidates.water.loc["w2"]
    assert water["available_m3_day"].to_dict() == pytest.approx({"ground": 10.0, "trucked": 1200.0})
    assert water["price_usd_per_m3"].to_dict() == {"ground": 0.5, "trucked": 8.0}
    assert "liquid_tower" in offered(study, "e001n000")


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"cooling.chiller_share": {"tower": 0.5}}, "study.cooling.unknown"),
        ({"cooling.weather": "none.csv"}, "file.missing"),
        ({"cooling.stations": [{"file": "mild.csv", "zone": "9Z"}]}, "study.cooling.zone"),
        ({"cooling.stations": [{"file": "mild.csv"}]}, "config.station_place"),
        ({"cooling.stations": [{"file": "mild.csv", "zone": "1A"}], **MILD}, "config.weather_twice"),
        ({"water.forbid": {"fan": "high"}}, "study.cooling.unknown"),
        ({"water.indirect": "ZZ"}, "study.water.indirect"),
        ({"water.indirect": "TX", "water.indirect_m3_per_mwh": 1.0}, "config.indirect_twice"),
        (
            {"water.source": [{"basin": "w9", "name": "t", "available_m3_day": 1.0, "price_usd_per_m3": 1.0}]},
            "study.water.unknown_basin",
        ),
        (
            {"water.source": [{"basin": "w1", "name": "ground", "available_m3_day": 1.0, "price_usd_per_m3": 1.0}]},
            "study.water.source_twice",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(edited: Edited, keys: dict[str, object], rule: str) -> None:
    with pytest.raises(InputError) as refused:
        edited(FILES, keys)
    assert rule in {f.rule for f in refused.value.findings}


def test_a_region_without_classes_cannot_forbid_by_them(edited: Edited) -> None:
    with pytest.raises(InputError) as refused:
        edited({k: v for k, v in FILES.items() if "water_regions" not in k}, {"water.forbid": {"liquid_tower": "high"}})
    assert {f.rule for f in refused.value.findings} == {"file.missing"}


# From the study to a checked plan

ALL = {
    **DERATED,
    "cooling.least_it_share": 0.5,
    "water.forbid": {"liquid_tower": "high"},
    "water.indirect": "mix",
    "water.source": [{"basin": "w2", "name": "trucked", "available_m3_day": 5000.0, "price_usd_per_m3": 8.0}],
}


def solved(study: Study, tmp_path: Path) -> tuple[Plan, Path]:
    plan = solve_study(study)
    return plan, write_plan(plan, tmp_path / "plan")


@pytest.mark.slow
def test_a_plan_with_everything_is_verified_and_its_water_recomputed(edited: Edited, tmp_path: Path) -> None:
    """Gas (g1) uses 0.75 m3/MWh and wind (g2) none; 24 x 0.5 x PUE x MW x factor stands behind a campus."""
    study = edited(FILES, ALL)
    plan, folder = solved(study, tmp_path)
    assert [str(f) for f in verify_plan(folder) if f.severity == "error"] == []
    table, sites = plan.tables["electricity_water"], plan.tables["sites"]
    energy = plan.tables["dispatch"].assign(
        mwh=lambda t: t["output_mw"] * t["snapshot"].map({"peak": 760, "low": 8000})
    )
    by = energy.pivot_table(index="period", columns="generator", values="mwh", aggfunc="sum")
    factor = 0.75 * by["g1"] / (by["g1"] + by["g2"])
    assert table["factor_m3_per_mwh"].to_numpy() == pytest.approx(table["period"].map(factor).to_numpy())
    expected = 24 * 0.5 * sites["pue_annual"] * sites["it_mw"] * table["factor_m3_per_mwh"]
    assert table["indirect_m3_day"].to_numpy() == pytest.approx(expected.to_numpy())
    tamper_cell(folder, "electricity_water", "indirect_m3_day", 0)
    assert any("electricity_water" in f.where for f in verify_plan(folder) if f.rule == "plan.recomputed")


def test_no_table_of_water_behind_electricity_unless_asked(edited: Edited, tmp_path: Path) -> None:
    plan, _ = solved(edited(FILES), tmp_path)
    assert "electricity_water" not in plan.tables


@pytest.mark.slow
def test_the_check_judges_heat_and_stress_by_itself(edited: Edited, tmp_path: Path) -> None:
    """A plan made when half the load was enough and nothing forbidden, against a study that says otherwise."""
    lenient = edited(FILES, {**DERATED, "cooling.least_it_share": 0.5, "cooling.technologies": ["liquid_dry"]})
    _, folder = solved(lenient, tmp_path)
    strict = lenient.override({"water.forbid": {"liquid_dry": "medium_high"}})
    tables, summary = read_tables(folder)[0], read_summary(folder)[0]
    context = Context(folder, "", summary, tables, strict, lenient.case)
    west = (context.placed["basin"] == "w1").sum()
    assert west > 0
    assert len(checks_climate.check_stress(context)) == west
    assert checks_climate.check_hot_hours(replace(context, study=lenient)) == []
    cheap = lenient.case.cooling.assign(cost_musd_per_mw=3.0)
    case = replace(lenient.case, cooling=cheap)
    found = checks_climate.check_hot_hours(Context(folder, "", summary, tables, lenient, case))
    assert {f.rule for f in found} == {"plan.cooling.hot_hour"}
    assert found[0].value == pytest.approx(100.0)
