"""The Texas rows of the USATestSystem tables, in the columns of a grid folder.

Source: Xu, Myhrvold, Sivam, Mueller, Olsen, Xia, Livengood, Hunt, Rouille d'Orfeuil, Muldrew, Ondreicka, Bettilyon,
U.S. Test System with High Spatial and Temporal Resolution for Renewable Integration Studies, IEEE PES General
Meeting 2020, as packaged in powersimdata. The Texas part descends from the synthetic case ACTIVSg2000 (Birchfield
and others, IEEE Transactions on Power Systems 32 (2017) 3258-3265).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from texas_build.errors import BuildError
from texas_build.tables import fixed, plain, read_rows, write_rows

FOLDER = "powersimdata/network/usa_tamu/data/"
INTERCONNECT = "Texas"
COUNTS = {"bus": 2000, "sub": 1250, "branch": 3206, "plant": 598, "gencost": 598, "zone": 8}

# Mean Earth radius of the GRS 80 ellipsoid, (2a + b) / 3 [km] (Moritz, Geodetic Reference System 1980).
EARTH_RADIUS_KM = 6371.0088

CARRIERS = {"coal": "coal", "hydro": "hydro", "ng": "gas", "nuclear": "nuclear", "solar": "solar", "wind": "wind"}
KINDS = {"Line": "line", "Transformer": "transformer", "TransformerWinding": "transformer"}

BUS_COLUMNS = (
    "bus base_kv load_mw lat lon substation zone name shunt_mw type load_mvar shunt_mvar v_max_pu v_min_pu"
    " v_start_pu angle_start_deg substation_name zone_name"
).split()
BRANCH_COLUMNS = (
    "branch from_bus to_bus x_pu rating_mw rating_emergency_mw kind r_pu b_pu tap shift_deg length_km in_service"
).split()
GENERATOR_COLUMNS = (
    "generator bus p_max_mw p_min_mw cost_usd_per_mwh cost_quadratic_usd_per_mw2h carrier carbon_t_per_mwh"
    " q_max_mvar q_min_mvar v_set_pu in_service committed_in_source"
).split()

Table = list[dict[str, str]]


@dataclass(frozen=True)
class Source:
    """The Texas rows of the package's tables, values as published."""

    bus: Table
    substation_of: dict[str, str]
    sub: Table
    branch: Table
    plant: Table
    gencost: Table
    zone: Table


def read_source(read: Callable[[str], str]) -> Source:
    """Read the Texas rows and check how many there are.

    Parameters
    ----------
    read : callable
        Gives the text of a file of the package.

    Returns
    -------
    Source

    Raises
    ------
    BuildError
        If a count is not the published one.
    """
    columns = {
        "bus": "bus_id type Pd Qd Gs Bs zone_id Vm Va baseKV Vmax Vmin",
        "bus2sub": "bus_id sub_id",
        "sub": "sub_id name lat lon",
        "branch": "branch_id from_bus_id to_bus_id r x b rateA rateB ratio angle status branch_device_type",
        "plant": "plant_id bus_id Qmax Qmin Vg status Pmax type",
        "gencost": "plant_id type n c2 c1",
        "zone": "zone_id zone_name",
    }
    tables = {}
    for name, names in columns.items():
        member = f"{FOLDER}{name}.csv"
        rows = read_rows(read(member), member, [*names.split(), "interconnect"])
        tables[name] = [row for row in rows if row["interconnect"] == INTERCONNECT]
        expected = COUNTS.get(name, len(tables[name]))
        if len(tables[name]) != expected:
            raise BuildError(f"{member}: {len(tables[name])} rows of {INTERCONNECT}, {expected} are expected")
    substation_of = {row["bus_id"]: row["sub_id"] for row in tables.pop("bus2sub")}
    return Source(substation_of=substation_of, **tables)


def great_circle_km(a: Mapping[str, str], b: Mapping[str, str]) -> float:
    """Great-circle distance between two places [km], by the haversine formula.

    Parameters
    ----------
    a, b : mapping
        Rows with ``lat`` and ``lon`` [degrees].
    """
    lat_a, lon_a, lat_b, lon_b = (math.radians(float(row[name])) for row in (a, b) for name in ("lat", "lon"))
    chord = math.sin((lat_b - lat_a) / 2) ** 2
    chord += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))


def by_number(rows: Sequence[Mapping[str, str]], key: str) -> list[Mapping[str, str]]:
    """Rows sorted by an id that is a whole number."""
    return sorted(rows, key=lambda row: int(row[key]))


