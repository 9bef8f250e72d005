"""The command line: what goes to which stream, the exit codes, and what is on disk however it ends."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer

from optimizer.cli.flow import output_folder, refuse_other, solve_to_folder, staged
from optimizer.cli.outcome import ExitCode, Outcome, on_one_screen, run
from optimizer.cli.stopping import Stop
from optimizer.errors import Finding, InfeasibleError, InputError, SolverError
from optimizer.progress import shown_on, silent

VERBS = ["check", "sites", "headroom", "why", "rules", "solve", "frontier", "uncertainty", "sensitivity", "verify"]
VERBS += ["report", "schema", "data"]


@pytest.fixture
def ring(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The six-bus study, with the folder above it as the current one."""
    folder = shutil.copytree(repository / "tests" / "badinput" / "ring", tmp_path / "ring")
    monkeypatch.chdir(tmp_path)
    return Path(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# Help, schema, datasets


def test_help_names_every_verb_and_the_exit_codes(gridsite) -> None:
    result = gridsite("--help")
    assert result.exit_code == 0
    assert all(f"\n  {verb} " in result.stdout for verb in VERBS)
    assert "3 infeasible" in result.stdout


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from optimizer.cli.verbs import app; "
        "print([m for m in ('pandas', 'pyomo', 'geopandas', 'plotly', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_both_ways_to_start_are_the_same() -> None:
    done = subprocess.run([sys.executable, "-m", "optimizer.cli", "data", "list"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "facilities" in done.stdout


def test_schema_is_json(gridsite) -> None:
    schema = json.loads(gridsite("schema").stdout)
    assert schema["properties"]["study"]["$ref"].endswith("StudySettings")


def test_datasets_are_listed_and_shown(gridsite) -> None:
    listed = json.loads(gridsite("data", "list", "--json").stdout)
    assert {"facilities", "texas"} <= set(listed["datasets"])
    shown = gridsite("data", "show", "facilities")
    assert shown.exit_code == 0
    assert "archetypes.csv" in shown.stdout
    assert "licence" in shown.stdout


def test_recipes_are_shown_with_what_they_do(gridsite) -> None:
    shown = json.loads(gridsite("data", "show", "recipes", "--json").stdout)["dataset"]["recipes"]
    assert shown["fema_nfhl"]["fills"] == {"rule": "exclude", "where": "{SFHA_TF} = 'T'"}
    assert "GAP_Sts" in shown["padus"]["columns"]
    text = gridsite("data", "show", "recipes").stdout
    assert "no commercial use" in text


def test_an_unknown_dataset_gets_the_nearest_name(gridsite) -> None:
    result = gridsite("data", "show", "texsa")
    assert result.exit_code == 2
    assert "did you mean 'texas'" in result.stderr
    assert result.stdout == ""


def test_a_misspelled_verb_is_refused(gridsite) -> None:
    result = gridsite("slove", "x")
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


# Outcomes

ERROR = Finding("a.b", "file.csv, row 3", "is wrong", "7", "make it right")
WARNING = replace(ERROR, severity="warning", where="other.csv")


def ended(action: Callable[..., Outcome], **options: bool) -> int:
    with pytest.raises(typer.Exit) as caught:
        run(action, **options)
    return caught.value.exit_code


def raising(error: BaseException) -> Callable[..., Outcome]:
    def action(progress: object) -> Outcome:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError([ERROR]), 2),
        (InfeasibleError([ERROR]), 3),
        (SolverError([ERROR]), 5),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "Permission denied", "out"), 2),
        (OSError(28, "No space left on device"), 2),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_errors_end_in_their_code_with_findings(capsys, error: BaseException, code: int, as_json: bool) -> None:
    assert ended(raising(error), as_json=as_json) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if as_json:
        answer = json.loads(out)
        assert set(answer) == {"status", "findings", "files", "seconds"}
        assert len(answer["findings"]) == 1
    else:
        assert out == ""
        assert len(err.splitlines()) == 1


def test_an_error_of_the_program_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_results_are_on_stdout_and_progress_on_stderr(capsys) -> None:
    def action(progress: Callable[..., None]) -> Outcome:
        progress("read", 0.5, "tables")
        return Outcome(text="the answer", findings=(WARNING,))

    assert ended(action) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "the answer"
    assert "warning: other.csv" in out
    assert err == "read 50%: tables\n"
    assert ended(action, quiet=True) == 0
    assert capsys.readouterr().err == ""


def test_json_is_one_object_with_every_finding(capsys) -> None:
    findings = tuple(replace(ERROR, where=f"row {i}") for i in range(100))
    assert ended(lambda progress: Outcome(ExitCode.FOUND, "text", findings, ("a",)), as_json=True) == 1
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert (answer["status"], answer["files"], len(answer["findings"])) == ("found", ["a"], 100)
    assert answer["findings"][0] == findings[0].to_dict()
    assert answer["seconds"]["total"] >= 0
    assert len(err.splitlines()) <= 21


