"""A bound for everything, found while plans are looked for.

The first node of the solver's search of the whole program needs nothing of the plans, and takes as long as finding one.
It runs in a thread of its own, on rows of its own. It ends early only where its bound closes the gap of the best plan,
and no bound beyond that is ever kept: so what is kept does not depend on which of the two was faster.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np

from optimizer.solve.compact import Compact
from optimizer.solve.highs import Outcome
from optimizer.solve.standing import Standing


class BoundAlongside:
    """The search of everything for its bound alone, from when the context is entered.

    Parameters
    ----------
    standing : Standing
        Its best plan says which bound is enough.
    compact : Compact
        The program with limits that are known to matter; nothing else may use it.
    options : mapping
        Of HiGHS.
    """

    def __init__(self, standing: Standing, compact: Compact, options: Mapping[str, Any]) -> None:
        self.standing, self.compact, self.options = standing, compact, options
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> BoundAlongside:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped = True
        self._thread.join()

    def wait(self) -> None:
        """Wait for the bound, and keep it.

        Raises
        ------
        BaseException
            What the search raised.
        """
        with self.standing.booked("bound"):
            while self._thread.is_alive():
                self._thread.join(0.2)
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        if self._outcome.status == "infeasible" and self.standing.best is None:
            self.standing.raise_bound(np.inf)
        else:
            self.standing.raise_bound(min(self._outcome.bound, self.standing.worth()))

    def _is_enough(self, bound: float) -> bool:
        return self._stopped or bound >= self.standing.ceiling()

    def _run(self) -> None:
        try:
            whole = np.flatnonzero(self.compact.integer)
            with self.compact.highs.stopping(self._is_enough):
                self._outcome = self.compact.decide(whole, 0.0, self.options)
        except BaseException as error:
            # Raised again where the bound is asked for.
            self._error = error
