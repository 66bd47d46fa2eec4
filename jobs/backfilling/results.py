"""The tables of a backfill: what it has predicted and decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.safety_settings import RolloutSettings
from jobs.backfilling.plan import Plan
from jobs.backfilling.steps.past import decided_by
from jobs.cleaning.clean import clean
from jobs.cleaning.evidence import add_label_evidence, follow_labels
from jobs.lifecycle.run_context import STAGED_ARCHIVES, STAGED_EVIDENCE, RunContext
from jobs.warehouse.evolution import conform
from jobs.warehouse.inputs import read_decisions, read_pinned
from jobs.warehouse.listings import read_successors
from schemas.tables import (
    BACKFILL_DECISIONS,
    BACKFILL_PREDICTIONS,
    CATEGORY_ALIASES,
    REVIEW_DECISIONS,
    TAXONOMY,
    Table,
)
from training.models import Model


class Results:
    """The rows of a backfill. A dry run stages them and removes them at its end."""

    def __init__(self, run: RunContext, plan: Plan, model: Model, at_end: ExitStack, *, dry_run: bool) -> None:
        """Store what belongs to the backfill.

        Args:
            run: the run.
            plan: the backfill.
            model: the model that judges.
            at_end: removes what a dry run has staged.
            dry_run: whether nothing is kept.
        """
        self._run, self._plan, self._at_end, self._dry_run = run, plan, at_end, dry_run
        self._staged: dict[str, list[DataFrame]] = {}
        self._successors = read_successors(self.source(CATEGORY_ALIASES))
        self._model = follow_labels(model, self._successors)

    def read(self, table: Table) -> DataFrame:
        """The rows of this backfill in a table."""
        written = self._run.job.warehouse.read(table).where(F.col("backfill_id") == self._plan.backfill_id)
        return reduce(DataFrame.unionByName, self._staged.get(table.name, []), written)

    def source(self, table: Table) -> DataFrame:
        """A table at the version that the backfill reads; no rows if it did not exist."""
        return read_pinned(self._run.job.warehouse, table, self._plan.versions.get(table.name))

    def replace(self, table: Table, rows: DataFrame, dates: Collection[dt.date]) -> None:
        """Write the rows of some dates, in the place of those that a killed run has left.

        Args:
            table: the table.
            rows: the rows, with as_of.
            dates: their dates.
        """
        listed = ", ".join(f"DATE'{date:%Y-%m-%d}'" for date in dates)
        self._keep(table, rows, f"backfill_id = '{self._plan.backfill_id}' AND as_of IN ({listed})")

    def add(self, table: Table, rows: DataFrame) -> None:
        """Add rows, with as_of."""
        self._keep(table, rows, None)

    def evidence(self, listings: DataFrame) -> DataFrame:
        """Join listings with the predictions of this backfill, and compute the evidence for their categories.

        The rows are stored until the backfill ends: all that follows would contain their plan several times.

        Args:
            listings: the output of `jobs.cleaning.steps.selection.without_texts`; other columns are kept.
        """
        warehouse, settings = self._run.job.warehouse, self._run.job.settings.decide
        predictions = self.read(BACKFILL_PREDICTIONS)
        stage = f"{STAGED_ARCHIVES}{self._plan.backfill_id}{STAGED_EVIDENCE}"
        self._at_end.callback(warehouse.unstage, stage)
        rows = add_label_evidence(listings, predictions, self.source(TAXONOMY), self._successors, self._model, settings)
        # Duplicates are looked for in today's catalogue only.
        return warehouse.stage(stage, rows.withColumn("duplicate_of", F.lit(None).cast("string")))

    def decide(self, evidence: DataFrame, date: dt.date, at_end: ExitStack) -> DataFrame:
        """Decide about listings by what people had decided by a date.

        Args:
            evidence: the output of `evidence`, one row per listing.
            date: the date.
            at_end: releases caches.

        Returns:
            The listings with the columns of backfill_decisions except backfill_id.
        """
        warehouse, settings, model = self._run.job.warehouse, self._run.job.settings, self._model
        # An audit is drawn from the present catalogue only, and nobody sees what a backfill corrects.
        review, whole = replace(settings.review, audit_listings=0), replace(settings.decide, corrections=True)
        settings = replace(settings, review=review, decide=whole, rollout=RolloutSettings())
        version = self._plan.versions.get(REVIEW_DECISIONS.name)
        reviewed = decided_by(read_decisions(warehouse, version, self._successors), date)
        taxonomy = self.source(TAXONOMY)
        result = at_end.enter_context(clean(warehouse, evidence, taxonomy, model, reviewed, None, date, settings))
        return result.decided.withColumns({"as_of": F.lit(date), "model_version": F.lit(model.version)})

    def on(self, date: dt.date) -> DataFrame:
        """The decisions about a date."""
        return self.read(BACKFILL_DECISIONS).where(F.col("as_of") == F.lit(date))

    def _keep(self, table: Table, rows: DataFrame, replaced: str | None) -> None:
        warehouse = self._run.job.warehouse
        rows = rows.withColumn("backfill_id", F.lit(self._plan.backfill_id))
        if self._dry_run:
            staged = self._staged.setdefault(table.name, [])
            stage = f"{self._run.run_id}-{table.name}-{len(staged)}"
            self._at_end.callback(warehouse.unstage, stage)
            staged.append(warehouse.stage(stage, conform(rows, table)))
            return
        with self._run.lock():
            if replaced is None:
                warehouse.append(table, rows)
            else:
                warehouse.replace_where(table, rows, replaced)
