"""The tables of the U.S. Test System, as the package powersimdata publishes them, in the columns of a grid.

The wheel is read as a zip file: nothing of it is installed or run. Values are those of the source; what is read in
another way, or looks odd and is kept, is a finding with its count and first ids.

Source: Xu, Myhrvold, Sivam, Mueller, Olsen, Xia, Livengood, Hunt, Rouille d'Orfeuil, Muldrew, Ondreicka, Bettilyon,
U.S. Test System with High Spatial and Temporal Resolution for Renewable Integration Studies, IEEE PES General Meeting
2020, arXiv:2002.06155. Its tables follow MATPOWER's case format (Zimmerman and Murillo-Sanchez, MATPOWER User's
Manual, Appendix B).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from optimizer.errors import Finding, refuse_errors
from optimizer.io.usa_test_system_checks import notes, unmatched
from optimizer.io.usa_test_system_source import REMEDY, SourceTables, read_source

__all__ = ["NETWORKS", "SourceTables", "network_tables", "read_source"]

#: Interconnections that each network has, as the source names them.
NETWORKS: dict[str, tuple[str, ...]] = {
    "western": ("Western",),
    "eastern": ("Eastern",),
    "usa": ("Eastern", "Western", "Texas"),
}

#: Mean radius of the Earth: (2 a + b) / 3 of the GRS 80 ellipsoid (Moritz 2000, doi:10.1007/s001900050278) [km].
EARTH_RADIUS_KM = 6371.0088

CARRIERS = {
    "coal": "coal",
    "dfo": "oil",
    "geothermal": "geothermal",
    "hydro": "hydro",
    "ng": "gas",
    "nuclear": "nuclear",
    "other": "other",
    "solar": "solar",
    "wind": "wind",
    "wind_offshore": "wind_offshore",
}
KINDS = {"Line": "line", "Transformer": "transformer", "TransformerWinding": "transformer"}


def network_tables(
    source: SourceTables, network: str, carbon_t_per_mwh: Mapping[str, float]
) -> tuple[dict[str, pd.DataFrame], tuple[Finding, ...]]:
    """Tables of a grid, for one network of the source.

    Parameters
    ----------
    source : SourceTables
        All tables.
    network : str
        One of `NETWORKS`.
    carbon_t_per_mwh : mapping of str to float
        CO2 of combustion by carrier [t/MWh]; a carrier that is not in it has no figure.

    Returns
    -------
    tables : dict of str to DataFrame
        ``buses``, ``branches``, ``generators`` and, if there is one, ``hvdc``, rows by rising id. Ids are text and
        those of the source, but for DC links, ``dc0`` onwards.
    findings : tuple of Finding
        Warnings and notes.

    Raises
    ------
    InputError
        Rows that name nothing, or values that are no code of the source.

    Notes
    -----
    ``rateA`` 0 is unlimited and ``rateB`` 0 is not given: both become empty. ``ratio`` 0 is a tap of 1. ``status`` and
    ``Pmin`` of a generator belong to the unit commitment of the one hour that the source's power flow was solved for:
    every unit is in service with a lower limit of 0, and the status is kept in ``committed_in_source``.
    """
    chosen = _rows_of(source, NETWORKS[network])
    warned = refuse_errors([*unmatched(chosen), *_unknown_codes(chosen)])
    tables = {
        "buses": _buses(chosen, several=len(NETWORKS[network]) > 1),
        "branches": _branches(chosen),
        "generators": _generators(chosen, carbon_t_per_mwh),
    }
    inside = source.dcline["from_bus_id"].isin(chosen.bus["bus_id"])
    inside &= source.dcline["to_bus_id"].isin(chosen.bus["bus_id"])
    if inside.any():
        tables["hvdc"] = _hvdc(source.dcline[inside])
    left_out = chosen.dcline[~chosen.dcline.index.isin(source.dcline.index[inside])]
    return tables, (*warned, *notes(chosen, left_out, tables))


def _rows_of(source: SourceTables, interconnections: Sequence[str]) -> SourceTables:
    """Rows of some interconnections; DC lines that touch them."""

    def kept(table: pd.DataFrame, column: str = "interconnect") -> pd.DataFrame:
        return table[table[column].isin(interconnections)]

    bus, plant, dcline = kept(source.bus), kept(source.plant), source.dcline
    touching = dcline["from_interconnect"].isin(interconnections) | dcline["to_interconnect"].isin(interconnections)
    bus2sub = source.bus2sub[source.bus2sub["bus_id"].isin(bus["bus_id"])]
    return SourceTables(
        bus=bus,
        bus2sub=bus2sub,
        sub=source.sub[source.sub["sub_id"].isin(bus2sub["sub_id"])],
        branch=kept(source.branch),
        plant=plant,
        gencost=source.gencost[source.gencost["plant_id"].isin(plant["plant_id"])],
        dcline=dcline[touching],
        zone=source.zone[source.zone["zone_id"].isin(bus["zone_id"])],
    )


def _unknown_codes(source: SourceTables) -> Iterable[Finding]:
    quadratic = (source.gencost["type"] == 2) & (source.gencost["n"] == 3)
    checks = (
        ("branch", source.branch["branch_device_type"], source.branch["branch_device_type"].isin(KINDS)),
        ("plant", source.plant["type"], source.plant["type"].isin(CARRIERS)),
        ("gencost", source.gencost["type"], quadratic),
    )
    for table, values, good in checks:
        if not good.all():
            text = f"not a {values.name} that is known ({int((~good).sum())} rows, this is the first)"
            where = f"{table}.csv row {values.index[~good][0] + 2}, {values.name}"
            yield Finding("usa.code", where, text, repr(values[~good].iloc[0]), REMEDY)


def _by_number(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by rising id, which is a whole number written as text."""
    return table.sort_values(table.columns[0], key=lambda ids: ids.astype("int64"), kind="stable").reset_index(
        drop=True
    )


