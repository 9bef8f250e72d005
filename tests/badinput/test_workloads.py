"""One edit to a good study of workloads, and what `check` says before anything is solved."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.study import read_study
from tests.solve.workload_cases import DEMAND, PAIRS, SITES, STUDY, write_study

ORBIT = "\n[orbit]\nlaunch_usd_per_kg = 100\n"


def kind(rules: str, name: str = "chat") -> str:
    """The study with rules of a workload."""
    return f'{STUDY}\n[[workloads.kind]]\nname = "{name}"\n{rules}\n'


CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "no table of demand": ({"study": STUDY.replace("demand.csv", "gone.csv")}, "", "gone.csv"),
    "no region": ({"demand": DEMAND.replace("region", "regio")}, "", "region"),
    "no megawatts": ({"demand": "region,workload\nwest,chat\n"}, "", "it_mw"),
    "negative demand": ({"demand": DEMAND.replace(",8", ",-8")}, "", "it_mw"),
    "negative penalty": ({"demand": "region,workload,it_mw,penalty_musd_per_mw\nwest,chat,8,-1\n"}, "", "penalty"),
    "negative revenue": ({"demand": "region,workload,it_mw,revenue_musd_per_mw_year\nwest,chat,8,-1\n"}, "", "revenue"),
    "demand twice": ({"demand": DEMAND + "west,chat,3\n"}, "", "row 4"),
    "no demand": ({"demand": "region,workload,it_mw\n"}, "study.workload.none", "demand.csv"),
    "all and single years": (
        {"demand": "region,workload,it_mw,it_mw_2030\nwest,chat,8,8\n"},
        "study.workload.demand_twice",
        "it_mw_2030",
    ),
    "another year": ({"demand": DEMAND.replace("it_mw", "it_mw_2031")}, "study.workload.year", "2031"),
    "half a place": ({"demand": "region,workload,it_mw,lat\nwest,chat,8,30\n"}, "study.workload.half_located", "lat"),
    "called any": ({"demand": DEMAND.replace("chat", "any")}, "study.workload.name", "any"),
    "unknown site": ({"pairs": PAIRS.replace("near,west", "neer,west")}, "study.pair.unknown_site", "near"),
    "unknown region": ({"pairs": PAIRS.replace("near,west", "near,wset")}, "study.pair.unknown_region", "west"),
    "unknown workload": (
        {"pairs": PAIRS.replace("far,east,train", "far,east,chat")},
        "study.pair.unknown_workload",
        "train",
    ),
    "pair twice": ({"pairs": PAIRS + "near,west,any,1,1,1\n"}, "", "row 6"),
    "negative cost of a pair": ({"pairs": PAIRS.replace("train,1", "train,-1")}, "", "cost_musd_per_mw"),
    "negative round trip": ({"pairs": PAIRS.replace(",60,", ",-60,")}, "", "rtt_ms"),
    "allowed perhaps": ({"pairs": PAIRS.replace("any,0,5,1", "any,0,5,perhaps")}, "", "allowed"),
    "rules for nothing": ({"study": kind("max_rtt_ms = 3", "chatt")}, "study.workload.unknown", "chat"),
    "rules twice": ({"study": kind("max_rtt_ms = 3") + kind("").replace(STUDY, "")}, "config.duplicate_name", "chat"),
    "longest round trip of zero": ({"study": kind("max_rtt_ms = 0")}, "config.out_of_range", "max_rtt_ms"),
    "unknown kind of site": ({"study": kind('kinds = ["campuss"]')}, "config.unknown_choice", "campus"),
    "unknown rule": ({"study": kind("max_rtt = 3")}, "config.unknown_key", "max_rtt_ms"),
    "residency without a site": ({"study": kind('residency = ["FR"]')}, "study.workload.residency", "FR"),
    "kind without a site": ({"study": kind('kinds = ["edge"]')}, "study.workload.kinds", "edge"),
    "round trip not known": ({"study": kind("max_rtt_ms = 5")}, "study.workload.rtt_unknown", "chat"),
    "borders misspelt": (
        {
            "study": kind('residency = ["US", "Unitd States"]'),
            "sites": SITES.replace("site,", "site,country,").replace("near,", "near,US,").replace("far,", "far,US,"),
        },
        "study.workload.border",
        "United States",
    ),
    "data nowhere": (
        {
            "study": kind("move_musd_per_mw_year = 1"),
            "demand": DEMAND.replace("it_mw", "it_mw,data_in").replace(",8", ",8,neer").replace(",12", ",12,"),
        },
        "study.workload.data_in",
        "near",
    ),
    "sites of nowhere share": (
        {"study": kind("between_sites_rtt_ms = 8", "train")},
        "study.workload.distance_unknown",
        "where site near is is not known",
    ),
    "negative distance of sites that share": (
        {"study": kind("between_sites_rtt_ms = -1", "train")},
        "config.out_of_range",
        "between_sites_rtt_ms",
    ),
    "negative price of moving": ({"study": kind("move_musd_per_mw_year = -1")}, "config.out_of_range", "move_musd"),
    "fibre shorter than the straight line": (
        {"study": STUDY.replace('"demand.csv"', '"demand.csv"\nroute_factor = 0.5')},
        "config.out_of_range",
        "route_factor",
    ),
    "nobody may serve": (
        {"study": kind("max_rtt_ms = 1"), "pairs": PAIRS},
        "study.workload.no_site",
        "region west, workload chat",
    ),
    "too much for all": ({"demand": DEMAND.replace(",8", ",800")}, "study.workload.no_site", "60.0 of 800.0 MW"),
    "ready too late": (
        {"sites": SITES.replace("site,", "site,earliest,").replace("near,", "near,2031,").replace("far,", "far,2031,")},
        "study.workload.no_site",
        "0.0 of 8.0 MW",
    ),
    "scale above demand": ({"study": kind("min_site_mw = 9")}, "study.workload.scale", "8.0 of 9.0 MW"),
    "kind of site misspelt": (
        {"sites": SITES.replace("site,", "site,kind,").replace("near,", "near,cloudy,").replace("far,", "far,edge,")},
        "study.site.kind",
        "cloud",
    ),
    "orbit without numbers": (
        {"sites": SITES.replace("site,", "site,kind,").replace("near,", "near,orbital,").replace("far,", "far,edge,")},
        "study.orbit.missing",
        "near",
    ),
    "numbers without orbit": ({"study": STUDY + ORBIT}, "study.orbit.no_site", "orbital"),
    "orbit for nothing": (
        {
            "study": STUDY + ORBIT + 'workloads = ["chatt"]\n',
            "sites": SITES.replace("site,", "site,kind,")
            .replace("near,", "near,orbital,")
            .replace("far,", "far,edge,"),
        },
        "study.workload.unknown",
        "chat",
    ),
    "orbit beside a total": (
        {
            "study": STUDY.replace('[workloads]\ndemand = "demand.csv"', "[demand]\nit_mw = { 2030 = 5 }")
            + ORBIT
            + 'workloads = ["chat"]\n'
        },
        "config.orbit_without_workloads",
        "chat",
    ),
    "dark orbit": ({"study": STUDY + ORBIT + "sunlit_share = 0\n"}, "config.out_of_range", "sunlit_share"),
    "paid launch": ({"study": STUDY + ORBIT.replace("100", "-100")}, "config.out_of_range", "launch_usd_per_kg"),
    "total and workloads": ({"study": STUDY + "\n[demand]\nit_mw = { 2030 = 5 }\n"}, "config.demand_twice", "it_mw"),
    "neither": (
        {"study": STUDY.replace('[workloads]\ndemand = "demand.csv"', '[demand]\narchetype = "ai_training"')},
        "config.missing_key",
        "demand.it_mw",
    ),
    "value without revenue": (
        {"study": STUDY.replace("periods", 'objective = "net_present_value"\nperiods')},
        "study.objective.no_revenue",
        "revenue_musd_per_mw_year",
    ),
    "delay of what must be served": (
        {"study": STUDY.replace("periods", 'objective = "delay"\nperiods')},
        "study.objective.delay",
        "penalty_musd_per_mw",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_edit_is_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    files, rule, said = CASES[name]
    with pytest.raises(InputError) as refused:
        read_study(write_study(tmp_path, **files))
    findings = [f for f in refused.value.findings if f.severity == "error"]
    assert rule in {f.rule for f in findings} or not rule
    assert any(said in str(f) for f in findings), [str(f) for f in findings]
    assert all(f.message for f in findings)


def test_the_unedited_study_is_read(tmp_path: Path) -> None:
    assert len(read_study(write_study(tmp_path, pairs=PAIRS)).case.sites) == 2


@pytest.mark.parametrize(
    ("rules", "data_in", "rule"),
    [
        ("move_musd_per_mw_year = 1", "DE", "study.workload.data_away"),
        ("move_musd_per_mw_year = 1", "", "study.workload.no_data"),
        ("", "near", "study.workload.free_move"),
        ("move_musd_per_mw_year = 1", "near", None),
    ],
)
def test_what_changes_no_choice_is_said(rules: str, data_in: str, rule: str | None, tmp_path: Path) -> None:
    """Data where no site is, a price without data, data without a price: each is read, and said."""
    demand = DEMAND.replace("it_mw", "it_mw,data_in").replace(",8", f",8,{data_in}").replace(",12", ",12,")
    findings = read_study(write_study(tmp_path, study=kind(rules), demand=demand)).findings
    assert [f.rule for f in findings if f.rule.startswith("study.workload")] == ([] if rule is None else [rule])
    assert all(f.severity == "warning" for f in findings)


@pytest.mark.parametrize("border", ["US", "FR", "US-TX", "Texas", "Germany"])
def test_borders_without_a_site_beside_others_are_no_mistake(border: str, tmp_path: Path) -> None:
    sites = SITES.replace("site,", "site,country,").replace("near,", "near,US,").replace("far,", "far,US,")
    study = kind(f'residency = ["US", "{border}"]').replace("sources = []", "")
    assert read_study(write_study(tmp_path, study=study, sites=sites)).case.workloads is not None
