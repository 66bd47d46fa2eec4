from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.errors import FailedError
from training.dataset import CoverageError, Dataset, check_coverage, checksum, read_shard, write_dataset
from training.examples import ROWS_PER_TASK, example_rows, example_tasks
from training.sample import NO_SELLER, sampled_sellers
from training.train import seller_names
from udfs.text import featurize

TEXT: dict[str, Any] = {"hash_size": 1 << 12, "word_ngrams": 1, "char_ngrams": [3, 3], "max_chars": 100}
COLUMNS = (
    "listing_id STRING, title STRING, description STRING, category STRING, seller_id STRING, bucket INT, vector BINARY"
)


def vector(number: int) -> bytes:
    return np.array([number, 0.5], "<f2").tobytes()


def listings(spark: SparkSession, rows: int) -> DataFrame:
    """Every third has no picture, every fifth no title, every seventh no seller."""
    data = [
        (
            f"L{i}",
            None if i % 5 == 0 else f"title {i}",
            "words",
            "hats" if i % 2 else "shoes",
            None if i % 7 == 0 else f"S{i % 4}",
            i % 2520,
            None if i % 3 == 0 else vector(i),
        )
        for i in range(rows)
    ]
    return spark.createDataFrame(data, COLUMNS)


def examples(frame: DataFrame, partitions: int = 8) -> DataFrame:
    for column in ("decided_category", "audited_category"):
        if column not in frame.columns:
            frame = frame.withColumn(column, F.lit(None).cast("string"))
    if "duplicate_buckets" not in frame.columns:
        frame = frame.withColumn("duplicate_buckets", F.lit(None).cast("array<int>"))
    return example_rows(frame, ["hats", "shoes"], text=TEXT, encoder=None, partitions=partitions)


def test_as_many_tasks_make_examples_as_the_rows_need() -> None:
    assert example_tasks(0, ranks=2, min_per_rank=4) == 8
    assert example_tasks(8 * ROWS_PER_TASK, ranks=2, min_per_rank=4) == 8
    assert example_tasks(8 * ROWS_PER_TASK + 1, ranks=2, min_per_rank=4) == 10
    assert example_tasks(10_000_000, ranks=3, min_per_rank=4) == 2_502


def test_only_the_names_of_sampled_sellers_are_looked_up(spark: SparkSession, tmp_path: Path) -> None:
    names = {f"S{n}": hash_ for n, hash_ in enumerate([7, -3, 11, 20])}
    written = spark.createDataFrame(
        [(key, name) for name, key in names.items()] * 2 + [(NO_SELLER, None)], "seller_key BIGINT, seller_id STRING"
    )
    files = [tmp_path / "sample-0.npz", tmp_path / "sample-1.npz"]
    for file, hashes in zip(files, ([11, NO_SELLER, 7, 11], [7]), strict=True):
        np.savez(file, sellers=np.array(hashes, np.int64))
    assert seller_names(written, sampled_sellers(files)) == {7: "S0", 11: "S2"}


def test_an_example_is_what_inference_sees(spark: SparkSession) -> None:
    frame = spark.createDataFrame(
        [
            ("A", "Red hat", None, "hats", "ann", 7, vector(200)),
            ("B", None, "of leather", "shoes", None, 9, None),
        ],
        COLUMNS,
    )
    found = {row.listing_id: row for row in examples(frame).collect()}
    assert set(found) == {"A", "B"}
    for name, label, seller, bucket, texts, stored in (
        ("A", 0, "ann", 7, ("Red hat", None), vector(200)),
        ("B", 1, None, 9, (None, "of leather"), b""),
    ):
        row, batch = found[name], featurize([texts[0]], [texts[1]], **TEXT)
        assert (row.label, row.seller_id, row.bucket, row.present) == (label, seller, bucket, bool(stored))
        assert np.frombuffer(row.text_ids, "<i4").tolist() == batch.ids.tolist()
        assert np.frombuffer(row.text_weights, "<f4").tolist() == batch.weights.tolist()
        assert bytes(row.vector) == stored


