"""Encodes the pictures of new content, piece by piece, so that a killed run keeps what it has done."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.features.encoders import Encoder
from jobs.features.pictures import Pictures, find_pictures
from jobs.features.steps.selection import unencoded
from jobs.features.stored import stored_features
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.listings import narrow
from schemas.tables import FEATURES, LISTINGS
from udfs.picture_features import encode_listings

_SLOT_ROWS = 2_500
"""Pictures of a piece for each task that can run at the same time: a minute of work or less."""
_MAX_PIECES = 10
"""More pieces would read listings too often: a piece reads the pictures of all listings, and drops most of them."""


def encode_pictures(run: RunContext, encoder: Encoder, listings_version: int) -> int:
    """Encode the pictures that the encoder has not encoded yet, and those that could not be read the last time.

    Each piece is stored when it is finished. Unless the run holds the lock of the warehouse, a piece takes it.

    Args:
        run: the run.
        encoder: the encoder.
        listings_version: Delta version of listings; its listings in force are encoded.

    Returns:
        The number of pictures that were read; each has a vector or a status now.

    Raises:
        FailedError: another job holds the lock.
    """
    job = run.job
    listings = narrow(job.warehouse.read(LISTINGS, listings_version))
    wanted = unencoded(listings, stored_features(job.warehouse, encoder.spec.identity))
    found = wanted.agg(F.count("*"), F.count_if("again")).first()
    total, retried = (int(found[0]), int(found[1])) if found is not None else (0, 0)
    if total == 0:
        return 0
    job.print_progress(f"encoding {total:,} pictures with {encoder.spec.identity}")
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
            stored = stored_features(job.warehouse, encoder.spec.identity)
            done += _encode_piece(run, encoder, unencoded(listings.where(in_piece), stored), pictures, rows)
        if pieces > 1:
            job.print_progress(f"encoded {done:,} of {total:,} pictures")
    return done


def _encode_piece(run: RunContext, encoder: Encoder, wanted: DataFrame, pictures: Pictures, rows: int) -> int:
    """Encode pictures and store them; returns their number. The warehouse must be locked."""
    warehouse, settings = run.job.warehouse, run.job.settings
    new = encode_listings(
        pictures.read(wanted, rows),
        encoder.folder,
        rows=rows,
        batch_rows=settings.classify.batch_rows,
        prefixes=settings.ingest.image_prefixes,
        max_image_bytes=settings.ingest.max_image_bytes,
        max_pixels=settings.picture.max_pixels,
        blank_deviation=settings.picture.blank_deviation,
    )
    new = new.withColumns(
        {
            "encoder": F.lit(encoder.spec.identity),
            "encoded_at": F.lit(run.job.started_at),
            "superseded_at": F.lit(None).cast("timestamp"),
        }
    )
    stage = f"{run.run_id}-features"
    same = " AND ".join(f"old.{name} = new.{name}" for name in FEATURES.key)
    try:
        staged = warehouse.stage(stage, new)  # a merge would encode twice
        merge = warehouse.table(FEATURES).alias("old").merge(staged.alias("new"), same)
        # A row that is already there is that of a picture that could not be read.
        result = merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute().first()
    finally:
        warehouse.unstage(stage)
    return 0 if result is None else int(result.num_affected_rows)
