"""Scores the listings whose current content has no reusable prediction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.cleaning.steps.selection import reusable_predictions, unscored
from jobs.console.job import Job
from jobs.features.stored import picture_statuses, with_vectors
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import Publication
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import narrow
from schemas.errors import UsageError
from schemas.tables import LISTINGS, PREDICTIONS
from training.models import Model
from udfs.classify import classify
from udfs.personal_data import text_rules
from udfs.phone_numbers import unknown_regions

_FEW = 0.1
"""Up to this share of the catalogue, it pays to find the files with the vectors first."""


@dataclass(frozen=True)
class Scored:
    """The predictions of a run: rows of the table predictions without the run's columns.

    Attributes:
        new: predictions made by this run, or by an earlier run that did not publish; staged if there are any.
        all: predictions of all listings that could be scored.
        count: number of rows of `new`.
    """

    new: DataFrame
    all: DataFrame
    count: int


def score(
    job: Job,
    listings: DataFrame,
    model: Model,
    pins: Pins,
    base: Publication | None,
    stage: str,
    *,
    part: bool = False,
) -> Scored:
    """Score the listings whose content has no reusable prediction of the model; keep the predictions of the others.

    It reads texts, and the vectors of pictures that `jobs.features` has stored before, but no picture. Predictions that
    a run which did not publish has staged under the same name are reused as well.

    Args:
        job: the command's job.
        listings: usable listings, without pictures.
        model: the pinned model.
        pins: the table versions to read.
        base: the previous publication; None for the first run.
        stage: name of the staged predictions.
        part: whether there are other usable listings than `listings`.

    Raises:
        UsageError: there is no country with a code in `privacy.phone_regions`.
    """
    warehouse = job.warehouse
    before = warehouse.read(PREDICTIONS, base.version(PREDICTIONS)) if base else warehouse.empty(PREDICTIONS)
    pictures = picture_statuses(warehouse, model.spec.encoder)
    rules = text_rules(checked_regions(job.settings.privacy.phone_regions))
    kept = reusable_predictions(before, listings, pictures, model.version, rules).drop("job", "run_id", "run_date")
    with ExitStack() as at_end:
        missing = cached(unscored(listings, kept), at_end)
        staged, nothing = warehouse.staged(stage), warehouse.spark.createDataFrame([], kept.schema)
        if staged is None or set(staged.columns) != set(kept.columns):  # none, or of another version of this program
            staged = nothing
        staged = reusable_predictions(staged, missing, pictures, model.version, rules).select(kept.columns)
        to_score = cached(unscored(missing, staged), at_end)
        count, total, reused = to_score.count(), listings.count(), staged.count()
        job.print_progress(f"scoring {count:,} of {total:,} listings with model {model.version}")
        if reused:
            job.print_progress(f"reusing {reused:,} predictions of an earlier run that did not publish")
        if count == reused == 0:
            return Scored(nothing, kept, 0)
        content = narrow(warehouse.read(LISTINGS, pins.listings_version))
        if count == 0:
            content = content.limit(0)
        elif part or count < total:
            content = content.join(to_score, ["listing_id", "content_hash"], "left_semi")
        few = to_score if 0 < count < _FEW * total else None
        predictions = predict(job, with_vectors(warehouse, content, model.spec.encoder, few=few), model, rows=count)
        new = warehouse.stage(stage, staged.unionByName(predictions))
    return Scored(new, kept.unionByName(new), count + reused)


def checked_regions(regions: Sequence[str]) -> Sequence[str]:
    """The countries of `privacy.phone_regions`.

    Raises:
        UsageError: one is not known.
    """
    if unknown := unknown_regions(regions):
        raise UsageError(
            f"privacy.phone_regions names {', '.join(unknown)}, for which no phone numbers are known: use codes of "
            "ISO 3166-1 such as FR, GB (not UK) or US."
        )
    return regions


def predict(job: Job, content: DataFrame, model: Model, *, rows: int) -> DataFrame:
    """Let a model predict content as the settings say; see `udfs.classify.classify`.

    Args:
        job: the command's job.
        content: texts with the vectors of their pictures.
        model: the model.
        rows: approximate number of rows of `content`.
    """
    settings = job.settings.classify
    return classify(
        content,
        model.bundle,
        model.version,
        rows=rows,
        batch_rows=settings.batch_rows,
        top=settings.top,
        phone_regions=job.settings.privacy.phone_regions,
    )
