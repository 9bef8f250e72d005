"""How far long work is: the callback that stages call, and what a terminal or a log shows of it.

Nothing here decides anything: clocks only thin out lines.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Progress = Callable[[str, "float | None", str], None]
"""Called with the stage, the part of it that is done (0 to 1, ``None`` if unknown) [-] and a short message."""

SECONDS_BETWEEN_LINES = 5.0
"""Least time between two lines of the same stage in a log [s]."""


def silent(stage: str, done: float | None = None, message: str = "") -> None:
    """Show nothing."""


@contextmanager
def shown_on(stream: TextIO, quiet: bool = False) -> Iterator[Progress]:
    """Show progress on a stream: a bar if it is a terminal, lines otherwise, nothing if quiet.

    Parameters
    ----------
    stream : text stream
        Usually standard error, so that results stay alone on standard output.
    quiet : bool
        Show nothing.

    Yields
    ------
    Progress
        The callback to hand to long work.
    """
    if quiet:
        yield silent
    elif stream.isatty():
        with _bar(stream) as progress:
            yield progress
    else:
        yield _lines(stream)


def _lines(stream: TextIO) -> Progress:
    last_stage, last_line, last_time = "", "", 0.0

    def progress(stage: str, done: float | None = None, message: str = "") -> None:
        nonlocal last_stage, last_line, last_time
        now = time.monotonic()
        share = "" if done is None else f" {done:.0%}"
        line = f"{stage}{share}{': ' if message else ''}{message}"
        due = stage != last_stage or now - last_time >= SECONDS_BETWEEN_LINES
        if line == last_line or not due:
            return
        last_stage, last_line, last_time = stage, line, now
        stream.write(line + "\n")
        stream.flush()

    return progress


@contextmanager
def _bar(stream: TextIO) -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with RichProgress(*columns, console=Console(file=stream), transient=True) as bars:
        task = bars.add_task("starting", total=None)

        def progress(stage: str, done: float | None = None, message: str = "") -> None:
            text = escape(f"{stage}: {message}" if message else stage)
            bars.update(task, description=text[:100], total=1.0 if done is not None else None, completed=done or 0.0)

        yield progress


def peak_memory_mb() -> float:
    """Largest memory this process has used so far [MB]."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)
