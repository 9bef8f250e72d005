"""What every test may ask for: the reference cases, the repository's own files, and reproducible random examples."""

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from typer.testing import CliRunner

from optimizer.cli.verbs import app

REPOSITORY = Path(__file__).resolve().parent.parent

# The same examples in every run, so that a failure seen once is seen again. Time limits would fail on a busy machine.
_SAME: dict[str, Any] = {
    "derandomize": True,
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow],
}
settings.register_profile("short", max_examples=25, **_SAME)
settings.register_profile("long", max_examples=100, **_SAME)
settings.load_profile("short")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a family marked ``every(n)``, the first test and each n-th after it run in seconds; the others are slow."""
    seen: Counter[str] = Counter()
    for item in items:
        marker = item.get_closest_marker("every")
        if marker is None or item.get_closest_marker("slow") is not None:
            continue
        family = item.nodeid.partition("[")[0]
        if seen[family] % marker.args[0]:
            item.add_marker(pytest.mark.slow)
        seen[family] += 1


@pytest.fixture(scope="session")
def repository() -> Path:
    """Top folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of reference cases: ``GRIDSITE_REFERENCE_DATA``, or ``../shared/data`` beside the checkout."""
    named = os.environ.get("GRIDSITE_REFERENCE_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no reference cases at {folder}: set GRIDSITE_REFERENCE_DATA to the folder that holds them")
    return folder.resolve()


@pytest.fixture(scope="session")
def gridsite() -> Callable[..., Any]:
    """The command line: called with a verb and its arguments, it returns exit code, output and errors."""
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="session")
def project_files() -> tuple[Path, ...]:
    """Files of the project, relative to its top folder: what git tracks, or would track if it were added."""
    # The checkout may belong to another user than the one who runs the tests.
    command = ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, text=True).stdout
    files = sorted(Path(name) for name in listed.split("\0") if name)
    return tuple(file for file in files if (REPOSITORY / file).is_file())
