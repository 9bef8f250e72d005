"""Substations of PSS/E RAW files of version 34 and 35: their names and where they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Parts of the data of a substation after its own line, each ended by a 0.
_PARTS = ("nodes", "switching devices", "terminals")


def read_stations(rows: Sequence[tuple[int, list[str]]]) -> dict[str, dict[str, object]]:
    """Return substation, latitude and longitude by bus number.

    Parameters
    ----------
    rows : sequence of (int, list of str)
        Line number and cells of the lines of the section.

    Returns
    -------
    dict of str to dict
        ``substation`` by bus, and ``lat`` and ``lon`` [deg] where both are given. What cannot be read is left out.
    """
    found: dict[str, dict[str, object]] = {}
    part = -1
    station: dict[str, object] = {}
    for _, cells in rows:
        if not cells:
            continue
        if part < 0 and cells[0] != "0":
            station, part = _station(cells), 0
        elif cells[0] == "0":
            part = part + 1 if 0 <= part < len(_PARTS) - 1 else -1
        elif part == 0 and len(cells) > 2:
            found.setdefault(cells[2], station)
    return found


def _station(cells: Sequence[str]) -> dict[str, object]:
    name = (cells[1] if len(cells) > 1 else "") or cells[0]
    place = [_degrees(cells[k]) if len(cells) > k else math.nan for k in (2, 3)]
    if not (abs(place[0]) <= 90 and abs(place[1]) <= 180) or place == [0, 0]:  # 0 and 0 stand for not known
        return {"substation": name}
    return {"substation": name, "lat": place[0], "lon": place[1]}


def _degrees(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
