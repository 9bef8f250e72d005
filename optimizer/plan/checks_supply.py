"""Supply: every figure of it, and every rule of capacity, operation, storage, land, carbon-free shares and adequacy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.checks_halls import fact
from optimizer.plan.verify_compare import broken, capped, cell, compare_tables
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_service import moved_mw
from optimizer.plan.verify_supply import OFFER, direct_mw, lines, parameters, recomputed, supply
from optimizer.study.economics import ready_year

SHARE = 1e-6
"""Rounding of shares and of products of outputs that are written with six decimals [-]."""


def check_figures(context: Context) -> list[Finding]:
    """Cost, land, water, emissions and energy of what stands; gas lines."""
    findings = _unknown(context)
    if findings:
        return findings
    expected = recomputed(context).drop(columns=["once_musd"])
    findings = compare_tables(context.prefix, "supply", context.table("supply"), expected)
    stated = context.table("gas_lines")
    return findings + compare_tables(context.prefix, "gas_lines", stated, lines(context).reset_index())


def _unknown(context: Context) -> list[Finding]:
    findings = []
    known = set(parameters(context).index)
    for name in ("supply", "supply_output"):
        table = context.table(name)
        for i in np.flatnonzero(~table["technology"].isin(known)):
            where = cell(context.prefix, name, int(i), table, "technology")
            text = "the study offers no such technology"
            findings.append(Finding("plan.unknown_name", where, text, str(table["technology"].iat[int(i)])))
    return capped(findings, f"{context.prefix}tables/supply.csv column technology")


def _finding(context: Context, rule: str, where: str, message: str, value: float, limit: float, unit: str) -> Finding:
    return broken(f"plan.supply.{rule}", f"{context.prefix}tables/{where}", message, value, limit, unit)


def check_capacity(context: Context) -> list[Finding]:
    """What stands was ready, fits the site, came in whole units, stays, and has the gas line it needs."""
    settings = context.study.config.supply
    assert settings is not None
    facts, stated = parameters(context), context.table("supply")
    built = set(context.placed[["site", "period"]].itertuples(index=False, name=None))
    size = context.case.sites["block_mw"] * context.case.sites["max_blocks"]
    line = lines(context)["in_service"].to_dict()
    found: list[Finding] = []
    before: dict[tuple[str, str], tuple[float, float]] = {}
    for row in stated.sort_values("period").itertuples():
        fact, where = facts.loc[row.technology], f"supply.csv site {row.site}, {row.technology}, period {row.period}"
        months = max(0.0, fact["lead_months"] - context.study.config.study.shorter_lead_months)
        ready = max(ready_year(context.study.config.study.decision_year, months), fact["first_year"])
        most_pue = float(context.case.pue.loc[[row.site]].to_numpy(float).max())
        units_mw = np.floor(fact["max_units"]) * fact["unit_mw"] if fact["unit_mw"] > 0 else np.inf
        most = min(float(fact["max_mw"]), float(units_mw), settings.max_share * float(size[row.site]) * most_pue)
        if row.period < ready:
            found.append(_finding(context, "too_early", where, "it cannot be ready then", row.period, ready, "year"))
        if (row.site, row.period) not in built:
            found.append(_finding(context, "no_site", where, "no campus stands there", row.capacity_mw, 0.0, "MW"))
        if row.capacity_mw > most + tolerances.POWER_MW:
            found.append(_finding(context, "too_large", where, "more than fits", row.capacity_mw, most, "MW"))
        if fact["unit_mw"] > 0:
            number = row.capacity_mw / fact["unit_mw"]
            if abs(number - round(number)) > SHARE * max(1.0, number):
                text = "not a whole number of units"
                found.append(_finding(context, "units", where, text, row.capacity_mw, fact["unit_mw"], "MW"))
        longest = fact["max_storage_hours"] * row.capacity_mw if fact["storage_efficiency"] > 0 else 0.0
        if row.energy_mwh > longest * (1 + SHARE) + tolerances.POWER_MW:
            text = "more energy than its hours allow"
            found.append(_finding(context, "energy", where, text, row.energy_mwh, longest, "MWh"))
        known = before.get((row.site, row.technology), (0.0, 0.0))
        if row.capacity_mw < known[0] - tolerances.POWER_MW or row.energy_mwh < known[1] - tolerances.POWER_MW:
            found.append(_finding(context, "undone", where, "less than before", row.capacity_mw, known[0], "MW"))
        before[row.site, row.technology] = (row.capacity_mw, row.energy_mwh)
        if fact["needs_gas_line"] and _gas_km(context, row.site) > 0 and row.period < line.get(row.site, np.inf):
            found.append(_finding(context, "no_gas", where, "no gas line serves the site", row.capacity_mw, 0.0, "MW"))
    missing = [
        (s, q, t)
        for (s, q), _ in before.items()
        for t in context.periods
        if t > stated.loc[(stated["site"] == s) & (stated["technology"] == q), "period"].min()
        and not ((stated["site"] == s) & (stated["technology"] == q) & (stated["period"] == t)).any()
    ]
    for s, q, t in missing:
        where = f"supply.csv site {s}, {q}, period {t}"
        found.append(_finding(context, "undone", where, "it stood the period before", 0.0, before[s, q][0], "MW"))
    return [*capped(found, f"{context.prefix}tables/supply.csv"), *_land(context)]


def _gas_km(context: Context, site: str) -> float:
    settings = context.study.config.supply
    assert settings is not None
    own, sites = context.study.own, context.study.candidates.sites
    km = float("nan") if own is None else float(own.sites["gas_line_km"].get(site, np.nan))
    if np.isnan(km) and "gas_line_km" in sites.columns:
        km = float(sites.at[site, "gas_line_km"])
    return 0.0 if np.isnan(km) else km * float(settings.gas_line_musd_per_km > 0)


def _land(context: Context) -> list[Finding]:
    """Campus and supply together stand on the site's land."""
    land = recomputed(context).groupby(["site", "period"])["land_ha"].sum()
    found = []
    for s, t, it_mw, area in context.placed[["site", "period", "it_mw", "area_ha"]].itertuples(index=False, name=None):
        used, campus = float(land.get((s, t), 0.0)), fact(context, str(s), "land_ha_per_mw") or 0.0
        if used > 0 and np.isfinite(area) and used + campus * it_mw > area * (1 + SHARE) + SHARE:
            where, text = f"supply.csv site {s}, period {t}", "campus and supply need more land than there is"
            found.append(_finding(context, "land", where, text, used + campus * it_mw, float(area), "ha"))
    return found


