"""Whether the same study gives the same files: runs in fresh processes, each with another seed of Python's hashes.

``python -m tests.benchmarks.repeat [--runs 10] [STUDY ...]``; without studies, every example. Every file of a plan's
folder must be the same byte for byte, those of the scenarios beside it too; of ``plan.json`` everything but how long
the run took and how much memory, and ``solve.log`` but for its seconds. The manifest holds the hash of ``plan.json``,
so it is left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from optimizer.resources import example_names

MEASURED = ("seconds", "solver_seconds", "peak_memory_mb")
"""Entries of ``plan.json`` that measure the run."""

SECONDS = re.compile(rb"after [0-9.]+ s")
"""How long something took, in ``solve.log``."""

SOLVE = "import sys; from tests.benchmarks.repeat import solve; solve(sys.argv[1:])"


def solve(studies_and_folders: Iterable[str]) -> None:
    """Solve studies into folders, given in turn, in this process."""
    from optimizer.plan.plan import tidy_plan, write_plan
    from optimizer.solve import solve_study
    from optimizer.study import read_study

    given = list(studies_and_folders)
    for study, folder in zip(given[::2], given[1::2], strict=True):
        write_plan(tidy_plan(solve_study(read_study(study))), Path(folder))


def solve_apart(pairs: Iterable[tuple[str, Path]], hash_seed: int) -> None:
    """Solve studies into folders in a process of its own.

    Parameters
    ----------
    pairs : iterable of (str, Path)
        Studies and folders.
    hash_seed : int
        Seed of Python's hashes of texts, which decides the order of sets.
    """
    arguments = [part for study, folder in pairs for part in (study, str(folder))]
    settings = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    subprocess.run([sys.executable, "-c", SOLVE, *arguments], check=True, env=settings)


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file of a plan that must be the same, by its path in the folder."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"):
        data = path.read_bytes()
        if path.name == "plan.json":
            data = json.dumps({k: v for k, v in json.loads(data).items() if k not in MEASURED}).encode()
        if path.name == "solve.log":
            data = SECONDS.sub(b"", data)
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(data).hexdigest()
    return found


def differences(first: Path, other: Path) -> list[str]:
    """Files that differ between two plans, or that only one of them has."""
    one, two = contents(first), contents(other)
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


def main() -> None:
    """Run, compare each with the first, and exit with 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("studies", nargs="*", help="files, folders or names of examples; all examples by default")
    parser.add_argument("--runs", type=int, default=10)
    chosen = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as temporary:
        for number, study in enumerate(chosen.studies or example_names()):
            folders = [Path(temporary) / f"{number}_{seed}" for seed in range(chosen.runs)]
            changed: set[str] = set()
            for seed, folder in enumerate(folders):
                solve_apart([(study, folder)], seed)
                changed |= set(differences(folders[0], folder))
                sys.stdout.write(f"{study}, run {seed + 1}: {len(contents(folder))} files, {len(changed)} differ\n")
                sys.stdout.flush()
            sys.stdout.write(
                f"{study}: {chosen.runs} runs, "
                + ("differ: " + ", ".join(sorted(changed)) if changed else "all the same")
                + "\n"
            )
            status = max(status, int(bool(changed)))
    sys.exit(status)


if __name__ == "__main__":
    main()
