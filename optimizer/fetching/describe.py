"""``dataset.toml`` and ``NOTICE.md`` of a fetched dataset: source, licence, units, checksums, and what it is not."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.errors import Finding
from optimizer.fetching.wheel import Pin, sha256_of
from optimizer.grid.columns import AC_COLUMNS, TABLES, Column
from optimizer.resources import dataset_path

if TYPE_CHECKING:
    import pandas as pd

CONVERSION = 1
"""Version of how the source is read: a dataset of another one is made anew."""

_FOOTPRINTS = {
    "western": "the western interconnection of the United States",
    "eastern": "the eastern interconnection of the United States",
    "usa": "the three interconnections of the contiguous United States",
}
_ABOUT = {
    "buses": "Buses with their load",
    "branches": "Lines and transformers",
    "generators": "Generators with their cost",
    "hvdc": "DC lines",
}
_CHANGES = (
    "columns renamed; rating 0 emptied; ratio 0 written as 1; lower generator limits set to 0; every generator in "
    "service; constant costs left out; lengths of lines computed; dc put before the numbers of DC lines"
)
#: Columns that no other grid has, or that have a meaning of their own here.
_OWN = {
    "substation_name": "text: name of the substation",
    "zone_name": "text: name of the zone",
    "state": "text: state of the zone",
    "interconnection": "text: Eastern, Western or Texas",
    "committed_in_source": "0 or 1: whether the unit ran in the one hour that the source's power flow was solved for",
    "rating_mw": "MW: normal rating, rateA of the source in MVA read as MW; empty is unlimited",
    "rating_emergency_mw": "MW: emergency rating, rateB of the source; empty is not given",
    "length_km": "km: great-circle distance between the substations, no route factor; empty for transformers",
    "p_min_mw": "MW: lowest output: 0, commitment is not decided",
    "carbon_t_per_mwh": "t/MWh: CO2 of combustion by carrier, facts/emission_factors.csv of texas; empty if unknown",
}
_AUTHORS = (
    "Y. Xu, N. Myhrvold, D. Sivam, K. Mueller, D. J. Olsen, B. Xia, D. Livengood, V. Hunt, B. Rouillé d'Orfeuil, "
    "D. Muldrew, M. Ondreicka, M. Bettilyon; Breakthrough Energy Sciences"
)
_TITLE = "U.S. Test System with High Spatial and Temporal Resolution for Renewable Integration Studies (USATestSystem)"
_CREDIT = (
    "The system rests in part on data of the National Renewable Energy Laboratory. Credit: DOE/NREL/ALLIANCE. The "
    "laboratory's notice has to travel with such data:"
)
_REFERENCE = "doi:10.5281/zenodo.3530898; arXiv:2002.06155; IEEE PES General Meeting 2020"


def describe(name: str, tables: Mapping[str, pd.DataFrame], folder: Path, findings: Sequence[Finding], pin: Pin) -> str:
    """Text of ``dataset.toml``.

    Parameters
    ----------
    name : str
        The dataset.
    tables : mapping of str to DataFrame
        Its tables.
    folder : Path
        Where they are written, as ``<table>.parquet``.
    findings : sequence of Finding
        What reading the source has found.
    pin : Pin
        The package.
    """
    files = {f"grid/{table}.parquet": table for table in tables}
    lines = [*_head(name, tables), "", *_source(list(files), pin), "", *_package(pin)]
    for finding in findings:
        lines += ["", "[[notes]]", f"rule = {_quoted(finding.rule)}"]
        lines += [f"where = {_quoted(finding.where)}", f"note = {_quoted(finding.message)}"]
    for file, table in files.items():
        frame = tables[table]
        lines += ["", f"[files.{_quoted(file)}]", f"description = {_quoted(_ABOUT[table])}", 'origin = "derived"']
        lines += [f"rows = {len(frame)}", f"sha256 = {_quoted(sha256_of(folder / f'{table}.parquet'))}"]
        lines += ["", f"[files.{_quoted(file)}.columns]"]
        lines += [f"{column} = {_quoted(_meaning(table, column))}" for column in frame.columns]
    return "\n".join(lines) + "\n"


def notice(name: str, pin: Pin) -> str:
    """Text of ``NOTICE.md``: the attribution, and the data-use notice that the Texas dataset carries too."""
    bundled = (dataset_path("texas") / "NOTICE.md").read_text(encoding="utf-8")
    data_use = bundled[bundled.index("## DOE/NREL/ALLIANCE") :]
    licence = "Licensed under the Creative Commons Attribution 4.0 International licence"
    address = "<https://creativecommons.org/licenses/by/4.0/>"
    package = f"package {pin.name} {pin.version} (its code is under the MIT licence and is not used)"
    parts = [
        f"# Attribution and notices of the dataset {name}",
        _wrapped(_statement(name)),
        "## Network: USATestSystem, CC BY 4.0",
        "Adapted from:",
        _wrapped(f"{_AUTHORS}: {_TITLE}. {_REFERENCE}. {licence}, {address}.", "> "),
        _wrapped(f"Changes: {_CHANGES}. The tables are read from the {package}."),
        "## DOE/NREL/ALLIANCE data-use notice",
        _wrapped(_CREDIT),
        "\n".join(line for line in data_use.splitlines() if line.startswith(">")),
    ]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 118, initial_indent=indent, subsequent_indent=indent, break_long_words=False)


def _statement(name: str) -> str:
    return f"A synthetic network on the footprint of {_FOOTPRINTS[name]}: no bus, line or rating is that of a real one."


def _head(name: str, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    title = f"{_FOOTPRINTS[name].removeprefix('the ')}: a synthetic network of {len(tables['buses']):,} buses"
    description = (
        f"{_statement(name)} It was generated by published algorithms to resemble a real system in statistics. "
        "The load is that of one hour of the source; there are no snapshots: a study gives its own."
    )
    return [
        f"name = {_quoted(name)}",
        f"title = {_quoted(title[0].upper() + title[1:])}",
        'version = "1.0.0"',
        f"conversion = {CONVERSION}",
        'crs = "EPSG:4326"',
        'grid = "grid"',
        "synthetic = true",
        f"statement = {_quoted(_statement(name))}",
        f"description = {_quoted(description)}",
    ]


def _source(files: list[str], pin: Pin) -> list[str]:
    return [
        "[[sources]]",
        'id = "usa_test_system"',
        f"title = {_quoted(_TITLE)}",
        f"authors = {_quoted(_AUTHORS)}",
        f"reference = {_quoted(_REFERENCE)}",
        'licence = "CC BY 4.0"',
        f"package = {_quoted(pin.name)}",
        f"changes = {_quoted(_CHANGES)}",
        f"used_in = [{', '.join(map(_quoted, files))}]",
        'notice = "NOTICE.md carries the attribution and the DOE/NREL/ALLIANCE data-use notice."',
    ]


def _package(pin: Pin) -> list[str]:
    return [
        "[[packages]]",
        f"name = {_quoted(pin.name)}",
        f"version = {_quoted(pin.version)}",
        f"wheel = {_quoted(pin.filename)}",
        f"sha256 = {_quoted(pin.sha256)}",
    ]


def _meaning(table: str, column: str) -> str:
    if column in _OWN and not (table == "hvdc" and column == "p_min_mw"):
        return _OWN[column]
    known: dict[str, Column] = {c.name: c for c in (*TABLES[table], *AC_COLUMNS.get(table, ()))}
    found = known[column]
    unit = found.unit or {"id": "text", "text": "text", "bool": "0 or 1", "int": "code"}.get(found.kind, "1")
    return f"{unit}: {found.meaning}"


def _quoted(text: str) -> str:
    """A TOML basic string (JSON strings are a subset of it)."""
    return json.dumps(text, ensure_ascii=False)
