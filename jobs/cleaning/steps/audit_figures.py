"""What the figures that people's answers give count: error rates by the audit, and the precision of corrections."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.reasons import CategorySource


def audit_counts() -> dict[str, Column]:
    """What is counted of each segment for the figures of the audit: name -> the listings that count.

    The number of wrong listings has two parts: errors that were known before a listing could be drawn, and those of all
    other listings, of which the audited ones are a random sample. An answer judges the category that was published
    before it. What people have put right since, in the audit or not, is subtracted from the errors that are left.
    """
    by_person = F.col("category_source") == CategorySource.REVIEWER.value
    known, audited = F.col("known"), F.col("audited")
    label_wrong = ~F.col("effective_category").eqNullSafe(F.col("category"))
    published_wrong = ~F.col("effective_category").eqNullSafe(F.col("judged_category"))
    is_correction = F.col("in_taxonomy") & (F.col("judged_category") != F.col("category"))
    return {
        "listings": F.lit(True),
        "sampled_from": ~known,
        "audited": audited,
        "audited_wrong_before": audited & label_wrong,
        "audited_wrong_left": audited & published_wrong,
        "known_wrong_before": known & label_wrong,
        "put_right_since": by_person & ~known & published_wrong,
        "audited_labels": audited & F.col("in_taxonomy"),
        "labels_sampled_from": ~known & F.col("in_taxonomy"),
        "audited_wrong_corrections": audited & is_correction & ~label_wrong,
        "corrections": is_correction,
        "corrections_decided": is_correction & by_person,
        "corrections_decided_right": is_correction & by_person & ~published_wrong,
        "corrections_sampled_from": is_correction & ~known,
        "corrections_audited": is_correction & audited,
        "corrections_audited_right": is_correction & audited & ~published_wrong,
    }
