"""Reading a table from disk: CSV, Parquet or a GeoPackage layer, with every way it can be unreadable said plainly.

Nothing here knows what a table means: `optimizer.grid.schema.check_table` checks names, types and values. Text stays
text, so that an id keeps its leading zeros and a finding can quote what was written.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio

from optimizer.errors import Finding, InputError, nearest
from optimizer.grid.schema import shorten

#: Largest file that is read [bytes].
MAX_BYTES = 200_000_000

#: Most cells of a table: a small compressed file can hold a very large table.
MAX_CELLS = 100_000_000

#: Suffixes of the formats a table may have.
TABLE_SUFFIXES = (".csv", ".parquet", ".gpkg")


def refuse(rule: str, where: str, message: str, found: str = "", remedy: str = "") -> InputError:
    """Return an `InputError` with a single finding, to be raised."""
    return InputError([Finding(rule, where, message, found, remedy)])


def read_bytes(path: Path, where: str = "") -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    path : Path
        The file.
    where : str
        Name of the file in findings; by default its path.

    Raises
    ------
    InputError
        The file is missing, a folder, unreadable, empty or larger than `MAX_BYTES`.
    """
    where = where or str(path)
    check_file(path, where)
    try:
        return path.read_bytes()
    except OSError as failure:
        raise refuse("file.unreadable", where, "the file cannot be read", failure.strerror or "") from failure


def check_file(path: Path, where: str, max_bytes: int = MAX_BYTES) -> None:
    """Raise `InputError` if there is no file of a readable size at `path`."""
    if path.is_dir():
        raise refuse("file.is_folder", where, "this is a folder, a file is needed", "", "name a file in it")
    if not path.is_file():
        raise refuse("file.missing", where, "the file does not exist", "", _missing_remedy(path))
    size = path.stat().st_size
    if size == 0:
        raise refuse("file.empty", where, "the file is empty", "0 bytes", "write it again from its source")
    if size > max_bytes:
        remedy = f"at most {max_bytes // 10**6} MB are read: keep only the rows and columns that are needed"
        raise refuse("file.too_large", where, "the file is too large", f"{size / 1e6:.0f} MB", remedy)


def read_text(path: Path, where: str = "") -> str:
    """Return the content of a UTF-8 text file, as `read_bytes` does; a byte order mark is dropped."""
    where = where or str(path)
    data = read_bytes(path, where)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        found = f"byte 0x{data[failure.start]:02x} in line {line}"
        raise refuse("file.encoding", where, "the file is not UTF-8 text", found, "save it as UTF-8") from failure
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        remedy = "save it as UTF-8 text"
        raise refuse("file.encoding", where, "the file holds binary data", f"a zero byte in line {line}", remedy)
    return text


