"""Judges the catalogue as it was on each date of a backfill."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.backfilling.plan import Plan
from jobs.backfilling.results import Results
from jobs.backfilling.steps.past import as_of, content_to_judge, differing, version_spans
from jobs.cleaning.steps.selection import reusable_predictions, unscored, without_texts
from jobs.features.steps.selection import KEYS
from jobs.features.stored import picture_statuses, with_kept_vectors
from jobs.ingestion.groups import bucket
from jobs.lifecycle.publications import publications
from jobs.lifecycle.row_account import row_account
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import with_taxonomy
from schemas.reasons import CategoryAction, ImageStatus
from schemas.tables import (
    BACKFILL_DECISIONS,
    BACKFILL_PREDICTIONS,
    CLEAN_LISTINGS,
    LISTING_CHANGES,
    LISTINGS,
    PREDICTIONS,
    REVIEW_DECISIONS,
    RUNS,
    TAXONOMY,
)
from training.models import Model
from udfs.classify import COLUMNS, classify

_PREDICTED = [column.name for column in COLUMNS]

_ACTIONS = [action.value for action in CategoryAction]
_NOTHING = row_account(0, current=0, unchanged=0, withdrawn=0, quarantined=0) | dict.fromkeys(
    ["listings", *_ACTIONS], 0
)


@dataclass(frozen=True)
class Day:
    """What a backfill found for a date.

    Attributes:
        date: the date.
        counts: the row account, and the numbers of listings kept, corrected and referred.
        without_picture: listings that were judged without their picture, because it is no longer kept.
        differing: listings whose effective category differs from the one that the night of this date has published;
            None if no night has published this date.
    """

    date: dt.date
    counts: dict[str, int]
    without_picture: int
    differing: int | None


class Days:
    """The days of a backfill of past deliveries."""

    def __init__(self, run: RunContext, plan: Plan, model: Model, at_end: ExitStack, *, dry_run: bool) -> None:
        """Find out when each version of a listing was in force; the arguments are those of `Results`."""
        self._run, self._model = run, model
        self._results = Results(run, plan, model, at_end, dry_run=dry_run)
        warehouse = run.job.warehouse
        ended = warehouse.read(RUNS).where("job = 'ingest' AND status = 'done'")
        deliveries = ended.select(F.col("run_id").alias("delivery_id"), "run_date", "finished_at")
        self._spans = cached(version_spans(self._narrow_changes(), deliveries), at_end)
        self._nights = {night.run_date: night for night in publications(warehouse)}
        changed = self._spans.select(F.explode(F.array("valid_from", "valid_until")).alias("date"))
        decided = self._results.source(REVIEW_DECISIONS).select(F.to_date("decided_at").alias("date"))
        self._eventful = {row.date for row in changed.unionByName(decided).distinct().collect()}

    def done(self) -> set[dt.date]:
        """The dates that an earlier run of this backfill has finished."""
        return {row.as_of for row in self._results.read(BACKFILL_DECISIONS).select("as_of").distinct().collect()}

    def judge(self, date: dt.date) -> Day:
        """Judge the catalogue as it was at the end of a date, and keep the result.

        Raises:
            FailedError: the row account does not add up, or another job holds the lock.
        """
        with ExitStack() as at_end:
            known = cached(as_of(self._spans, date), at_end)
            if known.isEmpty():
                return Day(date, _NOTHING, 0, None)
            listings = cached(known.where("NOT withdrawn"), at_end)
            before = self._results.on(date - dt.timedelta(days=1))
            if date not in self._eventful and not before.isEmpty():
                judged, rows = 0, before.drop("backfill_id", "as_of")
            else:
                judged = self._judge_content(listings, date)
                rows = self._results.decide(listings, date, at_end)
            self._results.replace(BACKFILL_DECISIONS, rows, date)
            return self._describe(known, judged, date)

    def _judge_content(self, listings: DataFrame, date: dt.date) -> int:
        """Predict the content that this backfill meets for the first time; returns how many rows had to be scored."""
        warehouse, settings, model = self._run.job.warehouse, self._run.job.settings.classify, self._model
        results = self._results
        with ExitStack() as at_end:
            # A killed run may have left rows of this date, which are replaced.
            before = results.read(BACKFILL_PREDICTIONS).where(F.col("as_of") < F.lit(date))
            new = cached(unscored(listings, before), at_end)
            statuses = picture_statuses(warehouse, model.spec.encoder)
            kept = reusable_predictions(warehouse.read(PREDICTIONS), new, statuses, model.version).select(_PREDICTED)
            kept = kept.dropDuplicates(KEYS)
            wanted = cached(unscored(new, kept), at_end)
            count = wanted.count()
            if count:
                own_bucket = bucket(F.col("listing_id"))
                changes, stored = results.source(LISTING_CHANGES), results.source(LISTINGS)
                content = content_to_judge(changes, wanted, stored, own_bucket)
                content = with_kept_vectors(warehouse, content, model.spec.encoder)
                names = (model.bundle, model.version)
                kept = kept.unionByName(
                    classify(content, *names, rows=count, batch_rows=settings.batch_rows, top=settings.top)
                )
            results.replace(BACKFILL_PREDICTIONS, kept, date)
            return count

    def _describe(self, known: DataFrame, judged: int, date: dt.date) -> Day:
        """Count what was decided, check the row account, and compare with the night of the date."""
        decided = self._results.on(date)
        not_kept = F.count_if(F.col("image_status") == ImageStatus.NOT_KEPT.value).alias("not_kept")
        rows = decided.groupBy("category_action").agg(F.count(F.lit(1)).alias("n"), not_kept).collect()
        by_action = {row.category_action: row.n for row in rows}
        listings = sum(by_action.values())
        [counted] = known.agg(F.count(F.lit(1)), F.count_if("withdrawn")).collect()
        account = row_account(
            counted[0], current=judged, unchanged=listings - judged, withdrawn=counted[1], quarantined=0
        )
        actions = {action: by_action.get(action, 0) for action in _ACTIONS}
        night = self._nights.get(date)
        other = None
        if night is not None:
            other = differing(decided, night.read(self._run.job.warehouse, CLEAN_LISTINGS)).collect()[0].differing
        return Day(date, {**account, "listings": listings, **actions}, sum(row.not_kept for row in rows), other)

    def _narrow_changes(self) -> DataFrame:
        """The changes without their texts, as decisions need them."""
        stored = self._results.source(LISTINGS).select(*KEYS, F.col("image_hash").alias("stored_image"))
        changes = with_taxonomy(self._results.source(LISTING_CHANGES), self._results.source(TAXONOMY))
        changes = changes.join(stored, KEYS, "left")
        # Earlier rows lack the picture's hash.
        changes = changes.withColumn("image_hash", F.coalesce("image_hash", "stored_image"))
        return without_texts(changes, "delivery_id", "change")
