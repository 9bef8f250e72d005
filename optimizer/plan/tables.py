"""The tables of a plan: every column, its type, unit and meaning.

A plan holds no other table and no other column: what is not described here is not checked by `verify_plan`, and what
is not checked is not written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd

Kind = Literal["id", "text", "float", "int"]

DECIMALS = 6
"""Decimals kept of every number that is written [-]."""


@dataclass(frozen=True)
class PlanColumn:
    """One column of a plan's table.

    Parameters
    ----------
    name : str
        Name, ending in its unit.
    kind : {"id", "text", "float", "int"}
        Ids and texts are text; a missing number is an empty cell.
    unit : str
        Unit of the number, ``"-"`` for a pure number, empty for text.
    meaning : str
        What it is.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str


@dataclass(frozen=True)
class PlanTable:
    """One table of a plan.

    Parameters
    ----------
    keys : tuple of str
        Columns that name a row; no two rows agree in all of them.
    columns : tuple of PlanColumn
        All columns in the order in which they are written.
    order : tuple of str
        Columns by which rows are sorted, ``-`` before a name for descending; the keys unless stated.
    """

    keys: tuple[str, ...]
    columns: tuple[PlanColumn, ...]
    order: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]


_KINDS: dict[str, Kind] = {"period": "int", "in_service": "int", "earliest": "int", "circuits": "int"}
_KINDS |= dict.fromkeys(("blocks", "max_blocks", "count"), "int")
_TEXTS = "payer cooling county basin iecc_zone rule limit unit account source scenario kind technology zone".split()
_KINDS |= dict.fromkeys(_TEXTS, "text")
_IDS = (
    "site bus tie branch upgrade circuit generator snapshot contingency place element from_bus to_bus region workload"
)
_KINDS |= dict.fromkeys((*_IDS.split(), "workload", "item", "rack", "programme"), "id")
_UNITS = (
    ("_usd_per_mwh", "$/MWh"),
    ("_usd_per_m3", "$/m3"),
    ("_m3_per_mwh", "m3/MWh"),
    ("_usd_per_unit", "$/unit"),
    ("_t_per_year", "t/year"),
    ("_m3_day", "m3/day"),
    ("_mwh_per_year", "MWh/year"),
    ("_mwh", "MWh"),
    ("_musd", "M$"),
    ("_mwh", "MWh"),
    ("_mw_years", "MW-year"),
    ("_mw_months", "MW-month"),
    ("_usd_per_mw_month", "$/MW-month"),
    ("_hours", "h"),
    ("_mw", "MW"),
    ("_ms", "ms"),
    ("_kv", "kV"),
    ("_km", "km"),
    ("_ha", "ha"),
    ("_t", "t"),
)


def _unit(name: str, kind: Kind) -> str:
    if kind in ("id", "text"):
        return ""
    if name in ("lat", "lon"):
        return "deg"
    if name in ("period", "in_service", "earliest"):
        return "year"
    return next((unit for suffix, unit in _UNITS if name.endswith(suffix)), "-")


def _table(keys: str, order: str = "", kinds: dict[str, Kind] | None = None, **meanings: str) -> PlanTable:
    """Describe a table; type and unit follow from the name, as everywhere in the project, but for `kinds`."""
    columns = []
    for name, meaning in meanings.items():
        kind = (kinds or {}).get(name, _KINDS.get(name, "float"))
        columns.append(PlanColumn(name, kind, _unit(name, kind), meaning))
    return PlanTable(tuple(keys.split()), tuple(columns), tuple((order or keys).split()))


_SITE = "candidate site"
_PERIOD = "year of decision"
_SNAPSHOT = "operating condition"
_BRANCH = "branch whose flow is meant"
_OUTAGE = "outage, empty without one"
_FLOW = "flow, positive from from_bus to to_bus"
_LIMIT = "largest flow allowed in either direction, empty when unlimited"
_LOADING = "share of the limit that is used"

