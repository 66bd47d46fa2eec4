"""Scores how complete and right a listing is, in parts that a seller can be told."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.queue import has_any
from schemas.reasons import Reason

POINTS: Mapping[str, int] = {
    "quality_category": 55,
    "quality_title": 20,
    "quality_picture": 15,
    "quality_price": 5,
    "quality_description": 5,
}
"""Column of clean_listings -> the most points of this part; together 100."""
QUALITY_COLUMNS = ("quality_score", *POINTS)


def with_quality(decided: DataFrame) -> DataFrame:
    """Add `quality_score`, 0 to 100, and its parts, the columns of `POINTS`.

    The points for the category are proportional to its confidence. The other parts have all their points unless the
    listing has an open reason about them, or no description. So a missing part that is not expected, or a reason that
    a reviewer has settled, costs no points.

    Args:
        decided: category_confidence, reasons and has_description.
    """

    def is_fine(*faults: Reason) -> Column:
        return ~has_any(*faults)

    described = F.col("has_description") & is_fine(Reason.PERSONAL_DATA)
    shares = {
        "quality_category": F.col("category_confidence"),
        "quality_title": is_fine(Reason.MISSING_TITLE, Reason.UNINFORMATIVE_TITLE).cast("double"),
        "quality_picture": is_fine(
            Reason.MISSING_IMAGE, Reason.CORRUPT_IMAGE, Reason.BLANK_IMAGE, Reason.IMAGE_MISMATCH
        ).cast("double"),
        "quality_price": is_fine(Reason.PRICE_OUTLIER).cast("double"),
        "quality_description": described.cast("double"),
    }
    parts = {name: points * shares[name] for name, points in POINTS.items()}
    total = sum(parts.values(), start=F.lit(0.0))
    return decided.withColumns(parts | {"quality_score": total})
