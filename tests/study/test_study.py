"""Reading, overriding and refusing whole studies, on the tiny region (see conftest)."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest

from optimizer.config import config_to_toml
from optimizer.errors import InputError
from optimizer.study import Study, read_study
from optimizer.study.case import Case

Edited = Callable[..., Study]


def rules(read: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(InputError) as refused:
        read()
    return {f.rule: str(f) for f in refused.value.findings}


def test_every_file_that_was_read_is_listed(tiny: Study, tiny_template: Path) -> None:
    read = {
        (file.path.relative_to(tiny_template).as_posix(), file.role)
        for file in tiny.inputs
        if file.role != "archetypes" and file.path.name != "jurisdictions.toml"
    }
    facts = {
        (path.relative_to(tiny_template).as_posix(), "region") for path in (tiny_template / "tiny/facts").iterdir()
    }
    tables = {(path.relative_to(tiny_template).as_posix(), "grid") for path in (tiny_template / "tiny/grid").iterdir()}
    others = {("study.toml", "study"), ("tiny/counties.csv", "region"), ("tiny/counties.geojson", "region")}
    others |= {("rules.toml", "rules")}
    assert read == facts | tables | others
    assert [file.path.name for file in tiny.inputs if file.role == "archetypes"] == ["archetypes.csv"]
    bundled = [file.role for file in tiny.inputs if file.path.name == "jurisdictions.toml"]
    assert bundled == ["rules"]


def test_a_file_or_its_folder(tiny_template: Path) -> None:
    assert read_study(tiny_template / "study.toml").name == read_study(str(tiny_template)).name == "Tiny"


def test_base_files_are_inputs_too(tiny_folder: Path) -> None:
    (tiny_folder / "study.toml").rename(tiny_folder / "base.toml")
    (tiny_folder / "study.toml").write_text('extends = "base.toml"\n[sites]\nmax_sites = 3\n')
    study = read_study(tiny_folder)
    assert {file.path.name for file in study.inputs if file.role == "study"} == {"study.toml", "base.toml"}
    assert len(study.candidates.sites) == 3


def test_progress_is_told(tiny_template: Path) -> None:
    told: list[str] = []
    read_study(tiny_template, progress=lambda stage, done, message: told.append(f"{stage} {message}"))
    assert told[0] == "read study.toml"
    assert "read grid tiny/grid" in told


def test_an_override_is_a_new_study(tiny: Study) -> None:
    before = tiny.candidates.sites
    dry = tiny.override({"water.withdrawal_share": 0.5})
    assert dry is not tiny
    assert dry.config.water.withdrawal_share == 0.5
    assert tiny.config.water.withdrawal_share == 1.0
    assert dry.grid is tiny.grid
    assert dry.region is tiny.region
    assert dry.inputs == tiny.inputs
    assert len(dry.candidates.sites) < len(before)
    assert tiny.candidates.sites is before


def test_a_scenario_is_its_overrides(edited: Edited, tiny_template: Path) -> None:
    text = (tiny_template / "study.toml").read_text() + "\n[scenario.dry.water]\nwithdrawal_share = 0.5\n"
    study = edited({"study.toml": text})
    dry, same = study.scenario("dry"), study.override({"water.withdrawal_share": 0.5})
    assert dry.candidates.sites.index.equals(same.candidates.sites.index)
    assert "no such scenario" in rules(lambda: study.scenario("wet"))["config.unknown_scenario"]


def test_an_override_of_the_archetype_fills_again(edited: Edited, tiny_template: Path) -> None:
    text = (tiny_template / "study.toml").read_text().replace("utilization = 0.5\n", "")
    study = edited({"study.toml": text})
    assert study.config.facility.utilization == 0.8
    assert study.override({"demand.archetype": "traditional"}).config.facility.utilization == 0.75
    # What the study says itself stays.
    assert study.override({"demand.archetype": "traditional"}).config.facility.block_mw == 50


def test_the_resolved_study_is_the_same_study(tiny: Study, tiny_folder: Path) -> None:
    (tiny_folder / "study.toml").write_text(config_to_toml(tiny.config))
    again = read_study(tiny_folder).case
    for field in fields(Case):
        one, other = getattr(tiny.case, field.name), getattr(again, field.name)
        if isinstance(one, pd.DataFrame | pd.Series):
            assert one.equals(other), field.name


def test_the_case_has_the_columns_of_its_contract(tiny: Study) -> None:
    """Every column named in the docstring of `Case`, in every table."""
    case = tiny.case
    assert case.sites.columns.tolist()[:4] == ["kind", "block_mw", "max_blocks", "min_blocks"]
    assert case.demand_mw.to_dict() == {2030: 100.0, 2032: 200.0}
    assert case.periods["annuity_years"].tolist() == [2.0, 2.0]
    documented = Case.__doc__ or ""
    for table in ("sites", "ties", "cooling", "upgrades", "water", "branches", "generators", "buses", "periods"):
        for column in getattr(case, table).columns:
            assert f"``{column}``" in documented, f"{table}.{column}"


def test_neighbours(tiny: Study) -> None:
    case = tiny.case
    assert set(case.sites_of_county) == {"West", "East"}
    assert sum(map(len, case.sites_of_county.values())) == len(case.sites)
    assert all(case.ties_of_site[s] for s in case.sites.index)
    assert all(case.cooling_of_site[s] for s in case.sites.index)


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"economics.annuitize": False}, "study.economics.annuitize"),
        ({"cooling.technologies": ["fan"]}, "study.cooling.unknown"),
        ({"facility.rack_density_kw": 500.0}, "study.cooling.none"),
        ({"water.sources": ["rain"]}, "study.water.unknown_source"),
        ({"sites.region": "nowhere"}, "study.source.unknown"),
        ({"grid.source": "nowhere"}, "study.source.unknown"),
        ({"sites.region": None}, "study.sites.none"),
        ({"grid": None}, "study.sites.no_grid"),
        ({"demand.archetype": "castle"}, "config.unknown_archetype"),
    ],
)
def test_keys_that_do_not_fit(tiny: Study, keys: dict[str, object], rule: str) -> None:
    assert rule in rules(lambda: tiny.override(keys))


def test_long_ties_are_warned_of(tiny: Study) -> None:
    """80 km of route are 61.5 km of straight line at 1.3."""
    study = tiny.override({"sites.max_tie_km": 70.0})
    (warning,) = study.findings
    assert (warning.rule, warning.severity, warning.limit) == ("study.tie.long", "warning", 80.0)
    assert "62 km" in warning.remedy


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        ("tiny/counties.csv", "001,West,1A,w1", "001,West,9Z,w1", "region.unknown_code"),
        ("tiny/counties.csv", "001,West,1A,w1", "001,West,1A,w9", "region.unknown_code"),
        ("tiny/counties.csv", "002,East", "003,East", "region.unknown_code"),
        ("tiny/counties.csv", "iecc_zone", "zone", "table.column.missing"),
        ("tiny/counties.geojson", '"fips"', '"code"', "region.counties.fips"),
        ("tiny/facts/line_costs.csv", "115,1.0", "115,-1.0", "table.value.out_of_range"),
        ("tiny/facts/line_costs.csv", "115,1.0", "115,", "table.value.missing"),
        ("tiny/facts/land.csv", "land_price", "price_of_land", "region.fact.missing"),
        ("tiny/facts/cooling.csv", "1A,dry", "1A,wet", "region.unknown_code"),
        ("tiny/facts/water_sources.csv", "w1,surface", "w1,ground", "table.id.duplicate"),
    ],
)
def test_regions_that_do_not_fit(edited: Edited, tiny_folder: Path, file: str, old: str, new: str, rule: str) -> None:
    text = (tiny_folder / file).read_text()
    assert old in text
    assert rule in rules(lambda: edited({file: text.replace(old, new)}))


def test_invalid_county_is_named(edited: Edited, tiny_folder: Path) -> None:
    counties = json.loads((tiny_folder / "tiny/counties.geojson").read_text())
    ring = counties["features"][1]["geometry"]["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    found = rules(lambda: edited({"tiny/counties.geojson": json.dumps(counties)}))
    assert "counties.geojson, feature 2 (fips 002)" in found["vector.invalid_geometry"]


def test_findings_of_all_files_come_together(edited: Edited, tiny_folder: Path) -> None:
    found = rules(
        lambda: edited(
            {
                "tiny/grid/branches.csv": "branch,from_bus,to_bus,x_pu,rating_mw\na,n1,n9,0.1,300\n",
                "tiny/facts/land.csv": "item,value\nx,1\nx,1\n",
                "tiny/counties.geojson": "{",
            }
        )
    )
    assert {"grid.bus.unknown", "table.id.duplicate", "vector.content"} <= set(found)


def test_counties_of_one_name_are_told_apart(edited: Edited, tiny_folder: Path) -> None:
    text = (tiny_folder / "tiny/counties.csv").read_text().replace("East", "West")
    study = edited({"tiny/counties.csv": text})
    assert set(study.candidates.sites["county"]) == {"West (001)", "West (002)"}


def test_layers_that_exclude_nothing(edited: Edited) -> None:
    road = {"type": "LineString", "coordinates": [[0, 0], [0.1, 0]]}
    far = {"type": "Polygon", "coordinates": [[[10, 10], [11, 10], [11, 11], [10, 10]]]}

    def layer(shape: dict[str, object]) -> str:
        feature = {"type": "Feature", "properties": {}, "geometry": shape}
        return json.dumps({"type": "FeatureCollection", "features": [feature]})

    files = {"road.geojson": layer(road), "far.geojson": layer(far)}
    found = rules(lambda: edited(files, {"sites.layers": [{"source": "road.geojson"}]}))
    assert "study.layer.no_area" in found
    study = edited(files, {"sites.layers": [{"source": "far.geojson"}]})
    assert [(f.rule, f.severity) for f in study.findings] == [("study.layer.elsewhere", "warning")]
    assert {file.path.name for file in study.inputs if file.role == "layer"} == {"far.geojson"}


@pytest.mark.slow
def test_circuits_are_on_offer_unless_the_study_switches_them_off(edited: Edited) -> None:
    files = {"tiny/grid/circuits.csv": "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd\nk,n1,n4,0.1,100,5\n"}
    study = edited(files)
    assert study.findings == ()
    # 1 / 0.1 per unit on 100 MVA; 1.2 times the normal rating after an outage.
    row = study.case.circuits.loc["k"]
    assert (row.susceptance_mw, row.rating_mw, row.rating_emergency_mw, row.max_count) == (1000.0, 100.0, 120.0, 1)
    assert edited(files, {"expansion.enabled": False}).case.circuits.empty


def test_hvdc_links_hold_their_schedule(edited: Edited) -> None:
    """50 MW leave n1 and, less 1 MW and 2 %, 48 MW reach n4, in every period and snapshot."""
    plain = edited({}).case.load_mw
    hvdc = "link,from_bus,to_bus,p_max_mw,p_mw,loss_mw,loss_share\nk,n1,n4,100,50,1,0.02\n"
    study = edited({"tiny/grid/hvdc.csv": hvdc})
    assert [f.rule for f in study.findings] == ["grid.hvdc.scheduled"]
    added = study.case.load_mw - plain
    assert (added.loc["n1"] == 50.0).all()
    assert added.loc["n4"].to_numpy() == pytest.approx(-48.0)
    assert (added.drop(index=["n1", "n4"]) == 0.0).all(axis=None)


def test_hvdc_links_without_a_schedule_are_told(edited: Edited) -> None:
    study = edited({"tiny/grid/hvdc.csv": "link,from_bus,to_bus,p_max_mw\nk,n1,n4,100\n"})
    assert [f.rule for f in study.findings] == ["grid.hvdc.scheduled", "grid.hvdc.no_schedule"]


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    assert "study.not_found" in rules(lambda: read_study(tmp_path / "nothing"))
    assert "config.missing_file" in rules(lambda: read_study(tmp_path))
    assert "config.missing_file" in rules(lambda: read_study(tmp_path / "s.toml"))
