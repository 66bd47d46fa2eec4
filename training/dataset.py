"""The training set: plain Parquet that Petastorm reads in shards, with a check that each row is read exactly once.

Columns are only scalars and byte strings: ragged lists and nulls crash Petastorm's batch reader, and Unischema metadata
would be pickled.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.arrays import Bools, Floats32, Ints
from schemas.errors import FailedError
from schemas.tensors import TextBatch
from training.blocks import map_file
from training.heartbeat import HEARTBEAT

NUMBERS = {
    "key": "keys",
    "label": "labels",
    "truth": "truths",
    "audited": "audited",
    "seller_key": "sellers",
    "bucket": "buckets",
    "left_out": "left_out",
    "present": "present",
}
"""Column of the training set -> attribute of `Shard`."""
READ_COLUMNS = [*NUMBERS, "text_ids", "text_weights", "vector"]
ROW_GROUP_BYTES = 32 * 1024 * 1024
_CHECK = 1_000_000_007
"""Keys are summed modulo this prime. The sum reveals a row that was read twice in place of a lost one."""


class CoverageError(FailedError):
    """Raised when the ranks together do not read every row exactly once."""


@dataclass(frozen=True)
class Dataset:
    """A training set on disk: its folder, its number of rows and the sum of their keys modulo a prime."""

    folder: str
    rows: int
    checksum: int


@dataclass(frozen=True)
class Shard:
    """The rows of one rank, memory-mapped from a local cache, so that they need not fit into memory.

    Attributes:
        keys: int64, shape (n,), the hash of each listing's id.
        labels: int64, shape (n,), category index of the seller's label, -1 where there is none.
        truths: int64, shape (n,), category index that a person has decided, -1 where nobody has.
        audited: int64, shape (n,), category index that a person has decided in the random audit, -1 where nobody has.
        sellers: int64, shape (n,), the hash of the seller's id; see `training.examples.SCHEMA`.
        buckets: int64, shape (n,).
        left_out: int64, shape (n,), the folds whose members must not learn from the row; see `training.folds`.
        splits, ids, weights: the text features as in `TextBatch`.
        present: bool, shape (n,), whether there is a usable picture.
        slots: int64, shape (n,), a picture's index in `vectors`; -1 where there is none.
        vectors: float16, shape (present pictures, D), what the picture encoder makes of them.
    """

    keys: Ints
    labels: Ints
    truths: Ints
    audited: Ints
    sellers: Ints
    buckets: Ints
    left_out: Ints
    splits: Ints
    ids: NDArray[Any]
    weights: Floats32
    present: Bools
    slots: Ints
    vectors: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def hard_targets(self) -> Ints:
        """The target of the first pass: a person's decision, else the seller's label; shape (n,)."""
        return np.where(self.truths >= 0, self.truths, self.labels)

    def texts(self, rows: Ints) -> TextBatch:
        """The text features of the rows."""
        return TextBatch(self.ids, self.weights, self.splits).take(rows)


def write_dataset(examples: DataFrame, folder: str, *, ranks: int) -> Dataset:
    """Write the examples as plain Parquet: one file, with at least one row group, per partition.

    Args:
        examples: as `training.examples.example_rows` returns them, in at least 4 partitions per rank. Shards consist
            of whole row groups, so more row groups make shards more equal in size.
        folder: an absolute path that every node can access; replaced if it exists.
        ranks: the number of ranks that will read the training set.

    Raises:
        FailedError: there are fewer non-empty files than ranks.
    """
    (
        examples.write.mode("overwrite")
        .option("parquet.block.size", ROW_GROUP_BYTES)
        .option("compression", "zstd")
        .parquet(f"file://{folder}")
    )
    files = (
        examples.sparkSession.read.parquet(f"file://{folder}")
        .groupBy(F.input_file_name())
        .agg(F.count(F.lit(1)).alias("rows"), F.sum(F.expr(f"pmod(key, {_CHECK})")).alias("checksum"))
        .collect()
    )
    rows = sum(file["rows"] for file in files)
    if len(files) < ranks:
        raise FailedError(
            f"the training set has {rows} rows in {len(files)} files, too few for {ranks} ranks: "
            "provide more labelled listings, or lower train.ranks."
        )
    return Dataset(folder, rows, sum(file["checksum"] for file in files))


def read_shard(dataset: Dataset, rank: int, ranks: int, cache: Path, width: int) -> Shard:
    """Read a rank's shard once through Petastorm into memory-mapped files under `cache`; `width` as in `map_shard`."""
    cache.mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[Ints]] = {name: [] for name in (*NUMBERS.values(), "lengths")}
    with (
        (cache / "ids").open("wb") as ids,
        (cache / "weights").open("wb") as weights,
        (cache / "vectors").open("wb") as vectors,
    ):
        for batch in _batches(dataset.folder, rank, ranks):
            HEARTBEAT.beat()
            for column, name in NUMBERS.items():
                columns[name].append(getattr(batch, column))
            columns["lengths"].append(np.array([len(value) // 4 for value in batch.text_ids], np.int64))
            ids.write(b"".join(batch.text_ids))
            weights.write(b"".join(batch.text_weights))
            vectors.write(b"".join(batch.vector))
    return map_shard(cache, columns, width)


def map_shard(cache: Path, columns: Mapping[str, Sequence[Ints]], width: int) -> Shard:
    """Memory-map the files `ids`, `weights` and `vectors` of a folder as a shard.

    Args:
        cache: the folder.
        columns: the arrays that `NUMBERS` names, and `lengths` (number of features of each listing), each in chunks.
        width: length D of a picture's vector; 0 without a picture encoder.
    """
    joined = {name: np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64) for name, parts in columns.items()}
    present = joined["present"].astype(np.bool_)
    splits = np.concatenate([[0], np.cumsum(joined["lengths"])]).astype(np.int64)
    return Shard(
        keys=joined["keys"],
        labels=joined["labels"],
        truths=joined["truths"],
        audited=joined["audited"],
        sellers=joined["sellers"],
        buckets=joined["buckets"],
        left_out=joined["left_out"],
        splits=splits,
        ids=map_file(cache / "ids", np.int32, (int(splits[-1]),)),
        weights=map_file(cache / "weights", np.float32, (int(splits[-1]),)),
        present=present,
        slots=np.where(present, np.cumsum(present) - 1, -1),
        vectors=map_file(cache / "vectors", np.float16, (int(present.sum()), width)),
    )


def checksum(keys: Ints) -> int:
    """The checksum of some rows; those of all ranks add up to `Dataset.checksum`."""
    return int(np.mod(keys, _CHECK).sum())


def check_coverage(dataset: Dataset, rows: int, total: int) -> None:
    """Check that the ranks together read every row exactly once.

    Args:
        dataset: the training set as written.
        rows, total: number of rows and `checksum`, each summed over the ranks.

    Raises:
        CoverageError: they differ from what was written.
    """
    if rows != dataset.rows or total != dataset.checksum:
        raise CoverageError(
            f"the ranks read {rows} rows (checksum {total}) of {dataset.rows} (checksum {dataset.checksum}) "
            f"in {dataset.folder}. Training stopped because every listing must be read exactly once. Run it again; if "
            "it fails again, check that every node can access this folder and that Petastorm has the pinned version."
        )


def _batches(folder: str, rank: int, ranks: int) -> Iterator[Any]:
    # The dummy pool reads in this thread, so the order of rows is reproducible.
    import petastorm

    warnings.filterwarnings("ignore", category=FutureWarning, module="petastorm")  # pyarrow's legacy dataset
    with petastorm.make_batch_reader(
        f"file://{folder}",
        schema_fields=READ_COLUMNS,
        reader_pool_type="dummy",
        shuffle_row_groups=False,
        num_epochs=1,
        cur_shard=rank if ranks > 1 else None,
        shard_count=ranks if ranks > 1 else None,
    ) as reader:
        yield from reader
