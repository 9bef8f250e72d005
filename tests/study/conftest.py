"""A region so small that every cost and length of it can be worked out on paper.

Two counties of about 11 x 11 km lie side by side on the equator, the border at longitude 0; the projection's centre is
(0, 0). Cells of 5 km: the eight whose centres are x = -7.5, -2.5, 2.5, 7.5 and y = -2.5, 2.5 km lie inside, sixteen
more touch the border with their centres outside.

    y [km]                 west (zone 1A, water w1)  |  east (zone 2A, water w2)
     2.5            n1 (cell centre)    .            |        .           n2 (cell centre)
    -2.5                  .             . n3 (x -1.5) |        .           n4 (cell centre)
                   x = -7.5           -2.5           |       2.5          7.5

All buses are of 115 kV, each a substation; lines n1-n2, n2-n3, n1-n3 and n3-n4 of 300 MW, so that the outage of n3-n4
cuts off n4. The exchange point lies at (-7.5, 7.5).
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyproj
import pytest

from optimizer.study import Study, read_study

TO_DEGREES = pyproj.Transformer.from_crs(
    "+proj=laea +lat_0=0 +lon_0=0 +datum=WGS84 +units=m +no_defs", "EPSG:4326", always_xy=True
)


def lat_lon(x_km: float, y_km: float) -> tuple[float, float]:
    lon, lat = TO_DEGREES.transform(1000 * x_km, 1000 * y_km)
    return lat, lon


PLACES = {"n1": (-7.5, 2.5), "n2": (7.5, 2.5), "n3": (-1.5, -2.5), "n4": (7.5, -2.5)}

GRID = {
    "buses": "bus,base_kv,load_mw,lat,lon,zone\n"
    + "".join(f"{n},115,{100 if n == 'n1' else 0},{lat_lon(*xy)[0]},{lat_lon(*xy)[1]},z\n" for n, xy in PLACES.items()),
    "branches": """branch,from_bus,to_bus,x_pu,rating_mw,length_km,kind
a,n1,n2,0.1,300,15,line
b,n2,n3,0.1,300,10,line
c,n1,n3,0.1,300,,line
d,n3,n4,0.1,300,0.1,line
""",
    "generators": """generator,bus,p_max_mw,cost_usd_per_mwh,cost_quadratic_usd_per_mw2h,carrier
g1,n3,2000,10,0.01,gas
g2,n3,100,0,0,wind
""",
    "snapshots": "snapshot,hours,load_factor\npeak,760,1\nlow,8000,0.5\n",
    "availability": "snapshot,carrier,generator,zone,factor\npeak,wind,,,0.2\nlow,wind,,,0.5\nlow,,g2,,0.9\n",
}

FACTS = {
    "cooling": """iecc_zone,cooling,pue_p05,pue_p50,pue_p95,wue_p50_l_per_kwh
1A,dry,1.1,1.2,1.3,0.1
1A,tower,1.05,1.1,1.15,2.0
1A,air,1.2,1.4,1.6,0.0
2A,dry,1.1,1.25,1.3,0.1
2A,tower,1.05,1.1,1.15,2.0
2A,air,1.2,1.4,1.6,0.0
""",
    "cooling_technologies": """cooling,rack_density_max_kw,capex_musd_per_mw_it
dry,120,3
tower,100,2
air,25,1
""",
    "water_sources": """water_region,water_source,available_m3_day,price_usd_per_m3
w1,ground,1000,0.5
w1,surface,500,0.1
w2,ground,100,0.5
""",
    "line_costs": """base_kv,new_single_circuit_musd_per_km,new_double_circuit_musd_per_km,reconductor_musd_per_km
115,1.0,1.5,0.2
345,2.0,,0.4
""",
    "substation_costs": """base_kv,add_1_position_breaker_and_a_half_musd,add_2_positions_breaker_and_a_half_musd,\
new_4_positions_breaker_and_a_half_musd,new_6_positions_breaker_and_a_half_musd
115,2,3,10,14
345,4,7,20,27
""",
    "transformer_costs": "kv_high,kv_low,usd_per_mva_with_adders\n115,69,10000\n345,69,15000\n345,115,12000\n",
    "tie_ratings": "base_kv,rating_per_circuit_mva\n115,300\n345,1800\n",
    "lead_times": """item,kv_min,kv_max,months_typical
