"""Cost of the best plan of a small study, for tests that compare several of them."""

from __future__ import annotations

import numpy as np

from optimizer.solve.loop import Limits, find_plan
from optimizer.solve.program import Clock, SecureProgram
from optimizer.study.study import Study


def least_musd(study: Study) -> float:
    """Present value of the cost of the best plan, infinite where there is none [M$]."""
    found = find_plan(SecureProgram(study.case, 1, 0, Clock(), lambda line: None), Limits(0.0, 200), abs)
    assert found.status in ("optimal", "infeasible")
    return float(found.objective) if found.status == "optimal" else np.inf
