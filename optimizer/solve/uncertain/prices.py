"""Prices on the first stage: what a future pays for decisions that others would not take, the sum over futures zero.

Where many sites are much alike, futures that are solved alone disagree on how many to build more than on which. So
first one price for each period is put on every site alike, and one on every early upgrade: few enough to be chosen best
against all plans known (the cutting-plane method, J. E. Kelley, "The cutting-plane method for solving convex programs",
Journal of the Society for Industrial and Applied Mathematics 8(4), 1960). Once that gives no more, prices of single
decisions follow what each future takes beyond the mean of all (subgradient steps of B. T. Polyak, "Minimization of
unsmooth functionals", USSR Computational Mathematics and Mathematical Physics 9(3), 1969).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.optimize
import scipy.sparse as sp

from optimizer.solve.risk import Floats
from optimizer.solve.uncertain.first import FirstStage, Key

PATIENCE = 2
"""Rounds without a better bound after which steps are halved (unverified: the usual rule)."""

Known = Sequence[Mapping[FirstStage, float]]
"""For each future, what first stages that have been tried cost in it [M$]."""


Counts = dict[tuple[str, str], float]
"""Price by what is counted [M$]."""


def counted(key: Key) -> tuple[str, str] | None:
    """Return what a decision is counted with: sites by period, early upgrades together; the rest is not counted."""
    kind, _, when = key
    return ("build", when) if kind == "build" else ("upgrade", "") if kind == "upgrade" else None


def prices_of_counts(
    known: Known, weights: Floats, most_musd: float
) -> tuple[list[dict[tuple[str, str], float]], float]:
    """Choose prices of counts best against all plans known.

    Maximize ``sum_i g_i`` with ``g_i <= q_i c_ik + sum_f n_kf l_if`` for every plan k, ``sum_i l_if = 0`` and
    ``|l_if| <= most_musd``.

    Parameters
    ----------
    known : sequence of mapping
        Costs of first stages in each future [M$]; none of them empty.
    weights : ndarray, shape (n_future,)
        Weights q of the futures [-].
    most_musd : float
        Largest price [M$].

    Returns
    -------
    prices : list of dict
        For each future, price by what is counted [M$].
    reach : float
        What the bound cannot be raised above by such prices [M$].
    """
    features = sorted({f for one in known for chosen in one for f in map(counted, chosen) if f is not None})
    n, width = len(known), len(features)
    column = {f: i for i, f in enumerate(features)}
    rows, limits = [], []
    for i, one in enumerate(known):
        for chosen, cost in one.items():
            row = np.zeros(n * width + n)
            for f in map(counted, chosen):
                if f is not None:
                    row[i * width + column[f]] -= 1.0
            row[n * width + i] = 1.0
            rows.append(row)
            limits.append(weights[i] * cost)
    balance = sp.hstack([sp.identity(width)] * n + [sp.csr_matrix((width, n))]) if width else None
    found = scipy.optimize.linprog(
        np.concatenate([np.zeros(n * width), -np.ones(n)]),
        A_ub=np.array(rows),
        b_ub=np.array(limits),
        A_eq=balance,
        b_eq=np.zeros(width) if width else None,
        bounds=[(-most_musd, most_musd)] * (n * width) + [(None, None)] * n,
        method="highs",
    )
    if found.status != 0:
        return [{} for _ in known], -np.inf
    values = found.x[: n * width].reshape(n, width)
    return [dict(zip(features, line.tolist(), strict=True)) for line in values], -float(found.fun)


class Steps:
    """Steps of the prices of single decisions."""

    def __init__(self, n_futures: int) -> None:
        self.prices: list[dict[Key, float]] = [{} for _ in range(n_futures)]
        self.share, self.without = 1.0, 0

    def move(self, chosen: Sequence[FirstStage], missing_musd: float, is_better: bool) -> None:
        """Raise the price of what a future decides and others do not; lower that of what it does not and others do.

        Parameters
        ----------
        chosen : sequence of FirstStage
            What each future decided.
        missing_musd : float
            What the bound is below the best plan [M$].
        is_better : bool
            Whether the last prices raised the bound.
        """
        self.without = 0 if is_better else self.without + 1
        if self.without >= PATIENCE:
            self.share, self.without = self.share / 2, 0
        shares = {k: sum(k in one for one in chosen) / len(chosen) for k in sorted(frozenset().union(*chosen))}
        apart = [{k: (k in one) - share for k, share in shares.items() if share < 1.0} for one in chosen]
        length = sum(x * x for one in apart for x in one.values())
        if length <= 0 or not np.isfinite(missing_musd) or missing_musd <= 0:
            return
        step = self.share * missing_musd / length
        for prices, one in zip(self.prices, apart, strict=True):
            for key, x in one.items():
                prices[key] = prices.get(key, 0.0) + step * x
