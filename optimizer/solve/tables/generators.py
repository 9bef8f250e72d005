"""Table of generators by site, where a local rule limits their number."""

from __future__ import annotations

import math

import pandas as pd

from optimizer.formulation.generators import backup_unit_mw, counted_technologies
from optimizer.study.case import Case

ROUNDING = 1e-6
"""Part of a unit that is rounding [-]."""


def generator_table(case: Case, placed: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Table ``generators``; none where no site has a limit.

    Parameters
    ----------
    case : Case
        The case.
    placed : DataFrame
        ``site, period`` of what is built.
    tables : dict of DataFrame
        ``supply`` and ``service_years``, where the plan has them.
    """
    if not case.max_generators:
        return {}
    own, years, unit_mw = tables.get("supply"), tables.get("service_years"), backup_unit_mw(case)
    standing = {} if own is None else own.set_index(["site", "technology", "period"])["capacity_mw"].to_dict()
    backed = {} if years is None else years.set_index(["site", "period"])["backup_capacity_mw"].to_dict()
    rows = []
    for s, t in placed[["site", "period"]].itertuples(index=False, name=None):
        if s not in case.max_generators:
            continue
        units = 0
        for q in counted_technologies(case, s):
            assert case.supply is not None
            units += round(standing.get((s, q, t), 0.0) / float(case.supply.technologies.at[q, "unit_mw"]))
        backup = math.ceil(backed.get((s, t), 0.0) / unit_mw - ROUNDING) if unit_mw else 0
        rows.append((s, t, units, backup, case.max_generators[s]))
    return {"generators": pd.DataFrame(rows, columns=["site", "period", "own_units", "backup_units", "max_units"])}
