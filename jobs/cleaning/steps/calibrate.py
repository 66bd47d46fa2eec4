"""The posterior held against what people found in the audit sample, and put right by it.

Logistic calibration (Platt, 1999) of the likeliest category's posterior, with a prior that trusts the posterior as it
is: a few hundred answers move it, none leave it alone. The audit draws listings without looking at the model, so its
answers are those of the whole catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from scipy.optimize import minimize

from schemas.arrays import Bools, Floats

_SLOPE_DEVIATION, _OFFSET_DEVIATION = 0.25, 0.5
"""Of the prior: how far from 1 and 0 slope and offset are expected to be."""
_EPSILON = 1e-6
"""A posterior is taken to be this far from 0 and 1: nothing is surer than that."""


@dataclass(frozen=True)
class Calibration:
    """`logit(calibrated) = slope * logit(posterior) + offset`, from so many audited listings."""

    slope: float = 1.0
    offset: float = 0.0
    audited: int = 0


def audited(candidates: DataFrame, decisions: DataFrame) -> DataFrame:
    """What the audit found, a row a listing that the model has judged.

    Args:
        candidates: the output of `jobs.cleaning.steps.decide.add_posteriors`.
        decisions: the output of `jobs.cleaning.steps.decide.standing_decisions`.

    Returns:
        best_confidence, whether the best category is `right`, and of the label: label_posterior, label_support and
        whether it is right, `label_right`, null where there is no label of the taxonomy.
    """
    answered = decisions.where("audit_chance IS NOT NULL").select("listing_id", "content_hash", "reviewed_category")
    joined = candidates.join(answered, ["listing_id", "content_hash"])
    found = F.col("reviewed_category")
    return joined.where(F.col("best_category").isNotNull()).select(
        "best_confidence",
        (F.col("best_category") == found).alias("right"),
        "label_posterior",
        "label_support",
        F.when(F.col("in_taxonomy"), F.col("category") == found).alias("label_right"),
    )


def fit_calibration(confidence: Floats, right: Bools) -> Calibration:
    """The likeliest slope and offset under the prior.

    Args:
        confidence: shape (n,), 0 to 1; n may be 0.
        right: shape (n,).
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


def calibrate(candidates: DataFrame, calibration: Calibration) -> DataFrame:
    """Put best_confidence right, and share the rest among the others as it was; no category overtakes another.

    Args:
        candidates: the output of `jobs.cleaning.steps.decide.add_posteriors`.
        calibration: of no audited listing: nothing changes.
    """
    if not calibration.audited:
        return candidates
    best, second = (
        F.col("best_confidence"),
        F.coalesce(F.get("suggested_categories", F.lit(1))["probability"], F.lit(0.0)),
    )
    bounded = F.greatest(F.least(best, F.lit(1 - _EPSILON)), F.lit(_EPSILON))
    logit = F.log(bounded / (1 - bounded)) * calibration.slope + calibration.offset
    # At equal shares of what is left, the second would draw level.
    least = second / F.greatest(1 - best + second, F.lit(_EPSILON))
    found = candidates.withColumn("calibrated", F.when(best.isNotNull(), F.greatest(1 / (1 + F.exp(-logit)), least)))
    rest = (1 - F.col("calibrated")) / F.greatest(1 - best, F.lit(_EPSILON))

    def put_right(category: Column, probability: Column) -> Column:
        return F.when(category == F.col("best_category"), F.col("calibrated")).otherwise(
            F.least(probability * rest, F.lit(1.0))
        )

    suggested = F.transform(
        "suggested_categories",
        lambda c: F.struct(
            c["category"].alias("category"), put_right(c["category"], c["probability"]).alias("probability")
        ),
    )
    return (
        found.withColumn("suggested_categories", suggested)
        .withColumn("label_posterior", put_right(F.coalesce("category", F.lit("")), F.col("label_posterior")))
        .withColumn("best_confidence", F.col("calibrated"))
        .drop("calibrated")
    )
