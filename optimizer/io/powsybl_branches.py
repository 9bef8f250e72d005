"""Lines, tie lines and transformers of a pypowsybl network as branches of ours.

In pypowsybl a transformer is an ideal one at side 1, of ratio ``rho`` (voltage behind it over voltage before it) and
angle ``alpha``, in front of an impedance referred to side 2. With nominal voltages ``V1`` and ``V2``, per unit on
100 MVA: ``x_pu = x 100 / V2^2``, ``tap = V2 / (V1 rho)`` and ``shift_deg = -alpha``. A line is the case ``rho = 1``,
which covers lines between two nominal voltages.

Source: the grid model of PowSyBl, https://powsybl.readthedocs.io (network elements).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from optimizer.grid.network import BASE_MVA
from optimizer.io.powsybl_network import Reading

#: Reactance of a branch that has none, where its two buses cannot be joined [pu]: the threshold below which PSS/E
#: takes a branch for one without impedance.
STAND_IN_X_PU = 1e-4

#: Nominal voltage of the star points of transformers with three windings: below any voltage that is asked for [kV].
STAR_KV = 1.0

#: Limits from here on are none: the importer writes Java's largest number [A, MW, MVA].
NO_LIMIT_MW = 1e12

_COLUMNS = (
    *("branch", "from_bus", "to_bus", "x_pu", "rating_mw", "rating_emergency_mw", "kind", "r_pu", "tap", "shift_deg"),
    *("in_service", "b_pu", "rating_short_term_mw"),
)

_Limits = Mapping[tuple[str, str], tuple[float, float, float]]


def read_branches(reading: Reading) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Branches, and the star points of transformers with three windings.

    Parameters
    ----------
    reading : Reading
        With its buses read; receives findings.

    Returns
    -------
    branches, stars : DataFrame
        Rows of the ``branches`` and ``buses`` tables. A reactance of 0 stays 0.
    """
    limits = _limits(reading)
    rows = [*_lines(reading, limits), *_tie_lines(reading, limits), *_two_windings(reading, limits)]
    star_rows, stars = _three_windings(reading, limits)
    rows += star_rows
    lost = [row["branch"] for row in rows if not (row["from_bus"] and row["to_bus"])]
    if lost:
        reading.say("branch.out", "branches out of service, of which no end is at a bus, are left out", lost)
    same = [r["branch"] for r in rows if r["from_bus"] == r["to_bus"] and r["from_bus"]]
    if same:
        reading.say("branch.loop", "branches from a bus to itself are left out: no power flows", same)
    kept = [row for row in rows if row["from_bus"] and row["to_bus"] and row["from_bus"] != row["to_bus"]]
    frame = pd.DataFrame(kept, columns=list(_COLUMNS)).astype({"in_service": bool})
    _say_values(reading, frame)
    return frame, stars


def _say_values(reading: Reading, frame: pd.DataFrame) -> None:
    running = frame[frame["in_service"]]
    negative = running["branch"][running["x_pu"] < 0].tolist()
    if negative:
        text = "branches have a negative reactance, as series capacitors and star points do; used as given"
        reading.say("branch.negative_reactance", text, negative)
    between = running["branch"][(running["kind"] == "line") & (running["tap"] != 1)].tolist()
    if between:
        text = "lines join two nominal voltages: their ratio is that of the voltages"
        reading.say("branch.two_voltages", text, between)
    out = frame["branch"][~frame["in_service"].astype(bool)].tolist()
    if out:
        text = "branches are out of service, or open at an end; they are kept so"
        reading.say("branch.open", text, out)
    shifting = running["branch"][running["shift_deg"] != 0].tolist()
    if shifting:
        reading.say("branch.phase_shift", "branches shift the phase, as their present tap says", shifting)
    _say_conductances(reading)
    for name in ("ratio", "phase"):
        changers = reading.table(f"{name}_tap_changers")
        held = changers.index[changers["regulating"].astype(bool)].unique().tolist()
        if held:
            reading.say("regulating", f"{name} tap changers that regulate are held at their position", held)


