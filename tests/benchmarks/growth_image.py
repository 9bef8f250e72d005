"""A picture of what the growth benchmark measured: time and memory over the number of candidates, a line a network."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from optimizer.report import style

MARKS = (("o", style.BLUE), ("s", style.ORANGE), ("^", style.GREEN), ("D", style.PURPLE))
"""Marker and colour of each network: told apart without colour too."""

WITHOUT_PROOF = {"limit_with_plan": "time limit", "limit_without_plan": "time limit", "infeasible": "no plan"}
"""What is said of runs that did not end with a plan within the gap."""

PANELS = (
    ("seconds", "time, study to report [s]", 1200.0, "20 min"),
    ("peak_memory_mb", "memory at the most [MB]", 12_000.0, "12 GB"),
)


def draw(table: pd.DataFrame, target: Path) -> None:
    """Draw a table of measurements.

    Parameters
    ----------
    table : DataFrame
        ``network, buses, candidates, seconds, peak_memory_mb, status``.
    target : Path
        File to write; its suffix says how.
    """
    settings = {"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 10, "axes.edgecolor": style.MUTED}
    with plt.rc_context(settings):
        figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
        for axis, (column, label, limit, words) in zip(axes, PANELS, strict=True):
            _panel(axis, table, column, label)
            axis.axhline(limit, color=style.MUTED, linewidth=1, linestyle=":")
            axis.annotate(words, (1.0, limit), (-2, 3), ("axes fraction", "data"), "offset points", ha="right")
        axes[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.93))
        figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None, dpi=150)
        plt.close(figure)


def _panel(axis: Axes, table: pd.DataFrame, column: str, label: str) -> None:
    for (mark, colour), (_, found) in zip(MARKS, table.groupby("buses", sort=True), strict=False):
        found = found.sort_values("candidates")
        name = f"{found['buses'].iloc[0]:,} buses"
        axis.plot(found["candidates"], found[column], color=colour, marker=mark, label=name, linewidth=1.8)
        other = found[found["status"].isin(WITHOUT_PROOF)]
        axis.plot(other["candidates"], other[column], color=colour, marker=mark, linestyle="", markerfacecolor="white")
        for row in other.to_dict("records"):
            at, words = (row["candidates"], row[column]), WITHOUT_PROOF[row["status"]]
            axis.annotate(words, at, (6, -12), textcoords="offset points", color=colour, fontsize=9)
    axis.set(xscale="log", yscale="log", xlabel="candidate sites [count]", ylabel=label)
    ticks = sorted(table["candidates"].unique())
    axis.set_xticks(ticks)
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axis.grid(color=style.RULE, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
