"""Small writers of foreign formats, so that what is read back is known: PSS/E RAW, IEEE-CDF and UCTE.

Sources of the layouts: the power flow raw data file of PSS/E, version 33, as its program operation manual describes it;
"Common format for exchange of solved load flow data", IEEE Trans. PAS-92(6), 1973; UCTE data exchange format for load
flow and three phase short circuit studies, version 2 (2007).
"""

from __future__ import annotations

import math

import pandas as pd

from optimizer.grid.network import Grid

#: Sections after the transformers, in the order of the format.
_LATER = (
    "AREA",
    "TWO-TERMINAL DC",
    "VSC DC LINE",
    "IMPEDANCE CORRECTION",
    "MULTI-TERMINAL DC",
    "MULTI-SECTION LINE",
    "ZONE",
    "INTER-AREA TRANSFER",
    "OWNER",
    "FACTS DEVICE",
    "SWITCHED SHUNT",
    "GNE",
    "INDUCTION MACHINE",
)


def raw_text(grid: Grid, later: dict[str, list[str]] | None = None, *, base_mva: float = 100.0) -> str:
    """Return the RAW text of a grid whose bus ids are numbers.

    Parameters
    ----------
    grid : Grid
        Buses, loads, shunts, generators, lines and two-winding transformers are written; per unit on `base_mva`.
    later : dict of str to list of str
        Lines of the sections after the transformers, by name.
    """
    scale = base_mva / 100.0
    lines = [f"0, {base_mva!r}, 33, 0, 1, 60.00     / written for a test", grid.name, ""]
    lines += _buses(grid)
    lines += ["0 / END OF BUS DATA, BEGIN LOAD DATA"]
    buses = grid.buses
    blank = pd.Series(0.0, index=buses.index)
    mvar = buses.get("load_mvar", blank).fillna(0)
    for bus, mw, q in zip(buses.index, buses["load_mw"], mvar, strict=True):
        if mw or q:
            lines.append(f"{bus},'1 ',1,1,1,{mw!r},{q!r},0,0,0,0,1,1,0")
    lines += ["0 / END OF LOAD DATA, BEGIN FIXED SHUNT DATA"]
    for bus, mw, q in zip(buses.index, buses["shunt_mw"], buses.get("shunt_mvar", blank).fillna(0), strict=True):
        if mw or q:
            lines.append(f"{bus},'1 ',1,{mw!r},{q!r}")
    lines += ["0 / END OF FIXED SHUNT DATA, BEGIN GENERATOR DATA", *_generators(grid)]
    lines += ["0 / END OF GENERATOR DATA, BEGIN BRANCH DATA", *_lines(grid, scale)]
    lines += ["0 / END OF BRANCH DATA, BEGIN TRANSFORMER DATA", *_transformers(grid, scale)]
    ended = "TRANSFORMER"
    for name in _LATER:
        lines.append(f"0 / END OF {ended} DATA, BEGIN {name} DATA")
        lines += (later or {}).get(name, [])
        ended = name
    return "\n".join([*lines, f"0 / END OF {ended} DATA", "Q", ""])


def _buses(grid: Grid) -> list[str]:
    buses = grid.buses
    feeding = set(grid.generators["bus"])
    first = next(iter(grid.generators["bus"]), None)
    lines = []
    for position, (bus, kv) in enumerate(zip(buses.index, buses["base_kv"], strict=True)):
        kind = 3 if bus == first else 2 if bus in feeding else 1
        zone = buses["zone"].iloc[position] or 1
        lines.append(f"{bus},'BUS {position + 1:<8}',{kv!r},{kind},1,{zone},1,1.0,0.0,1.1,0.9,1.1,0.9")
    return lines


def _generators(grid: Grid) -> list[str]:
    lines = []
    number: dict[str, int] = {}
    for _, row in grid.generators.iterrows():
        bus = row["bus"]
        number[bus] = number.get(bus, 0) + 1
        p_mw = 0.0 if math.isnan(row["p_mw"]) else row["p_mw"]
        status = int(row["in_service"])
        lines.append(
            f"{bus},'{number[bus]}',{p_mw!r},0,50,-50,1.0,0,100,0,1,0,0,1,{status},100,"
            f"{row['p_max_mw']!r},{row['p_min_mw']!r},1,1"
        )
    return lines


