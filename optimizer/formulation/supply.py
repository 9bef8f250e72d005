"""Supply: what a campus generates or stores itself, and what it takes from a generator beside it.

It lowers what the campus withdraws from the grid, never below 0: flows, security and dispatch see the rest. The tie
still carries all that the campus draws, as if its own supply were out, unless the study counts own supply as firm.

Symbols
-------
K[s,q,t]    ``capacity_mw``   capacity of technology q at site s [MW]
N[s,q,t]    ``units``         units of it, where it comes in units [-]
E[s,q,t]    ``energy_mwh``    energy that storage holds [MWh]
o[s,q,t,h]  ``output_mw``     output of a technology that generates [MW]
c,d[s,q,t,h] ``charge_mw``, ``discharge_mw``  power into and out of storage [MW]
e[s,q,t,i]  ``stored_mwh``    energy stored when the i-th snapshot of its day begins [MWh]
r[v,t,h]    ``own_mw``        own supply less charging, at the campus end of tie v [MW]
z[v,t,h]    ``direct_mw``     taken from the generator beside the campus, at tie v [MW]
k[s,t]      ``gas_line``      1 when a gas line serves the site [-]
A[s,q,h]    ``availability``  most output over capacity [-]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.formulation.supply_campus import constrain_campus, supply_of, ties_beside
from optimizer.study.case import Case
from optimizer.study.supplies import Supply
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR, USD_PER_MUSD

NEEDS = {
    "supply": [
        "technologies",
        "offers",
        "availability",
        "gas_lines",
        "land",
        "days",
        "beside",
        "step_up_bus",
        "yearly_share",
    ],
    "sites": ["basin", "utilization", "emission_t_per_mwh"],
    "ties": ["site", "bus", "capacity_mw"],
    "generators": ["bus", "carbon_t_per_mwh"],
    "snapshots": ["hours"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare capacity and operation; post cost, water, emissions, and what reaches the campus end of each tie."""
    S, T, H = supply_of(case), list(case.periods.index), list(case.snapshots.index)
    ties = [v for s in S.sites for v in case.ties_of_site[s]]
    b.capacity_mw = pyo.Var(list(S.offers.index), T, domain=pyo.NonNegativeReals)
    b.units = pyo.Var([i for i in S.offers.index if _unit(S, i)], T, domain=pyo.NonNegativeIntegers)
    b.energy_mwh = pyo.Var(S.stores, T, domain=pyo.NonNegativeReals)
    b.output_mw = pyo.Var(S.sources, T, H, domain=pyo.NonNegativeReals)
    b.charge_mw = pyo.Var(S.stores, T, S.ordered, domain=pyo.NonNegativeReals)
    b.discharge_mw = pyo.Var(S.stores, T, S.ordered, domain=pyo.NonNegativeReals)
    b.stored_mwh = pyo.Var(S.stores, T, S.ordered, domain=pyo.NonNegativeReals)
    b.gas_line = pyo.Var(list(S.gas_lines.index), T, domain=pyo.Binary)
    b.own_mw = pyo.Var(ties, T, H)
    b.direct_mw = pyo.Var(ties_beside(case), T, H, domain=pyo.NonNegativeReals)
    _bound(b, case, S)
    for (v, t, h), own in b.own_mw.items():
        ledgers.own_supply_mw.post((v, t, h), own)
    for (v, t, h), direct in b.direct_mw.items():
        ledgers.direct_supply_mw.post((v, t, h), direct)
    _post_investment(b, case, S, ledgers)
    _post_operation(b, case, S, ledgers)
    _post_carbon(b, case, S, ledgers)


def _unit(S: Supply, offer: tuple[str, str]) -> float:
    return float(S.technologies.at[offer[1], "unit_mw"])


