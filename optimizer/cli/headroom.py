"""The verb `headroom`: how much load fits at each bus, written as table, layers and map in one folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.flow import refuse_other, staged
from optimizer.cli.options import JsonOption, OutOption, QuietOption
from optimizer.cli.outcome import Outcome, run
from optimizer.errors import Finding, InputError, nearest
from optimizer.progress import Progress

if TYPE_CHECKING:
    from optimizer.solve.headroom.buses import Headroom
    from optimizer.solve.headroom.case import HeadroomCase
    from optimizer.study.study import Study

FILES = ("headroom.csv", "headroom.gpkg", "headroom.html", "findings.json", "headroom.json")
PACKAGES = ("gridsite", "highspy", "numpy", "scipy", "pandas", "geopandas")
MODES = {"both": ("redispatch", "distributed"), "redispatch": ("redispatch",), "distributed": ("distributed",)}
DISPATCHES = {"least-cost": "least_cost", "given": "given"}
OVERLOADS = {"refuse": "refuse", "allow": "allow"}


def headroom(
    grid: Annotated[
        str, typer.Argument(metavar="GRID", help="A grid's file, folder or dataset, or a study.toml or its folder.")
    ],
    min_kv: Annotated[float, typer.Option("--min-kv", metavar="KV", help="Lowest voltage of a bus.")] = 100.0,
    non_firm_share: Annotated[
        float, typer.Option("--non-firm-share", metavar="SHARE", help="Share dropped after an outage, 0 to 1.")
    ] = 0.3,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="both, redispatch or distributed.")] = "both",
    snapshot: Annotated[
        list[str] | None,
        typer.Option("--snapshot", metavar="NAME", help="Only this snapshot; may be repeated.", show_default=False),
    ] = None,
    dispatch: Annotated[
        str, typer.Option("--dispatch", metavar="WHICH", help="Before the new load: least-cost, or given (p_mw).")
    ] = "least-cost",
    cutoff: Annotated[
        float,
        typer.Option("--cutoff", metavar="SHARE", help="Distributed: ignore limits that see less of the load."),
    ] = 0.0,
    area: Annotated[
        str,
        typer.Option(
            "--area", metavar="BUS:HOPS", help="Cut this area from the network first; `:interchange` fixes its border."
        ),
    ] = "",
    base_overloads: Annotated[
        str | None,
        typer.Option(
            "--base-overloads", metavar="WHAT", help="refuse or allow; a study's own by default.", show_default=False
        ),
    ] = None,
    ac: Annotated[
        int, typer.Option("--ac", metavar="COUNT", help="Check the buses with the most headroom by AC power flow.")
    ] = 0,
    ac_bus: Annotated[
        list[str] | None,
        typer.Option("--ac-bus", metavar="BUS", help="Check this bus as well; may be repeated.", show_default=False),
    ] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the largest load that fits at each bus alone, what stops it and what would raise it (out/NAME-headroom)."""

    def action(progress: Progress) -> Outcome:
        started = time.perf_counter()
        folder = out if out is not None else Path("out") / f"{_name(grid)}-headroom"
        refuse_other(folder, ("headroom.json",))
        _refuse_unknown({"--mode": (mode, MODES), "--dispatch": (dispatch, DISPATCHES)})
        if base_overloads is not None:
            _refuse_unknown({"--base-overloads": (base_overloads, OVERLOADS)})
        from optimizer.solve.headroom.buses import HeadroomSettings, find_headroom
        from optimizer.solve.headroom.case import headroom_case, headroom_study

        study = headroom_study(grid, progress, area)
        settings = HeadroomSettings(
            min_kv,
            non_firm_share,
            MODES[mode],  # type: ignore[arg-type]
            DISPATCHES[dispatch],  # type: ignore[arg-type]
            cutoff,
            base_overloads or study.config.security.base_overloads,  # type: ignore[arg-type]
            ac,
            tuple(ac_bus or ()),
        )
        problem = headroom_case(study, snapshot or ())
        found = find_headroom(problem, settings, progress)
        summary = _write(study, problem, found, folder, started, progress)
        return Outcome(
            text=_text(found, folder),
            findings=found.findings,
            files=tuple(str(folder / name) for name in (*FILES, *(["ac.csv"] if len(found.ac) else []))),
            more={**summary, "top": _records(found.table)},
        )

    run(action, as_json, quiet)


