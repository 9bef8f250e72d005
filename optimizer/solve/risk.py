"""Risk: mean and conditional value at risk of costs that come with probabilities.

``(1 - w) E[Z] + w CVaR_a[Z]`` with ``CVaR_a[Z] = min_v v + E[max(Z - v, 0)] / (1 - a)`` (R. T. Rockafellar and
S. Uryasev, "Optimization of conditional value-at-risk", Journal of Risk 2(3), 2000). It is also the largest weighted
sum ``sum q Z`` over weights ``q = (1 - w) p + w y`` with ``0 <= y <= p / (1 - a)`` and ``sum y = 1``; so any such
weights bound it from below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Risk:
    """How costs of several futures become one figure.

    Parameters
    ----------
    probability : ndarray, shape (n_future,)
        Probabilities, their sum 1 [-].
    weight : float
        Weight of the conditional value at risk [-].
    level : float
        Its level [-].
    """

    probability: Floats
    weight: float
    level: float

    def mean(self, costs: Floats) -> float:
        """Return the expected cost, in the unit of `costs`."""
        return float(self.probability @ costs)

    def cvar(self, costs: Floats) -> float:
        """Return the mean of the worst ``1 - level`` of costs, in their unit."""
        return float(self.tail(costs) @ costs) if np.isfinite(costs).all() else float("inf")

    def of(self, costs: Floats) -> float:
        """Return the objective, in the unit of `costs`; infinite if one of them is."""
        if not np.isfinite(costs).all():
            return float("inf")
        return float(self.weights(costs) @ costs)

    def weights(self, costs: Floats) -> Floats:
        """Return the weights under which the costs sum to the objective, shape (n_future,) [-]."""
        return (1.0 - self.weight) * self.probability + self.weight * self.tail(costs)

    def tail(self, costs: Floats) -> Floats:
        """Return the weights of the conditional value at risk: the dearest futures first, as far as they go [-]."""
        weights, left = np.zeros(len(costs)), 1.0
        for i in np.argsort(-costs, kind="stable"):
            weights[i] = min(left, self.probability[i] / (1.0 - self.level))
            left -= weights[i]
        return weights
