"""Where the bundled datasets and examples are.

Both are folders of the repository, beside the package. The wheel carries them inside the package, since nothing else
of the repository is installed.
"""

import tomllib
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def dataset_names() -> tuple[str, ...]:
    """Names of the bundled datasets, in alphabetical order."""
    return tuple(_folders("datasets"))


def dataset_path(name: str) -> Path:
    """Folder of a bundled dataset: its ``dataset.toml`` and the files that it describes.

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
        No dataset of that name is bundled. The message lists those that are.
    """
    return _folder("datasets", name)


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
    """What a bundled dataset says of itself in one sentence, such as that its network is synthetic.

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
