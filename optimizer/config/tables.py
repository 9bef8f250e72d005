"""The tables of study.toml: every key with its type, default, bounds, unit and meaning.

A key that is not here is refused. Numbers are finite, types are not guessed (a quoted number is not a number), lists
become tuples and every table is frozen: a change is a new `StudyConfig`.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from optimizer.config.checks import cross_checks
from optimizer.config.decision_tables import (
    DemandSettings,
    EconomicsSettings,
    FacilitySettings,
    LimitsSettings,
    ReportSettings,
    SolveSettings,
    StudySettings,
)
from optimizer.config.earlier import with_earlier
from optimizer.config.firmness import with_firmness
from optimizer.config.future_tables import ConditionsSettings, SensitivitySettings, UncertaintySettings
from optimizer.config.network_tables import (
    DispatchSettings,
    ExpansionSettings,
    GridSettings,
    SecuritySettings,
    UpgradesSettings,
)
from optimizer.config.place_tables import CoolingSettings, RulesSettings, SitesSettings, WaterSettings
from optimizer.config.service_tables import ServiceSettings
from optimizer.config.supply_tables import AdequacySettings, SupplySettings
from optimizer.config.types import Settings
from optimizer.config.workload_tables import OrbitSettings, WorkloadsSettings


class StudyConfig(Settings):
    """A whole study file, resolved: base files merged, periods known, every default filled in.

    Raises
    ------
    pydantic.ValidationError
        When built directly from unusable values; `optimizer.config.load_config` raises `InputError` instead.
    """

    study: StudySettings = Field(description="What is decided, and when.")
    grid: GridSettings | None = Field(None, description="The network. Without it there is none.")
    demand: DemandSettings | None = Field(None, description="IT capacity to be placed. Without it there are no sites.")
    workloads: WorkloadsSettings | None = Field(
        None, description="Demand by region and workload, in place of demand.it_mw."
    )
    orbit: OrbitSettings | None = Field(None, description="Capacity in orbit, of sites of kind orbital.")
    supply: SupplySettings | None = Field(None, description="Supply on site and alongside. Without it there is none.")
    adequacy: AdequacySettings | None = Field(
        None, description="Capacity that every zone must have. Without it none is asked for."
    )
    facility: FacilitySettings = Field(default_factory=FacilitySettings, description="What a campus is made of.")
    sites: SitesSettings = Field(default_factory=SitesSettings, description="Where campuses may stand.")
    cooling: CoolingSettings = Field(default_factory=CoolingSettings, description="Cooling technologies on offer.")
    water: WaterSettings = Field(default_factory=WaterSettings, description="Water the campuses may take.")
    rules: RulesSettings = Field(default_factory=RulesSettings, description="Regulation.")
    service: ServiceSettings | None = Field(None, description="Curtailable service. Without it all service is firm.")
    security: SecuritySettings = Field(default_factory=SecuritySettings, description="Outages to survive.")
    upgrades: UpgradesSettings = Field(default_factory=UpgradesSettings, description="Reconductoring of lines.")
    expansion: ExpansionSettings = Field(default_factory=ExpansionSettings, description="New circuits on offer.")
    dispatch: DispatchSettings = Field(default_factory=DispatchSettings, description="How generators serve load.")
    limits: LimitsSettings = Field(default_factory=LimitsSettings, description="Limits on the whole portfolio.")
    conditions: ConditionsSettings = Field(
        default_factory=ConditionsSettings, description="What comes otherwise than the tables say."
    )
    uncertainty: UncertaintySettings | None = Field(
        None, description="Futures with probabilities. Without it the study has one future."
    )
    economics: EconomicsSettings = Field(default_factory=EconomicsSettings, description="How money is added.")
    solve: SolveSettings = Field(default_factory=SolveSettings, description="How long and how closely to solve.")
    report: ReportSettings = Field(default_factory=ReportSettings, description="What the report shows.")
    sensitivity: SensitivitySettings = Field(
        default_factory=SensitivitySettings, description="What a sensitivity analysis varies."
    )
    scenario: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Named overrides ([scenario.NAME.TABLE]); their tables merge key by key, lists are replaced.",
    )

    @model_validator(mode="after")
    def _resolve(self) -> StudyConfig:
        """Fill in the periods, then check what no single table can."""
        if self.workloads is not None and self.demand is None:
            # Sites are wanted. Nobody wrote the table, so that it does not count as written.
            object.__setattr__(self, "demand", DemandSettings())
        if not self.study.periods:
            years = tuple(sorted(self.demand.it_mw or self.demand.work)) if self.demand else ()
            years = years or (self.study.currency_year,)
            study = self.study.model_copy(update={"periods": years})
            # Periods nobody wrote must not count as written: an override of demand.it_mw then brings its own.
            study.__pydantic_fields_set__.discard("periods")
            object.__setattr__(self, "study", study)
        if self.report.firmness and self.service is not None:
            scenario, report = with_firmness(self.scenario, self.report)
            object.__setattr__(self, "scenario", scenario)
            object.__setattr__(self, "report", report)
        if self.report.earlier_months:
            scenario, report = with_earlier(self.scenario, self.report, self.study.shorter_lead_months)
            object.__setattr__(self, "scenario", scenario)
            object.__setattr__(self, "report", report)
        findings = cross_checks({name: getattr(self, name) for name in type(self).model_fields})
        if findings:
            raise ValueError("; ".join(str(f) for f in findings))
        return self
