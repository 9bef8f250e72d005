"""The components of a PyPSA network as they are in its netCDF file or its folder of CSV tables.

Source of the layout: PyPSA documentation, "Import and Export" and the lists of component attributes,
https://docs.pypsa.org.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np
import pandas as pd
from scipy.io import netcdf_file

from optimizer.errors import Finding, InputError
from optimizer.io.raw_table import RawTable
from optimizer.io.reading import MAX_CELLS, read_bytes, read_table, refuse

#: Attributes that are read, by component.
WANTED: dict[str, tuple[str, ...]] = {
    name: tuple(attributes.split())
    for name, attributes in {
        "buses": "v_nom x y carrier v_mag_pu_min v_mag_pu_max country location",
        "carriers": "co2_emissions",
        "lines": "bus0 bus1 type x r g b s_nom s_nom_extendable s_nom_max capital_cost s_max_pu length num_parallel "
        "v_ang_max active",
        "line_types": "f_nom r_per_length x_per_length c_per_length",
        "transformers": "bus0 bus1 type model x r g b s_nom s_nom_extendable s_nom_max capital_cost s_max_pu "
        "num_parallel tap_ratio tap_side tap_position phase_shift v_ang_max active",
        "transformer_types": "s_nom vsc vscr pfe i0 phase_shift tap_side tap_neutral tap_step",
        "generators": "bus p_nom p_nom_extendable p_min_pu p_max_pu p_set q_set sign carrier marginal_cost "
        "marginal_cost_quadratic efficiency active",
        "storage_units": "bus p_nom p_nom_extendable p_min_pu p_max_pu p_set q_set sign carrier marginal_cost "
        "marginal_cost_quadratic efficiency_dispatch active",
        "loads": "bus p_set q_set sign active",
        "links": "bus0 bus1 bus2 carrier efficiency p_nom p_nom_extendable p_min_pu p_max_pu p_set "
        "marginal_cost active",
        "shunt_impedances": "bus g b active",
    }.items()
}
#: Components that are counted only.
UNREAD = ("stores", "processes", "global_constraints")

#: Cells of a series read at once.
_BLOCK = 2_000_000


@dataclass(frozen=True)
class Series:
    """Values by snapshot.

    Parameters
    ----------
    names : list of str
        Elements, one a column.
    rows : callable
        Rows from one snapshot up to another, shape (n_rows, n_names).
    """

    names: list[str]
    rows: Callable[[int, int], np.ndarray]

    def sums(self, count: int, weights: np.ndarray) -> np.ndarray:
        """Weighted sum of every snapshot, empty cells left out, shape (count,)."""
        step = max(1, _BLOCK // max(1, len(self.names)))
        parts = [np.nan_to_num(self.rows(i, min(i + step, count))) @ weights for i in range(0, count, step)]
        return np.concatenate(parts) if parts else np.zeros(0)


@dataclass
class Source:
    """What a file or folder holds.

    Parameters
    ----------
    file : str
        Name in findings.
    tables : dict of str to RawTable
        Static attributes by component.
    series : dict
        Series by (component, attribute).
    snapshots : int
        How many snapshots there are.
    srid : str
        Number of the coordinate reference system, empty if not given.
    unread : dict of str to int
        Rows of components that are not read.
    findings : list of Finding
        What was wrong.
    """

    file: str
    tables: dict[str, RawTable] = field(default_factory=dict)
    series: dict[tuple[str, str], Series] = field(default_factory=dict)
    snapshots: int = 1
    srid: str = ""
    unread: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def _table(name: str, columns: dict[str, Any], rows: list[str], file: str) -> RawTable:
    frame = pd.DataFrame({key: pd.Series(list(value), dtype=object) for key, value in columns.items()})
    frame = frame.reindex(range(len(rows)))
    frame.index = pd.Index(rows, dtype=object)
    return RawTable(frame, f"{file} {name}", "io.pypsa")


def read_netcdf(path: Path) -> Source:
    """Read a netCDF file of PyPSA, of the HDF5 or the classic kind.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        It cannot be read, is too large when unpacked, or has no buses of PyPSA.
    """
    data = read_bytes(path, path.name)
    # The libraries under netCDF raise whatever a damaged file leads them into; each is the same thing to the user.
    try:
        if data.startswith(b"CDF"):
            with netcdf_file(io.BytesIO(data), mmap=False) as classic:
                return _netcdf(path.name, classic.variables, classic._attributes, _classic)
        with h5py.File(io.BytesIO(data), "r") as hdf:
            # Where it fails on these, h5netcdf leaves a half-made object behind, which complains when it is deleted.
            dict(hdf.attrs)
            with h5netcdf.File(hdf, "r", decode_vlen_strings=True) as opened:
                return _netcdf(path.name, opened.variables, opened.attrs, _plain)
    except InputError:
        raise
    except Exception as failure:
        found = str(failure).splitlines()[0][:120] if str(failure) else type(failure).__name__
        remedy = "the file may be cut off or damaged: export the network again"
        raise refuse("io.pypsa.unreadable", path.name, "not a netCDF file that can be read", found, remedy) from failure


def _plain(variable: Any) -> np.ndarray:
    """Values of a variable, texts as text and what is marked as missing as nan."""
    values = np.asarray(variable[...])
    if values.dtype.kind in "OSU":
        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values.ravel().tolist()]
        return np.array(texts, dtype=object).reshape(values.shape)
    fill = variable.attrs.get("_FillValue")
    if fill is not None and values.dtype.kind in "if":
        values = np.where(values == np.asarray(fill).ravel()[0], np.nan, values.astype(float))
    return values


def _classic(variable: Any) -> np.ndarray:
    """Values of a variable of a classic file, where a text is a row of characters."""
    values = np.array(variable[...])
    if values.dtype.kind != "S":
        return values.astype(values.dtype.newbyteorder("="))
    rows = values.reshape(values.shape[0], -1) if values.ndim > 1 else values.reshape(-1, 1)
    return np.array([b"".join(row).rstrip(b"\0").decode("utf-8", "replace") for row in rows.tolist()], dtype=object)


def _netcdf(file: str, variables: Any, attributes: Any, values: Callable[[Any], np.ndarray]) -> Source:
    _check_size(file, variables)
    source = Source(file)
    named = {name: variables[name] for name in variables}
    if "buses_i" not in named:
        text, remedy = "no network of PyPSA is in the file", "write it with Network.export_to_netcdf"
        raise refuse("io.pypsa.missing", file, text, ", ".join(list(named)[:8]), remedy)
    srid = attributes.get("network_srid", "")
    source.srid = str(np.asarray(srid).ravel()[0]) if np.size(srid) else ""
    source.snapshots = int(named["snapshots"].shape[0]) if "snapshots" in named else 1
    for component, attributes_of in WANTED.items():
        if f"{component}_i" not in named:
            continue
        rows = [str(name) for name in values(named[f"{component}_i"]).tolist()]
        columns = {}
        for attribute in attributes_of:
            name = f"{component}_{attribute}"
            if name in named:
                column = values(named[name])
                if column.shape != (len(rows),):
                    raise refuse("io.pypsa.shape", f"{file} {name}", *_shape(column.shape, (len(rows),)))
                columns[attribute] = column.tolist()
        source.tables[component] = _table(component, columns, rows, file)
        for attribute in attributes_of:
            name = f"{component}_t_{attribute}"
            if name in named and f"{name}_i" in named:
                source.series[component, attribute] = _series(file, name, named, values, source.snapshots)
    source.unread = {name: int(named[f"{name}_i"].shape[0]) for name in UNREAD if f"{name}_i" in named}
    return source


def _series(file: str, name: str, named: dict[str, Any], values: Callable[[Any], np.ndarray], snapshots: int) -> Series:
    names = [str(v) for v in values(named[f"{name}_i"]).tolist()]
    variable = named[name]
    if tuple(variable.shape) != (snapshots, len(names)):
        raise refuse("io.pypsa.shape", f"{file} {name}", *_shape(tuple(variable.shape), (snapshots, len(names))))
    # The file is closed when a converter asks: what is kept is the array, as large as the file says it is.
    array = np.asarray(variable[...], dtype=float)
    return Series(names, lambda start, stop: array[start:stop])


def _shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[str, str, str]:
    remedy = "give a network without scenarios and whole as it was exported"
    return "the variable has another shape than its element and snapshots", f"{found} instead of {wanted}", remedy


def _check_size(file: str, variables: Any) -> None:
    cells = sum(int(np.prod(variables[name].shape, dtype=float)) for name in variables)
    if cells > MAX_CELLS:
        remedy = f"at most {MAX_CELLS:,} cells are read: export fewer snapshots"
        raise refuse("file.too_large", file, "the network is too large", f"{cells:,} cells", remedy)


def read_folder(path: Path) -> Source:
    """Read a folder of CSV tables of PyPSA.

    Parameters
    ----------
    path : Path
        The folder, with ``buses.csv``.

    Raises
    ------
    InputError
        With every finding of every table.
    """
    source = Source(path.name)
    files = {file.stem: file for file in sorted(path.iterdir()) if file.suffix == ".csv"}
    refused: list[Finding] = []
    if "buses" not in files:
        raise refuse("io.pypsa.missing", path.name, "the folder has no buses.csv", "", "export the network again")
    for component in ["snapshots", "network", *WANTED, *UNREAD]:
        if component not in files:
            continue
        try:
            _add_csv(source, component, files, refused)
        except InputError as error:
            refused += error.findings
    if refused:
        raise InputError(refused)
    return source


def _add_csv(source: Source, component: str, files: dict[str, Path], refused: list[Finding]) -> None:
    """Take one table, and the series of its component."""
    where = f"{source.file}/{component}.csv"
    frame = read_table(files[component], where=where)
    if component == "snapshots":
        source.snapshots = max(1, len(frame))
        return
    if component == "network":
        if "srid" in frame.columns and len(frame):
            source.srid = re.sub(r"\.0$", "", str(frame["srid"].iloc[0]).strip())
        return
    if component in UNREAD:
        source.unread[component] = len(frame)
        return
    if frame.columns.empty:
        refused.append(Finding("io.pypsa.columns", where, "the table has no columns", "", "export it again"))
        return
    if frame.columns.duplicated().any():
        name = str(frame.columns[frame.columns.duplicated()][0])
        refused.append(Finding("table.column.duplicate", where, "column is given more than once", name, "keep one"))
        return
    key = "name" if "name" in frame.columns else frame.columns[0]
    rows = [str(name) for name in frame[key]]
    columns = {name: frame[name].tolist() for name in WANTED[component] if name in frame.columns and name != key}
    source.tables[component] = _table(component, columns, rows, source.file)
    for attribute in WANTED[component]:
        stem = f"{component}-{attribute}"
        if stem in files:
            source.series[component, attribute] = _csv_series(source, files[stem], f"{source.file}/{stem}.csv")


def _csv_series(source: Source, file: Path, where: str) -> Series:
    raw = read_table(file, where=where)
    names = [str(name) for name in raw.columns[1:]]
    if len(raw) != source.snapshots:
        text, remedy = "the series has another number of rows than snapshots.csv", "export the network again"
        raise refuse("io.pypsa.shape", where, text, f"{len(raw)} rows", remedy)
    texts = raw.iloc[:, 1:]
    numbers = texts.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float) if names else np.zeros((len(raw), 0))
    bad = np.argwhere(np.isnan(numbers) & ~texts.isin(["", "nan", "NaN"]).to_numpy())
    if len(bad):
        row, column = bad[0]
        place = f"{where} row {raw.index[row]}, {names[column]}"
        text, remedy = "the value cannot be read", "write a number, or leave the cell empty"
        raise refuse("io.pypsa.value", place, text, repr(str(texts.iloc[row, column])[:80]), remedy)
    return Series(names, lambda start, stop: numbers[start:stop])
