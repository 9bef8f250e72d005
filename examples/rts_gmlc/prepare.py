"""Write the grid of this example from a copy of RTS-GMLC: ``python examples/rts_gmlc/prepare.py FOLDER``.

FOLDER is the ``RTS_Data`` folder of the published repository, or a folder with the same ``SourceData`` and with
``timeseries/DAY_AHEAD_*.csv.gz`` beside it, and with the README.md that holds the terms of use. The tables go to
``prepared`` beside this file, the terms of use with them. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent

KM_PER_MILE = 1.609344
"""Kilometres in a mile (definition)."""
T_PER_LB = 0.00045359237
"""Tonnes in a pound (definition)."""

RATINGS = {"normal": "Cont Rating", "long_term": "LTE Rating", "short_term": "STE Rating"}
"""Column of branch.csv by what may flow after an outage."""

SUPPLY = "sun_and_wind"
"""Table that is no part of the grid."""

PARTS = ("night", "morning", "afternoon", "evening")
"""Six hours each, from midnight on."""

NEAR_PEAK = 0.9
"""Days whose highest load is at least this share of the year's are hot days (a choice, unverified) [-]."""

HYDRO = 0.4
"""Output of hydro over capacity in every hour, whose series is not in every copy (unverified) [-]."""

RECONDUCTOR_MUSD_PER_KM = 0.2423
"""138 and 230 kV: MISO, Transmission Cost Estimation Guide for MTEP24, 1 May 2024, T4.1-3, 0.39 M$ a mile [M$/km]."""
RECONDUCTOR_SHARE = 0.5
"""Rating added over the present one (unverified), as `upgrades.added_share` of a study [-]."""
RECONDUCTOR_READY = 2029
"""27 months (Sightline Climate, 11 September 2024, middle of 18 to 36) from the start of 2026 [year]."""


class PrepareError(Exception):
    """What the user has to put right."""


