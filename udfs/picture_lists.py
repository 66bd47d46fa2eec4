"""The first of several addresses of pictures in one value, which exports separate in different ways."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StringType

MAY_BE_SEVERAL = r"[,;|\s]|^\s*\["
"""What every value with several addresses has; one with a single address may have it, too."""
_SERVER = "https?://"
_PICTURE = r"(?:(?<=\.jpg)|(?<=\.png)|(?<=\.gif)|(?<=\.jpeg)|(?<=\.webp))"


def first_address(text: str, prefixes: Sequence[str]) -> str:
    """The first address in a value; the value itself, unless it is sure that it contains several.

    Addresses are separated by `|` or a space, perhaps with a comma or semicolon before it: in an address, these are
    encoded. A comma or semicolon without a space may be a part of an address. So it only separates two of the same
    server, or with the same prefix, or where the first ends like the name of a picture.

    Args:
        text: one or more addresses, or a list of texts as JSON or Python write it.
        prefixes: every address begins with http://, https:// or one of these (`ingest.image_prefixes`).
    """
    items = _items(text)
    if items is not None:
        return items[0] if all(_start(item, prefixes) for item in items) else text
    begin = f"(?={'|'.join([_SERVER, *map(re.escape, prefixes)])})"
    first = re.split(rf"(?:\s*\||[,;]?\s)\s*{begin}", text.strip(), maxsplit=1, flags=re.IGNORECASE)[0]
    first = re.split(rf"{_PICTURE}[,;]{begin}", first, maxsplit=1, flags=re.IGNORECASE)[0]
    parts = re.split(rf"[,;]{begin}", first, flags=re.IGNORECASE)
    starts = {_start(part, prefixes) for part in parts}
    if None in starts:
        return text
    return (parts[0] if len(starts) == 1 else first).rstrip("| ")


def first_address_udf(prefixes: Sequence[str]) -> Callable[[Column], Column]:
    """Make a UDF: text -> `first_address`; null stays null."""

    def first(texts: pd.Series) -> pd.Series:
        return texts.map(lambda text: first_address(text, prefixes), na_action="ignore")

    udf = pandas_udf(first, StringType())  # type: ignore[call-overload]
    return cast("Callable[[Column], Column]", udf)


def _items(text: str) -> list[str] | None:
    """The texts of a list that is written as JSON or as Python writes it; None if it is none."""
    if not (text.strip().startswith("[") and text.strip().endswith("]")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list) and found and all(isinstance(each, str) for each in found):
            return [each.strip() for each in found]
    return None


def _start(address: str, prefixes: Sequence[str]) -> str | None:
    """The server of an address, or the prefix with which it begins; None if it has none."""
    if re.match(_SERVER, address, re.IGNORECASE):
        try:
            return urlsplit(address).netloc.lower() or None
        except ValueError:
            return None
    return next((prefix for prefix in prefixes if address.startswith(prefix)), None)
