"""Counts what stored listings lose because the files of a delivery have no such column."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.wording import agree
from jobs.ingestion.steps.versions import Outcome

_COLUMNS = ("title", "description", "category", "price", "seller_id")
_PICTURES = ("image", "image_uri")


def count_lost_values(outcomes: DataFrame, stored: DataFrame, found: Collection[str]) -> dict[str, int]:
    """Count the listings that are updated and lose a value, by column.

    Args:
        outcomes: row_number, listing_id, outcome.
        stored: the stored listings before the delivery.
        found: columns of listings that the files have; one of pictures stands for both.

    Returns:
        `lost_` and the column (or picture) -> number of listings; empty if the files lack none.
    """
    lost = {name: F.col(name) for name in _COLUMNS if name not in found}
    if not {*_PICTURES} & {*found}:
        lost["picture"] = F.coalesce("image_hash", "image_uri")
    if not lost:
        return {}
    updated = outcomes.where(F.col("outcome") == Outcome.UPDATED.value).select("listing_id")
    values = stored.join(updated, "listing_id", "left_semi")
    counts = values.agg(*(F.count(value).alias(f"lost_{name}") for name, value in lost.items())).collect()[0]
    return dict(counts.asDict())


def lost_value_warnings(counts: Mapping[str, int]) -> list[str]:
    """A warning for each column that updated listings have lost.

    Args:
        counts: the counts of the run, with those of `count_lost_values`.
    """
    texts = {
        name: f"{{n}} updated {{listing has|listings have}} no {name} any more, because the files have no such column "
        "and a newer version replaces all of the older one. Deliver listings with all their columns."
        for name in (*_COLUMNS, "picture")
    }
    return [agree(text, counts[f"lost_{name}"]) for name, text in texts.items() if counts.get(f"lost_{name}")]
