from __future__ import annotations

import numpy as np
from pyspark.sql import SparkSession

from benchmarks.quality.world_classifier import count_pairs
from training.error_share import PairCounts
from training.twins import count_twins

NONE = np.zeros((2, 2), np.bool_)
_COLUMNS = "listing_id STRING, title STRING, description STRING, category STRING, seller_id STRING"


def test_pairs_of_the_same_text_are_counted(spark: SparkSession) -> None:
    """Of text A three sellers have four listings, five pairs; of text B two unknown sellers have one each."""
    rows = [
        ("1", "red hat", "warm", "hats", "ann"),
        ("2", "red hat", "warm", "hats", "ann"),
        ("3", "red hat", "warm", "shoes", "bob"),
        ("4", "red hat", "warm", "hats", "cid"),
        ("5", "red hat", None, "shoes", "bob"),
        ("6", "blue hat", "", "hats", None),
        ("7", "blue hat", "", "shoes", None),
        ("8", "red hat", "warm", "HATS", "dan"),
        ("9", " a ", "warm", "hats", "ann"),
        ("10", " a ", "warm", "shoes", "bob"),
        ("11", None, "warm", "hats", "ann"),
        ("12", None, "warm", "shoes", "bob"),
    ]
    frame = spark.createDataFrame(rows, _COLUMNS)
    assert count_twins(frame, ["hats", "shoes"], NONE) == PairCounts(5 + 1, 3 + 1, 25 + 1, 9 + 1, 15 + 1)
    assert count_twins(frame.limit(0), ["hats", "shoes"], NONE) == PairCounts(0, 0, 0, 0, 0)


def test_a_text_counts_with_eight_listings_at_most(spark: SparkSession) -> None:
    rows = [(str(i), "red hat", None, "hats", f"s{i}") for i in range(100)]
    assert count_twins(spark.createDataFrame(rows, _COLUMNS), ["hats"], NONE[:1, :1]).pairs == 8 * 7 // 2
    # The quality benchmark counts in the same way.
    assert count_pairs(np.zeros(100, np.int64), np.zeros(100, np.int64), np.arange(100)) == PairCounts(28, 0, 784, 0, 0)
