from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.decide import (
    CorrectionBin,
    Thresholds,
    add_posteriors,
    correction_bins,
    correction_threshold,
    decide,
    mark_novel,
    mark_scarce,
    mark_sensitive,
)
from jobs.cleaning.steps.reviews import latest_decisions
from jobs.cleaning.steps.trust import Trust
from tests.spark.frames import frame, rows_of

RANKED = "array<struct<category: string, probability: double>>"
EVIDENCE_COLUMNS = (
    "listing_id string, content_hash string, seller_id string, category string, in_taxonomy boolean, "
    f"predicted_category string, label_support double, other_support double, candidates {RANKED}, novelty double"
)
RATES = "seller_id string, listings bigint, error_rate double"
DECISIONS = (
    "decision_id string, listing_id string, content_hash string, decision string, reason string, category string, "
    "decided_at timestamp, audit_chance double, published_category string, reviewer_role string"
)


def listing(
    name: str,
    category: str | None,
    own: float,
    other: str,
    support: float,
    known: bool = True,
    novelty: float | None = None,
) -> tuple[Any, ...]:
    """A listing whose only other candidate is `other`; at error rate 0.5 its posterior is support / (own + support)."""
    return (name, f"h-{name}", None, category, known, other, own, support, [(other, 1.0)], novelty)


def candidates(spark: SparkSession, *listings: tuple[Any, ...], sensitive: tuple[str, ...] = ()) -> DataFrame:
    rates = frame(spark, RATES)
    weighed = add_posteriors(frame(spark, EVIDENCE_COLUMNS, *listings), rates, 0.5, Trust())
    judged = mark_scarce(mark_novel(mark_sensitive(weighed, list(sensitive)), 0.6), {}, 0)
    return judged.withColumn("rollout_arm", F.lit("correct"))


def _threshold(judged: DataFrame, precision: float) -> float:
    return correction_threshold([CorrectionBin(*row) for row in correction_bins(judged).collect()], precision)


def no_decisions(spark: SparkSession) -> DataFrame:
    return latest_decisions(frame(spark, DECISIONS))


def test_each_listing_gets_one_action_by_its_posterior(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("kept", "boots", 0.98, "shoes", 0.02),
        listing("corrected", "boots", 0.02, "shoes", 0.98),
        listing("unsure", "boots", 0.4, "shoes", 0.6),
        listing("doubtful", "boots", 0.8, "shoes", 0.2),
        listing("none", None, 0.0, "shoes", 1.0, known=False),
        listing("unknown", "boot", 0.0, "shoes", 1.0, known=False),
    )
    got = decide(judged, no_decisions(spark), Thresholds(correct_from=0.9, refer_below=0.9))
    assert rows_of(got, "listing_id", "category_action", "effective_category", "category_source") == [
        ("corrected", "corrected", "shoes", "model"),
        ("doubtful", "referred", "boots", "seller"),
        ("kept", "kept", "boots", "seller"),
        ("none", "corrected", "shoes", "model"),
        ("unknown", "corrected", "shoes", "model"),
        ("unsure", "referred", "boots", "seller"),
    ]
    confidence = {row.listing_id: row.category_confidence for row in got.collect()}
    assert confidence == pytest.approx(
        {"kept": 0.98, "corrected": 0.98, "unsure": 0.4, "doubtful": 0.8, "none": 1.0, "unknown": 1.0}
    )


def test_an_uncertain_missing_category_is_guessed_and_referred(spark: SparkSession) -> None:
    judged = candidates(spark, ("a", "h", None, None, False, "shoes", 0.0, 1.0, [("shoes", 0.6), ("boots", 0.4)], None))
    got = decide(judged, no_decisions(spark), Thresholds(correct_from=0.9, refer_below=0.9))
    assert rows_of(got, "effective_category", "category_source", "category_action", "category_confidence") == [
        ("shoes", "model", "referred", 0.6)
    ]


