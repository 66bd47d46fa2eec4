"""For which listings the model's decisions take effect: the arm of each listing, and what is decided in the shadow."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.safety_settings import RolloutSettings
from schemas.reasons import Reason
from schemas.rollout import RolloutArm
from schemas.tables import SHADOW_DECISIONS

HIDDEN = (RolloutArm.SHADOW.value, RolloutArm.CONTROL.value)
"""The arms in which nobody sees what the model decides."""
_DRAWS = 1 << 30


def mark_arm(candidates: DataFrame, settings: RolloutSettings) -> DataFrame:
    """Add `rollout_arm`: the name of a `RolloutArm`, never null.

    The draws are hashes of listing_id, so they are the same in every run, and independent of the model.

    Args:
        candidates: with listing_id, category, in_taxonomy and best_category.
        settings: the arms of the categories, and the shares.
    """
    by_category = F.lit(settings.default)
    if settings.categories:
        place = F.when(F.col("in_taxonomy"), F.col("category")).otherwise(F.col("best_category"))
        arms = F.create_map(*(F.lit(word) for pair in sorted(settings.categories.items()) for word in pair))
        by_category = F.coalesce(F.try_element_at(arms, place), by_category)
    is_left_out = (by_category == RolloutArm.CORRECT.value) & ~_is_drawn("correct", settings.correct_share)
    arm = (
        F.when(_is_drawn("control", settings.control_share), RolloutArm.CONTROL.value)
        .when(is_left_out, RolloutArm.FLAG.value)
        .otherwise(by_category)
    )
    return candidates.withColumn("rollout_arm", arm)


def is_hidden() -> Column:
    """Whether a listing is in an arm in which nobody sees what the model decides; false in earlier publications."""
    return F.coalesce(F.col("rollout_arm").isin(*HIDDEN), F.lit(False))


def has_hidden(settings: RolloutSettings) -> bool:
    """Whether listings can be in the arms shadow and control."""
    arms = {settings.default, *settings.categories.values()}
    return RolloutArm.SHADOW.value in arms or settings.control_share > 0


def without_model_questions(found: DataFrame) -> DataFrame:
    """Remove low_confidence, which only the model raises, from the `reasons` of listings that it keeps silent about.

    Args:
        found: the output of `jobs.cleaning.steps.flag.find_reasons`, with rollout_arm.
    """
    others = F.array_remove("reasons", Reason.LOW_CONFIDENCE.value)
    return found.withColumn("reasons", F.when(is_hidden(), others).otherwise(F.col("reasons")))


def shadow_decisions(decided: DataFrame) -> DataFrame:
    """Rows of the table shadow_decisions, without the run's columns.

    Args:
        decided: the output of `jobs.cleaning.steps.decide.decide`.
    """
    differs = F.col("shadow.category_action") != F.col("category_action")
    differs |= ~F.col("shadow.effective_category").eqNullSafe(F.col("effective_category"))
    names = [column.name for column in SHADOW_DECISIONS.columns if column.name not in ("run_id", "run_date")]
    values = {name: F.col(f"shadow.{name}") for name in SHADOW_NAMES}
    return decided.where(F.col("shadow").isNotNull() & differs).select(
        *(values.get(name, F.col(name)).alias(name) for name in names)
    )


SHADOW_NAMES = ("effective_category", "category_source", "category_action", "category_confidence")
"""Columns of clean_listings that an arm may change."""


def _is_drawn(what: str, share: float) -> Column:
    draw = F.pmod(F.xxhash64(F.lit(f"rollout {what}"), "listing_id"), F.lit(_DRAWS))
    return draw < F.lit(int(share * _DRAWS))
