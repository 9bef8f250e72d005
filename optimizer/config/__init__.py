"""study.toml as closed, frozen, self-documenting tables.

`load_config` reads a file, `apply_overrides` and `scenario_config` return changed copies, `config_to_toml` writes the
resolved study with every default, `json_schema` is what editors complete from. Every table and every key is described
in the modules whose names end in `_tables`; `optimizer.config.tables` puts them together.
"""

from optimizer.config.decision_tables import (
    DemandSettings,
    EconomicsSettings,
    FacilitySettings,
    LimitsSettings,
    ReportSettings,
    SolveSettings,
    StudySettings,
)
from optimizer.config.future_tables import (
    ConditionsSettings,
    RangeSettings,
    SensitivitySettings,
    UncertainScenarioSettings,
    UncertaintySettings,
)
from optimizer.config.network_tables import (
    AreaSettings,
    DispatchSettings,
    ExpansionSettings,
    GridSettings,
    SecuritySettings,
    SnapshotSettings,
    UpgradesSettings,
)
from optimizer.config.place_tables import (
    CoolingSettings,
    LayerSettings,
    RulesSettings,
    SitesSettings,
    SourceSettings,
    StationSettings,
    WaterSettings,
)
from optimizer.config.portfolio_tables import DeliverySettings, EfficiencySettings
from optimizer.config.reading import apply_overrides, fill_facility, load_config, scenario_config
from optimizer.config.service_tables import BackupSettings, DeferralSettings, ServiceSettings, TariffSettings
from optimizer.config.supply_tables import AdequacySettings, OrderSettings, SupplySettings, TechnologySettings
from optimizer.config.tables import StudyConfig
from optimizer.config.workload_tables import OrbitSettings, WorkloadKindSettings, WorkloadsSettings
from optimizer.config.writing import config_to_toml, json_schema

__all__ = [
    "AdequacySettings",
    "AreaSettings",
    "BackupSettings",
    "ConditionsSettings",
    "CoolingSettings",
    "DeferralSettings",
    "DeliverySettings",
    "DemandSettings",
    "DispatchSettings",
    "EconomicsSettings",
    "EfficiencySettings",
    "ExpansionSettings",
    "FacilitySettings",
    "GridSettings",
    "LayerSettings",
    "LimitsSettings",
    "OrbitSettings",
    "OrderSettings",
    "RangeSettings",
    "ReportSettings",
    "RulesSettings",
    "SecuritySettings",
    "SensitivitySettings",
    "ServiceSettings",
    "SitesSettings",
    "SnapshotSettings",
    "SolveSettings",
    "SourceSettings",
    "StationSettings",
    "StudyConfig",
    "StudySettings",
    "SupplySettings",
    "TariffSettings",
    "TechnologySettings",
    "UncertainScenarioSettings",
    "UncertaintySettings",
    "UpgradesSettings",
    "WaterSettings",
    "WorkloadKindSettings",
    "WorkloadsSettings",
    "apply_overrides",
    "config_to_toml",
    "fill_facility",
    "json_schema",
    "load_config",
    "scenario_config",
]
