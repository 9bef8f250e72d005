"""Thresholds: values of a quantity at which the set of sites of the best plan changes, found by halving.

Every value tried is a whole study. At a threshold two sets of sites cost the same, so close to it plans that are only
proven to within a gap may be on either side: the value is where the plans found change, and is the threshold itself, to
the stated width, where both of its plans are optimal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from optimizer.progress import Progress, silent
from optimizer.solve.varied import Bar, Solved, solve_at
from optimizer.study.ranges import is_whole
from optimizer.study.study import Study

DEFAULT_WIDTH = 1 / 16
"""Width to which thresholds are found, as a share of the range, where a range states none [-]."""


@dataclass(frozen=True)
class Threshold:
    """Two values of a quantity, close together, whose plans build different sites.

    Parameters
    ----------
    bar : Bar
        The quantity.
    below, above : Solved
        At the lower and the higher of the two values.
    """

    bar: Bar
    below: Solved
    above: Solved

    @property
    def is_proven(self) -> bool:
        """Whether both plans are optimal; otherwise sites may change elsewhere, within the gaps."""
        return all(one.status in ("optimal", "infeasible") for one in (self.below, self.above))


def find_thresholds(study: Study, bar: Bar, base: Solved, progress: Progress = silent) -> Iterator[Threshold]:
    """Find where the sites change between each two neighbours of low, the study's own value and high.

    Parameters
    ----------
    study : Study
        The study, without ranges of its own.
    bar : Bar
        The quantity, solved at both ends.
    base : Solved
        The study's own plan.
    progress : callable
        Told the stage and a line of text.
    """
    one = bar.settings
    known = [bar.low, bar.high]
    if not np.isnan(bar.own_value) and bar.own_value not in (one.low, one.high):
        known.append(Solved(bar.own_value, base.status, base.objective, base.bound, base.gap, base.sites))
    known.sort(key=lambda solved: solved.value)
    width = one.width or DEFAULT_WIDTH * (one.high - one.low)
    whole = is_whole(study.config, one)
    for below, above in pairwise(known):
        if _same_sites(below, above) or "limit_without_plan" in (below.status, above.status):
            continue
        found = bisect(below, above, 1.0 if whole else width, lambda at: solve_at(study, one, at, progress), whole)
        yield Threshold(bar, *found)


def _same_sites(one: Solved, other: Solved) -> bool:
    return one.has_plan == other.has_plan and one.sites == other.sites


def bisect(
    below: Solved, above: Solved, width: float, solve: Callable[[float], Solved], is_whole: bool = False
) -> tuple[Solved, Solved]:
    """Close in on a value at which the set of sites changes.

    Parameters
    ----------
    below, above : Solved
        Two values at which the sets differ.
    width : float
        Distance of the two values at which to stop.
    solve : callable
        Takes a value, returns the study solved there.
    is_whole : bool
        Whether only whole values can be tried.

    Returns
    -------
    tuple of Solved
        Two values no farther apart than that, with different sets: the change nearest to the lower value where there
        are several and none in between goes unseen.
    """
    while above.value - below.value > width * (1 + 1e-9):
        at = (below.value + above.value) / 2
        middle = solve(float(np.floor(at)) if is_whole else at)
        if middle.status == "limit_without_plan":
            break
        if _same_sites(middle, below):
            below = middle
        else:
            above = middle
    return below, above
