"""The verbs about datasets: which there are, what they hold, and fetching those too large to be bundled."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from optimizer.cli.options import JsonOption, QuietOption
from optimizer.cli.outcome import Outcome, run
from optimizer.errors import Finding, InputError, nearest
from optimizer.progress import Progress

data = typer.Typer(help="The datasets: bundled, and fetched once.", no_args_is_help=True, rich_markup_mode=None)


@data.command("list")
def data_list(as_json: JsonOption = False) -> None:
    """List the datasets that are here, and those that can be fetched."""

    def action(progress: Progress) -> Outcome:
        from optimizer.resources import FETCHABLE, dataset_names, fetch_remedy

        names = dataset_names()
        titles = {name: str(_described(name).get("title", "")) for name in names}
        absent = {name: fetch_remedy(name) for name in FETCHABLE if name not in names}
        width = max(map(len, [*titles, *absent]), default=0)
        shown = {**titles, **{name: f"not here yet: {remedy}" for name, remedy in absent.items()}}
        text = "\n".join(f"{name:<{width}}  {said}" for name, said in shown.items())
        return Outcome(text=text, more={"datasets": titles, "to_fetch": absent})

    run(action, as_json, quiet=True)


@data.command("show")
def data_show(name: Annotated[str, typer.Argument(metavar="NAME")], as_json: JsonOption = False) -> None:
    """Show what a dataset holds, where it comes from, and its licence."""

    def action(progress: Progress) -> Outcome:
        described = json.loads(json.dumps(_described(name), default=str))
        lines = _outline(described)
        if name == "recipes":
            described["recipes"] = _recipes()
            lines += ["", *_outline({"recipes": described["recipes"]})]
        return Outcome(text="\n".join(lines), more={"dataset": described})

    run(action, as_json, quiet=True)


@data.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="western, eastern or usa.")],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Bring a larger synthetic network into your data folder, once; it needs no network afterwards."""

    def action(progress: Progress) -> Outcome:
        from optimizer.fetching import fetch_dataset
        from optimizer.resources import dataset_statement

        fetched = fetch_dataset(name, progress)
        rows = ", ".join(f"{n:,} {'DC lines' if table == 'hvdc' else table}" for table, n in fetched.rows.items())
        there = "is there already, whole" if fetched.was_there else "is there"
        lines = [
            f"{name} {there}: {rows}",
            f"  {dataset_statement(name)}",
            "  CC BY 4.0: the attribution in NOTICE.md has to travel with the data",
            f"  {fetched.folder}",
        ]
        files = tuple(str(path) for path in sorted(fetched.folder.rglob("*")) if path.is_file())
        more = {"dataset": name, "folder": str(fetched.folder), "rows": fetched.rows, "was_there": fetched.was_there}
        return Outcome(text="\n".join(lines), findings=fetched.findings, files=files, more=more)

    run(action, as_json, quiet)


def _described(name: str) -> dict[str, Any]:
    import tomllib

    from optimizer.resources import dataset_names, dataset_path, fetch_remedy

    if name not in dataset_names():
        remedy = fetch_remedy(name) or nearest(name, dataset_names())
        rule = "dataset.not_fetched" if fetch_remedy(name) else "command.unknown_dataset"
        text = "the dataset is not here yet" if fetch_remedy(name) else "no such dataset"
        raise InputError([Finding(rule, "data", text, repr(name), remedy)])
    path = dataset_path(name) / "dataset.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as failure:
        remedy = fetch_remedy(name) or "install gridsite again"
        raise InputError([Finding("command.dataset", str(path), "cannot be read", str(failure), remedy)]) from None


def _recipes() -> dict[str, Any]:
    """What a user of map layers asks of each recipe."""
    from optimizer.layers.recipes import load_recipes

    asked = ("title", "licence", "kind", "formats", "choice", "checked", "confidence", "caveats", "fills")
    return {
        name: {**recipe.model_dump(mode="json", include=set(asked)), "columns": [c.name for c in recipe.columns]}
        for name, recipe in load_recipes().items()
    }


def _outline(value: Any, indent: str = "") -> list[str]:
    """Nested tables as indented lines."""
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{indent}{key}", *_outline(item, indent + "  ")]
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            for entry in item:
                lines += ["", f"{indent}{key}", *_outline(entry, indent + "  ")]
        else:
            text = ", ".join(map(str, item)) if isinstance(item, list) else str(item)
            lines.append(f"{indent}{key}: {text}")
    return lines
