"""Calibrates the posterior of the likeliest category: with the model's claim slope, and the answers to the audit.

Platt scaling (Platt, 1999) with a prior around the identity: a few hundred answers change the posterior, and without
answers it stays as it is. The audit draws listings independently of the model, so its answers represent the whole
catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from scipy.optimize import minimize

from jobs.cleaning.steps.trust import logit_column
from schemas.arrays import Bools, Floats

_SLOPE_DEVIATION, _OFFSET_DEVIATION = 0.25, 0.5
"""Standard deviations of the prior of the slope (mean 1) and the offset (mean 0)."""
_HALF = 0.5
_EPSILON = 1e-6
"""Posteriors are clipped to this distance from 0 and 1."""


@dataclass(frozen=True)
class Calibration:
    """`logit(calibrated) = slope * logit(posterior) + offset`, fitted on a number of `audited` listings."""

    slope: float = 1.0
    offset: float = 0.0
    audited: int = 0


def audit_answers(candidates: DataFrame, decisions: DataFrame) -> DataFrame:
    """The answers to the audit: one row per audited listing that the model has scored.

    Args:
        candidates: the output of `jobs.cleaning.steps.decide.add_posteriors`.
        decisions: the output of `jobs.cleaning.steps.reviews.latest_decisions`.

    Returns:
        best_confidence, `right` (whether the best category is right), label_posterior, label_support and `label_right`
        (whether the label is right; null if it is not in the taxonomy).
    """
    answered = decisions.where("audit_chance IS NOT NULL").select("listing_id", "content_hash", "reviewed_category")
    joined = candidates.join(answered, ["listing_id", "content_hash"])
    answer = F.col("reviewed_category")
    return joined.where(F.col("best_category").isNotNull()).select(
        "best_confidence",
        (F.col("best_category") == answer).alias("right"),
        "label_posterior",
        "label_support",
        F.when(F.col("in_taxonomy"), F.col("category") == answer).alias("label_right"),
    )


def fit_calibration(confidence: Floats, right: Bools) -> Calibration:
    """Fit slope and offset by maximum a posteriori estimation.

    Args:
        confidence: posterior of the best category, 0 to 1, shape (n,); n may be 0.
        right: whether the best category is right, shape (n,).
    """
    if not len(confidence):
        return Calibration()
    bounded = np.clip(confidence, _EPSILON, 1 - _EPSILON)
    logit, sign = np.log(bounded / (1 - bounded)), np.where(right, 1.0, -1.0)

    def loss(x: Floats) -> float:
        margin = sign * (x[0] * logit + x[1])
        prior = ((x[0] - 1) / _SLOPE_DEVIATION) ** 2 + (x[1] / _OFFSET_DEVIATION) ** 2
        return float(np.logaddexp(0.0, -margin).sum() + prior / 2)

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.1, 3.0), (-5.0, 5.0)]).x
    return Calibration(float(slope), float(offset), len(confidence))


def lower_claims(candidates: DataFrame, slope: float) -> DataFrame:
    """Apply the model's claim slope where the best category is the label, as `training.claims.lower_claims` does.

    The probabilities of the other categories are rescaled. Their order does not change.

    Args:
        candidates: the output of `jobs.cleaning.steps.decide.add_posteriors`.
        slope: `schemas.bundle.NoiseModel.claim_slope`; at 1 nothing changes.
    """
    if slope == 1.0:
        return candidates
    best = F.col("best_confidence")
    claimed = 1 / (1 + F.exp(-slope * logit_column(best)))
    kept = F.col("best_category").eqNullSafe(F.col("category"))
    return _with_confidence(candidates, F.when(kept & (best > _HALF), claimed).otherwise(best))


def calibrate(candidates: DataFrame, calibration: Calibration) -> DataFrame:
    """Calibrate best_confidence, and rescale the probabilities of the other categories. Their order does not change.

    Args:
        candidates: the output of `jobs.cleaning.steps.decide.add_posteriors`.
        calibration: the calibration. Without audited listings, nothing changes.
    """
    if not calibration.audited:
        return candidates
    best, second = (
        F.col("best_confidence"),
        F.coalesce(F.get("suggested_categories", F.lit(1))["probability"], F.lit(0.0)),
    )
    logit = logit_column(best) * calibration.slope + calibration.offset
    # At this value the second category would be equally likely.
    lowest = second / F.greatest(1 - best + second, F.lit(_EPSILON))
    return _with_confidence(candidates, F.when(best.isNotNull(), F.greatest(1 / (1 + F.exp(-logit)), lowest)))


def _with_confidence(candidates: DataFrame, confidence: Column) -> DataFrame:
    """Replace best_confidence, and rescale the probabilities of the other categories."""
    best = F.col("best_confidence")
    with_calibrated = candidates.withColumn("calibrated", confidence)
    rest = (1 - F.col("calibrated")) / F.greatest(1 - best, F.lit(_EPSILON))

    def rescale(category: Column, probability: Column) -> Column:
        return F.when(category == F.col("best_category"), F.col("calibrated")).otherwise(
            F.least(probability * rest, F.lit(1.0))
        )

    suggested = F.transform(
        "suggested_categories",
        lambda c: F.struct(
            c["category"].alias("category"), rescale(c["category"], c["probability"]).alias("probability")
        ),
    )
    return (
        with_calibrated.withColumn("suggested_categories", suggested)
        .withColumn("label_posterior", rescale(F.coalesce("category", F.lit("")), F.col("label_posterior")))
        .withColumn("best_confidence", F.col("calibrated"))
        .drop("calibrated")
    )
