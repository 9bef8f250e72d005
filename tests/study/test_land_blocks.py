"""Cells smaller than a campus on the tiny region (see conftest): what is put together, what is refused, what is lost.

Cells of 1 km have 100 ha. A campus of four blocks of 50 MW takes 400 ha: four whole cells, in squares of two by two.
Rows of cells run from -6 to 5 (y = -5.53 to 5.53 km), columns from -12 to 11 (x = -11.13 to 11.13 km): 12 x 24 cells.
"""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import box

from optimizer.cli.flow import solve_to_folder
from optimizer.errors import InputError
from optimizer.progress import silent
from optimizer.study import Study

Edited = Callable[..., Study]
LAEA = "+proj=laea +lat_0=0 +lon_0=0 +datum=WGS84 +units=m"
FINE = {"sites.cell_km": 1.0}


def layer(frame: gpd.GeoDataFrame) -> str:
    content = json.loads(frame.to_crs("EPSG:32631").to_json())
    content["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    return json.dumps(content)


def boxes(*bounds_km: tuple[float, float, float, float], **columns: list[object]) -> str:
    shapes = [box(*(1000 * v for v in bounds)) for bounds in bounds_km]
    return layer(gpd.GeoDataFrame(columns, geometry=shapes, crs=LAEA))


@pytest.fixture(scope="module")
def fine(tiny: Study) -> Study:
    return tiny.override(FINE)


def test_every_cell_is_in_one_campus_or_refused(fine: Study) -> None:
    sites, refused = fine.candidates.sites, fine.candidates.refused
    assert refused["place"].is_unique
    assert not set(sites.index) & set(refused["place"])
    assert sites.index.tolist() == sites["cell"].tolist()
    inside = sites.geometry.to_crs(LAEA)
    cells = np.rint(inside.area / 1e6).astype(int)
    assert inside.area.to_numpy() / 1e6 == pytest.approx(cells, rel=1e-6)
    assert cells.sum() + len(refused) == 12 * 24
    # No two share a cell.
    assert shapely.union_all(inside.to_numpy()).area == pytest.approx(inside.area.sum(), rel=1e-9)


def test_a_campus_has_land_for_its_blocks_in_one_county_and_hangs_together(fine: Study) -> None:
    sites = fine.candidates.sites
    assert sites["max_blocks"].max() == 4
    assert (sites["area_ha"] >= 100 * sites["max_blocks"] - 1e-6).all()
    # No cell more than is needed: without one of 100 ha the land would be too little.
    assert (sites["area_ha"] < 100 * sites["max_blocks"] + 100).all()
    shapes = sites.geometry.to_crs(LAEA)
    assert (shapely.get_type_id(shapes.to_numpy()) == 3).all()
    x = shapely.bounds(shapes.to_numpy())[:, [0, 2]] / 1000
    assert (x[:, 1] <= 1e-6)[sites["county"] == "West"].all()
    assert (x[:, 0] >= -1e-6)[sites["county"] == "East"].all()
    assert set(sites["county"]) == {"West", "East"}


def test_the_campus_at_a_point_of_interconnection(fine: Study) -> None:
    """n1 lies at (-7.5, 2.5), the middle of cell e-08n002, in the square of rows 2 and 3 and columns -8 and -7."""
    ties = fine.candidates.ties
    site = fine.candidates.sites.loc[ties.loc[ties["bus"] == "n1"].sort_values("length_km")["site"].iloc[0]]
    x, y = site.geometry.centroid.x * 111.32, site.geometry.centroid.y * 110.57
    assert (x, y) == (pytest.approx(-7, abs=0.01), pytest.approx(3, abs=0.01))
    assert site["boundary_ha"] == pytest.approx(400)


def test_first_rule_and_all_others(edited: Edited) -> None:
    """Two layers take a cell each way: 60 ha of e004n003 by "a", all of it by "b". Half a cell must be usable.

    e005n003 loses 60 ha to "a" alone; e004n000 loses 30 ha to "a" and 30 ha to "b", and neither alone takes too much.
    """
    study = edited(
        {
            "a.geojson": boxes((4, 3, 4.6, 4), (5, 3, 5.6, 4), (4, 0, 4.3, 1)),
            "b.geojson": boxes((4, 3, 5, 4), (4.5, 0, 4.8, 1)),
        },
        {**FINE, "sites.layers": [{"source": "a.geojson"}, {"source": "b.geojson"}], "sites.max_tie_km": 4.5},
    )
    refused = study.candidates.refused.set_index("place")
    assert refused.loc["e004n003", "rule"] == "excluded:b"
    assert refused.loc["e004n003", "also"].startswith("excluded:a")
    assert refused.loc["e005n003", ["rule", "also"]].tolist() == ["excluded:a", ""]
    assert refused.loc["e005n003", ["value", "limit"]].tolist() == pytest.approx([40, 50], rel=1e-3)
    assert refused.loc["e004n000", "rule"] == "excluded:a"
    assert refused.loc["e004n000", "value"] == pytest.approx(40, rel=1e-3)
    # (-0.5, 5.5) lies hypot(1, 8) km from n3, the nearest point, too far for one rule and no other.
    assert refused.loc["e-01n005", ["rule", "also"]].tolist() == ["too_far", ""]
    # Beyond the border to the east there is no county, and n2 is 4.2 km away and more.
    assert refused.loc["e011n005", "rule"] == "outside_footprint"
    assert refused.loc["e011n005", "also"].split(";") == ["usable_area", "too_far"]


def test_area_lost_alone_and_jointly(edited: Edited) -> None:
    """Layer "a" takes 4 x 4 km and "b" 4 x 4 km, 2 x 4 km of them the same: 1,600 and 1,600 ha, jointly 2,400."""
    study = edited(
        {"a.geojson": boxes((-8, -4, -4, 0)), "b.geojson": boxes((-6, -4, -2, 0))},
        {**FINE, "sites.layers": [{"source": "a.geojson"}, {"source": "b.geojson"}]},
    )
    lost = study.candidates.lost.set_index("rule")
    assert lost.loc["excluded:a"].tolist() == pytest.approx([1600, 800], rel=1e-3)
    assert lost.loc["excluded:b"].tolist() == pytest.approx([1600, 800], rel=1e-3)
    assert lost.loc["all layers together", "alone_ha"] == pytest.approx(2400, rel=1e-3)
    assert study.region is not None
    region_ha = study.region.footprint.area / 1e4
    assert lost.loc["land of the region", "alone_ha"] == pytest.approx(region_ha)
    kept_ha = study.candidates.sites["area_ha"].sum()
    assert lost.loc["all rules together", "alone_ha"] == pytest.approx(region_ha - kept_ha)


def test_a_layer_takes_its_share_of_a_campus(edited: Edited) -> None:
    """A strip of 0.2 km across the square of n1, rows 2 and 3, takes a tenth of the four cells."""
    strip = boxes((-8, 2, -6, 2.2))
    study = edited({"strip.geojson": strip}, {**FINE, "sites.layers": [{"source": "strip.geojson", "citation": "me"}]})
    sites = study.candidates.sites
    at = sites[sites["strip_taken_share"] > 1e-3]
    assert at["strip_taken_share"].tolist() == pytest.approx([0.1], rel=1e-3)
    assert at["usable_ha"].tolist() == pytest.approx([360], rel=1e-3)
    assert at["max_blocks"].tolist() == [3]
    assert study.candidates.sources["strip_taken_share"] == ("share", "me")


def test_blocks_too_small_for_a_campus(edited: Edited) -> None:
    """All but two places of the west are taken: a little more than one cell, enough for one block, and
    0.6 of a cell, enough for none."""
    park = layer(
        gpd.GeoDataFrame(
            geometry=[
                shapely.difference(
                    box(-12000, -6000, 0, 6000),
                    shapely.union_all([box(-8100, 1900, -6900, 3100), box(-3000, 0, -2400, 1000)]),
                )
            ],
            crs=LAEA,
        )
    )
    study = edited({"park.geojson": park}, {**FINE, "sites.layers": [{"source": "park.geojson"}]})
    sites = study.candidates.sites
    west = sites[sites["county"] == "West"]
    assert west.index.tolist() == ["e-08n002"]
    assert west["max_blocks"].tolist() == [1]
    refused = study.candidates.refused.set_index("place")
    assert refused.loc["e-03n000", "rule"] == "block_area"
    assert refused.loc["e-03n000", ["value", "limit"]].tolist() == pytest.approx([60, 100], rel=1e-2)


def test_parcels_instead_of_cells(edited: Edited) -> None:
    """Two parcels with land for four and for three blocks, one too small, one outside."""
    parcels = boxes(
        (-8, 2, -5.99, 4.01),
        (6, 2, 8.01, 3.51),
        (-2, -3, -1.5, -2),
        (20, 0, 22, 2),
        plot=["north", "east", "small", "far"],
    )
    keys = {"sites.parcels": "plots.geojson", "sites.parcels_name": "plot"}
    study = edited({"plots.geojson": parcels}, keys)
    sites = study.candidates.sites
    assert sites.index.tolist() == ["north", "east"]
    assert sites["max_blocks"].tolist() == [4, 3]
    assert sites["area_ha"].tolist() == pytest.approx([201 * 201 / 100, 201 * 151 / 100], rel=1e-3)
    assert sites["cell"].tolist() == ["", ""]
    refused = study.candidates.refused.set_index("place")
    assert refused["rule"].to_dict() == {"far": "outside_footprint", "small": "usable_area"}
    assert refused.loc["small", ["value", "limit"]].tolist() == pytest.approx([50, 100], rel=1e-3)
    assert refused.loc["far", "also"] == "usable_area;too_far"
    numbered = edited({"plots.geojson": parcels}, {"sites.parcels": "plots.geojson"})
    assert numbered.candidates.sites.index.tolist() == ["parcel 1", "parcel 2"]


@pytest.mark.parametrize(
    ("names", "column", "rule"),
    [
        (["a", "a"], "plot", "study.parcels.same_name"),
        (["a", ""], "plot", "study.parcels.unnamed"),
        (["a", "b"], "plott", "vector.column"),
    ],
)
def test_parcels_without_a_name_of_their_own(edited: Edited, names: list[str], column: str, rule: str) -> None:
    parcels = boxes((-8, 2, -6, 4), (6, 2, 8, 4), plot=names)
    with pytest.raises(InputError) as refusal:
        edited({"plots.geojson": parcels}, {"sites.parcels": "plots.geojson", "sites.parcels_name": column})
    assert [f.rule for f in refusal.value.findings] == [rule]


def test_all_land_may_be_refused(edited: Edited) -> None:
    park = boxes((-20, -20, 20, 20))
    study = edited({"park.geojson": park}, {**FINE, "sites.layers": [{"source": "park.geojson"}]})
    assert study.candidates.sites.empty
    assert len(study.candidates.refused) == 12 * 24
    assert study.candidates.lost.set_index("rule").loc["all rules together", "only_ha"] == pytest.approx(
        study.candidates.lost["alone_ha"].iloc[-1]
    )


@pytest.mark.slow
def test_a_study_of_fine_cells_is_solved_and_verified(tiny_folder: Path) -> None:
    """Solved, written, read again and recomputed from its inputs, layers and refused cells included."""
    (tiny_folder / "park.geojson").write_text(boxes((-9, 1, -6.4, 4.2)))
    toml = (tiny_folder / "study.toml").read_text()
    toml = toml.replace("cell_km = 5", 'cell_km = 1\nmax_sites = 6\nlayers = [{ source = "park.geojson" }]')
    (tiny_folder / "study.toml").write_text(toml)
    out = tiny_folder.parent / "plan"
    plan = solve_to_folder(str(tiny_folder), out, silent)
    assert plan.has_plan
    assert plan.summary["n_violations"] == 0
    refused = pd.read_csv(out / "tables" / "refused.csv")
    assert (refused["rule"] == "excluded:park").sum() > 0
    assert len(refused) == len(plan.study.candidates.refused if plan.study else ())