def test_a_persons_decision_is_the_target_and_the_sellers_label_is_kept(spark: SparkSession) -> None:
    rows = [(name, "x", None, given, "s", 1, None) for name, given in zip("ABC", ("hats", None, "shoes"), strict=True)]
    answers = [("A", "shoes", "shoes"), ("B", "hats", None)]
    decided = spark.createDataFrame(answers, "listing_id STRING, decided_category STRING, audited_category STRING")
    frame = spark.createDataFrame(rows, COLUMNS).join(decided, "listing_id", "left")
    found = {row.listing_id: (row.label, row.truth, row.audited) for row in examples(frame).collect()}
    assert found == {"A": (0, 1, 1), "B": (-1, 0, -1), "C": (1, -1, -1)}


def test_listings_with_missing_or_unknown_labels_are_not_examples(spark: SparkSession) -> None:
    rows = [("A", "x", None, None, "s", 1, None), ("B", "x", None, "HATS", "s", 1, None)]
    frame = spark.createDataFrame([*rows, ("C", "x", None, "hats", "s", 1, None)], COLUMNS)
    assert [row.listing_id for row in examples(frame).collect()] == ["C"]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_the_shards_contain_every_row_once(spark: SparkSession, tmp_path: Path, ranks: int) -> None:
    frame = examples(listings(spark, 211), partitions=4 * ranks)
    dataset = write_dataset(frame, str(tmp_path / "set"), ranks=ranks)
    shards = [read_shard(dataset, rank, ranks, tmp_path / f"cache-{rank}", 2) for rank in range(ranks)]
    assert dataset.rows == 211
    check_coverage(dataset, sum(map(len, shards)), sum(checksum(shard.keys) for shard in shards))
    assert min(map(len, shards)) > 211 / ranks / 3
    expected = {row.key: row for row in frame.collect()}
    seen = []
    for shard in shards:
        for i, key in enumerate(shard.keys.tolist()):
            row = expected[key]
            seen.append(key)
            assert (shard.labels[i], shard.buckets[i], shard.present[i]) == (row.label, row.bucket, row.present)
            assert (shard.truths[i], shard.sellers[i]) == (-1, row.seller_key)
            assert (row.seller_key == NO_SELLER) == (row.seller_id is None)
            text = shard.texts(np.array([i]))
            assert text.ids.tolist() == np.frombuffer(row.text_ids, "<i4").tolist()
            assert text.weights.tolist() == np.frombuffer(row.text_weights, "<f4").tolist()
            if row.present:
                assert shard.vectors[shard.slots[i]].tobytes() == bytes(row.vector)
            else:
                assert shard.slots[i] == -1
    assert sorted(seen) == sorted(expected)


def test_reading_again_gives_the_same_order(spark: SparkSession, tmp_path: Path) -> None:
    keys = []
    for attempt in ("one", "two"):
        dataset = write_dataset(examples(listings(spark, 97)), str(tmp_path / attempt), ranks=2)
        keys.append([read_shard(dataset, r, 2, tmp_path / f"{attempt}{r}", 2).keys.tolist() for r in (0, 1)])
    assert keys[0] == keys[1]


def test_a_training_set_without_pictures(spark: SparkSession, tmp_path: Path) -> None:
    frame = listings(spark, 40).withColumn("vector", F.lit(None).cast("binary"))
    dataset = write_dataset(examples(frame), str(tmp_path / "set"), ranks=1)
    shard = read_shard(dataset, 0, 1, tmp_path / "cache", 2)
    assert len(shard) == 40
    assert shard.vectors.shape == (0, 2)


def test_lost_or_duplicated_rows_fail_the_training() -> None:
    keys = np.array([11, -5, 2**62])
    dataset = Dataset("/nowhere", 3, checksum(keys))
    check_coverage(dataset, 3, checksum(keys[:2]) + checksum(keys[2:]))
    with pytest.raises(CoverageError, match="2 rows"):
        check_coverage(dataset, 2, checksum(keys[:2]))
    twice = np.array([11, 11, 2**62])
    with pytest.raises(CoverageError):
        check_coverage(dataset, 3, checksum(twice))


def test_too_few_rows_for_the_ranks_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(FailedError, match=r"lower train\.ranks"):
        write_dataset(examples(listings(spark, 1)), str(tmp_path / "set"), ranks=2)
