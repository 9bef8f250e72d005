"""What the verbs share that answer with several plans: one folder with every plan checked, tables, page and summary."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.cli.flow import refuse_other, staged, write_checked
from optimizer.cli.outcome import ExitCode, Outcome
from optimizer.errors import Finding
from optimizer.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.plan.plan import Plan
    from optimizer.study.study import Study


class PlansFolder:
    """A folder of several plans while it is written.

    Parameters
    ----------
    path : Path
        Where it is written; it takes its own place at the end.
    under : str
        Folder in it that holds the plans.
    progress : callable
        Told of every plan that is checked.
    """

    def __init__(self, path: Path, under: str, progress: Progress) -> None:
        self.path, self.under, self.progress = path, under, progress
        self.findings: list[Finding] = []
        """Errors found in the plans kept."""
        self.violations: dict[str, int] = {}
        """Number of errors of each plan kept, by name."""

    @property
    def n_violations(self) -> int:
        """Number of errors of all plans kept."""
        return sum(self.violations.values())

    def keep(self, name: str, plan: Plan) -> None:
        """Write one plan, and check it from what was written."""
        place = f"{self.under}/{name}"
        self.progress("verify", None, f"{place}: every figure from the inputs")
        errors = write_checked(plan, self.path / place)
        self.violations[name] = len(errors)
        self.findings += [replace(f, where=f"{place}/{f.where}") for f in errors]

    def write_tables(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Write tables by name."""
        for name, table in tables.items():
            table.to_csv(self.path / f"{name}.csv", index=False, lineterminator="\n")


@dataclass(frozen=True)
class Answer:
    """What a verb found, the plans apart.

    Parameters
    ----------
    summary : dict
        Content of the JSON file.
    text : str
        The result for people.
    at_limit : bool
        Whether a limit ended any of the searches.
    """

    summary: dict[str, Any]
    text: str
    at_limit: bool


def answer_in_folder(
    verb: str,
    source: str,
    folder: Path,
    under: str,
    work: Callable[[Study, PlansFolder, Progress], Answer],
    progress: Progress,
) -> Outcome:
    """Read a study, let a verb answer it, and write the answer in one step: the whole folder, or what it held before.

    Parameters
    ----------
    verb : str
        Its name, and that of its JSON file.
    source : str
        The study: its file, its folder, or the name of an example.
    folder : Path
        Folder to write.
    under : str
        Folder in it that holds the plans.
    work : callable
        Solves the study, keeps plans and writes tables and page.
    progress : Progress
        Told how far it is.

    Raises
    ------
    InputError
        The study is refused, or the folder holds something else; nothing is written.
    """
    from optimizer.plan.plan import findings_to_json
    from optimizer.study.from_file import read_study

    started = time.perf_counter()
    refuse_other(folder, (f"{verb}.json",))
    study = read_study(source, progress=progress)
    with staged(folder) as staging:
        staging.mkdir()
        plans = PlansFolder(staging, under, progress)
        answer = work(study, plans, progress)
        findings = (*study.findings, *plans.findings)
        (staging / "findings.json").write_text(findings_to_json(findings), encoding="utf-8")
        summary = {**answer.summary, "seconds": {"total": round(time.perf_counter() - started, 3)}}
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (staging / f"{verb}.json").write_text(text, encoding="utf-8")
    code = ExitCode.LIMIT_WITH_PLAN if answer.at_limit else ExitCode.DONE
    if plans.n_violations:
        code = ExitCode.FOUND
    return Outcome(code, answer.text, findings, files_in(folder), more=summary)


def files_in(folder: Path) -> tuple[str, ...]:
    """Every file in a folder and those below it, sorted."""
    return tuple(str(path) for path in sorted(folder.rglob("*")) if path.is_file())


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON, which knows no nan and no infinity: both are null."""
    rows = table.astype(object).to_dict("records")
    return [{str(k): _plain(v) for k, v in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def text_of(study: str, headline: str, lines: Mapping[str, str]) -> str:
    """The answer for people: the headline of the study, then a line for each figure, by its label."""
    head = f"{study}: {headline}".replace("\u00a0", " ")
    return "\n".join([head, *(f"  {label:<12} {words}" for label, words in lines.items())])


def verified(plans: PlansFolder) -> str:
    """What the checks of the plans found, in words."""
    wrong, kept = plans.n_violations, len(plans.violations)
    said = f"{wrong:,} {'violation' if wrong == 1 else 'violations'}" if wrong else "no violation"
    return f"{kept:,} {'plan' if kept == 1 else 'plans'}, {said}"
