"""`catalog-cleaner`: the command line. Each command is a separate module, which spark-submit can also run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from jobs.console.command import APP_OPTIONS, Command
from jobs.lifecycle.provenance import find_program

_NAMES = (
    "demo",
    "init",
    "ingest",
    "fetch-pictures",
    "encode",
    "train",
    "nightly",
    "backfill",
    "revert",
    "corrections",
    "erase",
    "maintain",
    "report",
    "changes",
    "explain",
    "suggest",
    "thresholds",
    "runs",
    "models",
    "review",
)
"""Modules in jobs/, with _ for -. Each has a function `main`, or `app`, a group of commands."""


class _Commands(Mapping[str, Any]):
    """The commands by name. A module is imported when its command is looked up, because all together take seconds."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a command of Typer's own Click
        if name not in _NAMES:
            raise KeyError(name)
        module = import_module(f"jobs.{name.replace('-', '_')}")
        app = typer.Typer(rich_markup_mode=None)
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, cls=Command)(module.main)
        return typer.main.get_group(app).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


class _Group(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - Typer's own
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Any]", _Commands())


app = typer.Typer(
    name="catalog-cleaner",
    cls=_Group,
    no_args_is_help=True,
    **APP_OPTIONS,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(find_program())
        raise typer.Exit


@app.callback()
def catalog_cleaner(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find and correct wrong categories in a marketplace's product catalogue.

    A model classifies every listing by its text and picture. Categories that are almost certainly wrong are corrected;
    uncertain ones go to a work list for people.
    """


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
