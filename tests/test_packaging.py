"""The wheel works away from the checkout: everything it needs is inside."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=120
    )


def pip(*arguments: str, cwd: Path) -> None:
    done = run(sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr


def build_wheel(repository: Path, folder: Path) -> Path:
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    pip("wheel", *offline, "--wheel-dir", str(folder), str(repository), cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(repository, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder the wheel is installed into, apart from the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel), cwd=folder)
    return folder


@pytest.fixture
def run_installed(installed: Path, tmp_path: Path):
    """Run a command against the installed wheel, from an empty folder."""

    def run_there(*command: str) -> subprocess.CompletedProcess[str]:
        return run(*command, cwd=tmp_path, PYTHONPATH=str(installed))

    return run_there


def test_wheel_holds_every_file_of_package_datasets_and_examples(wheel: Path, project_files: tuple[Path, ...]) -> None:
    inside = {"optimizer": "optimizer", "datasets": "optimizer/datasets", "examples": "optimizer/examples"}
    expected = {"/".join([inside[file.parts[0]], *file.parts[1:]]) for file in project_files if file.parts[0] in inside}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert "optimizer/datasets/texas/dataset.toml" in held
    assert any(name.startswith("optimizer/report/templates/") for name in held)
    assert any(name.startswith("optimizer/examples/texas/") for name in held)
    assert held == expected


def test_wheel_carries_its_licence_and_its_command(wheel: Path, repository: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (about,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    assert archive.read(f"{about}/licenses/LICENSE") == (repository / "LICENSE").read_bytes()
    assert "gridsite = optimizer.cli:main" in archive.read(f"{about}/entry_points.txt").decode()
    metadata = archive.read(f"{about}/METADATA").decode()
    assert "License-Expression: BSD-3-Clause\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata


def test_same_sources_make_the_same_wheel(wheel: Path, repository: Path, tmp_path: Path) -> None:
    assert build_wheel(repository, tmp_path).read_bytes() == wheel.read_bytes()


def test_installed_package_finds_its_dataset_and_example(run_installed, installed: Path) -> None:
    program = (
        "import optimizer, optimizer.resources as r;"
        "print(optimizer.__file__, r.dataset_path('texas'), r.example_path('texas'), sep='\\n')"
    )
    done = run_installed(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    package, dataset, example = map(Path, done.stdout.splitlines())
    assert package == installed / "optimizer" / "__init__.py"
    assert dataset == installed / "optimizer" / "datasets" / "texas"
    assert example == installed / "optimizer" / "examples" / "texas"
    assert tomllib.loads((dataset / "dataset.toml").read_text(encoding="utf-8"))
    assert tomllib.loads((example / "study.toml").read_text(encoding="utf-8"))


def test_installed_command_lists_the_dataset(run_installed, installed: Path) -> None:
    for command in ([sys.executable, "-m", "optimizer.cli"], [sys.executable, str(installed / "bin" / "gridsite")]):
        done = run_installed(*command, "data", "list")
        assert done.returncode == 0, done.stderr
        assert "texas" in done.stdout


@pytest.mark.parametrize("name", ["", "..", ".", "texas/grid", "../datasets/texas", "Texas", "no_such"])
def test_only_names_are_datasets(name: str) -> None:
    from optimizer.resources import dataset_path

    with pytest.raises(LookupError, match="texas"):
        dataset_path(name)
