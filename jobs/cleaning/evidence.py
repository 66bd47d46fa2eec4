"""Joins listings with what the model predicts, and turns it into the evidence about their categories."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from conf.settings import DecideSettings
from jobs.cleaning.steps.attributes import with_contradiction
from jobs.warehouse.listings import follow
from schemas.successors import Successors
from training.models import Model
from udfs.label_evidence import EVIDENCE_COLUMNS, REPLACED_COLUMNS, make_label_evidence

_OF_TEXTS = ("language", "personal_data", "attributes")
"""What predictions say about the texts, beside the category."""


def add_label_evidence(
    listings: DataFrame,
    predictions: DataFrame,
    taxonomy: DataFrame,
    successors: Successors,
    model: Model,
    settings: DecideSettings,
) -> DataFrame:
    """Join listings with their predictions, and replace `REPLACED_COLUMNS` by `EVIDENCE_COLUMNS`.

    The predicted attributes are reduced to what they say against the stated condition.

    What the model predicts for former categories (`successors`) counts for those that have taken their places.
    """
    columns = (
        "listing_id",
        "content_hash",
        "predicted_category",
        "image_status",
        "novelty",
        *_OF_TEXTS,
        *REPLACED_COLUMNS,
    )
    predicted = follow(predictions.select(*columns), successors, "predicted_category")
    scored = with_contradiction(listings.join(predicted, ["listing_id", "content_hash"], "left"))
    added = cast("StructType", StructType.fromDDL(", ".join(f"{name} {kind}" for name, kind in EVIDENCE_COLUMNS)))
    parents = {row.category: row.parent for row in taxonomy.select("category", "parent").collect()}
    replace_lists = make_label_evidence(model.noise, model.spec.prior, parents, settings.suggestions, successors)
    kept = [each for each in scored.schema.fields if each.name not in REPLACED_COLUMNS]
    return scored.mapInArrow(replace_lists, StructType([*kept, *added.fields]))


def follow_labels(model: Model, successors: Successors) -> Model:
    """The model, with what it has learned of former categories counted for those that have taken their places.

    Only `spec.labelled` changes, because everything else follows the network's own categories.
    """
    labelled: Counter[str] = Counter()
    for category, listings in model.spec.labelled.items():
        labelled[successors.get(category, category)] += listings
    return replace(model, spec=replace(model.spec, labelled=dict(labelled)))


def count_labels(labelled: DataFrame) -> dict[str, int]:
    """Category -> the number of listings that are labelled with it.

    Args:
        labelled: rows with a category of the taxonomy.
    """
    return {row.category: row["count"] for row in labelled.groupBy("category").count().collect()}
