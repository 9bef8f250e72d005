"""What is refused in a study file: rule, key, value, remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.config import load_config
from tests.config.studies import SMALL, refusal

ONE_FUTURE = '[demand]\nit_mw = {2030 = 1}\n[[uncertainty.scenario]]\nname = "a"\n'

REFUSED = {
    "unknown key": ("[water]\nwithdraw_share = 0\n", "unknown_key", "water.withdraw_share", "0", "'withdrawal_share'"),
    "unknown table": ("[waters]\nx = 1\n", "unknown_key", "waters", '{"x": 1}', "'water'"),
    "key of another table": ("[water]\nseed = 1\n", "unknown_key", "water.seed", "1", "belongs to [solve]"),
    "miles": ("[sites]\nmax_tie_miles = 10\n", "unknown_key", "sites.max_tie_miles", "10", "1 mile = 1.60934 km"),
    "gigawatts": ("[demand]\nit_gw = {2030 = 5}\n", "unknown_key", "demand.it_gw", '{"2030": 5}', "1 GW = 1000 MW"),
    "acres": ("[sites]\nmin_area_acres = 5\n", "unknown_key", "sites.min_area_acres", "5", "1 acre = 0.404686 ha"),
    "per gigawatt": (
        "[facility]\ncost_musd_per_gw = 9\n",
        "unknown_key",
        "facility.cost_musd_per_gw",
        "9",
        "cost_musd_per_mw",
    ),
    "text for a number": ('[solve]\ngap = "1%"\n', "wrong_type", "solve.gap", '"1%"', "a number"),
    "broken count": ("[solve]\nthreads = 1.5\n", "wrong_type", "solve.threads", "1.5", "a whole number"),
    "true for a number": ("[solve]\nthreads = true\n", "wrong_type", "solve.threads", "true", "a whole number"),
    "date for text": ("[report]\ntitle = 2026-01-01\n", "wrong_type", "report.title", '"2026-01-01"', "text in quotes"),
    "value for a table": ("water = 3\n", "wrong_type", "water", "3", "a table"),
    "one for a list": ('[water]\nsources = "fresh"\n', "wrong_type", "water.sources", '"fresh"', "a list"),
    "not a number": (
        "[economics]\ndiscount_rate = nan\n",
        "not_finite",
        "economics.discount_rate",
        "nan",
        "give a number",
    ),
    "infinite": ("[sites]\nmax_tie_km = inf\n", "not_finite", "sites.max_tie_km", "inf", "give a number"),
    "too large": ("[water]\nwithdrawal_share = 10\n", "out_of_range", "water.withdrawal_share", "10", "at most 1"),
    "not positive": ("[facility]\nblock_mw = 0\n", "out_of_range", "facility.block_mw", "0", "more than 0"),
    "negative demand": ("[demand]\nit_mw = {2030 = -5}\n", "out_of_range", "demand.it_mw.2030", "-5", "at least 0"),
    "no year": ("[demand]\nit_mw = {soon = 5}\n", "year", "demand.it_mw.soon", '"soon"', "2030"),
    "no demand": ("[demand]\nit_mw = {}\n", "empty", "demand.it_mw", "{}", "[MW]"),
    "missing key": ("[demand]\npenalty_musd_per_mw_year = 1\n", "missing_key", "demand.it_mw", "", "[MW]"),
    "unknown choice": (
        '[security]\nsplitting = "ignore"\n',
        "unknown_choice",
        "security.splitting",
        '"ignore"',
        "'skip'",
    ),
    "unknown contingency": (
        '[security]\ncontingencies = ["bus"]\n',
        "unknown_choice",
        "security.contingencies#1",
        '"bus"',
        "'branch'",
    ),
    "contingency twice": (
        '[security]\ncontingencies = ["list", "mine.csv", "list"]\n',
        "duplicate_name",
        "security.contingencies",
        "'list'",
        "once",
    ),
    "unknown scenario": (
        '[report]\ncompare = ["wet"]\n[scenario.dry]\n',
        "unknown_scenario",
        "report.compare",
        "'wet'",
        "dry",
    ),
    "probabilities": (
        f'{ONE_FUTURE}probability = 0.25\n[[uncertainty.scenario]]\nname = "b"\nprobability = 0.7\n',
        "probabilities",
        "uncertainty.scenario",
        "0.95",
        "change them",
    ),
    "future twice": (
        f'{ONE_FUTURE}probability = 0.5\n[[uncertainty.scenario]]\nname = "A"\nprobability = 0.5\n',
        "duplicate_name",
        "uncertainty.scenario",
        "'a'",
        "once",
    ),
    "name of a future": (
        ONE_FUTURE.replace('"a"', '"a b"') + "probability = 1\n",
        "scenario_name",
        "uncertainty.scenario",
        "'a b'",
        "letters",
    ),
    "too many futures": (
        "".join(f'[[uncertainty.scenario]]\nname = "f{i}"\nprobability = 0.004\n' for i in range(250)),
        "too_many",
        "uncertainty.scenario",
        "250 scenarios",
        "leave some out",
    ),
    "no probability": (ONE_FUTURE, "missing_key", "uncertainty.scenario#1.probability", "", "probability"),
    "future of another year": (
        f"{ONE_FUTURE}probability = 1\nit_demand_factors = {{ 2031 = 2 }}\n",
        "factor_year",
        "uncertainty.scenario#1 (a), it_demand_factors",
        "2031",
        "2030",
    ),
    "conditions of another year": (
        "[demand]\nit_mw = {2030 = 1}\n[conditions]\nexisting_load_factors = { 2031 = 2 }\n",
        "factor_year",
        "conditions.existing_load_factors",
        "2031",
        "2030",
    ),
    "early until": (
        ONE_FUTURE.replace("[[", "[uncertainty]\nearly_until = 2029\n[[") + "probability = 1\n",
        "early_until",
        "uncertainty.early_until",
        "2029",
        "2030",
    ),
    "risk level": (
        ONE_FUTURE.replace("[[", "[uncertainty]\nrisk_level = 1\n[[") + "probability = 1\n",
        "out_of_range",
        "uncertainty.risk_level",
        "1",
        "less than 1",
    ),
    "futures without demand": (
        '[[uncertainty.scenario]]\nname = "a"\nprobability = 1\n',
        "uncertainty_without_demand",
        "uncertainty",
        "",
        "[demand]",
    ),
    "no future": (
        "[demand]\nit_mw = {2030 = 1}\n[uncertainty]\nscenario = []\n",
        "empty",
        "uncertainty.scenario",
        "[]",
        "futures",
    ),
    "scenario name": ('[scenario."a/b"]\n', "scenario_name", "scenario", "'a/b'", "letters"),
    "in a scenario": (
        "[scenario.dry.water]\nshare = 0\n",
        "unknown_key",
        "scenario.dry.water.share",
        "0",
        "withdrawal_share",
    ),
    "layer": (
        '[[sites.layers]]\nsource = "a"\nbuffer_km = 1\n',
        "unknown_key",
        "sites.layers#1.buffer_km",
        "1",
        "1 km = 1000 m",
    ),
    "limit year": ("[limits]\nbudget_musd = {2040 = 5}\n", "limit_year", "limits.budget_musd.2040", "5", "2024"),
    "campus size": (
        "[facility]\nmin_campus_mw = 9\nmax_campus_mw = 5\n",
        "campus_size",
        "facility.min_campus_mw",
        "9 MW",
        "at most 5",
    ),
    "ties alone": ('[sites]\nties = "ties.csv"\n', "ties_without_table", "sites.ties", "'ties.csv'", "sites.table"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(write, case: tuple[str, str, str, str, str]) -> None:
    text, rule, key, value, remedy = case
    name = "" if "[study]" in text else SMALL
    # A key outside tables must stand before the first table.
    findings = refusal(write(text + name if text.startswith("water =") else name + text))
    matching = [f for f in findings if f.rule == f"config.{rule}" and f.where == f"study.toml: {key}"]
    assert len(matching) == 1, [str(f) for f in findings]
    assert matching[0].found == value
    assert remedy in matching[0].remedy
    assert matching[0].severity == "error"


YEARS = "[study]\nname = 'y'\nperiods = {periods}\n[demand]\nit_mw = {{ {demand} }}\n"


@pytest.mark.parametrize(
    ("periods", "demand", "expected"),
    [
        ("[2030, 2028]", "2028 = 1, 2030 = 1", [("periods_order", "study.periods", "[2028, 2030]")]),
        ("[2028, 2028]", "2028 = 1", [("periods_order", "study.periods", "[2028]")]),
        ("[2028]", "2028 = 1, 2031 = 1", [("demand_year", "demand.it_mw.2031", "add 2031 to study.periods")]),
        ("[2028, 2030]", "2028 = 1", [("demand_year", "demand.it_mw", "add 2030 = MW")]),
    ],
)
def test_years_must_agree(write, periods: str, demand: str, expected: list[tuple[str, str, str]]) -> None:
    findings = refusal(write(YEARS.format(periods=periods, demand=demand)))
    assert [(f.rule, f.where) for f in findings] == [(f"config.{r}", f"study.toml: {k}") for r, k, _ in expected]
    assert all(remedy in f.remedy for f, (_, _, remedy) in zip(findings, expected, strict=True))


SNAPSHOTS = (
    "[grid]\nsource = 'g'\nsnapshot = [{{ name = 'peak', hours = 760 }}, {{ name = 'light', hours = 8000{more} }}]\n"
)


@pytest.mark.parametrize(
    ("more", "rules"),
    [
        ("", []),
        (", load_factor = 0.5, load_factors = { north = 1 }", ["config.snapshot_load_factor"]),
        (" }, { name = 'peak', hours = 1", ["config.duplicate_name"]),
    ],
)
def test_snapshots_of_a_study(write, more: str, rules: list[str]) -> None:
    path = write(SMALL + SNAPSHOTS.format(more=more))
    assert [f.rule for f in (refusal(path) if rules else ())] == rules
    if not rules:
        load_config(path)


def test_fixed_output_cannot_serve_campuses(write) -> None:
    fixed = '[dispatch]\ngenerators = "fixed"\n'
    load_config(write(SMALL + fixed))
    (finding,) = refusal(write(SMALL + fixed + "[demand]\nit_mw = {2030 = 5}\n"))
    assert finding.rule == "config.fixed_dispatch"


def test_every_problem_is_reported_at_once(write) -> None:
    text = (
        "[study]\nname = 'n'\nperiods = [2030, 2028]\ncolour = 1\n[solve]\ngap = nan\n[water]\nshare = 1\n"
        "[report]\ncompare = ['x']\n[scenario.a.economics]\nlife_years = -1\n"
    )
    assert sorted(
        (f.rule.removeprefix("config."), f.where.removeprefix("study.toml: ")) for f in refusal(write(text))
    ) == [
        ("not_finite", "solve.gap"),
        ("out_of_range", "scenario.a.economics.life_years"),
        ("periods_order", "study.periods"),
        ("unknown_key", "study.colour"),
        ("unknown_key", "water.share"),
        ("unknown_scenario", "report.compare"),
    ]


# Files that cannot be a study

BAD_FILES: dict[str, tuple[bytes, str, str]] = {
    "not TOML": (b"[study\nname = 1\n", "config.toml", "line 1"),
    "key twice": (b"[study]\nname = 'a'\nname = 'b'\n", "config.toml", "line 3"),
    "not UTF-8": (b"[study]\nname = 'caf\xe9'\n", "config.encoding", "byte 0xe9"),
    "too large": (b"#" * 1_000_001, "config.too_large", "1000001 bytes"),
    "too deep": (b"x = " + b"[" * 100_000, "config.toml", ""),
    "endless number": (b"x = " + b"9" * 10_000, "config.toml", "4300"),
    "no base": (b"extends = 'none.toml'\n", "config.missing_file", ""),
    "extends a number": (b"extends = 3\n", "config.extends", "3"),
    "extends itself": (b"extends = 'study.toml'\n", "config.extends_cycle", "study.toml -> study.toml"),
}


@pytest.mark.parametrize("case", BAD_FILES.values(), ids=BAD_FILES)
def test_unusable_files(tmp_path: Path, case: tuple[bytes, str, str]) -> None:
    content, rule, value = case
    (tmp_path / "study.toml").write_bytes(content)
    (finding,) = refusal(tmp_path / "study.toml")
    assert finding.rule == rule
    assert value in finding.found
    assert finding.remedy


def test_a_cycle_of_two_files(write) -> None:
    write('extends = "study.toml"\n', "base.toml")
    (finding,) = refusal(write('extends = "base.toml"\n'))
    assert finding.rule == "config.extends_cycle"
    assert finding.found == "study.toml -> base.toml -> study.toml"


@pytest.mark.parametrize(("name", "rule"), [("none.toml", "config.missing_file"), (".", "config.not_a_file")])
def test_no_file_there(tmp_path: Path, name: str, rule: str) -> None:
    (finding,) = refusal(tmp_path / name)
    assert finding.rule == rule
