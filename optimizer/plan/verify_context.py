"""What every check reads: the plan as stated, the case rebuilt from the inputs, and what follows from both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from optimizer.grid.joint_factors import OperatingPoint
from optimizer.plan.tables import empty_table
from optimizer.plan.verify_network import Floats, Wires
from optimizer.plan.verify_ratings import factors
from optimizer.study.circuits import realised_periods

if TYPE_CHECKING:
    from optimizer.study.case import Case
    from optimizer.study.study import Study


T = TypeVar("T")

CONNECTED_KINDS = ("campus", "edge")
"""Kinds of site that a study builds and connects to its grid; others are rented or in orbit."""


def remembered(compute: Callable[[Context], T]) -> Callable[[Context], T]:
    """Compute something of a plan once, however many checks ask for it."""

    @wraps(compute)
    def read(context: Context) -> T:
        key = f"{compute.__module__}.{compute.__qualname__}"
        if key not in context.computed:
            context.computed[key] = compute(context)
        found: T = context.computed[key]
        return found

    return read


@dataclass(frozen=True, eq=False)
class Context:
    """A plan beside the case it was made for.

    Parameters
    ----------
    folder : Path
        The plan folder.
    prefix : str
        Path of a comparison plan inside the plan folder, empty for the plan itself.
    summary : mapping
        Content of plan.json.
    tables : mapping of str to DataFrame
        Tables as stated. Decisions are taken from them: blocks and cooling of `sites`, the ties, the upgrades, outputs.
    study : Study
        Rebuilt from the inputs.
    case : Case
        Rebuilt from the inputs; without `base_overloads`, which the plan states.
    computed : dict
        What `remembered` functions have found so far.
    """

    folder: Path
    prefix: str
    summary: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    study: Study
    case: Case
    computed: dict[str, Any] = field(default_factory=dict, repr=False)

    def networks(self, circuits: str = "circuits") -> tuple[Context, ...]:
        """One context for each network of the plan: this one, or one a period where circuits can be built.

        Parameters
        ----------
        circuits : {"circuits", "baseline_circuits"}
            Table of what is built.
        """
        if not len(self.case.circuits):
            return (self,)
        key = f"networks of {circuits}"
        if key not in self.computed:
            made = realised_periods(self.case, self.table(circuits))
            self.computed[key] = tuple(self._of_period(case) for case in made)
        found: tuple[Context, ...] = self.computed[key]
        return found

    def of_period(self, period: int) -> Context:
        """The context of the network in a period."""
        return next(one for one in self.networks() if period in one.periods)

    def _of_period(self, case: Case) -> Context:
        t = int(case.periods.index[0])
        tables = {
            name: table[(table["period"] == t).fillna(False).astype(bool)].reset_index(drop=True)
            if "period" in table.columns
            else table
            for name, table in self.tables.items()
        }
        return replace(self, tables=tables, case=case, computed={})

    def table(self, name: str) -> pd.DataFrame:
        """Return a table as stated, one without rows where the plan has none."""
        return self.tables[name] if name in self.tables else empty_table(name)

    @property
    def has_grid(self) -> bool:
        """Whether the study has a network."""
        return self.case.network is not None

    @property
    def has_demand(self) -> bool:
        """Whether the study places campuses; then there is a baseline without them."""
        return bool(len(self.case.demand_mw))

    @cached_property
    def periods(self) -> list[int]:
        """Years of decision."""
        return [int(t) for t in self.case.periods.index]

    @cached_property
    def snapshots(self) -> list[str]:
        """Operating conditions."""
        return [str(h) for h in self.case.snapshots.index]

    @cached_property
    def operating(self) -> list[tuple[int, str]]:
        """Every (period, snapshot), in order; the columns of all arrays below."""
        return [(t, h) for t in self.periods for h in self.snapshots]

    @cached_property
    def annuity_years(self) -> dict[int, float]:
        """Sum of the discount factors of each period's years [years]."""
        return {int(t): float(v) for t, v in self.case.periods["annuity_years"].items()}

    @cached_property
    def tie_of_site(self) -> dict[str, str]:
        """The tie of each built site."""
        ties = self.table("ties")
        return dict(zip(ties["site"], ties["tie"], strict=True))

    @cached_property
    def placed(self) -> pd.DataFrame:
        """Rows of `sites` with the case's figures of their site and cooling, in the table's order.

        Columns ``site, period, blocks, it_mw`` (recomputed from blocks), ``cooling``, ``tie`` and the columns of
        ``case.sites`` and ``case.cooling``.
        """
        stated = self.table("sites")[["site", "period", "blocks", "cooling"]].reset_index(drop=True)
        site = self.case.sites.loc[stated["site"]].reset_index(drop=True)
        options = pd.MultiIndex.from_frame(stated[["site", "cooling"]])
        cooling = self.case.cooling.loc[options].reset_index(drop=True)
        own = [c for c in cooling.columns if c not in site.columns]
        rows = pd.concat([stated, site, cooling[own]], axis=1)
        rows["blocks"] = rows["blocks"].astype(float)
        rows["it_mw"] = rows["blocks"] * rows["block_mw"].astype(float)
        rows["tie"] = [self.tie_of_site.get(s, "") for s in rows["site"]]
        return rows

    @cached_property
    def on_grid(self) -> np.ndarray:
        """Whether each row of `placed` is of a kind that the study connects: others draw nothing from its grid."""
        return self.placed["kind"].isin(CONNECTED_KINDS).to_numpy(bool)

    @cached_property
    def facility_mw(self) -> pd.DataFrame:
        """Facility power of each row of `placed`, columns snapshot [MW]."""
        options = pd.MultiIndex.from_frame(self.placed[["site", "cooling"]])
        pue = self.case.pue.loc[options, self.snapshots].to_numpy(float)
        return pd.DataFrame(pue * self.placed[["it_mw"]].to_numpy(float), columns=self.snapshots)

    @cached_property
    def drawn_mw(self) -> pd.DataFrame:
        """Power that each row of `placed` draws from the grid, less curtailment and own supply, by snapshot [MW]."""
        return self._used_mw.mul(self.on_grid | (not self.has_grid), axis=0)

    @cached_property
    def _used_mw(self) -> pd.DataFrame:
        """Facility power of each row of `placed`, less curtailment and own supply, by snapshot [MW]."""
        stated = self.table("service")
        if stated.empty:
            return self.facility_mw - self.own_mw
        relief = (stated["curtailed_mw"] - stated["recovered_mw"]).to_numpy(float)
        by_row = dict(zip(zip(stated["site"], stated["period"], stated["snapshot"], strict=True), relief, strict=True))
        pairs = list(self.placed[["site", "period"]].itertuples(index=False, name=None))
        taken = [[by_row.get((s, t, h), 0.0) for h in self.snapshots] for s, t in pairs]
        return self.facility_mw - self.own_mw - np.array(taken, dtype=float).reshape(len(pairs), len(self.snapshots))

    @cached_property
    def own_mw(self) -> pd.DataFrame:
        """Own supply less charging of each row of `placed`, columns snapshot, as the outputs stated make it [MW]."""
        stated, index = self.table("supply_output"), ["site", "period", "snapshot"]
        net = (stated["output_mw"] - stated["charge_mw"]).groupby([stated[key] for key in index]).sum().to_dict()
        rows = list(self.placed[["site", "period"]].itertuples(index=False, name=None))
        return pd.DataFrame({h: [net.get((s, t, h), 0.0) for s, t in rows] for h in self.snapshots}, dtype=float)

    @cached_property
    def it_mw(self) -> dict[int, float]:
        """IT load in service by period [MW]."""
        served = self.placed.groupby("period")["it_mw"].sum()
        return {t: float(served.get(t, 0.0)) for t in self.periods}

    @cached_property
    def load_mw(self) -> Floats:
        """Existing load, shape (n_bus, n_operating) [MW]."""
        return self.case.load_mw[self.operating].to_numpy(float)

    @cached_property
    def withdrawal_mw(self) -> Floats:
        """New load at each bus, shape (n_bus, n_operating) [MW]."""
        drawn = np.zeros((len(self.case.buses), len(self.operating)))
        tied = (self.placed["tie"] != "").to_numpy()
        bus = self.case.ties.loc[self.placed["tie"][tied], "bus"]
        at = self.case.buses.index.get_indexer(bus)
        for column, (t, h) in enumerate(self.operating):
            now = (self.placed["period"] == t).to_numpy()[tied]
            np.add.at(drawn[:, column], at[now], self.drawn_mw[h].to_numpy()[tied][now])
        return drawn

    def campus_mw(self, column: int) -> dict[tuple[str, int], float]:
        """What each built site draws in a period and snapshot, by site and position of its bus [MW]."""
        t, h = self.operating[column]
        drawn: dict[tuple[str, int], float] = {}
        for row, (site, period, tie) in enumerate(self.placed[["site", "period", "tie"]].itertuples(index=False)):
            if period == t and tie:
                bus = int(self.case.buses.index.get_loc(self.case.ties.at[tie, "bus"]))
                drawn[site, bus] = float(self.drawn_mw[h].iat[row])
        return drawn

    def dropped_of_campus_mw(self, column: int) -> dict[tuple[str, int], float]:
        """What any outage drops of each built site in a period and snapshot, by site and position of its bus [MW]."""
        stated, (t, h) = self.table("dropped"), self.operating[column]
        rows = stated[(stated["period"] == t) & (stated["snapshot"] == h)]
        mw = dict(zip(rows["site"], rows["dropped_mw"].astype(float), strict=True))
        return {(site, bus): mw.get(site, 0.0) for site, bus in self.campus_mw(column)}

    def once_dropped(self, plan: Context, column: int) -> tuple[Floats, OperatingPoint]:
        """How a plan runs in this system in a period and snapshot once load is dropped, and how injections change.

        Generators of an island give less in proportion to p_max x availability, as they share what an outage leaves
        over; where none takes part, nothing is dropped.

        Parameters
        ----------
        plan : Context
            This plan, or another one of the same branches.
        column : int
            Which period and snapshot.
        """
        at = plan.case.generators.index.get_indexer(self.case.generators.index)
        output, change = np.where(at >= 0, plan.output_mw[at, column], 0.0), np.zeros(len(self.case.buses))
        campuses, dropped = plan.campus_mw(column), plan.dropped_of_campus_mw(column)
        if not any(dropped.values()):
            return change, OperatingPoint(plan.flow_mw[:, column], output, campuses)
        able = self.able_mw[:, self.snapshots.index(self.operating[column][1])]
        unit_bus = self.case.buses.index.get_indexer(self.case.generators["bus"])
        for buses in self.islands:
            here, units = set(buses.tolist()), np.isin(unit_bus, buses)
            off = {key: mw for key, mw in dropped.items() if key[1] in here}
            if able[units].sum() <= 0:
                continue
            output[units] -= able[units] / able[units].sum() * sum(off.values())
            for key, mw in off.items():
                change[key[1]] += mw
                campuses[key] -= mw
        np.add.at(change, unit_bus, output - np.where(at >= 0, plan.output_mw[at, column], 0.0))
        flow = self.wires.flows(np.column_stack([change, np.zeros(len(change))]))
        return change, OperatingPoint(plan.flow_mw[:, column] + flow[:, 0] - flow[:, 1], output, campuses)

    @cached_property
    def once_dropped_points(self) -> list[tuple[Floats, OperatingPoint]]:
        """As `once_dropped`, of this plan in every period and snapshot."""
        return [self.once_dropped(self, column) for column in range(len(self.operating))]

    def point(self, column: int) -> OperatingPoint:
        """How the plan runs in a period and snapshot once load is dropped, from which flows after outages follow."""
        return self.once_dropped_points[column][1]

    def flow_after(self, branch: int, outage: int, column: int) -> float:
        """Flow of a branch after an outage, by their numbers, nan where the branch is out or lost too [MW]."""
        snapshot = self.snapshots.index(self.operating[column][1])
        return float(self.case.contingencies.after(outage, self.point(column), snapshot)[branch])

    def outputs(self, name: str, columns: list[Any]) -> Floats:
        """Outputs of a dispatch table, shape (n_generator, n_column) [MW].

        Parameters
        ----------
        name : str
            ``dispatch``, ``baseline_dispatch`` or ``overload_dispatch``.
        columns : list
            (period, snapshot), or snapshots.
        """
        table = self.table(name)
        keys = ["period", "snapshot"] if "period" in table.columns else "snapshot"
        wide = table.pivot(index="generator", columns=keys, values="output_mw")
        return wide.reindex(index=self.case.generators.index, columns=columns).to_numpy(float)

    @cached_property
    def output_mw(self) -> Floats:
        """Outputs of the plan, shape (n_generator, n_operating) [MW]."""
        return self.outputs("dispatch", self.operating)

    def at_buses(self, output_mw: Floats) -> Floats:
        """Sum outputs at each bus."""
        total = np.zeros((len(self.case.buses), output_mw.shape[1]))
        np.add.at(total, self.case.buses.index.get_indexer(self.case.generators["bus"]), output_mw)
        return total

    @cached_property
    def wires(self) -> Wires:
        """Branches in service, read from the grid's own reactances."""
        assert self.study.config.grid is not None
        return Wires.of(self.case.buses.index, self.branches, self.study.config.grid.susceptance)

    @cached_property
    def branches(self) -> pd.DataFrame:
        """Branches in service with the facts of the grid's own table, then built units, in the order of the case.

        What the table of circuits does not say is ``nan``; ratings are those of the tables, without upgrades.
        """
        assert self.study.grid is not None
        table, case = self.study.grid.branches, self.case.branches.index
        existing = case.intersection(table.index, sort=False)
        rows, new = table.loc[existing], case[len(existing) :]
        if not len(new):
            return rows
        circuits = self.study.offered_circuits
        owner: dict[str, str] = {}
        for circuit, count in circuits["max_count"].items():
            names = [circuit] if count == 1 else [f"{circuit}/{i}" for i in range(1, int(count) + 1)]
            owner |= dict.fromkeys(names, circuit)
        columns = circuits.columns.intersection(rows.columns, sort=False)
        built = circuits.loc[[owner[name] for name in new], columns].set_axis(new).assign(in_service=True)
        return pd.concat([rows, built]).rename_axis(table.index.name)

    @cached_property
    def islands(self) -> list[np.ndarray]:
        """Bus positions of each island."""
        island = self.wires.islands()
        return [np.flatnonzero(island == i) for i in np.unique(island)]

    @cached_property
    def injection_mw(self) -> Floats:
        """Generation less all load, shape (n_bus, n_operating) [MW]."""
        return self.at_buses(self.output_mw) - self.load_mw - self.withdrawal_mw

    @cached_property
    def flow_mw(self) -> Floats:
        """Flow of every branch, shape (n_branch, n_operating) [MW]."""
        return self.wires.flows(self.injection_mw)

    def added_mw(self, column: str, upgrades: pd.DataFrame) -> Floats:
        """Rating that upgrades add, shape (n_branch, n_operating) [MW].

        Parameters
        ----------
        column : {"added_mw", "added_emergency_mw"}
            Of the case's upgrades.
        upgrades : DataFrame
            ``upgrade`` and ``in_service``.
        """
        added = np.zeros((len(self.case.branches), len(self.operating)))
        for upgrade, start in zip(upgrades["upgrade"], upgrades["in_service"], strict=True):
            branch = self.case.upgrades.at[upgrade, "branch"]
            if branch not in self.case.branches.index:
                # A circuit has taken its place.
                continue
            row = self.case.branches.index.get_loc(branch)
            serving = np.array([t >= start for t, _ in self.operating])
            added[row, serving] += float(self.case.upgrades.at[upgrade, column])
        return added

    @cached_property
    def rating_factors(self) -> tuple[Floats, Floats]:
        """Factors on normal and on emergency ratings, each of shape (n_branch, n_operating) [-]."""
        at = [self.snapshots.index(h) for _, h in self.operating]
        normal, emergency = (factors(self, after_outage)[:, at] for after_outage in (False, True))
        return normal, emergency

    def rated_mw(self, upgrades: pd.DataFrame, after_outage: bool = False) -> Floats:
        """Normal or emergency rating with what upgrades add, in each snapshot, shape (n_branch, n_operating) [MW].

        Parameters
        ----------
        upgrades : DataFrame
            ``upgrade`` and ``in_service``.
        after_outage : bool
            Emergency ratings; otherwise normal ones.
        """
        column, added = ("rating_emergency_mw", "added_emergency_mw") if after_outage else ("rating_mw", "added_mw")
        rating = self.case.branches[column].to_numpy(float)[:, None] + self.added_mw(added, upgrades)
        return np.asarray(rating * self.rating_factors[after_outage])

    @cached_property
    def allowed_mw(self) -> dict[str, dict[tuple[int, int], float]]:
        """Stated base overloads by snapshot, then by (branch position, outage number; -1 for none) [MW]."""
        number = {"": -1} | {name: i for i, name in enumerate(self.case.outage_names)}
        found: dict[str, dict[tuple[int, int], float]] = {h: {} for h in self.snapshots}
        for row in self.table("base_overloads").itertuples():
            key = (int(self.case.branches.index.get_loc(row.branch)), number[row.contingency])
            found[row.snapshot][key] = float(row.overload_mw)
        return found

    def base_allowed_mw(self) -> Floats:
        """Stated base overloads without an outage, shape (n_branch, n_operating) [MW]."""
        allowed = np.zeros((len(self.case.branches), len(self.operating)))
        for column, (_, h) in enumerate(self.operating):
            for (branch, outage), mw in self.allowed_mw[h].items():
                if outage == -1:
                    allowed[branch, column] = mw
        return allowed

    @cached_property
    def normal_limit_mw(self) -> Floats:
        """Normal limit, upgrades and base overloads included, shape (n_branch, n_operating) [MW]."""
        return self.rated_mw(self.table("upgrades")) + self.base_allowed_mw()

    @cached_property
    def emergency_limit_mw(self) -> Floats:
        """Emergency limit, upgrades included, shape (n_branch, n_operating) [MW]."""
        return self.rated_mw(self.table("upgrades"), after_outage=True)

    @cached_property
    def able_mw(self) -> Floats:
        """p_max x availability of each generator, shape (n_generator, n_snapshot) [MW]."""
        able = self.case.output_max_mw[self.snapshots].to_numpy(float).copy()
        # A link holds its transfer after an outage.
        able[self.case.is_link_end] = 0.0
        return able

    @cached_property
    def share_mw(self) -> Floats:
        """p_max x availability of the generators at each bus, shape (n_bus, n_snapshot) [MW]."""
        return self.at_buses(self.able_mw)

    def summary_where(self, key: str) -> str:
        """Where a figure of plan.json is, in words."""
        return f"{self.prefix}plan.json {key}"

    @cached_property
    def load_for_islands_mw(self) -> Floats:
        """Load by which the part that an outage loses is told, shape (n_bus,) [MW]."""
        assert self.study.grid is not None
        return self.study.grid.buses["load_mw"].reindex(self.case.buses.index).to_numpy(float)

    def ptdf(self, positions: np.ndarray) -> Floats:
        """Flow of some branches for 1 MW from each bus to the case's reference of its island, (m, n_bus) [MW/MW]."""
        assert self.case.network is not None
        return self.case.network.ptdf_rows(positions)
