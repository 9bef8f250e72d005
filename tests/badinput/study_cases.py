"""Mistakes in the study file."""

from tests.badinput.edits import Case, both, gone, large, raw, text

IN_TEXAS = text("study.toml", "[sites]\n", '[sites]\nregion = "texas"\n')

STUDY = {
    "unknown key": Case(
        text("study.toml", "life_years", "lifetime_years"),
        "config.unknown_key",
        ("study.toml", "economics.lifetime_years"),
        "30",
    ),
    "unknown table": Case(
        text("study.toml", "[economics]", "[economy]"),
        "config.unknown_key",
        ("study.toml", "economy"),
        '{"life_years": 30}',
    ),
    "wrong unit of a length": Case(
        text("study.toml", "max_tie_km", "max_tie_miles"),
        "config.unknown_key",
        ("study.toml", "sites.max_tie_miles"),
        "30",
    ),
    "wrong unit of power": Case(
        text("study.toml", "it_mw", "it_gw"),
        "config.unknown_key",
        ("study.toml", "demand.it_gw"),
        '{"2028": 100, "2030": 200}',
    ),
    "missing study file": Case(gone("study.toml"), "config.missing_file", ("study.toml",), ""),
    "invalid TOML": Case(
        text("study.toml", "life_years = 30", "life_years = 30 years"), "config.toml", ("study.toml",), "line 38"
    ),
    "study in Latin-1": Case(
        raw("study.toml", b"[study]\nname = 'Caf\xe9'\n"), "config.encoding", ("study.toml",), "byte 0xe9"
    ),
    "oversized study file": Case(large("study.toml", 1_000_001), "config.too_large", ("study.toml",), "1000001 bytes"),
    "extends cycle": Case(
        text("study.toml", "[study]\n", 'extends = "study.toml"\n[study]\n'),
        "config.extends_cycle",
        ("study.toml", "extends"),
        "study.toml -> study.toml",
    ),
    "quoted number": Case(
        text("study.toml", "life_years = 30", 'life_years = "30"'),
        "config.wrong_type",
        ("study.toml", "economics.life_years"),
        '"30"',
    ),
    "infinite number": Case(
        text("study.toml", "max_tie_km = 30", "max_tie_km = inf"),
        "config.not_finite",
        ("study.toml", "sites.max_tie_km"),
        "inf",
    ),
    "share above one": Case(
        text("study.toml", "share_per_county = 0.8", "share_per_county = 80"),
        "config.out_of_range",
        ("study.toml", "limits.share_per_county"),
        "80",
    ),
    "share of substations without a grid": Case(
        both(
            text("study.toml", 'source = "grid"', 'source = "none"'),
            text("study.toml", "share_per_county = 0.8", "share_per_substation = 0.5"),
        ),
        "study.limits.substation_without_grid",
        ("limits.share_per_substation",),
        "0.5",
    ),
    "periods not increasing": Case(
        text("study.toml", "[2028, 2030]", "[2030, 2028]"),
        "config.periods_order",
        ("study.toml", "study.periods"),
        "[2030, 2028]",
    ),
    "demand in no period": Case(
        text("study.toml", "2030 = 200 }", "2030 = 200, 2033 = 300 }"),
        "config.demand_year",
        ("study.toml", "demand.it_mw.2033"),
        "300 MW",
    ),
    "period without demand": Case(
        text("study.toml", "2028 = 100, ", ""), "config.demand_year", ("study.toml", "demand.it_mw"), "2030"
    ),
    "negative demand": Case(
        text("study.toml", "2028 = 100", "2028 = -100"),
        "config.out_of_range",
        ("study.toml", "demand.it_mw.2028"),
        "-100",
    ),
    "unknown archetype": Case(
        both(IN_TEXAS, text("study.toml", "ai_training", "ai_trainning")),
        "config.unknown_archetype",
        ("demand.archetype",),
        "ai_trainning",
    ),
    "unknown cooling technology": Case(
        both(IN_TEXAS, text("study.toml", "hot_day_percentile = 95", 'technologies = ["peltier"]')),
        "study.cooling.unknown",
        ("cooling.technologies",),
        "peltier",
    ),
    "unknown contingency kind": Case(
        text("study.toml", '["branch"]', '["bus"]'),
        "config.unknown_choice",
        ("study.toml", "security.contingencies#1"),
        '"bus"',
    ),
    "scenario with an unknown key": Case(
        text("study.toml", "[economics]", "[scenario.dry.water]\nshare = 0\n[economics]"),
        "config.unknown_key",
        ("study.toml", "scenario.dry.water.share"),
        "0",
    ),
    "unknown snapshot": Case(
        text("study.toml", 'source = "grid"\n', 'source = "grid"\nsnapshots = ["summer"]\n'),
        "study.snapshot.unknown",
        ("grid.snapshots",),
        "summer",
    ),
    "unknown region": Case(
        text("study.toml", "[sites]\n", '[sites]\nregion = "texsa"\n'),
        "study.source.unknown",
        ("sites.region",),
        "texsa",
    ),
}
