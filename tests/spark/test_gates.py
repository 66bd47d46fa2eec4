from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyspark.sql import DataFrame, SparkSession

from conf.settings import GateSettings
from jobs.cleaning.clean import Cleaned
from jobs.cleaning.gates import check_input, check_output, refuse_if_failed, unreadable_share
from schemas.errors import RefusedError
from tests.spark.frames import frame

OUTPUT = "listing_id string, effective_category string, predicted_category string, image_status string, corrected int"


def listings(spark: SparkSession, *rows: tuple[str | None, int, int]) -> DataFrame:
    return frame(spark, "listing_id string, quarantined int, empty int", *rows)


def test_a_good_catalogue_passes(spark: SparkSession) -> None:
    checks = check_input(listings(spark, ("a", 0, 0), ("b", 0, 1), ("c", 0, 0)), GateSettings())
    assert [check.success for check in checks] == [True, True, True, True]
    refuse_if_failed(checks)


def test_an_empty_catalogue_is_refused(spark: SparkSession) -> None:
    checks = check_input(listings(spark), GateSettings())
    with pytest.raises(
        RefusedError, match=r"input gate: expect_table_row_count_to_be_between \(min_value 1\).*observed 0"
    ):
        refuse_if_failed(checks)
    with pytest.raises(RefusedError, match=r"^nothing was published\. input gate: the table .* number of rows \(0\);"):
        refuse_if_failed(checks)


def test_every_failed_expectation_is_named_with_what_was_observed(spark: SparkSession) -> None:
    checks = check_input(listings(spark, ("a", 0, 1), ("a", 0, 1), ("b", 0, 1), (None, 1, 0)), GateSettings())
    with pytest.raises(RefusedError) as caught:
        refuse_if_failed(checks)
    message = str(caught.value)
    assert "expect_column_values_to_be_unique listing_id: observed 2" in message
    assert "expect_column_mean_to_be_between (max_value 0.05) quarantined: observed 0.25" in message
    assert "expect_column_mean_to_be_between (max_value 0.5) empty: observed 0.75" in message
    assert "--set gates." in message
    assert message.splitlines()[0] == (
        "nothing was published. input gate: 2 rows share their listing_id with another row; input gate: the share of "
        "rows that cannot be used, 25.0%, is above gates.max_quarantined_share; input gate: the share of listings with "
        "neither text nor picture, 75.0%, is above gates.max_empty_share."
    )


def test_the_output_gate_checks_what_would_be_published(spark: SparkSession) -> None:
    good = frame(spark, OUTPUT, ("a", "boots", "boots", "ok", 0), ("b", "shoes", "shoes", "missing", 1))
    assert all(check.success for check in check_output(good, 2, 0.0, GateSettings()))
    bad = frame(spark, OUTPUT, ("a", None, None, "ok", 1), ("b", "shoes", None, "ok", 1))
    failed = [check.expectation for check in check_output(bad, 3, 0.0, GateSettings()) if not check.success]
    assert failed == [
        "expect_table_row_count_to_equal (value 3)",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_be_null (mostly 0.5)",
        "expect_column_mean_to_be_between (max_value 0.8)",
    ]


def test_only_a_listing_that_people_must_decide_may_have_no_category(spark: SparkSession) -> None:
    added = "category_action string, touches_sensitive boolean, rollout_arm string"
    decided = f"{OUTPUT.removesuffix(', corrected int')}, {added}"
    rows = [
        ("a", None, "bras", "ok", "referred", True, "correct"),
        ("b", "shoes", "shoes", "ok", "kept", False, "correct"),
        ("d", None, "shoes", "ok", "kept", False, "shadow"),
    ]
    for lost, success in ((False, True), (True, False)):
        given = [*rows, *([("c", None, "shoes", "ok", "referred", False, "correct")] if lost else [])]
        result = SimpleNamespace(decided=frame(spark, decided, *given))
        checks = check_output(Cleaned.gate_rows.fget(result), len(given), 0.0, GateSettings())  # type: ignore[attr-defined]
        assert [check.success for check in checks if check.column_name == "effective_category"] == [success]


def with_pictures(spark: SparkSession, *statuses: str) -> DataFrame:
    return frame(spark, OUTPUT, *((f"l-{i}", "boots", "boots", status, 0) for i, status in enumerate(statuses)))


def test_a_night_without_the_picture_store_is_refused(spark: SparkSession) -> None:
    decided = with_pictures(spark, "ok", "ok", "unreadable", "corrupt", "unreadable")
    refused = check_output(decided, 5, 0.0, GateSettings(max_unreadable_image_rise=0.3))
    assert [(c.column_name, c.observed) for c in refused if not c.success] == [("image_status", "2")]
    found = "nothing was published. output gate: 2 pictures are unreadable, more than gates.max_unreadable_image_rise"
    with pytest.raises(RefusedError, match=rf"^{found}(?s:.*)mostly 0.7\) image_status: observed 2\n.*picture store"):
        refuse_if_failed(refused)
    assert all(check.success for check in check_output(decided, 5, 0.0, GateSettings(max_unreadable_image_rise=0.4)))


def test_pictures_that_were_unreadable_before_are_no_increase(spark: SparkSession) -> None:
    columns = "metric string, segment string, value double"
    shares = (
        ("image_status_share", "ok", 0.6),
        ("image_status_share", "unreadable", 0.4),
        ("other", "unreadable", 0.9),
    )
    before = unreadable_share(frame(spark, columns, *shares))
    assert before == 0.4
    assert unreadable_share(frame(spark, columns, shares[0])) == 0.0
    half = with_pictures(spark, "ok", "unreadable")
    refuse_if_failed(check_output(half, 2, before, GateSettings()))
    with pytest.raises(RefusedError, match="image_status: observed 1"):
        refuse_if_failed(check_output(half, 2, 0.2, GateSettings()))


def test_a_few_unreadable_pictures_among_texts_pass(spark: SparkSession) -> None:
    refuse_if_failed(check_output(with_pictures(spark, "unreadable", *["missing"] * 20), 21, 0.0, GateSettings()))
