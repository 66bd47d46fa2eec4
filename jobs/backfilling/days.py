"""Judges the catalogue as it was on each date of a backfill."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.backfilling.plan import Plan
from jobs.backfilling.results import Results
from jobs.backfilling.steps.past import (
    as_of,
    content_to_judge,
    differing,
    first_met,
    in_range,
    sizes_by_date,
    version_spans,
)
from jobs.cleaning.scoring import checked_regions, predict
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
    CATEGORY_ALIASES,
    CLEAN_LISTINGS,
    LISTING_CHANGES,
    LISTINGS,
    PREDICTIONS,
    REVIEW_DECISIONS,
    RUNS,
    TAXONOMY,
)
from training.models import Model
from udfs.classify import COLUMNS
from udfs.personal_data import text_rules

_PREDICTED = [column.name for column in COLUMNS]
_PIECE_ROWS = 10_000
"""About how many contents are predicted before they are written, unless that makes too many pieces."""
_MOST_PIECES = 32
"""Each piece reads all changes, so their number must not grow with the catalogue."""
_ROWS_AT_ONCE = 100_000
"""Up to about this many decisions, of several dates, are written together."""
_MOST_DATES = 10
_SIDE_BY_SIDE = 4
"""Dates that are decided at the same time: deciding a small catalogue mostly means planning and waiting."""

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

    def delivered_since(self) -> dt.date | None:
        """The date of the first delivery; None if there is none."""
        first: dt.date | None = self._spans.agg(F.min("valid_from")).collect()[0][0]
        return first

    def done(self) -> set[dt.date]:
        """The dates that an earlier run of this backfill has finished."""
        return {row.as_of for row in self._results.read(BACKFILL_DECISIONS).select("as_of").distinct().collect()}

    def judge(self, dates: Sequence[dt.date]) -> Iterator[Day]:
        """Judge the catalogue as it was at the end of each date, and keep the results.

        First, the content of all dates is predicted, piece by piece. Then several dates at a time are decided and
        written: no date depends on the one before it.

        Args:
            dates: in order.

        Raises:
            FailedError: the row account does not add up, or another job holds the lock.
        """
        if not dates:
            return
        sizes = {row.date: row for row in sizes_by_date(self._spans, dates[0], dates[-1]).collect()}
        judged = self._predict(dates[0], dates[-1])
        shown = in_range(self._spans.where("NOT withdrawn"), dates[0], dates[-1])
        evidence = self._results.evidence(shown)
        most = max((row.known for row in sizes.values()), default=1)
        step = max(1, min(_MOST_DATES, _ROWS_AT_ONCE // max(most, 1)))
        for start in range(0, len(dates), step):
            group = dates[start : start + step]
            filled = [date for date in group if date in sizes]
            if filled:
                self._decide(evidence, filled)
            found = self._count(filled)
            for date in group:
                yield (
                    self._describe(date, sizes[date], judged.get(date, 0), found[date])
                    if date in found
                    else Day(date, _NOTHING, 0, None)
                )

    def _predict(self, first: dt.date, last: dt.date) -> dict[dt.date, int]:
        """Predict the content of all dates that this backfill has not predicted yet.

        Returns:
            The first date on which content is in force -> how many contents had to be scored.
        """
        warehouse, model = self._run.job.warehouse, self._model
        results = self._results
        with ExitStack() as at_end:
            met = first_met(self._spans, first, last)
            new = cached(met.join(unscored(met, results.read(BACKFILL_PREDICTIONS)), KEYS, "left_semi"), at_end)
            statuses = picture_statuses(warehouse, model.spec.encoder)
            rules = text_rules(checked_regions(self._run.job.settings.privacy.phone_regions))
            kept = reusable_predictions(warehouse.read(PREDICTIONS), new, statuses, model.version, rules)
            kept = cached(kept.select(_PREDICTED).dropDuplicates(KEYS), at_end)
            wanted = cached(new.join(unscored(new, kept), KEYS, "left_semi"), at_end)
            by_date = {row.as_of: int(row["count"]) for row in wanted.groupBy("as_of").count().collect()}
            if not kept.isEmpty():
                results.add(BACKFILL_PREDICTIONS, kept.join(new, KEYS))
            count, done = sum(by_date.values()), 0
            pieces = min(_MOST_PIECES, math.ceil(count / _PIECE_ROWS))
            for piece in range(pieces):
                part = wanted.where(F.pmod(F.xxhash64(*KEYS), F.lit(pieces)) == piece)
                changes, stored = results.source(LISTING_CHANGES), results.source(LISTINGS)
                content = content_to_judge(changes, part.select(*KEYS), stored, bucket(F.col("listing_id")))
                content = with_kept_vectors(warehouse, content, model.spec.encoder)
                rows = math.ceil(count / pieces)
                predicted = predict(self._run.job, content, model, rows=rows)
                results.add(BACKFILL_PREDICTIONS, predicted.join(part, KEYS))
                done += rows
                self._run.job.print_progress(f"judged {min(done, count):,} of {count:,} new contents")
        return by_date

    def _decide(self, evidence: DataFrame, dates: Sequence[dt.date]) -> None:
        """Decide about the listings of some dates, and write the decisions."""
        with ExitStack() as at_end, ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="days") as pool:

            def decide(date: dt.date) -> DataFrame:
                return self._results.decide(as_of(evidence, date), date, at_end)

            sources = self._sources(dates)
            own = {date: pool.submit(decide, date) for date in dates if sources[date] == date}
            rows = []
            for date in dates:
                source = sources[date]
                same = own[source].result() if source in own else self._results.on(source).drop("backfill_id")
                rows.append(same.withColumn("as_of", F.lit(date)))
            self._results.replace(BACKFILL_DECISIONS, reduce(DataFrame.unionByName, rows), dates)

    def _sources(self, dates: Sequence[dt.date]) -> dict[dt.date, dt.date]:
        """Date -> the date with the same decisions: itself, or an earlier one since which nothing has happened."""
        sources: dict[dt.date, dt.date] = {}
        for date in dates:
            before = date - dt.timedelta(days=1)
            if date not in self._eventful and before in sources:
                sources[date] = sources[before]
            elif date not in self._eventful and not self._results.on(before).isEmpty():
                sources[date] = before
            else:
                sources[date] = date
        return sources

    def _count(self, dates: Sequence[dt.date]) -> dict[dt.date, tuple[dict[str, int], int]]:
        """Date -> the numbers of listings by category action, and of those without their picture."""
        decided = self._results.read(BACKFILL_DECISIONS).where(F.col("as_of").isin(list(dates)))
        not_kept = F.count_if(F.col("image_status") == ImageStatus.NOT_KEPT.value).alias("not_kept")
        rows = decided.groupBy("as_of", "category_action").agg(F.count(F.lit(1)).alias("n"), not_kept).collect()
        found = {date: (dict.fromkeys(_ACTIONS, 0), 0) for date in dates}
        for row in rows:
            actions, missing = found[row.as_of]
            found[row.as_of] = (actions | {row.category_action: int(row.n)}, missing + int(row.not_kept))
        return found

    def _describe(self, date: dt.date, size: Row, judged: int, found: tuple[dict[str, int], int]) -> Day:
        """Check the row account of a date, and compare with its night."""
        actions, without_picture = found
        listings = sum(actions.values())
        account = row_account(
            size.known, current=judged, unchanged=listings - judged, withdrawn=size.withdrawn, quarantined=0
        )
        return Day(date, {**account, "listings": listings, **actions}, without_picture, self._differing(date))

    def _differing(self, date: dt.date) -> int | None:
        """How many listings have another effective category than the night of a date has published."""
        night = self._nights.get(date)
        if night is None:
            return None
        published = night.read(self._run.job.warehouse, CLEAN_LISTINGS)
        return int(differing(self._results.on(date), published).collect()[0].differing)

    def _narrow_changes(self) -> DataFrame:
        """The changes without their texts, as decisions need them."""
        stored = self._results.source(LISTINGS).select(*KEYS, F.col("image_hash").alias("stored_image"))
        changes = with_taxonomy(
            self._results.source(LISTING_CHANGES),
            self._results.source(TAXONOMY),
            self._results.source(CATEGORY_ALIASES),
        )
        changes = changes.join(stored, KEYS, "left")
        # Earlier rows lack the picture's hash.
        changes = changes.withColumn("image_hash", F.coalesce("image_hash", "stored_image"))
        return without_texts(changes, "delivery_id", "change")