def read_table(path: str | Path, layer: str | None = None, where: str = "") -> pd.DataFrame:
    """Read a table, without interpreting it.

    Parameters
    ----------
    path : str or Path
        A ``.csv`` (UTF-8, commas, first line the names), ``.parquet`` or ``.gpkg`` file.
    layer : str, optional
        Layer of a GeoPackage; needed when it has more than one.
    where : str
        Name of the file in findings; by default its path.

    Returns
    -------
    DataFrame
        Index ``row``: the line in a CSV file (the names are line 1), else the number of the record from 1. Cells of a
        CSV are text, empty where empty; those of other formats keep their type. A GeoDataFrame where it has geometry.

    Raises
    ------
    InputError
        With every finding.
    """
    path = Path(path)
    where = where or str(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_csv(read_text(path, where), where)
    if suffix not in TABLE_SUFFIXES:
        check_file(path, where)
        remedy = f"give one of {', '.join(TABLE_SUFFIXES)}"
        raise refuse("file.format", where, "unknown format of a table", path.suffix or "no suffix", remedy)
    check_file(path, where)
    frame = _read_parquet(path, where) if suffix == ".parquet" else _read_layer(path, layer, where)
    frame.columns = [str(name).strip() for name in frame.columns]
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame


def _missing_remedy(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    names = [p.name for p in path.parent.iterdir() if p.suffix == path.suffix and p.is_file()][:50]
    return nearest(path.name, names) if names else "check the path; a relative one starts at the file that names it"


def _read_csv(text: str, where: str) -> pd.DataFrame:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    findings: list[Finding] = []
    header: list[str] = []
    lines: list[int] = []
    rows: list[list[str]] = []
    end = 0
    try:
        for cells in reader:
            start, end = end + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(cells, where)
                continue
            if len(cells) != len(header):
                found, remedy = (
                    f"{len(cells)} cells",
                    f"the first line names {len(header)} columns: quote cells with commas",
                )
                text = "the row has another number of cells than the first line"
                findings.append(Finding("table.row.length", f"{where} row {start}", text, found, remedy))
                continue
            rows.append(cells)
            lines.append(start)
    except csv.Error as failure:
        remedy = "check the quotes of that line"
        findings.append(Finding("table.row.unreadable", f"{where} row {end + 1}", "not CSV", str(failure), remedy))
    if not header:
        findings.append(Finding("file.empty", where, "the file has no line with column names", "", "add one"))
    if findings:
        raise InputError(shorten(findings))
    index = pd.Index(lines, dtype="int64", name="row")
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    # By position first: two columns may carry one name, which the check of the table reports.
    frame = pd.DataFrame(dict(enumerate(map(np.array, columns))), index=index, dtype="str")
    frame.columns = header
    unnamed = [i for i, name in enumerate(header) if name == "" and not (frame.iloc[:, i] != "").any()]
    return frame.iloc[:, [i for i in range(len(header)) if i not in unnamed]]


def _header(cells: list[str], where: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        remedy = "separate columns by commas, and write decimals with a point"
        raise refuse("table.separator", f"{where} row 1", "columns are not separated by commas", names[0][:60], remedy)
    return names


def _read_parquet(path: Path, where: str) -> pd.DataFrame:
    try:
        described = pq.read_metadata(path)
        cells = described.num_rows * described.num_columns
        if cells > MAX_CELLS:
            remedy = f"at most {MAX_CELLS:,} cells are read"
            raise refuse("file.too_large", where, "the table is too large", f"{cells:,} cells", remedy)
        if b"geo" in (described.metadata or {}):
            return gpd.read_parquet(path)
        return pq.read_table(path).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, ValueError, OSError) as failure:
        raise refuse("file.unreadable", where, "not a Parquet file that can be read", _first_line(failure)) from failure


def layer_names(path: Path, where: str) -> list[str]:
    """Return the layers of a GeoPackage; raises `InputError` if it cannot be read."""
    check_file(path, where)
    try:
        return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except pyogrio.errors.DataSourceError as failure:
        text = "not a GeoPackage that can be read"
        raise refuse("file.unreadable", where, text, _first_line(failure)) from failure


def _read_layer(path: Path, layer: str | None, where: str) -> pd.DataFrame:
    names = layer_names(path, where)
    if layer is None and len(names) == 1:
        layer = names[0]
    if layer is None or layer not in names:
        text = "no such layer" if layer else "the file has more than one layer: name one"
        raise refuse("file.layer", where, text, layer or "", nearest(layer or "", names))
    info = pyogrio.read_info(path, layer=layer)
    cells = info["features"] * (len(info["fields"]) + 1)
    if cells > MAX_CELLS:
        remedy = f"at most {MAX_CELLS:,} cells are read"
        raise refuse("file.too_large", where, "the layer is too large", f"{cells:,} cells", remedy)
    try:
        return pyogrio.read_dataframe(path, layer=layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as failure:
        raise refuse("file.unreadable", where, "the layer cannot be read", _first_line(failure)) from failure


def _first_line(failure: Exception) -> str:
    return str(failure).strip().splitlines()[0][:200] if str(failure).strip() else type(failure).__name__
