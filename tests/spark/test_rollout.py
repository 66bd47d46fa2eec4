from __future__ import annotations

import datetime as dt

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.safety_settings import RolloutSettings
from jobs.cleaning.judging import check_rollout
from jobs.cleaning.steps.decide import Thresholds, decide
from jobs.cleaning.steps.reviews import latest_decisions
from jobs.cleaning.steps.rollout import mark_arm, shadow_decisions, without_model_questions
from schemas.errors import UsageError
from tests.spark.frames import frame, rows_of
from tests.spark.test_decide import DECISIONS, candidates, listing, no_decisions

LIMITS = Thresholds(correct_from=0.9, refer_below=0.9)


def arms(spark: SparkSession, settings: RolloutSettings, rows: int = 4000) -> DataFrame:
    listings = spark.range(rows).select(
        F.format_string("l-%05d", "id").alias("listing_id"),
        F.element_at(F.array(F.lit("boots"), F.lit("shoes"), F.lit(None)), (F.col("id") % 3 + 1).cast("int")).alias(
            "category"
        ),
        (F.col("id") % 3 < 2).alias("in_taxonomy"),
        F.lit("hats").alias("best_category"),
    )
    return mark_arm(listings, settings)


def test_the_arm_is_that_of_the_sellers_category_and_draws_are_stable(spark: SparkSession) -> None:
    by_category = RolloutSettings("shadow", {"boots": "correct", "hats": "flag"})
    sizes = arms(spark, by_category).groupBy("category", "rollout_arm").agg(F.count(F.lit(1)))
    assert rows_of(sizes, "category", "rollout_arm") == [
        ("boots", "correct"),
        ("shoes", "shadow"),
        (None, "flag"),
    ]
    assert rows_of(arms(spark, RolloutSettings()).select("rollout_arm").distinct(), "rollout_arm") == [("correct",)]

    def ids(settings: RolloutSettings, arm: str) -> set[str]:
        rows = arms(spark, settings).repartition(7).where(F.col("rollout_arm") == arm)
        return {row.listing_id for row in rows.collect()}

    few = ids(RolloutSettings(correct_share=0.1), "correct")
    more = ids(RolloutSettings(correct_share=0.2), "correct")
    assert few < more
    assert len(few) == pytest.approx(400, abs=80)
    both = RolloutSettings(correct_share=0.2, control_share=0.5)
    control = ids(both, "control")
    assert len(control) == pytest.approx(2000, abs=150)
    # The draws are independent: of those that are not in the control arm, the same share is corrected.
    assert len(ids(both, "correct")) == pytest.approx(400, abs=80)
    assert len(ids(both, "flag")) == pytest.approx(1600, abs=150)


def test_each_arm_lets_the_models_decision_take_effect_as_far_as_it_may(spark: SparkSession) -> None:
    names = ("sure", "unsure", "kept", "decided", "none")
    judged = candidates(
        spark,
        *(
            listing(f"{arm} {name}", *values, known=name != "none")
            for arm in ("correct", "flag", "shadow", "control")
            for name, values in {
                "sure": ("boots", 0.02, "shoes", 0.98),
                "unsure": ("boots", 0.4, "shoes", 0.6),
                "kept": ("boots", 0.98, "shoes", 0.02),
                "decided": ("boots", 0.02, "shoes", 0.98),
                "none": (None, 0.0, "shoes", 1.0),
            }.items()
        ),
    ).withColumn("rollout_arm", F.split("listing_id", " ")[0])
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    rows = [(arm, f"{arm} decided", f"h-{arm} decided") for arm in ("correct", "flag", "shadow", "control")]
    answered = frame(spark, DECISIONS, *((*row, "set_category", None, "hats", noon, None, None, None) for row in rows))
    got = decide(judged, latest_decisions(answered), LIMITS)
    found = {
        row.listing_id: (row.category_action, row.effective_category, row.category_source) for row in got.collect()
    }
    assert {name: found[f"correct {name}"] for name in names} == {
        "sure": ("corrected", "shoes", "model"),
        "unsure": ("referred", "boots", "seller"),
        "kept": ("kept", "boots", "seller"),
        "decided": ("corrected", "hats", "reviewer"),
        "none": ("corrected", "shoes", "model"),
    }
    assert found["flag sure"] == ("referred", "boots", "seller")
    assert found["flag none"] == ("referred", "shoes", "model")
    for arm in ("shadow", "control"):
        assert {name: found[f"{arm} {name}"] for name in names} == {
            "sure": ("kept", "boots", "seller"),
            "unsure": ("kept", "boots", "seller"),
            "kept": ("kept", "boots", "seller"),
            "decided": ("corrected", "hats", "reviewer"),
            "none": ("kept", None, "seller"),
        }
    assert rows_of(got.where("withheld"), "listing_id") == [("flag none",), ("flag sure",)]
    would_be = shadow_decisions(got.where("rollout_arm != 'control'"))
    columns = ("listing_id", "category", "effective_category", "category_action", "category_source", "rollout_arm")
    assert rows_of(would_be, *columns) == [
        ("shadow none", None, "shoes", "corrected", "model", "shadow"),
        ("shadow sure", "boots", "shoes", "corrected", "model", "shadow"),
        ("shadow unsure", "boots", "boots", "referred", "seller", "shadow"),
    ]
    # In the shadow, the switch does not change what would have been decided.
    off = decide(judged, no_decisions(spark), LIMITS, corrections=False)
    assert shadow_decisions(off).where("listing_id = 'shadow sure' AND category_action = 'corrected'").count() == 1
    asked = without_model_questions(got.withColumn("reasons", F.array(F.lit("blank_image"), F.lit("low_confidence"))))
    assert rows_of(asked.where("listing_id LIKE '%unsure'"), "listing_id", "reasons") == [
        ("control unsure", ["blank_image"]),
        ("correct unsure", ["blank_image", "low_confidence"]),
        ("flag unsure", ["blank_image", "low_confidence"]),
        ("shadow unsure", ["blank_image"]),
    ]


def test_a_category_that_the_taxonomy_lacks_is_named() -> None:
    check_rollout(RolloutSettings(categories={"boots": "shadow"}), ["boots"])
    with pytest.raises(UsageError, match=r"rollout\.categories names 'botos', which the taxonomy does not have"):
        check_rollout(RolloutSettings(categories={"boots": "shadow", "botos": "flag"}), ["boots"])