def _circuit(row: pd.Series, number: dict[frozenset[str], int]) -> int:
    pair = frozenset((row["from_bus"], row["to_bus"]))
    number[pair] = number.get(pair, 0) + 1
    return number[pair]


def _ratings(row: pd.Series) -> str:
    normal = 0.0 if math.isinf(row["rating_mw"]) else row["rating_mw"]
    emergency = 0.0 if math.isnan(row["rating_emergency_mw"]) else row["rating_emergency_mw"]
    return f"{normal!r},{emergency!r},0"


def _lines(grid: Grid, scale: float) -> list[str]:
    lines = []
    number: dict[frozenset[str], int] = {}
    for _, row in grid.branches.iterrows():
        circuit = _circuit(row, number)
        if row["kind"] == "line":
            values = [row["r_pu"] * scale, row["x_pu"] * scale, row.get("b_pu", 0.0) / scale]
            lines.append(
                f"{row['from_bus']},{row['to_bus']},'{circuit}',{','.join(repr(float(v)) for v in values)},"
                f"{_ratings(row)},0,0,0,0,{int(row['in_service'])},1,0,1,1"
            )
    return lines


def _transformers(grid: Grid, scale: float) -> list[str]:
    lines = []
    number: dict[frozenset[str], int] = {}
    for _, row in grid.branches.iterrows():
        circuit = _circuit(row, number)
        if row["kind"] == "transformer":
            status = int(row["in_service"])
            lines += [
                f"{row['from_bus']},{row['to_bus']},0,'{circuit}',1,1,1,0,0,2,'{' ' * 12}',{status},1,1",
                f"{row['r_pu'] * scale!r},{row['x_pu'] * scale!r},{100.0 * scale!r}",
                f"{row['tap']!r},0,{row['shift_deg']!r},{_ratings(row)},0,0,1.1,0.9,1.1,0.9,33,0,0,0,0",
                "1.0,0",
            ]
    return lines


def _fixed(*parts: tuple[int, str]) -> str:
    """A line of fixed columns, each text from its column on, counted from 1."""
    width = max(column + len(text) for column, text in parts)
    cells = [" "] * width
    for column, text in parts:
        cells[column - 1 : column - 1 + len(text)] = text
    return "".join(cells).rstrip()


def cdf_text(grid: Grid, base_mva: float = 100.0) -> str:
    """Return the IEEE-CDF text of a grid; its buses get the numbers 1, 2, ... in their order."""
    number = {bus: i for i, bus in enumerate(grid.buses.index, start=1)}
    produced = grid.generators.groupby("bus")["p_mw"].sum()
    first = next(iter(grid.generators["bus"]), None)
    lines = [f" 08/19/93 {'WRITTEN FOR A TEST':<20} {base_mva:6.1f} 1993 W {grid.name}"]
    lines.append(f"{'BUS DATA FOLLOWS':<30}{len(number):5d} ITEMS")
    for bus, row in grid.buses.iterrows():
        kind = 3 if bus == first else 2 if bus in produced.index else 0
        parts = [(1, f"{number[bus]:4d}"), (7, f"Bus {number[bus]}"), (19, " 1"), (21, "  1"), (25, f"{kind:2d}")]
        parts += [(28, "1.0000"), (34, "   0.00"), (41, f"{row['load_mw']:9.3f}"), (50, f"{row['load_mvar']:9.3f}")]
        parts += [(59, f"{produced.get(bus, 0.0):9.2f}"), (77, f"{row['base_kv']:7.2f}"), (85, " 1.000")]
        parts += [(91, "   50.00"), (99, "  -50.00"), (107, f"{row['shunt_mw'] / base_mva:8.4f}")]
        lines.append(_fixed(*parts, (115, f"{row['shunt_mvar'] / base_mva:8.4f}")))
    lines += ["-999", f"{'BRANCH DATA FOLLOWS':<30}{len(grid.branches):5d} ITEMS"]
    for _, row in grid.branches.iterrows():
        winding = row["kind"] == "transformer"
        parts = [(1, f"{number[row['from_bus']]:4d}"), (6, f"{number[row['to_bus']]:4d}"), (11, " 1"), (17, "1")]
        parts += [(19, "1" if winding else "0"), (20, f"{row['r_pu']:10.7f}"), (30, f"{row['x_pu']:10.7f}")]
        rating = 0 if math.isinf(row["rating_mw"]) else row["rating_mw"]
        parts += [(41, f"{row['b_pu']:9.6f}"), (51, f"{rating:5.0f}"), (57, "    0"), (63, "    0")]
        lines.append(_fixed(*parts, (77, f"{row['tap'] if winding else 0:6.4f}"), (84, f"{row['shift_deg']:7.3f}")))
    return "\n".join([*lines, "-999", "END OF DATA", ""])


