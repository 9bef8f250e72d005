"""The Texas dataset and the siting benchmark as studies."""

from pathlib import Path

import pandas as pd
import pytest

from optimizer.study import Study, read_study
from optimizer.study.precheck import precheck

TEXAS = """
[study]
name = "Texas"
periods = [2030, 2032, 2035]
[grid]
source = "texas"
[demand]
it_mw = { 2030 = 1000, 2032 = 2500, 2035 = 5000 }
"""


@pytest.fixture(scope="module")
def texas(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("texas")
    (folder / "study.toml").write_text(TEXAS)
    return read_study(folder)


def test_cells_cover_texas(texas: Study) -> None:
    """The counties' area is 695,600 km2 (US Census: 268,597 sq. miles, water and coast included), cells are 25 km2."""
    assert texas.region is not None
    assert texas.region.footprint.area / 1e6 == pytest.approx(268_597 * 2.58999, rel=0.01)
    candidates = texas.candidates
    total = len(candidates.sites) + len(candidates.refused)
    inside = total - (candidates.refused["rule"] == "outside_footprint").sum()
    assert inside == pytest.approx(texas.region.footprint.area / 25e6, rel=0.005)
    places = pd.Index(candidates.refused["place"])
    assert places.is_unique
    assert not places.isin(candidates.sites.index).any()


def test_there_is_a_choice(texas: Study) -> None:
    sites, ties = texas.candidates.sites, texas.candidates.ties
    assert 300 <= len(sites) <= 400
    assert sites["substation"].nunique() >= 300
    assert sites["county"].nunique() >= 150
    # El Paso, a water region of its own, is not on this grid: it belongs to the Western Interconnection.
    assert sites["basin"].nunique() == 10
    assert (ties.groupby("site")["bus"].nunique() >= 1).all()
    assert set(ties["site"]) == set(sites.index)
    assert precheck(texas.case) == ()


def test_every_tie_is_within_reach_and_firm(texas: Study) -> None:
    ties = texas.candidates.ties
    assert (ties["length_km"] <= 25 * 1.3 + 1e-6).all()
    assert not ties["bus"].isin(texas.points.index[texas.points["cut_off"]]).any()
    assert (ties["capacity_mw"] > 100).all()
    assert (ties["base_kv"] >= 100).all()
    widest = ties.groupby("site")["capacity_mw"].max()
    sites = texas.candidates.sites
    least_pue = texas.candidates.cooling["pue_hot_day"].groupby(level="site").min()
    draw = sites["max_blocks"] * sites["block_mw"] * least_pue
    assert (draw - widest <= 1e-3).all()
    assert draw.notna().all()


def test_liquid_cooling_only(texas: Study) -> None:
    """Racks of 135 kW are beyond air; the summer peak, with the largest load, is the hot day."""
    cooling = texas.candidates.cooling
    assert set(cooling.index.get_level_values("cooling")) == {"liquid_dry", "liquid_tower"}
    assert texas.operation.hot_day.to_dict() == {
        "summer_peak": True,
        "winter_peak": False,
        "windy_light_load": False,
        "typical": False,
    }


def test_the_load_is_that_of_the_source_hours(texas: Study) -> None:
    """The dataset states the system load of each snapshot's hour."""
    assert texas.grid is not None
    stated = texas.grid.snapshots["load_mw"].astype(float)
    for h, mw in stated.items():
        assert texas.case.load_mw[(2030, h)].sum() == pytest.approx(mw, rel=1e-3)


BENCH = """
[study]
name = "Siting benchmark"
[grid]
source = "texas"
[[grid.snapshot]]
name = "year"
hours = 8760
availability = { wind = 0.35, solar = 0.40, hydro = 0.50 }
[demand]
it_mw = { 2024 = 5000 }
[sites]
table = "texas400.csv"
[security]
splitting = "skip"
[economics]
discount_rate = 0
last_period_years = 1
"""


def test_the_siting_benchmark_is_a_study(reference_data: Path, tmp_path: Path) -> None:
    """As its README says: 400 free sites of up to 10 blocks of 100 MW, 2,756 outages, one snapshot, yearly costs."""
    table = reference_data / "bench-siting" / "texas400.csv"
    (tmp_path / "texas400.csv").write_bytes(table.read_bytes())
    (tmp_path / "study.toml").write_text(BENCH)
    case = read_study(tmp_path).case
    given = pd.read_csv(table).set_index("site")
    assert case.sites.index.tolist() == given.index.tolist()
    assert case.sites["fixed_annuity_musd"].tolist() == given["fixed_cost_musd_per_year"].tolist()
    assert case.sites["block_annuity_musd"].tolist() == given["cost_musd_per_year_per_block"].tolist()
    assert (case.sites["max_blocks"] == 10).all()
    assert case.ties["bus"].tolist() == given["bus"].astype(str).tolist()
    assert (case.ties["annuity_musd"] == 0).all()
    assert (case.ties["capacity_mw"] == 1000).all()
    assert (case.pue == 1).all(axis=None)
    assert case.outages is not None
    assert len(case.outages) == 2756
    assert case.upgrades.empty
    assert case.periods.to_dict("list") == {"years": [1.0], "annuity_years": [1.0]}
    wind = case.generators["carrier"] == "wind"
    assert case.output_max_mw.loc[wind, "year"].tolist() == pytest.approx(
        (0.35 * case.generators["p_max_mw"][wind]).tolist()
    )
    assert precheck(case) == ()
