"""Recognises rows about erased listings and sellers by the pseudonyms of the ids that they name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import cast

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import BooleanType

from udfs.pseudonyms import PseudonymKey, Purpose

_BETWEEN_TOKENS = re.compile(r"[\s\"',;:|(){}\[\]<>=/\\]+")

_WHOLE_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0+)?", re.ASCII)


def names_suppressed(
    key: PseudonymKey, listings: frozenset[str], sellers: frozenset[str]
) -> Callable[[Column, Column, Column], Column]:
    """Make a UDF: (listing_id, seller_id, raw) -> whether a row is about a suppressed listing or seller.

    The two ids are compared as a whole; a listing id that is a number also with and without `.0`. `raw` is the JSON of
    a row that could not be used, in which an id may be anywhere: each of its values is compared, and each of their
    parts between spaces, quotes, brackets, commas, colons, semicolons, equals signs, slashes and vertical bars. All
    three may be null.

    Args:
        key: the key of the pseudonyms.
        listings, sellers: pseudonyms of the suppressed listings and sellers.
    """

    def is_listing(value: str) -> bool:
        return any(key.pseudonym(Purpose.SUPPRESSED_LISTING, form) in listings for form in forms(value))

    def is_seller(value: str) -> bool:
        return key.pseudonym(Purpose.SUPPRESSED_SELLER, value) in sellers

    def is_named(listing_id: str | None, seller_id: str | None, raw: str | None) -> bool:
        if (listing_id is not None and is_listing(listing_id)) or (seller_id is not None and is_seller(seller_id)):
            return True
        return raw is not None and any(is_listing(text) or is_seller(text) for text in set(parts(raw)))

    def each(listing_ids: pd.Series, seller_ids: pd.Series, raws: pd.Series) -> pd.Series:
        rows = zip(*(column.where(column.notna(), None) for column in (listing_ids, seller_ids, raws)), strict=True)
        return pd.Series([is_named(*row) for row in rows], dtype=bool)

    udf = pandas_udf(each, BooleanType())  # type: ignore[call-overload]
    return cast("Callable[[Column, Column, Column], Column]", udf)


def forms(listing_id: str) -> tuple[str, ...]:
    """The forms in which an id is the same listing: if all ids of a delivery are numbers, `123.0` is 123."""
    number = _WHOLE_NUMBER.fullmatch(listing_id)
    return (listing_id,) if number is None else tuple(dict.fromkeys((listing_id, number[1], f"{number[1]}.0")))


def parts(raw: str) -> Iterator[str]:
    """The values of a JSON object, and their parts."""
    for value in json.loads(raw).values():
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            yield text
            yield from filter(None, _BETWEEN_TOKENS.split(text))
