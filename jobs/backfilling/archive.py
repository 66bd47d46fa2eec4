"""Judges an archive: listings in files that were never delivered, in pieces that a killed run does not repeat."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.backfilling.plan import Plan
from jobs.backfilling.results import Results
from jobs.backfilling.steps.archives import corrected_copy, newest_rows, with_buckets
from jobs.cleaning.scoring import predict
from jobs.cleaning.steps.selection import unscored, without_texts
from jobs.features.encoders import Encoder
from jobs.features.encoding import encode_rows
from jobs.features.steps.selection import KEYS
from jobs.ingestion.aliases import derive_aliases, open_index, stored_names
from jobs.ingestion.copies import open_copies
from jobs.ingestion.deliveries import check_count, open_delivery, reported_read_errors
from jobs.ingestion.groups import bucket
from jobs.ingestion.ingest_summary import count_rows
from jobs.ingestion.merge_listings import write_quarantine
from jobs.ingestion.numeric_ids import unify_ids
from jobs.ingestion.steps.ids import without_point
from jobs.ingestion.steps.parse import add_hashes
from jobs.ingestion.steps.versions import find_outcomes
from jobs.ingestion.suppressions import read_suppressions, split_suppressed
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import STAGED_ARCHIVES, RunContext
from jobs.warehouse.caches import cached
from jobs.warehouse.fetched import picture_prefixes
from jobs.warehouse.joins import broadcast_if_few
from jobs.warehouse.listings import with_taxonomy
from schemas.errors import FailedError
from schemas.reasons import CategoryAction
from schemas.tables import BACKFILL_DECISIONS, BACKFILL_PREDICTIONS, CATEGORY_ALIASES, LISTINGS, TAXONOMY
from training.models import Model

_PART = "part"
_PARTS = 32
"""Parts of a staged archive."""
_PIECE_ROWS = 10_000
"""Consecutive parts are judged together up to about this many listings."""


@dataclass(frozen=True)
class ArchiveCounts:
    """What was found in an archive.

    Attributes:
        by_name: the row account, and the numbers of listings kept, corrected and referred.
        by_reason: reason -> number of rows that could not be used.
        kept: listings that an earlier run of this backfill had judged.
    """

    by_name: dict[str, int]
    by_reason: dict[str, int]
    kept: int


class Archive:
    """The listings of an archive."""

    def __init__(self, run: RunContext, plan: Plan, model: Model, at_end: ExitStack, *, dry_run: bool) -> None:
        """Read the files, or find what an earlier run of the backfill has read; the arguments are those of `Results`.

        Raises:
            UsageError: the files or their columns cannot be used.
        """
        self._run, self._plan, self._model, self._dry_run = run, plan, model, dry_run
        self._results = Results(run, plan, model, at_end, dry_run=dry_run)
        self._date: dt.date = plan.scope.last
        self._delivered, suppressed = split_suppressed(unify_ids(self._stage(), self._results.source(LISTINGS)))
        if dry_run:
            at_end.callback(self.remove)
        warehouse = run.job.warehouse
        outcomes = cached(find_outcomes(self._delivered, warehouse.empty(LISTINGS)), at_end)
        self._counts = count_rows(self._delivered, outcomes, None, suppressed)
        self._newest = newest_rows(self._delivered, outcomes)
        self._listings = cached(without_texts(self._with_taxonomy()), at_end)
        # Once for all pieces, because it reads the whole catalogue.
        known = self._newest.select(_PART, "listing_id", "title", "image_hash")
        known = with_buckets(known, self._results.source(LISTINGS), bucket(F.col("listing_id")))
        self._buckets = cached(known.select(_PART, "listing_id", "bucket"), at_end)

    def judge(self, encoder: Encoder) -> ArchiveCounts:
        """Predict and decide all listings.

        Raises:
            FailedError: another job holds the lock.
        """
        job = self._run.job
        if not self._dry_run and self._counts.by_reason:
            own = Slice(job.name, self._plan.backfill_id, self._date)
            with self._run.lock():
                write_quarantine(job.warehouse, own, self._delivered)
        kept = self._results.read(BACKFILL_PREDICTIONS).count()
        for piece in self._pieces():
            self._predict(piece, encoder)
        job.print_progress("deciding categories")
        with ExitStack() as at_end:
            decided = self._results.decide(self._results.evidence(self._listings), self._date, at_end)
            self._results.replace(BACKFILL_DECISIONS, decided, [self._date])
        actions = self._results.on(self._date).groupBy("category_action").count().collect()
        by_action = dict.fromkeys((action.value for action in CategoryAction), 0)
        by_action |= {row.category_action: row["count"] for row in actions}
        named = {name: count for name, count in self._counts.by_name.items() if name.startswith("rows_")}
        return ArchiveCounts(named | by_action, dict(self._counts.by_reason), kept)

    def write_copy(self, folder: str) -> None:
        """Write the corrected copy of the archive as Parquet."""
        corrected_copy(self._newest, self._results.on(self._date)).write.mode("overwrite").parquet(folder)

    def remove(self) -> None:
        """Remove the staged archive."""
        self._run.job.warehouse.unstage(self._stage_name)

    @property
    def _stage_name(self) -> str:
        return f"{STAGED_ARCHIVES}{self._plan.backfill_id}"

    def _stage(self) -> DataFrame:
        """The rows of the files, read once."""
        job, settings = self._run.job, self._run.job.settings.ingest
        staged = job.warehouse.staged(self._stage_name)
        if staged is not None:
            return staged
        with open_copies(job.warehouse, f"{self._stage_name}-files") as copies:
            delivery = open_delivery(job.spark, str(self._plan.scope.files), settings, job.started_at, copies)
            delivery.refuse_without_content()
            job.print_progress(f"reading {delivery.files}")
            with reported_read_errors(delivery.files.location):
                suppressions = read_suppressions(job.warehouse, job.settings.privacy)
                usable = suppressions.blank(delivery.rows)
                prefixes = picture_prefixes(job.warehouse, job.settings)
                rows = add_hashes(usable, prefixes, settings.max_image_bytes, has_uris=delivery.has_uris)
                part = F.pmod(F.xxhash64(without_point(F.col("listing_id"))), F.lit(_PARTS)).cast("int")
                staged = job.warehouse.stage(self._stage_name, rows.withColumn(_PART, part), partition=_PART)
            try:
                check_count(delivery.files, delivery.counted, staged.count())
            except FailedError:
                self.remove()
                raise
        return staged

    def _with_taxonomy(self) -> DataFrame:
        """The newest rows, with the categories that theirs stand for; no ingest has looked these names up."""
        taxonomy, stored = self._results.source(TAXONOMY), self._results.source(CATEGORY_ALIASES)
        settings = self._run.job.settings.ingest
        aliases, successors = stored_names(stored)
        index = open_index(taxonomy, successors, aliases, settings)
        return with_taxonomy(self._newest, taxonomy, derive_aliases(self._newest, taxonomy, index))

    def _pieces(self) -> list[list[int]]:
        """Groups of parts, each with about `_PIECE_ROWS` listings, or one part if that has more."""
        pieces: list[list[int]] = []
        rows = 0
        for row in self._newest.groupBy(_PART).count().orderBy(_PART).collect():
            if not pieces or rows + row["count"] > _PIECE_ROWS:
                pieces.append([])
                rows = 0
            pieces[-1].append(row[_PART])
            rows += row["count"]
        return pieces

    def _predict(self, parts: list[int], encoder: Encoder) -> None:
        """Predict the listings of some parts that have no prediction yet."""
        job, model = self._run.job, self._model
        with ExitStack() as at_end:
            rows = self._newest.where(F.col(_PART).isin(parts))
            wanted = cached(unscored(rows, self._results.read(BACKFILL_PREDICTIONS)), at_end)
            count = wanted.count()
            if count == 0:
                return
            rows = rows.join(broadcast_if_few(wanted, count), KEYS, "left_semi")
            vectors = encode_rows(rows, encoder, count, job.settings, picture_prefixes(job.warehouse, job.settings))
            vectors = vectors.select(*KEYS, "vector", "image_status")
            buckets = self._buckets.where(F.col(_PART).isin(parts)).drop(_PART)
            texts = rows.select(*KEYS, "title", "description", "currency").join(buckets, "listing_id")
            predicted = predict(job, texts.join(vectors, KEYS), model, rows=count)
            self._results.add(BACKFILL_PREDICTIONS, predicted.withColumn("as_of", F.lit(self._date)))
        done = self._results.read(BACKFILL_PREDICTIONS).count()
        job.print_progress(f"judged {done:,} of {self._counts.by_name['rows_current']:,} listings")
