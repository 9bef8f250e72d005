"""How a table of a plan is described: its columns, and the type and unit that follow from a column's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

Kind = Literal["id", "text", "float", "int"]

DECIMALS = 6
"""Decimals kept of every number that is written [-]."""


@dataclass(frozen=True)
class PlanColumn:
    """One column of a plan's table.

    Parameters
    ----------
    name : str
        Name, ending in its unit.
    kind : {"id", "text", "float", "int"}
        Ids and texts are text; a missing number is an empty cell.
    unit : str
        Unit of the number, ``"-"`` for a pure number, empty for text.
    meaning : str
        What it is.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str


@dataclass(frozen=True)
class PlanTable:
    """One table of a plan.

    Parameters
    ----------
    keys : tuple of str
        Columns that name a row; no two rows agree in all of them.
    columns : tuple of PlanColumn
        All columns in the order in which they are written.
    order : tuple of str
        Columns by which rows are sorted, ``-`` before a name for descending; the keys unless stated.
    """

    keys: tuple[str, ...]
    columns: tuple[PlanColumn, ...]
    order: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]


_KINDS: dict[str, Kind] = {"period": "int", "in_service": "int", "earliest": "int", "circuits": "int"}
_KINDS |= dict.fromkeys(("blocks", "max_blocks", "count"), "int")
_TEXTS = (
    "payer cooling county basin iecc_zone rule limit unit account source scenario kind technology zone replaces".split()
)
_KINDS |= dict.fromkeys(_TEXTS, "text")
_IDS = "site bus tie branch upgrade circuit link generator snapshot contingency place element from_bus to_bus region"
_KINDS |= dict.fromkeys((*_IDS.split(), "workload", "item", "rack", "programme"), "id")
_UNITS = (
    ("_usd_per_mwh", "$/MWh"),
    ("_usd_per_m3", "$/m3"),
    ("_m3_per_mwh", "m3/MWh"),
    ("_usd_per_unit", "$/unit"),
    ("_musd_per_mw", "M$/MW"),
    ("_t_per_year", "t/year"),
    ("_m3_day", "m3/day"),
    ("_mwh_per_year", "MWh/year"),
    ("_mwh", "MWh"),
    ("_musd", "M$"),
    ("_mwh", "MWh"),
    ("_mw_years", "MW-year"),
    ("_mw_months", "MW-month"),
    ("_usd_per_mw_month", "$/MW-month"),
    ("_hours", "h"),
    ("_mw", "MW"),
    ("_ms", "ms"),
    ("_kv", "kV"),
    ("_km", "km"),
    ("_ha", "ha"),
    ("_t", "t"),
)


def _unit(name: str, kind: Kind) -> str:
    if kind in ("id", "text"):
        return ""
    if name in ("lat", "lon"):
        return "deg"
    if name in ("period", "in_service", "earliest"):
        return "year"
    return next((unit for suffix, unit in _UNITS if name.endswith(suffix)), "-")


def plan_table(keys: str, order: str = "", kinds: dict[str, Kind] | None = None, **meanings: str) -> PlanTable:
    """Describe a table; type and unit follow from the name, as everywhere in the project, but for `kinds`."""
    columns = []
    for name, meaning in meanings.items():
        kind = (kinds or {}).get(name, _KINDS.get(name, "float"))
        columns.append(PlanColumn(name, kind, _unit(name, kind), meaning))
    return PlanTable(tuple(keys.split()), tuple(columns), tuple((order or keys).split()))


def typed(table: pd.DataFrame, spec: PlanTable) -> pd.DataFrame:
    """The columns of a table in their order and of their type, numbers rounded to the decimals that are written."""
    made = {c.name: _typed(table[c.name], c.kind) for c in spec.columns}
    return pd.DataFrame(made, columns=spec.names)


def _typed(values: pd.Series, kind: Kind) -> Any:
    # Arrays, not series: a plan has hundreds of columns, most of them short.
    if kind in ("id", "text"):
        texts = values.to_numpy(dtype=object)
        return pd.array(["" if gone else str(v) for v, gone in zip(texts, pd.isna(texts), strict=True)], dtype="str")
    if kind == "int":
        return values.astype("Int64" if values.isna().any() else "int64").array
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan).round(DECIMALS) + 0.0
