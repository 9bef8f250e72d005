"""A tiny package with the tables of the real one, and a server on this machine that hands it out, well or badly."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from optimizer.fetching import Pin

FOLDER = "powersimdata/network/usa_tamu/data/"

# Substations 10 and 11 lie on one meridian, one degree apart; rows are not in the order of their ids.
TABLES = {
    "bus": """
bus_id,type,Pd,Qd,Gs,Bs,zone_id,Vm,Va,baseKV,loss_zone,Vmax,Vmin,lam_P,interconnect
2010003,1,30.5,7.25,0,-4,201,0.99,-3.5,230,1,1.1,0.9,0,Western
2010001,3,0,0,1.5,0,201,1.01,0,230,1,1.1,0.9,0,Western
2010002,1,12,3,0,0,201,1,-1,1,1,1.1,0.9,0,Western
1,3,5,1,0,0,1,1,0,345,1,1.1,0.9,0,Eastern
2,1,6,1,0,0,1,1,0,345,1,1.1,0.9,0,Eastern
3001001,3,7,1,0,0,301,1,0,115,1,1.1,0.9,0,Texas
""",
    "bus2sub": """
bus_id,sub_id,interconnect
2010001,10,Western
2010002,10,Western
2010003,11,Western
1,1,Eastern
2,1,Eastern
3001001,20,Texas
""",
    "sub": """
sub_id,name,interconnect_sub_id,lat,lon,interconnect
10,ALPHA,1,40.0,-110.0,Western
11,BETA,2,41.0,-110.0,Western
1,ALPHA,1,40.0,-80.0,Eastern
20,GAMMA,1,31.0,-100.0,Texas
""",
    "branch": """
branch_id,from_bus_id,to_bus_id,r,x,b,rateA,rateB,rateC,ratio,angle,status,angmin,angmax,branch_device_type,interconnect
100,2010001,2010003,0.01,0.1,0.02,150.5,0,0,0,0,1,0,0,Line,Western
99,2010001,2010002,0,0.05,0,0,60,0,1.05,-12,1,-30,30,Transformer,Western
7,1,2,0,0.001,0,0,0,0,0,0,1,0,0,Line,Eastern
""",
    "plant": """
plant_id,bus_id,Qmax,Qmin,Vg,status,Pmax,Pmin,type,interconnect
9,2010001,20,-10,1.02,1,80,25,ng,Western
10,2010003,5,-5,1,0,40,0,geothermal,Western
1,1,5,-5,1,1,40,0,wind,Eastern
2,3001001,5,-5,1,1,40,0,coal,Texas
""",
    "gencost": """
plant_id,type,startup,shutdown,n,c2,c1,c0,interconnect
10,2,0,0,3,0,5,0,Western
9,2,0,0,3,0.01,20.5,300,Western
1,2,0,0,3,0,0,0,Eastern
2,2,0,0,3,0,15,0,Texas
""",
    "dcline": """
dcline_id,from_bus_id,to_bus_id,status,Pf,Pt,Pmin,Pmax,loss0,loss1,from_interconnect,to_interconnect
0,1,2010003,1,200,190,-250,250,0,0,Eastern,Western
1,2010001,2010003,1,90,90,-100,100,0.5,0.02,Western,Western
2,1,3001001,1,10,10,-10,10,0,0,Eastern,Texas
""",
    "zone": """
zone_id,zone_name,state,interconnect,time_zone
201,Far West,Nevada,Western,x
1,Maine,Maine,Eastern,x
301,South,Texas,Texas,x
""",
}

ABOUT = "powersimdata-0.5.5.dist-info"


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[..., Path]:
    """Write a wheel; tables can be replaced (text), or left out (``None``)."""

    def make(changed: Mapping[str, str | None] | None = None, name: str = "made") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        path = folder / "powersimdata-0.5.5-py3-none-any.whl"
        texts = {f"{FOLDER}{table}.csv": text for table, text in (TABLES | dict(changed or {})).items()}
        texts |= {
            f"{ABOUT}/METADATA": "Metadata-Version: 2.1\nName: powersimdata\nVersion: 0.5.5\n",
            f"{ABOUT}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{ABOUT}/RECORD": "",
            # What would show if anything of the wheel were run.
            "powersimdata/__init__.py": "raise SystemExit('run')\n",
        }
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in texts.items():
                if text is not None:
                    archive.writestr(zipfile.ZipInfo(member), text.lstrip("\n"))
        return path

    return make


@pytest.fixture
def changed_table() -> Callable[[str, str, str], dict[str, str]]:
    """A table of the tiny package with one piece of text replaced by another."""

    def change(table: str, old: str, new: str) -> dict[str, str]:
        assert old in TABLES[table]
        return {table: TABLES[table].replace(old, new, 1)}

    return change


@pytest.fixture
def pin_of() -> Callable[[Path], Pin]:
    """The pin of a wheel."""

    def pin(wheel: Path) -> Pin:
        data = wheel.read_bytes()
        return Pin("powersimdata", "0.5.5", hashlib.sha256(data).hexdigest(), len(data))

    return pin


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a data folder of its own; pip reads no configuration of the machine."""
    folder = tmp_path / "data"
    monkeypatch.setenv("GRIDSITE_DATA", str(folder))
    for name in ("GRIDSITE_WHEELS", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("optimizer.fetching.wheel.SECONDS_BETWEEN_ATTEMPTS", 0.0)
    return folder


@dataclass
class FileServer:
    """What the server hands out and how, and what it was asked for."""

    content: bytes
    address: str = ""
    has_ranges: bool = True
    status: int = 200
    bytes_before_cut: int | None = None
    cuts_left: int = 10**6
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def serve() -> Iterator[Callable[..., FileServer]]:
    """Start a server on this machine; it answers every path that ends in ``.whl`` with one content."""
    started: list[ThreadingHTTPServer] = []

    def start(content: bytes, **how: object) -> FileServer:
        files = FileServer(content, **how)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(files))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        files.address = f"http://127.0.0.1:{server.server_address[1]}"
        return files

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def handler_of(files: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.endswith(".whl"):
                page = b'<a href="/files/powersimdata-0.5.5-py3-none-any.whl">powersimdata-0.5.5-py3-none-any.whl</a>'
                self.answer(200, page, "text/html")
                return
            asked = self.headers.get("Range")
            files.asked.append(asked)
            if files.status != 200:
                self.answer(files.status, b"", "text/plain")
                return
            first = int(asked.removeprefix("bytes=").split("-")[0]) if asked and files.has_ranges else 0
            if first >= len(files.content):
                self.answer(416, b"", "text/plain")
                return
            self.answer(206 if first else 200, files.content[first:], "application/zip", first)

        def answer(self, status: int, body: bytes, kind: str, first: int = 0) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if kind == "application/zip":
                self.send_header("ETag", '"one"')
                if files.has_ranges:
                    self.send_header("Accept-Ranges", "bytes")
            if status == 206:
                last = first + len(body) - 1
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(files.content)}")
            self.end_headers()
            if kind == "application/zip" and files.bytes_before_cut is not None and files.cuts_left > 0:
                files.cuts_left -= 1
                body = body[: files.bytes_before_cut]
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
