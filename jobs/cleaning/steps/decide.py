"""Decides whether the category of each listing is kept, corrected or referred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.rollout import SHADOW_NAMES, is_hidden
from jobs.cleaning.steps.sellers import label_posterior
from jobs.cleaning.steps.trust import Trust, apply_trust_column
from schemas.reasons import CategoryAction, CategorySource
from schemas.rollout import RolloutArm

BINS = 10_000
"""Steps of a posterior."""


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of the posterior, 0 to 1.

    Attributes:
        correct_from: posterior of the best category from which it replaces the label.
        refer_below: posterior of the label below which it is referred.
    """

    correct_from: float
    refer_below: float


def add_posteriors(evidence: DataFrame, rates: DataFrame, overall: float, trust: Trust) -> DataFrame:
    """Compute the posterior of the label and of the other candidate categories.

    Args:
        evidence: listings with the columns of `udfs.label_evidence.EVIDENCE_COLUMNS`, and `seller_id`.
        rates: seller_id, listings, error_rate.
        overall: error rate of listings without a seller.
        trust: calibration of the label's posterior.

    Returns:
        `evidence` without `candidates`, with seller_listings (the seller's labelled listings; null if there are none),
        error_rate, label_posterior (0 if the label is not in the taxonomy),
        best_category, best_confidence and suggested_categories (all candidates with their posterior, likeliest first).
    """
    joined = evidence.join(
        rates.select("seller_id", "error_rate", F.col("listings").alias("seller_listings")), "seller_id", "left"
    )
    rate = F.coalesce(F.col("error_rate"), F.lit(overall))
    joined = joined.withColumn("error_rate", rate)
    posterior = label_posterior(F.col("label_support"), F.col("other_support"), F.col("error_rate"))
    posterior = apply_trust_column(posterior, F.col("label_support"), trust)
    joined = joined.withColumn("label_posterior", F.when(F.col("in_taxonomy"), posterior).otherwise(F.lit(0.0)))
    others = F.transform(
        "candidates", lambda c: _candidate(c["category"], c["probability"] * (1 - F.col("label_posterior")))
    )
    own = F.when(F.col("in_taxonomy"), F.array(_candidate(F.col("category"), F.col("label_posterior")))).otherwise(
        F.array().cast("array<struct<category: string, probability: double>>")
    )
    joined = joined.withColumn("suggested_categories", _by_probability(F.concat(own, others))).drop("candidates")
    best = F.get("suggested_categories", F.lit(0))
    return joined.withColumn("best_category", best["category"]).withColumn("best_confidence", best["probability"])


class CorrectionBin(NamedTuple):
    """Correctable listings with about the same posterior.

    Attributes:
        bin: the posterior in steps of 1/10,000, rounded down.
        listings: number of listings, at least 1.
        mass: sum of their posteriors.
    """

    bin: int
    listings: int
    mass: float


def correction_bins(candidates: DataFrame) -> DataFrame:
    """Count the correctable listings by posterior: rows of `CorrectionBin`, at most 10,001.

    Args:
        candidates: the output of `mark_sensitive`, `mark_novel` and `mark_scarce`.
    """
    counted = candidates.where(correctable()).groupBy(correction_bin().alias("bin"))
    return counted.agg(F.count(F.lit(1)).alias("listings"), F.sum("best_confidence").alias("mass"))


def correction_bin() -> Column:
    """The posterior of the best category in steps of 1/10,000, rounded down."""
    return F.floor(F.col("best_confidence") * BINS)


def correction_threshold(bins: Sequence[CorrectionBin], precision: float) -> float:
    """Find the lowest threshold at which the mean posterior of the corrections is at least `precision`.

    Args:
        bins: the rows of `correction_bins`, in any order.
        precision: required precision, 0 to 1.

    Returns:
        A posterior, to a ten-thousandth; above 1 if no correction reaches the precision.
    """
    mass, listings, threshold = 0.0, 0, 1.0 + 1.0 / BINS
    for each in sorted(bins, reverse=True):
        mass, listings = mass + each.mass, listings + each.listings
        if mass / listings < precision:
            break
        threshold = each.bin / BINS
    return threshold


def mark_sensitive(candidates: DataFrame, sensitive: list[str]) -> DataFrame:
    """Add `touches_sensitive`: whether label and best category differ and one of them is sensitive."""
    differs = ~F.col("category").eqNullSafe(F.col("best_category"))
    touched = F.coalesce(F.col("category").isin(*sensitive), F.lit(False)) | F.col("best_category").isin(*sensitive)
    return candidates.withColumn(
        "touches_sensitive", differs & F.coalesce(touched, F.lit(False)) if sensitive else F.lit(False)
    )


def mark_novel(candidates: DataFrame, above: float) -> DataFrame:
    """Add `novel`: whether most words do not occur in the training set, so that perhaps no category fits.

    Args:
        candidates: with `novelty`; null if the listing has no words.
        above: `schemas.bundle.BundleSpec.novel_above`.
    """
    return candidates.withColumn("novel", F.coalesce(F.col("novelty") > above, F.lit(False)))