def uct_node(code: str, load: float, generation: float = 0.0, kind: int = 0, most: float | None = None) -> str:
    """A node of a UCTE file; generation is written with a minus."""
    kv = {"1": 380.0, "2": 220.0}[code[6]]
    parts = [(1, code), (10, "NODE"), (23, "0"), (25, str(kind)), (27, f"{kv:6.1f}"), (34, f"{load:7.1f}")]
    parts += [(42, f"{0.0:7.1f}"), (50, f"{-generation:7.1f}"), (58, f"{0.0:7.1f}")]
    if most is not None:
        parts += [(66, f"{0.0:7.1f}"), (74, f"{-most:7.1f}")]
    return _fixed(*parts)


def uct_line(one: str, other: str, order: int, x_ohm: float, limit_a: int, status: int = 0) -> str:
    """A line of a UCTE file."""
    parts = [(1, one), (10, other), (19, str(order)), (21, str(status)), (23, " 1.500"), (30, f"{x_ohm:6.2f}")]
    return _fixed(*parts, (37, f"{50.0:8.3f}"), (46, f"{limit_a:6d}"))


def uct_transformer(one: str, other: str, order: int, x_ohm: float, kv: tuple[float, float], limit_a: int) -> str:
    """A transformer of a UCTE file, from the node that does not regulate."""
    parts = [(1, one), (10, other), (19, str(order)), (21, "0"), (23, f"{kv[0]:5.1f}"), (29, f"{kv[1]:5.1f}")]
    parts += [(35, "500.0"), (41, " 0.300"), (48, f"{x_ohm:6.2f}"), (55, f"{0.0:8.3f}"), (64, f"{0.0:6.2f}")]
    return _fixed(*parts, (71, f"{limit_a:6d}"))


def uct_text() -> str:
    """A UCTE case: parallel lines, a tie line, a line that leaves the file, a ratio and a phase tap changer."""
    ratio = _fixed((1, "BCCCCC21"), (10, "BBBBBB11"), (19, "1"), (21, " 1.25"), (27, " 9"), (30, "  3"))
    phase = _fixed(
        (1, "BCCCCC21"),
        (10, "BAAAAA11"),
        (19, "1"),
        (40, " 1.50"),
        (46, " 90.0"),
        (52, "10"),
        (55, " -4"),
        (65, "ASYM"),
    )
    lines = ["##C 2007.05.01", "written for a test", "##N", "##ZBE", uct_node("BAAAAA11", 100, 600, 3, 900)]
    lines += [uct_node("BBBBBB11", 250), uct_node("BCCCCC21", 150), "##ZFR", uct_node("FAAAAA11", 50, 20, 2, 100)]
    lines += ["##ZXX", uct_node("XAAAAA11", 0), uct_node("XBBBBB11", 30), "##L"]
    lines += [uct_line("BAAAAA11", "BBBBBB11", 1, 15.0, 1000), uct_line("BAAAAA11", "BBBBBB11", 2, 18.0, 1000)]
    lines += [uct_line("BAAAAA11", "XAAAAA11", 1, 10.0, 900), uct_line("FAAAAA11", "XAAAAA11", 1, 12.0, 800)]
    lines += [uct_line("BBBBBB11", "FAAAAA11", 1, 12.0, 800, 8), uct_line("BBBBBB11", "XBBBBB11", 1, 12.0, 800)]
    lines += ["##T", uct_transformer("BCCCCC21", "BBBBBB11", 1, 12.0, (220.0, 400.0), 1200)]
    lines += [uct_transformer("BCCCCC21", "BAAAAA11", 1, 13.0, (220.0, 400.0), 1200), "##R", ratio, phase]
    return "\n".join([*lines, ""])
