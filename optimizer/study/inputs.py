"""The files a study reads, as the manifest of a plan lists them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class InputFile:
    """One file that was read.

    Parameters
    ----------
    path : Path
        Where it was read from.
    role : str
        What it was read as: ``study``, ``grid``, ``region``, ``archetypes``, ``sites``, ``ties``,
        ``coordinates``, ``outages``, ``rules``, ``layer``, ``parcels``, ``weather``, ``cooling``, ``terrain`` or
        ``ratings``.
    """

    path: Path
    role: str
