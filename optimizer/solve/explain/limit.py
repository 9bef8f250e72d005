"""One limit of a case, and what is asked of a plan beside the case."""

from __future__ import annotations

import math
from dataclasses import dataclass

RATINGS = ("power_flow.within_normal_rating", "security.within_emergency_rating")
"""Rules of branch ratings, by which a conflict names every snapshot at once."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a plan beside the case.

    Parameters
    ----------
    built : tuple of str
        Sites that it must build by the last period.
    most_musd : float
        What it may cost at most; infinite where nobody asks [M$].
    """

    built: tuple[str, ...] = ()
    most_musd: float = math.inf


@dataclass(frozen=True, order=True)
class Limit:
    """One limit, or, without an element, all limits of a rule in a period and snapshot.

    Parameters
    ----------
    rule : str
        Block and name of the constraint, such as ``"siting.demand_is_met"``.
    element : str
        Site, tie, branch, generator, basin or upgrade; empty where the rule has one limit only.
    period : int
        Year; 0 where the limit is the same in all.
    snapshot : str
        Operating condition; empty where the limit is the same in all.
    outage : str
        Outage after which it holds; empty otherwise.
    """

    rule: str
    element: str = ""
    period: int = 0
    snapshot: str = ""
    outage: str = ""

    @property
    def group(self) -> Limit:
        """All limits of the rule in the same period and snapshot; of ratings, in every snapshot."""
        snapshot = "" if self.rule in RATINGS else self.snapshot
        return Limit(self.rule, "", self.period, snapshot)