PLAN_TABLES: dict[str, PlanTable] = {
    "sites": _table(
        "site period",
        site=_SITE,
        period=_PERIOD,
        blocks="whole blocks of IT load in service",
        it_mw="IT load in service",
        facility_mw="largest facility power over the snapshots",
        firm_mw="firm part of the facility power",
        cooling="cooling technology",
        bus="point of interconnection",
        lat="latitude",
        lon="longitude",
        county="county",
        cost_musd="present value in the period of the site, its tie, cooling and share of its basin's water",
        pue_annual="yearly mean facility power per IT power",
        pue_hot_day="facility power per IT power on a hot day",
        water_m3_day="water withdrawn on a mean day",
        basin="water region",
        area_ha="area of the land",
        emissions_t_per_year="location-based emissions of its energy, CO2 equivalent",
    ),
    "ties": _table(
        "tie",
        site=_SITE,
        bus="point of interconnection",
        circuits="circuits built",
        length_km="route length",
        capacity_mw="firm capacity, one circuit out of service",
        cost_musd="one-time cost",
        tie="tie option",
        base_kv="nominal voltage",
        in_service="first period of service",
        annuity_musd="yearly cost while in service",
    ),
    "upgrades": _table(
        "upgrade",
        upgrade="network upgrade",
        branch="branch that it raises",
        in_service="first period of service",
        added_mw="normal rating added",
        cost_musd="one-time cost",
        added_emergency_mw="emergency rating added",
        annuity_musd="yearly cost while in service",
        from_bus="bus at the branch's start",
        to_bus="bus at the branch's end",
        length_km="length of the branch",
    ),
    "circuits": _table(
        "circuit in_service",
        circuit="new circuit",
        in_service="first period of service",
        count="units that begin to serve then",
        cost_musd="one-time cost of these units",
        annuity_musd="yearly cost of these units while in service",
        from_bus="bus at its start",
        to_bus="bus at its end",
        kind="line or transformer",
        rating_mw="normal rating of one unit, empty when unlimited",
        rating_emergency_mw="emergency rating of one unit, empty when unlimited",
        length_km="length of the route",
    ),
    "baseline_circuits": _table(
        "circuit in_service",
        circuit="new circuit that the system takes without new load",
        in_service="first period of service",
        count="units that begin to serve then",
    ),
    "cooling": _table(
        "site period",
        site=_SITE,
        cooling="cooling technology",
        period=_PERIOD,
        it_mw="IT load cooled",
        facility_hot_day_mw="facility power on a hot day",
        facility_annual_mw="facility power at the yearly mean PUE, all IT load drawn",
        water_m3_day="water withdrawn on a mean day",
        cost_musd="present value in the period",
    ),
    "dispatch": _table(
        "generator period snapshot",
        generator="generator",
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        output_mw="output",
    ),
    "baseline_dispatch": _table(
        "generator period snapshot",
        generator="generator",
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        output_mw="output in the same secure system without new load",
    ),
    "baseline_upgrades": _table(
        "upgrade",
        upgrade="network upgrade that the system takes without new load",
        in_service="first period of service",
    ),
    "overload_dispatch": _table(
        "generator snapshot",
        generator="generator",
        snapshot=_SNAPSHOT,
        output_mw="output of the dispatch that defines the base overloads",
    ),
    "flows": _table(
        "branch period snapshot",
        branch=_BRANCH,
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        flow_mw=_FLOW,
        limit_mw=_LIMIT,
        loading=_LOADING,
    ),
    "contingencies": _table(
        "contingency branch period snapshot",
        "period snapshot -loading contingency branch",
        contingency="outage",
        branch=_BRANCH,
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        flow_mw=_FLOW + ", after the outage",
        limit_mw=_LIMIT,
        loading=_LOADING,
    ),
    "water": _table(
        "basin period",
        basin="water region",
        period=_PERIOD,
        withdrawal_m3_day="water withdrawn on a mean day",
        limit_m3_day="water that all its sources can give",
    ),
    "water_sources": _table(
        "basin source period",
        basin="water region",
        source="source of water",
        period=_PERIOD,
        withdrawal_m3_day="water drawn on a mean day",
        available_m3_day="what the source can still give",
        price_usd_per_m3="price",
    ),
    "electricity_water": _table(
        "site period",
        site=_SITE,
        period=_PERIOD,
        factor_m3_per_mwh="water consumed behind the electricity",
        site_m3_day="water withdrawn at the site on a mean day",
        indirect_m3_day="water consumed behind its electricity on a mean day",
        source_m3_day="both together",
    ),
    "costs": _table("account period", account="account", period=_PERIOD, cost_musd="present value"),
    "service": _table(
        "site period snapshot",
        site=_SITE,
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        facility_mw="what the campus would draw",
        firm_mw="firm contract demand",
        non_firm_mw="non-firm contract demand: the least that curtailment needs, or what a developer chooses",
        curtailed_mw="what the grid does not serve of it",
        backup_mw="part of that served by on-site backup",
        deferred_mw="part of that put off",
        recovered_mw="drawn above facility power to catch up",
        drawn_mw="drawn from the grid",
    ),
    "service_years": _table(
        "site period",
        site=_SITE,
        period=_PERIOD,
        contract_mw="contract demand, the largest facility power over the snapshots",
        firm_mw="firm part of it",
        non_firm_mw="non-firm part of it",
        curtailed_mwh="energy curtailed in a year",
        curtailed_share="the same over what the campus would draw in a year",
        curtailed_hours="hours of a year in which anything is curtailed",
        backup_capacity_mw="on-site backup made fit to serve curtailed load",
        backup_mwh="energy that it serves in a year",
        lost_mwh="energy in a year that is neither served nor put off",
        emissions_t_per_year="emissions of backup, CO2 equivalent",
        cost_musd="present value of backup, deferral and lost load",
    ),
    "transfers": _table(
        "account payer period",
        account="what is paid",
        payer="who pays or forgoes it",
        period=_PERIOD,
        amount_musd="present value, of deposits and exit fees the amount; no part of the system's cost",
    ),
    "firmness": _table(
        "scenario",
        "share",
        share="share of a campus's yearly energy that may be curtailed",
        scenario="scenario solved beside the plan",
        cost_musd="present value of the system's cost",
        bound_musd="proven least cost",
        delay_mw_years="target less served over all years",
        curtailed_mwh="energy curtailed, a year of each period added up",
        earlier_mw_months="delay that the firmest of the curve has and this has not",
        value_usd_per_mw_month="cost saved per unit of that, empty where there is none",
    ),
    "demand": _table(
        "period",
        period=_PERIOD,
        target_mw="IT load that must be in service",
        served_mw="IT load in service",
        shortfall_mw="IT load that is not served",
    ),
    "supply": _table(
        "site technology period",
        site=_SITE,
        technology="what stands there",
        period=_PERIOD,
        capacity_mw="capacity in service",
        energy_mwh="energy that it stores, 0 where it is no store",
        output_mwh_per_year="energy that it gives in a year of the snapshots",
        cost_musd="present value in the period: investment, operation and fuel, without a gas line",
        land_ha="land beside the campus",
        water_m3_day="water taken on a mean day",
        emissions_t_per_year="its own emissions, CO2 equivalent",
    ),
    "supply_output": _table(
        "site technology period snapshot",
        site=_SITE,
        technology="what stands there",
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        output_mw="what it gives",
        charge_mw="what storage takes",
        stored_mwh="energy stored when the snapshot begins",
    ),
    "gas_lines": _table(
        "site",
        site=_SITE,
        in_service="first period of service",
        cost_musd="one-time cost",
        annuity_musd="yearly cost while in service",
    ),
    "colocation": _table(
        "site period snapshot",
        site=_SITE,
        generator="generator beside it, behind one meter",
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        direct_mw="what the campus takes from it",
        to_grid_mw="what that leaves of its output to the grid",
    ),
    "adequacy": _table(
        "zone period",
        zone="zone of the grid, empty where it names none",
        period=_PERIOD,
        peak_mw="largest load of the zone over the snapshots, campuses with all they draw included",
        accredited_mw="accredited capacity of existing generators",
        own_accredited_mw="accredited capacity of supply on site",
        import_mw="what may be counted on from other zones",
        margin="capacity and imports over the peak, less 1",
    ),
    "workloads": _table(
        "region workload site period",
        region="region that asks",
        workload="what it asks for",
        site="site that serves it",
        period=_PERIOD,
        served_mw="IT load served",
        rtt_ms="round trip, empty where it is not known",
        cost_musd="present value of the network between them, and of moving data",
        revenue_musd="present value of what it earns",
    ),
    "workload_demand": _table(
        "region workload period",
        region="region that asks",
        workload="what it asks for",
        period=_PERIOD,
        target_mw="IT load asked for",
        served_mw="IT load served",
        unserved_mw="IT load that is not served",
        penalty_musd="present value of the price of that",
    ),
    "portfolio": _table(
        "limit element period",
        limit="limit of the portfolio",
        element="group, site, substation or basin that is limited",
        period=_PERIOD,
        value="quantity that is limited",
        bound="largest allowed, or least where it says what is left",
        unit="unit of value and bound",
    ),
    "deliveries": _table(
        "item period",
        item="item that is rationed",
        period=_PERIOD,
        arriving="items that arrive in the years since the period before",
        newly_taken="items taken by what is new in the period",
        taken="items in all that stands",
    ),
    "facilities": _table(
        "site period",
        site=_SITE,
        period=_PERIOD,
        site_musd="one-time cost of the site of any size, such as its own substation",
        land_musd="one-time cost of land; 0 where the user's table does not tell it apart",
        shell_musd="one-time cost of land work, shell and fit-out",
        electrical_musd="one-time cost of the electrical plant",
        mechanical_musd="one-time cost of the cooling plant",
        it_musd="one-time cost of an outfit of IT, in no account of the plan",
        staff_people="people employed",
        embodied_t="embodied carbon of building, plant and one outfit of IT, CO2 equivalent",
        renewed_t_per_year="embodied carbon of the IT that replaces what has reached its life",
        ewaste_t_per_year="mass of the IT that is replaced",
    ),
    "racks": _table(
        "site rack period",
        site=_SITE,
        rack="generation of racks",
        period=_PERIOD,
        it_mw="IT load of these racks",
        counted_mw="IT load of the period's best rack that does the same work",
        cost_musd="present value in the period",
    ),
    "efficiency": _table(
        "programme period",
        programme="programme that avoids demand",
        period=_PERIOD,
        units="units of demand avoided",
        avoided_mw="IT load of the target that they stand for",
        cost_musd="present value in the period",
    ),
    "build_ahead": _table(
        "period",
        period=_PERIOD,
        target_mw="IT load that must be in service",
        built_mw="IT load that is in service",
        ahead_mw="IT load beyond the target",
        cost_musd="present value of blocks and cooling of so much of it",
    ),
    "binding": _table(
        "limit element contingency period snapshot",
        limit="which limit is at its bound",
        element="branch, site, county, basin or other thing that is limited",
        contingency=_OUTAGE,
        period="year of decision, empty when it holds in all",
        snapshot=_SNAPSHOT,
        value="quantity that is limited, a flow with its sign",
        bound="the limit it is held against, with the same sign",
        unit="unit of value and bound",
        price_usd_per_unit="cost saved per unit of more limit, empty when the limit acts on whole decisions",
    ),
    "energy_prices": _table(
        "period snapshot",
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        price_usd_per_mwh="cost of one more MWh at the reference bus",
    ),
    "base_overloads": _table(
        "branch contingency snapshot",
        branch=_BRANCH,
        contingency=_OUTAGE,
        snapshot=_SNAPSHOT,
        overload_mw="flow above the limit before any new load, allowed to remain",
    ),
    "candidates": _table(
        "site",
        site=_SITE,
        lat="latitude",
        lon="longitude",
        county="county",
        basin="water region",
        iecc_zone="climate zone of the International Energy Conservation Code",
        area_ha="area of the land",
        max_blocks="most blocks that fit",
        bus="nearest point of interconnection",
        base_kv="its nominal voltage",
        tie_km="route length to it",
        tie_cost_musd="one-time cost of the tie to it",
        fixed_cost_musd="one-time cost of the campus without its blocks",
        block_cost_musd="one-time cost of a block",
        earliest="first year in which it can be ready",
    ),
    "refused": _table(
        "place",
        kinds={"limit": "float"},
        place="land that is not a candidate",
        rule="first rule that refuses it",
        value="what the rule found",
        limit="what the rule allows",
    ),
    "rules": _table(
        "site rule effect",
        kinds=dict.fromkeys(("effect", "asks", "document", "reservations"), "text"),
        site=_SITE,
        rule="rule that holds there",
        effect="what of it the row is about",
        value="its amount for this site, empty where it has none",
        unit="unit of the amount",
        asks="what it asks, in words",
        document="where the rule was read",
        reservations="what is not certain about the rule",
    ),
    "comparison": _table(
        "scenario site period",
        scenario="scenario solved beside the plan",
        site=_SITE,
        period=_PERIOD,
        it_mw="IT load in the scenario",
        it_mw_plan="IT load in the plan",
        difference_mw="scenario less plan",
    ),
    "comparison_limits": _table(
        "scenario contingency branch period snapshot",
        "scenario period snapshot -loading contingency branch",
        scenario="scenario solved beside the plan",
        contingency=_OUTAGE,
        branch=_BRANCH,
        period=_PERIOD,
        snapshot=_SNAPSHOT,
        flow_mw=_FLOW,
        limit_mw="limit of the full study that the scenario's plan breaks",
        loading="flow over limit",
    ),
}
"""Tables that a plan may hold, by name."""


def empty_table(name: str) -> pd.DataFrame:
    """A table without rows, every column in place."""
    return _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    return typed(pd.DataFrame({c: [] for c in PLAN_TABLES[name].names}), PLAN_TABLES[name])


def typed(table: pd.DataFrame, spec: PlanTable) -> pd.DataFrame:
    """The columns of a table in their order and of their type, numbers rounded to the decimals that are written."""
    made: dict[str, Any] = {}
    for column in spec.columns:
        values = table[column.name]
        if column.kind in ("id", "text"):
            made[column.name] = values.astype(object).where(values.notna(), "").astype(str)
        elif column.kind == "int":
            made[column.name] = values.astype("Int64") if values.isna().any() else values.astype("int64")
        else:
            number = values.astype(float)
            made[column.name] = number.where(np.isfinite(number)).round(DECIMALS) + 0.0
    return pd.DataFrame(made, columns=spec.names).reset_index(drop=True)
