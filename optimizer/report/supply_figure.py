"""Figure of supply on site: what each technology gives and storage takes through a day, against what campuses draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from optimizer.report import style
from optimizer.report.text import figure_text, words, wrapped

HEIGHT_PX = 400
GAP_H = 1.5
"""Room between days [h]."""
EACH_H = 4.0
"""Width of a snapshot that is in no day [h]."""

Day = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Place:
    """Where a snapshot is drawn: its middle and its width along the day [h], and the number of its day."""

    middle: float
    width: float
    day: int


def places(days: Sequence[Day], snapshots: Sequence[str]) -> dict[str, Place]:
    """Place of every snapshot: days one after the other in their order, then snapshots that are in none.

    Parameters
    ----------
    days : sequence of days
        Snapshots in order and the hours that each lasts.
    snapshots : sequence of str
        All that there are.
    """
    found, at = dict[str, Place](), 0.0
    ordered = {h for day in days for h, _ in day}
    loose = tuple((h, EACH_H) for h in snapshots if h not in ordered)
    for number, day in enumerate([*days, *((one,) for one in loose)]):
        for h, hours in day:
            found[h] = Place(at + hours / 2, hours, number)
            at += hours
        at += GAP_H
    return found


def supply_through_the_day(
    given_mw: pd.DataFrame, taken_mw: pd.Series, drawn_mw: pd.Series, days: Sequence[Day]
) -> go.Figure:
    """Stack what is given by technology over each snapshot, what storage takes below, and the campuses' draw over it.

    Parameters
    ----------
    given_mw : DataFrame, index snapshot, columns technology
        Output [MW].
    taken_mw : Series, index snapshot
        What storage takes [MW].
    drawn_mw : Series, index snapshot
        What the same campuses draw; empty where it is not known [MW].
    days : sequence of days
        Snapshots in order, for storage; without any each snapshot stands by itself.
    """
    at = places(days, [str(h) for h in given_mw.index])
    names = list(at)
    middle, width = [at[h].middle for h in names], [at[h].width for h in names]
    traces: list[go.Bar | go.Scatter] = []
    for i, technology in enumerate(given_mw.columns):
        traces.append(_bar(names, middle, width, given_mw[technology], words(str(technology)), i))
    if (taken_mw > 0).any():
        traces.append(_bar(names, middle, width, -taken_mw, "into storage", len(given_mw.columns), "/"))
    if len(drawn_mw):
        traces.append(_draw(names, at, drawn_mw))
    return style.figure(
        traces,
        HEIGHT_PX,
        barmode="relative",
        xaxis=style.axis(
            "operating condition", tickvals=middle, ticktext=[wrapped(words(h), 12) for h in names], showgrid=False
        ),
        yaxis=style.axis("power [MW]", tickformat=",.0f"),
    )


def _bar(
    names: list[str], middle: list[float], width: list[float], mw: pd.Series, name: str, i: int, shape: str = ""
) -> go.Bar:
    shape = shape or style.PATTERNS[i // len(style.SERIES) % len(style.PATTERNS)]
    return go.Bar(
        x=middle,
        width=width,
        y=mw.reindex(names).fillna(0.0).astype(float).tolist(),
        name=figure_text(name),
        customdata=[figure_text(words(h)) for h in names],
        marker={
            "color": style.SERIES[i % len(style.SERIES)],
            "pattern": {"shape": shape},
            "line": {"color": style.PAPER, "width": 1},
        },
        hovertemplate="%{fullData.name}, %{customdata}: %{y:,.1f} MW<extra></extra>",
    )


def _draw(names: list[str], at: dict[str, Place], drawn_mw: pd.Series) -> go.Scatter:
    """A level line over each snapshot, broken between days."""
    x: list[float | None] = []
    y: list[float | None] = []
    shown: list[str] = []
    for i, h in enumerate(names):
        if i and at[h].day != at[names[i - 1]].day:
            x, y, shown = [*x, None], [*y, None], [*shown, ""]
        half, mw = at[h].width / 2, float(drawn_mw[h])
        x, y = [*x, at[h].middle - half, at[h].middle + half], [*y, mw, mw]
        shown += [figure_text(words(h))] * 2
    return go.Scatter(
        x=x,
        y=y,
        name="what these campuses draw",
        mode="lines",
        line={"color": style.BLACK, "width": 2},
        customdata=shown,
        hovertemplate="drawn, %{customdata}: %{y:,.1f} MW<extra></extra>",
    )
