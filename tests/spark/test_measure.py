from __future__ import annotations

import datetime as dt

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.measure import quality_metrics
from schemas.estimates import ShareEstimate
from schemas.metrics import CORRECTIONS_WORSE, ERRORS_WORSE, METRICS, MetricSource
from schemas.reasons import Reason
from tests.spark.frames import frame
from udfs.audit_bounds import error_bounds
from udfs.disparities import SegmentCount, find_disparities

COLUMNS = (
    "seller_id string, seller_listings bigint, category string, in_taxonomy boolean, label_posterior double, "
    "category_action string, category_source string, effective_category string, judged_category string, "
    "known boolean, audited boolean, category_confidence double, reasons array<string>, quality_score double, "
    "image_status string, language string, rollout_arm string"
)
TAXONOMY = (("a", "A"), ("b", "B"), ("c", "B"))
COMPUTED = (Reason.BLANK_IMAGE, Reason.LOW_CONFIDENCE, Reason.MISSING_CATEGORY, Reason.WRONG_CATEGORY)

BOUND = ShareEstimate(0.18, 0.0, "sellers, at least", at_least=True)
SHARE = ShareEstimate(0.18, 0.1, "confident listings and twins")

Figures = dict[tuple[str, str, str, str], Row]


def taxonomy(spark: SparkSession) -> DataFrame:
    return frame(spark, "category string, department string", *TAXONOMY)


def decided(spark: SparkSession) -> DataFrame:
    """Six listings, of which people have decided three."""
    return frame(
        spark,
        COLUMNS,
        ("s1", 2, "a", True, 0.9, "kept", "seller", "a", "a", False, False, 0.9, [], 100.0, "ok", "en", "correct"),
        ("s1", 2, "a", True, 0.1, "corrected", "model", "b", "b", False, False, 0.8, ["blank_image"], 60.0, "blank",
         "en", "correct"),
        ("s2", None, None, False, 0.0, "referred", "model", "b", "b", False, False, 0.5,
         ["low_confidence", "missing_category"], 50.0, "ok", "de", "control"),
        ("s3", 150, "b", True, 0.4, "kept", "reviewer", "b", "c", False, False, 1.0, [], 90.0, None, "en", "correct"),
        ("s3", 150, "b", True, 0.7, "kept", "reviewer", "b", "b", False, True, 1.0, [], 90.0, "ok", "en", "correct"),
        (None, None, "c", True, 0.8, "corrected", "reviewer", "b", "c", False, True, 1.0, [], 80.0, "ok", None, None),
    )  # fmt: skip


_ANSWER = "array<struct<decided_at: timestamp, decision_id: string, reason: string, status: string>>"


def unanswered(catalogue: DataFrame) -> DataFrame:
    return catalogue.withColumn("answers", F.lit(None).cast(_ANSWER))


def audited_catalogue(spark: SparkSession) -> DataFrame:
    """1,000 listings of sellers that call every wrong one b instead of a.

    People had decided 30 listings before their day, twelve of them wrong, which were corrected. Of the other 970, 97
    were drawn and answered: 33 had a wrong label, of which 30 were corrected, one was corrected to c instead of a and
    two were left. Outside the sample, people have put right four listings since.
    """

    def listing(wrong: bool, shown: str, now: str, known: bool, audited: bool, seller: str) -> tuple[object, ...]:
        source = "reviewer" if known or audited or shown != now else "model"
        label = "b" if wrong else "a"
        surely, language = (0.5, "de") if wrong else (1.0, "en")
        before = (seller, 50, label, True, 0.5, "kept", source, now, shown, known, audited)
        return (*before, surely, [], 100.0, "ok", language, "correct")

    rows = [listing(wrong, "a", "a", True, False, "s2") for wrong in [True] * 12 + [False] * 18]
    rows += [listing(True, "b", "a", False, True, "s1")] * 2 + [listing(True, "a", "a", False, True, "s1")] * 30
    rows += [listing(True, "c", "a", False, True, "s1")] + [listing(False, "a", "a", False, True, "s1")] * 64
    rows += [listing(True, "b", "a", False, False, "s1")] * 4
    rows += [listing(True, "b", "b", False, False, "s1")] * 14 + [listing(True, "a", "a", False, False, "s1")] * 250
    rows += [listing(False, "a", "a", False, False, "s1")] * 605
    assert len(rows) == 1000
    # People have said of 40 flags whether they are right; of the first ten they said it twice, first no, then yes.
    no, yes, other = (dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3))
    answers: list[list[tuple[object, ...]] | None] = [
        [(yes, "2", "blank_image", "resolved"), (no, "1", "blank_image", "rejected")]
    ] * 10
    answers += [[(other, "3", None, "accepted"), (yes, "2", "blank_image", "accepted")]] * 20
    answers += [[(no, "1", "blank_image", "rejected")]] * 10
    answers += [[(no, "1", "low_confidence", "rejected")]] * 29
    answers += [None] * 931
    both = [(*row, given) for row, given in zip(rows, answers, strict=True)]
    return frame(spark, f"{COLUMNS}, answers {_ANSWER}", *both)


