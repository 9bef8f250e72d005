"""A grid by the name of its dataset, bundled or fetched."""

from __future__ import annotations

from pathlib import Path

from optimizer.io.reading import refuse
from optimizer.resources import dataset_names, dataset_path, fetch_remedy


def grid_path(source: str | Path) -> Path:
    """Where a grid is: a path as it is, or the grid of the dataset of that name where no such path exists.

    Parameters
    ----------
    source : str or Path
        File, folder, or name of a dataset.

    Raises
    ------
    InputError
        It is the name of a dataset that has to be fetched first.
    """
    path, name = Path(source), str(source)
    if path.exists():
        return path
    if name in dataset_names():
        folder = dataset_path(name)
        return folder / "grid" if (folder / "grid").is_dir() else folder
    if fetch_remedy(name):
        raise refuse("dataset.not_fetched", name, "the dataset is not here yet", "", fetch_remedy(name))
    return path
