"""A category action for each listing: kept, corrected or referred, by the posterior and the reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.sellers import label_posterior
from jobs.cleaning.steps.trust import Trust, trusted_column
from schemas.reasons import CategoryAction, CategorySource

_BINS = 10_000


@dataclass(frozen=True)
class Thresholds:
    """Posteriors, 0 to 1, at which a category is corrected by itself, and below which a standing one is referred."""

    correct_from: float
    refer_below: float


def add_posteriors(evidence: DataFrame, rates: DataFrame, overall: float, trust: Trust) -> DataFrame:
    """The posterior of the label and of the likeliest other category.

    Args:
        evidence: listings with the columns of `udfs.label_evidence.EVIDENCE_COLUMNS`, and `seller_id`.
        rates: seller_id, error_rate.
        overall: the rate of listings without a seller.
        trust: what the audit has taught about labels.

    Returns:
        `evidence` without `candidates`, with error_rate, label_posterior (0 where there is no label), best_category,
        best_confidence and suggested_categories (all the candidates with their posterior, the likeliest first).
    """
    joined = evidence.join(rates.select("seller_id", "error_rate"), "seller_id", "left")
    rate = F.coalesce(F.col("error_rate"), F.lit(overall))
    joined = joined.withColumn("error_rate", rate)
    learnt = label_posterior(F.col("label_support"), F.col("other_support"), F.col("error_rate"))
    label = F.when(F.col("in_taxonomy"), trusted_column(learnt, F.col("label_support"), trust)).otherwise(F.lit(0.0))
    joined = joined.withColumn("label_posterior", label)
    others = F.transform(
        "candidates", lambda c: _ranked(c["category"], c["probability"] * (1 - F.col("label_posterior")))
    )
    own = F.when(F.col("in_taxonomy"), F.array(_ranked(F.col("category"), F.col("label_posterior")))).otherwise(
        F.array().cast("array<struct<category: string, probability: double>>")
    )
    joined = joined.withColumn("suggested_categories", _by_probability(F.concat(own, others))).drop("candidates")
    best = F.get("suggested_categories", F.lit(0))
    return joined.withColumn("best_category", best["category"]).withColumn("best_confidence", best["probability"])


class CorrectionBin(NamedTuple):
    """Listings that the model could correct with about the same posterior.

    Attributes:
        bin: the posterior in steps of 1/10,000, rounded down.
        listings: how many there are, 1 or more.
        mass: the sum of their posteriors.
    """

    bin: int
    listings: int
    mass: float


def correction_bins(candidates: DataFrame) -> DataFrame:
    """Count the listings that could be corrected by their posterior: rows of `CorrectionBin`, 10,001 at most.

    Args:
        candidates: the output of `mark_sensitive`, `mark_novel` and `mark_scarce`.
    """
    bin_ = F.floor(F.col("best_confidence") * _BINS)
    correctable = candidates.where(_correctable()).groupBy(bin_.alias("bin"))
    return correctable.agg(F.count(F.lit(1)).alias("listings"), F.sum("best_confidence").alias("mass"))


def correction_threshold(bins: Sequence[CorrectionBin], precision: float) -> float:
    """The lowest posterior at which the mean posterior of the corrections is at least `precision`.

    Args:
        bins: the rows of `correction_bins`, in any order.
        precision: 0 to 1.

    Returns:
        A posterior, to a ten-thousandth; above 1 where nothing can be corrected at that precision.
    """
    mass, listings, threshold = 0.0, 0, 1.0 + 1.0 / _BINS
    for each in sorted(bins, reverse=True):
        mass, listings = mass + each.mass, listings + each.listings
        if mass / listings < precision:
            break
        threshold = each.bin / _BINS
    return threshold


def mark_sensitive(candidates: DataFrame, sensitive: list[str]) -> DataFrame:
    """Add `touches_sensitive`: the change from label to best category would touch a sensitive category."""
    differs = ~F.col("category").eqNullSafe(F.col("best_category"))
    touched = F.coalesce(F.col("category").isin(*sensitive), F.lit(False)) | F.col("best_category").isin(*sensitive)
    return candidates.withColumn(
        "touches_sensitive", differs & F.coalesce(touched, F.lit(False)) if sensitive else F.lit(False)
    )


def mark_novel(candidates: DataFrame, above: float) -> DataFrame:
    """Add `novel`: most words are of no listing that was learnt from, so that perhaps no category fits.

    Args:
        candidates: with `novelty`, null where there are no words.
        above: `schemas.bundle.BundleSpec.novel_above`.
    """
    return candidates.withColumn("novel", F.coalesce(F.col("novelty") > above, F.lit(False)))


def mark_scarce(candidates: DataFrame, least: int) -> DataFrame:
    """Add `scarce`: fewer than `least` listings are labelled with the best category, so little is known of it."""
    labelled = candidates.where("in_taxonomy").groupBy(F.col("category").alias("best_category"))
    # One row a category: small whatever the size of the catalogue.
    sizes = F.broadcast(labelled.agg(F.count(F.lit(1)).alias("labelled")))
    joined = candidates.join(sizes, "best_category", "left")
    return joined.withColumn("scarce", F.coalesce("labelled", F.lit(0)) < least).drop("labelled")


def decide(candidates: DataFrame, decisions: DataFrame, thresholds: Thresholds) -> DataFrame:
    """Give each listing its category action, effective category and confidence.

    Args:
        candidates: the output of `mark_sensitive`, `mark_novel` and `mark_scarce`.
        decisions: the output of `standing_decisions`.
        thresholds: when to correct, when to refer.

    Returns:
        `candidates` with decision, effective_category, category_source, category_action and category_confidence; with
        unreviewed_category, the effective category as it would be without the decision; and with `audited`, whether
        the decision answers the audit.
    """
    joined = candidates.join(decisions, ["listing_id", "content_hash"], "left")
    reviewed = F.col("reviewed_category").isNotNull()
    corrected = _correctable() & (F.col("best_confidence") >= thresholds.correct_from)
    by_model = corrected | ~F.col("in_taxonomy")
    unreviewed = F.when(by_model, F.col("best_category")).otherwise(F.col("category"))
    effective = F.when(reviewed, F.col("reviewed_category")).otherwise(unreviewed)
    source = (
        F.when(reviewed, CategorySource.REVIEWER.value)
        .when(by_model, CategorySource.MODEL.value)
        .otherwise(CategorySource.SELLER.value)
    )
    confidence = (
        F.when(reviewed, F.lit(1.0)).when(by_model, F.col("best_confidence")).otherwise(F.col("label_posterior"))
    )
    unsure = F.col("novel") | _differs() | ~F.col("in_taxonomy") | (F.col("label_posterior") < thresholds.refer_below)
    action = (
        F.when(reviewed & (F.col("reviewed_category") == F.col("category")), CategoryAction.KEPT.value)
        .when(reviewed | corrected, CategoryAction.CORRECTED.value)
        .when(unsure, CategoryAction.REFERRED.value)
        .otherwise(CategoryAction.KEPT.value)
    )
    return (
        joined.withColumn("effective_category", effective)
        .withColumn("unreviewed_category", unreviewed)
        .withColumn("audited", reviewed & F.col("audit_chance").isNotNull())
        .drop("audit_chance")
        .withColumn("category_source", source)
        .withColumn("category_action", action)
        .withColumn("category_confidence", confidence)
    )


def _differs() -> Column:
    return ~F.col("category").eqNullSafe(F.col("best_category"))


def _correctable() -> Column:
    """A listing of a known kind that the model has judged, whose label is not the best, and which it may change."""
    judged = F.col("predicted_category").isNotNull() & ~F.col("novel") & ~F.col("scarce")
    return judged & _differs() & ~F.col("touches_sensitive")


def _ranked(category: Column, probability: Column) -> Column:
    return F.struct(category.alias("category"), probability.alias("probability"))


def _by_probability(ranked: Column) -> Column:
    """Highest first; equal ones by name, so that a rerun ranks them alike."""
    negative = F.transform(
        ranked, lambda c: F.struct((-c["probability"]).alias("key"), c["category"].alias("category"))
    )
    return F.transform(F.array_sort(negative), lambda c: _ranked(c["category"], -c["key"]))
