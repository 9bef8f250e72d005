"""Words about reactive support: told with a plan, in the report and beside AC power flow, and never decided on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.plan.checks_ac import verify_ac
from optimizer.plan.plan import tidy_plan, write_plan
from optimizer.plan.table_text import table_to_csv
from optimizer.plan.verify import verify_plan
from optimizer.report import write_report
from optimizer.solve import solve_study
from tests.solve.small import checked_plan, study_of

TEXT = '[grid]\nsource = "grid"\n[sites]\ntable = "sites.csv"\nties = "ties.csv"\n[demand]\nit_mw = { 2030 = 60 }\n'
BUSES = "bus,base_kv,load_mw,v_max_pu,v_min_pu,reactive_support\n"
BUSES += "a,138,0,1.1,0.9,\nb,138,0,1.1,0.9,{}\nc,138,0,1.1,0.9,available\n"
TABLES = {
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\n"
    + "".join(f"{name},a,{name[0]},0.02,100\n" for name in ("b1", "b2", "c1", "c2")),
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,q_max_mvar,q_min_mvar,v_set_pu\n"
    "g,a,900,10,400,-400,1.0\n",
    "sites": "site,block_mw,max_blocks\nsb,30,1\nsc,30,1\n",
}
TIES = "site,bus,capacity_mw,cost_musd,reactive_support\nsb,b,100,1,{}\nsc,c,100,1,\n"


def tables(bus: str, tie: str) -> dict[str, str]:
    return {**TABLES, "grid/buses": BUSES.format(bus), "ties": TIES.format(tie)}


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("bus", "tie", "word"),
    [("", "", None), ("needed", "", "needed"), ("", "needed", "needed"), ("needed", "available", "available")],
)
def test_the_word_of_the_tie_counts_before_that_of_its_bus(
    tmp_path: Path, bus: str, tie: str, word: str | None
) -> None:
    plan = checked_plan(study_of(tmp_path, TEXT, tables(bus, tie)))
    told = plan.table("reactive_support").set_index("site")["reactive_support"].to_dict()
    assert told == ({"sc": "available"} if word is None else {"sb": word, "sc": "available"})


@pytest.mark.slow
def test_it_is_told_everywhere_and_changes_nothing(tmp_path: Path) -> None:
    """In the report, beside AC power flow and in a table; every other table is that of a study that does not say it."""
    study = study_of(tmp_path / "told", TEXT, tables("needed", ""))
    plan = tidy_plan(solve_study(study))
    folder = write_plan(plan, tmp_path / "out")
    assert [str(f) for f in verify_plan(folder) if f.severity == "error"] == []
    findings, _ = verify_ac(folder)
    told = [(f.where, f.found, f.severity) for f in findings if f.rule == "grid.ac.reactive_support"]
    assert told == [("site sb, bus b", "needed", "info"), ("site sc, bus c", "available", "info")]
    write_report(plan, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Reactive support" in page
    assert "the model computes no voltage" in page
    silent = study_of(
        tmp_path / "silent",
        TEXT,
        {**tables("", ""), "grid/buses": BUSES.format("").replace(",available", ",")},
    )
    other = tidy_plan(solve_study(silent))
    assert "reactive_support" not in other.tables
    for name, table in other.tables.items():
        assert table_to_csv(name, table) == table_to_csv(name, plan.tables[name])


def test_a_changed_word_is_found(tmp_path: Path) -> None:
    plan = tidy_plan(solve_study(study_of(tmp_path, TEXT, tables("needed", ""))))
    plan.tables["reactive_support"] = pd.DataFrame(plan.tables["reactive_support"]).assign(reactive_support="available")
    found = verify_plan(write_plan(plan, tmp_path / "out"))
    assert any("reactive_support.csv row 1" in f.where for f in found if f.severity == "error")
