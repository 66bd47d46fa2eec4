"""Copies vectors to listings whose picture has been encoded before, so that it need not be encoded again."""

from __future__ import annotations

from pyspark.sql import functions as F

from jobs.features.steps.selection import KEYS, copies, unencoded
from jobs.features.stored import stored_features, written_since
from jobs.features.storing import store_features
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.joins import broadcast_if_few
from jobs.warehouse.listings import narrow
from schemas.tables import LISTINGS
from udfs.picture_features import COLUMNS


def copy_vectors(run: RunContext, identity: str, listings_version: int) -> int:
    """Copy the stored vectors of pictures with the same bytes, such as that of a listing whose text has changed.

    Unless the run holds the lock of the warehouse, it takes it.

    Args:
        run: the run.
        identity: the encoder's identity.
        listings_version: Delta version of listings; its listings in force get vectors.

    Returns:
        The number of pictures that have a vector or a status now and were not read.

    Raises:
        FailedError: another job holds the lock.
    """
    warehouse = run.job.warehouse
    with run.lock():
        features = stored_features(warehouse, identity)
        found = copies(unencoded(narrow(warehouse.read(LISTINGS, listings_version)), features), features)
        counted = found.agg(F.count("*"), F.min(F.unix_micros("encoded_at"))).first()
        count, since = (int(counted[0]), counted[1]) if counted is not None else (0, None)
        if count == 0:
            return 0
        found = found.select(*KEYS, "source")
        sources = written_since(features, since).withColumn("source", F.struct(*KEYS)).drop(*KEYS)
        rows = sources.join(broadcast_if_few(found, count), "source")
        return store_features(run, identity, rows.select(*(column.name for column in COLUMNS)))
