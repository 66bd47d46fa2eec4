"""Options that several commands share."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True)
class ShortFor:
    """Marks an option that is short for --set: its value becomes the value of a setting.

    Attributes:
        setting: such as `ingest.preset`.
    """

    setting: str


WarehouseOption = Annotated[
    str,
    typer.Option("--warehouse", metavar="PATH", help="Warehouse with the tables: a folder, a URI or catalog.schema."),
]


ProfileOption = Annotated[
    str, typer.Option("--profile", metavar="NAME", help="Settings profile: local, cluster, test or a YAML file.")
]


SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, e.g. train.ranks=4. Can be repeated."),
]


JsonOption = Annotated[
    bool, typer.Option("--json", is_eager=True, help="Print the summary, or the error, as one JSON object.")
]


PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="Program whose export this is: shopify, woocommerce, google-merchant or openfoodfacts. Short for "
        "--set ingest.preset=NAME.",
    ),
    ShortFor("ingest.preset"),
]


def parse_date(text: str) -> dt.date:
    """Parse a date written as YYYY-MM-DD.

    Raises:
        typer.BadParameter: it is not a date.
    """
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        date = None
    if date is None or text != date.isoformat():  # Python also accepts 20261128 and 2026-W48-6
        raise typer.BadParameter(f"{text!r} is not a date; write YYYY-MM-DD.")
    return date


def parse_time(text: str) -> dt.datetime:
    """Parse a time with its zone, such as 2026-05-04T16:00Z; returns it in UTC.

    Raises:
        typer.BadParameter: it is no such time.
    """
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise typer.BadParameter(f"{text!r} is not a time with its zone; write it as 2026-05-04T16:00Z.")
    return time.astimezone(dt.UTC)


def stored_id(text: str) -> str:
    """An id of a listing or seller as it is stored: without the spaces around it.

    A terminal may pass bytes that are not UTF-8. Spark cannot take them, and no stored id has them.
    """
    return text.strip().encode(errors="replace").decode()


ListingArgument = Annotated[
    str, typer.Argument(metavar="LISTING_ID", help="The listing's id, written as in the delivery.")
]
AcceptChangesOption = Annotated[
    bool,
    typer.Option(
        "--accept-changes",
        help="Publish even if a limit on changes is exceeded (docs/safety.md). It is recorded in the table runs.",
    ),
]


RunDateOption = Annotated[
    dt.date,
    typer.Option("--run-date", parser=parse_date, metavar="YYYY-MM-DD", help="Date to clean the catalogue for."),
]
