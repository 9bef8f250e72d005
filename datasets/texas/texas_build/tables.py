"""Reading the packages' tables and writing ours, byte for byte the same on every machine."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from texas_build.errors import BuildError

Row = Mapping[str, str]


def plain(text: str) -> str:
    """Write a published decimal number without padding or exponent.

    The digits are those of the source: no conversion to binary floating point takes place.

    Parameters
    ----------
    text : str
        A number as the source writes it, such as ``115.0`` or ``1e-05``.

    Returns
    -------
    str
        The same number, such as ``115`` or ``0.00001``.

    Raises
    ------
    BuildError
        If the text is not a finite number.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise BuildError(f"expected a number, found {text!r}: the package is not the pinned one") from None
    if not number.is_finite():
        raise BuildError(f"expected a finite number, found {text!r}: the package is not the pinned one")
    digits = format(number.normalize(), "f")
    return "0" if digits == "-0" else digits


def fixed(value: float, decimals: int) -> str:
    """Write a computed number rounded to so many decimals, without padding."""
    return plain(f"{value:.{decimals}f}")


def read_rows(text: str, where: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV table as text and check that the columns the build uses are there.

    Parameters
    ----------
    text : str
        The file.
    where : str
        Its name, for the message.
    columns : sequence of str
        Columns the build reads.

    Returns
    -------
    list of dict
        One dict per row, values as text.

    Raises
    ------
    BuildError
        If a column is missing.
    """
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in columns if name not in (reader.fieldnames or [])]
    if missing:
        raise BuildError(f"{where}: columns {', '.join(missing)} are missing: the file is not the expected one")
    return list(reader)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a CSV table: UTF-8, LF, columns in the given order, rows in the given order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n", extrasaction="raise")
        writer.writeheader()
        writer.writerows(rows)
