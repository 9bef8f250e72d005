"""Folders that take the place of another whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def take_place(new: Path, folder: Path, old: Path) -> None:
    """Put a folder in the place of another, which comes back if that fails.

    Parameters
    ----------
    new : Path
        The folder, complete.
    folder : Path
        What it becomes; it may exist.
    old : Path
        Where what was there is kept, for the caller to remove. All three have the same parent, so that each step is one
        of the file system.

    Raises
    ------
    OSError
        The file system refused a step.
    """
    try:
        if folder.exists():
            os.rename(folder, old)
        os.rename(new, folder)
    except BaseException:
        if old.exists() and not folder.exists():
            os.rename(old, folder)
        raise