def mark_scarce(candidates: DataFrame, labelled: Mapping[str, int], min_listings: int) -> DataFrame:
    """Add `scarce`: whether the model has learned the best category from too few listings.

    Args:
        candidates: with `best_category`, which may be null.
        labelled: category -> how many listings of the training set are labelled with it; 0 for those that are missing.
        min_listings: how many are enough.
    """
    enough = [category for category, listings in labelled.items() if listings >= min_listings]
    has_enough = F.coalesce(F.col("best_category").isin(enough), F.lit(False))
    return candidates.withColumn("scarce", F.lit(min_listings > 0) & ~has_enough)


def decide(
    candidates: DataFrame, decisions: DataFrame, thresholds: Thresholds, *, corrections: bool = True
) -> DataFrame:
    """Decide the category action, effective category and confidence of each listing.

    Args:
        candidates: the output of `mark_sensitive`, `mark_novel`, `mark_scarce` and
            `jobs.cleaning.steps.rollout.mark_arm`.
        decisions: the output of `jobs.cleaning.steps.reviews.latest_decisions`.
        thresholds: when to correct and when to refer.
        corrections: whether the model may correct. If not, what it would correct is referred.

    Returns:
        `candidates` with decision, decided_on, published_category and audit_chance of the decision, effective_category,
        category_source, category_action, category_confidence, unreviewed_category (the effective category without the
        decision), `may_correct` (by `corrections` and the arm), `withheld` (whether only that sends it to people
        instead of correcting it) and `shadow`: what the arm correct would have decided, a struct of `SHADOW_NAMES`,
        null outside the arms shadow and control. A listing without a category in the taxonomy gets the best one, but
        keeps what the seller gave, perhaps null, if the best one is sensitive.
    """
    joined = candidates.join(decisions, ["listing_id", "content_hash"], "left")
    reviewed = F.col("reviewed_category").isNotNull()
    certain = correctable() & (F.col("best_confidence") >= thresholds.correct_from)
    may_correct = F.lit(corrections) & (F.col("rollout_arm") == RolloutArm.CORRECT.value)
    by_arm = dict(zip(SHADOW_NAMES, _decide_unreviewed(certain & may_correct, thresholds), strict=True))
    by_all = zip(SHADOW_NAMES, _decide_unreviewed(certain, thresholds), strict=True)
    shadow = F.struct(*(column.alias(name) for name, column in by_all))
    sellers = {
        "effective_category": F.col("category"),
        "category_source": F.lit(CategorySource.SELLER.value),
        "category_action": F.lit(CategoryAction.KEPT.value),
        "category_confidence": F.col("label_posterior"),
    }
    alone = {name: F.when(is_hidden(), sellers[name]).otherwise(column) for name, column in by_arm.items()}
    same = F.col("reviewed_category") == F.col("category")
    by_person = {
        "effective_category": F.col("reviewed_category"),
        "category_source": F.lit(CategorySource.REVIEWER.value),
        "category_action": F.when(same, CategoryAction.KEPT.value).otherwise(CategoryAction.CORRECTED.value),
        "category_confidence": F.lit(1.0),
    }
    final = {name: F.when(reviewed, by_person[name]).otherwise(alone[name]) for name in SHADOW_NAMES}
    return joined.withColumns(
        {
            **final,
            "unreviewed_category": alone["effective_category"],
            "may_correct": may_correct,
            "withheld": certain & ~may_correct & ~is_hidden() & ~reviewed,
            "shadow": F.when(is_hidden() & ~reviewed, shadow),
        }
    )


def _decide_unreviewed(corrected: Column, thresholds: Thresholds) -> tuple[Column, Column, Column, Column]:
    """What is decided without a person, in the order of `SHADOW_NAMES`.

    Args:
        corrected: whether the label is corrected.
        thresholds: when to refer.
    """
    # Only people move a listing into a sensitive category, also one without a category.
    by_model = corrected | (~F.col("in_taxonomy") & ~F.col("touches_sensitive"))
    return (
        F.when(by_model, F.col("best_category")).otherwise(F.col("category")),
        F.when(by_model, CategorySource.MODEL.value).otherwise(CategorySource.SELLER.value),
        F.when(corrected, CategoryAction.CORRECTED.value)
        .when(is_unsure(thresholds.refer_below), CategoryAction.REFERRED.value)
        .otherwise(CategoryAction.KEPT.value),
        F.when(by_model, F.col("best_confidence")).otherwise(F.col("label_posterior")),
    )


def is_unsure(refer_below: float) -> Column:
    """Whether a listing that is not corrected is referred."""
    return F.col("novel") | _differs() | ~F.col("in_taxonomy") | (F.col("label_posterior") < refer_below)


def _differs() -> Column:
    return ~F.col("category").eqNullSafe(F.col("best_category"))


def correctable() -> Column:
    """Whether the model has scored the listing and may replace the label by the best category, which differs."""
    allowed = F.col("predicted_category").isNotNull() & ~F.col("novel") & ~F.col("scarce")
    return allowed & _differs() & ~F.col("touches_sensitive")


def _candidate(category: Column, probability: Column) -> Column:
    return F.struct(category.alias("category"), probability.alias("probability"))


def _by_probability(candidates: Column) -> Column:
    """Sort by descending probability. Ties are broken by name, so that a rerun gives the same order."""
    negative = F.transform(
        candidates, lambda c: F.struct((-c["probability"]).alias("key"), c["category"].alias("category"))
    )
    return F.transform(F.array_sort(negative), lambda c: _candidate(c["category"], -c["key"]))
