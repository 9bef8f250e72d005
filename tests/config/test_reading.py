"""A study file: what is read of it, and of the file that it extends."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from optimizer.config import load_config
from tests.config.studies import FULL, SMALL, refusal


def test_defaults_are_those_of_the_design(write) -> None:
    config = load_config(write(SMALL))
    assert (config.study.objective, config.study.perspective, config.study.currency_year) == ("cost", "system", 2024)
    assert (config.grid, config.demand, config.scenario) == (None, None, {})
    assert (config.sites.cell_km, config.sites.max_tie_km, config.sites.points_per_site) == (5.0, 25.0, 3)
    assert (config.security.contingencies, config.security.emergency_factor) == (("branch",), 1.2)
    assert (config.security.base_overloads, config.security.splitting) == ("refuse", "secure")
    economics = config.economics
    assert (economics.discount_rate, economics.last_period_years, economics.life_years) == (0.07, 10.0, 30.0)
    assert economics.annuitize is True
    assert (config.solve.gap, config.solve.threads, config.solve.seed) == (0.01, 1, 0)


def test_years_are_numbers_and_lists_are_tuples(write) -> None:
    config = load_config(write(FULL))
    assert config.demand is not None
    assert config.demand.it_mw == {2028: 100.0, 2030: 250.5}
    assert config.study.periods == (2028, 2030)
    assert [layer.source for layer in config.sites.layers] == ["parks.gpkg", "lakes.gpkg"]


@pytest.mark.parametrize(
    ("demand", "periods"), [("", (2024,)), ("[demand.it_mw]\n2032 = 5\n2028 = 1\n", (2028, 2032))], ids=["none", "two"]
)
def test_periods_left_out_are_the_years_of_demand_or_the_currency_year(write, demand: str, periods: tuple) -> None:
    assert load_config(write(SMALL + demand)).study.periods == periods


def test_tables_cannot_be_changed(write) -> None:
    config = load_config(write(FULL))
    with pytest.raises(ValidationError):
        config.water.withdrawal_share = 0.5
    with pytest.raises(ValidationError):
        config.water = None


def test_windows_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_config(path).study.name == "small"


# extends


def test_a_study_replaces_keys_of_its_base_and_keeps_the_others(write) -> None:
    write(
        SMALL + '[water]\nwithdrawal_share = 0.3\nsources = ["fresh"]\n[cooling]\ntechnologies = ["a", "b"]\n',
        "base.toml",
    )
    config = load_config(
        write('extends = "base.toml"\n[water]\nwithdrawal_share = 0.2\n[cooling]\ntechnologies = ["c"]\n')
    )
    assert config.study.name == "small"
    assert (config.water.withdrawal_share, config.water.sources) == (0.2, ("fresh",))
    assert config.cooling.technologies == ("c",), "lists are replaced, not joined"


def test_paths_of_a_base_file_stay_relative_to_it(write, tmp_path: Path) -> None:
    write("", "shared/sites.csv")
    write("", "shared/parks.gpkg")
    base = SMALL + '[grid]\nsource = "texas"\n[sites]\ntable = "sites.csv"\n[[sites.layers]]\nsource = "parks.gpkg"\n'
    write(base, "shared/base.toml")
    config = load_config(write('extends = "../shared/base.toml"\n', "mine/study.toml"))
    assert config.sites.table == "../shared/sites.csv"
    assert config.sites.layers[0].source == "../shared/parks.gpkg"
    assert config.grid is not None
    assert config.grid.source == "texas", "a name is not a path"


def test_findings_name_the_file_that_holds_the_key(write) -> None:
    write(SMALL + "[water]\nwithdrawal_share = 2\n", "base.toml")
    findings = refusal(write('extends = "base.toml"\n[economics]\nlife_years = 0\n'))
    assert [f.where for f in findings] == ["base.toml: water.withdrawal_share", "study.toml: economics.life_years"]