study,,,6
permit,,,6
tie_line_short,69,230,24
tie_line_short,345,765,36
substation_transformer,,,31
breaker,,,30
reconductoring,,,18
construction,,,20
""",
    "land": "item,value,unit\nland_price,100000,usd_per_ha\nline_route_factor,1.3,1\nfibre_route_factor,2,1\n"
    "fibre_cost,0.5,musd_per_km\n",
    "emission_factors": "item,carbon_t_per_mwh\ncoal,1.0\ngrid_average_tiny,0.4\ngrid_average_other,0.6\n",
    "places": "place,name,kind,lat,lon\nx,Exchange,exchange,{},{}\nm,Town,metro,0,0\n".format(*lat_lon(-7.5, 7.5)),
    "assumptions": "id,value,unit\ntie_firm_share,0.9,1\ntie_short_limit_km,80,km\n",
}

RULES = """
jurisdiction = [{ id = "T", kind = "area", name = "tiny" }]

[[rule]]
id = "big"
title = "A fee from 75 MW"
jurisdiction = "T"
status = "in_force"
threshold_mw = 75
fee_usd = 200000
source = "made for tests"
confidence = "primary"

[[rule]]
id = "huge"
title = "A higher fee from 1,000 MW"
jurisdiction = "T"
status = "in_force"
threshold_mw = 1000
fee_usd = 900000
source = "made for tests"
confidence = "primary"

[[rule]]
id = "next"
title = "A proposal"
jurisdiction = "T"
status = "proposed"
threshold_mw = 75
fee_usd = 5000000
source = "made for tests"
confidence = "primary"
"""

COUNTIES = "fips,county,iecc_zone,water_region\n001,West,1A,w1\n002,East,2A,w2\n"

STUDY = """
[study]
name = "Tiny"
periods = [2030, 2032]
decision_year = 2027
[grid]
source = "tiny/grid"
[demand]
it_mw = { 2030 = 100, 2032 = 200 }
[facility]
block_mw = 50
utilization = 0.5
land_ha_per_mw = 2
rack_density_kw = 100
cost_musd_per_mw = 8
fixed_cost_musd = 20
min_campus_mw = 50
max_campus_mw = 200
[sites]
region = "tiny"
cell_km = 5
max_tie_km = 11
points_per_site = 2
[rules]
sources = ["rules.toml"]
[water]
withdrawal_share = 1.0
[economics]
discount_rate = 0.0
life_years = 20
last_period_years = 2
"""


def square(west: float, east: float) -> dict[str, object]:
    ring = [[west, -0.05], [east, -0.05], [east, 0.05], [west, 0.05], [west, -0.05]]
    return {"type": "Polygon", "coordinates": [ring]}


def counties_map() -> str:
    features = [
        {"type": "Feature", "properties": {"fips": fips, "name": name}, "geometry": square(*ends)}
        for fips, name, ends in (("001", "West", (-0.1, 0.0)), ("002", "East", (0.0, 0.1)))
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study folder as it is before a test changes something in it."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "tiny" / "grid").mkdir(parents=True)
    (folder / "tiny" / "facts").mkdir()
    for kind, tables in (("grid", GRID), ("facts", FACTS)):
        for name, text in tables.items():
            (folder / "tiny" / kind / f"{name}.csv").write_text(text)
    (folder / "tiny" / "counties.csv").write_text(COUNTIES)
    (folder / "tiny" / "counties.geojson").write_text(counties_map())
    (folder / "rules.toml").write_text(RULES)
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.fixture
def tiny_folder(tiny_template: Path, tmp_path: Path) -> Path:
    """A copy of the study folder, to be changed."""
    return Path(shutil.copytree(tiny_template, tmp_path / "study"))


@pytest.fixture(scope="session")
def tiny(tiny_template: Path) -> Study:
    """The study, unchanged."""
    return read_study(tiny_template)


@pytest.fixture
def edited(tiny_folder: Path) -> Callable[..., Study]:
    """Read the study after changes: files to write, by path, and keys to override."""

    def read(files: dict[str, str] | None = None, keys: dict[str, object] | None = None) -> Study:
        for name, text in (files or {}).items():
            (tiny_folder / name).write_text(text)
        study = read_study(tiny_folder)
        return study.override(keys) if keys else study

    return read
