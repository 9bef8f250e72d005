"""Bring a dataset that is too large to be bundled into the user's data folder: once, checked, offline afterwards."""

from optimizer.fetching.dataset import Fetched, fetch_dataset
from optimizer.fetching.wheel import POWERSIMDATA, Pin, find_wheel

__all__ = ["POWERSIMDATA", "Fetched", "Pin", "fetch_dataset", "find_wheel"]