def _say_conductances(reading: Reading) -> None:
    """Shunt conductances of branches, for which the tables have no column."""
    lost: dict[str, float] = {}
    lines = reading.table("lines")
    for id_, row in zip(lines.index, lines.to_dict("records"), strict=True):
        kv1, kv2 = (reading.kv[row[f"voltage_level{k}_id"]] for k in (1, 2))
        if kv1 == kv2:  # between two voltages they are part of the importer's model of the line
            lost[id_] = (row["g1"] + row["g2"]) * kv1**2
    windings = reading.table("2_windings_transformers")
    kv = windings["voltage_level2_id"].map(reading.kv).astype(float)
    lost |= (windings["g_at_current_tap"] * kv**2).to_dict()
    thirds = reading.table("3_windings_transformers")
    lost |= (sum(thirds[f"g{k}_at_current_tap"] for k in (1, 2, 3)) * thirds["rated_u0"] ** 2).to_dict()
    named = [id_ for id_, mw in lost.items() if abs(mw) > 1e-6]
    if named:
        total = sum(lost[id_] for id_ in named)
        text = f"shunt conductances of branches are left out, {total:.3g} MW at nominal voltage"
        reading.say("branch.conductance", text, named)


def _branch(
    reading: Reading, id_: str, row: Mapping[str, object], kind: str, limits: _Limits, values: tuple[float, ...]
) -> dict[str, object]:
    """A branch between two terminals, from ``r``, ``x``, total ``b`` [ohm, S, side 2], ``rho`` and ``alpha`` [deg]."""
    r, x, b, rho, alpha = values
    level1, level2 = str(row["voltage_level1_id"]), str(row["voltage_level2_id"])
    one = reading.end(bool(row["connected1"]), str(row["bus_breaker_bus1_id"]), level1)
    other = reading.end(bool(row["connected2"]), str(row["bus_breaker_bus2_id"]), level2)
    base_ohm = reading.kv[level2] ** 2 / BASE_MVA
    tap = _tap(reading.kv[level2], reading.kv[level1] * rho)
    rated = [limits[id_, side] for side in ("ONE", "TWO") if (id_, side) in limits]
    normal, emergency, short = _least(rated)
    return {
        "branch": id_,
        "from_bus": one[0],
        "to_bus": other[0],
        "x_pu": x / base_ohm,
        "r_pu": r / base_ohm,
        "b_pu": b * base_ohm,
        # Within rounding of the nominal voltages a line has no ratio.
        "tap": 1.0 if abs(tap - 1) < 1e-15 else tap,
        "shift_deg": -alpha if alpha else 0.0,
        "rating_mw": normal,
        "rating_emergency_mw": emergency,
        "rating_short_term_mw": short,
        "kind": kind,
        "in_service": one[1] and other[1],
    }


def _tap(other_kv: float, behind_kv: float) -> float:
    """Tap ratio from the voltages at side 2 and behind the ideal transformer; 0, which is refused, where it is none."""
    return other_kv / behind_kv if math.isfinite(behind_kv) and behind_kv > 0 else 0.0