def test_a_change_from_or_to_a_sensitive_category_is_referred(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("into", "boots", 0.01, "lingerie", 0.99),
        listing("out", "lingerie", 0.01, "boots", 0.99),
        listing("stays", "lingerie", 0.99, "boots", 0.01),
        listing("none", None, 0.0, "lingerie", 1.0, known=False),
        listing("unknown", "boot", 0.0, "lingerie", 1.0, known=False),
        listing("harmless", None, 0.0, "boots", 1.0, known=False),
        sensitive=("lingerie",),
    )
    got = decide(judged, no_decisions(spark), Thresholds(correct_from=0.5, refer_below=0.9))
    columns = ("listing_id", "category_action", "effective_category", "category_source", "category_confidence")
    assert [row[:4] for row in rows_of(got, *columns)] == [
        ("harmless", "corrected", "boots", "model"),
        ("into", "referred", "boots", "seller"),
        ("none", "referred", None, "seller"),
        ("out", "referred", "lingerie", "seller"),
        ("stays", "kept", "lingerie", "seller"),
        ("unknown", "referred", "boot", "seller"),
    ]
    # Nothing is known of a category that is missing or unknown, so people are asked first.
    assert {row[0]: row[4] for row in rows_of(got, *columns) if row[0] in ("none", "unknown")} == {
        "none": 0.0,
        "unknown": 0.0,
    }


def test_a_listing_unlike_the_training_set_is_referred(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("new", "boots", 0.01, "shoes", 0.99, novelty=0.61),
        listing("agreed", "boots", 0.99, "shoes", 0.01, novelty=0.9),
        listing("known", "boots", 0.01, "shoes", 0.99, novelty=0.6),
    )
    got = decide(judged, no_decisions(spark), Thresholds(correct_from=0.5, refer_below=0.9))
    assert rows_of(got, "listing_id", "category_action", "effective_category") == [
        ("agreed", "referred", "boots"),
        ("known", "corrected", "shoes"),
        ("new", "referred", "boots"),
    ]
    assert _threshold(judged.where("listing_id = 'new'"), 0.5) > 1


def test_without_corrections_people_get_what_would_be_corrected(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("sure", "boots", 0.02, "shoes", 0.98),
        listing("unsure", "boots", 0.4, "shoes", 0.6),
        listing("kept", "boots", 0.98, "shoes", 0.02),
        listing("none", None, 0.0, "shoes", 1.0, known=False),
        listing("decided", "boots", 0.02, "shoes", 0.98),
        listing("private", "boots", 0.02, "lingerie", 0.98),
        sensitive=("lingerie",),
    )
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    decision = ("1", "decided", "h-decided", "set_category", None, "hats", noon, None, None, None)
    decisions = latest_decisions(frame(spark, DECISIONS, decision))
    got = decide(judged, decisions, Thresholds(correct_from=0.9, refer_below=0.9), corrections=False)
    columns = ("category_action", "effective_category", "category_source", "unreviewed_category", "withheld")
    assert rows_of(got, "listing_id", *columns) == [
        ("decided", "corrected", "hats", "reviewer", "boots", False),
        ("kept", "kept", "boots", "seller", "boots", False),
        ("none", "referred", "shoes", "model", "shoes", True),
        ("private", "referred", "boots", "seller", "boots", False),
        ("sure", "referred", "boots", "seller", "boots", True),
        ("unsure", "referred", "boots", "seller", "boots", False),
    ]


def test_a_reviewers_decision_wins_until_the_content_changes_and_a_leads_before_others(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("set", "boots", 0.99, "shoes", 0.01),
        listing("seller_right", "boots", 0.01, "shoes", 0.99),
        listing("edited_since", "boots", 0.99, "shoes", 0.01),
        listing("skipped", "boots", 0.99, "shoes", 0.01),
        listing("lead", "boots", 0.99, "shoes", 0.01),
    )
    noon, later = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC), dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
    decisions = frame(
        spark,
        DECISIONS,
        ("1", "set", "h-set", "set_category", None, "shoes", noon, None, None, None),
        ("2", "set", "h-set", "set_category", None, "hats", later, None, None, "reviewer"),
        ("3", "seller_right", "h-seller_right", "reject", None, "boots", noon, None, None, None),
        ("4", "edited_since", "h-before", "set_category", None, "hats", noon, None, None, None),
        ("5", "skipped", "h-skipped", "skip", None, None, noon, None, None, None),
        ("6", "lead", "h-lead", "set_category", None, "hats", noon, None, None, "lead"),
        ("7", "lead", "h-lead", "set_category", None, "shoes", later, None, None, "reviewer"),
    )
    got = decide(judged, latest_decisions(decisions), Thresholds(correct_from=0.9, refer_below=0.9))
    columns = ("listing_id", "category_action", "effective_category", "category_source", "category_confidence")
    assert rows_of(got, *columns) == [
        ("edited_since", "kept", "boots", "seller", 0.99),
        ("lead", "corrected", "hats", "reviewer", 1.0),
        ("seller_right", "kept", "boots", "reviewer", 1.0),
        ("set", "corrected", "hats", "reviewer", 1.0),
        ("skipped", "kept", "boots", "seller", 0.99),
    ]


