"""The verb `why` on folders that hold no plan, or half of one: refused, never answered from what is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimizer.cli.outcome import ExitCode
from optimizer.plan.plan import write_plan
from tests.solve.small import checked_plan, study_of
from tests.solve.test_explain_site import NO_GRID, SITES


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a plan, which is not to be changed."""
    top = tmp_path_factory.mktemp("why")
    return write_plan(checked_plan(study_of(top / "study", NO_GRID, SITES)), top / "plan")


def without(key: str, value: str = "") -> Callable[[Path], Any]:
    """What takes a figure out of plan.json, or puts other text in its place."""

    def change(folder: Path) -> None:
        summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        summary = {k: v for k, v in summary.items() if k != key} | ({key: value} if value else {})
        (folder / "plan.json").write_text(json.dumps(summary), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda folder: (folder / "plan.json").unlink(), "plan.folder.not_a_plan"),
        (lambda folder: (folder / "plan.json").write_text("{}"), "plan.summary.figure"),
        (without("baseline_musd"), "plan.summary.figure"),
        (without("objective_musd", "2 M$"), "plan.summary.figure"),
        (lambda folder: shutil.rmtree(folder / "tables"), "plan.folder.no_sites"),
        (lambda folder: (folder / "tables" / "sites.csv").unlink(), "plan.folder.no_sites"),
        (lambda folder: (folder / "study.toml").write_text("x = 1"), "config.unknown_key"),
        (lambda folder: (folder / "manifest.json").unlink(), "why.no_study"),
    ],
    ids=["no plan", "empty", "a figure less", "text", "no tables", "no sites", "other study", "no manifest"],
)
def test_half_a_plan_is_refused(
    gridsite: Callable[..., Any], whole: Path, tmp_path: Path, change: Callable[[Path], Any], rule: str
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "plan"))
    change(folder)
    result = gridsite("why", folder, "y", "--json", "--quiet")
    assert result.exit_code == ExitCode.REFUSED
    findings = json.loads(result.stdout)["findings"]
    assert rule in {f["rule"] for f in findings}
    assert all(f["remedy"] for f in findings)
