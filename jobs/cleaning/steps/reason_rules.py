"""The rules that flag listings: one function per reason, and the registry `RULES`.

A rule gets a `RuleContext` and returns a boolean column; null counts as false. To add a reason, declare it in
`schemas.reasons.Reason` and add its rule to `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.prices import EXPECTED_FROM as PRICES_EXPECTED_FROM
from jobs.cleaning.steps.prices import is_possible
from jobs.cleaning.steps.queue import error_probability
from schemas.reasons import NO_PICTURE, NO_TITLE, CategoryAction, CategorySource, ImageStatus, Reason, TitleStatus

EXPECTED_FROM = 0.5
"""Titles, or pictures, are expected if at least this share of the catalogue has one."""

_UNUSABLE = (ImageStatus.CORRUPT.value, ImageStatus.UNSUPPORTED_FORMAT.value, ImageStatus.TOO_LARGE.value)


@dataclass(frozen=True)
class RuleContext:
    """The inputs of the rules other than the columns of a listing.

    Attributes:
        mismatch_at_least: mismatch probability from which image_mismatch is raised, 0 to 1.
        refer_below: posterior below which low_confidence is raised for a referred category, 0 to 1.
        ask_from: probability of an error from which low_confidence is raised to fill up the category queue; above 1 if
            the queue is full.
        titles_expected: whether missing_title is raised.
        pictures_expected: whether missing_image is raised.
        prices_expected: whether a missing price, or one of 0, is an outlier.
        outlier_from: distance from the usual price from which price_outlier is raised.
        contradicted_from: probability of another condition from which condition_mismatch is raised, 0 to 1.
    """

    mismatch_at_least: float
    refer_below: float
    ask_from: float
    titles_expected: bool
    pictures_expected: bool
    prices_expected: bool
    outlier_from: float
    contradicted_from: float


Rule = Callable[[RuleContext], Column]


def expected_parts(listings: DataFrame) -> DataFrame:
    """Find out whether titles, pictures and prices are expected.

    Titles and pictures are if at least `EXPECTED_FROM` of the listings have one, prices if nearly all have one.

    Args:
        listings: with title_status, image_status and price.

    Returns:
        One row with the booleans `titles`, `pictures` and `prices`; all are false if there are no listings.
    """
    titled = ~F.col("title_status").isin(*NO_TITLE)
    pictured = ~F.col("image_status").isin(*NO_PICTURE)

    def is_expected(present: Column, share: float = EXPECTED_FROM) -> Column:
        return F.coalesce(F.avg(present.cast("double")) >= share, F.lit(False))

    return listings.agg(
        is_expected(titled).alias("titles"),
        is_expected(pictured).alias("pictures"),
        is_expected(is_possible(F.col("price")), PRICES_EXPECTED_FROM).alias("prices"),
    )


def _not_reviewed() -> Column:
    """Whether no reviewer has decided the category of the current content."""
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
    return F.col("mismatch_probability") >= context.mismatch_at_least


def _missing_image(context: RuleContext) -> Column:
    return F.col("image_status").isin(*NO_PICTURE) & F.lit(context.pictures_expected)


def _corrupt_image(_: RuleContext) -> Column:
    """Unreadable pictures are not included, because the next nightly run tries again to read them."""
    return F.col("image_status").isin(*_UNUSABLE)


def _blank_image(_: RuleContext) -> Column:
    return F.col("image_status") == ImageStatus.BLANK.value


def _missing_title(context: RuleContext) -> Column:
    """Empty titles are not included; they are uninformative."""
    return (F.col("title_status") == TitleStatus.MISSING.value) & F.lit(context.titles_expected)


def _uninformative_title(context: RuleContext) -> Column:
    """Empty titles are included only if titles are expected."""
    status = F.col("title_status")
    empty = (status == TitleStatus.EMPTY.value) & F.lit(context.titles_expected)
    return empty | (status == TitleStatus.UNINFORMATIVE.value)


def _price_outlier(context: RuleContext) -> Column:
    """A negative price is impossible. One of 0 stands for no price where many listings have none."""
    price = F.col("price")
    absent = price.isNull() | F.isnan(price) | (price == 0)
    far = F.abs("price_distance") >= context.outlier_from
    return far | (price < 0) | (price == float("inf")) | (absent & F.lit(context.prices_expected))


def _condition_mismatch(context: RuleContext) -> Column:
    return F.col("condition_contradiction") >= context.contradicted_from


def _duplicate(_: RuleContext) -> Column:
    return F.col("duplicate_of").isNotNull()


def _personal_data(_: RuleContext) -> Column:
    """Listings that the model has not scored have not been read for it."""
    return F.size("personal_data") > 0


def _audit_sample(_: RuleContext) -> Column:
    return _not_reviewed() & F.col("drawn")


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
    Reason.PRICE_OUTLIER: _price_outlier,
    Reason.CONDITION_MISMATCH: _condition_mismatch,
    Reason.DUPLICATE: _duplicate,
    Reason.PERSONAL_DATA: _personal_data,
    Reason.AUDIT_SAMPLE: _audit_sample,
}
"""The rule of each reason. A declared reason without a rule is never raised and has no metric."""

PROBABILITIES: Mapping[Reason, str] = {
    Reason.IMAGE_MISMATCH: "mismatch_probability",
    Reason.CONDITION_MISMATCH: "condition_contradiction",
}
"""Reason -> column with the probability, 0 to 1, by which its severity is multiplied."""
