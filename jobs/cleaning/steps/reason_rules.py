"""The rules that flag a listing: one function a reason, and the registry `RULES`.

A rule reads the columns of one listing and a `RuleContext`, and returns a boolean column; null counts as false. To add
a reason, declare it in `schemas.reasons.Reason`, and enter its rule here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.queue import error_probability, in_audit_sample
from schemas.reasons import NO_PICTURE, NO_TITLE, CategoryAction, CategorySource, ImageStatus, Reason, TitleStatus

EXPECTED_FROM = 0.5
"""A title or a picture is expected of every listing where at least this share of the catalogue has one."""


@dataclass(frozen=True)
class RuleContext:
    """What the rules need besides a listing's own columns.

    Attributes:
        run_date: of the run.
        mismatch_at_least: probability, 0 to 1, from which a picture is an image_mismatch.
        refer_below: posterior, 0 to 1, below which a referred category is a low_confidence.
        ask_from: probability of an error, 0 to 1, from which the category queue is filled up with low_confidence.
        audit_chance: chance, 0 to 1, of every listing to be drawn for the audit sample.
        titles_expected: whether a listing without a title is a missing_title.
        pictures_expected: whether a listing without a picture is a missing_image.
    """

    run_date: dt.date
    mismatch_at_least: float
    refer_below: float
    ask_from: float
    audit_chance: float
    titles_expected: bool
    pictures_expected: bool


Rule = Callable[[RuleContext], Column]


def expected_parts(listings: DataFrame) -> DataFrame:
    """One row: `titles` and `pictures`, whether at least `EXPECTED_FROM` of the listings have one.

    Args:
        listings: with title_status and image_status. Without any listing, both are false.
    """
    titled = ~F.col("title_status").isin(*NO_TITLE)
    pictured = ~F.col("image_status").isin(*NO_PICTURE)

    def is_expected(present: Column) -> Column:
        return F.coalesce(F.avg(present.cast("double")) >= EXPECTED_FROM, F.lit(False))

    return listings.agg(is_expected(titled).alias("titles"), is_expected(pictured).alias("pictures"))


def _not_reviewed() -> Column:
    """No reviewer has decided the category of the present content."""
    return F.col("category_source") != CategorySource.REVIEWER.value


def _referred() -> Column:
    return F.col("category_action") == CategoryAction.REFERRED.value


def _wrong_category(_: RuleContext) -> Column:
    return _referred() & F.col("in_taxonomy") & (F.col("category") != F.col("best_category"))


def _low_confidence(context: RuleContext) -> Column:
    doubtful = F.col("novel") | (F.col("category_confidence") < context.refer_below)
    fills_queue = _not_reviewed() & (error_probability() >= context.ask_from)
    return (_referred() & doubtful | fills_queue) & ~_wrong_category(context)


def _missing_category(_: RuleContext) -> Column:
    return _not_reviewed() & F.col("category").isNull()


def _unknown_category(_: RuleContext) -> Column:
    return _not_reviewed() & F.col("category").isNotNull() & ~F.col("in_taxonomy")


def _sensitive_category(_: RuleContext) -> Column:
    return _referred() & F.col("touches_sensitive")


def _image_mismatch(context: RuleContext) -> Column:
    return F.col("mismatch") >= context.mismatch_at_least


def _missing_image(context: RuleContext) -> Column:
    return F.col("image_status").isin(*NO_PICTURE) & F.lit(context.pictures_expected)


def _corrupt_image(_: RuleContext) -> Column:
    """An unreadable picture is none: no person can mend it, and the next night tries again."""
    return F.col("image_status").isin(ImageStatus.CORRUPT.value, ImageStatus.TOO_LARGE.value)


def _blank_image(_: RuleContext) -> Column:
    return F.col("image_status") == ImageStatus.BLANK.value


def _missing_title(context: RuleContext) -> Column:
    """An empty title is uninformative, not missing."""
    return (F.col("title_status") == TitleStatus.MISSING.value) & F.lit(context.titles_expected)


def _uninformative_title(context: RuleContext) -> Column:
    """Where titles are not expected, an empty one is as good as none."""
    status = F.col("title_status")
    empty = (status == TitleStatus.EMPTY.value) & F.lit(context.titles_expected)
    return empty | (status == TitleStatus.UNINFORMATIVE.value)


def _audit_sample(context: RuleContext) -> Column:
    return _not_reviewed() & in_audit_sample(context.run_date, context.audit_chance)


RULES: Mapping[Reason, Rule] = {
    Reason.WRONG_CATEGORY: _wrong_category,
    Reason.LOW_CONFIDENCE: _low_confidence,
    Reason.MISSING_CATEGORY: _missing_category,
    Reason.UNKNOWN_CATEGORY: _unknown_category,
    Reason.SENSITIVE_CATEGORY: _sensitive_category,
    Reason.IMAGE_MISMATCH: _image_mismatch,
    Reason.MISSING_IMAGE: _missing_image,
    Reason.CORRUPT_IMAGE: _corrupt_image,
    Reason.BLANK_IMAGE: _blank_image,
    Reason.MISSING_TITLE: _missing_title,
    Reason.UNINFORMATIVE_TITLE: _uninformative_title,
    Reason.AUDIT_SAMPLE: _audit_sample,
}
"""The reasons that are computed. A declared reason that is not here is never raised, and has no metric."""

PROBABILITIES: Mapping[Reason, str] = {Reason.IMAGE_MISMATCH: "mismatch"}
"""Reasons whose severity is multiplied by a probability, 0 to 1: the name of its column."""
