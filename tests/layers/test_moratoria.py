"""The published table of moratoria: messy days at their longest, doubts kept; the whole table where it is at hand."""

import csv
from datetime import date
from pathlib import Path

import pytest

from optimizer.config import RulesSettings
from optimizer.errors import InputError
from optimizer.layers.moratoria import COLUMNS, read_moratoria
from optimizer.layers.rule import Rule
from optimizer.layers.rule_files import RuleSource
from optimizer.study.rule_sources import read_rules

KNOWN = read_rules(Path(), RulesSettings(sources=()))[0].jurisdictions

ROW = {
    "moratorium_id": "tx-x-2026",
    "state_abbrev": "TX",
    "jurisdiction": "X County",
    "jurisdiction_type": "County",
    "date_enacted": "2026-03-03",
    "duration": "180 days",
    "legal_basis": "Resolution 1",
    "current_status": "Active",
    "enacted_status": "active",
    "date_enacted_iso": "2026-03-03",
    "date_enacted_uncertainty": "exact",
    "duration_days": "180",
    "duration_kind": "fixed_days",
    "sectors": '["data_center"]',
}


def read(folder: Path, *rows: dict[str, str]) -> RuleSource:
    path = folder / "moratoria.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(ROW | row for row in rows)
    return read_moratoria(path, path.name, KNOWN)


def one(folder: Path, **cells: str) -> Rule:
    (rule,) = read(folder, cells).rules
    return rule


def test_a_plain_row(tmp_path: Path) -> None:
    """180 days from 3 March 2026: 28 left in March, 30, 31, 30, 31 to July, 30 in August."""
    rule = one(tmp_path)
    assert (rule.effective.text, rule.end.text) == ("2026-03-03", "2026-08-30")
    assert rule.forbid
    assert rule.status == "in_force"
    assert rule.confidence == "secondary"
    assert rule.reservations(date(2026, 6, 1), date(2026, 6, 1)) == ()


@pytest.mark.parametrize(
    ("cells", "end"),
    [
        ({"duration": "90 days; extended through 2026-12-31", "duration_days": "90"}, "2026-12-31"),
        ({"duration": "Until 2026-07-04", "duration_days": "", "duration_kind": "until_date"}, "2026-07-04"),
        ({"duration": "12 months, to 2027-03-10", "duration_days": "365"}, "2027-03-10"),
        ({"duration": "Resolution 1066-09-17-2024", "duration_days": ""}, None),
        ({"duration": "hearing noticed for 2027-01-01"}, "2026-08-30"),
        ({"duration": "[VERIFY: through 2030-01-01]"}, "2026-08-30"),
        ({"duration": "Indefinite", "duration_days": "", "duration_kind": "indefinite"}, None),
        ({"duration": "until rules are adopted", "duration_days": "", "duration_kind": "until_event"}, None),
        ({"duration": "150 days initially; later extended", "enacted_status": "extended"}, None),
        ({"date_enacted_iso": "2025-03-03"}, None),
        ({"date_enacted_iso": "2025-03-03", "enacted_status": "expired"}, "2025-08-30"),
        ({"enacted_status": "replaced"}, None),
    ],
)
def test_the_last_day(tmp_path: Path, cells: dict[str, str], end: str | None) -> None:
    rule = one(tmp_path, **cells)
    assert (rule.end and rule.end.text) == end


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", "in_force"),
        ("extended", "in_force"),
        ("pending", "proposed"),
        ("replaced", "ended"),
        ("expired", "ended"),
        ("rescinded", "ended"),
    ],
)
def test_status(tmp_path: Path, status: str, expected: str) -> None:
    assert one(tmp_path, enacted_status=status).status == expected


@pytest.mark.parametrize(
    ("cells", "rules"),
    [
        ({"legal_basis": "Ordinance [VERIFY number]"}, {"rules.moratoria.verify"}),
        ({"date_enacted_iso": "2026-02"}, {"rules.moratoria.day", "rules.moratoria.end"}),
        ({"date_enacted_iso": ""}, {"rules.moratoria.day", "rules.moratoria.end"}),
        ({"duration": "", "duration_days": ""}, {"rules.moratoria.end"}),
        ({}, set()),
    ],
)
def test_messy_cells_become_findings(tmp_path: Path, cells: dict[str, str], rules: set[str]) -> None:
    made = read(tmp_path, cells)
    assert {f.rule for f in made.findings} == rules
    assert all("row 2 (tx-x-2026)" in f.where for f in made.findings)
    assert len(made.rules) == 1


