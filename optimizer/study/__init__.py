"""From a study file and its inputs to a case: region, candidate sites, points of interconnection, numbers only."""

from optimizer.study.study import Candidates, Study, read_study

__all__ = ["Candidates", "Study", "read_study"]
