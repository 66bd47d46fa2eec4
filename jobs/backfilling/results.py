"""The tables of a backfill: what it has predicted and decided."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import replace
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.backfilling.plan import Plan
from jobs.backfilling.steps.past import decided_by
from jobs.cleaning.clean import add_label_evidence, clean
from jobs.lifecycle.pseudonym_key import read_key
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.tables import conform
from schemas.tables import BACKFILL_DECISIONS, BACKFILL_PREDICTIONS, REVIEW_DECISIONS, TAXONOMY, Table
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
        read_key(run.job.warehouse, run.job.settings.privacy)  # deciding needs it; a missing one is said at the start
        self._run, self._plan, self._model, self._at_end, self._dry_run = run, plan, model, at_end, dry_run
        self._staged: dict[str, list[DataFrame]] = {}

    def read(self, table: Table) -> DataFrame:
        """The rows of this backfill in a table."""
        written = self._run.job.warehouse.read(table).where(F.col("backfill_id") == self._plan.backfill_id)
        return reduce(DataFrame.unionByName, self._staged.get(table.name, []), written)

    def source(self, table: Table) -> DataFrame:
        """A table at the version that the backfill reads; no rows if it did not exist."""
        warehouse, version = self._run.job.warehouse, self._plan.versions.get(table.name)
        return warehouse.empty(table) if version is None else warehouse.read(table, version)

    def replace(self, table: Table, rows: DataFrame, date: dt.date) -> None:
        """Write the rows of a date, in the place of those that a killed run has left."""
        backfill = self._plan.backfill_id
        condition = f"backfill_id = '{backfill}' AND as_of = DATE'{date:%Y-%m-%d}'"
        self._keep(table, rows, date, condition)

    def add(self, table: Table, rows: DataFrame, date: dt.date) -> None:
        """Add rows of a date."""
        self._keep(table, rows, date, None)

    def decide(self, listings: DataFrame, date: dt.date, at_end: ExitStack) -> DataFrame:
        """Decide about listings by the predictions of this backfill and by what people had decided by a date.

        Args:
            listings: the output of `jobs.cleaning.steps.selection.without_texts`.
            date: the date.
            at_end: releases caches.

        Returns:
            `listings` with the columns of backfill_decisions except backfill_id and as_of.
        """
        warehouse, settings = self._run.job.warehouse, self._run.job.settings
        # An audit is drawn from the present catalogue only.
        settings = replace(settings, review=replace(settings.review, audit_listings=0))
        taxonomy, model = self.source(TAXONOMY), self._model
        predictions = self.read(BACKFILL_PREDICTIONS)
        evidence = add_label_evidence(listings, predictions, taxonomy, model, settings.decide)
        reviewed = decided_by(self.source(REVIEW_DECISIONS), date)
        result = at_end.enter_context(clean(warehouse, evidence, taxonomy, model, reviewed, None, date, settings))
        return result.decided.withColumn("model_version", F.lit(model.version))

    def on(self, date: dt.date) -> DataFrame:
        """The decisions about a date."""
        return self.read(BACKFILL_DECISIONS).where(F.col("as_of") == F.lit(date))

    def _keep(self, table: Table, rows: DataFrame, date: dt.date, replaced: str | None) -> None:
        warehouse = self._run.job.warehouse
        rows = rows.withColumns({"backfill_id": F.lit(self._plan.backfill_id), "as_of": F.lit(date)})
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