def availability(context: Context, site: str, technology: str, snapshot: str) -> float:
    """Most output over capacity: of the table for this site, else for all, else as usual [-]."""
    tables = context.study.supply_tables
    assert tables is not None
    given = tables.availability
    here = given[(given["technology"] == technology) & (given["snapshot"] == snapshot)]
    for name in (site, ""):
        rows = here[here["site"] == name]
        if len(rows):
            return float(rows["availability"].iloc[-1])
    return float(parameters(context).at[technology, "availability"])


def check_operation(context: Context) -> list[Finding]:
    """Output within availability, the permit and what the campus draws."""
    facts = parameters(context)
    capacity = context.table("supply").set_index(OFFER)["capacity_mw"].to_dict()
    hours = context.case.snapshots["hours"].to_dict()
    energy: dict[tuple[str, str, int], float] = {}
    found: list[Finding] = []
    for row in context.table("supply_output").itertuples():
        key = (row.site, row.technology, row.period)
        where = f"supply_output.csv site {row.site}, {row.technology}, period {row.period}, snapshot {row.snapshot}"
        most = capacity.get(key, 0.0)
        if facts.at[row.technology, "storage_efficiency"] == 0:
            most *= availability(context, row.site, row.technology, row.snapshot)
            energy[key] = energy.get(key, 0.0) + hours[row.snapshot] * row.output_mw
        if row.output_mw + row.charge_mw > most + tolerances.POWER_MW or min(row.output_mw, row.charge_mw) < 0:
            text = "more than capacity and availability allow, or less than nothing"
            found.append(_finding(context, "output", where, text, row.output_mw + row.charge_mw, most, "MW"))
    for (s, q, t), mwh in energy.items():
        most = float(facts.at[q, "permit_hours"]) * capacity.get((s, q, t), 0.0)
        if np.isfinite(most) and mwh > most * (1 + SHARE) + tolerances.POWER_MW:
            where, text = f"supply_output.csv site {s}, {q}, period {t}", "more hours than its permit allows"
            found.append(_finding(context, "permit", where, text, mwh, most, "MWh"))
    return capped([*found, *_exports(context)], f"{context.prefix}tables/supply_output.csv")


