"""What pypowsybl never gets to see: entities, archives without end, other formats; what it says becomes findings."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.errors import Finding, InputError
from optimizer.io import powsybl_source
from optimizer.io.powsybl import read_powsybl
from optimizer.io.powsybl_source import MAX_DEPTH, check_xml, import_pypowsybl
from tests.io.raw_writer import cdf_text, uct_text

pp = import_pypowsybl()

ENTITIES = b"""<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/hostname">]>
<a>&c;&d;</a>"""


def refused(path: Path) -> dict[str, Finding]:
    with pytest.raises(InputError) as error:
        read_powsybl(path)
    return {f.rule: f for f in error.value.findings if f.severity == "error"}


@pytest.fixture
def xiidm(tmp_path: Path) -> Path:
    pp.network.create_ieee9().save(tmp_path / "case.xiidm", format="XIIDM")
    return tmp_path / "case.xiidm"


@pytest.fixture
def cgmes(tmp_path: Path) -> Path:
    pp.network.create_ieee9().save(tmp_path / "case.zip", format="CGMES")
    return tmp_path / "case.zip"


def repack(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            changed = change(name, data)
            if changed is not None:
                archive.writestr(name, changed)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_document_types_are_refused(encoding: str, tmp_path: Path) -> None:
    text = ENTITIES.decode().replace('"1.0"', f'"1.0" encoding="{encoding}"')
    (tmp_path / "case.xiidm").write_bytes(text.encode(encoding))
    assert list(refused(tmp_path / "case.xiidm")) == ["io.powsybl.xml.doctype"]


def test_a_document_type_in_an_archive_is_refused(cgmes: Path) -> None:
    repack(cgmes, lambda name, data: ENTITIES if "SSH" in name else data)
    found = refused(cgmes)
    assert list(found) == ["io.powsybl.xml.doctype"]
    assert "SSH" in found["io.powsybl.xml.doctype"].where


def test_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / "case.xiidm").write_bytes(b"<a>" * (MAX_DEPTH + 1))
    assert list(refused(tmp_path / "case.xiidm")) == ["io.powsybl.xml.depth"]


def test_the_head_of_xml() -> None:
    head = check_xml(b'<a:b xmlns:a="urn:one"><c xmlns="urn:two"/></a:b>', "x")
    assert (head.root, head.namespaces) == ("urn:one b", ("urn:one", "urn:two"))


def test_other_xml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "case.xml").write_text("<a/>")
    assert list(refused(tmp_path / "case.xml")) == ["io.powsybl.xml.unknown"]


def test_an_archive_that_unpacks_to_too_much(cgmes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powsybl_source, "MAX_UNPACKED_BYTES", 1_000_000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.xml", b" " * 700_000)
    assert len(bomb.getvalue()) < 2000
    with zipfile.ZipFile(cgmes, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.zip", bomb.getvalue())
        archive.writestr("two.zip", bomb.getvalue())  # each is within the limit, both are not
    assert list(refused(cgmes)) == ["file.too_large"]


def test_too_many_files(cgmes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powsybl_source, "MAX_FILES", 3)
    assert list(refused(cgmes)) == ["file.too_large"]


def test_archives_in_an_archive(cgmes: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(cgmes, "inner.zip")
    assert read_powsybl(tmp_path / "outer.zip").branches.equals(read_powsybl(cgmes).branches)


def test_cgmes_without_its_equipment(cgmes: Path) -> None:
    repack(cgmes, lambda name, data: None if "EQ" in name else data)
    assert refused(cgmes)


def test_another_version_of_cgmes(cgmes: Path) -> None:
    repack(cgmes, lambda name, data: data.replace(b"2013/CIM-schema-cim16", b"2010/CIM-schema-cim15"))
    found = refused(cgmes)
    assert list(found) == ["io.powsybl.version"]
    assert "2.4.15 or 3.0" in found["io.powsybl.version"].remedy


def test_boundary_files_that_are_missing_are_named(tmp_path: Path) -> None:
    pp.network.create_micro_grid_be_network().save(tmp_path / "case.zip", format="CGMES")
    assert "EQBD" in refused(tmp_path / "case.zip")["io.powsybl.refused"].found


def test_an_empty_archive_or_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "case.zip", "w"):
        pass
    (tmp_path / "folder").mkdir()
    for name in ("case.zip", "folder"):
        assert list(refused(tmp_path / name)) == ["io.powsybl.cgmes.empty"]


def test_another_version_of_xiidm(xiidm: Path) -> None:
    text = xiidm.read_text()
    version = text.split("/schema/iidm/")[1].split('"')[0]
    xiidm.write_text(text.replace(f"iidm/{version}", "iidm/9_99"))
    found = refused(xiidm)
    assert "io.powsybl.version" in found
    assert "XIIDM" in found["io.powsybl.version"].remedy


def test_a_nominal_voltage_that_is_none(xiidm: Path) -> None:
    text, count = re.subn(r'nominalV="[^"]*"', 'nominalV="1e-308"', xiidm.read_text(), count=1)
    assert count == 1
    xiidm.write_text(text)
    assert list(refused(xiidm)) == ["io.powsybl.nominal_v"]


@pytest.mark.parametrize("name", ["case.foo", "case"])
def test_an_unknown_suffix_lists_the_known(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    assert ".raw, .rawx, .zip" in refused(tmp_path / name)["file.format"].remedy


def test_a_missing_file(tmp_path: Path) -> None:
    assert list(refused(tmp_path / "none.raw")) == ["file.missing"]


@pytest.mark.parametrize("suffix", [".raw", ".uct", ".txt", ".rawx", ".cdf"])
def test_binary_data_and_other_texts(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"case{suffix}"
    path.write_bytes(b"\x00\x01\x02")
    assert list(refused(path)) == ["file.encoding"]
    path.write_text("a text about something else\nof two lines\n")
    assert len(refused(path)) == 1


def test_a_uct_file_that_is_cut_off_between_lines(tmp_path: Path) -> None:
    text = uct_text()
    (tmp_path / "case.uct").write_text(text[: text.index("##T")])
    grid = read_powsybl(tmp_path / "case.uct")
    said = {f.rule: f for f in grid.findings}
    assert said["io.powsybl.uct.section"].found == "##T, ##R"
    assert said["io.powsybl.island.dead"].found == "BCCCCC21"  # it has lost its transformers
    assert said["io.powsybl.island.dead"].severity == "warning"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (" 08/19/93", " date", "io.powsybl.cdf.title"),
        (" 100.0 ", "  none ", "io.powsybl.cdf.base"),
        ("BRANCH DATA FOLLOWS", "BRANCHES", "io.powsybl.cdf.section"),
        ("163.00", "  a.00", "io.powsybl.cdf.value"),
        ("\n-999\nEND OF DATA", "", "io.powsybl.cdf.truncated"),
    ],
)
def test_a_cdf_file_that_is_wrong(old: str, new: str, rule: str, xiidm: Path, tmp_path: Path) -> None:
    text = cdf_text(read_powsybl(xiidm))
    assert old in text
    (tmp_path / "case.cdf").write_text(text.replace(old, new, 1))
    assert rule in refused(tmp_path / "case.cdf")


def test_a_cdf_file_that_lost_rows_says_so(xiidm: Path, tmp_path: Path) -> None:
    lines = cdf_text(read_powsybl(xiidm)).splitlines()
    branches = next(i for i, line in enumerate(lines) if line.startswith("BRANCH"))
    del lines[branches + 2]
    (tmp_path / "case.cdf").write_text("\n".join(lines))
    said = {f.rule: f for f in read_powsybl(tmp_path / "case.cdf").findings}
    assert said["io.powsybl.cdf.count"].severity == "warning"