def test_numbers_that_json_does_not_have_become_null(capsys) -> None:
    odd = replace(ERROR, value=np.float64(2.5), limit=math.inf)
    assert ended(lambda progress: Outcome(findings=(odd,)), as_json=True) == 0
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["value"], finding["limit"]) == (2.5, None)


def test_findings_fit_a_screen_errors_first() -> None:
    many = [WARNING] * 5 + [replace(ERROR, where=f"row {i}") for i in range(30)]
    shown = on_one_screen(many).splitlines()
    assert len(shown) == 21
    assert shown[0].startswith("error: row 0: is wrong, found 7; make it right [a.b]")
    assert shown[-1] == "and 15 more, 10 of them errors (--json lists all)"
    assert on_one_screen([]) == ""
    assert len(on_one_screen([WARNING]).splitlines()) == 1


def test_long_findings_count_as_the_lines_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    # 4 lines each: 5 of them fill 20 lines.
    long = [replace(ERROR, message="x" * 240)] * 9
    shown = on_one_screen(long).splitlines()
    assert len(shown) == 6
    assert shown[-1].startswith("and 4 more")


def test_control_characters_of_a_file_do_not_reach_the_terminal() -> None:
    shown = on_one_screen([replace(ERROR, found="\x1b[2J\nerror: forged")])
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 1


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_a_stage_and_not_every_step() -> None:
    stream = io.StringIO()
    with shown_on(stream) as progress:
        for step in range(1000):
            progress("lp", step / 1000, "rows")
        progress("mip", None, "round 1")
    assert stream.getvalue().splitlines() == ["lp 0%: rows", "mip: round 1"]


def test_a_terminal_gets_a_bar_that_disappears() -> None:
    stream = Terminal()
    with shown_on(stream) as progress:
        progress("lp", 0.5, "[red]rows")
        progress("mip", None, "")
    assert "lp" not in stream.getvalue().splitlines()[-1]
    assert stream.getvalue() != ""


def test_quiet_shows_nothing() -> None:
    stream = Terminal()
    with shown_on(stream, quiet=True) as progress:
        progress("lp", 0.5, "rows")
    assert stream.getvalue() == ""


# Folders