def source_file(folder: Path, *names: str) -> Path:
    """First of several names that a published copy and its extracts use."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise PrepareError(f"{folder} has no {names[0]}: give the folder of RTS-GMLC that holds SourceData")


def read_series(folder: Path, kind: str, name: str) -> pd.DataFrame:
    """One day-ahead series of the year, index (month, day, hour from 1)."""
    names = (f"timeseries/{name}.csv.gz", f"timeseries_data_files/{kind}/{name}.csv")
    table = pd.read_csv(source_file(folder, *names)).drop(columns="Year")
    return table.set_index(["Month", "Day", "Period"]).astype(float)


def substations(branches: pd.DataFrame, buses: pd.Index) -> dict[str, str]:
    """Substation of each bus: buses that a transformer joins are one, named by the first."""
    home = {bus: bus for bus in buses}
    for one, other in branches.loc[branches["kind"] == "transformer", ["from_bus", "to_bus"]].itertuples(index=False):
        first, last = sorted((home[one], home[other]))
        home = {bus: first if at == last else at for bus, at in home.items()}
    return home


def network(folder: Path, after_outage: str) -> dict[str, pd.DataFrame]:
    """Buses, branches, the direct-current link and upgrades."""
    source = pd.read_csv(source_file(folder, "SourceData/branch.csv"), dtype={"From Bus": str, "To Bus": str})
    # A ratio of 0 is none, as in MATPOWER.
    transformer = source["Tr Ratio"] != 0
    branches = pd.DataFrame(
        {
            "branch": source["UID"],
            "from_bus": source["From Bus"],
            "to_bus": source["To Bus"],
            "x_pu": source["X"],
            "rating_mw": source["Cont Rating"],
            "rating_emergency_mw": source[RATINGS[after_outage]],
            "rating_short_term_mw": source["STE Rating"],
            "kind": transformer.map({True: "transformer", False: "line"}),
            "r_pu": source["R"],
            "b_pu": source["B"],
            "tap": source["Tr Ratio"].where(transformer, 1.0),
            "length_km": (KM_PER_MILE * source["Length"]).round(3),
        }
    )
    bus = pd.read_csv(source_file(folder, "SourceData/bus.csv"), dtype={"Bus ID": str})
    home = substations(branches, pd.Index(bus["Bus ID"]))
    buses = pd.DataFrame(
        {
            "bus": bus["Bus ID"],
            "base_kv": bus["BaseKV"],
            "load_mw": bus["MW Load"],
            "lat": bus["lat"],
            "lon": bus["lng"],
            "substation": bus["Bus ID"].map(home),
            "zone": "area " + bus["Area"].astype(str),
            "name": bus["Bus Name"],
            "load_mvar": bus["MVAR Load"],
            "shunt_mw": bus["MW Shunt G"],
            "shunt_mvar": bus["MVAR Shunt B"],
        }
    )
    link = pd.read_csv(source_file(folder, "SourceData/dc_branch.csv"), dtype={"From Bus": str, "To Bus": str})
    # The link is a part of the system that schedules no transfer by itself, as in the MATPOWER case: 0 MW.
    hvdc = pd.DataFrame(
        {"link": link["UID"], "from_bus": link["From Bus"], "to_bus": link["To Bus"], "p_max_mw": link["MW Load"]}
    ).assign(p_mw=0.0)
    lines = branches[(branches["kind"] == "line") & (branches["length_km"] > 0)]
    added = RECONDUCTOR_SHARE * lines["rating_mw"]
    upgrades = pd.DataFrame(
        {
            "upgrade": "reconductor " + lines["branch"],
            "branch": lines["branch"],
            "added_mw": added,
            "cost_musd": (RECONDUCTOR_MUSD_PER_KM * lines["length_km"]).round(4),
            "added_emergency_mw": (added * lines["rating_emergency_mw"] / lines["rating_mw"]).round(3),
            "ready": RECONDUCTOR_READY,
        }
    )
    return {"buses": buses, "branches": branches, "hvdc": hvdc, "upgrades": upgrades}


def generators(folder: Path) -> pd.DataFrame:
    """Units at their cost and emissions of full output; storage and synchronous condensers give no energy."""
    source = pd.read_csv(source_file(folder, "SourceData/gen.csv"), dtype={"Bus ID": str})
    source = source[~source["Category"].isin(["Storage", "Sync_Cond"])]
    heat = source.apply(full_heat_rate, axis=1).where(source["Fuel Price $/MMBTU"] > 0, 0.0)
    # Forced outage rates are those of thermal units and hydro; the sun's and the wind's follow from their series.
    return pd.DataFrame(
        {
            "generator": source["GEN UID"],
            "bus": source["Bus ID"],
            "p_max_mw": source["PMax MW"],
            "p_min_mw": 0.0,
            "p_mw": source["MW Inj"],
            "cost_usd_per_mwh": (heat * source["Fuel Price $/MMBTU"] + source["VOM"]).round(4),
            "carrier": source["Category"],
            "carbon_t_per_mwh": (heat * T_PER_LB * source["Emissions CO2 Lbs/MMBTU"]).round(5),
            "forced_outage_rate": source["FOR"],
        }
    ).reset_index(drop=True)


def full_heat_rate(unit: pd.Series) -> float:
    """Heat per energy at full output, from the first block's mean and the increments of the others [MMBtu/MWh]."""
    heat, before = 0.0, 0.0
    for number in range(5):
        share = unit[f"Output_pct_{number}"]
        if pd.isna(share) or share <= before:
            break
        rate = unit["HR_avg_0"] if number == 0 else unit[f"HR_incr_{number}"]
        heat, before = heat + (share - before) * rate / 1000.0, share
    return heat / before if before else 0.0


