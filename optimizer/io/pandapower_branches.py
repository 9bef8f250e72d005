"""Lines, transformers of two and three windings, and impedances of pandapower as branches on 100 MVA.

A three-winding transformer is a star of three branches around a bus of its own. Transformers have the T model, as in
pandapower's own power flow: its star of two halves of the series impedance and the shunt becomes a triangle, whose
side between the two buses is the branch.

Source: pandapower documentation, "Electric Models" of each element, https://pandapower.readthedocs.io.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from optimizer.grid.network import BASE_MVA
from optimizer.io.pandapower_source import Source
from optimizer.io.pandapower_taps import Tap, tapped, three_winding_taps, two_winding_taps
from optimizer.io.raw_table import RawTable, chosen

#: Adds a finding about some elements: rule, table, text, names, severity, remedy.
Note = Callable[..., None]

_SIDES = ("hv", "mv", "lv")


def lines(source: Source, kv: dict[str, float], note: Note) -> pd.DataFrame:
    """Return the lines.

    Parameters
    ----------
    source : Source
        The file.
    kv : dict of str to float
        Nominal voltage of every bus [kV].
    note : callable
        Adds a finding.
    """
    table = source.table("line")
    from_bus = table.text("from_bus")
    parallel, length = table.number("parallel", 1.0), table.number("length_km")
    base = BASE_MVA / _kv(kv, from_bus) ** 2
    charging = 2 * math.pi * source.f_hz * table.number("c_nf_per_km", 0.0) * 1e-9
    note(
        "conductance",
        "line",
        "shunt conductance is not read",
        chosen(table.names, table.number("g_us_per_km", 0.0) != 0),
    )
    amperes = table.number("max_i_ka", math.inf) * table.number("df", 1.0) * parallel
    return pd.DataFrame(
        {
            "branch": [f"line {name}" for name in table.names],
            "from_bus": from_bus,
            "to_bus": table.text("to_bus"),
            "x_pu": table.number("x_ohm_per_km") * length * base / parallel,
            "r_pu": table.number("r_ohm_per_km", 0.0) * length * base / parallel,
            "b_pu": charging * length * parallel / base,
            "rating_mw": math.sqrt(3) * _kv(kv, from_bus) * amperes * _loading(table, "line", note),
            "kind": "line",
            "tap": 1.0,
            "shift_deg": 0.0,
            "length_km": length,
            "in_service": table.flag("in_service"),
        }
    )


def transformers(source: Source, kv: dict[str, float], note: Note) -> pd.DataFrame:
    """Return the transformers of two windings, from the high-voltage side; as `lines`."""
    table = source.table("trafo")
    _note_tables(table, "trafo", note)
    parallel, rated = table.number("parallel", 1.0), table.number("sn_mva")
    frame = _windings(
        [f"trafo {name}" for name in table.names],
        (table.text("hv_bus"), table.text("lv_bus")),
        kv,
        {
            "vn_hv_kv": table.number("vn_hv_kv"),
            "vn_lv_kv": table.number("vn_lv_kv"),
            "vk": table.number("vk_percent"),
            "vkr": table.number("vkr_percent", 0.0),
            "sn": rated,
            "pfe_kw": table.number("pfe_kw", 0.0),
            "i0": table.number("i0_percent", 0.0),
            "shift": table.number("shift_degree", 0.0),
            "parallel": parallel,
            "r_share": table.number("leakage_resistance_ratio_hv", 0.5),
            "x_share": table.number("leakage_reactance_ratio_hv", 0.5),
        },
        two_winding_taps(table),
    )
    limit = rated * table.number("df", 1.0) * parallel * _loading(table, "trafo", note)
    return frame.assign(rating_mw=limit, in_service=table.flag("in_service"))


def three_windings(source: Source, kv: dict[str, float], note: Note) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the branches of three-winding transformers, and the buses in their middle; as `lines`."""
    table = source.table("trafo3w")
    _note_tables(table, "trafo3w", note)
    middle = [f"trafo3w {name}" for name in table.names]
    stars = pd.DataFrame({"bus": middle, "base_kv": table.number("vn_hv_kv")})
    known = {**kv, **dict(zip(middle, stars["base_kv"].tolist(), strict=True))}
    vk, vkr, rated = _star_voltages(table)
    loading = _loading(table, "trafo3w", note)
    losses = table.text("loss_side", "hv")
    note("trafo3w.losses", "trafo3w", "losses at the star point are not read", chosen(middle, _is(losses, "star")))
    taps = three_winding_taps(table)
    frames = []
    for i, side in enumerate(_SIDES):
        bus = table.text(f"{side}_bus")
        here = _is(losses, side)
        frame = _windings(
            [f"{name} {side}" for name in middle],
            (bus, middle) if side == "hv" else (middle, bus),
            known,
            {
                "vn_hv_kv": table.number("vn_hv_kv"),
                "vn_lv_kv": table.number(f"vn_{side}_kv"),
                "vk": vk[i],
                "vkr": vkr[i],
                "sn": rated[i],
                "pfe_kw": np.where(here, table.number("pfe_kw", 0.0), 0.0),
                "i0": np.where(here, table.number("i0_percent", 0.0), 0.0),
                "shift": table.number(f"shift_{side}_degree", 0.0) if side != "hv" else np.zeros(len(table)),
                "parallel": np.ones(len(table)),
                "r_share": np.full(len(table), 0.5),
                "x_share": np.full(len(table), 0.5),
            },
            [taps[side]],
        )
        frames.append(frame.assign(rating_mw=rated[i] * loading, in_service=table.flag("in_service")))
    return pd.concat(frames, ignore_index=True), stars


