"""The study area of a study: cut when the grid is read, said in its findings, changed by an override."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.config import config_to_toml, load_config
from optimizer.errors import InputError
from optimizer.study.from_file import read_study

GRID = {
    "buses": "bus,base_kv,load_mw\na,345,0\nb,345,50\nc,345,30\nd,345,20\n",
    "branches": "branch,from_bus,to_bus,x_pu,rating_mw\n"
    "ab,a,b,0.1,200\nbc,b,c,0.1,200\ncd,c,d,0.1,200\nda,d,a,0.1,200\n",
    "generators": "generator,bus,p_max_mw\ng,a,300\n",
    "snapshots": "snapshot,hours\nall,8760\n",
}
STUDY = '[study]\nname = "s"\n[grid]\nsource = "grid"\narea = {{ center = "{}", hops = {} }}\n'


def written(folder: Path, centre: str, hops: int) -> Path:
    (folder / "grid").mkdir()
    for table, text in GRID.items():
        (folder / "grid" / f"{table}.csv").write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY.format(centre, hops), encoding="utf-8")
    return folder / "study.toml"


def test_a_study_of_an_area(tmp_path: Path) -> None:
    study = read_study(written(tmp_path, "a", 1))
    assert study.grid is not None
    assert study.grid.buses.index.tolist() == ["a", "b", "d"]
    assert study.grid.branches.index.tolist() == ["ab", "da", "equivalent b - d"]
    rules = [f.rule for f in study.findings if f.rule.startswith("grid.area.")]
    assert rules == ["grid.area.cut", "grid.area.boundary", "grid.area.dispatch", "grid.area.limits"]
    assert {f.where for f in study.findings if f.rule == "grid.area.cut"} == {"grid.area"}
    other = study.override({"grid.area.boundary": "interchange"})
    assert other.grid is not None
    assert other.grid.branches.index.tolist() == ["ab", "da"]
    whole = study.override({"grid.area": None})
    assert whole.grid is not None
    assert len(whole.grid.buses) == 4


def test_the_resolved_study_says_its_area(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "a", 1))
    text = config_to_toml(config)
    assert 'area = { center = "a", hops = 1, boundary = "equivalent" }' in text
    (tmp_path / "again.toml").write_text(text, encoding="utf-8")
    assert load_config(tmp_path / "again.toml") == config


def test_a_wrong_area_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "aa", 2)
    with pytest.raises(InputError, match=r"grid.area, center: no such bus or substation, found 'aa'; did you mean 'a'"):
        read_study(file)
    file.write_text(STUDY.format("c", 1).replace("1 }", '0, boundary = "wall", radius = 3 }'), encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_study(file)
    keys = sorted((f.where.split(": ")[1], f.rule) for f in error.value.findings)
    assert keys == [
        ("grid.area.boundary", "config.unknown_choice"),
        ("grid.area.hops", "config.out_of_range"),
        ("grid.area.radius", "config.unknown_key"),
    ]
