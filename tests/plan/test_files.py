"""From the manifest to the inputs: the check reads them again, wherever they lie, and says when they are others."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.errors import Finding
from optimizer.plan.manifest import Entry, Manifest, locate, portable
from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.resources import dataset_names, dataset_path
from optimizer.study.from_file import read_study
from tests.plan.tamper import numeric_columns, rewrite_hashes, tamper_cell, tamper_figure
from tests.plan.two_buses import plan_of, write_study


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a study in ``in`` and its plan in ``out``."""
    root = tmp_path_factory.mktemp("two")
    write_plan(plan_of(read_study(write_study(root / "in"))), root / "out")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "two"))


def rules(findings: tuple[Finding, ...]) -> set[str]:
    return {f.rule for f in findings if f.severity == "error"}


def test_a_plan_of_a_study_in_files_holds(made: Path) -> None:
    assert rules(verify_plan(made / "out")) == set()


def test_inputs_are_named_relative_to_the_plan(made: Path) -> None:
    manifest = json.loads((made / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["study"] == "../in/study.toml"
    assert {entry["path"] for entry in manifest["inputs"]} == {
        "../in/study.toml",
        "../in/sites.csv",
        "../in/grid/buses.csv",
        "../in/grid/branches.csv",
        "../in/grid/generators.csv",
        *(f"dataset:rules/{name}.toml" for name in ("asia", "europe", "jurisdictions", "us")),
    }


@pytest.mark.parametrize("name", ["study.toml", "sites.csv", "grid/generators.csv"])
def test_a_changed_input_is_named(root: Path, name: str) -> None:
    path = root / "in" / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    findings = verify_plan(root / "out")
    assert rules(findings) == {"plan.input.changed"}
    assert f"../in/{name}" in findings[0].where


def test_a_missing_input_is_named(root: Path) -> None:
    (root / "in" / "sites.csv").unlink()
    assert rules(verify_plan(root / "out")) == {"plan.input.missing"}


def test_inputs_may_lie_elsewhere(root: Path) -> None:
    (root / "in").rename(root / "moved")
    assert rules(verify_plan(root / "out")) == {"plan.input.missing"}
    assert rules(verify_plan(root / "out", inputs=root / "moved")) == set()


def test_a_changed_input_is_found_behind_its_hash(root: Path) -> None:
    """A generator that costs 21 $/MWh: every hash fits, the costs do not."""
    path = root / "in" / "grid" / "generators.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("500,20", "500,21"), encoding="utf-8")
    manifest = (root / "out" / "manifest.json").read_text(encoding="utf-8")
    old = next(e for e in json.loads(manifest)["inputs"] if e["path"].endswith("generators.csv"))["sha256"]
    new = hashlib.sha256(path.read_bytes()).hexdigest()
    (root / "out" / "manifest.json").write_text(manifest.replace(old, new), encoding="utf-8")
    found = " ".join(str(f) for f in verify_plan(root / "out"))
    for place in ("costs.csv row", "plan.json objective_musd", "energy_prices.csv"):
        assert place in found


@pytest.mark.slow
def test_a_plan_of_an_override_holds(root: Path) -> None:
    changed = read_study(root / "in").override({"limits.share_per_county": 1.0, "economics.life_years": 20.0})
    folder = write_plan(plan_of(changed), root / "changed")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["overrides"] == {"limits.share_per_county": 1.0, "economics.life_years": 20.0}
    assert rules(verify_plan(folder)) == set()


def test_a_study_file_that_was_edited_is_named(root: Path) -> None:
    path = root / "out" / "study.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("gap = 0.01", "gap = 0.5"), encoding="utf-8")
    rewrite_hashes(root / "out")
    findings = verify_plan(root / "out")
    assert rules(findings) == {"plan.recomputed"}
    assert findings[0].where.startswith("study.toml line ")


@pytest.mark.slow
def test_every_table_is_recomputed_from_files(root: Path) -> None:
    saved = {path: path.read_bytes() for path in (root / "out").rglob("*") if path.is_file()}
    missed = []
    chosen = [
        (n, c) for n, c in numeric_columns(root / "out") if c in ("flow_mw", "cost_musd", "it_mw", "block_cost_musd")
    ]
    assert len(chosen) >= 6
    for name, column in chosen:
        change = tamper_cell(root / "out", name, column, 1)
        if not any(f"tables/{name}.csv" in f.where and column in f.where for f in verify_plan(root / "out")):
            missed.append(change)
        for path, content in saved.items():
            path.write_bytes(content)
    assert missed == []


def test_hashes_are_compared(root: Path) -> None:
    (root / "out" / "solve.log").write_text("another round\n", encoding="utf-8")
    (root / "out" / "note.txt").write_text("mine\n", encoding="utf-8")
    findings = verify_plan(root / "out")
    assert {(f.rule, f.where) for f in findings} == {
        ("plan.output.changed", "solve.log"),
        ("plan.output.unknown", "note.txt"),
    }


def test_a_figure_is_found_by_hash_and_by_recomputation(root: Path) -> None:
    tamper_figure(root / "out", ("baseline_musd",), 1)
    found = [f.where for f in verify_plan(root / "out")]
    assert {"plan.json", "plan.json baseline_musd", "plan.json gap"} >= set(found) >= {"plan.json baseline_musd"}


@pytest.mark.every(6)
@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("manifest.json", "{", "plan.manifest.json"),
        ("manifest.json", "[]", "plan.manifest.layout"),
        ("manifest.json", '{"format": 2}', "plan.manifest.layout"),
        ("manifest.json", None, "plan.manifest.missing"),
        ("plan.json", "{", "plan.summary.json"),
        ("plan.json", None, "plan.summary.json"),
        ("plan.gpkg", "not a map", "plan.map.unreadable"),
        ("plan.gpkg", None, "plan.map.unreadable"),
        ("study.toml", None, "plan.study.unreadable"),
        ("tables/costs.csv", "a\n", "plan.table.columns"),
        ("tables/costs.csv", None, "plan.table.missing"),
        ("tables/extra.csv", "a\n", "plan.table.unknown"),
    ],
)
def test_a_broken_folder_is_a_finding_not_a_traceback(root: Path, name: str, content: str | None, rule: str) -> None:
    path = root / "out" / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    assert rule in rules(verify_plan(root / "out"))


def test_a_folder_that_is_none_is_a_finding(tmp_path: Path) -> None:
    assert rules(verify_plan(tmp_path / "nowhere")) == {"plan.manifest.missing"}


def test_bundled_inputs_are_named_by_their_dataset(tmp_path: Path) -> None:
    assert "texas" in dataset_names()
    file = dataset_path("texas") / "counties.csv"
    path = portable(file, tmp_path / "plan")
    assert path == "dataset:texas/counties.csv"
    manifest = Manifest("", (), ())
    assert locate(Entry(path, ""), tmp_path / "plan", tmp_path, manifest) == file
    assert locate(Entry("dataset:nowhere/x.csv", ""), tmp_path, None, manifest) is None


def test_the_check_does_not_load_the_model() -> None:
    code = (
        "import optimizer.plan.verify, sys; "
        "bad = ('pyomo', 'optimizer.algebra', 'optimizer.formulation', 'optimizer.solve', 'highspy'); "
        "print([m for m in sys.modules if m.startswith(bad)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