def representative_days(load: pd.DataFrame) -> pd.DataFrame:
    """Four days and how many days each stands for, index name: columns month, day, days.

    Hot days have a highest load near the year's, and the day of that highest load stands for them. The day whose load
    is closest to the mean of its season stands for the other days of June to September, of November to February, and
    of the rest of the year.
    """
    total = load.sum(axis=1)
    daily = total.unstack("Period")
    months = daily.index.get_level_values("Month")
    hot = daily.max(axis=1) >= NEAR_PEAK * total.max()
    seasons = {"summer": (6, 7, 8, 9), "winter": (11, 12, 1, 2), "mild": (3, 4, 5, 10)}
    rows = {"hot": (*daily.max(axis=1).idxmax(), int(hot.sum()))}
    for name, members in seasons.items():
        days = daily[months.isin(members) & ~hot]
        chosen = ((days - days.mean()) ** 2).sum(axis=1).idxmin()
        rows[name] = (*chosen, len(days))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["month", "day", "days"])
    return table.assign(days=table["days"] * 365.0 / table["days"].sum())


def hours_of(days: pd.DataFrame, load: pd.DataFrame) -> dict[str, list[tuple[int, int, int]]]:
    """Hours of the year that make each snapshot: six, and on the hot day the one of highest load in each part."""
    total = load.sum(axis=1)
    made: dict[str, list[tuple[int, int, int]]] = {}
    for name, row in days.iterrows():
        for number, part in enumerate(PARTS):
            hours = [(int(row["month"]), int(row["day"]), 6 * number + h) for h in range(1, 7)]
            made[f"{name}_{part}"] = [max(hours, key=lambda hour: total[hour])] if name == "hot" else hours
    return made


