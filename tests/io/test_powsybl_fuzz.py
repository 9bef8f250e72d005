"""Files cut off, mis-encoded and changed at random: each ends in findings or in a sound grid, in time."""

from __future__ import annotations

import faulthandler
import io
import random
import re
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.grid.network import validate
from optimizer.io.powsybl import read_powsybl
from optimizer.io.powsybl_source import import_pypowsybl
from tests.io.raw_writer import cdf_text, uct_text
from tests.io.test_powsybl_raw import rawx, small

pp = import_pypowsybl()

#: Longest that one file may take [s]; most take a tenth. A case that hangs ends the process with its stack.
MOST_SECONDS = 60.0

#: What a number is replaced by.
NUMBERS = [b"0", b"-1", b"1e308", b"1e-308", b"nan", b"inf", b"-inf", b"", b"9" * 20, b"abc", b"'", b"1,5", b"-0.0"]
ENCODINGS = ["utf-16", "utf-32", "utf-8", "cp037"]


def xiidm(folder: Path) -> bytes:
    pp.network.create_four_substations_node_breaker_network().save(folder / "a.xiidm", format="XIIDM")
    return (folder / "a.xiidm").read_bytes()


def cgmes(folder: Path) -> bytes:
    pp.network.create_ieee9().save(folder / "a.zip", format="CGMES")
    return (folder / "a.zip").read_bytes()


def cdf(folder: Path) -> bytes:
    pp.network.create_ieee14().save(folder / "a.xiidm", format="XIIDM")
    return cdf_text(read_powsybl(folder / "a.xiidm")).encode()


FORMATS: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "raw33": (".raw", lambda folder: small(33).encode()),
    "raw35": (".raw", lambda folder: small(35).encode()),
    "rawx": (".rawx", lambda folder: rawx().encode()),
    "xiidm": (".xiidm", xiidm),
    "cgmes": (".zip", cgmes),
    "uct": (".uct", lambda folder: uct_text().encode()),
    "cdf": (".txt", cdf),
}


def mutate(data: bytes, choose: random.Random) -> bytes:
    """Cut off, flip bytes, replace numbers, lose, repeat or exchange lines, or encode otherwise."""
    kind = choose.choice(["cut", "bytes", "number", "number", "number", "lost", "repeated", "exchanged", "encoded"])
    if kind == "cut":
        return data[: choose.randrange(len(data))]
    if kind == "bytes":
        changed = bytearray(data)
        for _ in range(choose.choice([1, 3, 20])):
            changed[choose.randrange(len(changed))] = choose.randrange(256)
        return bytes(changed)
    if kind == "number":
        found = list(re.finditer(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?", data))
        chosen = choose.sample(found, min(len(found), choose.choice([1, 2, 8])))
        for number in sorted(chosen, key=lambda m: -m.start()):
            data = data[: number.start()] + choose.choice(NUMBERS) + data[number.end() :]
        return data
    if kind == "encoded":
        return data.decode("latin-1").encode(choose.choice(ENCODINGS))
    lines = data.split(b"\n")
    one, other = choose.randrange(len(lines)), choose.randrange(len(lines))
    if kind == "lost":
        del lines[one]
    elif kind == "repeated":
        lines.insert(one, lines[other])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def mutate_archive(data: bytes, choose: random.Random) -> bytes:
    """Change or lose one file of an archive; now and then the archive itself."""
    if choose.random() < 0.2:
        return mutate(data, choose)
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(packed, "w") as written:
        picked = choose.choice(archive.namelist())
        lost = choose.random() < 0.1
        for name in archive.namelist():
            content = archive.read(name)
            if name != picked:
                written.writestr(name, content)
            elif not lost:
                written.writestr(name, mutate(content, choose))
    return packed.getvalue()


def outcome(path: Path) -> str:
    """Whether a file is read or refused, as it must be."""
    try:
        grid = read_powsybl(path)
    except InputError as error:
        if any(f.severity == "error" for f in error.findings) and all(f.rule and f.where for f in error.findings):
            return "refused"
        raise
    assert not [f for f in validate(grid) if f.severity == "error"]
    return "read"


def check(name: str, seeds: range, folder: Path) -> Counter[str]:
    """Read one mutation a seed; each must end in findings or in a grid that passes validation."""
    suffix, make = FORMATS[name]
    good = make(folder)
    path = folder / f"case{suffix}"
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        choose = random.Random(seed)
        path.write_bytes(mutate_archive(good, choose) if suffix == ".zip" else mutate(good, choose))
        started = time.monotonic()
        faulthandler.dump_traceback_later(2 * MOST_SECONDS, exit=True)
        try:
            outcomes[outcome(path)] += 1
        except Exception as failure:
            raise AssertionError(f"seed {seed} of {name}") from failure
        finally:
            faulthandler.cancel_dump_traceback_later()
        assert time.monotonic() - started < MOST_SECONDS, f"seed {seed}"
    return outcomes


@pytest.mark.every(9)
@pytest.mark.parametrize("name", list(FORMATS))
def test_some_mutations(name: str, tmp_path: Path) -> None:
    outcomes = check(name, range(25), tmp_path)
    assert outcomes["refused"] >= 5


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FORMATS))
def test_many_mutations(name: str, tmp_path: Path) -> None:
    outcomes = check(name, range(1000, 1300), tmp_path)
    assert min(outcomes["refused"], outcomes["read"]) >= 20
