"""Encodes the pictures of new content, piece by piece, so that a killed run keeps what it has done."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from jobs.console.wording import agree
from jobs.features.copying import copy_vectors
from jobs.features.encoders import Encoder
from jobs.features.pictures import Pictures, find_pictures
from jobs.features.steps.selection import unencoded
from jobs.features.stored import stored_features
from jobs.features.storing import store_features
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.fetched import picture_prefixes
from jobs.warehouse.listings import narrow
from jobs.warehouse.tables import Warehouse
from schemas.reasons import ImageStatus
from schemas.tables import LISTINGS
from udfs.picture_features import encode_listings

_SLOT_ROWS = 2_500
"""Pictures of a piece for each task that can run at the same time: a minute of work or less."""
_MAX_PIECES = 10
"""More pieces would read listings too often: a piece reads the pictures of all listings, and drops most of them."""


@dataclass(frozen=True)
class Encoded:
    """Numbers of pictures that have a vector or a status now.

    Attributes:
        encoded: pictures that were read.
        copied: pictures that were not read, because one with the same bytes was stored.
    """

    encoded: int
    copied: int


def encode_pictures(
    run: RunContext, encoder: Encoder, listings_version: int, chosen: DataFrame | None = None
) -> Encoded:
    """Encode the pictures that the encoder has not encoded yet, and those that could not be read the last time.

    A picture with the bytes of one that is stored gets a copy of its vector and is not read. Each piece is stored when
    it is finished. Unless the run holds the lock of the warehouse, a piece takes it.

    Args:
        run: the run.
        encoder: the encoder.
        listings_version: Delta version of listings; its listings in force are encoded.
        chosen: listing_id of the only listings to encode; None: all.

    Returns:
        How many pictures were encoded or copied; each has a vector or a status now.

    Raises:
        FailedError: another job holds the lock.
    """
    job, identity = run.job, encoder.spec.identity
    listings = narrow(job.warehouse.read(LISTINGS, listings_version))
    if chosen is not None:
        listings = listings.join(chosen.select("listing_id"), "listing_id", "left_semi")
    wanted, total, retried = _search(job.warehouse, identity, listings)
    copied = copy_vectors(run, identity, listings_version) if total else 0
    if copied:
        job.print_progress(f"copied the vectors of {copied:,} pictures that {identity} has encoded before")
        wanted, total, retried = _search(job.warehouse, identity, listings)
    if total == 0:
        return Encoded(0, copied)
    job.print_progress(f"encoding {total:,} pictures with {identity}")
    if retried:
        job.print_progress(f"trying again to read {retried:,} pictures that could not be read before")
    pictures = find_pictures(job.warehouse, wanted, listings_version)
    most = max(_SLOT_ROWS * job.spark.sparkContext.defaultParallelism, math.ceil(total / _MAX_PIECES))
    pieces = math.ceil(total / most)
    rows, done = math.ceil(total / pieces), 0
    for piece in range(pieces):
        in_piece = F.pmod(F.xxhash64("listing_id"), F.lit(pieces)) == piece
        with run.lock():
            # Read anew, because another job may have encoded some of them since.
            stored = stored_features(job.warehouse, identity)
            done += _encode_piece(run, encoder, unencoded(listings.where(in_piece), stored), pictures, rows)
        if pieces > 1:
            job.print_progress(f"encoded {done:,} of {total:,} pictures")
    _warn_of_refused(run, identity)
    return Encoded(done, copied)


def _warn_of_refused(run: RunContext, identity: str) -> None:
    """Say how many pictures this run was not allowed to read, or are to be fetched."""
    written = stored_features(run.job.warehouse, identity).where(F.col("encoded_at") == F.lit(run.job.started_at))
    counted = written.groupBy("image_status").count().collect()
    counts = {row.image_status: int(row["count"]) for row in counted}
    if unfetched := counts.get(ImageStatus.NOT_FETCHED.value):
        run.job.print_progress(
            agree(
                "{n} {picture is at an http or https address and has|pictures are at http or https addresses and have} "
                "not been fetched; `catalog-cleaner fetch-pictures` does it",
                unfetched,
            )
        )
    if refused := counts.get(ImageStatus.NOT_ALLOWED.value):
        run.job.print_progress(
            agree(
                "{n} {picture is|pictures are} outside the allowed folders and {was|were} not read. Allow {its|their} "
                "folder for every command, in a profile or with --set 'ingest.image_prefixes=[/folder]'",
                refused,
            )
        )


def _search(warehouse: Warehouse, identity: str, listings: DataFrame) -> tuple[DataFrame, int, int]:
    """The pictures to encode, as from `unencoded`, their number, and the number of those that were tried before."""
    wanted = unencoded(listings, stored_features(warehouse, identity))
    found = wanted.agg(F.count("*"), F.count_if("again")).first()
    return (wanted, int(found[0]), int(found[1])) if found is not None else (wanted, 0, 0)


def _encode_piece(run: RunContext, encoder: Encoder, wanted: DataFrame, pictures: Pictures, rows: int) -> int:
    """Encode pictures and store them; returns their number. The warehouse must be locked."""
    prefixes = picture_prefixes(run.job.warehouse, run.job.settings)
    new = encode_rows(pictures.read(wanted, rows), encoder, rows, run.job.settings, prefixes)
    return store_features(run, encoder.spec.identity, new)


def encode_rows(
    listings: DataFrame, encoder: Encoder, rows: int, settings: Settings, prefixes: tuple[str, ...]
) -> DataFrame:
    """`udfs.picture_features.encode_listings` with the limits of the settings and `picture_prefixes`."""
    return encode_listings(
        listings,
        encoder.folder,
        rows=rows,
        batch_rows=settings.picture.batch_rows,
        prefixes=prefixes,
        max_image_bytes=settings.ingest.max_image_bytes,
        max_pixels=settings.picture.max_pixels,
        blank_deviation=settings.picture.blank_deviation,
    )