@pytest.mark.parametrize(
    ("source", "expected"),
    [("examples/texas/study.toml", "texas"), ("examples/texas", "texas"), ("texas", "texas"), ("texas/", "texas")],
)
def test_the_default_folder_has_the_name_of_the_study(source: str, expected: str) -> None:
    assert output_folder(source, None) == Path("out") / expected
    assert output_folder(source, None, "-sites") == Path("out") / f"{expected}-sites"
    assert output_folder(source, Path("mine")) == Path("mine")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "plan"

    def write(name: str, error: BaseException | None = None) -> None:
        with staged(target) as place:
            place.mkdir()
            (place / name).touch()
            if error is not None:
                raise error

    for error in (OSError(), KeyboardInterrupt(), ZeroDivisionError()):
        with pytest.raises(type(error)):
            write("half", error)
        assert not (tmp_path / "deep").exists(), "no empty folder remains"
    write("first")
    assert set(contents(target)) == {"first"}
    with pytest.raises(KeyboardInterrupt):
        write("half", KeyboardInterrupt())
    assert set(contents(target)) == {"first"}
    write("second")
    assert set(contents(target)) == {"second"}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["plan"], "no hidden remains"


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with staged(tmp_path / "link") as place:
        place.mkdir()
        (place / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert set(contents(tmp_path / "real")) == {"new"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]


def test_what_is_not_a_plan_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.docx").touch()
    for name in ("file", "other", "file/plan"):
        with pytest.raises(InputError):
            refuse_other(tmp_path / name, ("plan.json",))
    (tmp_path / "empty").mkdir()
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").touch()
    for name in ("empty", "plan", "new/deep"):
        refuse_other(tmp_path / name, ("plan.json",))
    assert not (tmp_path / "new").exists()


# From study to plan and back


def test_check_says_what_it_read_and_writes_nothing(gridsite, ring: Path) -> None:
    before = contents(ring.parent)
    result = gridsite("check", "ring")
    assert result.exit_code == 0, result.output
    assert "6 buses, 7 branches, 3 generators" in result.stdout
    assert "3 sites, 3 ties" in result.stdout
    assert contents(ring.parent) == before


def test_sites_writes_candidates_and_refusals(gridsite, ring: Path) -> None:
    result = gridsite("sites", "ring/study.toml")
    assert result.exit_code == 0, result.output
    written = ring.parent / "out" / "ring-sites"
    assert set(contents(written)) == {"sites.gpkg", "sites.csv", "refused.csv", "area_lost.csv", "sites.html"}
    rows = (written / "sites.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["site", "s1", "s2", "s3"]
    import pyogrio

    assert set(pyogrio.list_layers(written / "sites.gpkg")[:, 0]) == {"candidates", "refused", "ties"}
    first = contents(written)
    assert gridsite("sites", "ring/study.toml").exit_code == 0
    assert contents(written) == first, "the same study gives the same bytes"


def test_a_plan_from_one_command_verifies_and_reports(gridsite, ring: Path) -> None:
    result = gridsite("solve", "ring/study.toml")
    assert result.exit_code == 0, result.output
    written = ring.parent / "out" / "ring"
    summary = json.loads((written / "plan.json").read_text(encoding="utf-8"))
    assert summary["status"] in ("optimal", "gap_reached")
    assert summary["n_violations"] == 0
    # At least what [demand] asks for, in whole blocks of 50 MW.
    assert summary["it_mw"]["2028"] >= 100
    assert summary["it_mw"]["2030"] >= 200
    assert {"read", "verify", "report", "total"} <= set(summary["seconds"])
    assert "2030: 200 MW" in result.stdout
    assert "no violation" in result.stdout
    assert f"{Path('out/ring/report.html')}" in result.stdout
    assert (written / "report.html").read_text(encoding="utf-8").startswith("<!")
    assert gridsite("verify", written).exit_code == 0
    report = (written / "report.html").read_bytes()
    (written / "report.html").unlink()
    assert gridsite("report", written).exit_code == 0
    assert len((written / "report.html").read_bytes()) > 0.5 * len(report)
    assert gridsite("verify", written).exit_code == 0
    assert [p.name for p in (ring.parent / "out").iterdir()] == ["ring"]


def test_solving_in_json_prints_the_plan_and_nothing_else(gridsite, ring: Path) -> None:
    result = gridsite("solve", "ring", "--json", "--out", "plan")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads((ring.parent / "plan" / "plan.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_verify_finds_an_edited_figure(gridsite, ring: Path) -> None:
    assert gridsite("solve", "ring", "--out", "plan").exit_code == 0
    table = ring.parent / "plan" / "tables" / "sites.csv"
    rows = table.read_text(encoding="utf-8").splitlines()
    position = rows[0].split(",").index("it_mw")
    cells = rows[1].split(",")
    cells[position] = str(float(cells[position]) + 50)
    table.write_text("\n".join([rows[0], ",".join(cells), *rows[2:]]) + "\n", encoding="utf-8")
    result = gridsite("verify", "plan")
    assert result.exit_code == 1
    assert "sites" in result.stdout


@pytest.mark.parametrize("verb", ["verify", "report"])
def test_a_folder_that_is_no_plan_is_refused(gridsite, tmp_path: Path, verb: str) -> None:
    result = gridsite(verb, tmp_path)
    assert result.exit_code == 2
    assert "plan.json" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status"), [(InfeasibleError([ERROR]), "infeasible"), (SolverError([ERROR]), "limit_without_plan")]
)
def test_without_a_plan_only_the_reasons_are_written(
    ring: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: str
) -> None:
    import optimizer.solve.run

    def failing(study: object, progress: object, start: object) -> None:
        raise error

    monkeypatch.setattr(optimizer.solve.run, "solve_study", failing)
    plan = solve_to_folder("ring", Path("plan"), silent)
    assert plan.summary["status"] == status
    assert set(contents(ring.parent / "plan")) == {"plan.json", "findings.json"}
    assert json.loads((ring.parent / "plan" / "findings.json").read_text())[-1]["rule"] == ERROR.rule


@pytest.mark.slow
def test_an_interrupt_late_in_the_work_leaves_the_plan_of_before(
    gridsite, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gridsite("solve", "ring", "--out", "plan").exit_code == 0
    before = contents(ring.parent)
    import optimizer.report

    def interrupted(plan: object, path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(optimizer.report, "write_report", interrupted)
    assert gridsite("solve", "ring", "--out", "plan").exit_code == 130
    assert contents(ring.parent) == before


def test_an_occupied_folder_is_refused_before_the_work(gridsite, ring: Path) -> None:
    result = gridsite("solve", "ring", "--out", "ring")
    assert result.exit_code == 2
    assert "holds something else" in result.stderr


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_an_interrupt_that_a_library_makes_an_error_is_an_interrupt(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    stop = Stop(lambda: error)
    number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM
    monkeypatch.setattr(signal, "getsignal", {number: stop}.get)

    def imports(progress: object) -> Outcome:
        try:
            stop(number, None)
        except BaseException:
            raise ImportError("initialization failed") from None
        return Outcome()

    with pytest.raises((typer.Exit, SystemExit)) as ended:
        run(imports, quiet=True)
    assert getattr(ended.value, "exit_code", getattr(ended.value, "code", None)) == code


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_from_outside_ends_with_its_code_and_leaves_nothing(ring: Path, sent: int, code: int) -> None:
    command = [sys.executable, "-m", "optimizer.cli", "solve", "ring", "--out", "plan"]
    process = subprocess.Popen(command, cwd=ring.parent, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("read")
    time.sleep(0.05)
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert not (ring.parent / "plan").exists()
    assert sorted(os.listdir(ring.parent)) == ["ring"]


@pytest.mark.slow
def test_control_c_reaches_the_solver_at_work(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "optimizer.cli", "solve", "texas", "--out", "plan"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        while not (line := process.stderr.readline()).startswith("baseline"):
            assert line, "ended before the solver was at work"
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
        assert list(tmp_path.iterdir()) == []
    finally:
        process.kill()
