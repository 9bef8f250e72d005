"""MATLAB's binary files of versions 5 to 7, as far as a struct of numbers and texts needs.

Written here because the compiled reader of SciPy reads outside its memory where a file is damaged. Every length is held
against the bytes that are there before anything is taken. Values are checked against those of SciPy in the tests.

Source of the format: MathWorks, MAT-File Format, sections "Level 5 MAT-File Format" and "MAT-File Data Types".
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

#: Bytes before the first element.
HEADER_BYTES = 128
#: Largest content of a compressed element, unpacked [bytes].
MAX_UNPACKED_BYTES = 1_000_000_000
#: Deepest nesting of structs and cells; cases need three.
MAX_DEPTH = 20

#: Codes of stored types: of numbers by their NumPy letters, and of matrices and compressed elements.
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_TEXTS = {1: "latin-1", 2: "latin-1", 16: "utf-8", 17: "utf-16", 18: "utf-32", 4: "utf-16"}
#: Classes of arrays.
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_COMPLEX = 0x08


class DamagedError(ValueError):
    """The bytes are not what the format says."""


def read_mat5(data: bytes) -> dict[str, Any]:
    """Read the variables of a file.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Returns
    -------
    dict of str to object
        Arrays of numbers (the real part alone is never given: a complex array is complex), text of a row of
        characters, arrays of objects for cells, dictionaries for a single struct; ``None`` for anything else.

    Raises
    ------
    DamagedError
        The file is cut off, or a length or type contradicts the rest.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if len(data) < HEADER_BYTES or order is None:
        raise DamagedError("the header is not that of a MATLAB file of version 5 to 7")
    reader = _Reader(order)
    variables = {}
    for kind, body in reader.elements(data[HEADER_BYTES:]):
        if kind == _COMPRESSED:
            inner = reader.elements(_unpacked(body))
            if not inner:
                raise DamagedError("a compressed element is empty")
            kind, body = inner[0]
        if kind != _MATRIX:
            raise DamagedError(f"an element of type {kind} stands where a variable should be")
        name, value = reader.matrix(body, 0)
        variables[name] = value
    return variables


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(body, MAX_UNPACKED_BYTES)
    except zlib.error as failure:
        raise DamagedError(f"a compressed element cannot be unpacked: {failure}") from failure
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise DamagedError("a compressed element is cut off or too large")
    return content


