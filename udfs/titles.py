"""Detect titles that say nothing about the product."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.reasons import TitleStatus

_PLACEHOLDERS = (
    "n/a", "na", "n.a", "n.a.", "nan", "none", "null", "nil", "test", "testing", "tbd", "tba", "todo", "xxx", "asdf",
    "untitled", "no title", "title", "product", "item", "listing", "lorem ipsum", "article", "produit", "titre",
    "sans titre", "essai",
)  # fmt: skip


def is_uninformative(title: Column) -> Column:
    """Whether a title is empty, a placeholder, one repeated letter, or has no letter of any script.

    Args:
        title: a string column; the result is false where it is null.
    """
    plain = F.lower(F.trim(title))
    uninformative = ~plain.rlike(r"\p{L}") | plain.isin(*_PLACEHOLDERS) | plain.rlike(r"^(\p{IsLatin})\1*$")
    return title.isNotNull() & uninformative


def title_status(title: Column) -> Column:
    """The `TitleStatus` of a title.

    Args:
        title: a string column; null is `missing`.
    """
    return (
        F.when(title.isNull(), TitleStatus.MISSING.value)
        .when(F.trim(title) == "", TitleStatus.EMPTY.value)
        .when(is_uninformative(title), TitleStatus.UNINFORMATIVE.value)
        .otherwise(TitleStatus.OK.value)
    )
