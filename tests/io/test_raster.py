"""Rasters: windows worked out by hand, and every way a file can be none that is used."""

from __future__ import annotations

import warnings
from pathlib import Path

import affine
import numpy as np
import pytest
import rasterio
import rasterio.errors
from rasterio import shutil

from optimizer.errors import Finding, InputError
from optimizer.io import raster as module
from optimizer.io.raster import Raster, read_raster

# Four columns and three rows of 100 m, north-west corner at (500 000, 3 500 300).
NORTH_UP = affine.Affine(100, 0, 500_000, 0, -100, 3_500_300)
VALUES = np.arange(12, dtype="float32").reshape(3, 4)


def written(path: Path, values: np.ndarray = VALUES, **options: object) -> Path:
    bands = values if values.ndim == 3 else values[None]
    count, height, width = bands.shape
    settings = {"crs": "EPSG:32614", "transform": NORTH_UP, "dtype": values.dtype} | options
    scales = settings.pop("scales", None)
    with warnings.catch_warnings():
        # A raster without a position is what some case is about.
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", count=count, height=height, width=width, **settings) as file:
            file.write(bands)
            if scales:
                file.scales, file.offsets = scales
    return path


def refusals(path: Path, band: int = 1) -> list[Finding]:
    with pytest.raises(InputError) as refused:
        read_raster(path, band)
    assert all(f.where == path.name and f.remedy for f in refused.value.findings)
    return list(refused.value.findings)


def good(path: Path, band: int = 1) -> Raster:
    raster, findings = read_raster(path, band)
    assert findings == []
    return raster


def test_a_raster_is_described(tmp_path: Path) -> None:
    raster = good(written(tmp_path / "r.tif", nodata=-1))
    assert (raster.width, raster.height, raster.nodata, raster.band) == (4, 3, -1, 1)
    assert raster.crs == "EPSG:32614"
    assert raster.bounds == (500_000, 3_500_000, 500_400, 3_500_300)


def test_a_rectangle_reads_the_cells_it_meets(tmp_path: Path) -> None:
    raster = good(written(tmp_path / "r.tif"))
    # Column 1 to 2 (500 150 to 500 210), rows 1 to 2 (3 500 199 down to 3 500 050).
    values, transform = raster.read_bounds((500_150, 3_500_050, 500_210, 3_500_199))
    assert values.tolist() == [[5, 6], [9, 10]]
    assert transform @ (0, 0) == (500_100, 3_500_200)
    assert transform @ (1, 1) == (500_200, 3_500_100)


def test_a_rectangle_beyond_the_raster_reads_what_there_is(tmp_path: Path) -> None:
    raster = good(written(tmp_path / "r.tif"))
    values, transform = raster.read_bounds((500_350, 3_500_250, 600_000, 4_000_000))
    assert values.tolist() == [[3]]
    assert transform @ (0, 0) == (500_300, 3_500_300)
    assert raster.read_bounds((0, 0, 1, 1))[0].size == 0
    # Bounds that touch the edge alone share no cell with it.
    assert raster.read_bounds((500_400, 3_500_000, 500_500, 3_500_300))[0].size == 0


def test_windows_together_are_the_whole(tmp_path: Path) -> None:
    raster = good(written(tmp_path / "r.tif"))
    west = raster.read_bounds((500_000, 3_500_000, 500_200, 3_500_300))[0]
    east = raster.read_bounds((500_200, 3_500_000, 500_400, 3_500_300))[0]
    assert np.hstack([west, east]).tolist() == VALUES.tolist()


def test_missing_values_are_masked(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[0, 0], values[1, 1] = -9999, np.nan
    read = good(written(tmp_path / "r.tif", values, nodata=-9999)).read_bounds((0, 0, 1e7, 1e7))[0]
    assert np.argwhere(np.ma.getmaskarray(read)).tolist() == [[0, 0], [1, 1]]
    # 0 + 1 + ... + 11, less the 0 and the 5 that are missing.
    assert read.sum() == 66 - 0 - 5


def test_a_raster_that_begins_in_the_south_is_turned_over(tmp_path: Path) -> None:
    south_up = affine.Affine(100, 0, 500_000, 0, 100, 3_500_000)
    raster = good(written(tmp_path / "r.tif", VALUES[::-1], transform=south_up))
    assert raster.bounds == (500_000, 3_500_000, 500_400, 3_500_300)
    values, transform = raster.read_bounds((500_150, 3_500_050, 500_210, 3_500_199))
    assert values.tolist() == [[5, 6], [9, 10]]
    assert transform @ (0, 0) == (500_100, 3_500_200)
    assert transform.e == -100


def test_scaled_numbers_are_values(tmp_path: Path) -> None:
    stored = np.array([[10, 20]], dtype="int16")
    raster = good(written(tmp_path / "r.tif", stored, nodata=20, scales=((0.5,), (-3.0,))))
    read = raster.read_bounds((0, 0, 1e7, 1e7))[0]
    # 10 x 0.5 - 3; the other cell has no value.
    assert read[0, 0] == 2.0
    assert read.count() == 1


def test_the_band_that_is_named_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "r.tif", np.stack([VALUES, VALUES + 100]))
    assert good(path, 2).read_bounds((0, 0, 1e7, 1e7))[0].min() == 100
    (finding,) = refusals(path, 3)
    assert (finding.rule, finding.found, finding.remedy) == ("raster.band", "band 3", "give a band from 1 to 2")


