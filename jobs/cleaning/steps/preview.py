"""What other thresholds would have corrected and referred in a publication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.decide import (
    BINS,
    CorrectionBin,
    correctable,
    correction_bin,
    correction_threshold,
    is_unsure,
    mark_novel,
    mark_scarce,
    mark_sensitive,
)
from jobs.cleaning.steps.rollout import is_hidden
from schemas.reasons import CategorySource
from schemas.rollout import RolloutArm


@dataclass(frozen=True)
class PreviewBin:
    """Listings of a publication with about the same posterior of the best category.

    Attributes:
        bin: the posterior in steps of 1/10,000, rounded down; None for the listings that no threshold corrects.
        listings, mass: correctable listings, also answered ones, and the sum of their posteriors. The threshold comes
            from them.
        free, free_mass: those among them that the model may decide.
        referred: listings that are referred whatever the threshold.
    """

    bin: int | None
    listings: int
    mass: float
    free: int
    free_mass: float
    referred: int


@dataclass(frozen=True)
class Preview:
    """What a publication would have been with a precision.

    Attributes:
        precision: `decide.correction_precision`, 0 to 1.
        threshold: the posterior from which the best category replaces the label; above 1 if none does.
        corrected: number of corrections without a person.
        expected_wrong: how many of them the model expects to be wrong.
        referred: number of listings about whose category people are asked.
    """

    precision: float
    threshold: float
    corrected: int
    expected_wrong: float
    referred: int


def preview_bins(
    clean: DataFrame,
    predictions: DataFrame,
    taxonomy: DataFrame,
    *,
    sensitive: list[str],
    novel_above: float,
    labelled: Mapping[str, int],
    min_listings: int,
    refer_below: float,
) -> DataFrame:
    """Count the listings of a publication by posterior: rows of `PreviewBin`, at most 10,002.

    Args:
        clean: rows of clean_listings.
        predictions: the predictions of the publication's model.
        taxonomy: the publication's taxonomy.
        sensitive: the sensitive categories of the taxonomy.
        novel_above: `schemas.bundle.BundleSpec.novel_above`.
        labelled: as for `mark_scarce`.
        min_listings: `decide.correction_min_listings`.
        refer_below: `decide.refer_below`.
    """
    codes = F.broadcast(taxonomy.select("category", F.lit(True).alias("in_taxonomy")))
    judged = predictions.select("listing_id", "content_hash", "predicted_category", "novelty")
    found = clean.join(judged, ["listing_id", "content_hash"], "left").join(codes, "category", "left")
    of_seller = F.col("category_source") == CategorySource.SELLER.value
    found = found.withColumns(
        {
            "in_taxonomy": F.coalesce("in_taxonomy", F.lit(False)),
            # What the model has corrected differs from the label, so the label's posterior is not asked for.
            "label_posterior": F.when(of_seller, F.coalesce("category_confidence", F.lit(0.0))).otherwise(0.0),
            "rollout_arm": F.coalesce("rollout_arm", F.lit(RolloutArm.CORRECT.value)),
        }
    )
    marked = mark_scarce(mark_novel(mark_sensitive(found, sensitive), novel_above), labelled, min_listings)
    by_model = (F.col("category_source") != CategorySource.REVIEWER.value) & ~is_hidden()
    may = correctable() & by_model & (F.col("rollout_arm") == RolloutArm.CORRECT.value)
    posterior = F.col("best_confidence")
    return marked.groupBy(F.when(correctable(), correction_bin()).alias("bin")).agg(
        F.count_if(correctable()).alias("listings"),
        F.coalesce(F.sum(F.when(correctable(), posterior)), F.lit(0.0)).alias("mass"),
        F.count_if(may).alias("free"),
        F.coalesce(F.sum(F.when(may, posterior)), F.lit(0.0)).alias("free_mass"),
        F.count_if(by_model & ~may & is_unsure(refer_below)).alias("referred"),
    )


def previews(bins: Sequence[PreviewBin], precisions: Sequence[float]) -> list[Preview]:
    """What each precision would have corrected and referred, in ascending order of the precisions.

    Args:
        bins: the rows of `preview_bins`, in any order.
        precisions: values of `decide.correction_precision`, 0 to 1.
    """
    counted = [(each.bin, each) for each in bins if each.bin is not None]
    always = sum(each.referred for each in bins)
    found = []
    for precision in sorted(set(precisions)):
        threshold = correction_threshold([CorrectionBin(i, b.listings, b.mass) for i, b in counted], precision)
        above = [b for i, b in counted if i / BINS >= threshold]
        corrected = sum(b.free for b in above)
        wrong = corrected - sum(b.free_mass for b in above)
        below = sum(b.free for _, b in counted) - corrected
        found.append(Preview(precision, threshold, corrected, max(wrong, 0.0), always + below))
    return found


def weakest_categories(corrected: DataFrame, limit: int) -> DataFrame:
    """The categories with the most corrections that the model expects to be wrong, the worst first.

    Args:
        corrected: effective_category and category_confidence of the corrections.
        limit: maximum number of categories.

    Returns:
        category, corrected (number of corrections to it), wrong (how many are expected to be wrong) and right (the
        share expected to be right).
    """
    wrong = F.sum(1.0 - F.col("category_confidence"))
    found = corrected.groupBy(F.col("effective_category").alias("category")).agg(
        F.count(F.lit(1)).alias("corrected"), wrong.alias("wrong"), F.mean("category_confidence").alias("right")
    )
    return found.orderBy(F.desc("wrong"), "category").limit(limit)
