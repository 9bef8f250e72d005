"""What is left to explore of the space of limited objectives: disjoint boxes.

One objective is minimized while the others are limited. A search below limits v that ends at a plan with values q shows
that no plan between q and v is better in the minimized objective: the box [q, v) is explored. One that finds no plan
shows that there is none below v. What is left is cut into disjoint boxes, of which the widest is searched next, so that
few searches spread over the whole frontier and many find all of it (after G. Kirlik and S. Sayin, "A new algorithm for
generating all nondominated solutions of multiobjective discrete optimization problems", European Journal of Operational
Research 232(3), 2014, which searches rectangles in the same way).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Corner = tuple[float, ...]


@dataclass(frozen=True)
class Box:
    """Values at least `lower` and less than `upper`; `halved` tells that its middle has been searched in vain."""

    lower: Corner
    upper: Corner
    halved: bool = False


@dataclass
class Unexplored:
    """The boxes left.

    Parameters
    ----------
    lower : tuple of float
        Values that no plan goes below.
    reach : tuple of float
        Values up to which plans are expected; beyond them boxes count as thin, but are explored too.
    step : tuple of float
        Differences that count as none: a box thinner than that is empty.
    """

    lower: Corner
    reach: Corner
    step: Corner
    boxes: list[Box] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.boxes = [Box(self.lower, tuple(math.inf for _ in self.lower))]

    def next(self, spread: bool) -> tuple[Box, Corner] | None:
        """Return the widest box and the limits to search below, or None when nothing is left.

        Parameters
        ----------
        spread : bool
            Search below the middle of the box first, for few plans far apart; otherwise below its upper corner.
        """
        self.boxes = [b for b in self.boxes if not self._is_thin(b)]
        if not self.boxes:
            return None
        box = max(self.boxes, key=lambda b: (self._size(b), b.upper, b.lower))
        if not spread or box.halved or any(math.isinf(u) for u in box.upper):
            return box, box.upper
        return box, tuple((low + high) / 2 for low, high in zip(box.lower, box.upper, strict=True))

    def explore(self, lower: Sequence[float], upper: Sequence[float]) -> None:
        """Take out the box from `lower` to `upper`."""
        self.boxes = [piece for box in self.boxes for piece in _without(box, tuple(lower), tuple(upper))]

    def mark(self, box: Box, halved: bool) -> None:
        """Note of what is left of a box whether its middle gave nothing new."""
        self.boxes = [Box(b.lower, b.upper, halved) if _contains(box, b) else b for b in self.boxes]

    def _is_thin(self, box: Box) -> bool:
        return any(high - low <= s for low, high, s in zip(box.lower, box.upper, self.step, strict=True))

    def _size(self, box: Box) -> float:
        """Share of the expected range; a box beyond it, or one never searched below infinity, comes by its own rule."""
        size = 1.0
        for low, high, start, end in zip(box.lower, box.upper, self.lower, self.reach, strict=True):
            size *= max(0.0, min(high, end) - low) / max(end - start, 1e-300)
        return size


def _contains(outer: Box, inner: Box) -> bool:
    lower = all(a <= b for a, b in zip(outer.lower, inner.lower, strict=True))
    return lower and all(a >= b for a, b in zip(outer.upper, inner.upper, strict=True))


def _without(box: Box, lower: Corner, upper: Corner) -> Iterator[Box]:
    """Cut a box into what lies outside another one: below and above it in one value after the other."""
    low = tuple(max(a, b) for a, b in zip(box.lower, lower, strict=True))
    high = tuple(min(a, b) for a, b in zip(box.upper, upper, strict=True))
    if any(a >= b for a, b in zip(low, high, strict=True)):
        yield box
        return
    inner_low, inner_high = list(box.lower), list(box.upper)
    for k in range(len(low)):
        if inner_low[k] < low[k]:
            yield Box(tuple(inner_low), (*inner_high[:k], low[k], *inner_high[k + 1 :]), box.halved)
        if high[k] < inner_high[k]:
            yield Box((*inner_low[:k], high[k], *inner_low[k + 1 :]), tuple(inner_high), box.halved)
        inner_low[k], inner_high[k] = low[k], high[k]