def impedances(source: Source, note: Note) -> pd.DataFrame:
    """Return the impedance elements; as `lines`."""
    table = source.table("impedance")
    scale = BASE_MVA / table.number("sn_mva", 1.0)
    asymmetric = (table.number("xft_pu") != table.number("xtf_pu", math.nan)) & table.has("xtf_pu")
    text = "the impedance differs by direction: that of from to to is read"
    note("impedance.asymmetric", "impedance", text, chosen(table.names, asymmetric))
    note("impedance.rating", "impedance", "an impedance has no rating: unlimited", table.names)
    return pd.DataFrame(
        {
            "branch": [f"impedance {name}" for name in table.names],
            "from_bus": table.text("from_bus"),
            "to_bus": table.text("to_bus"),
            "x_pu": table.number("xft_pu") * scale,
            "r_pu": table.number("rft_pu", 0.0) * scale,
            "b_pu": (table.number("bf_pu", 0.0) + table.number("bt_pu", 0.0)) / scale,
            "rating_mw": math.inf,
            "kind": "line",
            "tap": 1.0,
            "shift_deg": 0.0,
            "in_service": table.flag("in_service"),
        }
    )


def _is(values: list[str], wanted: str) -> np.ndarray:
    return np.array([value.lower() == wanted for value in values], dtype=bool)


def _kv(kv: dict[str, float], buses: list[str]) -> np.ndarray:
    return np.array([kv.get(bus, math.nan) for bus in buses], dtype=float)


def _loading(table: RawTable, name: str, note: Note) -> np.ndarray:
    """Share of the rated power that may be used."""
    percent = table.number("max_loading_percent", 100.0)
    text = "the rating is that of max_loading_percent, which is not 100"
    note("loading", name, text, chosen(table.names, percent != 100))
    return percent / 100


def _note_tables(table: RawTable, name: str, note: Note) -> None:
    """Transformers whose impedance or ratio follows a table by tap position."""
    flags = table.flag("tap_dependency_table", False) | table.flag("tap_dependent_impedance", False)
    text = "values by tap position of a characteristic are not read: those of the element itself are used"
    note("tap.characteristic", name, text, chosen(table.names, flags), "warning")


def _windings(
    names: list[str],
    ends: tuple[list[str], list[str]],
    kv: dict[str, float],
    data: dict[str, np.ndarray],
    taps: list[Tap],
) -> pd.DataFrame:
    """Branches of transformers, from the side whose rated voltage is ``vn_hv_kv``."""
    high, low, shift = data["vn_hv_kv"], data["vn_lv_kv"], data["shift"]
    for tap in taps:
        high, low, shift = tapped(tap, high, low, shift)
    kv_low = _kv(kv, ends[1])
    base = (low / kv_low) ** 2 * BASE_MVA / data["sn"] / data["parallel"]
    z, r = data["vk"] / 100 * base, data["vkr"] / 100 * base
    x = np.sign(z) * np.sqrt(z**2 - r**2)
    iron = data["pfe_kw"] / 1000
    magnetizing = -np.sqrt(np.maximum((data["i0"] / 100 * data["sn"]) ** 2 - iron**2, 0))
    per_unit = kv_low**2 / low**2 / BASE_MVA * data["parallel"]
    shunt = (iron + 1j * magnetizing) * per_unit
    series, charging = _triangle(r + 1j * x, shunt, data["r_share"], data["x_share"])
    return pd.DataFrame(
        {
            "branch": names,
            "from_bus": ends[0],
            "to_bus": ends[1],
            "x_pu": series.imag,
            "r_pu": series.real,
            "b_pu": charging.imag,
            "kind": "transformer",
            "tap": high / low / (_kv(kv, ends[0]) / kv_low),
            "shift_deg": shift,
        }
    )


def _triangle(
    series: np.ndarray, shunt: np.ndarray, r_share: np.ndarray, x_share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Series impedance and total shunt of the pi equivalent of the T model."""
    first = series.real * r_share + 1j * series.imag * x_share
    second = series - first
    across = series + first * second * shunt
    # The sides to earth of the triangle are across / (second shunt) and across / (first shunt).
    return across, np.where(shunt == 0, 0, (first + second) * shunt / across)


def _star_voltages(table: RawTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Short-circuit voltages [%] of the three branches of a star on the power of each winding, shape (3, n)."""
    rated = np.stack([table.number(f"sn_{side}_mva") for side in _SIDES])
    total = np.stack([table.number(f"vk_{side}_percent") for side in _SIDES])
    real = np.stack([table.number(f"vkr_{side}_percent", 0.0) for side in _SIDES])
    # A short circuit of two windings is per unit of the smaller of their powers; all are brought to that of the first.
    pairs = np.stack([np.minimum(rated[i], rated[j]) for i, j in ((0, 1), (1, 2), (0, 2))])
    total, real = total * rated[0] / pairs, real * rated[0] / pairs
    imaginary = _star(np.sqrt(total**2 - real**2)) * rated / rated[0]
    resistive = _star(real) * rated / rated[0]
    return np.sign(imaginary) * np.sqrt(imaginary**2 + resistive**2), resistive, rated


def _star(pairs: np.ndarray) -> np.ndarray:
    """Branches of a star from what is measured between its ends: first to second, second to third, first to third."""
    one, two, three = pairs
    return 0.5 * np.stack([one + three - two, two + one - three, three + two - one])
