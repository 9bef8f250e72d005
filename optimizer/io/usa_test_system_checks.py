"""What is wrong or odd in the tables of the U.S. Test System: every oddity is counted, named and said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from optimizer.errors import Finding
from optimizer.io.usa_test_system_source import REMEDY, SourceTables

#: Reactances below this make neighbouring equations differ by many orders of magnitude [pu on 100 MVA].
SMALL_REACTANCE_PU = 1e-4

_NAMED = 5


def unmatched(source: SourceTables) -> Iterable[Finding]:
    """Rows that name a bus, substation, zone or plant which is not there, or a branch across interconnections."""
    references = (
        ("branch", source.branch, "from_bus_id", source.bus["bus_id"]),
        ("branch", source.branch, "to_bus_id", source.bus["bus_id"]),
        ("plant", source.plant, "bus_id", source.bus["bus_id"]),
        ("bus", source.bus, "bus_id", source.bus2sub["bus_id"]),
        ("bus", source.bus, "zone_id", source.zone["zone_id"]),
        ("bus2sub", source.bus2sub, "sub_id", source.sub["sub_id"]),
        ("plant", source.plant, "plant_id", source.gencost["plant_id"]),
    )
    for table, rows, column, known in references:
        bad = ~rows[column].isin(known)
        if bad.any():
            text = _counted("names nothing in the network, or what another interconnection has", rows[column][bad])
            where = f"{table}.csv row {rows.index[bad][0] + 2}, {column}"
            yield Finding("usa.reference", where, text, repr(rows[column][bad].iloc[0]), REMEDY)
    area = source.bus.set_index("bus_id")["interconnect"]
    for column in ("from_bus_id", "to_bus_id"):
        across = source.branch[column].map(area).fillna(source.branch["interconnect"]) != source.branch["interconnect"]
        if across.any():
            text = _counted("the branch ends in another interconnection than its own", source.branch[across])
            where = f"branch.csv row {across.index[across][0] + 2}, {column}"
            yield Finding("usa.branch.across", where, text, "", "read as given", "warning")


def notes(source: SourceTables, left_out: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> tuple[Finding, ...]:
    """What was changed, left out or looks odd, each with its count and first ids.

    Parameters
    ----------
    source : SourceTables
        Rows of the network.
    left_out : DataFrame
        DC lines that end outside the network.
    tables : mapping
        The tables made of them.
    """
    found = [
        *_branch_notes(source),
        *_generator_notes(source, tables),
        *_dc_notes(source, left_out),
        *_bus_notes(source, tables),
    ]
    return tuple(sorted(found, key=lambda f: f.severity != "warning"))


def _branch_notes(source: SourceTables) -> Iterable[Finding]:
    rows, x = source.branch, source.branch["x"]
    substations = source.bus2sub.set_index("bus_id")["sub_id"]
    line = rows["branch_device_type"] == "Line"
    same = rows["from_bus_id"].map(substations) == rows["to_bus_id"].map(substations)
    given = (rows["angmin"] != 0) | (rows["angmax"] != 0)
    for bad, rule, column, text in (
        (rows["rateA"] == 0, "unlimited", "rateA", "rating 0 is read as unlimited"),
        (rows["rateB"] == 0, "no_emergency_rating", "rateB", "rating 0 is read as: no emergency rating given"),
        (line & same, "within_substation", "branch_device_type", "lines within one substation have length 0"),
        (x < 0, "negative_reactance", "x", "negative reactances of equivalents of three-winding transformers are kept"),
        (rows["r"] < 0, "negative_resistance", "r", "negative resistances of equivalents are kept"),
        (rows["angle"] != 0, "phase_shift", "angle", "phase shifts are kept"),
        (given, "angle_limits", "angmin", "limits of the angle difference are kept, in MATPOWER's meaning"),
        (rows["status"] != 1, "out_of_service", "status", "branches are out of service and kept so"),
    ):
        if bad.any():
            yield _note(f"usa.branch.{rule}", f"branch.csv, {column}", text, rows[bad])
    small = (x.abs() < SMALL_REACTANCE_PU) & (x != 0)
    if small.any():
        text = f"reactances below {SMALL_REACTANCE_PU:g} pu are kept"
        yield _note("usa.branch.small_reactance", "branch.csv, x", text, rows[small])
    if (x == 0).any():
        # The check of the grid refuses them, one by one.
        yield _note("usa.branch.zero_reactance", "branch.csv, x", "reactances are 0", rows[x == 0], "warning")


def _generator_notes(source: SourceTables, tables: Mapping[str, pd.DataFrame]) -> Iterable[Finding]:
    rows, costs = source.plant, source.gencost
    for bad, rule, column, text in (
        (
            rows["status"] != 1,
            "not_committed",
            "status",
            "units with status 0 are in service: kept as committed_in_source",
        ),
        (rows["Pmin"] != 0, "least_output", "Pmin", "lower limits are set to 0: commitment is not decided"),
        (rows["Pmax"] == 0, "no_output", "Pmax", "units with no output are kept"),
    ):
        if bad.any():
            yield _note(f"usa.generator.{rule}", f"plant.csv, {column}", text, rows[bad])
    if (costs["c0"] != 0).any():
        text = "constant costs are left out: they do not depend on the dispatch"
        yield _note("usa.generator.constant_cost", "gencost.csv, c0", text, costs[costs["c0"] != 0])
    made = tables["generators"]
    unknown = made[made["carbon_t_per_mwh"].isna()]
    if len(unknown):
        carriers = ", ".join(sorted(set(unknown["carrier"])))
        text = f"carriers without an emission factor have an empty carbon_t_per_mwh: {carriers}"
        yield _note("usa.generator.no_carbon", "plant.csv, type", text, unknown)
    both = made[made["generator"].isin(tables["branches"]["branch"])]
    if len(both):
        text = "ids of generators are also ids of branches, as in the source"
        yield _note("usa.generator.id_of_branch", "plant.csv, plant_id", text, both)


def _dc_notes(source: SourceTables, left_out: pd.DataFrame) -> Iterable[Finding]:
    kept = source.dcline[~source.dcline.index.isin(left_out.index)]
    if len(left_out):
        mw = left_out["Pf"].sum()
        text = f"DC lines to another interconnection are left out, with their scheduled {mw:,.0f} MW"
        yield _note("usa.hvdc.left_out", "dcline.csv", text, left_out, "warning")
    lossless = kept[(kept["Pf"] != kept["Pt"]) & (kept["loss0"] == 0) & (kept["loss1"] == 0)]
    if len(lossless):
        text = "DC lines deliver less than they take while their loss is given as 0: read as without loss"
        yield _note("usa.hvdc.loss", "dcline.csv, Pt", text, lossless)


def _bus_notes(source: SourceTables, tables: Mapping[str, pd.DataFrame]) -> Iterable[Finding]:
    low = source.bus[source.bus["baseKV"] == 1]
    if len(low):
        text = "buses of 1 kV are star points of three-winding transformers"
        yield _note("usa.bus.star_point", "bus.csv, baseKV", text, low)
    names, places = source.sub["name"].duplicated(keep=False), source.sub.duplicated(["lat", "lon"], keep=False)
    if names.any():
        text = "substations share their name with another; the ids differ"
        yield _note("usa.substation.name", "sub.csv, name", text, source.sub[names])
    if places.any():
        text = "substations share their place with another"
        yield _note("usa.substation.place", "sub.csv, lat", text, source.sub[places])
    negative = tables["buses"][tables["buses"]["load_mw"] < 0]
    if len(negative):
        yield _note("usa.bus.negative_load", "bus.csv, Pd", "negative loads are kept", negative)


def _note(rule: str, where: str, text: str, rows: pd.DataFrame, severity: str = "info") -> Finding:
    return Finding(rule, where, _counted(text, rows), severity="warning" if severity == "warning" else "info")


def _counted(text: str, rows: pd.DataFrame | pd.Series) -> str:
    """The text with how many rows it is about, and the first ids."""
    ids = rows if isinstance(rows, pd.Series) else rows.iloc[:, 0]
    more = ", ..." if len(ids) > _NAMED else ""
    return f"{text} ({len(ids):,} rows: {', '.join(map(str, ids.iloc[:_NAMED]))}{more})"
