"""Casts delivered rows to the declared types of listings and finds the reasons why a row cannot be used.

Types vary between files, so every value is cast separately, and each failed cast is a reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, NumericType, StringType

from conf.ingest_settings import IngestSettings
from jobs.ingestion.steps import casts
from jobs.ingestion.steps.casts import quoted
from schemas.errors import UsageError
from schemas.reasons import QuarantineReason
from udfs.fingerprint import content_hash, text_hash, uri_hash
from udfs.prices import price_udf

REQUIRED = ("listing_id", "updated_at")
OPTIONAL = (
    "title", "description", "category", "price", "currency", "condition", "exposure", "seller_id", "image_uri", "image"
)  # fmt: skip

_NO_TIME = "updated_at"
_AS_DELIVERED = ("title", "description")
_PRICE = "__price__"
_ROUNDED = r"^[0-9](\.[0-9]+)?[eE]\+[0-9]+$"
_Cast = Callable[[Column, DataType], Column]


def find_columns(given: Sequence[str], settings: IngestSettings) -> dict[str, str]:
    """Map the columns of listings to the columns of a file.

    Args:
        given: columns of the file.
        settings: `columns` maps columns whose names differ in more than case.

    Returns:
        Column of listings -> column of the file; columns that the file lacks are left out.
    """
    found = {column: _find(source, given) for column, source in _sources(settings).items()}
    return {column: source for column, source in found.items() if source is not None}


def find_attributes(given: Sequence[str], settings: IngestSettings) -> dict[str, str]:
    """Map the names of attributes to the columns of a file, as `find_columns`."""
    found = {name: _find(source, given) for name, source in settings.attributes.items()}
    return {name: source for name, source in found.items() if source is not None}


def require_columns(given: Sequence[str], settings: IngestSettings) -> None:
    """Check that the files have all required and all mapped columns; the time of all rows can be set instead.

    Raises:
        UsageError: one is missing. The message lists the columns of the files.
    """
    sources = _sources(settings) | settings.attributes
    found = find_columns(given, settings) | find_attributes(given, settings)
    named = {*REQUIRED, *settings.columns, *settings.attributes}
    if settings.updated_at is not None:
        named -= {"updated_at"}
    missing = [name for name in sources if name not in found and name in named]
    if missing:
        names = ", ".join(name if sources[name] == name else f"{name} ({sources[name]!r})" for name in missing)
        raise UsageError(
            f"the file lacks {names}; its columns are {', '.join(given) or 'none'}. If a column has another name, map "
            f"it with --set 'ingest.columns={{{missing[0]}: NAME_IN_FILE}}'."
            + (" If no column has the time of a row, use --set ingest.updated_at=file." if _NO_TIME in missing else "")
        )


def _sources(settings: IngestSettings) -> dict[str, str]:
    renamed = {str(column): source for column, source in settings.columns.items()}
    sources = {column: renamed.get(column, column) for column in (*REQUIRED, *OPTIONAL)}
    return {column: source for column, source in sources.items() if source is not None}


def _find(name: str, given: Sequence[str]) -> str | None:
    """The column of a name, or else the only one whose name differs from it in case alone; None if there is none."""
    if name in given:
        return name
    alike = [each for each in given if each.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


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
        `reasons` (array, empty if the row can be used) and `raw` (the row as JSON without pictures; null if the row can
        be used).

    Raises:
        UsageError: the column of pictures has neither bytes nor text.
    """
    sources, attributes = find_columns(rows.columns, settings), find_attributes(rows.columns, settings)
    types = {column: rows.schema[source].dataType for column, source in sources.items()}
    if "image" in types and not isinstance(types["image"], BinaryType | StringType):
        raise UsageError(
            f"column {sources['image']!r} has type {types['image'].simpleString()}; pictures must be bytes or base64 "
            "text."
        )

    def value(column: str, cast: _Cast) -> Column:
        if column not in sources:
            return F.lit(None)
        delivered = quoted(sources[column])
        if isinstance(types[column], StringType) and column not in _AS_DELIVERED:
            delivered = casts.without_nulls(delivered, settings.nulls)
        return cast(delivered, types[column])

    values = {column: value(column, _CASTS[column]) for column in (*REQUIRED, *OPTIONAL)}
    written_time, written_price = value("updated_at", casts.plain), value("price", casts.plain)
    if "updated_at" not in sources and delivered_at is not None:
        values["updated_at"] = F.lit(delivered_at)
        written_time = values["updated_at"].cast("string")
    if "price" in types and not isinstance(types["price"], NumericType):
        rows = rows.withColumn(_PRICE, price_udf(settings.decimal_sign)(written_price.cast("string")))
        values["price"] = F.col(f"{_PRICE}.amount")
        values["currency"] = F.coalesce(F.col(f"{_PRICE}.currency"), values["currency"])
    kept = F.map_from_arrays(
        F.array(*(F.lit(name) for name in attributes)),
        F.array(*(casts.plain(quoted(source), rows.schema[source].dataType) for source in attributes.values())),
    )
    faults = {
        QuarantineReason.MISSING_LISTING_ID: values["listing_id"].isNull(),
        QuarantineReason.LISTING_ID_TOO_LONG: F.char_length(values["listing_id"]) > settings.max_listing_id_length,
        QuarantineReason.DAMAGED_LISTING_ID: values["listing_id"].rlike(_ROUNDED),
        QuarantineReason.MISSING_UPDATED_AT: written_time.isNull(),
        QuarantineReason.INVALID_UPDATED_AT: written_time.isNotNull() & values["updated_at"].isNull(),
        QuarantineReason.FUTURE_UPDATED_AT: casts.is_future(values["updated_at"], now),
    }
    invalid = F.array_compact(F.array(*(F.when(fault, reason.value) for reason, fault in faults.items())))
    malformed_text = quoted(malformed)
    is_malformed = malformed_text.isNotNull()
    reasons = F.when(is_malformed, F.array(F.lit(QuarantineReason.MALFORMED_ROW.value))).otherwise(invalid)
    columns = [quoted(f.name) for f in rows.schema.fields if f.name not in (malformed, _PRICE, sources.get("image"))]
    not_binary = [c for c in columns if not isinstance(rows.select(c).schema[0].dataType, BinaryType)]
    row_as_json = F.to_json(F.struct(*not_binary), {"ignoreNullFields": "false"})
    raw = F.when(is_malformed, F.to_json(F.struct(malformed_text.alias("row")))).otherwise(row_as_json)
    return rows.select(
        *(value.cast(_TYPES.get(column, "string")).alias(column) for column, value in values.items()),
        (F.map_filter(kept, lambda _, v: v.isNotNull()) if attributes else F.lit(None))
        .cast("map<string, string>")
        .alias("attributes"),
        (written_price.isNotNull() & values["price"].isNull()).alias("price_unread"),
        reasons.alias("reasons"),
        F.when(F.size(reasons) > 0, raw).alias("raw"),
    )


