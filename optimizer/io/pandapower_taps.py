"""Tap changers of pandapower: how a position changes the rated voltages and the phase shift of a transformer.

Until version 2 a flag says that a changer shifts phases; from version 3 its type is named. A file of version 2 without
the flag set has ratio steps where a step in percent is given, else ideal steps in degrees.

Source: pandapower documentation, "Transformer", section "Tap Changer", https://pandapower.readthedocs.io.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.io.raw_table import RawTable


@dataclass(frozen=True)
class Tap:
    """A tap changer of every transformer.

    Parameters
    ----------
    side : list of str
        "hv", "lv" or empty for none.
    steps : float array, shape (n,)
        Position from the neutral one.
    percent, degree : float array, shape (n,)
        Voltage [%] and its angle, or the ideal shift [deg], of one step.
    kind : list of str
        "ratio", "ideal" or empty for none.
    """

    side: list[str]
    steps: np.ndarray
    percent: np.ndarray
    degree: np.ndarray
    kind: list[str]


def two_winding_taps(table: RawTable) -> list[Tap]:
    """Return the tap changers of transformers with two windings, of which there may be a second one."""
    return [_tap(table, number) for number in ("", "2") if table.has(f"tap{number}_pos")]


def three_winding_taps(table: RawTable) -> dict[str, Tap]:
    """Return the tap changer of each branch of a star, as seen from the branch."""
    tap = _tap(table, "")
    at_star = table.flag("tap_at_star_point", False)
    return {side: _of_side(tap, side, at_star) for side in ("hv", "mv", "lv")}


def _tap(table: RawTable, number: str) -> Tap:
    steps = table.number(f"tap{number}_pos", np.nan) - table.number(f"tap{number}_neutral", np.nan)
    percent, degree = table.number(f"tap{number}_step_percent", 0.0), table.number(f"tap{number}_step_degree", 0.0)
    side = [text.lower() for text in table.text(f"tap{number}_side")]
    return Tap(side, np.nan_to_num(steps), percent, degree, _kinds(table, number, percent, degree))


def _kinds(table: RawTable, number: str, percent: np.ndarray, degree: np.ndarray) -> list[str]:
    if table.has(f"tap{number}_changer_type"):
        names = [text.lower() for text in table.text(f"tap{number}_changer_type")]
        return ["ratio" if n in ("ratio", "symmetrical") else "ideal" if n == "ideal" else "" for n in names]
    shifting = table.flag(f"tap{number}_phase_shifter", False)
    flags = zip(shifting, percent, degree, strict=True)
    return ["ideal" if shifts or (p == 0 and d != 0) else "ratio" if p != 0 else "" for shifts, p, d in flags]


def _of_side(tap: Tap, side: str, at_star: np.ndarray) -> Tap:
    """The changer where it is at the winding of a side; at the star point its step is that of the inverse ratio."""
    own = "hv" if side == "hv" else "lv"
    other = "lv" if side == "hv" else "hv"
    here = np.array([text == side for text in tap.side], dtype=bool)
    step = tap.percent * np.exp(1j * np.radians(tap.degree))
    inverse = 100 * step / (100 + step * tap.steps)
    star = here & at_star
    return replace(
        tap,
        side=["" if not h else other if s else own for h, s in zip(here, star, strict=True)],
        percent=np.where(star, np.abs(inverse), tap.percent),
        degree=np.where(star, np.degrees(np.angle(inverse)) - 180, tap.degree),
    )


def tapped(tap: Tap, high: np.ndarray, low: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the voltages and shifts with a tap changer.

    Parameters
    ----------
    tap : Tap
        The changer.
    high, low : float array, shape (n,)
        Rated voltages [kV].
    shift : float array, shape (n,)
        Phase shifts, positive where the low-voltage side lags [deg].

    Returns
    -------
    high, low, shift : float array, shape (n,)
    """
    ratio = np.array([kind == "ratio" for kind in tap.kind], dtype=bool)
    ideal = np.array([kind == "ideal" for kind in tap.kind], dtype=bool)
    added = tap.steps * tap.percent / 100
    angle = np.radians(tap.degree)
    along, across = 1 + added * np.cos(angle), added * np.sin(angle)
    turned = np.where(tap.degree != 0, tap.steps * tap.degree, 2 * np.degrees(np.arcsin(added / 2)))
    for side, sign in (("hv", 1.0), ("lv", -1.0)):
        here = np.array([text == side for text in tap.side], dtype=bool)
        factor = np.where(here & ratio, np.hypot(along, across), 1.0)
        high, low = (high * factor, low) if side == "hv" else (high, low * factor)
        shift = shift + np.where(here & ratio, np.degrees(np.arctan(sign * across / along)), 0.0)
        shift = shift + np.where(here & ideal, sign * turned, 0.0)
    return high, low, shift