def _name(grid: str) -> str:
    path = Path(grid)
    folder = path.resolve().parent.name if path.suffix.lower() == ".toml" else path.stem
    return folder or "grid"


def _refuse_unknown(choices: dict[str, tuple[str, Iterable[str]]]) -> None:
    findings = [
        Finding("command.choice", option, "no such choice", repr(value), nearest(value, known))
        for option, (value, known) in choices.items()
        if value not in known
    ]
    if findings:
        raise InputError(findings)


def _write(
    study: Study, problem: HeadroomCase, found: Headroom, folder: Path, started: float, progress: Progress
) -> dict[str, Any]:
    """Write all files in one step; return the summary."""
    from optimizer.plan.plan import findings_to_json
    from optimizer.report.headroom import headroom_layers, write_headroom_page

    progress("write", None, "tables and map")
    at = time.perf_counter()
    with staged(folder) as staging:
        staging.mkdir()
        found.table.to_csv(staging / "headroom.csv", index=False, lineterminator="\n")
        if len(found.ac):
            found.ac.to_csv(staging / "ac.csv", index=False, lineterminator="\n")
        headroom_layers(problem.grid, found.table, staging / "headroom.gpkg")
        write_headroom_page(problem.grid, found, staging / "headroom.html")
        (staging / "findings.json").write_text(findings_to_json(found.findings), encoding="utf-8")
        now = time.perf_counter()
        seconds = {**found.summary["seconds"], "write": round(now - at, 3), "total": round(now - started, 3)}
        summary = {
            **found.summary,
            "inputs": [{"path": str(f.path), "role": f.role, "sha256": _sha256(f.path)} for f in study.inputs],
            "base_overloads": found.base_overloads.to_dict("records"),
            "versions": {name: version(name) for name in PACKAGES},
            "seconds": seconds,
        }
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (staging / "headroom.json").write_text(text, encoding="utf-8")
    return summary


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _records(table: Any, most: int = 20) -> list[dict[str, Any]]:
    """The buses with most headroom in the first mode."""
    rows = table[table["mode"] == table["mode"].iloc[0]]
    top = rows.sort_values("headroom_mw", ascending=False, kind="stable").head(most)
    return [dict(row) for row in top.astype(object).where(top.notna(), None).to_dict("records")]


def _text(found: Headroom, folder: Path) -> str:
    lines = []
    for mode, rows in found.table.groupby("mode", sort=False):
        best = rows.sort_values("headroom_mw", ascending=False, kind="stable").iloc[0]
        some = int((rows["headroom_mw"] >= 100).sum())
        lines += [
            f"{mode}: {len(rows):,} buses, half of them take {rows['headroom_mw'].median():,.0f} MW or more",
            f"  most         {best['headroom_mw']:,.0f} MW at bus {best['bus']} ({best['base_kv']:g} kV)",
            f"  100 MW       fit at {some:,} buses",
        ]
    if len(found.ac):
        good = found.ac[["voltage_low", "voltage_high", "loading", "outages_not_solved"]].sum(axis=1) == 0
        fine = int((good & found.ac["converged"].astype(bool)).sum())
        lines.append(f"AC             {fine} of {len(found.ac)} loads hold every limit; {folder / 'ac.csv'}")
    counts, seconds = found.summary["counts"], found.summary["seconds"]
    snapshots = found.summary["settings"]["snapshots"]
    lines += [
        f"outages        {counts['outages']:,} in each of the snapshots {', '.join(snapshots)}",
        f"time           {sum(seconds.values()):,.1f} s",
        f"map            {folder / 'headroom.html'}",
    ]
    return "\n".join(lines)