def _exports(context: Context) -> Iterator[Finding]:
    left = (context.drawn_mw - direct_mw(context)).to_numpy(float)
    for i, column in np.argwhere(left < -tolerances.POWER_MW):
        s, t = context.placed[["site", "period"]].iloc[int(i)]
        where = f"supply_output.csv site {s}, period {t}, snapshot {context.snapshots[column]}"
        text = "more is supplied than the campus draws"
        yield _finding(context, "export", where, text, -float(left[i, column]), 0.0, "MW")
    rows = context.table("supply_output")
    built = pd.MultiIndex.from_frame(context.placed[["site", "period"]])
    stray = rows[~pd.MultiIndex.from_frame(rows[["site", "period"]]).isin(built) & (rows["output_mw"] > 0)]
    for row in stray.itertuples():
        where = f"supply_output.csv site {row.site}, period {row.period}, snapshot {row.snapshot}"
        yield _finding(context, "no_site", where, "no campus stands there", row.output_mw, 0.0, "MW")


def check_storage(context: Context) -> list[Finding]:
    """What is stored follows from what went in and out, in the order of each day, which repeats."""
    settings, facts = context.study.config.supply, parameters(context)
    assert settings is not None
    rows = context.table("supply_output")
    stores = rows[rows["technology"].map(facts["storage_efficiency"]) > 0]
    energy = context.table("supply").set_index(OFFER)["energy_mwh"].to_dict()
    found: list[Finding] = []
    for key, own in stores.groupby(OFFER, sort=False):
        s, q, t = key
        by_snapshot = own.set_index("snapshot")[["output_mw", "charge_mw", "stored_mwh"]]
        ordered = {h for day in settings.order for h in day.snapshots}
        for h in set(by_snapshot.index) - ordered:
            if by_snapshot.loc[h, ["output_mw", "charge_mw"]].abs().sum() > tolerances.POWER_MW:
                where = f"supply_output.csv site {s}, {q}, period {t}, snapshot {h}"
                found.append(_finding(context, "order", where, "the snapshot has no place in an order", 1.0, 0.0, "-"))
        for day in settings.order:
            for i, (h, hours) in enumerate(zip(day.snapshots, day.hours, strict=True)):
                given, taken, stored = by_snapshot.loc[h] if h in by_snapshot.index else (0.0, 0.0, 0.0)
                after = day.snapshots[(i + 1) % len(day.snapshots)]
                next_mwh = by_snapshot.at[after, "stored_mwh"] if after in by_snapshot.index else 0.0
                due = stored + hours * (facts.at[q, "storage_efficiency"] * taken - given)
                where = f"supply_output.csv site {s}, {q}, period {t}, snapshot {h}"
                if abs(due - next_mwh) > tolerances.POWER_MW * max(1.0, hours):
                    text = "what is stored after it does not follow from what went in and out"
                    found.append(_finding(context, "balance", where, text, float(next_mwh), float(due), "MWh"))
                if stored > energy.get(key, 0.0) + tolerances.POWER_MW or stored < -tolerances.POWER_MW:
                    text = "more is stored than it holds"
                    found.append(_finding(context, "stored", where, text, stored, energy.get(key, 0.0), "MWh"))
    return capped(found, f"{context.prefix}tables/supply_output.csv column stored_mwh")


