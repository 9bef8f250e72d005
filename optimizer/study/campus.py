"""Campus: what a campus on a land cell is made of, with no value left open."""

from __future__ import annotations

from dataclasses import dataclass, fields

from optimizer.config import FacilitySettings
from optimizer.errors import Finding


@dataclass(frozen=True)
class Campus:
    """The ``[facility]`` table once the archetype has filled it.

    Parameters
    ----------
    block_mw : float
        IT capacity of a block [MW].
    utilization : float
        Mean over installed IT power [-].
    land_ha_per_mw : float
        Land per MW of IT [ha/MW].
    rack_density_kw : float
        Power of a rack [kW].
    cost_musd_per_mw : float
        One-time cost per MW of IT, cooling plant and land apart [M$/MW].
    fixed_cost_musd : float
        One-time cost of a campus of any size [M$].
    min_campus_mw, max_campus_mw : float
        Least and largest IT capacity of a campus [MW].
    """

    block_mw: float
    utilization: float
    land_ha_per_mw: float
    rack_density_kw: float
    cost_musd_per_mw: float
    fixed_cost_musd: float
    min_campus_mw: float
    max_campus_mw: float

    @classmethod
    def of(cls, settings: FacilitySettings) -> Campus:
        """Take the values of a filled table; `unfilled` says whether it is."""
        return cls(**{f.name: float(getattr(settings, f.name)) for f in fields(cls)})


def unfilled(settings: FacilitySettings) -> list[Finding]:
    """Keys that neither the study nor its archetype gives."""
    return [
        Finding(
            "study.facility.missing",
            f"facility.{f.name}",
            "neither the study nor its archetype gives a value",
            "",
            f"write {f.name} under [facility], or use another archetype",
        )
        for f in fields(Campus)
        if getattr(settings, f.name) is None
    ]
