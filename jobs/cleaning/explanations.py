"""Explains what a run decides about categories, and keeps the explanations of what stays as it was."""

from __future__ import annotations

from contextlib import ExitStack

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.clean import Cleaned
from jobs.cleaning.steps.explain import decisions_to_explain, divide_known, exemplars, in_parts, with_predictions
from jobs.features.stored import stored_features
from jobs.lifecycle.publications import Publication
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import follow
from schemas.reasons import ImageStatus
from schemas.tables import EXPLANATIONS
from training.models import Model
from udfs.explain import explain_listings
from udfs.similar_listings import SCHEMA, most_similar

_KEYS = ["listing_id", "content_hash"]
_GROUP = ["suggested_category", "part"]


def explain_decisions(
    run: RunContext,
    result: Cleaned,
    listings: DataFrame,
    predictions: DataFrame,
    taxonomy: DataFrame,
    model: Model,
    explained_by: Publication | None,
    at_end: ExitStack,
) -> DataFrame:
    """The explanations of the listings that a run decides. Caches are released at the end.

    Those of the earlier publication are kept while they hold. If all do, this costs one join. New ones are computed
    only when the result is written, so that a run which a gate or limit refuses does not pay for them.

    Args:
        run: the run.
        result: what the run has decided.
        listings: the usable listings in force, with all columns but the picture.
        predictions: the predictions of the listings that the run decides.
        taxonomy: the pinned taxonomy.
        model: the model.
        explained_by: the publication whose predictions the run has reused; None: all decisions are explained anew.
        at_end: releases caches.

    Returns:
        Rows of explanations; each names the run that has explained it.
    """
    warehouse = run.job.warehouse
    asked = decisions_to_explain(result.own, model.version)
    before = explained_by.read(warehouse, EXPLANATIONS) if explained_by else warehouse.empty(EXPLANATIONS)
    kept, new = divide_known(asked, before)
    new = cached(new, at_end)
    rows = new.count()
    if rows == 0:
        return kept
    run.job.print_progress(f"explaining {rows:,} decisions about categories")
    texts = listings.select(*_KEYS, "title", "description", "bucket")
    said = follow(predictions, result.successors, "text_top", "image_top")
    asked = with_predictions(new, said).join(texts, _KEYS)
    names = {row.category: row.label or row.category for row in taxonomy.select("category", "label").collect()}
    in_words = explain_listings(asked, model.bundle, names, result.successors, rows=rows)
    pictures = stored_features(warehouse, model.spec.encoder).where(F.col("image_status") == ImageStatus.OK.value)
    chosen = exemplars(result.decided, new, model.noise.error_rate)
    vectors = pictures.select(*_KEYS, "vector")

    def to_compare(some: DataFrame) -> DataFrame:
        named = some.select(*_KEYS, *_GROUP).join(texts.select(*_KEYS, "title"), _KEYS)
        compared = named.join(vectors, _KEYS, "left").select(*_GROUP, "listing_id", "title", "vector")
        # Both sides come from the same frames: without names of their own, Spark could not tell them apart.
        return compared.toDF(*compared.columns)

    of_listings, of_exemplars = map(to_compare, in_parts(new, chosen, rows))
    similar = of_listings.groupBy(*_GROUP).cogroup(of_exemplars.groupBy(*_GROUP)).applyInArrow(most_similar, SCHEMA)
    found = in_words.join(similar, "listing_id", "left")
    found = found.withColumns({"run_id": F.lit(run.run_id), "run_date": F.lit(run.run_date)})
    return kept.unionByName(found.select(*EXPLANATIONS.names))