def test_what_would_be_published_without_a_decision_is_kept_for_the_audit(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("corrected", "boots", 0.01, "shoes", 0.99),
        listing("kept", "boots", 0.99, "shoes", 0.01),
        listing("unlabelled", None, 0.0, "shoes", 0.99, known=False),
        listing("asked", "boots", 0.99, "shoes", 0.01),
        listing("undecided", "boots", 0.01, "shoes", 0.99),
    )
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    decisions = frame(
        spark,
        DECISIONS,
        *(
            (name, name, f"h-{name}", "set_category", None, "hats", noon, None, "bags", None)
            for name in ("corrected", "kept", "unlabelled", "asked")
        ),
    )
    got = decide(judged, latest_decisions(decisions), Thresholds(correct_from=0.9, refer_below=0.9))
    columns = ("listing_id", "unreviewed_category", "effective_category", "published_category", "decided_on")
    assert rows_of(got, *columns) == [
        ("asked", "boots", "hats", "bags", noon.date()),
        ("corrected", "shoes", "hats", "bags", noon.date()),
        ("kept", "boots", "hats", "bags", noon.date()),
        ("undecided", "shoes", "shoes", None, None),
        ("unlabelled", "shoes", "hats", "bags", noon.date()),
    ]


def test_the_threshold_is_the_lowest_at_which_the_mean_posterior_reaches_the_precision(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("a", "boots", 0.005, "shoes", 0.995),
        listing("b", "boots", 0.055, "shoes", 0.945),  # the mean of a and b is 0.97
        listing("c", "boots", 0.085, "shoes", 0.915),  # of a, b and c 0.9517
        listing("d", "boots", 0.305, "shoes", 0.695),  # of all four 0.8875
        listing("e", "boots", 0.605, "shoes", 0.395),  # not a correction
    )
    assert _threshold(judged, 0.95) == pytest.approx(0.915, abs=1e-4)
    assert _threshold(judged, 0.88) == pytest.approx(0.695, abs=1e-4)
    assert _threshold(judged, 0.999) > 1.0


def test_a_careless_sellers_label_weighs_less(spark: SparkSession) -> None:
    weighed = frame(
        spark,
        EVIDENCE_COLUMNS,
        ("careful", "h", "s1", "boots", True, "shoes", 0.3, 0.7, [("shoes", 1.0)], None),
        ("careless", "h", "s2", "boots", True, "shoes", 0.3, 0.7, [("shoes", 1.0)], None),
    )
    rates = frame(spark, RATES, ("s1", 20, 0.1), ("s2", 5, 0.6))
    got = add_posteriors(weighed, rates, 0.5, Trust())
    best = {row.listing_id: (row.best_category, row.best_confidence) for row in got.collect()}
    assert best["careful"] == ("boots", pytest.approx(0.9 * 0.3 / (0.9 * 0.3 + 0.1 * 0.7)))
    assert best["careless"] == ("shoes", pytest.approx(0.6 * 0.7 / (0.4 * 0.3 + 0.6 * 0.7)))


def test_nothing_is_corrected_into_a_category_of_which_the_model_has_learned_too_little(spark: SparkSession) -> None:
    judged = candidates(
        spark,
        listing("few", "boots", 0.02, "shoes", 0.98),
        listing("many", "shoes", 0.02, "boots", 0.98),
        listing("none", None, 0.0, "hats", 1.0, known=False),
        listing("kept", "boots", 0.98, "shoes", 0.02),
    ).drop("scarce")
    marked = mark_scarce(judged, {"boots": 2, "shoes": 1}, 2)
    assert rows_of(marked, "listing_id", "scarce") == [
        ("few", True),
        ("kept", False),
        ("many", False),
        ("none", True),
    ]
    got = decide(marked, no_decisions(spark), Thresholds(correct_from=0.9, refer_below=0.9))
    assert rows_of(got, "listing_id", "category_action", "effective_category") == [
        ("few", "referred", "boots"),
        ("kept", "kept", "boots"),
        ("many", "corrected", "boots"),
        ("none", "referred", "hats"),
    ]
    assert _threshold(marked.where("listing_id != 'many'"), 0.9) > 1