def found_in(catalogue: DataFrame, share: ShareEstimate | None) -> Figures:
    rows = quality_metrics(catalogue, taxonomy(catalogue.sparkSession), COMPUTED, share).collect()
    found = {(row.metric, row.source, row.dimension, row.segment): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def figures(spark: SparkSession) -> Figures:
    return found_in(unanswered(decided(spark)), SHARE)


@pytest.fixture(scope="module")
def audited(spark: SparkSession) -> Figures:
    return found_in(audited_catalogue(spark).repartition(7), BOUND)


def test_the_published_metrics_are_the_declared_ones(figures: Figures, audited: Figures) -> None:
    declared = {
        (m.name, source, dimension) for m in METRICS.values() for source in m.sources for dimension in m.dimensions
    }
    published = {key[:3] for key in {**figures, **audited}}
    flags = {each for each in declared if each[0] in (ERRORS_WORSE, CORRECTIONS_WORSE)}
    # Segments are compared only if both sides have enough listings.
    assert declared - published == {each for each in flags if each[2] != "language"}
    assert published <= declared


def test_figures_are_sums_over_the_listings_that_count(figures: Figures) -> None:
    def parts(name: str, *segment: str) -> tuple[float, float, float | None]:
        sources = [source.value for source in METRICS[name].sources if source is not MetricSource.AUDIT]
        row = figures[name, sources[0], *segment]  # type: ignore[index]
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
    left = {"all": (0.8 / 6, 0.8, 6), "b": (0.7 / 5, 0.7, 5)}
    for name in ("category_error_rate", "expected_error"):
        assert parts(f"{name}_before", "all", "all") == pytest.approx((before / 6, before, 6))
        assert parts(f"{name}_left", "all", "all") == pytest.approx(left["all"])
        assert parts(f"{name}_left", "category", "b") == pytest.approx(left["b"])
    assert parts("category_error_rate_left", "department", "A") == pytest.approx((0.1, 0.1, 1))
    assert parts("category_error_rate_left", "department", "B") == pytest.approx((0.14, 0.7, 5))
    by_size = {
        key[3]: row.numerator
        for key, row in figures.items()
        if key[0] == "category_error_rate_before" and key[2] == "seller_size"
    }
    assert by_size == pytest.approx({"2-9": 1.0, "0": 1.0, "100+": 0.0, "unknown": 1.0})
    assert parts("mean_correction_confidence", "all", "all") == pytest.approx((0.9, 1.8, 2))
    assert ("mean_correction_confidence", "model", "category", "a") not in figures
    assert parts("mean_quality_score", "category", "b") == pytest.approx((74, 370, 5))


def test_categories_that_the_taxonomy_lacks_are_one_segment(spark: SparkSession) -> None:
    seen: tuple[object, ...] = (False, False, 0.0, [], 50.0, "ok", "en", "shadow")
    texts = ("Ofertas!!", "misc", None)
    strange = [("s1", 2, text, False, 0.0, "kept", "seller", text, text, *seen) for text in texts]
    found = found_in(unanswered(decided(spark).union(frame(spark, COLUMNS, *strange))), None)
    by_category = {
        key[3]: row.denominator
        for key, row in found.items()
        if key[0] == "category_error_rate_left" and key[2] == "category"
    }
    assert by_category == {"a": 1, "b": 5, "(none)": 3}
    assert found["category_error_rate_left", "model", "department", "(none)"].denominator == 3


def test_the_audit_gives_the_error_rates_with_exact_bounds(audited: Figures) -> None:
    def row(name: str, *segment: str) -> Row:
        return audited[f"category_error_rate_{name}", "audit", *segment]  # type: ignore[index]

    before, left = row("before", "all", "all"), row("left", "all", "all")
    # Twelve errors are known, and 33 of 97 answers stand for 970 listings.
    assert (before.numerator, before.denominator, before.value) == pytest.approx((342, 1000, 0.342))
    lower, upper = error_bounds(33, 97, 970)
    assert (before.lower, before.upper) == pytest.approx(((12 + lower) / 1000, (12 + upper) / 1000))
    # Three of 97 stand for thirty that were published wrong; people have put right seven of them since.
    assert (left.numerator, left.denominator, left.value) == pytest.approx((23, 1000, 0.023))
    lower, upper = error_bounds(3, 97, 970)
    assert (left.lower, left.upper) == pytest.approx((max(lower - 7, 0) / 1000, (upper - 7) / 1000))
    assert row("left", "department", "A").denominator == 986
    # No right label was replaced.
    replaced, (lower, upper) = audited["wrong_correction_share", "audit", "all", "all"], error_bounds(0, 97, 970)
    assert (replaced.value, replaced.numerator, replaced.denominator) == (0.0, 0.0, 970)
    assert (replaced.lower, replaced.upper) == pytest.approx((lower / 970, upper / 970))
    assert row("before", "seller_size", "10-99").value == before.value


def test_precision_comes_from_decisions_and_from_the_audit_with_bounds(audited: Figures) -> None:
    def row(name: str, source: str, *segment: str) -> Row:
        return audited[name, source, *segment]  # type: ignore[index]

    flags = row("flag_precision", "decisions", "reason", "blank_image")
    assert (flags.value, flags.numerator, flags.denominator) == (0.75, 30, 40)
    assert (flags.lower, flags.upper) == (0.75, 0.75), "no other listing is flagged"
    assert [key[3] for key in audited if key[0] == "flag_precision"] == ["blank_image"], "29 answers are too few"
    # 43 corrections were decided, 31 of them audited; 250 others were not.
    for source, (right, decided_, all_) in {"decisions": (42, 43, 293), "audit": (30, 31, 281)}.items():
        found = row("correction_precision", source, "all", "all")
        lower, upper = error_bounds(right, decided_, all_)
        assert (found.value, found.lower, found.upper) == pytest.approx((right / decided_, lower / all_, upper / all_))


def test_a_segment_with_too_few_audited_listings_has_no_figure_of_the_audit(figures: Figures, audited: Figures) -> None:
    def counted(found: Figures, name: str) -> float:
        return float(found["audited_listings", "count", "category", name].value)

    assert {key for key in figures if key[1] == "audit"} == set()
    assert figures["audited_listings", "count", "all", "all"].value == 2
    # An answer counts where the listing was published before it.
    assert (counted(figures, "b"), counted(figures, "c")) == (1, 1)
    assert (counted(audited, "a"), counted(audited, "b"), counted(audited, "c")) == (94, 2, 1)
    segments = {key[3] for key in audited if key[1] == "audit" and key[2] == "category"}
    assert segments == {"a"}


def test_the_estimate_of_training_has_its_interval_and_basis(figures: Figures, audited: Figures) -> None:
    row = figures["wrong_label_share", "evidence", "all", "all"]
    assert (row.value, row.numerator, row.denominator, row.basis) == (0.18, 0.18, None, SHARE.source)
    assert (row.lower, row.upper) == (0.0, pytest.approx(0.38))
    assert {row.basis for key, row in figures.items() if key[0] != "wrong_label_share"} == {None}
    bound = audited["wrong_label_share", "evidence", "all", "all"]
    assert (bound.value, bound.lower, bound.upper, bound.basis) == (0.18, 0.18, None, "sellers, at least")


def test_segments_are_compared_with_the_rest_by_the_model_and_by_the_audit(figures: Figures, audited: Figures) -> None:
    flags = {key: (row.value, row.basis) for key, row in audited.items() if key[0] in (ERRORS_WORSE, CORRECTIONS_WORSE)}
    # The model is half sure of the 313 German listings; people found 3 errors in 33 of them, and none in 64 others.
    german = find_disparities([SegmentCount("de", 156.5, 313), SegmentCount("en", 0, 687)], 6)[0]
    by_people = find_disparities([SegmentCount("de", 3, 33), SegmentCount("en", 0, 64)], 6)[0]
    assert (german.is_worse, by_people.is_worse) == (True, False)
    nothing = (0.0, "0.00% against 0.00% of the rest, p = 1")
    assert flags == {
        (ERRORS_WORSE, "model", "language", "de"): (1.0, str(german)),
        (ERRORS_WORSE, "model", "language", "en"): (0.0, "0.00% against 50.00% of the rest, p = 1"),
        (ERRORS_WORSE, "audit", "language", "de"): (0.0, str(by_people)),
        (ERRORS_WORSE, "audit", "language", "en"): (0.0, "0.00% against 9.09% of the rest, p = 1"),
        **{
            (CORRECTIONS_WORSE, source, "language", name): nothing
            for source in ("model", "audit")
            for name in ("de", "en")
        },
    }
    # What the model has replaced although the seller was probably right.
    assert figures["wrong_correction_share", "model", "all", "all"].numerator == pytest.approx(0.1)
    assert figures["corrected_share", "count", "language", "unknown"].value == 1
    assert figures["corrected_share", "count", "rollout_arm", "control"].value == 0


def test_counts_and_the_models_estimates_have_no_interval(audited: Figures) -> None:
    with_interval = {key[1] for key, row in audited.items() if row.lower is not None or row.upper is not None}
    assert with_interval == {MetricSource.AUDIT, MetricSource.DECISIONS, MetricSource.EVIDENCE}


def test_reasons_that_no_rule_computes_have_no_figure_and_without_an_estimate_there_is_none(
    spark: SparkSession, figures: Figures
) -> None:
    assert {segment for _, _, dimension, segment in figures if dimension == "reason"} == {r.value for r in COMPUTED}
    assert "wrong_label_share" not in {key[0] for key in found_in(unanswered(decided(spark)), None)}