def _looked_up(table: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """Row of each id, which is in the first column."""
    key = table.columns[0]
    return table.set_index(key).reindex(ids.to_numpy()).rename_axis(key).reset_index()


def _places(source: SourceTables, buses: pd.Series) -> pd.DataFrame:
    """Substation of each bus: ``sub_id``, ``name``, ``lat``, ``lon``."""
    substations = source.bus2sub.set_index("bus_id")["sub_id"]
    return _looked_up(source.sub, buses.map(substations))


def _buses(source: SourceTables, several: bool) -> pd.DataFrame:
    rows = _by_number(source.bus)
    sub = _places(source, rows["bus_id"])
    zones = _looked_up(source.zone, rows["zone_id"])
    made = pd.DataFrame(
        {
            "bus": rows["bus_id"],
            "base_kv": rows["baseKV"],
            "load_mw": rows["Pd"],
            "lat": sub["lat"],
            "lon": sub["lon"],
            "substation": sub["sub_id"],
            "zone": rows["zone_id"],
            "name": [f"{name} {kv:g} kV" for name, kv in zip(sub["name"], rows["baseKV"], strict=True)],
            "shunt_mw": rows["Gs"],
            "type": rows["type"].astype("int64"),
            "load_mvar": rows["Qd"],
            "shunt_mvar": rows["Bs"],
            "v_max_pu": rows["Vmax"],
            "v_min_pu": rows["Vmin"],
            "v_start_pu": rows["Vm"],
            "angle_start_deg": rows["Va"],
            "substation_name": sub["name"],
            "zone_name": zones["zone_name"],
            "state": zones["state"],
        }
    )
    return made.assign(interconnection=rows["interconnect"]) if several else made


def _branches(source: SourceTables) -> pd.DataFrame:
    rows = _by_number(source.branch)
    kind = rows["branch_device_type"].map(KINDS)
    length_km = _great_circle_km(_places(source, rows["from_bus_id"]), _places(source, rows["to_bus_id"]))
    limited = (rows["angmin"] != 0) | (rows["angmax"] != 0)
    made = pd.DataFrame(
        {
            "branch": rows["branch_id"],
            "from_bus": rows["from_bus_id"],
            "to_bus": rows["to_bus_id"],
            "x_pu": rows["x"],
            "rating_mw": rows["rateA"].where(rows["rateA"] > 0),
            "rating_emergency_mw": rows["rateB"].where(rows["rateB"] > 0),
            "kind": kind,
            "r_pu": rows["r"],
            "b_pu": rows["b"],
            "tap": rows["ratio"].where(rows["ratio"] != 0, 1.0),
            "shift_deg": rows["angle"],
            # Two decimals, as text and back: the same on every machine.
            "length_km": pd.Series([float(f"{km:.2f}") for km in length_km]).where(kind == "line"),
            "in_service": (rows["status"] == 1).astype("int64"),
        }
    )
    if limited.any():
        made = made.assign(angle_min_deg=rows["angmin"].where(limited), angle_max_deg=rows["angmax"].where(limited))
    if (rows["rateC"] > 0).any():
        made = made.assign(rating_short_term_mw=rows["rateC"].where(rows["rateC"] > 0))
    return made


def _generators(source: SourceTables, carbon_t_per_mwh: Mapping[str, float]) -> pd.DataFrame:
    rows = _by_number(source.plant)
    cost = _looked_up(source.gencost, rows["plant_id"])
    carrier = rows["type"].map(CARRIERS)
    return pd.DataFrame(
        {
            "generator": rows["plant_id"],
            "bus": rows["bus_id"],
            "p_max_mw": rows["Pmax"],
            "p_min_mw": 0.0,
            "cost_usd_per_mwh": cost["c1"],
            "cost_quadratic_usd_per_mw2h": cost["c2"],
            "carrier": carrier,
            "carbon_t_per_mwh": carrier.map(dict(carbon_t_per_mwh)).astype("float64"),
            "q_max_mvar": rows["Qmax"],
            "q_min_mvar": rows["Qmin"],
            "v_set_pu": rows["Vg"],
            "in_service": 1,
            "committed_in_source": (rows["status"] == 1).astype("int64"),
        }
    )


def _hvdc(rows: pd.DataFrame) -> pd.DataFrame:
    """DC links; their numbers are also those of branches, so that they get a prefix."""
    rows = _by_number(rows)
    return pd.DataFrame(
        {
            "link": "dc" + rows["dcline_id"],
            "from_bus": rows["from_bus_id"],
            "to_bus": rows["to_bus_id"],
            "p_max_mw": rows["Pmax"],
            "p_min_mw": rows["Pmin"],
            "p_mw": rows["Pf"],
            "loss_mw": rows["loss0"],
            "loss_share": rows["loss1"],
            "in_service": (rows["status"] == 1).astype("int64"),
        }
    )


def _great_circle_km(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Great-circle distances between places with ``lat`` and ``lon`` [deg], by the haversine formula [km]."""
    lat_a, lon_a, lat_b, lon_b = (np.radians(p[c].to_numpy()) for p in (one, other) for c in ("lat", "lon"))
    chord = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(chord)))
