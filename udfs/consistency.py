"""Rules on a listing's own columns: each returns a reason, or null where there is nothing to say."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.reasons import ImageStatus, Reason

_PLACEHOLDERS = (
    "n/a", "na", "n.a", "n.a.", "nan", "none", "null", "nil", "test", "testing", "tbd", "tba", "todo", "xxx", "asdf",
    "untitled", "no title", "title", "product", "item", "listing", "lorem ipsum", "article", "produit", "titre",
    "sans titre", "essai",
)  # fmt: skip


def missing_category(category: Column) -> Column:
    """missing_category where the seller gave none."""
    return F.when(category.isNull(), F.lit(Reason.MISSING_CATEGORY.value))


def unknown_category(category: Column, in_taxonomy: Column) -> Column:
    """unknown_category where the seller's code is not in the taxonomy."""
    return F.when(category.isNotNull() & ~in_taxonomy, F.lit(Reason.UNKNOWN_CATEGORY.value))


def missing_title(title: Column) -> Column:
    """missing_title where there is none; an empty one is uninformative."""
    return F.when(title.isNull(), F.lit(Reason.MISSING_TITLE.value))


def uninformative_title(title: Column) -> Column:
    """uninformative_title where it says nothing: empty, no letter of any script, a placeholder, one letter repeated."""
    plain = F.lower(F.trim(title))
    says_nothing = ~plain.rlike(r"\p{L}") | plain.isin(*_PLACEHOLDERS) | plain.rlike(r"^(\p{IsLatin})\1*$")
    return F.when(title.isNotNull() & says_nothing, F.lit(Reason.UNINFORMATIVE_TITLE.value))


def image_problem(status: Column, pictures_expected: Column) -> Column:
    """missing_image, corrupt_image or blank_image by the picture's status.

    Args:
        status: `predictions.image_status`.
        pictures_expected: false where the whole catalogue has no pictures, so that lacking one says nothing.
    """
    unusable = [s.value for s in (ImageStatus.CORRUPT, ImageStatus.TOO_LARGE, ImageStatus.UNREADABLE)]
    return (
        F.when((status == ImageStatus.MISSING.value) & pictures_expected, F.lit(Reason.MISSING_IMAGE.value))
        .when(status.isin(*unusable), F.lit(Reason.CORRUPT_IMAGE.value))
        .when(status == ImageStatus.BLANK.value, F.lit(Reason.BLANK_IMAGE.value))
    )


def image_mismatch(probability: Column, at_least: float) -> Column:
    """image_mismatch where the picture shows something else with at least this probability."""
    return F.when(probability >= at_least, F.lit(Reason.IMAGE_MISMATCH.value))
