"""Where the datasets and examples are: those bundled with the package, and those fetched into the user's data folder.

Bundled ones are folders of the repository, beside the package. The wheel carries them inside the package, since nothing
else of the repository is installed.
"""

import os
import tomllib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

FETCHABLE = {
    "western": "10,024 buses",
    "eastern": "70,047 buses",
    "usa": "82,071 buses: eastern, western and Texas, joined by DC lines",
}
"""Datasets too large to be bundled, which ``gridsite data fetch`` brings, and their size."""


def data_folder() -> Path:
    """Folder of the user that fetched datasets are in, which need not exist.

    Returns
    -------
    pathlib.Path
        ``GRIDSITE_DATA``, else ``gridsite`` in ``XDG_DATA_HOME``, else in ``~/.local/share`` (XDG Base Directory
        Specification 0.8; a relative ``XDG_DATA_HOME`` is ignored, as it says).

    Raises
    ------
    LookupError
        No variable names a folder and the user has no home.
    """
    named = os.environ.get("GRIDSITE_DATA", "")
    if named:
        return Path(os.path.abspath(os.path.expanduser(named)))
    shared = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(shared):
        return Path(shared) / "gridsite"
    try:
        return Path.home() / ".local" / "share" / "gridsite"
    except RuntimeError:
        raise LookupError("no folder for data: name one in GRIDSITE_DATA") from None


def dataset_names() -> tuple[str, ...]:
    """Names of the datasets that are here, bundled or fetched, in alphabetical order."""
    return tuple(sorted({**_fetched(), **_folders("datasets")}))


def dataset_path(name: str) -> Path:
    """Folder of a dataset: its ``dataset.toml`` and the files that it describes. Bundled ones come first.

    Parameters
    ----------
    name : str
        Name of the dataset, one of `dataset_names`. A path is not a name: ``texas/grid`` is refused.

    Returns
    -------
    pathlib.Path
        Absolute path of the folder.

    Raises
    ------
    LookupError
        No dataset of that name is here. The message lists those that are, or says how to fetch it.
    """
    folders = {**_fetched(), **_folders("datasets")}
    if name in folders:
        return folders[name]
    if name in FETCHABLE:
        raise LookupError(f"dataset {name!r} is not here yet: {fetch_remedy(name)}")
    return _folder("datasets", name)


def fetch_remedy(name: str) -> str:
    """What to do about a dataset that is not here but can be fetched; empty for any other name."""
    return f"run `gridsite data fetch {name}` once ({FETCHABLE[name]})" if name in FETCHABLE else ""


def _fetched() -> dict[str, Path]:
    try:
        root = data_folder()
    except LookupError:
        return {}
    return {name: root / name for name in FETCHABLE if (root / name / "dataset.toml").is_file()}


def example_names() -> tuple[str, ...]:
    """Names of the bundled examples, in alphabetical order."""
    return tuple(_folders("examples"))


def example_path(name: str) -> Path:
    """Folder of a bundled example: its ``study.toml`` and the files that this reads.

    Parameters
    ----------
    name : str
        Name of the example, one of `example_names`.

    Returns
    -------
    pathlib.Path
        Absolute path of the folder.

    Raises
    ------
    LookupError
        No example of that name is bundled. The message lists those that are.
    """
    return _folder("examples", name)


def _folder(kind: str, name: str) -> Path:
    folders = _folders(kind)
    if name not in folders:
        known = ", ".join(folders) or "none"
        raise LookupError(f"{name!r} is not one of the bundled {kind}: {known}")
    return folders[name]


def _folders(kind: str) -> dict[str, Path]:
    root = _PACKAGE / kind
    # Beside an installed package lies whatever else is installed: look there only in a checkout.
    if not root.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file():
        root = _PACKAGE.parent / kind
    if not root.is_dir():
        return {}
    found = sorted(folder for folder in root.iterdir() if folder.is_dir() and folder.name[0] not in "._")
    return {folder.name: folder for folder in found}


def dataset_statement(name: str) -> str:
    """What a dataset says of itself in one sentence, such as that its network is synthetic.

    Parameters
    ----------
    name : str
        Name of the dataset.

    Returns
    -------
    str
        The ``statement`` of its ``dataset.toml``; empty if it has none.
    """
    described = tomllib.loads((dataset_path(name) / "dataset.toml").read_text(encoding="utf-8"))
    return str(described.get("statement", ""))