def bus_rows(source: Source) -> Table:
    """Rows of ``buses.csv``."""
    subs = {row["sub_id"]: row for row in source.sub}
    zone_names = {row["zone_id"]: row["zone_name"] for row in source.zone}
    made = []
    for row in by_number(source.bus, "bus_id"):
        sub = subs[source.substation_of[row["bus_id"]]]
        kv = plain(row["baseKV"])
        made.append(
            {
                "bus": row["bus_id"],
                "base_kv": kv,
                "load_mw": plain(row["Pd"]),
                "lat": plain(sub["lat"]),
                "lon": plain(sub["lon"]),
                "substation": sub["sub_id"],
                "zone": row["zone_id"],
                "name": f"{sub['name']} {kv} kV",
                "shunt_mw": plain(row["Gs"]),
                "type": row["type"],
                "load_mvar": plain(row["Qd"]),
                "shunt_mvar": plain(row["Bs"]),
                "v_max_pu": plain(row["Vmax"]),
                "v_min_pu": plain(row["Vmin"]),
                "v_start_pu": plain(row["Vm"]),
                "angle_start_deg": plain(row["Va"]),
                "substation_name": sub["name"],
                "zone_name": zone_names[row["zone_id"]],
            }
        )
    return made


def branch_rows(source: Source) -> Table:
    """Rows of ``branches.csv``.

    ``rateA`` 0 means unlimited and becomes an empty rating. ``rateB`` 0 means that no emergency rating is given and
    becomes empty too, so that a study applies its own factor. ``ratio`` 0 means no off-nominal tap, that is 1.
    """
    subs = {row["sub_id"]: row for row in source.sub}
    made = []
    for row in by_number(source.branch, "branch_id"):
        kind = KINDS[row["branch_device_type"]]
        ends = [subs[source.substation_of[row[end]]] for end in ("from_bus_id", "to_bus_id")]
        made.append(
            {
                "branch": row["branch_id"],
                "from_bus": row["from_bus_id"],
                "to_bus": row["to_bus_id"],
                "x_pu": plain(row["x"]),
                "rating_mw": plain(row["rateA"]) if float(row["rateA"]) > 0 else "",
                "rating_emergency_mw": plain(row["rateB"]) if float(row["rateB"]) > 0 else "",
                "kind": kind,
                "r_pu": plain(row["r"]),
                "b_pu": plain(row["b"]),
                "tap": plain(row["ratio"]) if float(row["ratio"]) != 0 else "1",
                "shift_deg": plain(row["angle"]),
                "length_km": fixed(great_circle_km(*ends), 2) if kind == "line" else "",
                "in_service": "1" if row["status"] == "1" else "0",
            }
        )
    return made


def generator_rows(source: Source, carbon: Mapping[str, str]) -> Table:
    """Rows of ``generators.csv``; `carbon` is t CO2 per MWh by carrier.

    The source's ``status`` 0 (112 units, 15 GW) is the unit commitment of the one hour its power flow was solved for,
    not a retirement: it is kept as ``committed_in_source``, and every unit is in service. ``Pmin`` belongs to that
    commitment too, so the lower limit is 0.
    """
    costs = {row["plant_id"]: row for row in source.gencost}
    made = []
    for row in by_number(source.plant, "plant_id"):
        cost = costs[row["plant_id"]]
        if (cost["type"], cost["n"]) != ("2", "3"):
            raise BuildError(f"gencost.csv: the cost of plant {row['plant_id']} is not a quadratic polynomial")
        carrier = CARRIERS[row["type"]]
        made.append(
            {
                "generator": row["plant_id"],
                "bus": row["bus_id"],
                "p_max_mw": plain(row["Pmax"]),
                "p_min_mw": "0",
                "cost_usd_per_mwh": plain(cost["c1"]),
                "cost_quadratic_usd_per_mw2h": plain(cost["c2"]),
                "carrier": carrier,
                "carbon_t_per_mwh": carbon[carrier],
                "q_max_mvar": plain(row["Qmax"]),
                "q_min_mvar": plain(row["Qmin"]),
                "v_set_pu": plain(row["Vg"]),
                "in_service": "1",
                "committed_in_source": "1" if row["status"] == "1" else "0",
            }
        )
    return made


def write_network(source: Source, carbon: Mapping[str, str], folder: Path) -> None:
    """Write ``buses.csv``, ``branches.csv`` and ``generators.csv`` of a grid folder."""
    write_rows(folder / "buses.csv", BUS_COLUMNS, bus_rows(source))
    write_rows(folder / "branches.csv", BRANCH_COLUMNS, branch_rows(source))
    write_rows(folder / "generators.csv", GENERATOR_COLUMNS, generator_rows(source, carbon))
