"""What a verb ends with, and how it is shown: an exit code, text or one JSON object, findings on one screen."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NoReturn

import typer

from optimizer.cli.stopping import raise_if_sent
from optimizer.errors import Finding, InfeasibleError, InputError, SolverError
from optimizer.progress import Progress, shown_on

LINES_OF_FINDINGS = 20
"""Lines of a terminal that a list of findings may take; the rest is counted."""


class ExitCode(IntEnum):
    """Exit codes, for scripts."""

    DONE = 0
    FOUND = 1
    REFUSED = 2
    INFEASIBLE = 3
    LIMIT_WITH_PLAN = 4
    LIMIT_WITHOUT_PLAN = 5
    INTERRUPTED = 130


@dataclass(frozen=True)
class Outcome:
    """What a verb ended with.

    Parameters
    ----------
    code : ExitCode
        Exit code.
    text : str
        The result for people.
    findings : tuple of Finding
        What was found; shown after the text unless the text has it.
    files : tuple of str
        Files written.
    more : dict
        Further keys of the JSON object.
    whole : dict, optional
        The JSON object itself, where it is not the usual one.
    """

    code: ExitCode = ExitCode.DONE
    text: str = ""
    findings: tuple[Finding, ...] = ()
    files: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    whole: dict[str, Any] | None = None


def run(action: Callable[[Progress], Outcome], as_json: bool = False, quiet: bool = False) -> NoReturn:
    """Run a verb, show what it ended with, and exit.

    Parameters
    ----------
    action : callable
        The verb's work; it is given the callback for progress.
    as_json : bool
        One JSON object on standard output, all findings in it.
    quiet : bool
        No progress.

    Raises
    ------
    typer.Exit
        Always, with the exit code.
    """
    started = time.perf_counter()
    if not sys.warnoptions:
        # Warnings of libraries are for developers; what a user has to know is a finding.
        warnings.simplefilter("ignore")
    outcome = _guarded(action, quiet)
    try:
        if as_json:
            answer = _plain(_object(outcome, time.perf_counter() - started))
            typer.echo(json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False))
        elif outcome.text:
            typer.echo(outcome.text)
        shown = on_one_screen(outcome.findings)
        if shown:
            # Refusals are not a result, so that a pipe never takes one for a result.
            typer.echo(shown, err=as_json or outcome.code not in (ExitCode.DONE, ExitCode.FOUND))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(int(outcome.code))


def _guarded(action: Callable[[Progress], Outcome], quiet: bool) -> Outcome:
    try:
        try:
            with shown_on(sys.stderr, quiet) as progress:
                return action(progress)
        except Exception:
            # What a library makes of an interrupt is no error of the study.
            raise_if_sent()
            raise
    except InputError as error:
        return Outcome(ExitCode.REFUSED, findings=error.findings)
    except InfeasibleError as error:
        return Outcome(ExitCode.INFEASIBLE, findings=error.findings)
    except SolverError as error:
        return Outcome(ExitCode.LIMIT_WITHOUT_PLAN, findings=error.findings)
    except KeyboardInterrupt:
        stopped = Finding(
            "command.interrupted", "command", "stopped from outside; nothing was changed", severity="info"
        )
        return Outcome(ExitCode.INTERRUPTED, findings=(stopped,))
    except OSError as error:
        where = str(error.filename or "command")
        reason = error.strerror or str(error)
        remedy = "check that the place exists, is yours to write, and has room"
        failed = Finding("command.file", where, "the operating system refused to read or write", reason, remedy)
        return Outcome(ExitCode.REFUSED, findings=(failed,))


def on_one_screen(findings: Iterable[Finding], lines: int = LINES_OF_FINDINGS) -> str:
    """Findings as text, errors first, cut to a number of terminal lines; what is left out is counted.

    Parameters
    ----------
    findings : iterable of Finding
        What was found.
    lines : int
        Lines that the list may take; the first finding is always shown.
    """
    order = {"error": 0, "warning": 1, "info": 2}
    ranked = sorted(findings, key=lambda f: order[f.severity])
    width = max(shutil.get_terminal_size((100, 24)).columns, 40)
    shown: list[str] = []
    used = 0
    for finding in ranked:
        text = f"{finding.severity}: {_one_line(str(finding))}"
        used += -(-len(text) // width)
        if shown and used > lines:
            break
        shown.append(text)
    left = ranked[len(shown) :]
    if left:
        errors = sum(f.severity == "error" for f in left)
        of_them = f", {errors} of them errors" if errors else ""
        shown.append(f"and {len(left)} more{of_them} (--json lists all)")
    return "\n".join(shown)


def _one_line(text: str) -> str:
    # Control characters of a user's file must not move the terminal's cursor.
    return "".join(c if c.isprintable() else " " for c in text)


def _plain(value: Any) -> Any:
    """The same in types that JSON has: what is infinite or not a number becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str | bool | int) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def _object(outcome: Outcome, seconds: float) -> dict[str, Any]:
    if outcome.whole is not None:
        return outcome.whole
    return {
        "status": outcome.code.name.lower(),
        **outcome.more,
        "findings": [f.to_dict() for f in outcome.findings],
        "files": list(outcome.files),
        "seconds": {"total": round(seconds, 3)},
    }
