"""Where a warehouse keeps fetched pictures, and from where its jobs read pictures."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from conf.settings import Settings
from jobs.warehouse.address import Address
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import PICTURE_FETCHES
from udfs.fetched_pictures import FETCHED

_FOLDER = "_pictures"


def fetched_folder(address: Address, settings: Settings) -> str:
    """The folder of fetched pictures, a path or a URI.

    Raises:
        UsageError: the warehouse is in a catalogue, and the settings name no folder.
    """
    if settings.fetch.folder is not None:
        return settings.fetch.folder
    if address.folder is not None:
        return str(address.folder / _FOLDER)
    if address.uri is None:
        raise UsageError(
            f"{address.text} is in a catalogue, which has no folder for pictures: name one that all machines can read, "
            "for every command, such as --set fetch.folder=s3://bucket/pictures."
        )
    return f"{address.uri}/{_FOLDER}"


def is_at_server() -> Column:
    """Whether the picture of a listing is at an http or https address."""
    return F.lower(F.substring("image_uri", 1, 8)).rlike("^https?://")


def picture_prefixes(warehouse: Warehouse, settings: Settings) -> tuple[str, ...]:
    """The prefixes below which pictures may be read, for `udfs.picture_uris.read_uri`, with that of fetched ones."""
    folder = fetched_folder(warehouse.address, settings) if warehouse.exists(PICTURE_FETCHES) else ""
    return (*settings.ingest.image_prefixes, f"{FETCHED}{folder}")
