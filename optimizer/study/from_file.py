"""From a study file to a study: everything it names is read, then checked, and all findings come together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from optimizer.config import StudyConfig, fill_facility, load_config
from optimizer.errors import GridsiteError, refuse_errors
from optimizer.layers.regulation import RuleBook
from optimizer.progress import Progress, silent
from optimizer.study import checks
from optimizer.study.contingencies import list_files
from optimizer.study.outdoors import Outdoors
from optimizer.study.reading import Loaded, Reader, default_region, study_file, study_files
from optimizer.study.shared import share
from optimizer.study.study import Study


def read_study(source: str | Path, progress: Progress | None = None) -> Study:
    """Read a study and everything it names.

    Parameters
    ----------
    source : str or Path
        A study file, the folder that holds ``study.toml``, or the name of a bundled example.
    progress : Progress, optional
        Called with the stage, the part of it that is done, and a message.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        With every finding of every file.
    """
    path = study_file(source)
    show = progress or silent
    show("read", None, path.name)
    config = load_config(path)
    files = Loaded(None, study_files(path))
    return study_of(config, path.parent, {("study",): files}, show)


def study_of(
    written: StudyConfig,
    folder: Path,
    known: Mapping[tuple[str, ...], Loaded],
    show: Progress = silent,
    before: Study | None = None,
) -> Study:
    """Make a study of its file, reading what of it is not `known` yet.

    Parameters
    ----------
    written : StudyConfig
        The study file.
    folder : Path
        Folder that its paths are relative to.
    known : mapping
        What was read before, by role and name.
    show : Progress, optional
        Told what is read.
    before : Study, optional
        The study that this one changes; what is the same in both is not worked out again.

    Raises
    ------
    InputError
        With every finding of every file.
    """
    reader = Reader(folder, known)
    if ("study",) in known:
        reader.used[("study",)] = known[("study",)]
    grid = region = own = archetypes = of_sites = None
    if written.grid is not None and written.grid.source != "none":
        show("read", None, f"grid {written.grid.source}")
        grid = reader.area(written.grid)
    source = default_region(written)
    if source is not None:
        show("read", None, f"region {source}")
        region = reader.region(source)
        if written.cooling.table is not None and region is not None:
            region = reader.own_cooling(region, source, written.cooling.table)
        archetypes = of_sites = reader.archetypes() if written.demand is not None else None
    if written.demand is not None and written.sites.table is not None:
        own = reader.own(written.sites.table, written.sites.ties)
    if archetypes is None and own is not None and (own.sites["archetype"] != "").any():
        of_sites = reader.archetypes()
    parcels = None
    if written.demand is not None and written.sites.parcels is not None:
        parcels = reader.parcels(written.sites)
    layers = reader.layers(written.sites.layers if written.demand is not None else (), region)
    terrain = reader.terrain() if any(layer.settings.multipliers for layer in layers) else {}
    rules = reader.rules(written.rules) if written.demand is not None else None
    workloads = None if written.workloads is None else reader.workloads(written.workloads)
    racks = reader.racks(written.demand.racks) if written.demand is not None and written.demand.work else None
    config = written
    if archetypes is not None:
        try:
            config = fill_facility(written, archetypes)
        except GridsiteError as error:
            reader.findings += error.findings
    lists = {} if grid is None else {source: reader.outages(source) for source in list_files(written)}
    outdoors = Outdoors() if source is None or written.demand is None else reader.outdoors(written, source)
    show("read", None, "checks")
    made = Study(
        config.study.name,
        config,
        folder,
        grid,
        region,
        reader.inputs(),
        (),
        written,
        own,
        layers,
        parcels,
        reader.used,
        {source: table for source, table in lists.items() if table is not None},
        outdoors,
        terrain or {},
        RuleBook() if rules is None else rules,
        None if grid is None or written.expansion.headroom is None else reader.headroom(written.expansion.headroom),
        workloads,
        None if written.supply is None else reader.supply(written.supply),
        racks,
        of_sites or {},
    )
    if before is not None:
        share(made, before)
    unread = any(f.severity == "error" for f in reader.findings)
    findings = [*reader.findings, *checks.study_findings(made, everything_read=not unread)]
    checked = replace(made, findings=refuse_errors(findings))
    # Checks have worked out some of it.
    share(checked, made)
    return checked