def test_marks_of_doubt_make_a_rule_unverified(tmp_path: Path) -> None:
    rule = one(tmp_path, date_enacted="2026-03-03 [VERIFY]")
    assert rule.confidence == "unverified"
    assert any("[VERIFY]" in doubt for doubt in rule.doubts)


def test_what_is_not_about_data_centers_forbids_none(tmp_path: Path) -> None:
    assert not one(tmp_path, sectors='["cryptocurrency_mining"]').forbid
    general = one(tmp_path, sectors='["general"]')
    assert general.forbid
    assert general.doubts


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"state_abbrev": "ZZ"}, "state_abbrev"),
        ({"date_enacted_iso": "2026-02-30"}, "date_enacted_iso"),
        ({"date_enacted_iso": "March"}, "date_enacted_iso"),
        ({"duration_days": "-3"}, "duration_days"),
        ({"enacted_status": "perhaps"}, "enacted_status"),
        ({"jurisdiction_type": "Realm"}, "jurisdiction_type"),
        ({"jurisdiction": "(nowhere)"}, "jurisdiction"),
        ({"moratorium_id": "<b>"}, "moratorium_id"),
    ],
)
def test_cells_that_cannot_be_read_leave_the_row_out(tmp_path: Path, cells: dict[str, str], column: str) -> None:
    made = read(tmp_path, cells, {"moratorium_id": "good"})
    assert [rule.id for rule in made.rules] == ["good"]
    (finding,) = made.findings
    assert finding.severity == "warning"
    assert f"column {column}" in finding.where


def test_rows_that_count_others_and_ids_given_twice(tmp_path: Path) -> None:
    made = read(tmp_path, {}, {}, {"moratorium_id": "all", "jurisdiction_type": "Aggregate meta-row"})
    assert len(made.rules) == 1
    assert [f.rule for f in made.findings] == ["rules.moratoria.cell", "rules.moratoria.aggregate"]


def test_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("moratorium_id,state\na,TX\n")
    with pytest.raises(InputError) as refused:
        read_moratoria(tmp_path / "x.csv", "x.csv", KNOWN)
    assert len(refused.value.findings) == len(COLUMNS) - 1


def test_the_published_table(reference_data: Path) -> None:
    """222 rows, two of which count others; 137 active and 11 extended are in force; 24 less the two are pending."""
    path = reference_data / "moratorium-data-2026" / "moratorium_inventory.csv"
    if not path.is_file():
        pytest.skip("the table of moratoria is not at hand")
    made = read_moratoria(path, path.name, KNOWN)
    status = [rule.status for rule in made.rules]
    assert {word: status.count(word) for word in set(status)} == {"in_force": 148, "proposed": 22, "ended": 50}
    kinds = [f.rule for f in made.findings]
    assert kinds.count("rules.moratoria.aggregate") == 2
    assert "rules.moratoria.cell" not in kinds
    assert not [f for f in made.findings if f.severity == "error"]
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["moratorium_id"]: row for row in csv.DictReader(file)}
    by_id = {rule.id: rule for rule in made.rules}
    marked = {name for name, row in rows.items() if any("[VERIFY" in row[c] for c in COLUMNS)} & set(by_id)
    assert marked
    assert all(by_id[name].confidence == "unverified" for name in marked)
    assert kinds.count("rules.moratoria.verify") == len(marked)
    sane = [rule for rule in made.rules if rule.end is not None]
    assert all(date(2018, 1, 1) <= rule.end.first <= date(2030, 1, 1) for rule in sane)
    assert all(rule.end.last >= rule.effective.first for rule in sane if rule.effective is not None)
    johnson = by_id["ia-johnson-county-2025"]
    assert (johnson.effective.text, johnson.end.text) == ("2025-11-06", "2026-11-08")
