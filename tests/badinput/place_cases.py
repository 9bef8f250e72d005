"""Mistakes in sites, ties and map layers."""

from math import inf

import geopandas as gpd
from shapely.geometry import Polygon, box

from tests.badinput.edits import Case, both, folder_for, gone, layer, raw, text

LAKES = 'layer = "lakes"'
PARK = box(-99.4, 31.7, -99.3, 31.8)
ENDLESS = Polygon([(-99.4, 31.7), (-99.3, inf), (-99.3, 31.7), (-99.4, 31.8)])

PLACES = {
    "missing site table": Case(gone("sites.csv"), "file.missing", ("sites.csv",), ""),
    "folder for a site table": Case(folder_for("sites.csv"), "file.is_folder", ("sites.csv",), ""),
    "no block size": Case(
        text("sites.csv", "s2,31.25,-99.25,50", "s2,31.25,-99.25,0"),
        "table.value.out_of_range",
        ("sites.csv", "row 3", "block_mw"),
        "0",
    ),
    "negative blocks": Case(
        text("sites.csv", "s3,31.55,-99.95,50,4", "s3,31.55,-99.95,50,-4"),
        "table.value.out_of_range",
        ("sites.csv", "row 4", "max_blocks"),
        "-4",
    ),
    "site twice": Case(text("sites.csv", "s3,31", "s1,31"), "table.id.duplicate", ("sites.csv", "row 4", "site"), "s1"),
    "site at an unknown bus": Case(
        text("sites.csv", "county", "bus"), "study.site.unknown_bus", ("sites", "s1", "bus"), "Alpha"
    ),
    "candidate outside the grid": Case(
        text("sites.csv", "s2,31.25,-99.25", "s2,48.2,16.4"), "study.site.outside_grid", ("sites", "s2"), "48.2"
    ),
    "tie to an unknown site": Case(
        text("ties.csv", "s2,n3", "s9,n3"), "study.tie.unknown_site", ("ties.csv", "row 3", "site"), "s9"
    ),
    "tie to an unknown bus": Case(
        text("ties.csv", "s2,n3", "s2,n9"), "study.site.unknown_bus", ("ties", "row 3", "bus"), "n9"
    ),
    "tie of no capacity": Case(
        text("ties.csv", "s3,n5,400", "s3,n5,-400"),
        "table.value.out_of_range",
        ("ties.csv", "row 4", "capacity_mw"),
        "-400",
    ),
    # layers
    "missing layer file": Case(gone("parks.geojson"), "file.missing", ("parks.geojson",), "parks.geojson"),
    "layer without CRS": Case(layer(gpd.GeoDataFrame(geometry=[PARK])), "vector.no_crs", ("parks.gpkg",), ""),
    "empty layer": Case(
        layer(gpd.GeoDataFrame(geometry=[], crs="EPSG:4326")), "vector.empty_layer", ("parks.gpkg",), ""
    ),
    # A polygon that crosses itself is repaired with a warning; one with an endless coordinate cannot be.
    "invalid polygon": Case(
        layer(gpd.GeoDataFrame(geometry=[PARK, ENDLESS], crs="EPSG:4326")),
        "vector.invalid_geometry",
        ("parks.gpkg", "feature 2"),
        "",
    ),
    "layer with exchanged axes": Case(
        layer(gpd.GeoDataFrame(geometry=[box(31.7, -99.4, 31.8, -99.3)], crs="EPSG:4326")),
        "vector.axis_order",
        ("parks.gpkg",),
        "x from 31.7",
    ),
    "layer filtered by an unknown column": Case(
        text("study.toml", "buffer_m = 100", "where = \"state = 'TX'\""),
        "vector.column",
        ("parks.geojson",),
        "'state'",
    ),
    "filter that is more than a condition": Case(
        text("study.toml", "buffer_m = 100", "where = \"name = 'x'; DROP TABLE parks\""),
        "layer.where.syntax",
        ("parks.geojson", "where"),
        "character 11",
    ),
    "layer that costs nothing in particular": Case(
        text("study.toml", "buffer_m = 100", 'rule = "cost"\nvalue = 1.0'),
        "study.layer.no_per",
        ("sites.layers#1 (parks)", "per"),
        "",
    ),
    "raster that is none": Case(
        both(raw("slope.tif", b"\x89PNG" + bytes(100)), text("study.toml", "parks.geojson", "slope.tif")),
        "raster.content",
        ("slope.tif",),
        "PNG",
    ),
    "unknown layer": Case(
        both(layer(gpd.GeoDataFrame(geometry=[PARK], crs="EPSG:4326")), text("study.toml", "buffer_m = 100", LAKES)),
        "file.layer",
        ("parks.gpkg",),
        "lakes",
    ),
    "layer is a picture": Case(
        raw("parks.geojson", b"\x89PNG\r\n\x1a\n" + bytes(100)), "vector.content", ("parks.geojson",), "PNG"
    ),
}
