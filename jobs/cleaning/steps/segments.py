"""The segments of the catalogue for which metrics are published, such as categories, languages and seller sizes."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.metrics import NO_CATEGORY, SELLER_SIZES, UNKNOWN


def group_columns() -> tuple[Column, ...]:
    """The columns by which the catalogue is grouped: category, judged_category, seller_size, language and rollout_arm.

    The two categories differ only where a person has decided: an answer of the audit judges the category that was
    published before, and counts in the segment of that category.
    """
    return (
        F.coalesce("effective_category", F.lit(NO_CATEGORY)).alias("category"),
        F.coalesce("judged_category", F.lit(NO_CATEGORY)).alias("judged_category"),
        _seller_size().alias("seller_size"),
        F.coalesce("language", F.lit(UNKNOWN)).alias("language"),
        F.coalesce("rollout_arm", F.lit(UNKNOWN)).alias("rollout_arm"),
    )


def by_segment(groups: DataFrame, taxonomy: DataFrame) -> DataFrame:
    """Repeat each group for every segment that it belongs to.

    Args:
        groups: with the columns of `group_columns`.
        taxonomy: category and department.

    Returns:
        `groups` with dimension, segment, and the booleans `is_published` and `is_judged`: whether the group belongs to
        the segment by what is published, and by what an audit judges.
    """
    known = F.broadcast(taxonomy.select("category", "department"))
    judged = known.toDF("judged_category", "judged_department")
    joined = groups.join(known, "category", "left").join(judged, "judged_category", "left")

    # Sellers write any text in the place of a category; a segment for each of them would be of no use.
    is_known, is_judged_known = F.col("department").isNotNull(), F.col("judged_department").isNotNull()

    def places(dimension: str, name: str, judged_name: str) -> tuple[Column, ...]:
        shown = F.when(is_known, F.col(name)).otherwise(NO_CATEGORY)
        other = F.when(is_judged_known, F.col(judged_name)).otherwise(NO_CATEGORY)
        same = shown == other
        return (
            _place(dimension, shown, True, same),
            F.when(~same, _place(dimension, other, False, F.lit(True))),
        )

    segments = (
        _place("all", F.lit("all"), True, F.lit(True)),
        *(_place(name, F.col(name), True, F.lit(True)) for name in ("seller_size", "language", "rollout_arm")),
        *places("category", "category", "judged_category"),
        *places("department", "department", "judged_department"),
    )
    return joined.select("*", F.inline(F.array_compact(F.array(*segments))))


def add_up(groups: DataFrame, published: Sequence[str], judged: Sequence[str]) -> DataFrame:
    """Add the groups of each segment.

    Args:
        groups: the output of `by_segment`.
        published: columns to add over what is published in the segment.
        judged: columns to add over what an audit judges in the segment.

    Returns:
        One row per segment: dimension, segment, `published` and `judged`.
    """

    def total(name: str, counts: str) -> Column:
        # As text, because there are a hundred sums, each of several calls of the JVM otherwise.
        return F.expr(f"sum(if({counts}, {name}, 0)) AS {name}")

    return groups.groupBy("dimension", "segment").agg(
        *(total(name, "is_published") for name in published), *(total(name, "is_judged") for name in judged)
    )


def _place(dimension: str, segment: Column, is_published: bool, is_judged: Column) -> Column:
    return F.struct(
        F.lit(dimension).alias("dimension"),
        segment.alias("segment"),
        F.lit(is_published).alias("is_published"),
        is_judged.alias("is_judged"),
    )


def _seller_size() -> Column:
    """The segment by the seller's number of labelled listings, as in `sellers.listings`."""
    listings = F.coalesce("seller_listings", F.lit(0))
    size = F.when(F.col("seller_id").isNull(), F.lit(UNKNOWN))
    for name, least in SELLER_SIZES:
        size = size.when(listings >= least, F.lit(name))
    return size