def _bound(b: pyo.Block, case: Case, S: Supply) -> None:
    """Ends for every column: nothing before it is ready, nothing beyond what is on offer."""
    stored = {q: float(hours) for q, hours in S.technologies["max_storage_hours"].items()}
    for (s, q), offer in S.offers.iterrows():
        for t in case.periods.index:
            most = float(offer.max_mw) if t >= offer.ready else 0.0
            b.capacity_mw[s, q, t].setub(most)
            if (s, q, t) in b.units:
                b.units[s, q, t].setub(int(most / _unit(S, (s, q)) + 1e-9))
            if (s, q, t) in b.energy_mwh:
                b.energy_mwh[s, q, t].setub(most * stored[q])
                for h in S.ordered:
                    b.charge_mw[s, q, t, h].setub(most)
                    b.discharge_mw[s, q, t, h].setub(most)
                    b.stored_mwh[s, q, t, h].setub(most * stored[q])
            else:
                for h in case.snapshots.index:
                    b.output_mw[s, q, t, h].setub(most * float(S.availability.at[(s, q), h]))
    stores, site_of = {s for s, _ in S.stores}, case.ties["site"].to_dict()
    drawn = {s: most_drawn_mw(case, s) for s in {site_of[v] for v, _, _ in b.own_mw}}
    capacity_mw = case.ties["capacity_mw"].to_dict()
    for (v, _, _), own in b.own_mw.items():
        own.setlb(-float(capacity_mw[v]) if site_of[v] in stores else 0.0)
        own.setub(drawn[site_of[v]])
    for (v, _, _), direct in b.direct_mw.items():
        direct.setub(drawn[site_of[v]])


def most_drawn_mw(case: Case, site: str) -> float:
    """Most that a site draws, at its largest size in the worst snapshot, and what it can catch up beside [MW]."""
    most = float(case.sites.at[site, "block_mw"] * case.sites.at[site, "max_blocks"])
    waits = case.service.deferral if case.service is not None else None
    beside = waits.catch_up_share if waits is not None and waits.is_neutral else 0.0
    return most * float(case.pue.loc[[site]].to_numpy(float).max()) * (1.0 + beside)


def _post_investment(b: pyo.Block, case: Case, S: Supply, ledgers: Ledgers) -> None:
    years = case.periods["annuity_years"].to_dict()
    for (s, q), offer in S.offers.iterrows():
        for t in case.periods.index:
            capacity = b.capacity_mw[s, q, t]
            yearly, once = offer.annuity_musd_per_mw * capacity, offer.cost_musd_per_mw * capacity
            if (s, q, t) in b.energy_mwh:
                yearly += offer.annuity_musd_per_mwh * b.energy_mwh[s, q, t]
                once += offer.cost_musd_per_mwh * b.energy_mwh[s, q, t]
            ledgers.cost_musd.post(("supply", t), years[t] * yearly)
            ledgers.investment_musd.post(t, once)
    for s, line in S.gas_lines.iterrows():
        for t in case.periods.index:
            ledgers.cost_musd.post(("supply", t), years[t] * line.annuity_musd * b.gas_line[s, t])
            ledgers.investment_musd.post(t, line.cost_musd * b.gas_line[s, t])


def _post_operation(b: pyo.Block, case: Case, S: Supply, ledgers: Ledgers) -> None:
    """Fuel as snapshots run; water and emissions of a year in which the campus draws its utilization of that."""
    years, hours = case.periods["annuity_years"].to_dict(), case.snapshots["hours"].to_dict()
    days = HOURS_PER_YEAR / HOURS_PER_DAY
    facts = S.technologies[["running_usd_per_mwh", "water_m3_per_mwh", "emission_t_per_mwh"]].to_dict("index")
    for (s, q, t, h), output in b.output_mw.items():
        q_facts, used = facts[q], hours[h] * float(case.sites.at[s, "utilization"])
        if q_facts["running_usd_per_mwh"]:
            cost = years[t] * hours[h] * q_facts["running_usd_per_mwh"] / USD_PER_MUSD
            ledgers.cost_musd.post(("supply", t), cost * output)
        if q_facts["water_m3_per_mwh"]:
            water = used * q_facts["water_m3_per_mwh"] / days
            ledgers.water_m3_day.post((case.sites.at[s, "basin"], t), water * output)
        if q_facts["emission_t_per_mwh"]:
            ledgers.carbon_t.post(t, used * q_facts["emission_t_per_mwh"] * output)
    running = S.technologies["running_usd_per_mwh"]
    for (_, q, t, h), discharge in b.discharge_mw.items():
        if running[q]:
            ledgers.cost_musd.post(("supply", t), years[t] * hours[h] * running[q] / USD_PER_MUSD * discharge)


