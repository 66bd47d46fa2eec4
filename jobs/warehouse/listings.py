"""Views of the table listings that several commands use."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

DELIVERY = "delivery"
"""Source of the aliases that are names of delivered categories."""


def in_force(listings: DataFrame) -> DataFrame:
    """Listings that are not withdrawn."""
    return listings.where(~F.coalesce("withdrawn", F.lit(False)))


def narrow(listings: DataFrame) -> DataFrame:
    """Listings in force, without their pictures."""
    return in_force(listings).drop("image")


def with_taxonomy(listings: DataFrame, taxonomy: DataFrame, aliases: DataFrame) -> DataFrame:
    """Replace a delivered category that stands for one of the taxonomy by its code, and add `in_taxonomy`.

    Args:
        listings: listings with the seller's category.
        taxonomy: the taxonomy.
        aliases: category_aliases, read at a version that was current with the taxonomy's.

    Returns:
        `listings`; category is a code where `in_taxonomy` is true, else as delivered.
    """
    codes = taxonomy.select(F.col("category").alias("name"), F.col("category").alias("code"))
    derived = aliases.where(F.col("source") == DELIVERY).select(F.col("alias").alias("name"), F.col("category"))
    names = codes.union(derived)
    joined = listings.join(names, listings["category"] == names["name"], "left")
    category, known = F.coalesce("code", listings["category"]), F.col("code").isNotNull()
    kept = (category.alias(name) if name == "category" else listings[name] for name in listings.columns)
    return joined.select(*kept, known.alias("in_taxonomy"))
