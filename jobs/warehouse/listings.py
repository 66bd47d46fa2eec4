"""Views of the table listings that several commands use."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from schemas.successors import Successors

DELIVERY = "delivery"
"""Source of the aliases that are names of delivered categories."""
TAXONOMY_FILE = "taxonomy"
"""Source of the aliases that are former categories, which the taxonomy says what they are replaced by."""


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


def read_successors(aliases: DataFrame) -> Successors:
    """The former categories, with the categories that have taken their places.

    Args:
        aliases: category_aliases.
    """
    return {row.alias: row.category for row in aliases.where(F.col("source") == TAXONOMY_FILE).collect()}


def follow(rows: DataFrame, successors: Successors, *columns: str) -> DataFrame:
    """Replace former categories by those that have taken their places.

    Args:
        rows: rows that may name former categories.
        successors: the output of `read_successors`.
        columns: columns with a category, or with a ranking of categories (`predictions.text_top`).
    """
    if not successors:
        return rows
    names = F.create_map(*(F.lit(word) for pair in successors.items() for word in pair))

    def newest(category: Column) -> Column:
        return F.coalesce(F.element_at(names, category), category)

    def ranked(entry: Column) -> Column:
        return F.struct(newest(entry["category"]).alias("category"), entry["probability"].alias("probability"))

    lists = [each.name for each in rows.schema.fields if isinstance(each.dataType, ArrayType)]
    return rows.withColumns(
        {name: F.transform(name, ranked) if name in lists else newest(F.col(name)) for name in columns}
    )
