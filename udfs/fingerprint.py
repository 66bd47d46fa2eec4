"""Hashes of a listing's content: equal content has equal hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import cast

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

from udfs.picture_uris import read_uri


def text_hash(title: Column, description: Column) -> Column:
    """SHA-256 (64 hex digits) over title and description.

    Null and empty text have different hashes, and moving text from the title to the description changes the hash.
    """
    return joint_hash(title, description)


def content_hash(text: Column, image_hash: Column) -> Column:
    """SHA-256 over `text_hash` and the picture's hash: the model's inputs, so without category, price and seller."""
    return joint_hash(text, image_hash)


def joint_hash(*columns: Column) -> Column:
    """SHA-256 over columns of any simple type; length prefixes keep different rows from having the same input."""
    texts = [column.cast("string") for column in columns]
    parts = [F.coalesce(F.concat(F.octet_length(t).cast("string"), F.lit(":"), t), F.lit("-")) for t in texts]
    return F.sha2(F.concat(*parts), 256)


def uri_hash(prefixes: tuple[str, ...], max_bytes: int) -> Callable[[Column], Column]:
    """Make a UDF: picture URI -> `image_hash` (SHA-256 of the picture's bytes) and `picture` (its status).

    `picture` is a value of `schemas.reasons.ImageStatus`, as `udfs.picture_uris.read_uri` returns it. Both are null if
    there is no URI; `image_hash` is null unless the status is `ok`.
    """

    def hashes(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        for uris in batches:
            rows = [_hash(uri, prefixes, max_bytes) for uri in uris]
            yield pd.DataFrame(rows, columns=["image_hash", "picture"], dtype=object)

    # The type stubs require the function type as an argument, but pyspark advises against it.
    udf = pandas_udf(hashes, "image_hash STRING, picture STRING")  # type: ignore[call-overload]
    return cast("Callable[[Column], Column]", udf)


def _hash(uri: str | None, prefixes: tuple[str, ...], max_bytes: int) -> tuple[str | None, str | None]:
    if uri is None:
        return None, None
    data, status = read_uri(uri, prefixes, max_bytes)
    return (hashlib.sha256(data).hexdigest() if data is not None else None), status.value