def conditions(folder: Path, units: pd.DataFrame, buses: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Snapshots, load factors of the three areas, and what each unit can give."""
    load = read_series(folder, "Load", "DAY_AHEAD_regional_Load")
    sun, wind = (read_series(folder, kind, f"DAY_AHEAD_{kind.lower()}") for kind in ("PV", "WIND"))
    days = representative_days(load)
    hours = hours_of(days, load)
    snapshots = [(name, 6.0 * days.at[name.split("_")[0], "days"]) for name in hours]
    area_mw = buses.groupby("zone")["load_mw"].sum()
    factors = [
        (name, f"area {area}", load.loc[at, area].mean() / area_mw[f"area {area}"])
        for name, at in hours.items()
        for area in load.columns
    ]
    rows = []
    for name, at in hours.items():
        shares = unit_shares(units, sun.loc[at].mean(), wind.loc[at].mean())
        rows += [(name, unit, round(min(1.0, share), 5)) for unit, share in shares.items()]
    return {
        "snapshots": pd.DataFrame(snapshots, columns=["snapshot", "hours"]),
        "load_factors": pd.DataFrame(factors, columns=["snapshot", "zone", "factor"]).round({"factor": 6}),
        "availability": pd.DataFrame(rows, columns=["snapshot", "generator", "factor"]),
    }


def unit_shares(units: pd.DataFrame, sun_mw: pd.Series, wind_mw: pd.Series) -> dict[str, float]:
    """Output that each unit can give over its capacity.

    Plants of sun and wind have their series. Panels on roofs and the thermal solar plant, whose series are not in every
    copy, get that of the plants of their area, hydro one number, all others what forced outages leave.
    """
    table = units.set_index("generator")
    area = table["bus"].str[0]
    plants = table.loc[sun_mw.index]
    by_area = sun_mw.groupby(area).sum() / plants["p_max_mw"].groupby(area.loc[plants.index]).sum()
    series = pd.concat([sun_mw, wind_mw])
    shares = {}
    for unit, row in table.iterrows():
        if unit in series.index:
            shares[unit] = series[unit] / row["p_max_mw"]
        elif row["carrier"] in ("Solar RTPV", "CSP"):
            shares[unit] = by_area[area[unit]]
        elif row["carrier"] in ("Hydro", "ROR"):
            shares[unit] = HYDRO
        else:
            shares[unit] = 1.0 - row["forced_outage_rate"]
    return shares


def own_supply(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What sun and wind would give at each candidate site: the mean of the plants of its area, 0 where it has none."""
    sites = pd.read_csv(HERE / "sites.csv", dtype={"bus": str})
    units = tables["generators"].set_index("generator")
    given = tables["availability"].join(units[["carrier", "bus", "p_max_mw"]], on="generator")
    given = given.assign(area=given["bus"].str[0], mw=given["factor"] * given["p_max_mw"])
    rows = []
    for technology, carrier in (("solar", "Solar PV"), ("wind", "Wind")):
        sums = given[given["carrier"] == carrier].groupby(["area", "snapshot"])[["mw", "p_max_mw"]].sum()
        share = sums["mw"] / sums["p_max_mw"]
        for site, bus in sites[["site", "bus"]].itertuples(index=False):
            rows += [
                (technology, h, site, round(float(share.get((bus[0], h), 0.0)), 5))
                for h in tables["snapshots"]["snapshot"]
            ]
    return pd.DataFrame(rows, columns=["technology", "snapshot", "site", "availability"])


def prepared(folder: Path, after_outage: str) -> dict[str, pd.DataFrame]:
    """Every table by its name."""
    tables = network(folder, after_outage)
    tables["generators"] = generators(folder)
    tables |= conditions(folder, tables["generators"], tables["buses"])
    tables[SUPPLY] = own_supply(tables)
    share = 1.0 - tables["generators"].pop("forced_outage_rate")
    tables["generators"] = tables["generators"].assign(
        accredited_share=share.where(~weather(tables), accredited(tables))
    )
    return tables


def weather(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """Whether a unit's output follows weather or water."""
    return tables["generators"]["carrier"].isin(["Solar PV", "Solar RTPV", "CSP", "Wind", "Hydro", "ROR"])


def accredited(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """Output over capacity in the worse of the two parts of the hot day in which load is highest."""
    given = tables["availability"].pivot(index="generator", columns="snapshot", values="factor")
    worst = given[["hot_afternoon", "hot_evening"]].min(axis=1)
    return tables["generators"]["generator"].map(worst)


def write(tables: dict[str, pd.DataFrame], terms: Path, out: Path) -> None:
    """Write the folder whole, or leave what was there."""
    made, old = out.with_name(out.name + ".new"), out.with_name(out.name + ".old")
    shutil.rmtree(made, ignore_errors=True)
    (made / "grid").mkdir(parents=True)
    for name, table in tables.items():
        table.to_csv(made / ("" if name == SUPPLY else "grid") / f"{name}.csv", index=False)
    shutil.copyfile(terms, made / "NOTICE.md")
    if out.exists():
        out.rename(old)
    made.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """Run the command line; 2 where something has to be put right."""
    asked = argparse.ArgumentParser(description="Write the grid of the RTS-GMLC example from a copy of its data.")
    asked.add_argument("folder", type=Path, help="folder of RTS-GMLC that holds SourceData")
    asked.add_argument(
        "--out", type=Path, default=HERE / "prepared", help="folder to write [prepared, beside this file]"
    )
    asked.add_argument(
        "--after-outage", choices=sorted(RATINGS), default="long_term", help="rating that holds after an outage"
    )
    given = asked.parse_args()
    folder = given.folder / "RTS_Data" if (given.folder / "RTS_Data").is_dir() else given.folder
    try:
        terms = next((f / "README.md" for f in (folder, folder.parent) if (f / "README.md").is_file()), None)
        if terms is None:
            raise PrepareError(f"{folder} has no README.md with the terms of use, which travel with the data")
        tables = prepared(folder, given.after_outage)
        write(tables, terms, given.out)
    except (PrepareError, OSError, KeyError, ValueError) as error:
        sys.stderr.write(f"prepare.py: {error}\n")
        return 2
    sys.stdout.write(f"{given.out}: {len(tables['buses'])} buses, {len(tables['snapshots'])} snapshots\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
