"""What headroom is computed from: a network with its limits, generators, load and outages, snapshot by snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.config import GridSettings, StudyConfig, StudySettings
from optimizer.errors import Finding, InputError, nearest, refuse_errors
from optimizer.grid.area import area_of
from optimizer.grid.contingency import OutageFactors
from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint import JointSet
from optimizer.grid.network import Grid
from optimizer.progress import Progress, silent
from optimizer.resources import dataset_names, dataset_path
from optimizer.study.branches import upgrade_table
from optimizer.study.case import Case
from optimizer.study.costs import Costs
from optimizer.study.from_file import read_study
from optimizer.study.operation import operate
from optimizer.study.reading import STUDY_FILE, Reader
from optimizer.study.region import read_region
from optimizer.study.study import Study

COST_REGION = "texas"
"""Dataset whose cited cost per km prices reconductoring where the grid comes without a region."""


@dataclass(frozen=True, eq=False)
class HeadroomCase:
    """A network and how it may be operated, in arrays; bus and branch order are those of `network`.

    Parameters
    ----------
    case : Case
        The existing system without new load.
    grid : Grid
        Where its buses are, and what they are called.
    snapshots : tuple of str
        Operating conditions looked at.
    load_mw : float array, shape (n_bus, n_snapshot)
        Existing load, shunts and scheduled HVDC transfers included [MW].
    low_mw, high_mw : float array, shape (n_branch, n_snapshot)
        Limits of flow with everything in service: normal rating, angle limits, allowances [MW].
    emergency_mw : float array, shape (n_branch, n_snapshot)
        Limit of flow after an outage [MW].
    extra_mw : tuple of mapping of (branch position, outage number) to float, one a snapshot
        Allowances after outages [MW].
    upgrades : DataFrame, index ``upgrade``
        ``branch``, ``added_mw``, ``added_emergency_mw`` [MW], ``cost_musd`` [M$, nan where unknown].
    base_overloads : DataFrame
        Allowances by ``branch, contingency, snapshot, overload_mw``.
    findings : tuple of Finding
        Warnings and notes.
    """

    case: Case
    grid: Grid
    snapshots: tuple[str, ...]
    load_mw: np.ndarray
    low_mw: np.ndarray
    high_mw: np.ndarray
    emergency_mw: np.ndarray
    extra_mw: tuple[dict[tuple[int, int], float], ...]
    upgrades: pd.DataFrame
    base_overloads: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    @property
    def network(self) -> DCNetwork:
        """The factorized network."""
        return self.case.grid_network

    @cached_property
    def factors(self) -> OutageFactors | None:
        """Flows after outages; ``None`` where no outage has to be survived."""
        return None if self.case.outages is None or not len(self.case.outages) else self.case.outage_factors

    @cached_property
    def generator_bus(self) -> np.ndarray:
        """Bus position of each generator, shape (n_generator,)."""
        return self.network.bus_ids.get_indexer(pd.Index(self.case.generators["bus"]))

    def output_limits(self, snapshot: int) -> tuple[np.ndarray, np.ndarray]:
        """Return least and largest output of each generator in a snapshot, shape (n_generator,) [MW]."""
        h = self.snapshots[snapshot]
        return self.case.output_min_mw[h].to_numpy(float), self.case.output_max_mw[h].to_numpy(float)

    def added_mw(self, snapshot: int, branch: int, added_mw: float, added_emergency_mw: float) -> tuple[float, float]:
        """Return what an upgrade adds to the limits of a branch in a snapshot, before and after an outage [MW]."""
        if self.case.rating_factors is None:
            return added_mw, added_emergency_mw
        h = self.snapshots[snapshot]
        factors = (float(np.asarray(self.case.rating_factor(h, after))[branch]) for after in (False, True))
        before, after = factors
        return before * added_mw, after * added_emergency_mw

    @cached_property
    def participation(self) -> np.ndarray:
        """Share of each bus in picking up load of its island: p_max x availability, shape (n_bus, n_snapshot) [-]."""
        network = self.network
        weight = np.zeros((network.n_bus, len(self.snapshots)))
        for h in range(len(self.snapshots)):
            np.add.at(weight[:, h], self.generator_bus, self.output_limits(h)[1])
        total = np.zeros((len(network.reference), weight.shape[1]))
        np.add.at(total, network.island, weight)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(total[network.island] > 0, weight / total[network.island], 0.0)

    @cached_property
    def cut_off_by(self) -> np.ndarray:
        """Number of the outage that cuts a bus off with the fewest others; -1 where none does, shape (n_bus,)."""
        found = np.full(self.network.n_bus, -1, dtype=np.intp)
        if self.factors is None:
            return found
        outages = self.factors.outages
        # Wide cuts first, so that the narrowest is what stays.
        for number in sorted(np.flatnonzero(outages.splits).tolist(), key=lambda k: (-len(outages.lost_buses[k]), -k)):
            found[outages.lost_buses[number]] = number
        return found

    @cached_property
    def upgrades_at(self) -> dict[int, list[tuple[str, float, float, float]]]:
        """Upgrades of each branch position: name, rating and emergency rating added [MW], cost [M$]."""
        found: dict[int, list[tuple[str, float, float, float]]] = {}
        position = self.network.branch_ids.get_indexer(pd.Index(self.upgrades["branch"]))
        columns = self.upgrades[["added_mw", "added_emergency_mw", "cost_musd"]]
        for at, (name, added, emergency, cost) in zip(position.tolist(), columns.itertuples(name=None), strict=True):
            found.setdefault(at, []).append((str(name), float(added), float(emergency), float(cost)))
        return found

    def chosen_buses(self, min_kv: float) -> np.ndarray:
        """Return the positions of the buses at or above a voltage.

        Raises
        ------
        InputError
            There are none.
        """
        kv = self.grid.buses["base_kv"].to_numpy(float)
        chosen = np.flatnonzero(kv >= min_kv)
        if not len(chosen):
            remedy = f"give at most {kv.max(initial=0.0):g}, the highest voltage of the grid"
            text = "no bus has this voltage or more"
            raise InputError([Finding("headroom.min_kv", "--min-kv", text, f"{min_kv:g} kV", remedy)])
        return chosen


def headroom_study(source: str, progress: Progress = silent, area: str = "") -> Study:
    """Return the study whose existing system is looked at.

    Parameters
    ----------
    source : str
        A study file or its folder; else a dataset, a file or a folder of a grid, which stands for a study of that grid
        with every default: all snapshots, N-1 of every branch, emergency ratings of 1.2 times normal where not given.
    progress : Progress
        Told what is read.
    area : str
        ``CENTRE:HOPS`` or ``CENTRE:HOPS:BOUNDARY`` to cut from the network first (`optimizer.grid.area.area_of`).

    Returns
    -------
    Study
        Without demand, so that no site is looked for.

    Raises
    ------
    InputError
        With every finding of what was read.
    """
    path = Path(source)
    if path.suffix.lower() == ".toml" or (path.is_dir() and (path / STUDY_FILE).is_file()):
        study = read_study(path, progress)
        return _cut(replace(study, config=study.config.model_copy(update={"demand": None}), own=None), area)
    if source not in dataset_names() and not path.exists():
        text = "neither a study, a bundled dataset, nor a file or folder that exists"
        remedy = f"give a path, or a dataset; {nearest(source, dataset_names())}"
        raise InputError([Finding("headroom.source", "GRID", text, repr(source), remedy)])
    progress("read", None, source)
    reader = Reader(Path(), {})
    grid = reader.grid(source)
    has_region = source in dataset_names() and (dataset_path(source) / "counties.geojson").is_file()
    region = reader.region(source) if has_region else None
    config = StudyConfig(study=StudySettings(name=path.stem or source), grid=GridSettings(source=source))
    findings = refuse_errors(reader.findings)
    return _cut(Study(config.study.name, config, Path(), grid, region, reader.inputs(), findings, config), area)


def _cut(study: Study, area: str) -> Study:
    if not area or study.grid is None or study.config.grid is None:
        return study
    cut = area_of(study.grid, area, study.config.grid.susceptance)
    return replace(study, grid=cut.grid, findings=(*study.findings, *cut.findings))


def headroom_case(study: Study, snapshots: Sequence[str] = ()) -> HeadroomCase:
    """Put the numbers of a study's existing system together.

    Parameters
    ----------
    study : Study
        Its grid, snapshots, security settings and upgrades; load is that of its first period.
    snapshots : sequence of str
        Snapshots to look at; all by default.

    Raises
    ------
    InputError
        There is no grid, or a snapshot is unknown.
    """
    grid = study.grid
    if grid is None:
        text = "the study has no grid, and headroom is a question about one"
        raise InputError([Finding("headroom.no_grid", "grid.source", text, "", "name a grid in grid.source")])
    if study.config.dispatch.hvdc != "scheduled":
        # Headroom moves generators, not links.
        held = study.config.dispatch.model_copy(update={"hvdc": "scheduled"})
        study = replace(study, config=study.config.model_copy(update={"dispatch": held}))
    noted = refuse_errors(operate(study.config, grid)[1])
    known = [str(h) for h in study.operation.snapshots.index]
    findings = [
        Finding("headroom.snapshot", "--snapshot", "no such snapshot", repr(name), nearest(name, known))
        for name in snapshots
        if name not in known
    ]
    refuse_errors(findings)
    chosen = tuple(h for h in known if h in snapshots) if snapshots else tuple(known)
    case = _chosen_snapshots(study.case, chosen)
    low, high = _base_limits(case, chosen)
    emergency = case.branches["rating_emergency_mw"].to_numpy(float)
    upgrades, more = _upgrades(study)
    return HeadroomCase(
        case=case,
        grid=grid,
        snapshots=chosen,
        load_mw=case.load_mw.to_numpy(float),
        low_mw=low,
        high_mw=high,
        emergency_mw=np.column_stack([emergency * case.rating_factor(h, after_outage=True) for h in chosen]),
        extra_mw=tuple({} for _ in chosen),
        upgrades=upgrades,
        base_overloads=case.base_overloads,
        findings=(*dict.fromkeys((*study.findings, *noted)), *more, *_other_outages(study.case)),
    )


def with_overloads(problem: HeadroomCase, table: pd.DataFrame) -> HeadroomCase:
    """Return the case with each limit raised by the overload that the existing system cannot avoid.

    Parameters
    ----------
    problem : HeadroomCase
        The case.
    table : DataFrame
        ``branch, contingency`` (empty text before any outage)``, snapshot, overload_mw``.
    """
    low, high = problem.low_mw.copy(), problem.high_mw.copy()
    extra = tuple(dict(e) for e in problem.extra_mw)
    position = problem.network.branch_ids.get_indexer(pd.Index(table["branch"]))
    number = {} if problem.case.outages is None else {n: i for i, n in enumerate(problem.case.outages.names)}
    for l, outage, h, mw in zip(position, table["contingency"], table["snapshot"], table["overload_mw"], strict=True):
        at = problem.snapshots.index(h)
        if outage:
            key = int(l), number[outage]
            extra[at][key] = extra[at].get(key, 0.0) + float(mw)
        else:
            low[l, at] -= float(mw)
            high[l, at] += float(mw)
    parts = [part for part in (problem.base_overloads, table) if len(part)]
    both = pd.concat(parts, ignore_index=True) if parts else table
    return replace(problem, low_mw=low, high_mw=high, extra_mw=extra, base_overloads=both)


def _chosen_snapshots(case: Case, snapshots: tuple[str, ...]) -> Case:
    """The case of some snapshots, at first-period load."""
    first = case.periods.iloc[:1]
    rows = list(snapshots)
    return replace(
        case,
        periods=first,
        snapshots=case.snapshots.loc[rows],
        load_mw=case.load_mw[[(first.index[0], h) for h in snapshots]],
        output_min_mw=case.output_min_mw[rows],
        output_max_mw=case.output_max_mw[rows],
        upgrades=case.upgrades.iloc[:0],
        joint=JointSet(),
    )


def _other_outages(case: Case) -> list[Finding]:
    """Outages that are asked for and not looked at."""
    if not len(case.joint):
        return []
    text = "headroom is for outages of single branches; those of other kinds are left out"
    found = f"{len(case.joint)} outages"
    return [Finding("headroom.outages", "security.contingencies", text, found, "check them with a plan", "warning")]


def _base_limits(case: Case, snapshots: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    given = case.branches["rating_mw"].to_numpy(float)
    rating = np.column_stack([given * case.rating_factor(h) for h in snapshots])
    return (
        np.maximum(-rating, case.branches["flow_min_mw"].to_numpy(float)[:, None]),
        np.minimum(rating, case.branches["flow_max_mw"].to_numpy(float)[:, None]),
    )


def _upgrades(study: Study) -> tuple[pd.DataFrame, list[Finding]]:
    """Upgrades on offer; where no region prices reconductoring, the costs per km of `COST_REGION` do."""
    columns = ["branch", "added_mw", "added_emergency_mw", "cost_musd"]
    findings: list[Finding] = []
    if study.costs is not None or not study.config.upgrades.enabled or study.grid is None:
        return study.upgrades[columns], findings
    costs = Costs(read_region(dataset_path(COST_REGION)).facts)
    table = upgrade_table(study.grid, study.branches, study.config, costs, study.yearly_factor)[columns]
    text = f"the grid names no costs of lines: reconductoring is priced per km as in the dataset {COST_REGION}"
    findings.append(Finding("headroom.cost_region", "upgrades", text, "", "give the region in a study", "info"))
    unpriced = _without_length(study)
    if len(unpriced) and not len(study.grid.upgrades):
        table = pd.concat([table, unpriced[columns]])
        text = "lines without a length can be reconductored, at a cost that is not known"
        remedy = "give length_km in the table of branches"
        found = f"{len(unpriced)} lines"
        findings.append(Finding("headroom.no_length", "branches, length_km", text, found, remedy, "warning"))
    return table, findings


def _without_length(study: Study) -> pd.DataFrame:
    """Lines that could be reconductored if their length were known, at no known cost."""
    settings, branches = study.config.upgrades, study.branches
    finite = np.isfinite(branches["rating_mw"]) & (branches["rating_mw"] > 0)
    chosen = (branches["kind"] == "line") & finite & branches["length_km"].isna()
    lines = branches[chosen & (branches["base_kv"] >= settings.min_kv)]
    if settings.max_length_km is not None:
        lines = lines.iloc[:0]
    added = settings.added_share * lines["rating_mw"].to_numpy(float)
    names = pd.Index([f"reconductor {branch}" for branch in lines.index], name="upgrade")
    table = {
        "branch": lines.index.to_numpy(),
        "added_mw": added,
        "added_emergency_mw": study.config.security.emergency_factor * added,
        "cost_musd": np.full(len(lines), np.nan),
    }
    return pd.DataFrame(table, index=names)
