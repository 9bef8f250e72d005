"""From a study file and its inputs to a case: region, candidate sites, points of interconnection, numbers only."""

from optimizer.study.from_file import read_study
from optimizer.study.study import Candidates, Study

__all__ = ["Candidates", "Study", "read_study"]
