"""Find the listings without a reusable prediction of their present content, and score them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.selection import newest_change, reusable_predictions, unread_pictures, unscored
from jobs.console.job import Job
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import Publication
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import in_force
from jobs.warehouse.tables import Warehouse
from schemas.tables import LISTINGS, PREDICTIONS
from training.models import Model
from udfs.classify import classify


@dataclass(frozen=True)
class Scored:
    """The predictions of a run.

    Attributes:
        new: of the listings scored by this run, or by an earlier one that did not publish; staged.
        all: of every listing that could be judged, as rows of the table predictions without the run's columns.
        count: rows of `new`.
    """

    new: DataFrame
    all: DataFrame
    count: int


def score(job: Job, listings: DataFrame, model: Model, pins: Pins, base: Publication | None, stage: str) -> Scored:
    """Score the listings whose content has no reusable prediction of the model; keep the predictions of the others.

    Predictions that are staged under the same name by a run that did not publish are used, too.

    Args:
        job: the command.
        listings: narrow, usable.
        model: the pinned champion.
        pins: the versions to read.
        base: the publication on which the run stands.
        stage: a name for the staged predictions.
    """
    warehouse = job.warehouse
    before = warehouse.read(PREDICTIONS, base.version(PREDICTIONS)) if base else warehouse.empty(PREDICTIONS)
    kept = reusable_predictions(before, listings, model.version).drop("job", "run_id", "run_date")
    with ExitStack() as at_end:
        missing = cached(unscored(listings, kept), at_end)
        earlier = warehouse.staged(stage)
        if earlier is None or set(earlier.columns) != set(kept.columns):  # there is none, or of another version of ours
            earlier = kept.limit(0)
        earlier = reusable_predictions(earlier, missing, model.version).select(kept.columns)
        wanted = cached(unscored(missing, earlier), at_end)
        unread = cached(unread_pictures(before, wanted, model.version), at_end)
        count, total, reused, again = wanted.count(), listings.count(), earlier.count(), unread.count()
        job.print_progress(f"scoring {count:,} of {total:,} listings with model {model.version}")
        if again:
            job.print_progress(f"trying {again:,} pictures again that could not be read before")
        if reused:
            job.print_progress(f"using {reused:,} predictions of an earlier run that did not publish")
        content = (
            wanted_content(warehouse, wanted, unread, count == total, pins, base)
            if count
            else warehouse.read(LISTINGS, pins.listings_version).limit(0)
        )
        settings = job.settings
        predictions = classify(
            content,
            model.bundle,
            model.version,
            rows=count,
            batch_rows=settings.classify.batch_rows,
            top=settings.classify.top,
            prefixes=settings.ingest.image_prefixes,
            max_image_bytes=settings.ingest.max_image_bytes,
        )
        new = warehouse.stage(stage, earlier.unionByName(predictions))
    return Scored(new, kept.unionByName(new), count + reused)


def wanted_content(
    warehouse: Warehouse, wanted: DataFrame, unread: DataFrame, everything: bool, pins: Pins, base: Publication | None
) -> DataFrame:
    """The wanted listings with their pictures, reading as few of the others' as possible.

    Args:
        warehouse: where the listings are.
        wanted: listing_id and content_hash of the listings to score.
        unread: those of them whose picture could not be read before.
        everything: whether all listings are wanted.
        pins: the versions to read.
        base: the publication on which the run stands.
    """
    listings = warehouse.read(LISTINGS, pins.listings_version)
    if everything:
        return in_force(listings)
    changes = warehouse.changes(LISTINGS, base.listings_version, pins.listings_version) if base is not None else None
    if changes is not None:
        keys = ["listing_id", "content_hash"]
        unchanged = wanted.join(newest_change(changes.drop("image"), wanted), keys, "left_anti")
        if unchanged.join(unread, keys, "left_anti").isEmpty():
            # Such a picture is behind a URI, so the stored pictures of other listings need not be read to find it.
            retried = listings.drop("image").join(unchanged, keys, "left_semi")
            retried = retried.withColumn("image", F.lit(None).cast("binary"))
            return newest_change(changes, wanted).unionByName(retried)
    return listings.join(wanted, ["listing_id", "content_hash"], "left_semi")
