"""The options that several commands take, declared once."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

WarehouseOption = Annotated[
    str,
    typer.Option(
        "--warehouse", metavar="PATH", help="A folder or URI whose subfolders are the tables, or catalog.schema."
    ),
]


ProfileOption = Annotated[
    str, typer.Option("--profile", metavar="NAME", help="Settings: local, test, cluster, or the path of a YAML file.")
]


SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="One setting over the profile's, e.g. train.ranks=4. May be repeated."
    ),
]


JsonOption = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]


def parse_date(text: str) -> dt.date:
    """A run date as YYYY-MM-DD.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write YYYY-MM-DD.") from None


RunDateOption = Annotated[
    dt.date, typer.Option("--run-date", parser=parse_date, metavar="YYYY-MM-DD", help="The date for which the run is.")
]
