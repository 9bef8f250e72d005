"""Terrain tables of the interconnection dataset, by name."""

from __future__ import annotations

import math
from pathlib import Path

from optimizer.errors import Finding
from optimizer.grid.schema import Column
from optimizer.layers.terrain import TerrainTable
from optimizer.study.facts import read_checked

TERRAIN = (
    Column("table", "id", required=True, meaning="Name of the table."),
    Column("class", "id", required=True, meaning="Class of land cover or slope."),
    Column("from_value", "float", "", None, True, meaning="First value of the class: code, or slope in percent."),
    Column("below_value", "float", "", math.inf, meaning="Values of the class are below this."),
    Column("factor", "float", "", None, True, 0, meaning="Factor on the cost of a line.", lower_open=True),
)
"""Columns of ``terrain_multipliers.csv``."""


def read_terrain(path: Path) -> tuple[dict[str, TerrainTable], list[Finding]]:
    """Read terrain tables.

    Parameters
    ----------
    path : Path
        The table, one row a class.

    Returns
    -------
    tables : dict of str to TerrainTable
        By name.
    findings : list of Finding
        Errors.
    """
    frame, findings = read_checked(path, TERRAIN, path.name, ("table", "class"))
    tables = {
        str(name): TerrainTable(*(rows[c].to_numpy(dtype=float) for c in ("from_value", "below_value", "factor")))
        for name, rows in frame.groupby("table", sort=True)
    }
    return tables, findings
