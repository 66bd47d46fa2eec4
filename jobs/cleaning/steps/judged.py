"""The values that a reviewer's answer judges: it holds for them, and no longer."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.decisions import CATEGORY_QUESTION
from schemas.reasons import ANSWERED_BY_CATEGORY, Reason
from udfs.fingerprint import joint_hash

VALUES: Mapping[str, tuple[str, ...]] = {
    CATEGORY_QUESTION: ("category",),
    Reason.PRICE_OUTLIER.value: ("price", "currency", "effective_category"),
    Reason.CONDITION_MISMATCH.value: ("condition",),
    Reason.DUPLICATE.value: ("duplicate_of",),
    Reason.IMAGE_MISMATCH.value: ("category",),
}
"""Question -> columns that an answer judges besides the content. Questions that are not named judge only that."""


def judged_hash(question: Column) -> Column:
    """SHA-256 (64 hex digits) of the values that an answer to a question judges.

    Args:
        question: `CATEGORY_QUESTION` or a reason's name.
    """
    found = joint_hash(question, F.col("content_hash"))
    for name, columns in VALUES.items():
        values = joint_hash(question, F.col("content_hash"), *(F.col(column) for column in columns))
        found = F.when(question == name, values).otherwise(found)
    return found


def judged_hashes() -> Column:
    """Question -> `judged_hash` of all questions about a listing, by its column `reasons`."""
    about_category = F.array(*(F.lit(reason.value) for reason in ANSWERED_BY_CATEGORY))
    others = F.array_except("reasons", about_category)
    category = F.when(F.arrays_overlap("reasons", about_category), F.array(F.lit(CATEGORY_QUESTION)))
    questions = F.concat(F.coalesce(category, F.array().cast("array<string>")), others)
    return F.map_from_entries(F.transform(questions, lambda question: F.struct(question, judged_hash(question))))
