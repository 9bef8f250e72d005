"""Where the labels of a map stand: each on a side of its circle, so that none lies on a circle or on another label.

Labels that may meet are arranged together, by trying sides in order of preference and going back where the last label
has none left. A part of the map that has no such arrangement, or too many to try, takes the sides that cover least.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIDES = (
    "top center",
    "bottom center",
    "middle right",
    "middle left",
    "top right",
    "top left",
    "bottom right",
    "bottom left",
)
"""Sides of a circle in order of preference, as figures name them."""

CHARACTER_PX, LINE_PX = 9.0, 16.0
"""Width of a character and height of a line of a label of 12 px, bold, in a wide typeface [px] (seen in Chromium)."""

GAP_PX = 3.0
"""Distance of a label from its circle [px] (seen in Chromium)."""

MOST_TRIED = 20_000
"""Sides tried in one part of a map before the sides that cover least are taken: a tenth of a second (unverified: a
choice)."""

Boxes = np.ndarray
"""Rectangles by their west, south, east and north ends, shape (..., 4) [km]."""


def label_sides(
    x: np.ndarray, y: np.ndarray, diameter_px: Sequence[float], size_px: Sequence[tuple[float, float]], km_per_px: float
) -> list[str]:
    """Return for each label a side of its circle where it meets no circle and no other label, where there is room.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centres of circles [km].
    diameter_px : sequence of float
        Their diameters [px].
    size_px : sequence of (float, float)
        Width and height of each label [px].
    km_per_px : float
        Scale of the map as it is first shown [km/px].
    """
    radius = np.asarray(diameter_px, float) / 2 * km_per_px
    boxes = label_boxes(x, y, diameter_px, size_px, km_per_px)
    circles = np.column_stack([x - radius, y - radius, x + radius, y + radius])
    # What of a label lies on circles other than its own, whatever the other labels do [km2].
    others = [np.delete(circles, i, axis=0) for i in range(len(x))]
    covered = np.array([[shared(box, others[i]).sum() for box in boxes[i]] for i in range(len(x))])
    sides = np.zeros(len(x), dtype=int)
    for part in _parts(boxes):
        arranged = _arranged(part, boxes, covered)
        chosen = _least_covered(part, boxes, covered) if arranged is None else arranged
        for i, side in chosen.items():
            sides[i] = side
    return [SIDES[side] for side in sides]


def label_boxes(
    x: np.ndarray, y: np.ndarray, diameter_px: Sequence[float], size_px: Sequence[tuple[float, float]], km_per_px: float
) -> Boxes:
    """Rectangle that each label takes on each side of its circle, shape (n, side, 4) [km]."""
    made = np.empty((len(x), len(SIDES), 4))
    for i, ((width, height), diameter) in enumerate(zip(size_px, diameter_px, strict=True)):
        away, w, h = (np.array([diameter / 2 + GAP_PX, width, height]) * km_per_px).tolist()
        starts = {"left": -away - w, "center": -w / 2, "right": away}
        bottoms = {"top": away, "middle": -h / 2, "bottom": -away - h}
        for k, side in enumerate(SIDES):
            vertical, horizontal = side.split()
            west, south = float(x[i]) + starts[horizontal], float(y[i]) + bottoms[vertical]
            made[i, k] = west, south, west + w, south + h
    return made


def size_of(lines: Sequence[str]) -> tuple[float, float]:
    """Width and height of a label of some lines [px]."""
    return CHARACTER_PX * max(map(len, lines), default=0), LINE_PX * len(lines)


def shared(box: Boxes, others: Boxes) -> np.ndarray:
    """Area that a rectangle shares with each of others [km2]."""
    ends = np.minimum(box[2:], others[..., 2:]) - np.maximum(box[:2], others[..., :2])
    return np.asarray(np.prod(np.maximum(ends, 0.0), axis=-1))


def _parts(boxes: Boxes) -> list[list[int]]:
    """Labels that can meet on some sides, directly or through others, in the order of the first of each."""
    hulls = np.concatenate([boxes[:, :, :2].min(axis=1), boxes[:, :, 2:].max(axis=1)], axis=1)
    left, parts = list(range(len(boxes))), []
    while left:
        part, met = [], [left.pop(0)]
        while met:
            part.append(met.pop(0))
            near = shared(hulls[part[-1]], hulls) > 0
            met += [i for i in left if near[i]]
            left = [i for i in left if not near[i]]
        parts.append(part)
    return parts


def _arranged(part: list[int], boxes: Boxes, covered: np.ndarray) -> dict[int, int] | None:
    """Sides on which no label of a part covers anything; ``None`` where none was found."""
    free = {i: [side for side in range(len(SIDES)) if covered[i, side] == 0.0] for i in part}
    order = sorted(part, key=lambda i: (len(free[i]), i))
    chosen: list[int] = []
    nexts, tried = [iter(free[order[0]])], 0
    while nexts and tried < MOST_TRIED:
        i = order[len(chosen)]
        placed = np.array([boxes[j, side] for j, side in zip(order, chosen, strict=False)]).reshape(-1, 4)
        for side in nexts[-1]:
            tried += 1
            if not shared(boxes[i, side], placed).any():
                chosen.append(side)
                break
        else:
            nexts.pop()
            if chosen:
                chosen.pop()
            continue
        if len(chosen) == len(order):
            return dict(zip(order, chosen, strict=True))
        nexts.append(iter(free[order[len(chosen)]]))
    return None


def _least_covered(part: list[int], boxes: Boxes, covered: np.ndarray) -> dict[int, int]:
    """Sides of which none alone covers less, of circles and other labels together."""
    chosen = {i: int(np.argmin(covered[i])) for i in part}
    for _ in range(len(SIDES) * len(part)):
        before = dict(chosen)
        for i in part:
            others = np.array([boxes[j, chosen[j]] for j in part if j != i]).reshape(-1, 4)
            cover = [covered[i, side] + shared(boxes[i, side], others).sum() for side in range(len(SIDES))]
            if min(cover) < cover[chosen[i]]:
                chosen[i] = int(np.argmin(cover))
        if chosen == before:
            break
    return chosen