def add_hashes(rows: DataFrame, settings: IngestSettings, *, has_uris: bool) -> DataFrame:
    """Add text_hash, image_hash and content_hash; and picture, the result of reading a URI (null if none was read).

    A URI is read only if the row has no picture as bytes and can be used.

    Args:
        rows: the output of `validate_rows`.
        settings: which URIs may be read.
        has_uris: whether the delivery has a column of URIs.
    """
    read = F.lit(None).cast("struct<image_hash: string, picture: string>")
    if has_uris:
        uri = F.when(F.col("image").isNull() & (F.size("reasons") == 0), F.col("image_uri"))
        read = uri_hash(settings.image_prefixes, settings.max_image_bytes)(uri)
    hashed = rows.withColumns({"read": read, "text_hash": text_hash(F.col("title"), F.col("description"))})
    hashed = hashed.withColumn("image_hash", F.coalesce(F.sha2("image", 256), F.col("read.image_hash")))
    hashed = hashed.withColumn("content_hash", content_hash(F.col("text_hash"), F.col("image_hash")))
    hashed = hashed.withColumn("picture", F.col("read.picture"))
    return hashed.select(*(name for name in hashed.columns if name not in ("read", "image")), "image")


_CASTS: dict[str, _Cast] = {
    "listing_id": casts.plain,
    "updated_at": casts.time,
    "title": casts.text,
    "description": casts.text,
    "category": casts.plain,
    "price": casts.number,
    "currency": casts.plain,
    "condition": casts.plain,
    "exposure": casts.number,
    "seller_id": casts.plain,
    "image_uri": casts.plain,
    "image": casts.image,
}
_TYPES = {"updated_at": "timestamp", "price": "double", "exposure": "double", "image": "binary"}
