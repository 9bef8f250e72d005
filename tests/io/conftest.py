"""A small grid folder and a small MATPOWER case, good as they are; tests edit them."""

from __future__ import annotations

from pathlib import Path

import pytest

TABLES = {
    "buses": "bus,base_kv,load_mw,lat,lon,zone,owner\n007,345,0,30,-97,w,x\nb,345,50,,,w,\nc,138,30,,,e,\n",
    "branches": "branch,from_bus,to_bus,x_pu,rating_mw,kind\nab,007,b,0.1,100,line\nbc,b,c,0.05,,transformer\n",
    "generators": "generator,bus,p_max_mw,in_service\ng1,007,200,1\ng2,c,10,0\n",
    "snapshots": "snapshot,hours\npeak,60\nrest,8700\n",
    "load_factors": "snapshot,zone,factor\npeak,w,1.1\npeak,e,0.3\n",
}

CASE = """function mpc = small
%% two lines, a transformer; the comment has mpc.bus = [ in it
mpc.version = '2';
mpc.baseMVA = 50;
mpc.bus = [
\t1\t3\t0\t0\t0\t-5\t1\t1.0\t0\t230\t7\t1.1\t0.9;
\t2\t1\t60, 10\t2\t0\t1\t1.0\t0\t230\t7\t1.1\t0.9;  % comma separated
\t3\t1\t40\t5\t0\t0\t1\t1.0\t0\t115\t8\t1.1\t0.9
];
mpc.gen = [
\t1\t70\t0\t50\t-50\t1.02\t100\t1\t150\t10; 3\t30\t0\t20\t-20\t1.0\t100\t0\t50\t0;
];
mpc.branch = [
\t1\t2\t0.01\t0.1\t0.02\t100\t0\t0\t0\t0\t1\t-360\t360;
\t2\t3\t0.00\t0.2\t0.00\t0\t90\t95\t0.98\t-5\t1\t-30\t20;
\t1\t2\t0.01\t0.1\t0.02\t100\t110\t120\t0\t0\t0\t0\t0;
];
mpc.gencost = [
\t2\t0\t0\t3\t0.5\t20\t100;
\t1\t0\t0\t3\t0\t0\t10\t100\t50\t900;
];
mpc.bus_name = {
\t'NORTH; 50% shared';
\t'O''BRIEN';
\t'EAST';
};
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "small"
    made.mkdir()
    for name, text in TABLES.items():
        (made / f"{name}.csv").write_text(text, encoding="utf-8")
    return made


@pytest.fixture
def case_file(tmp_path: Path) -> Path:
    made = tmp_path / "small.m"
    made.write_text(CASE, encoding="utf-8")
    return made
