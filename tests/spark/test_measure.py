from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.cleaning.steps.measure import quality_metrics
from schemas.estimates import ShareEstimate
from schemas.metrics import METRICS, MetricSource
from schemas.reasons import Reason
from tests.spark.frames import frame

COLUMNS = (
    "category string, in_taxonomy boolean, label_posterior double, category_action string, category_source string, "
    "effective_category string, unreviewed_category string, audited boolean, category_confidence double, "
    "reasons array<string>, quality_score double, image_status string"
)
COMPUTED = (Reason.BLANK_IMAGE, Reason.LOW_CONFIDENCE, Reason.MISSING_CATEGORY, Reason.WRONG_CATEGORY)

BOUND = ShareEstimate(0.18, 0.0, "sellers, at least", at_least=True)
SHARE = ShareEstimate(0.18, 0.1, "confident listings and twins")

Figures = dict[tuple[str, str, str], Row]


def decided(spark: SparkSession) -> DataFrame:
    """Six listings, of which people have decided three, two of them for the audit."""
    return frame(
        spark,
        COLUMNS,
        ("a", True, 0.9, "kept", "seller", "a", "a", False, 0.9, [], 100.0, "ok"),
        ("a", True, 0.1, "corrected", "model", "b", "b", False, 0.8, ["blank_image"], 60.0, "blank"),
        (None, False, 0.0, "referred", "model", "b", "b", False, 0.5, ["low_confidence", "missing_category"], 50.0,
         "ok"),
        ("b", True, 0.4, "kept", "reviewer", "b", "c", False, 1.0, [], 90.0, None),
        ("b", True, 0.7, "kept", "reviewer", "b", "b", True, 1.0, [], 90.0, "ok"),
        ("c", True, 0.8, "corrected", "reviewer", "b", "c", True, 1.0, [], 80.0, "ok"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def figures(spark: SparkSession) -> Figures:
    rows = quality_metrics(decided(spark), COMPUTED, SHARE).collect()
    found = {(row.metric, row.dimension, row.segment): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_published_metrics_are_the_declared_ones(figures: Figures) -> None:
    declared = {(m.name, dimension) for m in METRICS.values() for dimension in m.dimensions}
    assert {(metric, dimension) for metric, dimension, _ in figures} == declared
    assert {row.metric: row.source for row in figures.values()} == {m.name: m.source.value for m in METRICS.values()}


def test_figures_are_sums_over_the_listings_that_count(figures: Figures) -> None:
    def parts(*key: str) -> tuple[float, float, float | None]:
        row = figures[key]  # type: ignore[index]
        return (row.value, row.numerator, row.denominator)

    assert parts("listings", "all", "all") == (6, 6, None)
    assert parts("kept_share", "all", "all") == (0.5, 3, 6)
    assert parts("corrected_share", "category", "b") == (0.4, 2, 5)
    assert parts("kept_share", "category", "a") == (1, 1, 1)
    assert parts("flagged_share", "all", "all") == pytest.approx((1 / 3, 2, 6))
    assert parts("flagged_share", "reason", "blank_image") == pytest.approx((1 / 6, 1, 6))
    assert parts("flagged_share", "reason", "wrong_category") == (0, 0, 6)
    # A listing without a prediction has no status.
    assert parts("image_status_share", "image_status", "ok") == (0.8, 4, 5)
    # If a person has decided, the seller was right or wrong, whatever the posterior.
    before = 0.1 + 0.9 + 1.0 + 0.0 + 0.0 + 1.0
    assert parts("expected_error_before", "all", "all") == pytest.approx((before / 6, before, 6))
    assert parts("expected_error_left", "all", "all") == pytest.approx((0.8 / 6, 0.8, 6))
    assert parts("expected_error_left", "category", "b") == pytest.approx((0.7 / 5, 0.7, 5))
    assert parts("mean_correction_confidence", "all", "all") == pytest.approx((0.9, 1.8, 2))
    assert ("mean_correction_confidence", "category", "a") not in figures
    assert parts("mean_quality_score", "category", "b") == pytest.approx((74, 370, 5))


def test_the_audit_estimates_the_errors_of_the_whole_catalogue(figures: Figures) -> None:
    assert figures["audited_listings", "all", "all"].value == 2
    before, left = (figures[f"audited_error_{when}", "all", "all"] for when in ("before", "left"))
    # Half of the audited listings; in the sixth, which was decided outside the audit, the seller was right.
    assert (before.value, before.numerator, before.denominator) == pytest.approx((2.5 / 6, 2.5, 6))
    # The model would have published that listing in a wrong category.
    assert (left.value, left.numerator, left.denominator) == pytest.approx((3.5 / 6, 3.5, 6))
    # Wilson's interval of 1 in 2, of five of six listings.
    assert (before.lower, before.upper) == pytest.approx((0.0945 * 5 / 6, 0.9055 * 5 / 6), abs=1e-4)
    assert (left.lower, left.upper) == pytest.approx(((1 + 0.0945 * 5) / 6, (1 + 0.9055 * 5) / 6), abs=1e-4)


def test_decisions_outside_the_audit_do_not_bias_its_figures(spark: SparkSession) -> None:
    # 30 of 100 listings are wrong. People have decided 25 of these in the queue; the audit sampled the rest.
    def listing(wrong: bool, source: str, audited: bool) -> tuple[object, ...]:
        action, seller = ("corrected", "b") if wrong else ("kept", "a")
        return (seller, True, 0.5, action, source, "a", seller, audited, 0.9, [], 100.0, "ok")

    rows = [listing(True, "reviewer", False)] * 25 + [listing(True, "reviewer", True)] * 2
    rows += [listing(False, "reviewer", True)] * 28 + [listing(False, "model", False)] * 45
    catalogue = frame(spark, COLUMNS, *rows)
    found = {row.metric: row for row in quality_metrics(catalogue, COMPUTED, BOUND).collect() if row.dimension == "all"}
    assert found["audited_error_before"].value == pytest.approx((25 + 75 * 2 / 30) / 100)
    assert found["audited_error_before"].lower < 0.3 < found["audited_error_before"].upper
    bound = found["wrong_label_share"]
    assert (bound.value, bound.lower, bound.upper, bound.basis) == (0.18, 0.18, None, "sellers, at least")


def test_the_estimate_of_training_has_its_interval_and_basis(figures: Figures) -> None:
    row = figures["wrong_label_share", "all", "all"]
    assert (row.value, row.numerator, row.denominator, row.basis) == (0.18, 0.18, None, SHARE.source)
    assert (row.lower, row.upper) == (0.0, pytest.approx(0.38))
    assert {row.basis for key, row in figures.items() if key[0] != "wrong_label_share"} == {None}


def test_only_figures_of_the_audit_and_of_evidence_have_an_interval(figures: Figures) -> None:
    with_interval = {row.metric for row in figures.values() if row.lower is not None or row.upper is not None}
    sources = {MetricSource.AUDIT, MetricSource.EVIDENCE}
    assert with_interval == {m.name for m in METRICS.values() if m.source in sources}


def test_reasons_that_no_rule_computes_have_no_figure(figures: Figures) -> None:
    assert {segment for _, dimension, segment in figures if dimension == "reason"} == {r.value for r in COMPUTED}


def test_without_answers_there_are_no_figures_of_the_audit(spark: SparkSession) -> None:
    rows = quality_metrics(decided(spark).where("NOT audited"), COMPUTED, None).collect()
    assert [row.metric for row in rows if row.source == MetricSource.AUDIT.value] == []
    assert [row.value for row in rows if row.metric == "audited_listings"] == [0]
    assert "wrong_label_share" not in {row.metric for row in rows}
