"""Whether zones have accredited capacity for what they must serve: what is short, by zone."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from optimizer.errors import Finding
from optimizer.study.case import Case
from optimizer.study.precheck_rows import shortfall, too_little

REMEDY = "raise adequacy.import_mw, lower reserve_margin, or offer [supply] with accredited capacity"


def zones_of_sites(case: Case) -> dict[str, frozenset[str]]:
    """Zones in which the ties of each site end."""
    zone = case.ties["bus"].map(case.buses["zone"]).astype(str)
    return {str(s): frozenset(own) for s, own in zone.groupby(case.ties["site"])}


def judged_snapshots(case: Case) -> list[str]:
    """Snapshots in which no campus may be curtailed: what draws there needs capacity."""
    free = set() if case.service is None else set(case.service.snapshots(case.snapshots["hours"]))
    return [h for h in case.snapshots.index if h not in free]


def room_mw(case: Case) -> pd.DataFrame:
    """What campuses may draw in each zone with a point of interconnection, below 0 where it is short without any.

    Returns
    -------
    DataFrame, index zone, columns (period, snapshot)
        ``(accredited + imports + the most that own supply adds) / (1 + reserve margin) - existing load`` [MW]; empty
        where no adequacy is asked for.
    """
    adequacy = case.adequacy
    if adequacy is None:
        return pd.DataFrame()
    tied = set(case.buses.loc[case.ties["bus"].unique(), "zone"])
    zones = adequacy.zones[adequacy.zones.index.isin(tied)]
    load = case.load_mw.groupby(case.buses["zone"]).sum().reindex(zones.index)
    given = zones["accredited_mw"] + zones["import_mw"]
    counted = {
        t: (given + _own_mw(case, int(t), zones.index)) / (1.0 + adequacy.reserve_margin) for t in case.periods.index
    }
    return pd.DataFrame({(t, h): counted[t] - load[(t, h)] for t in case.periods.index for h in case.snapshots.index})


def _own_mw(case: Case, t: int, zones: pd.Index) -> pd.Series:
    """The most accredited capacity that campuses of each zone can bring by a period [MW]."""
    if case.supply is None:
        return pd.Series(0.0, index=zones)
    offers, homes = case.supply.offers, zones_of_sites(case)
    facts = case.supply.technologies.loc[offers.index.get_level_values("technology")].reset_index(drop=True)
    # A store whose power may not hold enough hours counts with less than its power.
    sustained = (facts["max_storage_hours"] / facts["accredited_hours"].where(facts["accredited_hours"] > 0)).clip(
        upper=1
    )
    share = facts["accredited_share"] * sustained.fillna(1.0).where(facts["is_storage"], 1.0)
    counted = (offers["max_mw"] * (offers["ready"] <= t)).to_numpy(float) * share.to_numpy(float)
    own = [homes.get(str(s), frozenset()) for s in offers.index.get_level_values("site")]
    home = [next(iter(z)) if len(z) == 1 else None for z in own]
    return pd.Series(counted).groupby(pd.Series(home, dtype=object)).sum().reindex(zones).fillna(0.0)


def existing_load_findings(case: Case) -> Iterator[Finding]:
    """Zones that lack capacity for the load they have, whatever is built."""
    adequacy, room = case.adequacy, room_mw(case)
    if adequacy is None or room.empty:
        return
    for z in room.index:
        for t in case.periods.index:
            margin, worst = 1.0 + adequacy.reserve_margin, str(room.loc[z, t].idxmin())
            need = margin * float(case.load_mw.loc[(case.buses["zone"] == z).to_numpy(), (t, worst)].sum())
            have = need + margin * float(room.at[z, (t, worst)])
            if too_little(have, need):
                text = f"accredited capacity and imports of {_named(z)} are less than its own load with the reserve"
                text = f"{text}, in snapshot {worst}"
                yield shortfall("zone_short", int(t), text, have, need, REMEDY, of="adequacy")


def target_findings(case: Case, t: int, target: float, capacity: pd.Series) -> Iterator[Finding]:
    """The zones together have room for less than the target.

    Parameters
    ----------
    case : Case
        With a target.
    t : int
        Period.
    target : float
        IT load that must be served then [MW].
    capacity : Series, index ``site``
        What each site can serve then, 0 before it is ready [MW of IT].
    """
    room, homes, least = room_mw(case), zones_of_sites(case), case.pue_on_grid.min()
    if room.empty:
        return
    held = {z: float(sum(capacity[s] for s, own in homes.items() if z in own)) for z in room.index}
    free = float(capacity.drop(index=[s for s in homes if s in capacity.index]).sum())
    found: list[tuple[float, str, pd.Series]] = []
    for h in judged_snapshots(case):
        it_mw = (room[(t, h)].clip(lower=0.0) / float(least[h])).clip(upper=pd.Series(held))
        found.append((float(it_mw.sum()) + free, h, it_mw))
    total, worst, it_mw = min(found, key=lambda one: one[0], default=(target, "", pd.Series()))
    if too_little(total, target):
        each = ", ".join(f"{_named(z)} {mw:,.1f} MW" for z, mw in it_mw.items())
        text = "accredited capacity and imports leave room for less than the target with the reserve"
        text = f"{text} in snapshot {worst}: {each}"
        yield shortfall("target_short", t, text, total, target, REMEDY, of="adequacy")


def _named(zone: str) -> str:
    return f"zone {zone}" if zone else "the whole grid, which names no zones,"
