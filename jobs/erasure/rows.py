"""The rows of a table without what is erased."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import cast

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StringType

from jobs.erasure.names import ID_COLUMNS, Names, is_telling
from jobs.erasure.targets import LISTING, SELLER, id_frame
from jobs.ingestion.groups import bucket
from jobs.warehouse.tables import Warehouse
from schemas.tables import QUARANTINE, Table

_GROUP = "group_id"
_OTHER_LISTING, _KEPT, _SIMILAR = "other_listing_id", "duplicate_of", "similar"
_WORDS = ("suggested_words", "seller_words")


def remaining_rows(
    warehouse: Warehouse, table: Table, rows: DataFrame, names: Names, columns: Collection[str], prefix: str
) -> DataFrame:
    """The rows that stay, not computed yet.

    * Rows of erased listings and of erased sellers go, and so do rows in quarantine whose text names one.
    * A listing that was a duplicate of an erased one is none any more, until the next night finds another one.
    * Explanations no longer name an erased listing as a similar one, and lose words that are an id.
    * In texts of other rows, such as a note, the id is replaced.
    * A group of near duplicates that is named after an erased listing gets another name with the same bucket, so that
      the members that have not learned the group still predict it.

    Args:
        warehouse: the tables.
        table: the table.
        rows: its rows.
        names: what is erased.
        columns: the columns in which an id was found.
        prefix: begins the names of renamed groups; no two erasures have the same.
    """
    if table is QUARANTINE and "raw" in columns:
        rows = rows.where(F.col("raw").isNull() | (_redacted(names)(F.col("raw")) == F.col("raw")))
    for column, ids in ((LISTING, names.listings), (_OTHER_LISTING, names.listings), (SELLER, names.sellers)):
        if column in table.names and ids:
            rows = rows.join(F.broadcast(id_frame(warehouse, column, ids)), column, "left_anti")
    if _KEPT in table.names and names.listings:
        erased = F.col(_KEPT).isin(sorted(names.listings))
        rows = rows.withColumn(_KEPT, F.when(~F.coalesce(erased, F.lit(False)), F.col(_KEPT)))
    if _SIMILAR in table.names and names.listings:
        others = F.filter(_SIMILAR, lambda each: ~each[LISTING].isin(sorted(names.listings)))
        rows = rows.withColumn(_SIMILAR, others)
    words = sorted(each for each in names.ids if is_telling(each))
    for column in _WORDS:
        if column in table.names:
            rows = rows.withColumn(column, F.filter(column, lambda each: ~each["word"].isin(words)))
    if _GROUP in table.names:
        rows = _rename_groups(warehouse, rows, names, prefix)
    texts = [c.name for c in table.columns if c.name in columns and c.type == "STRING" and c.name not in ID_COLUMNS]
    return rows.withColumns({name: _redacted(names)(F.col(name)) for name in texts})


def _redacted(names: Names) -> Callable[[Column], Column]:
    def each(texts: pd.Series) -> pd.Series:
        return texts.map(names.redacted, na_action="ignore")

    udf = pandas_udf(each, StringType())  # type: ignore[call-overload]
    return cast("Callable[[Column], Column]", udf)


def _rename_groups(warehouse: Warehouse, rows: DataFrame, names: Names, prefix: str) -> DataFrame:
    named = rows.join(F.broadcast(id_frame(warehouse, _GROUP, names.listings)), _GROUP, "left_semi")
    groups = named.groupBy(_GROUP).agg(F.first("bucket").alias("bucket"))
    count = groups.count()
    if count == 0:
        return rows
    # About one in 2,520 names has the wanted bucket: of so many, every bucket has at least as many as it has groups.
    numbers = warehouse.spark.range(100_000 + 100 * count)
    pool = numbers.select(F.concat(F.lit(f"{prefix}-"), "id").alias("name"))
    by_bucket = Window.partitionBy("bucket")
    free = pool.withColumn("bucket", bucket(F.col("name"))).withColumn("nth", _nth(by_bucket, "name"))
    renamed = groups.withColumn("nth", _nth(by_bucket, _GROUP)).join(free, ["bucket", "nth"], "left")
    joined = rows.join(F.broadcast(renamed.select(_GROUP, "name")), _GROUP, "left")
    return joined.withColumn(_GROUP, F.coalesce("name", _GROUP)).drop("name")


def _nth(window: object, order: str) -> Column:
    return F.row_number().over(window.orderBy(order))  # type: ignore[attr-defined]
