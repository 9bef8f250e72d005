"""Limits of the portfolio that no choice of sites meets: each worked out by hand, and all against solving."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from optimizer.solve.loop import Limits, find_plan
from optimizer.solve.program import Clock, SecureProgram
from optimizer.study import read_study
from optimizer.study.case import Case
from optimizer.study.portfolio import Delivery
from optimizer.study.precheck import precheck
from tests.solve import infeasible as studies
from tests.solve import workload_cases
from tests.solve.small import STAR, TWO_PERIODS, study_of

BARE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100, 2032 = 200 }\n'
HEAD = TWO_PERIODS.replace("periods = [2030, 2032]", "periods = [2030, 2032]\ndecision_year = 2030")
SITES = "site,block_mw,max_blocks,kind,region\na,50,3,campus,x\nb,50,2,campus,y\ne,25,1,edge,x\n"
"""150, 100 and 25 MW, for 100 MW in 2030 and 200 MW two years later, decided at the start of 2030."""

EMBODIED = "[facility]\nbuilding_t_per_mw = 8\nit_t_per_mw = 2\nrefresh_years = 5\n"


def found(folder: Path, more: str, sites: str = SITES, text: str = BARE) -> dict[tuple[str, str], tuple[Any, Any]]:
    case = study_of(folder, text + more, {"sites": sites}, HEAD).case
    return {(f.rule.removeprefix("study.demand."), f.where[-4:]): (f.value, f.limit) for f in precheck(case)}


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # One year until the end of 2030, then two more: 40 and 120 MW.
        ("[limits]\nnew_it_mw_per_year = 40\n", {("pace", "2030"): (40, 100), ("pace", "2032"): (120, 200)}),
        ("[limits]\nnew_it_mw_per_year = 100\n", {}),
        # In 2030 at most 60 MW a site: a block of 50, another, and 25 MW. In 2032 up to 180: 150, 100 and 25.
        ("[limits]\nsite_ramp_mw_per_year = 60\n", {}),
        # 30 MW a year hold no block of 50: 25 MW at e; two years later 90 MW, or 60 more beside none: one block each.
        (
            "[limits]\nsite_ramp_mw_per_year = 30\n",
            {("site_limit", "2030"): (25, 100), ("site_limit", "2032"): (125, 200)},
        ),
        # No more than 60 MW a site: 50, 50 and 25.
        ("[limits]\nlargest_loss_mw = { site = 60 }\n", {("site_limit", "2032"): (125, 200)}),
        ("[limits]\nlargest_loss_mw = { site = 100 }\n", {}),
        # Ten tonnes a MW.
        (EMBODIED + "[limits]\nembodied_t = { 2032 = 1900 }\n", {("embodied", "2032"): (1900, 2000)}),
        (EMBODIED + "[limits]\nembodied_t = { 2032 = 2000 }\n", {}),
        # Without a, 125 MW are left of all: 0.6 of 200 MW, not 0.7.
        ('[limits]\nsurvive_loss_of = "site"\nshare_left = 0.7\n', {("loss", "2032"): (125, 140)}),
        ('[limits]\nsurvive_loss_of = "site"\nshare_left = 0.6\n', {}),
        # A price of what is not served does not stand for what must be left.
        (
            'penalty_musd_per_mw_year = 1.0\n[limits]\nsurvive_loss_of = "site"\nshare_left = 0.7\n',
            {("loss", "2032"): (125, 140)},
        ),
    ],
)
def test_by_hand(tmp_path: Path, more: str, expected: dict[tuple[str, str], tuple[float, float]]) -> None:
    assert found(tmp_path, more) == {key: pytest.approx(pair) for key, pair in expected.items()}


CHIPS = '[[limits.delivery]]\nitem = "chips"\nper_mw = 1\nkinds = ["campus"]\n'


@pytest.mark.parametrize(
    ("per_year", "expected"),
    [
        # Campuses must serve what the edge of 25 MW does not: 75 MW, then 175, of which 60 and 180 chips have arrived.
        ("{ 2030 = 60 }", {("delivery", "2030"): (60, 75)}),
        ("{ 2030 = 75, 2031 = 45 }", {("delivery", "2032"): (165, 175)}),
        # 80 chips hold a block of 50 MW with the 25 of the edge, not 100 MW: no limit alone says so.
        ("{ 2030 = 80, 2031 = 60 }", {("no_choice_of_sites", "tudy"): (None, None)}),
        ("{ 2030 = 100, 2031 = 50 }", {}),
    ],
)
def test_items_that_one_kind_of_site_takes(
    tmp_path: Path, per_year: str, expected: dict[tuple[str, str], tuple[float, float]]
) -> None:
    assert found(tmp_path, f"{CHIPS}per_year = {per_year}\n") == expected


def test_items_for_work(tmp_path: Path) -> None:
    """1,000 a kWh in 8,760 h: 876 million are 100 MW of the rack, which take 100 chips; 99 arrive."""
    racks = "rack,kw,first_year,cost_musd_per_mw,work_per_kwh\nk,40,2028,1,1000\n"
    work = BARE.replace(
        "it_mw = { 2030 = 100, 2032 = 200 }", 'work = { 2030 = 8.76e11, 2032 = 8.76e11 }\nracks = "racks.csv"'
    )
    (tmp_path / "racks.csv").write_text(racks, encoding="utf-8")
    chips = CHIPS.replace('kinds = ["campus"]\n', "storable = true\n")
    assert found(tmp_path, f"{chips}per_year = {{ 2030 = 99 }}\n", text=work) == {("delivery", "2030"): (99, 100)}
    assert found(tmp_path, f"{chips}per_year = {{ 2030 = 100 }}\n", text=work) == {}


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('survive_loss_of = "substation"\nshare_left = 0.5\n', {("loss", "2030"): (0.0, 75.0)}),
        ("largest_loss_mw = { substation = 100 }\n", {("no_choice_of_sites", "tudy"): (None, None)}),
        ("largest_loss_mw = { substation = 150 }\n", {}),
    ],
)
def test_all_sites_at_one_substation(
    tmp_path: Path, more: str, expected: dict[tuple[str, str], tuple[float, float]]
) -> None:
    """Two sites of 100 MW at bus c, and 150 MW to be served: nothing is left without c, and 150 MW are lost with it."""
    tables = {**STAR, "sites": "site,bus,block_mw,max_blocks\nr,c,50,2\ns,c,50,2\n"}
    text = BARE.replace('"none"', '"grid"').replace("{ 2030 = 100, 2032 = 200 }", "{ 2030 = 150 }")
    case = study_of(tmp_path, f"{text}[limits]\n{more}", tables, HEAD.replace("[2030, 2032]", "[2030]")).case
    assert {
        (f.rule.removeprefix("study.demand."), f.where[-4:]): (f.value, f.limit) for f in precheck(case)
    } == expected


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("scale", "loss", "value"),
    [(11, "", 0.0), (10, "", None), (10, "[limits]\nlargest_loss_mw = { site = 10 }\n", 10.0)],
)
def test_contiguous_scale(tmp_path: Path, scale: float, loss: str, value: float | None) -> None:
    """12 MW of training on a site of 10 and one of 20 MW: 11 MW fit at the larger, not at two of 10.

    No site of 10 holds 11; where each draws at most 10 MW, only one of them is allowed to serve, and holds 10 of 12.
    """
    kind = f'[[workloads.kind]]\nname = "train"\nmin_site_mw = {scale}\n'
    most = 1 if scale == 11 else 2
    sites = f"site,block_mw,max_blocks,kind\nnear,10,{most},campus\nfar,10,{most},edge\n"
    kinds = "" if scale == 11 else 'kinds = ["campus"]\n'
    written = workload_cases.write_study(
        tmp_path,
        study=workload_cases.STUDY + kind + kinds + loss,
        sites=sites,
        demand="region,workload,it_mw\nr,train,12\n",
    )
    shortfalls = {f.rule: (f.value, f.limit) for f in precheck(read_study(written).case)}
    assert shortfalls == ({} if value is None else {"study.demand.scale": (value, 12.0)})


# A pre-check refuses nothing that has a plan


def has_plan(case: Case) -> bool:
    found = find_plan(SecureProgram(case, 1, 0, Clock(), lambda line: None), Limits(0.5, 200), abs)
    assert found.status != "limit_without_plan"
    return found.status != "infeasible"


def drawn(case: Case, r: random.Random, kind: str) -> Case:
    """The case with limits drawn at random, tight in some draws and loose in others; `kind` of what may be lost."""

    def maybe(*values: Any) -> Any:
        return r.choice(values) if r.random() < 0.16 else None

    years = [int(t) for t in case.periods.index]
    loss, left = maybe(0.2, 0.4, 0.6, 0.8), maybe(60.0, 110.0, 160.0)
    embodied, share = maybe(900.0, 1600.0, 2400.0), maybe(0.35, 0.5, 0.7)
    takes = tuple(s for s in case.sites.index if r.random() < 0.7)
    item = Delivery(
        "chips",
        {t: float(r.choice([40, 90, 130])) for t in years},
        *r.choice([(1.0, 0.0, 0.0), (0.0, 45.0, 0.0), (0.5, 0.0, 30.0)]),
        r.random() < 0.5,
        takes,
    )
    portfolio = replace(
        case.portfolio,
        survive_loss_of=kind if loss else "",
        share_left=loss or 0.0,
        largest_loss_mw={kind: left} if left else {},
        new_it_mw_per_year=maybe(30.0, 60.0, 90.0),
        embodied_t={years[-1]: embodied} if embodied else {},
        facility={"building_t_per_mw": 8.0, "it_t_per_mw": 2.0},
        share_per={"group": share} if share else {},
        labels=pd.DataFrame({"group": [r.choice(["p", "q", ""]) for _ in case.sites.index]}, index=case.sites.index),
        deliveries=(item,) if r.random() < 0.2 else (),
    )
    limits = replace(case.limits, site_ramp_mw_per_year=maybe(20.0, 50.0, 80.0), share_per_county=maybe(0.4, 0.6))
    sites = case.sites.assign(min_blocks=[r.choice([0, 0, 0, 2]) for _ in case.sites.index])
    return replace(case, sites=sites, limits=limits, portfolio=portfolio)


@pytest.fixture(scope="module")
def without_grid(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return study_of(tmp_path_factory.mktemp("bare"), studies.OWN_STUDY, studies.OWN, TWO_PERIODS).case


@pytest.fixture(scope="module")
def with_grid(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """100 and 150 MW over lines that carry both sites of b, or all of c."""
    sites = "site,bus,block_mw,max_blocks,county\nb1,b,50,2,A\nb2,b,50,2,B\nc1,c,50,3,A\n"
    text = BARE.replace('"none"', '"grid"').replace("2032 = 200", "2032 = 150") + "[security]\ncontingencies = []\n"
    return study_of(tmp_path_factory.mktemp("grid"), text, {**STAR, "sites": sites}, TWO_PERIODS).case


@pytest.fixture(scope="module")
def with_workloads(tmp_path_factory: pytest.TempPathFactory) -> Case:
    text = workload_cases.STUDY.replace("[2030]", "[2030, 2032]").replace("annuitize = false\n", "")
    text += '[[workloads.kind]]\nname = "train"\nmin_site_mw = 40\nkinds = ["campus"]\n'
    sites = "site,block_mw,max_blocks,kind\ns1,50,3,campus\ns2,50,2,campus\ns3,25,4,edge\n"
    demand = "region,workload,it_mw\nwest,chat,80\neast,train,120\n"
    folder = workload_cases.write_study(tmp_path_factory.mktemp("work"), study=text, sites=sites, demand=demand)
    return read_study(folder).case


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("base", "kind"), [("without_grid", "site"), ("with_grid", "substation"), ("with_workloads", "site")]
)
def test_nothing_is_refused_that_has_a_plan(base: str, kind: str, request: pytest.FixtureRequest) -> None:
    """Of 12 draws each those refused are infeasible, and those that are infeasible are refused."""
    case, r = request.getfixturevalue(base), random.Random(7)
    refused, missed, rules = 0, 0, set[str]()
    for _ in range(12):
        one = drawn(case, r, kind)
        reasons = precheck(one)
        rules |= {f.rule for f in reasons}
        plan = has_plan(one)
        assert not (reasons and plan), [str(f) for f in reasons]
        refused += bool(reasons)
        missed += not reasons and not plan
    assert 3 <= refused <= 9, "draws say something only if some have a plan and some have none"
    assert missed == 0, "here flows do not matter, so that sites alone decide"
    assert len(rules) >= 2
