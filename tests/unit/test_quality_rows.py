"""The rows of quality_metrics, from the sums of segments."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from schemas.metrics import METRICS, MIN_AUDITED, NO_CATEGORY
from udfs.audit_bounds import error_bounds
from udfs.quality_rows import COLUMNS, UNITS, Figure, make_quality_rows, quality_rows

FIGURES = [
    Figure(METRICS["category_error_rate_left"]),
    Figure(METRICS["wrong_correction_share"]),
    Figure(METRICS["flagged_share"], "reason", "blank_image"),
]
_COUNTS = (
    *("listings", "sampled_from", "audited", "audited_wrong_before", "audited_wrong_left", "known_wrong_before"),
    *("put_right_since", "audited_labels", "labels_sampled_from", "audited_wrong_corrections", "corrections"),
    *("corrections_decided", "corrections_decided_right", "corrections_sampled_from", "corrections_audited"),
    *("corrections_audited_right", "flag_right_0", "flag_decided_0", "flag_any_0"),
)


def segment(dimension: str = "all", name: str = "all", **sums: Any) -> dict[str, Any]:  # noqa: ANN401
    of_figures = {f"{kind}_{i}": 0 for kind in ("numerator", "denominator") for i in range(len(FIGURES))}
    parts = {name: round(value * UNITS) for name, value in sums.items() if value and name.startswith("numerator")}
    empty = dict.fromkeys(_COUNTS, 0) | of_figures | {"published_listings": 0}
    return empty | sums | parts | {"dimension": dimension, "segment": name}


def rows(*segments: dict[str, Any], reasons: tuple[str, ...] = ()) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    found = quality_rows(segments, FIGURES, reasons, None)
    keyed = {(row["metric"], row["source"], row["dimension"], row["segment"]): row for row in found}
    assert len(keyed) == len(found)
    return keyed


def test_a_figure_of_all_listings_is_split_and_one_of_a_part_is_not() -> None:
    sums: dict[str, Any] = {"numerator_0": 0.5, "denominator_0": 10, "numerator_2": 3.0, "denominator_2": 10}
    found = rows(segment(**sums), segment("category", "bags", **sums))
    assert {(key[0], *key[2:]) for key in found} == {
        ("category_error_rate_left", "all", "all"),
        ("category_error_rate_left", "category", "bags"),
        ("flagged_share", "reason", "blank_image"),
    }
    row = found["category_error_rate_left", "model", "category", "bags"]
    assert [row[name] for name in COLUMNS[3:8]] == [0.05, 0.5, 10, None, None]
    assert tuple(row) == COLUMNS


def test_a_sum_of_nothing_has_no_value() -> None:
    row = rows(segment(numerator_0=None, denominator_0=4))["category_error_rate_left", "model", "all", "all"]
    assert (row["value"], row["numerator"], row["denominator"]) == (None, None, 4)


def test_fewer_answers_than_necessary_give_no_figure() -> None:
    sums: dict[str, Any] = {"listings": 100, "published_listings": 100, "sampled_from": 100, "audited_wrong_before": 3}
    few, enough = (rows(segment(**sums, audited=n)) for n in (MIN_AUDITED - 1, MIN_AUDITED))
    assert {key[:2] for key in few} == {("audited_listings", "count")}
    row = enough["category_error_rate_before", "audit", "all", "all"]
    lower, upper = error_bounds(3, MIN_AUDITED, 100)
    assert (row["numerator"], row["lower"], row["upper"]) == pytest.approx((10, lower / 100, upper / 100))


def test_precision_is_that_of_the_whole_catalogue() -> None:
    sums: dict[str, Any] = {"flag_right_0": 30, "flag_decided_0": 40, "flag_any_0": 50}
    found = rows(segment(**sums), segment("category", "bags", **sums), reasons=("blank_image",))
    [(key, row)] = found.items()
    assert key == ("flag_precision", "decisions", "reason", "blank_image")
    lower, upper = error_bounds(30, 40, 50)
    assert (row["value"], row["lower"], row["upper"]) == pytest.approx((0.75, lower / 50, upper / 50))


def test_segments_of_a_dimension_are_compared_with_each_other() -> None:
    bad = segment("language", "de", numerator_0=90.0, denominator_0=100)
    good = segment("language", "en", numerator_0=1.0, denominator_0=100)
    flags = {
        key[3]: row for key, row in rows(bad, good, segment("category", "x")).items() if key[0] == "more_errors_left"
    }
    assert (flags["de"]["value"], flags["en"]["value"]) == (1.0, 0.0)
    assert flags["de"]["basis"].startswith("90.00% against 1.00% of the rest")


def test_listings_without_a_category_are_no_department_that_is_treated_worse() -> None:
    lost = segment("department", NO_CATEGORY, numerator_0=100.0, denominator_0=100)
    others = [segment("department", name, numerator_0=10.0, denominator_0=100) for name in ("bags", "shoes")]
    flags = {key[3]: row["basis"] for key, row in rows(lost, *others).items() if key[0] == "more_errors_left"}
    assert set(flags) == {"bags", "shoes"}
    assert flags["bags"].startswith("10.00% against 10.00% of the rest")


def test_batches_are_taken_together() -> None:
    make = make_quality_rows(FIGURES, [], None)
    batches = [
        pa.RecordBatch.from_pylist([segment("language", name, numerator_0=wrong, denominator_0=100)])
        for name, wrong in (("de", 90.0), ("en", 1.0))
    ]
    [batch] = make(batches)
    assert batch.schema.names == list(COLUMNS)
    assert "more_errors_left" in batch.column("metric").to_pylist()
    assert [b.num_rows for b in make([])] == [0]