def test_a_cloud_optimized_file_is_a_geotiff(tmp_path: Path) -> None:
    with rasterio.open(written(tmp_path / "r.tif")) as source:
        shutil.copy(source, tmp_path / "c.tif", driver="COG")
    assert good(tmp_path / "c.tif").read_bounds((0, 0, 1e7, 1e7))[0].tolist() == VALUES.tolist()


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path / "r.tif", crs=None, transform=affine.Affine.identity())
    assert [f.rule for f in refusals(path, 9)] == ["raster.band", "raster.no_crs", "raster.no_position"]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"crs": None}, "raster.no_crs"),
        ({"crs": 'LOCAL_CS["plan of the site",UNIT["metre",1]]'}, "raster.no_crs"),
        ({"transform": affine.Affine.identity()}, "raster.no_position"),
        ({"transform": NORTH_UP @ affine.Affine.rotation(30)}, "raster.rotated"),
        ({"crs": "EPSG:4326"}, "raster.coordinates"),
        ({"crs": "EPSG:4326", "transform": affine.Affine(90, 0, 0, 0, -30, 45)}, "raster.coordinates"),
    ],
)
def test_what_cannot_be_placed_is_refused(tmp_path: Path, options: dict[str, object], rule: str) -> None:
    assert [f.rule for f in refusals(written(tmp_path / "r.tif", **options))] == [rule]


def test_complex_cells_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "r.tif", VALUES.astype("complex64"))
    (finding,) = refusals(path)
    assert finding.rule == "raster.type"
    assert "complex64" in finding.found


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "file.empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "raster.content"),
        (b"<VRTDataset rasterXSize='1'/>", "raster.content"),
        (b"II*\x00" + bytes(100), "file.unreadable"),
    ],
)
def test_what_is_no_geotiff_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    (tmp_path / "r.tif").write_bytes(content)
    assert [f.rule for f in refusals(tmp_path / "r.tif")] == [rule]


def test_a_missing_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    written(tmp_path / "slope.tif")
    (finding,) = refusals(tmp_path / "slopes.tif")
    assert finding.rule == "file.missing"
    assert "slope.tif" in finding.remedy


def test_a_file_that_ends_early_is_refused_where_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "r.tif", np.ones((200, 200), dtype="float32"))
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(InputError) as refused:
        read_raster(path)[0].read_bounds((0, 0, 1e7, 1e7))
    assert [f.rule for f in refused.value.findings] == ["file.unreadable"]


def test_too_many_cells_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raster = good(written(tmp_path / "r.tif"))
    monkeypatch.setattr(module, "MAX_WINDOW_CELLS", 11)
    with pytest.raises(InputError) as refused:
        raster.read_bounds((0, 0, 1e7, 1e7))
    assert [f.found for f in refused.value.findings] == ["12 cells"]
    assert raster.read_bounds((500_000, 3_500_000, 500_300, 3_500_300))[0].size == 9


@pytest.mark.parametrize("number", [-9999.0, -3.4e38, -32768.0])
def test_a_usual_number_for_nothing_that_counts_is_said(tmp_path: Path, number: float) -> None:
    values = VALUES.copy()
    values[2, 3] = number
    findings = read_raster(written(tmp_path / "r.tif", values))[1]
    assert [(f.rule, f.severity) for f in findings] == [("raster.undeclared_nodata", "warning")]
    assert float(findings[0].found) == pytest.approx(number, rel=1e-5)
    assert read_raster(written(tmp_path / "s.tif", values, nodata=np.float32(number)))[1] == []


def test_a_raster_without_any_value_is_said(tmp_path: Path) -> None:
    findings = read_raster(written(tmp_path / "r.tif", np.full((3, 4), 7, dtype="uint8"), nodata=7))[1]
    assert [(f.rule, f.severity) for f in findings] == [("raster.no_values", "warning")]


def test_files_beside_are_inputs(tmp_path: Path) -> None:
    path = written(tmp_path / "r.tif")
    aux = tmp_path / "r.tif.aux.xml"
    aux.write_text("<PAMDataset><Metadata><MDI key='AREA'>x</MDI></Metadata></PAMDataset>")
    assert good(path).beside == (aux,)
