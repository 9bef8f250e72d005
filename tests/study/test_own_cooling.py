"""Cooling technologies of a study's own: beside the region's, in their place, by zone; and tables that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.study import Study, read_study

HEADER = "cooling,iecc_zone,pue_p05,pue_p50,pue_p95,wue_p50_l_per_kwh,rack_density_max_kw,capex_musd_per_mw_it\n"
BATH = "bath,,1.02,1.03,1.05,0.3,200,4\n"


def with_table(folder: Path, rows: str, more: str = "") -> Study:
    (folder / "mine.csv").write_text(HEADER + rows)
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(text + f'[cooling]\ntable = "mine.csv"\n{more}')
    return read_study(folder)


def cooling_at(study: Study, zone: str) -> dict[str, tuple[float, float]]:
    """PUE of the year and cost [M$/MW] of the technologies of a zone."""
    rows = study.technologies[0].table.loc[zone]
    return {str(c): (r.pue_annual, r.cost_musd_per_mw) for c, r in rows.iterrows()}


def test_a_technology_of_the_study_stands_beside_those_of_the_region(tiny_folder: Path) -> None:
    study = with_table(tiny_folder, BATH)
    expected = {"bath": (1.03, 4.0), "dry": (1.2, 3.0), "tower": (1.1, 2.0)}
    assert cooling_at(study, "1A") == expected
    assert cooling_at(study, "2A") == expected | {"dry": (1.25, 3.0)}
    assert "mine.csv" in {file.path.name for file in study.inputs if file.role == "cooling"}
    # In zone 1A every cell has all three.
    assert {c for s, c in study.candidates.cooling.index if s == "e-02n000"} == {"bath", "dry", "tower"}


def test_one_of_the_same_name_takes_its_place_and_says_so(tiny_folder: Path) -> None:
    study = with_table(tiny_folder, "dry,,1.02,1.04,1.05,0,200,5\n")
    assert cooling_at(study, "2A")["dry"] == (1.04, 5.0)
    (finding,) = [f for f in study.findings if f.rule == "study.cooling.replaced"]
    assert (finding.severity, finding.found) == ("info", "dry")


def test_a_row_that_names_its_zone_holds_there_and_others_elsewhere(tiny_folder: Path) -> None:
    study = with_table(tiny_folder, BATH + "bath,2A,1.05,1.06,1.07,0.3,200,4\nplate,1A,1.1,1.1,1.1,0,150,2.5\n")
    assert cooling_at(study, "1A")["bath"] == (1.03, 4.0)
    assert cooling_at(study, "2A")["bath"] == (1.06, 4.0)
    assert "plate" in cooling_at(study, "1A")
    assert "plate" not in cooling_at(study, "2A")


def test_it_takes_racks_that_the_region_cannot_cool(tiny_folder: Path) -> None:
    text = (tiny_folder / "study.toml").read_text().replace("rack_density_kw = 100", "rack_density_kw = 180")
    (tiny_folder / "study.toml").write_text(text)
    assert set(cooling_at(with_table(tiny_folder, BATH), "1A")) == {"bath"}


def test_figures_of_the_region_given_again_change_nothing(tiny: Study, tiny_folder: Path) -> None:
    rows = "dry,1A,1.1,1.2,1.3,0.1,120,3\ndry,2A,1.1,1.25,1.3,0.1,120,3\n"
    again = with_table(tiny_folder, rows)
    assert again.candidates.cooling.equals(tiny.candidates.cooling)
    assert again.candidates.pue.equals(tiny.candidates.pue)


@pytest.mark.parametrize(
    ("rows", "rule", "where"),
    [
        ("", "study.cooling.own_none", "mine.csv"),
        ("bath,9Z,1.02,1.03,1.05,0.3,200,4\n", "study.cooling.zone", "iecc_zone"),
        (BATH + "bath,2A,1.02,1.03,1.05,0.3,200,5\n", "study.cooling.own_differs", "capex_musd_per_mw_it"),
        ("bath,,1.04,1.03,1.05,0.3,200,4\n", "study.cooling.own_order", "pue_p05"),
        ("bath,,0.9,1.03,1.05,0.3,200,4\n", None, "pue_p05"),
        ("bath,,1.02,1.03,1.05,-1,200,4\n", None, "wue_p50_l_per_kwh"),
        ("bath,,1.02,1.03,1.05,0.3,,4\n", None, "rack_density_max_kw"),
        ("bath,,1.02,1.03,1.05,0.3,200,cheap\n", None, "capex_musd_per_mw_it"),
        (BATH + BATH, None, "mine.csv"),
    ],
)
def test_a_table_that_cannot_be_is_refused(tiny_folder: Path, rows: str, rule: str | None, where: str) -> None:
    with pytest.raises(InputError) as refused:
        with_table(tiny_folder, rows)
    assert rule is None or rule in {f.rule for f in refused.value.findings}
    assert any(where in f.where for f in refused.value.findings)


def test_a_table_that_is_not_there_is_refused(tiny_folder: Path) -> None:
    text = (tiny_folder / "study.toml").read_text()
    (tiny_folder / "study.toml").write_text(text + '[cooling]\ntable = "none.csv"\n')
    with pytest.raises(InputError, match=r"none\.csv"):
        read_study(tiny_folder)
