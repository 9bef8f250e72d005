"""Any single figure that is changed, with every copy and hash rewritten, is named by recomputation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.plan.verify import check_plan, findings_of
from optimizer.plan.verify_compare import differs
from tests.plan.conftest import Written
from tests.plan.small import OBJECTIVE_MUSD
from tests.plan.small_case import SmallStudy
from tests.plan.tamper import figures, numeric_columns, tamper_cell, tamper_figure


class Folder:
    """A plan folder that can be put back as it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.saved = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}

    def restore(self) -> None:
        for file, content in self.saved.items():
            file.write_bytes(content)


def errors(folder: Path, study: SmallStudy) -> list[str]:
    """Where the check finds errors, and what it says."""
    return [f"{f.where} | {f}" for f in check_plan(folder, study) if f.severity == "error"]


def finds(folder: Path, study: SmallStudy, is_it: Callable[[str], bool]) -> bool:
    """Whether the check finds an error at a place: it is not run further once it does."""
    return any(is_it(finding.where) for finding in findings_of(folder, study) if finding.severity == "error")


def names(found: list[str], file: str, column: str) -> bool:
    """Whether a finding names the file and the column."""
    places = [where.split(" | ")[0] for where in found]
    return any(place.startswith(file) and column in place.rpartition(" column ")[2] for place in places)


def test_the_plan_made_by_hand_holds(whole: Written) -> None:
    assert whole.plan.summary["objective_musd"] == pytest.approx(OBJECTIVE_MUSD, abs=1e-9)
    assert errors(whole.folder, whole.study) == []


def test_the_plan_without_its_scenario_holds(single: Written) -> None:
    assert errors(single.folder, single.study) == []


@pytest.mark.every(24)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_every_number_of_every_table_is_recomputed(single: Written, tmp_path: Path, seed: int, part: int) -> None:
    folder = Folder(single.copy(tmp_path / "plan"))
    columns = numeric_columns(folder.path)
    assert len(columns) > 70
    missed = []
    for name, column in columns[part::4]:
        change = tamper_cell(folder.path, name, column, seed)
        if not finds(folder.path, single.study, lambda where, n=name, c=column: names([where], f"tables/{n}.csv", c)):
            missed.append((change, errors(folder.path, single.study)[:3]))
        folder.restore()
    assert missed == []


@pytest.mark.slow
def test_every_number_of_the_comparison_is_recomputed(whole: Written, tmp_path: Path) -> None:
    folder = Folder(whole.copy(tmp_path / "plan"))
    columns = [(name, column) for name, column in numeric_columns(folder.path) if name.startswith("comparison")]
    assert len(columns) == 8
    missed = []
    for name, column in columns:
        change = tamper_cell(folder.path, name, column, 1)
        if not finds(folder.path, whole.study, lambda where, n=name, c=column: names([where], f"tables/{n}.csv", c)):
            missed.append(change)
        folder.restore()
    assert missed == []


@pytest.mark.slow
def test_numbers_of_a_comparison_plan_are_recomputed(whole: Written, tmp_path: Path) -> None:
    folder = Folder(whole.copy(tmp_path / "plan"))
    inner = folder.path / "scenarios" / "without_security"
    for name, column in [("sites", "cost_musd"), ("flows", "flow_mw"), ("dispatch", "output_mw")]:
        tamper_cell(inner, name, column, 1)
        found = errors(folder.path, whole.study)
        assert names(found, f"scenarios/without_security/tables/{name}.csv", column), name
        folder.restore()


@pytest.mark.every(6)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_figure_of_the_summary_is_recomputed(single: Written, tmp_path: Path, part: int) -> None:
    folder = Folder(single.copy(tmp_path / "plan"))
    paths = [path for path in figures(folder.path) if path[0] != "binding" or path[1] in (0, 5)]
    assert len(paths) > 30
    missed = []
    for path in paths[part::3]:
        change = tamper_figure(folder.path, path, 1)
        if not finds(folder.path, single.study, lambda where, key=path[0]: where.startswith(f"plan.json {key}")):
            missed.append(change)
        folder.restore()
    assert missed == []


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("bound_musd", 136.7, "plan.bound.above_objective"),
        ("solver_seconds", -1.0, "plan.recomputed"),
        ("peak_memory_mb", float("1e999"), "plan.summary.json"),
        ("surprise", 1.0, "plan.summary.keys"),
    ],
)
def test_what_cannot_be_recomputed_must_be_plausible(
    single: Written, tmp_path: Path, key: str, value: float, rule: str
) -> None:
    folder = single.copy(tmp_path / "plan")
    text = (folder / "plan.json").read_text(encoding="utf-8")
    (folder / "plan.json").write_text(text.replace('"name"', f'"{key}": {value!r},\n  "name"', 1), encoding="utf-8")
    if f'"{key}"' in text:
        lines = text.splitlines()
        lines = [f'  "{key}": {value!r},' if line.startswith(f'  "{key}"') else line for line in lines]
        (folder / "plan.json").write_text("\n".join(lines), encoding="utf-8")
    assert rule in {f.rule for f in check_plan(folder, single.study)}


def test_land_agrees_to_the_rounding_of_the_capacity_it_is_for() -> None:
    """Written with six decimals, 203.222381 MW may be half a millionth more, which is 1.4e-6 ha at 2.8 ha/MW."""
    capacity_mw = 203.2223805001
    stated, recomputed = round(2.8 * capacity_mw, 6), 2.8 * round(capacity_mw, 6)
    assert not differs([stated], [recomputed], "ha")[0]
    assert differs([stated + 0.001], [recomputed], "ha")[0]
    assert differs([stated], [recomputed], "")[0], "which another figure of that size would not be allowed"
