"""Findings, and the errors that carry them.

A `Finding` is the one currency of checks, verification and reports: where, what is wrong, what was found, what to do.
An error is raised once, with all findings, never one at a time.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth saying.

    Parameters
    ----------
    rule : str
        Stable dotted id of the rule, such as ``"grid.branch.zero_reactance"``.
    where : str
        File, row and field, or element, in the user's own words and file names.
    message : str
        What is wrong, one sentence without the value.
    found : str
        The value found, as the user wrote it; empty if there is none.
    remedy : str
        What to do about it, one sentence.
    severity : {"error", "warning", "info"}
        Only errors refuse an input or fail a verification.
    value, limit : float, optional
        The quantity and the limit it was held against, in `unit`.
    unit : str
        Unit of `value` and `limit`.
    """

    rule: str
    where: str
    message: str
    found: str = ""
    remedy: str = ""
    severity: Severity = "error"
    value: float | None = None
    limit: float | None = None
    unit: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}"
        if self.found:
            text += f", found {self.found}"
        if self.remedy:
            text += f"; {self.remedy}"
        return f"{text} [{self.rule}]"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dictionary, for JSON."""
        return asdict(self)


class GridsiteError(Exception):
    """Base of all errors raised on purpose; carries every finding that led to it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("\n".join(str(f) for f in self.findings))


class InputError(GridsiteError):
    """The input is refused; nothing was written (exit code 2)."""


class InfeasibleError(GridsiteError):
    """No plan satisfies every constraint (exit code 3)."""


class SolverError(GridsiteError):
    """The solver stopped without a usable answer (exit code 5)."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest known name, then the whole list.

    Parameters
    ----------
    name : str
        The unknown name.
    known : iterable of str
        The names that would have been accepted.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names)}"


def refuse_errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Raise `InputError` with all findings if any is an error; otherwise return them."""
    kept = tuple(findings)
    if any(f.severity == "error" for f in kept):
        raise InputError(kept)
    return kept