def _post_carbon(b: pyo.Block, case: Case, S: Supply, ledgers: Ledgers) -> None:
    """What is supplied is not taken from the grid, and a neighbour's output has its own emissions."""
    hours = case.snapshots["hours"].to_dict()
    for column in (b.own_mw, b.direct_mw):
        for (v, t, h), supplied in column.items():
            s = case.ties.at[v, "site"]
            used = hours[h] * float(case.sites.at[s, "utilization"])
            rate = -float(case.sites.at[s, "emission_t_per_mwh"]) * float(S.yearly_share.at[s, h])
            if column is b.direct_mw:
                rate += float(case.generators.at[S.beside[s], "carbon_t_per_mwh"])
            if rate:
                ledgers.carbon_t.post(t, used * rate * supplied)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Capacity, operation, storage, what reaches the campus, and carbon-free shares."""
    S = supply_of(case)
    _capacity(b, case, m, S)
    _operation(b, case, S)
    _storage(b, case, S)
    constrain_campus(b, case, m, S)


def _capacity(b: pyo.Block, case: Case, m: pyo.ConcreteModel, S: Supply) -> None:
    T, offers = list(case.periods.index), list(S.offers.index)
    before = dict(zip(T[1:], T[:-1], strict=True))
    most = S.offers["max_mw"].to_dict()
    piped = [(s, q) for s, q in offers if s in S.gas_lines.index and S.technologies.at[q, "needs_gas_line"]]

    @constraint(b, offers, T)
    def only_at_a_built_site(b: Any, s: str, q: str, t: int) -> Any:
        """Own supply stands only beside a campus that is built.

        K[s,q,t] <= max_mw[s,q] x[s,t]
        """
        return b.capacity_mw[s, q, t] <= float(most[s, q]) * m.siting.build[s, t]

    @constraint(b, offers, T[1:])
    def capacity_stays(b: Any, s: str, q: str, t: int) -> Any:
        """Own supply once built stays.

        K[s,q,t-1] <= K[s,q,t]
        """
        return b.capacity_mw[s, q, before[t]] <= b.capacity_mw[s, q, t]

    @constraint(b, list(b.units))
    def whole_units(b: Any, s: str, q: str, t: int) -> Any:
        """Capacity that comes in units is a whole number of them.

        K[s,q,t] = unit_mw[q] N[s,q,t]
        """
        return b.capacity_mw[s, q, t] == _unit(S, (s, q)) * b.units[s, q, t]

    @constraint(b, piped, T)
    def gas_by_line(b: Any, s: str, q: str, t: int) -> Any:
        """What burns gas is built only where a gas line serves the site.

        K[s,q,t] <= max_mw[s,q] k[s,t]
        """
        return b.capacity_mw[s, q, t] <= float(most[s, q]) * b.gas_line[s, t]

    @constraint(b, list(S.gas_lines.index), T[1:])
    def gas_line_stays(b: Any, s: str, t: int) -> Any:
        """A gas line once built stays.

        k[s,t-1] <= k[s,t]
        """
        return b.gas_line[s, before[t]] <= b.gas_line[s, t]

    covered = [s for s in S.land.index if any(S.technologies.at[q, "land_ha_per_mw"] for q in S.technologies_of(s))]

    @constraint(b, covered, T)
    def on_the_land_there_is(b: Any, s: str, t: int) -> Any:
        """Campus and own supply together stand on the site's land.

        campus_ha_per_mw P[s] y[s,t] + sum_q land_ha_per_mw[q] K[s,q,t] <= area_ha[s]
        """
        own = pyo.quicksum(
            float(S.technologies.at[q, "land_ha_per_mw"]) * b.capacity_mw[s, q, t] for q in S.technologies_of(s)
        )
        campus = float(S.land.at[s, "campus_ha_per_mw"]) * m.siting.it_mw[s, t]
        return campus + own <= float(S.land.at[s, "area_ha"])


def _operation(b: pyo.Block, case: Case, S: Supply) -> None:
    T, hours = list(case.periods.index), case.snapshots["hours"].to_dict()
    permit = S.technologies["permit_hours"].to_dict()
    limited = [(s, q) for s, q in S.sources if permit[q] < HOURS_PER_YEAR]

    @constraint(b, S.sources, T, list(hours))
    def within_what_is_available(b: Any, s: str, q: str, t: int, h: str) -> Any:
        """Output stays within capacity times availability.

        o[s,q,t,h] <= A[s,q,h] K[s,q,t]
        """
        return b.output_mw[s, q, t, h] <= float(S.availability.at[(s, q), h]) * b.capacity_mw[s, q, t]

    @constraint(b, limited, T)
    def within_the_permit(b: Any, s: str, q: str, t: int) -> Any:
        """Output over a year stays within the hours at full output that its permit allows.

        sum_h hours[h] o[s,q,t,h] <= permit_hours[q] K[s,q,t]
        """
        given = pyo.quicksum(hours[h] * b.output_mw[s, q, t, h] for h in hours)
        return given <= float(permit[q]) * b.capacity_mw[s, q, t]


def _storage(b: pyo.Block, case: Case, S: Supply) -> None:
    T = list(case.periods.index)
    efficiency = S.technologies["storage_efficiency"].to_dict()
    longest = S.technologies["max_storage_hours"].to_dict()
    after = {h: day[(i + 1) % len(day)][0] for day in S.days for i, (h, _) in enumerate(day)}
    lasts = {h: hours for day in S.days for h, hours in day}

    @constraint(b, S.stores, T)
    def energy_for_its_power(b: Any, s: str, q: str, t: int) -> Any:
        """Storage holds no more energy than so many hours of its power.

        E[s,q,t] <= max_storage_hours[q] K[s,q,t]
        """
        return b.energy_mwh[s, q, t] <= float(longest[q]) * b.capacity_mw[s, q, t]

    @constraint(b, S.stores, T[1:])
    def energy_stays(b: Any, s: str, q: str, t: int) -> Any:
        """Storage once built stays.

        E[s,q,t-1] <= E[s,q,t]
        """
        return b.energy_mwh[s, q, T[T.index(t) - 1]] <= b.energy_mwh[s, q, t]

    @constraint(b, S.stores, T, S.ordered)
    def within_its_power(b: Any, s: str, q: str, t: int, h: str) -> Any:
        """Storage takes and gives, together, no more than its power.

        c[s,q,t,h] + d[s,q,t,h] <= K[s,q,t]
        """
        return b.charge_mw[s, q, t, h] + b.discharge_mw[s, q, t, h] <= b.capacity_mw[s, q, t]

    @constraint(b, S.stores, T, S.ordered)
    def within_its_energy(b: Any, s: str, q: str, t: int, h: str) -> Any:
        """Storage holds no more than its energy.

        e[s,q,t,i] <= E[s,q,t]
        """
        return b.stored_mwh[s, q, t, h] <= b.energy_mwh[s, q, t]

    @constraint(b, S.stores, T, S.ordered)
    def energy_balance(b: Any, s: str, q: str, t: int, h: str) -> Any:
        """What is stored after a snapshot is what was stored before, with what went in less losses, and what came out.

        e[s,q,t,i+1] = e[s,q,t,i] + hours_in_day[i] (efficiency[q] c[s,q,t,h] - d[s,q,t,h]), the day repeating
        """
        gained = float(efficiency[q]) * b.charge_mw[s, q, t, h] - b.discharge_mw[s, q, t, h]
        return b.stored_mwh[s, q, t, after[h]] == b.stored_mwh[s, q, t, h] + lasts[h] * gained


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Capacity by site, technology and period, and how it runs by snapshot."""
    offer, keys = ["site", "technology", "period"], ["site", "technology", "period", "snapshot"]
    flows = {
        name: tidy(["tie", "period", "snapshot"], **{name: column})
        for name, column in (("own_mw", b.own_mw), ("direct_mw", b.direct_mw))
    }
    return {
        "capacity": tidy(offer, capacity_mw=b.capacity_mw),
        "energy": tidy(offer, energy_mwh=b.energy_mwh),
        "output": tidy(keys, output_mw=b.output_mw),
        "stored": tidy(keys, charge_mw=b.charge_mw, discharge_mw=b.discharge_mw, stored_mwh=b.stored_mwh),
        "gas_lines": tidy(["site", "period"], in_service=b.gas_line),
        **flows,
    }
