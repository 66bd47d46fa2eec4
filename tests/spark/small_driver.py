"""Runs steps on a large catalogue with a driver that may collect very little; test_small_driver.py starts it.

A driver of 1 MB stands for the usual 1 GB, so the size up to which Spark broadcasts by itself is scaled down as well.
"""

from __future__ import annotations

import os
import sys

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.load import load_settings
from jobs.cleaning.steps.calibrate import audit_answers
from jobs.cleaning.steps.decide import CorrectionBin, correction_bins, correction_threshold
from jobs.cleaning.steps.queue import ErrorBin, error_bins, queue_threshold
from jobs.cleaning.steps.reviews import latest_decisions, with_decisions
from jobs.cleaning.steps.selection import unscored
from jobs.cleaning.steps.sellers import seller_rates
from jobs.features.steps.selection import newest_change
from jobs.ingestion.groups import assign_groups
from jobs.warehouse.session import open_session

ROWS = 40_000
AUDITED = 400


def main() -> None:
    """Run each step and check its result; an error ends the process."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    extra = "spark.extra={spark.driver.maxResultSize: 1m, spark.sql.autoBroadcastJoinThreshold: 64k}"
    spark = open_session(load_settings("test", [extra]).spark, "small driver")
    catalogue = spark.range(ROWS).select(
        F.format_string("listing-%06d", "id").alias("listing_id"),
        F.sha2(F.col("id").cast("string"), 256).alias("content_hash"),
        (F.col("id") / ROWS).alias("share"),
    )
    assert_driver_is_small(catalogue)
    check_selection(catalogue)
    check_decisions(catalogue)
    check_sellers(catalogue)
    check_thresholds(catalogue)
    check_groups(spark)
    spark.stop()


def assert_driver_is_small(catalogue: DataFrame) -> None:
    """Check that collecting the catalogue fails; otherwise the other checks would prove nothing."""
    with pytest.raises(Exception, match="maxResultSize"):
        catalogue.collect()


def check_selection(catalogue: DataFrame) -> None:
    """Select the listings to score, with their rows of the change feed: nearly all listings."""
    known = catalogue.where("share < 0.1")
    wanted = unscored(catalogue, known).persist()
    assert wanted.count() == ROWS * 0.9
    changes = catalogue.withColumn("_commit_version", F.lit(3))
    assert newest_change(changes.unionByName(changes.withColumn("_commit_version", F.lit(4))), wanted).count() == (
        ROWS * 0.9
    )
    wanted.unpersist()


def check_decisions(catalogue: DataFrame) -> None:
    """People have decided every listing, some of them for the audit."""
    chance = F.when(F.col("share") < AUDITED / ROWS, F.lit(0.01))
    decisions = catalogue.select(
        F.col("listing_id").alias("decision_id"),
        "listing_id",
        "content_hash",
        F.lit("set_category").alias("decision"),
        F.lit(None).cast("string").alias("reason"),
        F.lit("boots").alias("category"),
        F.lit("2026-01-01").cast("timestamp").alias("decided_at"),
        chance.alias("audit_chance"),
        F.lit(None).cast("string").alias("published_category"),
        F.lit(None).cast("string").alias("reviewer_role"),
    )
    standing = latest_decisions(decisions)
    counts = with_decisions(catalogue, standing).agg(F.count("decided_category"), F.count("audited_category"))
    assert tuple(counts.collect()[0]) == (ROWS, AUDITED)
    candidates = catalogue.select(
        "listing_id",
        "content_hash",
        F.lit("boots").alias("best_category"),
        F.lit(0.9).alias("best_confidence"),
        F.lit(0.9).alias("label_posterior"),
        F.lit(0.9).alias("label_support"),
        F.lit("boots").alias("category"),
        F.lit(True).alias("in_taxonomy"),
    )
    assert len(audit_answers(candidates, standing).toPandas()) == AUDITED


def check_sellers(catalogue: DataFrame) -> None:
    """One seller has the whole catalogue."""
    weighed = catalogue.select(
        F.lit("huge").alias("seller_id"),
        F.col("share").alias("label_support"),
        ((1 - F.col("share")) * 0.2).alias("other_support"),
    )
    start = catalogue.sparkSession.createDataFrame([], "seller_id string, error_rate double")
    [row] = seller_rates(weighed, start, 0.2, 1.0, 4.0, 1.0).collect()
    assert row.listings == ROWS
    assert row.lower < row.error_rate < row.upper


def check_thresholds(catalogue: DataFrame) -> None:
    """The night's thresholds are computed from counts."""
    decided = catalogue.select(
        F.lit(True).alias("in_taxonomy"),
        F.lit("boots").alias("category"),
        F.lit("shoes").alias("best_category"),
        F.lit("shoes").alias("predicted_category"),
        F.col("share").alias("best_confidence"),
        F.col("share").alias("category_confidence"),
        F.lit("kept").alias("category_action"),
        F.lit("seller").alias("category_source"),
        *(F.lit(False).alias(name) for name in ("novel", "scarce", "touches_sensitive")),
        F.array().cast("array<string>").alias("settled_reasons"),
    )
    bins = [CorrectionBin(*row) for row in correction_bins(decided).collect()]
    assert abs(correction_threshold(bins, 0.95) - 0.9) < 1e-3
    errors = [ErrorBin(*row) for row in error_bins(decided).collect()]
    assert abs(queue_threshold(errors, 0.1) - 0.9) < 0.01


def check_groups(spark: SparkSession) -> None:
    """Every second listing has the title of the one before and the picture of the next: one long chain."""
    number = F.col("id")
    new = spark.range(ROWS // 2).select(
        F.format_string("listing-%06d", number).alias("listing_id"),
        F.floor(number / 2).alias("title_key"),
        F.floor((number + 1) / 2).alias("image_key"),
        F.lit(None).cast("string").alias("image_hash"),
    )
    stored = new.limit(0).withColumn("group_id", F.lit(None).cast("string"))
    groups = assign_groups(new, stored).agg(F.count_distinct("group_id"), F.count("group_id"))
    assert tuple(groups.collect()[0]) == (1, ROWS // 2)


if __name__ == "__main__":
    main()
