"""Infeasible studies made by one edit each: how long they take to be explained, and whether what is said holds.

``python -m tests.benchmarks.explain [--set small|texas|area|all] [--only WORDS] [--check]``. With ``--check`` every
conflict is tested again in a new program: together its members leave no plan, without any one of them there is one; and
every case changed as a way out says is solved by itself.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer.errors import GridsiteError
from optimizer.resources import example_path
from optimizer.solve import solve_study
from optimizer.solve.explain.elastic import ElasticProgram
from optimizer.solve.explain.infeasible import ExplainedError, Explanation
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import NETWORK, loosened
from optimizer.solve.explain.question import KnownRows, has_plan
from optimizer.study import Study, read_study
from tests.solve import infeasible as studies
from tests.solve.small import HEAD, TWO_PERIODS, study_of

SMALL = (
    ("own", TWO_PERIODS, studies.OWN_STUDY, studies.OWN, studies.OWN_EDITS),
    ("grid", HEAD, studies.GRID_STUDY, studies.STAR, studies.GRID_EDITS),
    ("tied", HEAD, studies.TIED_STUDY, studies.TIED, studies.TIED_EDITS),
    ("load", HEAD, studies.LOAD_STUDY, studies.LOAD, studies.LOAD_EDITS),
    ("raised", TWO_PERIODS, studies.RAISED_STUDY, studies.RAISED, studies.RAISED_EDITS),
)

AREA = {"grid.area": {"center": "40501", "hops": 5}, "demand.it_mw": {2030: 300, 2032: 600, 2034: 1200}}
"""Part of the Texas network in the middle of the state, and a target of which 40 % a county is at least a block."""

TOWERS = {"cooling.technologies": ["liquid_tower"]}
PENALTY = {"demand.penalty_musd_per_mw_year": 20.0}


@dataclass(frozen=True)
class Edited:
    """A study of the Texas example that one edit left without a plan.

    Parameters
    ----------
    name : str
        What was done.
    edit : mapping
        The key that changes.
    before : mapping
        Keys in which the study differs from the example before the edit.
    """

    name: str
    edit: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)


def demand(first: float, second: float, third: float) -> dict[str, Any]:
    return {"demand.it_mw": {2030: first, 2032: second, 2034: third}}


TEXAS = (
    Edited("25 GW beside all generation", demand(1000, 2500, 25000)),
    Edited("decided three years later", {"study.decision_year": 2029}),
    Edited("no water for towers", {"water.withdrawal_share": 0.0}, TOWERS),
    Edited("water for few towers", {"water.withdrawal_share": 0.001}, TOWERS),
    Edited("a budget of 40 of 49 G$", {"limits.budget_musd": {2034: 40000.0}}),
    Edited("a budget of blocks without sites", {"limits.budget_musd": {2034: 48600.0}}),
    Edited("a budget of 5 G$ in the first period", {"limits.budget_musd": {2030: 5000.0}}),
    Edited("emissions of 10 Mt", {"limits.carbon_t_per_year": {2034: 1.0e7}}),
    Edited("a county share of 2 %", {"limits.share_per_county": 0.02}),
    Edited("a county share of 5 %", {"limits.share_per_county": 0.05}),
    Edited("a pace of 1 GW a period", {"limits.new_it_mw_per_period": 1000.0}),
    Edited("campuses of 1 GW beside 40 % a county", {"facility.min_campus_mw": 1000.0}),
    Edited("three sites", {"sites.max_sites": 3}),
    Edited("a cost of 80 G$", {"limits.cost_musd": 80000.0}),
    Edited("water of 1 m3", {"limits.water_m3": 1.0}, TOWERS),
    Edited("carbon of 10 Mt in all", {"limits.carbon_t": 1.0e7}),
    Edited("40 % more existing load", {"conditions.existing_load_factor": 1.4}),
    Edited("decided two years later", {"study.decision_year": 2028}),
    Edited("half a percent through a substation", {"limits.share_per_substation": 0.005}),
)
"""On the whole example."""

AREAS = (
    Edited("3.7 GW beside all generation", demand(300, 600, 3700), AREA),
    Edited("the same without upgrades", demand(300, 600, 3700), {**AREA, "upgrades.enabled": False}),
    Edited("a delay of nothing", {"limits.delay_mw_years": 0.0}, {**AREA, **PENALTY, **demand(300, 600, 3700)}),
    Edited("half a percent through a substation", {"limits.share_per_substation": 0.005}, AREA),
)
"""On a part of it."""


@dataclass(frozen=True)
class Record:
    """What became of one study.

    Parameters
    ----------
    name : str
        Of the edit.
    seconds, processor_s, explaining_s : float
        From reading the study to the error, on the clock and of the processor; of that, on the clock, explaining [s].
    explanation : Explanation, optional
        ``None`` where the study was refused without one.
    words : str
        What is shown.
    broken : tuple of str
        What did not hold when it was checked.
    """

    name: str
    seconds: float
    processor_s: float
    explaining_s: float
    explanation: Explanation | None
    words: str
    broken: tuple[str, ...] = ()

    @property
    def is_minimal(self) -> bool:
        """Whether the conflict was proven minimal."""
        found = self.explanation
        return found is not None and found.conflict is not None and found.conflict.is_minimal

    @property
    def n_proven(self) -> int:
        """Ways out that were proven to suffice."""
        return sum(way.is_proven for way in self.explanation.ways_out) if self.explanation else 0

    def lines(self) -> Iterator[str]:
        """The record as it is printed."""
        n_ways = len(self.explanation.ways_out) if self.explanation else 0
        yield (
            f"{self.name}: {self.seconds:.1f} s ({self.processor_s:.1f} s of processor), explaining "
            f"{self.explaining_s:.1f} s, {'minimal' if self.is_minimal else 'NOT MINIMAL'}, "
            f"{self.n_proven} of {n_ways} ways out proven"
        )
        yield from (f"    {line}" for line in self.words.splitlines())
        yield from (f"    BROKEN {line}" for line in self.broken)


def examine(name: str, study: Study, started: float, processor: float, check: bool = False) -> Record:
    """Solve a study that has no plan, and measure."""
    explaining: list[float] = []

    def progress(stage: str, share: float | None, line: str) -> None:
        explaining.extend([time.perf_counter()] if stage == "explain" and not explaining else [])

    explanation, words = None, "a plan was found"
    try:
        solve_study(study.override({"report.compare": []}), progress)
    except ExplainedError as error:
        explanation, words = error.explanation, str(error)
    except GridsiteError as error:
        words = f"{type(error).__name__}: {error}"
    ended = time.perf_counter()
    spent = time.process_time() - processor
    broken = tuple(_broken(explanation)) if check and explanation is not None else ()
    return Record(
        name, ended - started, spent, ended - explaining[0] if explaining else 0.0, explanation, words, broken
    )


def _broken(found: Explanation) -> Iterator[str]:
    """What does not hold of an explanation, by programs of their own."""
    if found.conflict is None:
        yield "there is no conflict"
        return
    members = found.conflict.members
    program = ElasticProgram(found.case)
    program.stand(members)
    if _possible(program, members) is not False:
        yield "the conflict leaves a plan"
    for member in members:
        if _possible(program, tuple(m for m in members if m != member)) is not True:
            yield f"not needed for the conflict: {member}"
    known = KnownRows()
    for way in found.ways_out:
        if has_plan(loosened(found.case, way.amounts), known=known) is not True:
            yield f"does not suffice: {way.amounts}"


def _possible(program: ElasticProgram, held: tuple[Limit, ...]) -> bool | None:
    sees_network = any(m.rule in NETWORK and not m.element for m in held)
    return program.is_possible(lambda limit: limit not in held and limit.group not in held, sees_network)


def small_records(check: bool, only: str = "") -> Iterator[Record]:
    """The edits of small studies."""
    for base, head, text, tables, edits in SMALL:
        for edit in (e for e in edits if only in f"{base}: {e.name}"):
            with tempfile.TemporaryDirectory() as folder:
                started, processor = time.perf_counter(), time.process_time()
                study = study_of(Path(folder), text, edit.tables(tables), head).override(dict(edit.keys))
                yield examine(f"{base}: {edit.name}", study, started, processor, check)


def texas_records(edits: tuple[Edited, ...], check: bool, only: str = "") -> Iterator[Record]:
    """The edits of the Texas example."""
    for edit in (e for e in edits if only in e.name):
        started, processor = time.perf_counter(), time.process_time()
        study = read_study(example_path("texas")).override({**edit.before, **edit.edit})
        yield examine(edit.name, study, started, processor, check)


def main() -> None:
    """Explain every study of a set, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--set", choices=("small", "texas", "area", "all"), default="all")
    parser.add_argument("--only", default="", help="part of the name of an edit")
    parser.add_argument("--check", action="store_true", help="test what is said in programs of their own")
    chosen = parser.parse_args()
    records: list[Record] = []

    def take(found: Iterator[Record]) -> None:
        for record in found:
            records.append(record)
            sys.stdout.write("\n".join(record.lines()) + "\n")
            sys.stdout.flush()

    if chosen.set in ("small", "all"):
        take(small_records(chosen.check, chosen.only))
    if chosen.set in ("area", "all"):
        take(texas_records(AREAS, chosen.check, chosen.only))
    if chosen.set in ("texas", "all"):
        take(texas_records(TEXAS, chosen.check, chosen.only))
    if records:
        seconds = [record.seconds for record in records]
        sys.stdout.write(
            f"{len(records)} studies: median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s; "
            f"{sum(r.is_minimal for r in records)} conflicts minimal; {sum(not r.broken for r in records)} as said\n"
        )


if __name__ == "__main__":
    main()
