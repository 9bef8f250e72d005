"""The page: sections and figures through the template into one file that opens offline.

Everything a reader's browser needs is in the file: style, script, figures and their library. A content policy in the
page itself forbids it any request. The same plan gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import plotly.graph_objects as go
import plotly.io
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from optimizer.report.page import Section, SwitchedMap
from optimizer.report.reading import with_study
from optimizer.report.sections import sections_of
from optimizer.report.sections.land_page import land_sections
from optimizer.report.view import View

if TYPE_CHECKING:
    import pandas as pd

    from optimizer.plan.plan import Plan
    from optimizer.study.sites import Candidates
    from optimizer.study.study import Study


def render_report(plan: Plan) -> str:
    """Return the report of a plan as the text of one HTML page.

    Parameters
    ----------
    plan : Plan
        A plan as `optimizer.plan.plan.tidy_plan` leaves it, or as it was read from its folder; then its study is read
        again. Without a study the page says so, and shows what the tables alone can.
    """
    view = View(with_study(plan))
    return render_page(view.title, sections_of(view))


def write_report(plan: Plan, path: str | Path) -> Path:
    """Write the report of a plan as one self-contained HTML page.

    Parameters
    ----------
    plan : Plan
        As for `render_report`.
    path : path
        File to write; it appears in one step, under a temporary name until then.

    Returns
    -------
    Path
        The file.
    """
    return write_page(render_report(plan), Path(path))


def sites_map(candidates: Candidates, path: str | Path, study: Study | None = None) -> Path:
    """Write the page of candidate sites and refused land as one self-contained HTML page.

    Parameters
    ----------
    candidates, path, study
        As for `sites_page`.

    Returns
    -------
    Path
        The file.
    """
    return sites_page(candidates, None, {}, path, study)


def sites_page(
    candidates: Candidates,
    area_lost: pd.DataFrame | None,
    column_sources: Mapping[str, tuple[str, str]],
    path: str | Path,
    study: Study | None = None,
) -> Path:
    """Write candidate sites, refused land and what took it as one self-contained HTML page.

    Parameters
    ----------
    candidates : Candidates
        What to show.
    area_lost : DataFrame, optional
        Land lost by rule: ``rule``, ``alone_ha``, what it takes by itself, ``only_ha``, what no other takes [ha]; with
        the rows ``"all layers together"``, ``"all rules together"`` and ``"land of the region"``.
    column_sources : mapping of str to (str, str)
        Unit and source of columns of the sites, for their cards.
    path : path
        File to write; it appears in one step.
    study : Study, optional
        Adds counties and the network below, and the study's name.

    Returns
    -------
    Path
        The file.
    """
    title = study.config.study.name if study is not None else "Candidate sites"
    return write_page(render_page(title, land_sections(candidates, area_lost, column_sources, study)), Path(path))


def render_page(title: str, sections: list[Section]) -> str:
    """Return a page of sections as HTML that opens offline."""
    figures = [figure for section in sections for figure in section.figures()]
    switched = [figure for figure in figures if isinstance(figure, SwitchedMap)]
    template = _environment().get_template("report.html")
    return template.render(
        title=title,
        sections=sections,
        figures=[(figure.name, _json(figure.figure)) for figure in figures],
        cards=[(figure.name, _plain_json(figure.cards)) for figure in switched],
        library=Markup(get_plotlyjs()) if figures else "",
        style=_text("style.css"),
        script=_text("draw.js") + (_text("switch.js") if switched else ""),
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("optimizer.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _text(name: str) -> Markup:
    """Return a file of our own that goes into the page as it is."""
    environment = _environment()
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _json(figure: go.Figure) -> Markup:
    # plotly writes <, > and / of texts as escapes, so that no text can end the script element that holds it.
    return Markup(plotly.io.to_json(figure, validate=False, engine="json"))


def _plain_json(content: Any) -> Markup:
    # <, > and & as escapes, so that no text can end the script element that holds it.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def write_page(text: str, path: Path) -> Path:
    """Write a page under a temporary name, then give it its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
