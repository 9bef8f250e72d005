"""What ``import optimizer as gs`` gives, on a network whose plans are found by hand.

Two equal lines of 100 MW join a (a generator at 10 $/MWh) to b (one at 30 $/MWh, and 50 MW of load); 120 MW are allowed
after an outage. A campus of 100 MW costs 3 M$ a year at a and nothing at b, ties are free, one year of 8,760 h counts.

* With security 120 MW reach b. At a everything is generated at a: 150 x 10 x 8760 / 1e6 + 3 = 16.14 M$. At b 30 MW must
  be generated there: (120 x 10 + 30 x 30) x 8760 / 1e6 = 18.396 M$. The campus stands at a.
* Without security 200 MW reach b: 13.14 M$. The campus stands at b.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import plotly.graph_objects as go
import pytest

import optimizer as gs

SITES = "site,bus,block_mw,max_blocks,min_blocks,cost_musd_per_year_per_block\n"
FILES = {
    "study.toml": """\
[study]
name = "Two buses"
periods = [2030]

[grid]
source = "grid"

[demand]
it_mw = { 2030 = 100 }

[sites]
table = "sites.csv"

[economics]
discount_rate = 0.0
last_period_years = 1.0

[solve]
gap = 0.0
""",
    "sites.csv": f"{SITES}at_a,a,100,1,1,3\nat_b,b,100,1,1,0\n",
    "only_b.csv": f"{SITES}at_b,b,100,1,1,0\n",
    "grid/buses.csv": "bus,base_kv,load_mw,lat,lon\na,138,0,30,-98\nb,138,50,30,-97\n",
    "grid/branches.csv": "branch,from_bus,to_bus,x_pu,rating_mw\nl1,a,b,0.1,100\nl2,a,b,0.1,100\n",
    "grid/generators.csv": "generator,bus,p_max_mw,cost_usd_per_mwh\ncheap,a,500,10\ndear,b,500,30\n",
}


def write_study(folder: Path, **edits: str) -> Path:
    for name, text in {**FILES, **edits}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "study.toml"


def run_python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> gs.Study:
    return gs.read_study(write_study(tmp_path_factory.mktemp("study")))


@pytest.fixture(scope="module")
def plan(study: gs.Study) -> gs.Plan:
    return gs.solve(study)


# Names


def test_every_public_name_is_there_and_is_shown() -> None:
    assert dir(gs) == sorted(gs.__all__)
    public: dict[str, Any] = {name: getattr(gs, name) for name in gs.__all__}
    assert all(callable(value) for value in public.values())
    assert all(value.__doc__ for value in public.values())
    assert issubclass(gs.InputError, gs.GridsiteError)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="compare"):
        gs.compare  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import optimizer, sys; print([m for m in ('numpy', 'pandas', 'pyomo', 'plotly') if m in sys.modules])"
    assert run_python(program) == "[]"


@pytest.mark.every(3)
@pytest.mark.parametrize("first", ["import optimizer.solve.run", "from optimizer.solve import run", "optimizer.solve"])
def test_solve_is_the_function_and_the_package(first: str) -> None:
    after = "assert callable(optimizer.solve); print(optimizer.solve.run.solve_study.__name__)"
    assert run_python(f"import optimizer; {first}; {after}") == "solve_study"


# What they do


def test_security_decides_where_the_campus_stands(study: gs.Study, plan: gs.Plan) -> None:
    assert list(plan.sites["site"]) == ["at_a"]
    assert plan.summary["objective_musd"] == pytest.approx(16.14, abs=1e-5)
    unsecured = gs.solve(study.override({"security.contingencies": []}))
    assert list(unsecured.sites["site"]) == ["at_b"]
    assert unsecured.summary["objective_musd"] == pytest.approx(13.14, abs=1e-5)


def test_solving_tells_how_far_it_is(study: gs.Study) -> None:
    stages: list[str] = []
    gs.solve(study, progress=lambda stage, done=None, message="": stages.append(stage))
    assert {"baseline", "solve"} <= set(stages)


def test_a_plan_is_as_it_would_be_written(study: gs.Study, tmp_path: Path) -> None:
    """With b alone to choose, 60 MW come over each line, and 120 over the one that is left when the other is out."""
    plan = gs.solve(study.override({"sites.table": "only_b.csv"}))
    limits = {(row["element"], row["contingency"]) for row in plan.summary["binding"]}
    assert limits == {("l1", "l2"), ("l2", "l1")}
    first, second = (gs.write_plan(plan, tmp_path / name) for name in ("first", "second"))
    again = gs.read_plan(first)
    assert again.summary == plan.summary
    for table in sorted((first / "tables").iterdir()):
        assert table.read_bytes() == (second / "tables" / table.name).read_bytes(), table.name


def test_a_written_plan_holds_until_a_figure_is_changed(plan: gs.Plan, tmp_path: Path) -> None:
    folder = gs.write_plan(plan, tmp_path / "plan")
    assert gs.verify(folder) == ()
    costs = folder / "tables" / "costs.csv"
    costs.write_text(costs.read_text(encoding="utf-8").replace("13.14", "13.15"), encoding="utf-8")
    assert any("tables/costs.csv" in finding.where for finding in gs.verify(folder))


def test_sites_have_their_place(plan: gs.Plan) -> None:
    assert isinstance(plan.sites, gpd.GeoDataFrame)
    assert (plan.sites.geometry.x[0], plan.sites.geometry.y[0]) == (-98, 30)


def test_the_map_shows_the_plan_and_stays_the_same_after_reading(plan: gs.Plan, tmp_path: Path) -> None:
    figure = gs.map(plan)
    assert isinstance(figure, go.Figure)
    assert any("chosen site" in trace.name for trace in figure.data)
    assert gs.map(gs.read_plan(gs.write_plan(plan, tmp_path / "plan"))).to_json() == figure.to_json()


def test_a_plan_without_any_place_has_no_map(tmp_path: Path) -> None:
    nowhere = "bus,base_kv,load_mw\na,138,0\nb,138,50\n"
    plan = gs.solve(gs.read_study(write_study(tmp_path, **{"grid/buses.csv": nowhere})))
    with pytest.raises(gs.InputError) as refused:
        gs.map(plan)
    assert [finding.rule for finding in refused.value.findings] == ["plan.map.no_place"]


def test_errors_carry_findings(tmp_path: Path) -> None:
    with pytest.raises(gs.InputError) as refused:
        gs.read_study(write_study(tmp_path, **{"study.toml": FILES["study.toml"] + "\n[sitez]\n"}))
    (finding,) = refused.value.findings
    assert isinstance(finding, gs.Finding)
    assert "sitez" in str(finding)


def test_what_cannot_be_is_infeasible(study: gs.Study) -> None:
    with pytest.raises(gs.InfeasibleError) as impossible:
        gs.solve(study.override({"demand.it_mw": {2030: 300}}))
    assert impossible.value.findings
