"""Which cooling racks of a density have, by hand and over the bundled facts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optimizer.config import StudyConfig
from optimizer.resources import dataset_path
from optimizer.study.cooling import densities_of
from optimizer.study.densities import Densities
from optimizer.study.region import Region, read_region

TABLE = pd.DataFrame(
    {"above_kw": [0.0, 25.0, 0.0, 135.0], "max_kw": [25.0, 40.0, 135.0, 150.0]},
    index=["air", "door", "plate", "bath"],
)


@pytest.mark.parametrize(
    ("density_kw", "expected"),
    [
        (5, ["air", "plate"]),
        (25, ["air", "plate"]),
        (25.1, ["door", "plate"]),
        (40, ["door", "plate"]),
        (41, ["plate"]),
        (135, ["plate"]),
        (136, ["bath"]),
        (151, []),
        (None, ["air", "door", "plate", "bath"]),
    ],
)
def test_racks_have_what_reaches_them_and_is_made_for_them(density_kw: float | None, expected: list[str]) -> None:
    assert list(Densities(TABLE).offered(density_kw)) == expected


def test_a_study_that_names_its_technologies_has_each_that_takes_its_racks() -> None:
    named = Densities(TABLE.loc[["door", "bath"]], named=True)
    assert list(named.offered(10)) == ["door", "bath"]
    assert list(named.offered(60)) == ["bath"]


def test_what_racks_on_sale_need_is_offered_beside_what_the_hall_has() -> None:
    racks = Densities(TABLE, racks_kw=(10.0, 150.0))
    assert list(racks.offered(100)) == ["plate", "bath"], "a rack of 150 kW may be chosen"
    assert list(racks.offered(20)) == ["air", "plate", "bath"]
    assert racks.offered_to_any([20, 30]) == ["air", "door", "plate", "bath"]


def test_places_are_judged_by_their_own_density_or_the_usual_one() -> None:
    cooling = pd.Series(["air", "air", "plate", "unspecified"])
    density = pd.Series([np.nan, 10.0, 500.0, 500.0])
    assert list(Densities(TABLE, usual_kw=60.0).are_offered(cooling, density)) == [False, True, False, True]


@pytest.fixture(scope="module")
def texas() -> Region:
    return read_region(dataset_path("texas"))


def bundled(texas: Region) -> Densities:
    config = StudyConfig.model_validate({"study": {"name": "s", "periods": [2030], "decision_year": 2026}})
    return densities_of(texas, config, ())


def test_every_density_from_5_to_150_kw_has_the_cooling_that_suits_it(texas: Region) -> None:
    densities = bundled(texas)
    plates = {"liquid_tower", "liquid_dry"}
    air = {"air_economizer_adiabatic", "air_economizer_water_chiller", "waterside_economizer_tower"}
    for kw in range(5, 151):
        expected = plates if kw <= 135 else {"immersion_tower", "immersion_dry"}
        expected = expected | (air | {"dry_cooler_adiabatic"} if kw <= 25 else set())
        expected = expected | ({"rear_door_tower", "rear_door_dry"} if 25 < kw <= 40 else set())
        assert set(densities.offered(kw)) == expected, kw


def test_every_bundled_rack_fits_some_cooling(texas: Region) -> None:
    racks = pd.read_csv(dataset_path("facilities") / "racks.csv")
    densest = texas.facts["cooling_technologies"]["rack_density_max_kw"].max()
    assert len(racks)
    assert (racks["kw"] <= densest).all()
    assert all(len(bundled(texas).offered(float(kw))) for kw in racks["kw"])
