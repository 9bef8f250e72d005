"""What options of HiGHS do to the time of twelve studies.

``python -m tests.benchmarks.solver_options [--sets NAME,...] [--studies NAME;...] [--out options.csv]``. The studies
are those of the growth benchmark on its smallest network, varied so that security, the number of sites and the gap
weigh differently. Every solve runs in a process of its own and is counted in seconds of processors, which other work on
the machine changes little. An option that a set names is the set's wherever the solver is used, whatever is set there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.growth import NETWORKS, make

Options = Mapping[str, Any]

VARIED: dict[str, Options] = {
    "plain": {},
    "twice the load": {"demand.it_mw": {2030: 2600}},
    "tight after outages": {"security.emergency_factor": 1.05},
    "without outages": {"security.contingencies": []},
    "spread": {"demand.it_mw": {2030: 2600}, "limits.share_per_substation": 0.15},
    "small gap": {"solve.gap": 0.002},
}
"""What each kind of study changes in that of the growth benchmark."""

STUDIES = {f"{name}, {count} sites": (count, changes) for count in (50, 200) for name, changes in VARIED.items()}

SETS: dict[str, Options] = {
    "as it is": {},
    "interior point": {"solver": "ipm"},
    "primal simplex": {"simplex_strategy": 4},
    "no presolve": {"presolve": "off"},
    "no scaling": {"simplex_scale_strategy": 0},
    "less heuristics": {"mip_heuristic_effort": 0.01},
    "root presolved anew": {"mip_root_presolve_only": False},
    "all heuristics": {"mip_heuristic_run_rins": True, "mip_heuristic_run_rens": True},
}
"""Sets of options; the first is what the others are compared with."""

LIMIT_S = 300.0
"""After so long a solve ends with what it has: some options make one take an hour [s]."""

SOLVE = "import sys; from tests.benchmarks.solver_options import solve; solve(*sys.argv[1:])"


def force(options: Options) -> None:
    """Make every program of this process have some options, whatever else is set."""
    from optimizer.solve.highs import HighsProgram

    own = HighsProgram.set_options

    def set_options(program: HighsProgram, **given: Any) -> None:
        own(program, **{**given, **options})

    HighsProgram.set_options = set_options  # type: ignore[method-assign]


def solve(folder: str, changes: str, options: str) -> None:
    """Solve a changed study with some options in this process, and print what it took as JSON."""
    import time

    from optimizer.solve import solve_study
    from optimizer.study import read_study

    given = json.loads(changes)
    for key in ("demand.it_mw",):
        if key in given:
            given[key] = {int(year): mw for year, mw in given[key].items()}
    study = read_study(folder).override(given) if given else read_study(folder)
    assert study.case is not None
    force(json.loads(options))
    started = time.process_time()
    summary = solve_study(study).summary
    found = {name: summary[name] for name in ("status", "objective_musd", "bound_musd", "gap", "n_violations")}
    sys.stdout.write(json.dumps(found | {"processor_s": time.process_time() - started}) + "\n")


def measure(folder: Path, studies: Iterable[str], sets: Iterable[str]) -> pd.DataFrame:
    """Solve studies with sets of options.

    Returns
    -------
    DataFrame
        ``study, options, processor_s`` [s], ``status, objective_musd, bound_musd`` [M$], ``gap`` [-], ``n_violations``.

    Raises
    ------
    subprocess.CalledProcessError
        A study was not solved.
    ValueError
        Two sets prove what contradicts: a plan of one costs less than the other's bound.
    """
    rows, chosen = [], list(sets)
    for name in studies:
        count, changes = STUDIES[name]
        if not (folder / str(count)).is_dir():
            make(folder / str(count), NETWORKS["area"], count, 0.01, LIMIT_S)
        for options in chosen:
            arguments = [str(folder / str(count) / "study.toml"), json.dumps(changes), json.dumps(SETS[options])]
            command = [sys.executable, "-c", SOLVE, *arguments]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rows.append({"study": name, "options": options, **json.loads(done.stdout.splitlines()[-1])})
            sys.stdout.write(f"{name}, {options}: {rows[-1]['processor_s']:.1f} s, {rows[-1]['status']}\n")
            sys.stdout.flush()
    table = pd.DataFrame(rows)
    by_study = table.groupby("study", sort=False)
    wrong = by_study["bound_musd"].max() > by_study["objective_musd"].min() * (1 + 1e-6)
    if wrong.any():
        raise ValueError(f"bounds above plans: {', '.join(wrong.index[wrong])}")
    return table


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Time of each set over that of the first one, by study; the last row is the geometric mean [-]."""
    wide = table.pivot(index="study", columns="options", values="processor_s")
    order = list(dict.fromkeys(table["options"]))
    ratio = wide[order].div(wide[order[0]], axis=0)
    ratio.loc["geometric mean"] = np.exp(np.log(ratio).mean())
    return ratio


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--sets", help="names of sets, separated by commas; all by default")
    parser.add_argument("--studies", help="names of studies, separated by semicolons; all by default")
    parser.add_argument("--out", type=Path, help="write every measurement here")
    chosen = parser.parse_args()
    sets = chosen.sets.split(",") if chosen.sets else list(SETS)
    studies = chosen.studies.split(";") if chosen.studies else list(STUDIES)
    with tempfile.TemporaryDirectory() as folder:
        table = measure(Path(folder), studies, sets)
    if chosen.out:
        table.to_csv(chosen.out, index=False)
    sys.stdout.write(compared(table).round(2).to_string() + "\n")


if __name__ == "__main__":
    main()