def check_colocation(context: Context) -> list[Finding]:
    """What campuses take from the generator beside them is theirs to take, and the rest is what the grid has."""
    stated = context.table("colocation")
    if stated.empty:
        return []
    own = context.study.own
    assert own is not None
    column = {key: i for i, key in enumerate(context.operating)}
    taken = stated.groupby(["generator", "period", "snapshot"])["direct_mw"].sum().to_dict()
    found, expected = [], []
    for row in stated.itertuples():
        where = f"colocation.csv site {row.site}, period {row.period}, snapshot {row.snapshot}"
        output = float(
            context.output_mw[context.case.generators.index.get_loc(row.generator), column[row.period, row.snapshot]]
        )
        expected.append(output - taken[row.generator, row.period, row.snapshot])
        if own.sites["colocated_generator"].get(row.site, "") != row.generator:
            found.append(Finding("plan.supply.beside", f"{context.prefix}tables/{where}", "not beside the site"))
        if expected[-1] < -tolerances.POWER_MW:
            text = "more is taken than the generator gives"
            found.append(_finding(context, "direct", where, text, output - expected[-1], output, "MW"))
        if row.direct_mw > tolerances.POWER_MW and not _is_behind_its_meter(context, row.site, row.generator):
            text = "the campus is tied to another bus than the generator's, and not where its transformers alone lead"
            found.append(_finding(context, "direct", where, text, row.direct_mw, 0.0, "MW"))
    made = stated[["site", "period", "snapshot"]].assign(generator=stated["generator"], direct_mw=stated["direct_mw"])
    return found + compare_tables(
        context.prefix, "colocation", stated, made.assign(to_grid_mw=np.array(expected, dtype=float))
    )


def _is_behind_its_meter(context: Context, site: str, generator: str) -> bool:
    """Whether the tie of a campus ends where all that a generator gives passes: at its bus or past transformers."""
    tie, at, grid = context.tie_of_site.get(site, ""), context.case.generators.at[generator, "bus"], context.study.grid
    if not tie or grid is None:
        return False
    end = context.case.ties.at[tie, "bus"]
    lines = grid.branches.loc[grid.branches["in_service"].astype(bool), ["from_bus", "to_bus"]]
    touching = lines[(lines == at).any(axis=1)]
    leads_there = len(touching) > 0 and bool(touching.isin([at, end]).all(axis=None))
    return bool(end == at or (leads_there and grid.buses.at[end, "base_kv"] > grid.buses.at[at, "base_kv"]))


def check_carbon_free(context: Context) -> list[Finding]:
    """Carbon-free shares over the year and in every snapshot."""
    limits, hours = context.study.config.limits, context.case.snapshots["hours"].to_dict()
    if not limits.carbon_free_share and not limits.carbon_free_share_every_snapshot:
        return []
    free, drawn = carbon_free_mw(context)
    found = []
    for t, share in limits.carbon_free_share.items():
        value = sum(hours[h] * free[t, h] for h in hours)
        least = share * sum(hours[h] * drawn[t, h] for h in hours)
        if value < least - tolerances.POWER_MW * sum(hours.values()):
            where, text = f"supply.csv period {t}", "less is carbon-free than limits.carbon_free_share asks for"
            found.append(_finding(context, "carbon_free", where, text, value, least, "MWh"))
    for t, share in limits.carbon_free_share_every_snapshot.items():
        for h in hours:
            if free[t, h] < share * drawn[t, h] - tolerances.POWER_MW:
                where = f"supply.csv period {t}, snapshot {h}"
                text = "less is carbon-free than limits.carbon_free_share_every_snapshot asks for"
                found.append(_finding(context, "carbon_free", where, text, free[t, h], share * drawn[t, h], "MW"))
    return found


