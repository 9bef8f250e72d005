"""County polygons and the attributes a site inherits from its county.

Source of the polygons: U.S. Census Bureau, TIGER/Line Shapefiles (2009 release), as simplified and packaged in
bokeh-sampledata. They are NAD 83 longitude and latitude, which differ from WGS 84 by 1 to 2 m in Texas: less than the
rounding of the coordinates written here, so no datum shift is applied.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import shapely

from texas_build.errors import BuildError
from texas_build.tables import Row, fixed, write_rows

MEMBER = "bokeh_sampledata/_data/geographic_boundaries.db"
COUNTIES = 254
# Tolerance of the shared-edge simplification [degree], about 200 m; decimals of the coordinates, about 11 m.
TOLERANCE_DEG = 0.002
DECIMALS = 4
# Rings smaller than this [square degree], about 0.1 km2, are artefacts of the source's own simplification.
SLIVER_DEG2 = 1e-5


def read_counties(database: bytes) -> dict[str, tuple[str, shapely.Geometry]]:
    """Name and polygon of every Texas county, by five-digit FIPS code.

    Parameters
    ----------
    database : bytes
        The package's SQLite file.

    Returns
    -------
    dict
        FIPS code to (name, polygon), in the order of the codes.

    Raises
    ------
    BuildError
        If the number of counties is not 254.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(database)
        query = "SELECT id, metadata, geometry FROM us_counties WHERE state = 'TX' ORDER BY id"
        rows = connection.execute(query).fetchall()
    if len(rows) != COUNTIES:
        raise BuildError(f"{MEMBER}: {len(rows)} counties of Texas, {COUNTIES} are expected")
    return {fips: (json.loads(metadata)["name"], shapely.from_wkb(blob)) for fips, metadata, blob in rows}


def without_slivers(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygon without the tiny holes and parts that its source's simplification left."""
    parts = []
    for part in shapely.get_parts(geometry):
        if part.area >= SLIVER_DEG2:
            holes = [ring for ring in part.interiors if shapely.Polygon(ring).area >= SLIVER_DEG2]
            parts.append(shapely.Polygon(part.exterior, holes))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def simplified(polygons: Sequence[shapely.Geometry]) -> list[shapely.Geometry]:
    """Simplify neighbours together, so that a shared border stays shared, and round the coordinates.

    Parameters
    ----------
    polygons : sequence of shapely.Geometry
        County polygons [degree].

    Returns
    -------
    list of shapely.Geometry
        Valid polygons, rings as RFC 7946 wants them, each starting at its own smallest vertex.

    Raises
    ------
    BuildError
        If a result is not a valid polygon.
    """
    coarse = shapely.coverage_simplify(np.array([without_slivers(polygon) for polygon in polygons]), TOLERANCE_DEG)
    rounded = [without_slivers(polygon) for polygon in shapely.set_precision(coarse, 10.0**-DECIMALS)]
    made = [shapely.orient_polygons(shapely.normalize(polygon)) for polygon in rounded]
    if not all(shapely.is_valid(made)) or any(polygon.is_empty for polygon in made):
        raise BuildError("simplifying the counties left an invalid polygon: use the shapely of constraints.txt")
    return made


def ring_text(ring: shapely.Geometry) -> str:
    """A ring as GeoJSON coordinates with a fixed number of decimals."""
    return "[" + ",".join(f"[{fixed(x, DECIMALS)},{fixed(y, DECIMALS)}]" for x, y in ring.coords) + "]"


def polygon_text(polygon: shapely.Geometry) -> str:
    """A polygon as GeoJSON coordinates."""
    return "[" + ",".join(ring_text(ring) for ring in (polygon.exterior, *polygon.interiors)) + "]"


def feature_text(fips: str, name: str, geometry: shapely.Geometry) -> str:
    """A GeoJSON feature on one line."""
    parts = [polygon_text(part) for part in shapely.get_parts(geometry)]
    kind, coordinates = ("Polygon", parts[0]) if len(parts) == 1 else ("MultiPolygon", f"[{','.join(parts)}]")
    properties = json.dumps({"fips": fips, "name": name}, ensure_ascii=False)
    return f'{{"type":"Feature","properties":{properties},"geometry":{{"type":"{kind}","coordinates":{coordinates}}}}}'


def write_counties(
    counties: Mapping[str, tuple[str, shapely.Geometry]], zones: Sequence[Row], regions: Sequence[Row], folder: Path
) -> None:
    """Write ``counties.geojson`` and ``counties.csv``.

    Parameters
    ----------
    counties : mapping
        FIPS code to (name, polygon).
    zones, regions : sequence of mapping
        Hand-entered rows with ``fips`` and ``iecc_zone``, and with ``fips`` and ``water_region``.
    folder : Path
        Where to write.

    Raises
    ------
    BuildError
        If a county has no climate zone or no water region, or one of them names an unknown county.
    """
    zone_of = {row["fips"]: row["iecc_zone"] for row in zones}
    region_of = {row["fips"]: row["water_region"] for row in regions}
    for found, where in ((zone_of, "county_climate_zones.csv"), (region_of, "county_water_regions.csv")):
        wrong = sorted(set(found) ^ set(counties))
        if wrong:
            raise BuildError(f"facts/{where}: counties {', '.join(wrong)} are missing here or unknown")
    polygons = simplified([polygon for _, polygon in counties.values()])
    features = [
        feature_text(fips, counties[fips][0], polygon) for fips, polygon in zip(counties, polygons, strict=True)
    ]
    collection = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
    (folder / "counties.geojson").write_text(collection, encoding="utf-8", newline="\n")
    rows = [
        {"fips": fips, "county": name, "iecc_zone": zone_of[fips], "water_region": region_of[fips]}
        for fips, (name, _) in counties.items()
    ]
    write_rows(folder / "counties.csv", ("fips", "county", "iecc_zone", "water_region"), rows)
