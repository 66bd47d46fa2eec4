"""Casts delivered rows to the declared types of listings and finds the reasons why a row cannot be used.

Types vary between files, so every value is cast separately, and each failed cast is a reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, DataType, StringType

from conf.settings import IngestSettings
from jobs.ingestion.steps import casts
from jobs.ingestion.steps.casts import quoted
from schemas.errors import UsageError
from schemas.reasons import QuarantineReason
from udfs.fingerprint import content_hash, text_hash, uri_hash

REQUIRED = ("listing_id", "updated_at")
OPTIONAL = ("title", "description", "category", "price", "seller_id", "image_uri", "image")

_Cast = Callable[[Column, DataType], Column]


def match_columns(given: Sequence[str], settings: IngestSettings) -> dict[str, str]:
    """Map the columns of listings to the columns of the files.

    Args:
        given: columns of the files.
        settings: `columns` maps columns whose names differ.

    Returns:
        Column of listings -> column of the files; optional columns that the files lack are left out.

    Raises:
        UsageError: a required or mapped column is missing. The message lists the columns of the files.
    """
    renamed = {str(column): source for column, source in settings.columns.items()}
    sources = {column: renamed.get(column, column) for column in (*REQUIRED, *OPTIONAL)}
    required = [column for column in sources if column in REQUIRED or column in renamed]
    missing = [column for column in required if sources[column] not in given]
    if missing:
        names = ", ".join(name if sources[name] == name else f"{name} ({sources[name]!r})" for name in missing)
        raise UsageError(
            f"the file lacks {names}; its columns are {', '.join(given) or 'none'}. If a column has another name, map "
            f"it with --set 'ingest.columns={{{missing[0]}: NAME_IN_FILE}}'."
        )
    return {column: source for column, source in sources.items() if source in given}


def validate_rows(
    rows: DataFrame, sources: Mapping[str, str], malformed: str, max_id_length: int, now: dt.datetime
) -> DataFrame:
    """Cast every row and find the reasons why it cannot be used.

    Args:
        rows: delivered rows.
        sources: column of listings -> column of `rows`; columns that are not in it become null.
        malformed: name of the column with the text of a row that could not be parsed.
        max_id_length: maximum length of listing_id.
        now: the current time, UTC.

    Returns:
        row_number (an id of the row within the delivery), the delivered columns of listings, `reasons` (array, empty if
        the row can be used) and `raw` (the row as JSON without pictures; null if the row can be used).

    Raises:
        UsageError: the column of pictures has neither bytes nor text.
    """
    types = {column: rows.schema[source].dataType for column, source in sources.items()}
    if "image" in types and not isinstance(types["image"], BinaryType | StringType):
        raise UsageError(
            f"column {sources['image']!r} has type {types['image'].simpleString()}; pictures must be bytes or base64 "
            "text."
        )

    def value(column: str, cast: _Cast) -> Column:
        return cast(quoted(sources[column]), types[column]) if column in sources else F.lit(None)

    values = {column: value(column, _CASTS[column]) for column in (*REQUIRED, *OPTIONAL)}
    texts = {column: value(column, casts.plain) for column in ("updated_at", "price")}
    faults = {
        QuarantineReason.MISSING_LISTING_ID: values["listing_id"].isNull(),
        QuarantineReason.LISTING_ID_TOO_LONG: F.char_length(values["listing_id"]) > max_id_length,
        QuarantineReason.MISSING_UPDATED_AT: texts["updated_at"].isNull(),
        QuarantineReason.INVALID_UPDATED_AT: texts["updated_at"].isNotNull() & values["updated_at"].isNull(),
        QuarantineReason.FUTURE_UPDATED_AT: casts.is_future(values["updated_at"], now),
        QuarantineReason.INVALID_PRICE: texts["price"].isNotNull() & values["price"].isNull(),
    }
    invalid = F.array_compact(F.array(*(F.when(fault, reason.value) for reason, fault in faults.items())))
    malformed_text = quoted(malformed)
    is_malformed = malformed_text.isNotNull()
    reasons = F.when(is_malformed, F.array(F.lit(QuarantineReason.MALFORMED_ROW.value))).otherwise(invalid)
    columns = [quoted(f.name) for f in rows.schema.fields if f.name not in (malformed, sources.get("image"))]
    not_binary = [c for c in columns if not isinstance(rows.select(c).schema[0].dataType, BinaryType)]
    row_as_json = F.to_json(F.struct(*not_binary), {"ignoreNullFields": "false"})
    raw = F.when(is_malformed, F.to_json(F.struct(malformed_text.alias("row")))).otherwise(row_as_json)
    return rows.select(
        F.monotonically_increasing_id().alias("row_number"),
        *(value.cast(_TYPES.get(column, "string")).alias(column) for column, value in values.items()),
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
    "price": casts.price,
    "seller_id": casts.plain,
    "image_uri": casts.plain,
    "image": casts.image,
}
_TYPES = {"updated_at": "timestamp", "price": "double", "image": "binary"}