def _least(rated: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Least of the limits of the sides; 0 for none of the first, ``nan`` for none of the others.

    Where one side has temporary limits and another has not, the other's permanent limit holds after an outage too.
    """
    normal = [side[0] for side in rated if not math.isnan(side[0])]
    if all(math.isnan(side[1]) for side in rated):
        return min(normal, default=0.0), math.nan, math.nan
    emergency = [side[0] if math.isnan(side[1]) else side[1] for side in rated]
    short = [held if math.isnan(side[2]) else side[2] for side, held in zip(rated, emergency, strict=True)]
    any_short = any(not math.isnan(side[2]) for side in rated)
    return min(normal, default=0.0), float(np.nanmin(emergency)), float(np.nanmin(short)) if any_short else math.nan


def _lines(reading: Reading, limits: _Limits) -> list[dict[str, object]]:
    rows = []
    frame = reading.table("lines")
    for id_, row in zip(frame.index, frame.to_dict("records"), strict=True):
        values = (row["r"], row["x"], row["b1"] + row["b2"], 1.0, 0.0)
        rows.append(_branch(reading, id_, row, "line", limits, values))
    return rows


def _tie_lines(reading: Reading, limits: _Limits) -> list[dict[str, object]]:
    """Two boundary lines that meet: their impedances in series, with half of each one's shunt where they meet."""
    ties = reading.table("tie_lines")
    if ties.empty:
        return []
    halves = reading.table("boundary_lines")
    rows = []
    for id_, tie in zip(ties.index, ties.to_dict("records"), strict=True):
        ends = [halves.loc[tie[f"boundary_line{k}_id"]] for k in (1, 2)]
        z1, z2 = (complex(e["r"], e["x"]) for e in ends)
        between = sum(complex(e["g"], e["b"]) for e in ends) / 2
        z = z1 + z2 + z1 * z2 * between
        row: dict[str, object] = {}
        for k, end in enumerate(ends, start=1):
            row |= {f"connected{k}": end["connected"], f"bus_breaker_bus{k}_id": end["bus_breaker_bus_id"]}
            row[f"voltage_level{k}_id"] = end["voltage_level_id"]
        rated = {
            (id_, side): limits[end.name, "NONE"]
            for side, end in zip(("ONE", "TWO"), ends, strict=True)
            if (end.name, "NONE") in limits
        }
        values = (z.real, z.imag, sum(e["b"] for e in ends), 1.0, 0.0)
        rows.append(_branch(reading, id_, row, "line", {**limits, **rated}, values))
    text = "tie lines are one branch each: their two halves in series"
    reading.say("tie_line", text, ties.index.tolist())
    return rows


def _two_windings(reading: Reading, limits: _Limits) -> list[dict[str, object]]:
    rows = []
    frame = reading.table("2_windings_transformers")
    for id_, row in zip(frame.index, frame.to_dict("records"), strict=True):
        values = (*(row[f"{name}_at_current_tap"] for name in "rxb"), row["rho"], row["alpha"])
        rows.append(_branch(reading, id_, row, "transformer", limits, values))
    return rows


def _three_windings(reading: Reading, limits: _Limits) -> tuple[list[dict[str, object]], pd.DataFrame]:
    """Three branches to a star point for each transformer with three windings."""
    frame = reading.table("3_windings_transformers")
    rows: list[dict[str, object]] = []
    stars: list[dict[str, object]] = []
    taken = set(reading.bus_of.values())
    for id_, row in zip(frame.index, frame.to_dict("records"), strict=True):
        star = f"{id_}_star"
        while star in taken:
            star += "#"
        taken.add(star)
        legs = []
        for k, side in enumerate(("ONE", "TWO", "THREE"), start=1):
            level = row[f"voltage_level{k}_id"]
            bus, is_in = reading.end(row[f"connected{k}"], row[f"bus_breaker_bus{k}_id"], level)
            # No voltage, no value: the check of the table says that the reactance is missing.
            base_ohm = row["rated_u0"] ** 2 / BASE_MVA or math.nan
            rated = [limits[id_, side]] if (id_, side) in limits else []
            normal, emergency, short = _least(rated)
            legs.append(
                {
                    "branch": f"{id_}:{k}",
                    "from_bus": bus,
                    "to_bus": star,
                    "x_pu": row[f"x{k}_at_current_tap"] / base_ohm,
                    "r_pu": row[f"r{k}_at_current_tap"] / base_ohm,
                    "b_pu": row[f"b{k}_at_current_tap"] * base_ohm,
                    "tap": _tap(row["rated_u0"], reading.kv[level] * row[f"rho{k}"]),
                    "shift_deg": -row[f"alpha{k}"] if row[f"alpha{k}"] else 0.0,
                    "rating_mw": normal,
                    "rating_emergency_mw": emergency,
                    "rating_short_term_mw": short,
                    "kind": "transformer",
                    "in_service": is_in,
                }
            )
        if sum(bool(leg["in_service"]) for leg in legs) == 1:  # it feeds nothing
            legs = [{**leg, "in_service": False} for leg in legs]
        if any(leg["in_service"] for leg in legs):
            rows += legs
            stars.append({"bus": star, "base_kv": STAR_KV, "name": f"star point of {row['name'] or id_}"})
    if stars:
        names = [str(star["bus"]) for star in stars]
        text = f"transformers with three windings are three branches to a star point, a bus of {STAR_KV:g} kV"
        reading.say("star", text, names)
    if len(stars) < len(frame):
        text = f"{len(frame) - len(stars)} transformers with three windings are out of service and left out"
        reading.say("star.out", text)
    return rows, pd.DataFrame(stars, columns=["bus", "base_kv", "name"])


def _limits(reading: Reading) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Normal, emergency and short-term rating of each side of each element [MW]; ``nan`` where there is none.

    A current is ``sqrt(3) V I`` at the nominal voltage of its side. The normal rating is the permanent limit, the
    emergency rating the temporary one that may last longest, the short-term rating the one that may last least.
    """
    frame = reading.table("loading_limits")
    if frame.empty:
        return {}
    frame = frame.reset_index()
    chosen = frame[frame["selected"].astype(bool)]
    stated = chosen[~chosen["fictitious"].astype(bool) & (chosen["value"] < NO_LIMIT_MW)]
    levels = _levels(reading)
    found: dict[tuple[str, str], list[list[float]]] = {}
    columns = stated[["element_id", "side", "type", "value", "acceptable_duration"]]
    for id_, side, kind, value, duration in columns.itertuples(index=False, name=None):
        if (id_, side) not in levels:
            continue
        mw = value * math.sqrt(3) * levels[id_, side] / 1000 if kind == "CURRENT" else value
        found.setdefault((id_, side), []).append([duration, mw])
    _say_limits(reading, len(frame) - len(chosen), stated)
    return {key: _rated(np.array(values)) for key, values in found.items()}


def _rated(values: np.ndarray) -> tuple[float, float, float]:
    permanent = values[values[:, 0] < 0]
    temporary = values[values[:, 0] >= 0]
    normal = permanent[:, 1].min() if len(permanent) else math.nan
    if not len(temporary):
        return normal, math.nan, math.nan
    lasting = temporary[:, 0]
    longest, shortest = (temporary[lasting == d, 1].min() for d in (lasting.max(), lasting.min()))
    return normal, longest, shortest if lasting.max() > lasting.min() else math.nan


def _levels(reading: Reading) -> dict[tuple[str, str], float]:
    """Nominal voltage of each side of each element that may have limits [kV]."""
    kv: dict[tuple[str, str], float] = {}
    for name, sides in (("lines", 2), ("2_windings_transformers", 2), ("3_windings_transformers", 3)):
        frame = reading.table(name)
        for k, side in enumerate(("ONE", "TWO", "THREE")[:sides], start=1):
            kv |= {(id_, side): reading.kv[level] for id_, level in frame[f"voltage_level{k}_id"].items()}
    boundaries = reading.table("boundary_lines")["voltage_level_id"]
    return kv | {(id_, "NONE"): reading.kv[level] for id_, level in boundaries.items()}


def _say_limits(reading: Reading, others: int, chosen: pd.DataFrame) -> None:
    lasting = sorted({int(d) for d in chosen["acceptable_duration"] if d >= 0}, reverse=True)
    if lasting:
        text = "emergency ratings are the temporary limits that may last longest; durations in the file [s]"
        reading.say("limits.temporary", text, lasting)
    if others:
        text = f"{others} limits of groups that are not selected are not used"
        reading.say("limits.groups", text)