def carbon_free_mw(context: Context) -> tuple[dict[tuple[int, str], float], dict[tuple[int, str], float]]:
    """Carbon-free supply of all campuses, and what they use, by period and snapshot [MW].

    They use what they draw and supply themselves, backup of curtailed load included.
    """
    settings, facts, rows = context.study.config.supply, parameters(context), context.table("supply_output")
    assert settings is not None
    clean, direct = supply(context).beside, direct_mw(context)
    free: dict[tuple[int, str], float] = {}
    drawn: dict[tuple[int, str], float] = {}
    for t, h in context.operating:
        now = rows[(rows["period"] == t) & (rows["snapshot"] == h)]
        total = 0.0
        for row in now.itertuples():
            stores = facts.at[row.technology, "storage_efficiency"] > 0
            share = 1.0 if stores else float(facts.at[row.technology, "carbon_free_share"])
            total += share * (row.output_mw - row.charge_mw)
        here = (context.placed["period"] == t).to_numpy()
        taken = float((context.drawn_mw[h] - direct[h]).to_numpy()[here].sum())
        for site, mw in zip(context.placed["site"][here], direct[h].to_numpy()[here], strict=True):
            if mw and context.case.generators.at[clean[site], "carbon_t_per_mwh"] == 0:
                total += float(mw)
        free[t, h] = total + settings.grid_carbon_free_share * taken
        backed = moved_mw(context)["backup_mw"][:, context.snapshots.index(h)]
        drawn[t, h] = float((context.drawn_mw[h] + context.own_mw[h] + backed).to_numpy()[here].sum())
    return free, drawn


def check_adequacy(context: Context) -> list[Finding]:
    """Peak, accredited capacity, imports and margin of every zone, and that the margin is the one asked for."""
    settings, grid = context.study.config.adequacy, context.study.grid
    assert settings is not None
    assert grid is not None
    zone = grid.buses["zone"].reindex(context.case.buses.index)
    units, existing = context.study.operation.generators, grid.generators["accredited_share"]
    tied = (context.placed["tie"] != "").to_numpy()
    place = zone.reindex(context.case.ties["bus"].reindex(context.placed["tie"]).fillna("")).to_numpy()
    points = sorted(set(zone.reindex(context.case.ties["bus"].unique())))
    rows, found = [], []
    for z in points:
        here = units[units["bus"].map(zone) == z]
        accredited = float((here["p_max_mw"] * existing.reindex(here.index).fillna(1.0)).sum())
        imports = float(settings.import_mw.get(z, 0.0))
        for t in context.periods:
            now = (context.placed["period"] == t).to_numpy() & tied & (place == z)
            old = {h: float(context.case.load_mw.loc[(zone == z).to_numpy(), (t, h)].sum()) for h in context.snapshots}
            used = context.drawn_mw + context.own_mw
            peak = max(old[h] + float(used[h].to_numpy()[now].sum()) for h in context.snapshots)
            own = _own_accredited(context, zone, z, t)
            margin = (accredited + imports + own) / peak - 1.0 if peak > 0 else float("nan")
            rows.append((z, t, peak, accredited, own, imports, margin))
            need = (1.0 + settings.reserve_margin) * peak
            if accredited + imports + own < need - tolerances.POWER_MW * (2.0 + settings.reserve_margin):
                where = f"{context.prefix}tables/adequacy.csv zone {z or 'without a name'}, period {t}"
                text = "capacity and imports do not cover the peak with its reserve"
                found.append(broken("plan.adequacy", where, text, accredited + imports + own, need, "MW"))
    columns = ["zone", "period", "peak_mw", "accredited_mw", "own_accredited_mw", "import_mw", "margin"]
    expected = pd.DataFrame(rows, columns=columns)
    return found + compare_tables(context.prefix, "adequacy", context.table("adequacy"), expected)


def _own_accredited(context: Context, zone: pd.Series, z: str, t: int) -> float:
    """Accredited capacity on site of campuses all of whose ties end in a zone [MW].

    Of a store no more counts than its energy sustains for the hours that its accreditation asks for.
    """
    if context.case.supply is None:
        return 0.0
    facts, ties, total = parameters(context), context.case.ties, 0.0
    stated = context.table("supply")[[*OFFER, "capacity_mw", "energy_mwh"]]
    for s, q, period, mw, mwh in stated.itertuples(index=False, name=None):
        zones, fact = set(zone.reindex(ties.loc[ties["site"] == s, "bus"])), facts.loc[q]
        if period != t or zones != {z}:
            continue
        if fact["storage_efficiency"] > 0 and fact["accredited_hours"] * mw > mwh:
            mw = mwh / fact["accredited_hours"]
        total += float(fact["accredited_share"]) * mw
    return total


CHECKS = (check_figures, check_capacity, check_operation, check_storage, check_colocation, check_carbon_free)
