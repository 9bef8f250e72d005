"""Arguments and options that several verbs have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="study.toml, its folder, or the name of an example.")
]
PlanArgument = Annotated[Path, typer.Argument(metavar="PLAN", help="Folder that `solve` wrote.")]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress.")]
