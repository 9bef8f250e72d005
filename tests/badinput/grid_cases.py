"""Mistakes in the grid: its tables, its circuits on offer, and headroom at its buses."""

from collections.abc import Callable
from pathlib import Path

from tests.badinput.edits import Case, both, circuit, folder_for, gone, large, raw, text

FACTORS = "snapshot,branch,kind,zone,base_kv,factor,factor_emergency\n"


def factors(*rows: str) -> Callable[[Path], None]:
    """Give the grid a table of factors on ratings."""
    return raw("grid/rating_factors.csv", (FACTORS + "\n".join(rows) + "\n").encode())


def column(file: str, name: str, value: str) -> Callable[[Path], None]:
    """Give a table a column of one value."""

    def edit(folder: Path) -> None:
        header, *rows = (folder / file).read_text(encoding="utf-8").splitlines()
        lines = [f"{header},{name}", *(f"{row},{value}" for row in rows)]
        (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")

    return edit


def own_factors(row: str | None) -> Callable[[Path], None]:
    """Name a table of factors on ratings in the study; without a row there is none."""
    named = text("study.toml", 'source = "grid"\n', 'source = "grid"\nrating_factors = "weather.csv"\n')
    return named if row is None else both(named, raw("weather.csv", f"{FACTORS}{row}\n".encode()))


ONE_ZONE = 'source = "grid"\nsnapshot = [{ name = "all", hours = 8760, load_factors = { north = 0.6 } }]\n'

GRID = {
    "missing grid": Case(
        text("study.toml", 'source = "grid"', 'source = "gird"'), "study.source.unknown", ("grid.source",), "gird"
    ),
    "missing grid table": Case(gone("grid/branches.csv"), "grid.table.missing", ("branches",), ""),
    "missing column": Case(
        text("grid/branches.csv", "x_pu", "notes"), "table.column.missing", ("branches.csv", "x_pu"), ""
    ),
    "wrong unit of a column": Case(
        text("grid/branches.csv", ",rating_mw", ",rating_kw"),
        "table.column.unknown",
        ("branches.csv", "rating_kw"),
        "rating_kw",
    ),
    "nan": Case(
        text("grid/branches.csv", "l2,n2,n3,0.05", "l2,n2,n3,nan"),
        "table.value.not_finite",
        ("branches.csv", "row 3", "x_pu"),
        "nan",
    ),
    "empty cell": Case(
        text("grid/buses.csv", "n3,230", "n3,"), "table.value.missing", ("buses.csv", "row 4", "base_kv"), ""
    ),
    "word for a number": Case(
        text("grid/generators.csv", "g2,n4,500", "g2,n4,lots"),
        "table.value.type",
        ("generators.csv", "row 3", "p_max_mw"),
        "lots",
    ),
    "negative rating": Case(
        text("grid/branches.csv", "l4,n4,n5,0.05,500", "l4,n4,n5,0.05,-500"),
        "table.value.out_of_range",
        ("branches.csv", "row 5", "rating_mw"),
        "-500",
    ),
    "zero reactance": Case(
        text("grid/branches.csv", "l5,n5,n6,0.05", "l5,n5,n6,0"),
        "grid.branch.zero_reactance",
        ("branches.csv", "row 6", "x_pu"),
        "0",
    ),
    "duplicate id": Case(
        text("grid/branches.csv", "l6,n6", "l5,n6"), "table.id.duplicate", ("branches.csv", "row 7", "branch"), "l5"
    ),
    "branch to no bus": Case(
        text("grid/branches.csv", "l6,n6", "l6,n9"), "grid.bus.unknown", ("branches.csv", "row 7", "from_bus"), "n9"
    ),
    "bus that nothing reaches": Case(
        text(
            "grid/buses.csv",
            "n6,230,50,31.3,-100.3,south\n",
            "n6,230,50,31.3,-100.3,south\nn7,230,50,31.3,-99.8,south\n",
        ),
        "grid.bus.isolated",
        ("buses.csv", "n7"),
        "",
    ),
    "generator limits": Case(
        text("grid/generators.csv", "p_max_mw,cost_usd_per_mwh", "p_min_mw,p_max_mw"),
        "grid.generator.limits",
        ("generators.csv", "row 2", "p_min_mw"),
        "500",
    ),
    "latitude and longitude swapped": Case(
        text("grid/buses.csv", "n1,230,50,31.0,-100.0", "n1,230,50,-100.0,31.0"),
        "table.value.out_of_range",
        ("buses.csv", "row 2", "lat"),
        "-100",
    ),
    "load factor missing for a zone": Case(
        both(gone("grid/load_factors.csv"), text("study.toml", 'source = "grid"\n', ONE_ZONE)),
        "study.zone.missing",
        ("grid.snapshot",),
        "south",
    ),
    "CSV in Latin-1": Case(
        raw("grid/buses.csv", b"bus,base_kv,name\nn1,230,Caf\xe9\n"), "file.encoding", ("buses.csv",), "0xe9"
    ),
    "ragged row": Case(
        text("grid/buses.csv", "n3,230,50", "n3,230,50,50,50,50"), "table.row.length", ("buses.csv",), ""
    ),
    "empty table": Case(raw("grid/buses.csv", b""), "file.empty", ("buses.csv",), ""),
    "oversized table": Case(large("grid/buses.csv", 2_000_000_000), "file.too_large", ("buses.csv",), "2000 MB"),
    "folder for a table": Case(folder_for("grid/buses.csv"), "file.is_folder", ("buses.csv",), ""),
    "not a network": Case(
        text("study.toml", 'source = "grid"', 'source = "sites.csv"'), "file.format", ("sites.csv",), ".csv"
    ),
    "circuit to no bus": Case(circuit("c1,n1,n9,0.1,100,5,1,0"), "grid.bus.unknown", ("circuits", "to_bus"), "n9"),
    "circuit from a bus to itself": Case(circuit("c1,n1,n1,0.1,100,5,1,0"), "grid.branch.loop", ("circuits",), "n1"),
    "circuit of negative reactance": Case(
        circuit("c1,n1,n2,-0.1,100,5,1,0"), "grid.circuit.negative_reactance", ("circuits", "x_pu"), "-0.1 pu"
    ),
    "circuit without reactance": Case(
        circuit("c1,n1,n2,0,100,5,1,0"), "grid.branch.zero_reactance", ("circuits", "x_pu"), "0 pu"
    ),
    "circuit of negative rating": Case(
        circuit("c1,n1,n2,0.1,-100,5,1,0"), "table.value.out_of_range", ("circuits", "rating_mw"), "-100"
    ),
    "circuit of no cost": Case(
        circuit("c1,n1,n2,0.1,100,nan,1,0"), "table.value.not_finite", ("circuits", "cost_musd"), "nan"
    ),
    "circuit that may not be built": Case(
        circuit("c1,n1,n2,0.1,100,5,0,0"), "table.value.out_of_range", ("circuits", "max_count"), "0"
    ),
    "circuit called as a branch": Case(
        circuit("l1,n1,n2,0.1,100,5,1,0"), "study.circuits.name", ("circuits", "l1"), "l1"
    ),
    "rebuild of no branch": Case(
        circuit("c1,n1,n2,0.1,100,5,1,0,l99"), "grid.branch.unknown", ("circuits", "replaces"), "l99"
    ),
    "rebuild between other buses": Case(
        circuit("c1,n1,n2,0.1,100,5,1,0,l2"), "grid.circuit.replaces", ("circuits", "replaces"), "l2"
    ),
    "rebuild of a branch out of service": Case(
        both(
            circuit("c1,n1,n4,0.1,100,5,1,0,l7"),
            raw(
                "grid/branches.csv",
                b"branch,from_bus,to_bus,x_pu,rating_mw,in_service\nl1,n1,n2,0.05,500,true\nl2,n2,n3,0.05,500,true\n"
                b"l3,n3,n4,0.05,500,true\nl4,n4,n5,0.05,500,true\nl5,n5,n6,0.05,500,true\nl6,n6,n1,0.05,500,true\n"
                b"l7,n1,n4,0.05,500,false\n",
            ),
        ),
        "grid.circuit.replaces",
        ("circuits", "replaces"),
        "l7",
    ),
    "prices of circuits for no branch": Case(
        text("study.toml", "[upgrades]", "[expansion]\nrebuild_cost_musd_per_km = 1.0\n[upgrades]"),
        "config.expansion",
        ("study.toml", "expansion.rebuild_cost_musd_per_km"),
        "",
    ),
    "extensions of a case that has none": Case(
        text("study.toml", "[upgrades]", "[expansion]\nfrom_case = true\n[upgrades]"),
        "study.expansion.from_case",
        ("study.toml", "expansion.from_case"),
        "",
    ),
    "circuits without what they extend": Case(
        text("study.toml", "[upgrades]", "[expansion]\nmost_circuits = 2\n[upgrades]"),
        "config.expansion",
        ("study.toml", "expansion.most_circuits"),
        "2",
    ),
    "circuits for a branch that is not there": Case(
        text("study.toml", "[upgrades]", '[expansion]\nbranches = ["l8"]\nline_cost_musd_per_km = 1\n[upgrades]'),
        "study.expansion.branches.unknown",
        ("study.toml", "expansion.branches"),
        "l8",
    ),
    "an unknown kind of circuit": Case(
        text("study.toml", "[upgrades]", '[expansion]\nbranches = ["l1"]\noffer = ["cable"]\n[upgrades]'),
        "config.unknown_choice",
        ("study.toml", "expansion.offer"),
        "cable",
    ),
    "a rebuild that carries less": Case(
        text("study.toml", "[upgrades]", '[expansion]\nbranches = ["l1"]\nrebuild_rating_factor = 0.5\n[upgrades]'),
        "config.out_of_range",
        ("study.toml", "expansion.rebuild_rating_factor"),
        "0.5",
    ),
    "headroom of another grid": Case(
        both(
            raw("headroom.csv", b"bus,limiting_branch\nn1,elsewhere\n"),
            text("study.toml", "[upgrades]", '[expansion]\nheadroom = "headroom.csv"\n[upgrades]'),
        ),
        "study.expansion.headroom.unknown",
        ("headroom.csv", "limiting_branch"),
        "elsewhere",
    ),
    "rating factor of no branch": Case(
        factors("peak,l9,,,,0.9,"), "grid.branch.unknown", ("rating_factors", "row 2", "branch"), "l9"
    ),
    "rating factor of no snapshot": Case(
        factors("noon,l1,,,,0.9,"), "grid.snapshot.unknown", ("rating_factors", "row 2", "snapshot"), "noon"
    ),
    "rating factor of no zone": Case(
        factors("peak,,,west,,0.9,"), "grid.bus.unknown", ("rating_factors", "row 2", "zone"), "west"
    ),
    "rating factor of a kind that is none": Case(
        factors("peak,,cable,,,0.9,"), "grid.branch.kind", ("rating_factors", "row 2", "kind"), "cable"
    ),
    "rating factor of a branch and of others": Case(
        factors("peak,l1,line,,,0.9,"), "grid.rating_factors.scope", ("rating_factors", "row 2", "branch"), "l1"
    ),
    "rating factor in percent": Case(
        factors("peak,l1,,,,95,"), "table.value.out_of_range", ("rating_factors", "row 2", "factor"), "95"
    ),
    "rating factor of nothing": Case(
        factors("peak,l1,,,,0,"), "table.value.out_of_range", ("rating_factors", "row 2", "factor"), "0"
    ),
    "negative emergency factor": Case(
        factors("peak,l1,,,,1,-1"), "table.value.out_of_range", ("rating_factors", "row 2", "factor_emergency"), "-1"
    ),
    "rating factor missing": Case(
        factors("peak,l1,,,,,1.1"), "table.value.missing", ("rating_factors", "row 2", "factor"), ""
    ),
    "rating factor that is no number": Case(
        factors("peak,l1,,,,hot,"), "table.value.type", ("rating_factors", "row 2", "factor"), "hot"
    ),
    "rating factor given twice": Case(
        factors("peak,l1,,,,0.9,", "peak,l1,,,,0.8,"), "table.id.duplicate", ("rating_factors", "row 3"), "l1"
    ),
    "word of reactive support that says nothing": Case(
        column("grid/buses.csv", "reactive_support", "yes"),
        "study.reactive_support.word",
        ("buses", "n1", "reactive_support"),
        "yes",
    ),
    "word of reactive support of a tie that says nothing": Case(
        column("ties.csv", "reactive_support", "need"),
        "study.reactive_support.word",
        ("ties", "row 2", "reactive_support"),
        "need",
    ),
    "table of rating factors missing": Case(own_factors(None), "file.missing", ("weather.csv",), ""),
    "rating factors of the study for no branch": Case(
        own_factors("peak,l9,,,,0.9,"), "grid.branch.unknown", ("weather.csv", "row 2", "branch"), "l9"
    ),
    "rating factors of the study for no snapshot": Case(
        own_factors("noon,l1,,,,0.9,"), "study.snapshot.unknown", ("grid.rating_factors",), "noon"
    ),
    "rating factors that are no text": Case(
        text("study.toml", 'source = "grid"\n', 'source = "grid"\nrating_factors = 0.9\n'),
        "config.wrong_type",
        ("study.toml", "grid.rating_factors"),
        "0.9",
    ),
}
