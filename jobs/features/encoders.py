"""The encoders of a warehouse: the configured one, and the one that a model brings with it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import functions as F

from conf.settings import Settings
from jobs.features.steps.selection import HAS_PICTURE
from jobs.warehouse.fetched import picture_prefixes
from jobs.warehouse.listings import in_force
from jobs.warehouse.tables import Warehouse
from schemas.bundle import PICTURE_ENCODER_FOLDER
from schemas.errors import UsageError
from schemas.reasons import ImageStatus
from schemas.tables import FEATURES, LISTINGS
from udfs.encoders.files import weights_path
from udfs.encoders.folder import read_encoder_spec, write_encoder
from udfs.encoders.picture_encoder import local_path, read_weights
from udfs.encoders.spec import EFFICIENTNET_LITE0, VERSION, WEIGHTS_DIGEST, EncoderSpec
from udfs.picture_sizes import SIZES, make_sizes
from udfs.text_encoder import check_encoder

_SIZES = (96, 128, 160)
"""Sides of the input, in pixels. 224 is at times more accurate, but takes twice as long as 160."""
_SAMPLE = 500
"""Pictures from which the side is chosen."""


@dataclass(frozen=True)
class Encoder:
    """An encoder in a folder on the driver (`udfs.encoders.folder`), and its specification."""

    folder: Path
    spec: EncoderSpec


def bundled_encoder(bundle: str) -> Encoder:
    """The encoder in a model's bundle."""
    folder = Path(bundle) / PICTURE_ENCODER_FOLDER
    return Encoder(folder, read_encoder_spec(folder))


def refuse_wrong_encoders(settings: Settings) -> None:
    """Check the encoders that the settings name, without loading them. Call it before Spark starts.

    Raises:
        UsageError: there is no such encoder, or `picture.size` is missing.
    """
    name, size = settings.picture.encoder, settings.picture.size
    if name == EFFICIENTNET_LITE0:
        read_weights(weights_path())
    else:
        local_path(name)
        if size is None:
            raise UsageError(f"picture.size is missing: set it to the side of the input of {name}, in pixels.")
    if settings.text.encoder:
        check_encoder(settings.text.encoder)


def configured_encoder(warehouse: Warehouse, settings: Settings, listings_version: int, folder: Path) -> Encoder:
    """The encoder that the settings name, written into a folder.

    Args:
        warehouse: the tables.
        settings: sections picture and ingest, with which `refuse_wrong_encoders` is content.
        listings_version: Delta version of listings.
        folder: the encoder's new folder; replaced if it exists.

    Raises:
        UsageError: the encoder does not exist, its files are damaged, or it does not fit the size.
    """
    name, size = settings.picture.encoder, settings.picture.size
    if size is None:
        size = _stored_size(warehouse) or choose_size(_longer_sides(warehouse, settings, listings_version))
    return Encoder(folder, write_encoder(folder, name, size))


def choose_size(longer_sides: Sequence[int]) -> int:
    """The side of the default encoder's input for pictures with these longer sides, all in pixels.

    It is the smallest of 96, 128 and 160 that is at least twice the median, and 160 for large pictures: the network
    looks for details of a few pixels, so small pictures must be enlarged.
    """
    wanted = 2 * statistics.median(longer_sides) if longer_sides else _SIZES[-1]
    return next((size for size in _SIZES if size >= wanted), _SIZES[-1])


def size_of(identities: Iterable[str]) -> int | None:
    """The size of the first identity that belongs to the default encoder in this version; None if none does."""
    pattern = re.compile(rf"{EFFICIENTNET_LITE0}-v{VERSION}-(\d+)px-{WEIGHTS_DIGEST[:12]}")
    return next((int(match[1]) for each in identities if (match := pattern.fullmatch(each))), None)


def _stored_size(warehouse: Warehouse) -> int | None:
    """The size of the newest vectors of the default encoder; another size would make all vectors useless."""
    encoded = warehouse.read(FEATURES).where(F.col("image_status") == ImageStatus.OK.value)
    newest = encoded.groupBy("encoder").agg(F.max("encoded_at").alias("newest")).orderBy(F.desc("newest"))
    return size_of([row.encoder for row in newest.collect()])


def _longer_sides(warehouse: Warehouse, settings: Settings, listings_version: int) -> list[int]:
    """The longer sides of the first readable pictures; only as many files of listings are read as it takes."""
    listings = in_force(warehouse.read(LISTINGS, listings_version)).where(HAS_PICTURE).select("image", "image_uri")
    sizes = make_sizes(_SAMPLE, picture_prefixes(warehouse, settings), settings.ingest.max_image_bytes)
    return [max(row.width, row.height) for row in listings.mapInArrow(sizes, SIZES).take(_SAMPLE)]
