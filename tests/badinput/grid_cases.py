"""Mistakes in the grid: its tables, its circuits on offer, and headroom at its buses."""

from tests.badinput.edits import Case, both, circuit, folder_for, gone, large, raw, text

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
    "headroom of another grid": Case(
        both(
            raw("headroom.csv", b"bus,limiting_branch\nn1,elsewhere\n"),
            text("study.toml", "[upgrades]", '[expansion]\nheadroom = "headroom.csv"\n[upgrades]'),
        ),
        "study.expansion.headroom.unknown",
        ("headroom.csv", "limiting_branch"),
        "elsewhere",
    ),
}
