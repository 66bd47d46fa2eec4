"""Casts delivered rows to the declared types of listings and finds the reasons why a row cannot be used.

Types vary between files, so every value is cast separately, and each failed cast is a reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, NumericType, StringType

from conf.ingest_settings import IngestSettings
from jobs.ingestion.steps import casts
from jobs.ingestion.steps.casts import quoted
from jobs.ingestion.steps.first_values import of_first_value
from jobs.ingestion.steps.ids import is_damaged
from jobs.ingestion.steps.pictures import delivered_picture, path_of_picture
from jobs.ingestion.steps.sources import Source, find_attributes, find_columns, has_bytes, refuse_types
from schemas.reasons import QuarantineReason
from udfs.fingerprint import content_hash, text_hash, uri_hash
from udfs.picture_lists import MAY_BE_SEVERAL, first_address_udf
from udfs.prices import price_udf

_AS_DELIVERED = ("title", "description")
_FIRST = ("image", "image_uri")
"""Columns for which the first element of a list counts: a shop shows it first."""
_PRICE, _FIRST_URI = "__price__", "__first_uri__"
_Cast = Callable[[Column, DataType], Column]


def validate_rows(
    rows: DataFrame, settings: IngestSettings, malformed: str, now: dt.datetime, delivered_at: dt.datetime | None = None
) -> DataFrame:
    """Cast every row and find the reasons why it cannot be used.

    Args:
        rows: delivered rows.
        settings: how columns are named and prices written. Columns of listings that the rows lack become null.
        malformed: name of the column with the text of a row that could not be parsed.
        now: the current time, UTC.
        delivered_at: the time of the rows if they have no column `updated_at`, UTC.

    Returns:
        The delivered columns of listings, `price_unread` (whether there is a price that cannot be read for sure),
        `price_hint` (as `udfs.prices.decimal_hint`; null if the sign before the decimals is set), `exposure_unread`
        (whether there is an exposure that is no plain number), `lists_unread` (array: columns without a value because
        the row has a list of several), `reasons` (array, empty if the row can be used) and `raw` (the row as JSON
        without pictures; null if the row can be used).

    Raises:
        UsageError: a column has fields, so that it is not sure which one holds the values.
    """
    sources, attributes = find_columns(rows.schema, settings), find_attributes(rows.schema, settings)
    refuse_types(sources)

    # A list of categories is several in one value, as in text files.
    joined = {} if settings.category_separator is None else {"category": settings.category_separator}

    def value(column: str, cast: _Cast) -> Column:
        nulls = () if column in _AS_DELIVERED else settings.nulls

        def cast_source(source: Source) -> Column:
            delivered = source.joined(joined[column]) if column in joined else source.value(first=column in _FIRST)
            if isinstance(source.type, StringType) and column not in _AS_DELIVERED:
                delivered = casts.without_nulls(delivered, nulls)
            return cast(delivered, source.type)

        return of_first_value(sources[column], cast_source, nulls) if column in sources else F.lit(None)

    def of_source(column: str, make: Callable[[Source], Column]) -> Column:
        return of_first_value(sources[column], make, settings.nulls)

    values = {column: value(column, cast) for column, cast in _CASTS.items()}
    values["updated_at"] = value("updated_at", partial(casts.time, pattern=settings.time_format))
    written_time, written_price = value("updated_at", casts.plain), value("price", casts.plain)
    written_exposure = value("exposure", casts.plain)
    if "image" in sources and "image_uri" not in sources:
        values["image_uri"] = of_source("image", lambda source: path_of_picture(source.value(first=True), source.type))
    if "updated_at" not in sources and delivered_at is not None:
        values["updated_at"] = F.lit(delivered_at)
        written_time = values["updated_at"].cast("string")
    hint = F.lit(None).cast("string")
    if any(not isinstance(source.type, NumericType) for source in sources.get("price", ())):
        written = value("price", _written_price)
        rows = rows.withColumn(_PRICE, price_udf(settings.decimal_sign)(written.cast("string")))
        values["price"] = F.coalesce(F.col(f"{_PRICE}.amount"), value("price", _number_price))
        hint = F.col(f"{_PRICE}.hint")
        values["currency"] = F.coalesce(F.col(f"{_PRICE}.currency"), values["currency"])
    if any(isinstance(source.type, StringType) for source in sources.get("image_uri", ())):
        several = F.when(values["image_uri"].rlike(MAY_BE_SEVERAL), values["image_uri"])
        rows = rows.withColumn(_FIRST_URI, first_address_udf(settings.image_prefixes)(several))
        values["image_uri"] = F.coalesce(F.col(_FIRST_URI), values["image_uri"])
    kept = F.map_from_arrays(
        F.array(*(F.lit(name) for name in attributes)),
        F.array(
            *(
                F.coalesce(*(casts.without_nulls(source.as_text(), settings.nulls) for source in found))
                for found in attributes.values()
            )
        ),
    )
    one_value = [name for name in sources if name not in _FIRST and name not in joined]
    lists = {name: of_source(name, Source.is_longer_list) for name in one_value}
    used = [*(found for column, found in sources.items() if column != "image"), *attributes.values()]
    not_utf8 = [source.is_not_utf8() for found in used for source in found]
    faults = {
        QuarantineReason.MISSING_LISTING_ID: values["listing_id"].isNull(),
        QuarantineReason.LISTING_ID_TOO_LONG: F.char_length(values["listing_id"]) > settings.max_listing_id_length,
        QuarantineReason.DAMAGED_LISTING_ID: of_source(
            "listing_id", lambda source: is_damaged(values["listing_id"], source.value(), source.type)
        ),
        QuarantineReason.NOT_UTF8: reduce(Column.__or__, not_utf8, F.lit(False)),
        QuarantineReason.MISSING_UPDATED_AT: written_time.isNull(),
        QuarantineReason.INVALID_UPDATED_AT: written_time.isNotNull() & values["updated_at"].isNull(),
        QuarantineReason.FUTURE_UPDATED_AT: casts.is_future(values["updated_at"], now, settings.max_future_days),
    }
    invalid = F.array_compact(F.array(*(F.when(fault, reason.value) for reason, fault in faults.items())))
    malformed_text = quoted(malformed)
    is_malformed = malformed_text.isNotNull()
    reasons = F.when(is_malformed, F.array(F.lit(QuarantineReason.MALFORMED_ROW.value))).otherwise(invalid)
    not_shown = {malformed, _PRICE, _FIRST_URI, *(source.column for source in sources.get("image", ()))}
    shown = [quoted(f.name) for f in rows.schema.fields if f.name not in not_shown and not has_bytes(f.dataType)]
    row_as_json = F.to_json(F.struct(*shown), {"ignoreNullFields": "false"})
    raw = F.when(is_malformed, F.to_json(F.struct(malformed_text.alias("row")))).otherwise(row_as_json)
    return rows.select(
        *(value.cast(_TYPES.get(column, "string")).alias(column) for column, value in values.items()),
        (F.map_filter(kept, lambda _, v: v.isNotNull()) if attributes else F.lit(None))
        .cast("map<string, string>")
        .alias("attributes"),
        (written_price.isNotNull() & values["price"].isNull()).alias("price_unread"),
        hint.alias("price_hint"),
        (written_exposure.isNotNull() & values["exposure"].isNull()).alias("exposure_unread"),
        F.array_compact(F.array(*(F.when(is_list, F.lit(name)) for name, is_list in lists.items()))).alias(
            "lists_unread"
        ),
        reasons.alias("reasons"),
        F.when(F.size(reasons) > 0, raw).alias("raw"),
    )


def add_hashes(rows: DataFrame, prefixes: tuple[str, ...], max_image_bytes: int, *, has_uris: bool) -> DataFrame:
    """Add text_hash, image_hash and content_hash; and picture, the result of reading a URI (null if none was read).

    A URI is read only if the row has no picture as bytes and can be used.

    Args:
        rows: the output of `validate_rows`.
        prefixes, max_image_bytes: which URIs may be read, as in `udfs.picture_uris.read_uri`.
        has_uris: whether the delivery has a column of URIs.
    """
    read = F.lit(None).cast("struct<image_hash: string, picture: string>")
    if has_uris:
        uri = F.when(F.col("image").isNull() & (F.size("reasons") == 0), F.col("image_uri"))
        read = uri_hash(prefixes, max_image_bytes)(uri)
    hashed = rows.withColumns({"read": read, "text_hash": text_hash(F.col("title"), F.col("description"))})
    hashed = hashed.withColumn("image_hash", F.coalesce(F.sha2("image", 256), F.col("read.image_hash")))
    hashed = hashed.withColumn("content_hash", content_hash(F.col("text_hash"), F.col("image_hash")))
    hashed = hashed.withColumn("picture", F.col("read.picture"))
    return hashed.select(*(name for name in hashed.columns if name not in ("read", "image")), "image")


def _written_price(value: Column, kind: DataType) -> Column:
    """A price as text; null if it is a number already, in which no sign is open."""
    return F.lit(None).cast("string") if isinstance(kind, NumericType) else casts.plain(value, kind)


def _number_price(value: Column, kind: DataType) -> Column:
    """A price that is a number already; null if it is text."""
    return casts.number(value, kind) if isinstance(kind, NumericType) else F.lit(None).cast("double")


_CASTS: dict[str, _Cast] = {
    "listing_id": casts.plain,
    "title": casts.text,
    "description": casts.text,
    "category": casts.plain,
    "price": casts.number,
    "currency": casts.currency,
    "condition": casts.plain,
    "exposure": casts.number,
    "seller_id": casts.plain,
    "image_uri": casts.plain,
    "image": delivered_picture,
}
_TYPES = {"updated_at": "timestamp", "price": "double", "exposure": "double", "image": "binary"}