class _Reader:
    """Elements of one byte order."""

    def __init__(self, order: str) -> None:
        self.order = order

    def elements(self, data: bytes, limit: int | None = None) -> list[tuple[int, bytes]]:
        """Types and contents of the elements in some bytes; at most the first `limit`."""
        found: list[tuple[int, bytes]] = []
        place = 0
        while place < len(data) and (limit is None or len(found) < limit):
            if len(data) - place < 8:
                raise DamagedError("the file is cut off")
            kind, size = struct.unpack_from(f"{self.order}II", data, place)
            if kind >> 16:  # the content is in the tag itself
                kind, size, start, step = kind & 0xFFFF, kind >> 16, place + 4, 8
                if size > 4:
                    raise DamagedError("a short element is longer than its tag")
            else:
                start = place + 8
                step = 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)
            if start + size > len(data):
                raise DamagedError("an element is longer than the file")
            found.append((kind, data[start : start + size]))
            place += step
        return found

    def matrix(self, body: bytes, depth: int) -> tuple[str, Any]:
        """Name and value of an array."""
        if depth > MAX_DEPTH:
            raise DamagedError("cells or structs are nested too deeply")
        if not body:  # an empty array inside a cell or struct
            return "", np.zeros((0, 0))
        parts = self.elements(body)
        if len(parts) < 3 or len(parts[0][1]) != 8:
            raise DamagedError("an array has no head")
        flags = struct.unpack(f"{self.order}I", parts[0][1][:4])[0]
        kind = flags & 0xFF
        shape = tuple(int(v) for v in self.numbers(parts[1]).tolist())
        name = parts[2][1].decode("latin-1").rstrip("\0")
        count = 1
        for length in shape:
            count *= length
        # A type of its own holds what is not read, such as sparse matrices and functions.
        if kind not in (_CELL, _STRUCT, _CHAR, *_NUMERIC):
            return name, None
        if len(shape) < 2 or any(length < 0 for length in shape) or count > len(body):
            raise DamagedError(f"the size {shape} of {name or 'an array'} is not that of its content")
        return name, self.value(kind, bool(flags >> 8 & _COMPLEX), shape, count, parts[3:], depth)

    def value(
        self, kind: int, complex_: bool, shape: tuple[int, ...], count: int, parts: list[tuple[int, bytes]], depth: int
    ) -> Any:
        """Value of an array of known class and shape."""
        if kind == _STRUCT:
            return self.struct(count, parts, depth)
        if kind == _CELL:
            cells = np.empty(count, dtype=object)
            if len(parts) != count:
                raise DamagedError("a cell array has another number of cells than its size says")
            for i, (inner, body) in enumerate(parts):
                cells[i] = self.matrix(body, depth + 1)[1] if inner == _MATRIX else None
            return cells.reshape(shape, order="F")
        if not parts and count == 0:
            return "" if kind == _CHAR else np.zeros(shape)
        if kind == _CHAR:
            return self.text(parts[0], shape) if parts else ""
        if len(parts) < (2 if complex_ else 1):
            raise DamagedError("an array has no numbers")
        values = self.numbers(parts[0])
        if complex_:
            imaginary = self.numbers(parts[1])
            if len(imaginary) != len(values):
                raise DamagedError("real and imaginary parts differ in length")
            values = values + 1j * imaginary
        if len(values) != count:
            raise DamagedError("an array has another number of values than its size says")
        return values.reshape(shape, order="F")

    def struct(self, count: int, parts: list[tuple[int, bytes]], depth: int) -> dict[str, Any] | None:
        """Fields of a single struct; ``None`` for an array of several."""
        if len(parts) < 2:
            raise DamagedError("a struct has no fields")
        lengths = self.numbers(parts[0]).tolist()
        length = int(lengths[0]) if lengths else 0
        block = parts[1][1]
        if length < 1 or len(block) % length:
            raise DamagedError("the names of the fields of a struct are damaged")
        chunks = [block[i : i + length] for i in range(0, len(block), length)]
        names = [chunk.split(b"\0")[0].decode("latin-1") for chunk in chunks]
        values = parts[2:]
        if len(values) != count * len(names) or len(set(names)) != len(names):
            raise DamagedError("a struct has another number of values than fields, or a field twice")
        if count != 1:
            return None
        fields = {}
        for name, (kind, body) in zip(names, values, strict=True):
            fields[name] = self.matrix(body, depth + 1)[1] if kind == _MATRIX else None
        return fields

    def numbers(self, part: tuple[int, bytes]) -> np.ndarray:
        """Numbers of an element, in the type they are stored in, or as floats where the array is to be."""
        kind, body = part
        if kind not in _NUMBERS:
            raise DamagedError(f"an element of type {kind} stands where numbers should be")
        kept = np.dtype(self.order + _NUMBERS[kind])
        if len(body) % kept.itemsize:
            raise DamagedError("an element does not hold whole numbers of its type")
        values = np.frombuffer(body, dtype=kept)
        return values.astype(float if kept.kind == "f" else np.int64)

    def text(self, part: tuple[int, bytes], shape: tuple[int, ...]) -> str:
        """Text of characters; several rows are joined, each without the blanks that fill it up."""
        kind, body = part
        if kind not in _TEXTS:
            raise DamagedError(f"an element of type {kind} stands where a text should be")
        code = _TEXTS[kind] + ({"<": "-le", ">": "-be"}[self.order] if _TEXTS[kind] in ("utf-16", "utf-32") else "")
        signs = body.decode(code, "replace")
        rows = shape[0]
        return " ".join(signs[i::rows].rstrip() for i in range(rows)) if rows > 1 else signs
