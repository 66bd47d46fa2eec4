"""Scores the listings whose current content has no reusable prediction."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.selection import reusable_predictions, unread_pictures, unscored
from jobs.console.job import Job
from jobs.features.steps.selection import newest_change
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
    """The predictions of a run: rows of the table predictions without the run's columns.

    Attributes:
        new: predictions made by this run, or by an earlier run that did not publish; staged.
        all: predictions of all listings that could be scored.
        count: number of rows of `new`.
    """

    new: DataFrame
    all: DataFrame
    count: int


def score(job: Job, listings: DataFrame, model: Model, pins: Pins, base: Publication | None, stage: str) -> Scored:
    """Score the listings whose content has no reusable prediction of the model; keep the predictions of the others.

    Predictions that a run which did not publish has staged under the same name are reused as well.

    Args:
        job: the command's job.
        listings: usable listings, without pictures.
        model: the pinned model.
        pins: the table versions to read.
        base: the previous publication; None for the first run.
        stage: name of the staged predictions.
    """
    warehouse = job.warehouse
    before = warehouse.read(PREDICTIONS, base.version(PREDICTIONS)) if base else warehouse.empty(PREDICTIONS)
    kept = reusable_predictions(before, listings, model.version).drop("job", "run_id", "run_date")
    with ExitStack() as at_end:
        missing = cached(unscored(listings, kept), at_end)
        staged = warehouse.staged(stage)
        if staged is None or set(staged.columns) != set(kept.columns):  # none, or of another version of this program
            staged = kept.limit(0)
        staged = reusable_predictions(staged, missing, model.version).select(kept.columns)
        to_score = cached(unscored(missing, staged), at_end)
        unread = cached(unread_pictures(before, to_score, model.version), at_end)
        count, total, reused, retried = to_score.count(), listings.count(), staged.count(), unread.count()
        job.print_progress(f"scoring {count:,} of {total:,} listings with model {model.version}")
        if retried:
            job.print_progress(f"trying again to read {retried:,} pictures that could not be read before")
        if reused:
            job.print_progress(f"reusing {reused:,} predictions of an earlier run that did not publish")
        content = (
            content_to_score(warehouse, to_score, unread, count == total, pins, base)
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
        new = warehouse.stage(stage, staged.unionByName(predictions))
    return Scored(new, kept.unionByName(new), count + reused)


def content_to_score(
    warehouse: Warehouse,
    to_score: DataFrame,
    unread: DataFrame,
    all_listings: bool,
    pins: Pins,
    base: Publication | None,
) -> DataFrame:
    """The listings to score with their pictures. Reads as few pictures of other listings as possible.

    Args:
        warehouse: warehouse with the listings.
        to_score: listing_id and content_hash of the listings to score.
        unread: the rows of `to_score` whose picture could not be read before.
        all_listings: whether all listings are to be scored.
        pins: the table versions to read.
        base: the previous publication; None for the first run.
    """
    listings = warehouse.read(LISTINGS, pins.listings_version)
    if all_listings:
        return in_force(listings)
    changes = warehouse.changes(LISTINGS, base.listings_version, pins.listings_version) if base is not None else None
    if changes is not None:
        keys = ["listing_id", "content_hash"]
        unchanged = to_score.join(newest_change(changes.drop("image"), to_score), keys, "left_anti")
        if unchanged.join(unread, keys, "left_anti").isEmpty():
            # An unread picture is given as a URI, so the stored pictures need not be read.
            retried = listings.drop("image").join(unchanged, keys, "left_semi")
            retried = retried.withColumn("image", F.lit(None).cast("binary"))
            return newest_change(changes, to_score).unionByName(retried)
    return listings.join(to_score, ["listing_id", "content_hash"], "left_semi")
