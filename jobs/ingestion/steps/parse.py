"""Casts rows of a batch to listings of the declared types, and names the reasons why a row cannot be used.

Types vary between files, so every value is cast on its own, and each failed cast is a reason.
"""

from __future__ import annotations

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
    """Map our columns to those of the file that has them.

    Args:
        given: the delivery's columns.
        settings: `columns` names theirs, where they differ from ours.

    Raises:
        UsageError: a required column, or one that the settings name, is not there; the message lists what is.
    """
    columns = {str(ours): theirs for ours, theirs in settings.columns.items()}
    matched = {ours: columns.get(ours, ours) for ours in (*REQUIRED, *OPTIONAL)}
    lacking = [ours for ours in matched if matched[ours] not in given and (ours in REQUIRED or ours in columns)]
    if lacking:
        wanted = ", ".join(ours if matched[ours] == ours else f"{ours} ({matched[ours]!r})" for ours in lacking)
        raise UsageError(
            f"the file lacks {wanted}; its columns are {', '.join(given) or 'none'}. Map a column with another name "
            f"with --set 'ingest.columns={{{lacking[0]}: THEIR_NAME}}'."
        )
    return {ours: theirs for ours, theirs in matched.items() if theirs in given}


def judge_rows(rows: DataFrame, matched: Mapping[str, str], malformed: str, max_id_length: int) -> DataFrame:
    """Cast every row, and name the reasons why it cannot be used.

    Args:
        rows: as delivered.
        matched: our columns -> the delivery's; what is not in it is null.
        malformed: the column that holds the text of a row that could not be read.
        max_id_length: a longer listing_id cannot be used.

    Returns:
        row_number (an id of the row within the delivery), the columns of listings that a delivery brings, `reasons`
        (array, empty where the row can be used) and `raw` (the row as JSON without pictures, where it cannot).

    Raises:
        UsageError: the picture's column is neither bytes nor text.
    """
    types = {ours: rows.schema[theirs].dataType for ours, theirs in matched.items()}
    if "image" in types and not isinstance(types["image"], BinaryType | StringType):
        raise UsageError(
            f"column {matched['image']!r} is {types['image'].simpleString()}: a picture is bytes, or base64 text."
        )

    def value(ours: str, cast: _Cast) -> Column:
        return cast(quoted(matched[ours]), types[ours]) if ours in matched else F.lit(None)

    theirs = {ours: value(ours, _CASTS[ours]) for ours in (*REQUIRED, *OPTIONAL)}
    given = {ours: value(ours, casts.plain) for ours in ("updated_at", "price")}
    long_id = F.char_length(theirs["listing_id"]) > max_id_length
    faults = {
        QuarantineReason.MISSING_LISTING_ID: theirs["listing_id"].isNull(),
        QuarantineReason.LISTING_ID_TOO_LONG: long_id,
        QuarantineReason.MISSING_UPDATED_AT: given["updated_at"].isNull(),
        QuarantineReason.INVALID_UPDATED_AT: given["updated_at"].isNotNull() & theirs["updated_at"].isNull(),
        QuarantineReason.INVALID_PRICE: given["price"].isNotNull() & theirs["price"].isNull(),
    }
    found = F.array_compact(F.array(*(F.when(fault, reason.value) for reason, fault in faults.items())))
    broken = quoted(malformed)
    reasons = F.when(broken.isNotNull(), F.array(F.lit(QuarantineReason.MALFORMED_ROW.value))).otherwise(found)
    kept = [quoted(f.name) for f in rows.schema.fields if f.name not in (malformed, matched.get("image"))]
    plain = [c for c in kept if not isinstance(rows.select(c).schema[0].dataType, BinaryType)]
    whole = F.to_json(F.struct(*plain), {"ignoreNullFields": "false"})
    raw = F.when(broken.isNotNull(), F.to_json(F.struct(broken.alias("row")))).otherwise(whole)
    return rows.select(
        F.monotonically_increasing_id().alias("row_number"),
        *(column.cast(_TYPES.get(ours, "string")).alias(ours) for ours, column in theirs.items()),
        reasons.alias("reasons"),
        F.when(F.size(reasons) > 0, raw).alias("raw"),
    )


def add_hashes(rows: DataFrame, settings: IngestSettings, *, uris: bool) -> DataFrame:
    """Add what the content is: text_hash, image_hash, content_hash; and picture (null unless a URI was to be read).

    Args:
        rows: the output of `judge_rows`.
        settings: where pictures behind URIs may be read.
        uris: whether the delivery has any. Bytes in the row go before a URI; those of quarantined rows are not read.
    """
    read = F.lit(None).cast("struct<image_hash: string, picture: string>")
    if uris:
        wanted = F.when(F.col("image").isNull() & (F.size("reasons") == 0), F.col("image_uri"))
        read = uri_hash(settings.image_prefixes, settings.max_image_bytes)(wanted)
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
