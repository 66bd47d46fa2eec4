"""Judges the catalogue as it was on each date of a backfill."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.backfilling.plan import Plan
from jobs.backfilling.steps.past import as_of, content_to_judge, decided_by, differing, version_spans
from jobs.cleaning.clean import add_label_evidence, clean
from jobs.cleaning.steps.selection import reusable_predictions, unscored, without_texts
from jobs.features.steps.selection import KEYS
from jobs.features.stored import picture_statuses, with_kept_vectors
from jobs.ingestion.groups import bucket
from jobs.lifecycle.publications import publications
from jobs.lifecycle.row_account import row_account
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import with_taxonomy
from jobs.warehouse.tables import conform
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
    Table,
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
    """The days of a backfill."""

    def __init__(self, run: RunContext, plan: Plan, model: Model, at_end: ExitStack, *, dry_run: bool) -> None:
        """Find out when each version of a listing was in force.

        Args:
            run: the run.
            plan: the backfill.
            model: the model that judges.
            at_end: releases caches.
            dry_run: whether nothing is written.
        """
        self._run, self._plan, self._model, self._at_end, self._dry_run = run, plan, model, at_end, dry_run
        self._unwritten: dict[str, list[DataFrame]] = {}
        warehouse = run.job.warehouse
        self._taxonomy = self._read(TAXONOMY)
        self._decisions = cached(self._read(REVIEW_DECISIONS), at_end)
        ended = warehouse.read(RUNS).where("job = 'ingest' AND status = 'done'")
        deliveries = ended.select(F.col("run_id").alias("delivery_id"), "run_date", "finished_at")
        self._spans = cached(version_spans(self._narrow_changes(), deliveries), at_end)
        self._nights = {night.run_date: night for night in publications(warehouse)}
        changed = self._spans.select(F.explode(F.array("valid_from", "valid_until")).alias("date"))
        decided = self._decisions.select(F.to_date("decided_at").alias("date"))
        self._eventful = {row.date for row in changed.unionByName(decided).distinct().collect()}

    def done(self) -> set[dt.date]:
        """The dates that an earlier run of this backfill has finished."""
        return {row.as_of for row in self._own(BACKFILL_DECISIONS).select("as_of").distinct().collect()}

    def judge(self, date: dt.date) -> Day:
        """Judge the catalogue as it was at the end of a date, and keep the result.

        Raises:
            FailedError: the row account does not add up, or another job holds the lock.
        """
        with ExitStack() as at_end:
            known = cached(as_of(self._spans, date), at_end)
            listings = cached(known.where("NOT withdrawn"), at_end)
            if known.isEmpty():
                return Day(date, _NOTHING, 0, None)
            before = self._on(date - dt.timedelta(days=1))
            if date not in self._eventful and not before.isEmpty():
                judged, rows = 0, before.drop("backfill_id", "as_of")
            else:
                judged = self._judge_content(listings, date)
                rows = self._decide(listings, date, at_end)
            self._keep(BACKFILL_DECISIONS, rows, date)
            return self._describe(known, judged, date)

    def _judge_content(self, listings: DataFrame, date: dt.date) -> int:
        """Predict the content that this backfill meets for the first time; returns how many rows had to be scored."""
        warehouse, settings, model = self._run.job.warehouse, self._run.job.settings.classify, self._model
        with ExitStack() as at_end:
            # A killed run may have left rows of this date, which are replaced.
            before = self._own(BACKFILL_PREDICTIONS).where(F.col("as_of") < F.lit(date))
            new = cached(unscored(listings, before), at_end)
            statuses = picture_statuses(warehouse, model.spec.encoder)
            kept = reusable_predictions(warehouse.read(PREDICTIONS), new, statuses, model.version).select(_PREDICTED)
            kept = kept.dropDuplicates(KEYS)
            wanted = cached(unscored(new, kept), at_end)
            count = wanted.count()
            if count:
                own_bucket = bucket(F.col("listing_id"))
                content = content_to_judge(self._read(LISTING_CHANGES), wanted, self._read(LISTINGS), own_bucket)
                content = with_kept_vectors(warehouse, content, model.spec.encoder)
                names = (model.bundle, model.version)
                kept = kept.unionByName(
                    classify(content, *names, rows=count, batch_rows=settings.batch_rows, top=settings.top)
                )
            self._keep(BACKFILL_PREDICTIONS, kept, date)
            return count

    def _decide(self, listings: DataFrame, date: dt.date, at_end: ExitStack) -> DataFrame:
        """The decisions about the listings of a date."""
        warehouse, settings = self._run.job.warehouse, self._run.job.settings
        # An audit is drawn from the present catalogue only.
        settings = replace(settings, review=replace(settings.review, audit_listings=0))
        evidence = add_label_evidence(
            listings, self._own(BACKFILL_PREDICTIONS), self._taxonomy, self._model, settings.decide
        )
        reviewed = decided_by(self._decisions, date)
        result = at_end.enter_context(
            clean(warehouse, evidence, self._taxonomy, self._model, reviewed, None, date, settings)
        )
        return result.decided.withColumn("model_version", F.lit(self._model.version))

    def _describe(self, known: DataFrame, judged: int, date: dt.date) -> Day:
        """Count what was decided, check the row account, and compare with the night of the date."""
        decided = self._on(date)
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

    def _keep(self, table: Table, rows: DataFrame, date: dt.date) -> None:
        """Write a day's rows, in the place of those that a killed run has left; a dry run stages them."""
        warehouse, backfill = self._run.job.warehouse, self._plan.backfill_id
        rows = rows.withColumns({"backfill_id": F.lit(backfill), "as_of": F.lit(date)})
        if self._dry_run:
            stage = f"{self._run.run_id}-{table.name}-{date}"
            self._at_end.callback(warehouse.unstage, stage)
            self._unwritten.setdefault(table.name, []).append(warehouse.stage(stage, conform(rows, table)))
            return
        with self._run.lock():
            warehouse.replace_where(table, rows, f"backfill_id = '{backfill}' AND as_of = DATE'{date:%Y-%m-%d}'")

    def _own(self, table: Table) -> DataFrame:
        """The rows of this backfill."""
        written = self._run.job.warehouse.read(table).where(F.col("backfill_id") == self._plan.backfill_id)
        return reduce(DataFrame.unionByName, self._unwritten.get(table.name, []), written)

    def _on(self, date: dt.date) -> DataFrame:
        """The decisions of this backfill about a date."""
        return self._own(BACKFILL_DECISIONS).where(F.col("as_of") == F.lit(date))

    def _read(self, table: Table) -> DataFrame:
        """A table at the version that the backfill reads; no rows if it did not exist."""
        warehouse, version = self._run.job.warehouse, self._plan.versions.get(table.name)
        return warehouse.empty(table) if version is None else warehouse.read(table, version)

    def _narrow_changes(self) -> DataFrame:
        """The changes without their texts, as decisions need them."""
        stored = self._read(LISTINGS).select(*KEYS, F.col("image_hash").alias("stored_image"))
        changes = with_taxonomy(self._read(LISTING_CHANGES), self._taxonomy).join(stored, KEYS, "left")
        # Earlier rows lack the picture's hash.
        changes = changes.withColumn("image_hash", F.coalesce("image_hash", "stored_image"))
        return without_texts(changes, "delivery_id", "change")
