"""Reports of plans that were written and read again, with a study that is read from files."""

from pathlib import Path

import pandas as pd
import pytest

from optimizer.plan.plan import Plan, read_plan, tidy_plan, write_plan
from optimizer.report import write_report
from optimizer.study.from_file import read_study
from tests.report.small import summary

STUDY = """\
[study]
name = "Two buses"
periods = [2030, 2032]

[grid]
source = "grid"

[demand]
it_mw = { 2030 = 300, 2032 = 300 }

[sites]
table = "sites.csv"
"""
FILES = {
    "study.toml": STUDY,
    "sites.csv": "site,bus,lat,lon,block_mw,max_blocks\ns1,b,31.0,-98.0,100,5\n",
    "grid/buses.csv": "bus,base_kv,load_mw,lat,lon,name\na,345,0,30.0,-98.0,ALPHA\nb,345,50,31.0,-98.0,BETA\n",
    "grid/branches.csv": ("branch,from_bus,to_bus,x_pu,rating_mw\nab1,a,b,0.1,800\nab2,a,b,0.1,800\n"),
    "grid/generators.csv": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,1000,20\n",
}


@pytest.fixture
def solved(tmp_path: Path) -> Plan:
    """A plan of one site, with its study."""
    for name, text in FILES.items():
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    study = read_study(tmp_path / "study")
    sites = pd.DataFrame(
        {
            "site": "s1",
            "period": [2030, 2032],
            "blocks": 3,
            "it_mw": 300.0,
            "facility_mw": 300.0,
            "firm_mw": 300.0,
            "cooling": "",
            "bus": "b",
            "lat": 31.0,
            "lon": -98.0,
            "county": "",
            "cost_musd": 1.0,
            "pue_annual": 1.0,
            "pue_hot_day": 1.0,
            "water_m3_day": 0.0,
            "basin": "",
            "area_ha": 0.0,
            "emissions_t_per_year": 0.0,
        }
    )
    return tidy_plan(Plan(summary({2030: 300.0, 2032: 300.0}, 5000.0), {"sites": sites}, (), study.config, study))


def test_a_plan_read_from_its_folder_gives_the_same_report(solved: Plan, tmp_path: Path) -> None:
    folder = write_plan(solved, tmp_path / "plan")
    before = write_report(solved, tmp_path / "before.html").read_bytes()
    after = write_report(read_plan(folder), tmp_path / "after.html").read_bytes()
    assert b"lines 300" in after
    assert before == after


def test_changed_inputs_are_not_drawn_and_that_is_said(solved: Plan, tmp_path: Path) -> None:
    folder = write_plan(solved, tmp_path / "plan")
    buses = tmp_path / "study" / "grid" / "buses.csv"
    buses.write_text(buses.read_text().replace("30.0", "29.0"), encoding="utf-8")
    text = write_report(read_plan(folder), tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The inputs of the study are not at hand" in text
    assert "lines 300" not in text
    assert "300 MW" in text.replace("\u00a0", " ")


def test_missing_inputs_leave_a_report_of_the_tables(solved: Plan, tmp_path: Path) -> None:
    folder = write_plan(solved, tmp_path / "plan")
    (tmp_path / "study" / "study.toml").unlink()
    text = write_report(read_plan(folder), tmp_path / "report.html").read_text(encoding="utf-8")
    assert "The inputs of the study are not at hand" in text
