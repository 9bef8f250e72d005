"""Lines and transformers of PyPSA as branches on 100 MVA, standard types included.

A transformer's tap on the side of ``bus1`` is moved to the other side, which changes neither its linear nor its
alternating-current equations: with ``t`` the ratio, ``z t^2`` and ``1/t`` in place of ``z`` and ``t``.

Source: PyPSA documentation, "Power Flow", https://docs.pypsa.org.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from optimizer.grid.network import BASE_MVA
from optimizer.io.pypsa_source import Source
from optimizer.io.raw_table import RawTable, chosen

#: Adds a finding about some elements: rule, table, text, names, severity, remedy.
Note = Callable[..., None]
#: Value of an attribute at the snapshot: component, attribute, default.
At = Callable[[str, str, float], np.ndarray]

_TYPE_REMEDY = "call calculate_dependent_values() before exporting: it writes the impedances of the types"


def read_branches(source: Source, v_nom: dict[str, float], ac: set[str], at: At, note: Note) -> pd.DataFrame:
    """Return the branches of the AC network.

    Parameters
    ----------
    source : Source
        The file.
    v_nom : dict of str to float
        Nominal voltage of every bus [kV].
    ac : set of str
        Buses of the AC network.
    at : callable
        Value of an attribute at the snapshot, from component, attribute and default.
    note : callable
        Adds a finding, from rule, table, text, names, severity and remedy.
    """
    frames = []
    if "lines" in source.tables:
        frames.append(_lines(source, v_nom, at, note))
    if "transformers" in source.tables:
        frames.append(_transformers(source, at, note))
    if not frames:
        return pd.DataFrame(columns=["branch", "from_bus", "to_bus", "x_pu", "rating_mw"])
    kept = []
    for frame in frames:
        ends = zip(frame["from_bus"], frame["to_bus"], strict=True)
        inside = np.array([all(bus in ac or bus not in v_nom for bus in pair) for pair in ends], dtype=bool)
        kind = str(frame["kind"].iloc[0]) if len(frame) else "line"
        text = "at buses of other carriers: left out"
        note("carrier.left_out", f"{kind}s", text, list(frame["branch"][~inside]), "warning")
        kept.append(frame[inside])
    if len(kept) == 2:
        taken = set(kept[0]["branch"])
        shared = [name for name in kept[1]["branch"] if name in taken]
        note("name.shared", "transformers", "named as a line: prefixed with 'transformer '", shared)
        names = [f"transformer {name}" if name in taken else name for name in kept[1]["branch"]]
        kept[1] = kept[1].assign(branch=names)
    return pd.concat(kept, ignore_index=True)


def _lines(source: Source, v_nom: dict[str, float], at: At, note: Note) -> pd.DataFrame:
    table = source.tables["lines"]
    from_bus = table.text("bus0")
    impedance = _line_types(table, source.tables.get("line_types"), note)
    kv = np.array([v_nom.get(bus, math.nan) for bus in from_bus])
    note_g = chosen(table.names, impedance["g"] != 0)
    note("conductance", "lines", "shunt conductance of lines is not read", note_g)
    base = BASE_MVA / kv**2
    length = table.number("length", math.nan)
    return pd.DataFrame(
        {
            "branch": table.names,
            "from_bus": from_bus,
            "to_bus": table.text("bus1"),
            "x_pu": impedance["x"] * base,
            "r_pu": impedance["r"] * base,
            "b_pu": impedance["b"] / base,
            "rating_mw": _rating(table, "lines", at, note),
            "kind": "line",
            "length_km": np.where(length > 0, length, np.nan),
            **_extension(table, "lines", at, note),
            **_angles(table),
            "in_service": table.flag("active"),
        }
    )


def _line_types(table: RawTable, types: RawTable | None, note: Note) -> dict[str, np.ndarray]:
    """Impedances [ohm] and admittances [S], from the type where it is in the file."""
    values = {name: table.number(name, 0.0) for name in ("x", "r", "b", "g")}
    found, rows = _types_found(table, "lines", types, values["x"], note)
    if types is not None and found.any():
        length, parallel = table.number("length", 0.0), table.number("num_parallel", 1.0)
        per = {name: types.number(f"{name}_per_length", 0.0)[rows] * length for name in ("x", "r", "c")}
        susceptance = 2 * math.pi * types.number("f_nom", 50.0)[rows] * per["c"] * 1e-9 * parallel
        values["x"] = np.where(found, per["x"] / parallel, values["x"])
        values["r"] = np.where(found, per["r"] / parallel, values["r"])
        values["b"] = np.where(found, susceptance, values["b"])
    return values


def _types_found(
    table: RawTable, component: str, types: RawTable | None, x: np.ndarray, note: Note
) -> tuple[np.ndarray, list[int]]:
    """Which elements have a type that is in the file, and its row there; of the others the row means nothing."""
    known = {name: i for i, name in enumerate(types.names)} if types is not None else {}
    named = table.text("type")
    typed = np.array([bool(name) for name in named], dtype=bool)
    found = np.array([name in known for name in named], dtype=bool)
    written = typed & ~found & (x != 0)
    text = "the standard type is not in the file: the impedance written beside it is used"
    note("type.not_in_file", component, text, chosen(table.names, written))
    missing = typed & ~found & (x == 0)
    text = "the standard type is not in the file, and no impedance is written"
    note("type.unknown", component, text, chosen(table.names, missing), "error", _TYPE_REMEDY)
    return found, [known.get(name, 0) for name in named]


def _rating(table: RawTable, component: str, at: At, note: Note) -> np.ndarray:
    """Normal rating; 0 and infinite are unlimited."""
    rating = table.number("s_nom", 0.0) * at(component, "s_max_pu", 1.0)
    return rating


def _extension(table: RawTable, component: str, at: At, note: Note) -> dict[str, np.ndarray]:
    """What a MW of rating more costs a year, and up to which rating, where ``s_nom`` is extendable."""
    extendable = table.flag("s_nom_extendable", False)
    share = at(component, "s_max_pu", 1.0)
    text = "an extendable s_nom is taken as it is; a study may offer whole circuits beside it ([expansion] from_case)"
    note("extendable", component, text, chosen(table.names, extendable))
    priced = extendable & (share > 0)
    if not priced.any():
        return {}
    most = table.number("s_nom_max", math.inf) * share
    per_mw = table.number("capital_cost", 0.0) / np.where(priced, share, 1.0)
    return {
        "extension_usd_per_mw_year": np.where(priced, per_mw, np.nan),
        "extension_max_mw": np.where(priced & np.isfinite(most), most, np.nan),
    }


def _angles(table: RawTable) -> dict[str, np.ndarray]:
    """Angle limits, the same in both directions."""
    largest = table.number("v_ang_max", math.inf)
    limited = np.abs(largest) < 360
    return {
        "angle_min_deg": np.where(limited, -largest, np.nan),
        "angle_max_deg": np.where(limited, largest, np.nan),
    }


def _transformers(source: Source, at: At, note: Note) -> pd.DataFrame:
    table = source.tables["transformers"]
    values = _transformer_types(table, source.tables.get("transformer_types"), at, note)
    names = table.names
    text = "shunt conductance of transformers is not read"
    note("conductance", "transformers", text, chosen(names, values["g"] != 0))
    shunt = (values["b"] != 0) | (values["g"] != 0)
    t_model = np.array([model != "pi" for model in table.text("model", "t")], dtype=bool) & shunt
    text = "the shunt of the T model is placed at the ends, as in the pi model: the series impedance is not changed"
    note("transformer.model", "transformers", text, chosen(names, t_model))
    no_base = ~((values["s_nom"] > 0) & np.isfinite(values["s_nom"]))
    remedy = "give s_nom: the impedance of a transformer is per unit of it"
    text = "s_nom is not a power above 0: the impedance has no base"
    note("transformer.s_nom", "transformers", text, chosen(names, no_base), "error", remedy)
    tap = values["tap_ratio"]
    tap = np.where(tap == 0, 1.0, tap)
    note("transformer.tap", "transformers", "a tap ratio of 0 is taken as 1", chosen(names, values["tap_ratio"] == 0))
    at_end = values["tap_side"] == 1
    scale = np.where(at_end, tap**2, 1.0) * BASE_MVA / np.where(no_base, 1.0, values["s_nom"])
    rated = table.frame.assign(s_nom=values["s_nom"])
    return pd.DataFrame(
        {
            "branch": names,
            "from_bus": table.text("bus0"),
            "to_bus": table.text("bus1"),
            "x_pu": values["x"] * scale,
            "r_pu": values["r"] * scale,
            "b_pu": values["b"] / scale,
            "rating_mw": _rating(RawTable(rated, table.where, table.rule, table.findings), "transformers", at, note),
            "kind": "transformer",
            "tap": np.where(at_end, 1 / tap, tap),
            "shift_deg": values["phase_shift"],
            **_extension(table, "transformers", at, note),
            **_angles(table),
            "in_service": table.flag("active"),
        }
    )


def _transformer_types(table: RawTable, types: RawTable | None, at: At, note: Note) -> dict[str, np.ndarray]:
    """Per-unit values on ``s_nom``, taps and shift, from the type where it is in the file."""
    defaults = {"x": 0.0, "r": 0.0, "g": 0.0, "b": 0.0, "s_nom": 0.0, "tap_ratio": 1.0, "tap_side": 0.0}
    values = {name: table.number(name, default) for name, default in defaults.items()}
    values["phase_shift"] = at("transformers", "phase_shift", 0.0)
    found, rows = _types_found(table, "transformers", types, values["x"], note)
    if types is not None and found.any():
        parallel = table.number("num_parallel", 1.0)

        def of(name: str) -> np.ndarray:
            return types.number(name, 0.0)[rows]

        resistance = of("vscr") / 100
        conductance = of("pfe") / 1000 / of("s_nom")
        given = {
            "r": resistance / parallel,
            "x": np.sqrt((of("vsc") / 100) ** 2 - resistance**2) / parallel,
            "g": conductance * parallel,
            "b": -np.sqrt(np.maximum((of("i0") / 100) ** 2 - conductance**2, 0)) * parallel,
            "s_nom": of("s_nom"),
            "tap_ratio": 1 + (table.number("tap_position", 0.0) - of("tap_neutral")) * of("tap_step") / 100,
            "tap_side": of("tap_side"),
            "phase_shift": of("phase_shift"),
        }
        values = {name: np.where(found, given[name], values[name]) for name in values}
    return values
