"""One edit to a good study of supply, and what `check` says before anything is solved."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.study import Study, read_study

STUDY = """\
[study]
name = "Supply"
periods = [2030]

[grid]
source = "grid"

[[grid.snapshot]]
name = "night"
hours = 4380
[[grid.snapshot]]
name = "day"
hours = 4380

[rules]
sources = []

[sites]
table = "sites.csv"

[demand]
it_mw = { 2030 = 10 }

[supply]
technologies = ["solar", "battery"]
table = "supply.csv"
availability = "availability.csv"

[[supply.technology]]
name = "solar"
max_mw = 20

[[supply.order]]
snapshots = ["night", "day"]
hours = [12, 12]

[adequacy]
reserve_margin = 0.1
import_mw = { north = 5 }
"""

FILES = {
    "study.toml": STUDY,
    "sites.csv": "site,bus,block_mw,max_blocks,colocated_generator,gas_line_km\ns,b,10,1,g,3\n",
    "supply.csv": "technology,cost_musd_per_mw,lead_months\nsolar,1.0,12\n",
    "availability.csv": "technology,snapshot,availability,site\nsolar,night,0,\nsolar,day,0.5,s\n",
    "grid/buses.csv": "bus,base_kv,load_mw,zone\na,138,10,north\nb,138,0,north\n",
    "grid/branches.csv": "branch,from_bus,to_bus,x_pu,rating_mw\nl1,a,b,0.1,100\nl2,a,b,0.1,100\n",
    "grid/generators.csv": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,b,100,20\nh,a,100,20\n",
}


def read(folder: Path, edits: dict[str, tuple[str, str]]) -> Study:
    """Read the study with one text of a file replaced by another."""
    for name, text in FILES.items():
        old, new = edits.get(name, ("", ""))
        assert old in text
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return read_study(folder)


Case = tuple[str, str, str, str, str]

TOML = "study.toml"

CASES: dict[str, Case] = {
    "unknown technology": (TOML, '["solar", "battery"]', '["sollar", "solar"]', "study.supply.unknown", "solar"),
    "technology twice": (TOML, '["solar", "battery"]', '["solar", "solar"]', "config.duplicate_name", "solar"),
    "changed, not offered": (TOML, 'name = "solar"', 'name = "wind"', "study.supply.not_offered", "wind"),
    "no order for storage": (
        TOML,
        '[[supply.order]]\nsnapshots = ["night", "day"]\nhours = [12, 12]\n',
        "",
        "study.supply.no_order",
        "battery",
    ),
    "snapshot that is none": (TOML, '["night", "day"]', '["nigth", "day"]', "study.supply.order_snapshot", "night"),
    "snapshot twice": (TOML, '["night", "day"]', '["day", "day"]', "study.supply.order_twice", "day"),
    "fewer hours than snapshots": (TOML, "[12, 12]", "[12]", "study.supply.order_hours", "hours"),
    "days of different number": (TOML, "[12, 12]", "[12, 6]", "study.supply.order_days", "365.0 days"),
    "hours of nothing": (TOML, "[12, 12]", "[12, 0]", "config.out_of_range", "hours"),
    "negative capacity": (TOML, "max_mw = 20", "max_mw = -20", "config.out_of_range", "max_mw"),
    "unknown key of a technology": (TOML, "max_mw = 20", "max_kw = 20", "config.unknown_key", "max_mw"),
    "efficiency above one": (TOML, "max_mw = 20", "storage_efficiency = 1.2", "config.out_of_range", "storage"),
    "energy without efficiency": (
        TOML,
        "max_mw = 20",
        "storage_cost_musd_per_mwh = 1.0",
        "study.supply.no_efficiency",
        "solar",
    ),
    "share of a capacity": (TOML, "max_mw = 20", "accredited_share = 1.5", "config.out_of_range", "accredited_share"),
    "hours of a store": (TOML, "max_mw = 20", "accredited_hours = -4", "config.out_of_range", "accredited_hours"),
    "life of nothing": (TOML, "max_mw = 20", "life_years = 0", "config.out_of_range", "life_years"),
    "cost of a gas line": (TOML, 'table = "supply.csv"', "gas_line_musd_per_km = -1", "config.out_of_range", "gas"),
    "largest share": (TOML, 'table = "supply.csv"', "max_share = 0", "config.out_of_range", "max_share"),
    "grid more than clean": (
        TOML,
        'table = "supply.csv"',
        "grid_carbon_free_share = 1.1",
        "config.out_of_range",
        "grid_carbon_free_share",
    ),
    "firm perhaps": (TOML, 'table = "supply.csv"', 'counts_as_firm = "perhaps"', "", "counts_as_firm"),
    "table that is not there": (TOML, '"supply.csv"', '"gone.csv"', "", "gone.csv"),
    "availability that is not there": (TOML, '"availability.csv"', '"gone.csv"', "", "gone.csv"),
    "zone that is none": (TOML, "north = 5", "nroth = 5", "study.adequacy.zone", "north"),
    "negative imports": (TOML, "north = 5", "north = -5", "config.out_of_range", "north"),
    "negative reserve": (TOML, "margin = 0.1", "margin = -0.1", "config.out_of_range", "reserve_margin"),
    "share above one": (
        TOML,
        "[adequacy]",
        "[limits]\ncarbon_free_share = { 2030 = 1.5 }\n[adequacy]",
        "config.out_of_range",
        "carbon_free_share",
    ),
    "share of another year": (
        TOML,
        "[adequacy]",
        "[limits]\ncarbon_free_share_every_snapshot = { 2031 = 0.5 }\n[adequacy]",
        "config.limit_year",
        "2031",
    ),
    "cost that is no number": ("supply.csv", "solar,1.0", "solar,cheap", "", "cost_musd_per_mw"),
    "negative cost": ("supply.csv", "solar,1.0", "solar,-1.0", "", "cost_musd_per_mw"),
    "technology of a table twice": ("supply.csv", "solar,1.0,12\n", "solar,1.0,12\nsolar,2.0,12\n", "", "row 3"),
    "availability above one": ("availability.csv", "day,0.5", "day,5", "", "availability"),
    "availability of nothing": (
        "availability.csv",
        "solar,day",
        "solr,day",
        "study.supply.unknown_technology",
        "solar",
    ),
    "availability at no time": ("availability.csv", "solar,day", "solar,noon", "study.supply.unknown_snapshot", "noon"),
    "availability nowhere": ("availability.csv", "0.5,s", "0.5,t", "study.supply.unknown_site", "'t'"),
    "generator that is none": ("sites.csv", ",g,3", ",gg,3", "study.supply.unknown_generator", "g"),
    "generator at another bus": ("sites.csv", ",g,3", ",h,3", "study.supply.other_bus", "bus a"),
    "negative gas line": ("sites.csv", ",g,3", ",g,-3", "", "gas_line_km"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_edit_is_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    file, old, new, rule, said = CASES[name]
    with pytest.raises(InputError) as refused:
        read(tmp_path, {file: (old, new)})
    findings = [f for f in refused.value.findings if f.severity == "error"]
    assert rule in {f.rule for f in findings} or not rule, [f.rule for f in findings]
    assert any(said in str(f) for f in findings), [str(f) for f in findings]


def test_shares_and_plants_without_supply_are_refused(tmp_path: Path) -> None:
    start = STUDY.index("[supply]")
    limits = "[limits]\ncarbon_free_share = { 2030 = 0.5 }\n"
    with pytest.raises(InputError) as refused:
        read(tmp_path, {TOML: (STUDY[start:], limits)})
    rules = {f.rule for f in refused.value.findings}
    assert {"study.supply.share_without", "study.supply.beside_without"} <= rules


def test_a_new_technology_needs_its_cost(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(
            tmp_path,
            {"supply.csv": ("solar,1.0,12\n", "solar,1.0,12\nbattery,,\ntidal,,6\n"), TOML: ('"battery"', '"tidal"')},
        )
    assert "study.supply.no_cost" in {f.rule for f in refused.value.findings}


def test_the_unedited_study_is_read(tmp_path: Path) -> None:
    study = read(tmp_path, {})
    supply = study.case.supply
    assert supply is not None
    assert supply.beside == {"s": "g"}
    assert supply.offers.at[("s", "solar"), "cost_musd_per_mw"] == 1.0
    assert supply.offers.at[("s", "solar"), "max_mw"] == 20.0
    assert supply.availability.loc[("s", "solar")].to_dict() == {"night": 0.0, "day": 0.5}
