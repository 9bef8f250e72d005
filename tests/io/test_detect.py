"""Which format a path has: by its content, a suffix that says otherwise, and what is said of one nobody knows."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from optimizer.errors import InputError
from optimizer.io import detect, read_grid
from optimizer.io.detect import FORMATS, Format, detect_format

RAW = """0, 100.00, 33, 0, 1, 60.00 / PSS(R)E-33
CASE
SECOND LINE
1,'BUS 1', 138.0,3
"""
#: The beginning of a file of each format that is told by its content.
CONTENT: dict[str, tuple[Format, bytes]] = {
    "matpower": (detect.MATPOWER, b"% a comment\nfunction mpc = case3\nmpc.baseMVA = 100;\n"),
    "matpower without a function": (detect.MATPOWER, b"%% a case\nmpc.baseMVA = 100;\n"),
    "mat": (detect.MATPOWER_BINARY, b"MATLAB 5.0 MAT-file, Platform"),
    "mat 7.3": (detect.MATPOWER_BINARY, b"MATLAB 7.3 MAT-file, Platform"),
    "netcdf 4": (detect.PYPSA, b"\x89HDF\r\n\x1a\n" + bytes(20)),
    "netcdf 3": (detect.PYPSA, b"CDF\x02" + bytes(20)),
    "geopackage": (detect.GEOPACKAGE, b"SQLite format 3\x00"),
    "zip": (detect.CGMES, b"PK\x03\x04" + bytes(20)),
    "pandapower": (detect.PANDAPOWER, b'{"_module": "pandapower.auxiliary", "_class": "pandapowerNet"'),
    "rawx": (detect.RAWX, b'{\n "network": {\n "caseid": {"fields": ["ic"]'),
    "xiidm": (
        detect.XIIDM,
        b'<?xml version="1.0"?>\n<iidm:network xmlns:iidm="http://www.powsybl.org/schema/iidm/1_9"',
    ),
    "uct": (detect.UCTE, b"##C 2007.05.01\n##N\n##ZFR\n"),
    "cdf": (detect.IEEE_CDF, b" 08/19/93 UW ARCHIVE  100.0  1962 W IEEE 14\nBUS DATA FOLLOWS  14 ITEMS\n"),
    "raw": (detect.RAW, RAW.encode()),
    "raw with a comment": (detect.RAW, b"@!IC,SBASE,REV\n0,   100.0, 35, 0, 0, 60.0  / Nov\n"),
}


@pytest.mark.parametrize("name", CONTENT)
def test_content_tells_the_format(tmp_path: Path, name: str) -> None:
    known, content = CONTENT[name]
    for suffix in known.suffixes:
        file = tmp_path / f"case{suffix.upper()}"
        file.write_bytes(content)
        assert detect_format(file).format is known
        assert detect_format(file).findings == ()


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize("suffix", [".m", ".raw", ".nc", ".dat", ""])
def test_a_suffix_that_says_otherwise_is_said_or_refused(tmp_path: Path, name: str, suffix: str) -> None:
    known, content = CONTENT[name]
    if suffix in known.suffixes:
        return
    file = tmp_path / f"case{suffix}"
    file.write_bytes(content)
    if known.by_suffix:
        with pytest.raises(InputError) as error:
            detect_format(file)
        (finding,) = error.value.findings
        assert finding.remedy == f"rename it to case{known.suffixes[0]}"
    else:
        found = detect_format(file)
        assert found.format is known
        (finding,) = found.findings
        assert finding.severity == "info"
    assert finding.rule == "file.format.suffix"
    assert f"holds {known.name}, its suffix says " in finding.message


def test_the_suffix_tells_where_the_content_does_not(tmp_path: Path) -> None:
    for known in FORMATS:
        for suffix in known.suffixes:
            file = tmp_path / f"case{suffix}"
            file.write_bytes(b"nothing that tells")
            assert detect_format(file).format is known


def test_an_unknown_format_lists_what_is_known(tmp_path: Path) -> None:
    file = tmp_path / "case.epc"
    file.write_text("nothing that tells")
    with pytest.raises(InputError) as error:
        read_grid(file)
    (finding,) = error.value.findings
    assert (finding.rule, finding.found) == ("file.format", ".epc")
    for known in FORMATS:
        assert known.name in finding.remedy


@pytest.mark.parametrize("piece", [b"\n", b" ", b"\n ", b"@!\n", b"##", b"{", b"<", b"mpc.", b'"', b"0,", b"%\n"])
def test_no_beginning_takes_long(tmp_path: Path, piece: bytes) -> None:
    """Patterns that look back over what they passed would need hours for some of these, and the run never end."""
    file = tmp_path / "case.dat"
    file.write_bytes(piece * (2 * detect.HEAD_BYTES // len(piece)))
    with pytest.raises(InputError, match=r"file\.format"):
        detect_format(file)


def test_folders(tmp_path: Path) -> None:
    for name, files, known in (
        ("ours", {"buses.csv": "bus,base_kv\n"}, detect.TABLES_FOLDER),
        ("theirs", {"buses.csv": "name,v_nom\n"}, detect.PYPSA_FOLDER),
        ("theirs without voltages", {"buses.csv": "name,x\n", "network.csv": "name\n"}, detect.PYPSA_FOLDER),
        ("older", {"buses.csv": "\ufeff,v_nom\n"}, detect.PYPSA_FOLDER),
        ("cgmes", {"a_EQ.xml": "<rdf:RDF/>"}, detect.CGMES_FOLDER),
        ("nothing", {"notes.txt": ""}, detect.TABLES_FOLDER),
    ):
        folder = tmp_path / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        assert detect_format(folder).format is known, name


def test_whole_files_under_wrong_suffixes(case_file: Path, folder: Path, tmp_path: Path) -> None:
    """A text case named as another format is read as what it is, and said; never read as what it is called."""
    for suffix in (".raw", ".json", ".mat", ".txt"):
        file = tmp_path / f"wrong{suffix}"
        file.write_bytes(case_file.read_bytes())
        grid = read_grid(file)
        assert len(grid.buses) == 3
        assert [f.found for f in grid.findings if f.rule == "file.format.suffix"] == [suffix]
    with zipfile.ZipFile(tmp_path / "tables.m", "w") as packed:
        packed.write(folder / "buses.csv", "buses.csv")
    with pytest.raises(InputError, match=r"holds CGMES, its suffix says MATPOWER"):
        read_grid(tmp_path / "tables.m")


def test_other_files_of_a_known_container_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "case.nc", "w") as file:
        file["mpc/bus"] = np.ones((2, 2))
    with pytest.raises(InputError, match=r"io\.pypsa\.(missing|unreadable)"):
        read_grid(tmp_path / "case.nc")
    (tmp_path / "case.mat").write_bytes((tmp_path / "case.nc").read_bytes())
    with pytest.raises(InputError, match=r"matpower\.binary\.version|io\.pypsa"):
        read_grid(tmp_path / "case.mat")
    scipy.io.savemat(tmp_path / "other.nc", {"a": 1.0})
    with pytest.raises(InputError, match=r"matpower\.format"):
        read_grid(tmp_path / "other.nc")
