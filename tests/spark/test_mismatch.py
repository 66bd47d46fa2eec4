"""The probability that a picture shows something else."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from jobs.cleaning.steps.flag import mismatch_probability
from tests.spark.frames import frame


def test_the_picture_is_compared_with_text_and_label(spark: SparkSession) -> None:
    ddl = (
        "listing_id string, error_rate double, text_label_support double, text_other_support double, "
        "image_label_ratio double, image_other_ratio double"
    )
    decided = frame(
        spark,
        ddl,
        ("agrees", 0.2, 0.9, 0.05, 8.0, 0.5),
        ("differs", 0.2, 0.9, 0.05, 0.001, 0.5),
        ("none", 0.2, 0.9, 0.05, None, None),
    )
    got = {
        row.listing_id: row.mismatch_probability for row in mismatch_probability(decided, mismatch_rate=0.03).collect()
    }
    label = 0.8 * 0.9 / (0.8 * 0.9 + 0.2 * 0.05)
    ratio = label * 0.001 + (1 - label) * 0.5
    assert got["agrees"] < 0.01
    assert got["differs"] == pytest.approx(0.03 / (0.03 + 0.97 * ratio))
    assert got["none"] is None
