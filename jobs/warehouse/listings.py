"""Views of the table listings that several commands use."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def in_force(listings: DataFrame) -> DataFrame:
    """Listings that are not withdrawn."""
    return listings.where(~F.coalesce("withdrawn", F.lit(False)))


def narrow(listings: DataFrame) -> DataFrame:
    """Listings in force, without their pictures."""
    return in_force(listings).drop("image")


def with_taxonomy(listings: DataFrame, taxonomy: DataFrame) -> DataFrame:
    """Add `in_taxonomy`: whether the seller's category is in the taxonomy."""
    known = taxonomy.select("category", F.lit(True).alias("in_taxonomy"))
    joined = listings.join(F.broadcast(known), "category", "left")
    return joined.withColumn("in_taxonomy", F.coalesce("in_taxonomy", F.lit(False)))
