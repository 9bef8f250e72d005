"""Numbers and words as the report prints them: one way for each unit."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable
from typing import Any

#: Printed where a number is missing.
MISSING = "–"

# Suffix of a column or key -> (unit as printed, factor applied, decimals). The longest suffix that fits is taken.
_UNITS: dict[str, tuple[str, float, int]] = {
    "_mw": ("MW", 1, 0),
    "_mva": ("MVA", 1, 0),
    "_musd": ("M$", 1, 1),
    "_musd_per_mw": ("M$/MW", 1, 2),
    "_usd_per_mwh": ("$/MWh", 1, 2),
    "_usd_per_m3": ("$/m³", 1, 2),
    "_kv": ("kV", 1, 0),
    "_km": ("km", 1, 1),
    "_km2": ("km²", 1, 0),
    "_ha": ("ha", 1, 0),
    "_m3_day": ("m³/day", 1, 0),
    "_t_per_year": ("t CO₂e/year", 1, 0),
    "_h": ("h", 1, 0),
    "_mb": ("MB", 1, 0),
    "_mt": ("Mt", 1, 1),
    "loading": ("%", 100, 1),
    "_share": ("%", 100, 1),
    "gap": ("%", 100, 2),
    "lat": ("°", 1, 3),
    "lon": ("°", 1, 3),
    "pue_annual": ("", 1, 2),
    "pue_hot_day": ("", 1, 2),
    "seconds": ("s", 1, 1),
}


def unit_of(name: str) -> str:
    """Unit, as printed, of a column or key whose name ends in its unit; empty if it has none."""
    return _unit(name)[0]


def number(value: Any, name: str = "", decimals: int | None = None) -> str:
    """Return a number as the report prints it, without its unit.

    Parameters
    ----------
    value : float or int
        The number; ``None`` and ``nan`` print as a dash.
    name : str
        Name of the column or key: its ending says how many decimals are printed, and whether in percent.
    decimals : int, optional
        Decimals to print whatever the name says.
    """
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    _, factor, usual = _unit(name)
    scaled = float(value) * factor
    if math.isinf(scaled):
        return "unlimited" if scaled > 0 else "−unlimited"
    text = f"{scaled:,.{usual if decimals is None else decimals}f}"
    # A rounded zero has no sign; a true minus sign lines up with digits.
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")


def quantity(value: Any, name: str, decimals: int | None = None) -> str:
    """Return a number with its unit, such as ``"1,250 MW"``; the space does not break."""
    text, unit = number(value, name, decimals), unit_of(name)
    return text if not unit or text == MISSING else f"{text}\u00a0{unit}"


def significant(value: Any, digits: int = 4) -> str:
    """Return a number of any unit with a few significant digits and thousands separators."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    scaled = float(value)
    if scaled == 0 or math.isinf(scaled):
        return number(scaled, decimals=0)
    return number(scaled, decimals=max(0, digits - 1 - math.floor(math.log10(abs(scaled)))))


def count(number_of: int, singular: str, plural: str = "") -> str:
    """Return ``"1 site"`` or ``"1,200 sites"``."""
    word = singular if number_of == 1 else (plural or f"{singular}s")
    return f"{number_of:,}\u00a0{word}"


def listing(items: Iterable[str]) -> str:
    """Return ``"a, b and c"``."""
    texts = list(items)
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else ""


def words(name: str) -> str:
    """Return an identifier as words: ``"summer_peak"`` is ``"summer peak"``, ``"ai_training"`` is ``"AI training"``."""
    return " ".join("AI" if word == "ai" else word for word in str(name).replace("_", " ").split(" "))


def rule_words(rule: str) -> str:
    """Return the rule of a refusal as words: ``"excluded:protected_land"`` becomes ``"excluded: protected land"``."""
    return words(rule.replace(":", ": "))


def figure_text(text: Any) -> str:
    """Return text that a figure shows as it is: figures read a few HTML tags in their labels, user text has none."""
    return html.escape(str(text), quote=False)


def wrapped(text: Any, width: int = 30) -> str:
    """Return text for a figure, as `figure_text`, broken into lines of at most so many characters at its spaces."""
    return "<br>".join(figure_text(line) for line in textwrap.wrap(str(text), width))


def _unit(name: str) -> tuple[str, float, int]:
    fitting = [suffix for suffix in _UNITS if name.endswith(suffix)]
    return _UNITS[max(fitting, key=len)] if fitting else ("", 1, 2)
