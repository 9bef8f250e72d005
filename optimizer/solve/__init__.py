"""From a study to a proven plan: the solver, the loop that adds rows, and what surrounds it."""

from optimizer.solve.run import solve_study

__all__ = ["solve_study"]
