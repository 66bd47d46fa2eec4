"""Keyed pseudonyms of ids: the same id always has the same one, and without the key nobody can tell the id.

They are keyed hashes (`udfs.keyed_hash`) with a secret key of the warehouse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import cast

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StringType

from udfs.keyed_hash import keyed_hash

LEAST_BYTES = 32
"""The least length of a key: that of the hash (RFC 2104, section 3)."""


class Purpose(Enum):
    """What a pseudonym is for. The same id has different pseudonyms for different purposes, so nobody can link them."""

    SELLER = "seller"
    SUPPRESSED_LISTING = "suppressed listing"
    SUPPRESSED_SELLER = "suppressed seller"
    CHECK = "check"


@dataclass(frozen=True)
class PseudonymKey:
    """The secret key of a warehouse's pseudonyms.

    Attributes:
        secret: at least `LEAST_BYTES` random bytes.
    """

    secret: bytes = field(repr=False)

    @property
    def check(self) -> str:
        """Tells keys apart: what was made with another key has another check. 32 hexadecimal digits."""
        return self.pseudonym(Purpose.CHECK, "")

    def pseudonym(self, purpose: Purpose, value: str) -> str:
        """The pseudonym of an id: 32 hexadecimal digits, 128 bits of the hash."""
        return keyed_hash(self.secret, purpose.value, value)

    def pseudonyms(self, purpose: Purpose) -> Callable[[Column], Column]:
        """A function of a column of ids that gives their pseudonyms; null stays null."""

        def each(ids: pd.Series) -> pd.Series:
            return ids.map(lambda value: self.pseudonym(purpose, value), na_action="ignore")

        udf = pandas_udf(each, StringType())  # type: ignore[call-overload]
        return cast("Callable[[Column], Column]", udf)
