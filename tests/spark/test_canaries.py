from __future__ import annotations

import numpy as np
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from training.canaries import are_canaries, is_canary


def test_spark_and_the_ranks_choose_the_same_canaries(spark: SparkSession) -> None:
    keys = [row.key for row in spark.range(3000).select(F.xxhash64(F.col("id").cast("string")).alias("key")).collect()]
    frame = spark.createDataFrame([(key,) for key in keys], "key BIGINT")
    found = {row.key for row in frame.where(is_canary(F.col("key"), 0.02)).collect()}
    expected = np.array(keys)[are_canaries(np.array(keys), 0.02)]
    assert found == set(expected.tolist())
    assert 30 < len(found) < 90
    assert min(found) < 0 < max(found)
