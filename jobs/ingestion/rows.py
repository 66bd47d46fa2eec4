"""The rows of the files of a batch, before they are checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from jobs.ingestion.steps.casts import is_not_utf8, quoted

MALFORMED = "__malformed__"
"""Column with the text of a row that could not be parsed, else null."""
MAX_MALFORMED_TEXT = 10_000
"""Characters of a malformed row that are kept."""


@dataclass(frozen=True)
class Rows:
    """The rows of files.

    Attributes:
        frames: the columns of the files (as text for CSV and JSON) and `MALFORMED`, which may differ between frames.
        counted: number of rows, counted independently of Spark; None: not counted.
        is_sample: whether the files have more rows.
        spread: number of tasks over which to spread the work on the rows, which changes their order; None: as many as
            they are read by.
        remarks: what a person should look at in the files.
        doubtful: number of lines within quoted values that look like rows of their own.
        files: the names of the files of each frame; empty: not known.
        unread: columns of the files, and fields, that Spark cannot read, so that no frame has them.
    """

    frames: tuple[DataFrame, ...]
    counted: int | None
    is_sample: bool = False
    spread: int | None = None
    remarks: tuple[str, ...] = ()
    doubtful: int = 0
    files: tuple[tuple[str, ...], ...] = ()
    unread: tuple[str, ...] = ()

    def read(self, step: Callable[[DataFrame], DataFrame]) -> DataFrame:
        """All rows after a step that gives them the same columns, with `row_number`, an id of the row."""
        frames = [frame.repartition(self.spread) if self.spread else frame for frame in self.frames]
        rows = reduce(DataFrame.unionByName, map(step, frames))
        return rows.withColumn("row_number", F.monotonically_increasing_id())

    def collect_texts(self, names: Collection[str]) -> list[dict[str, str | None]]:
        """The rows of a small file as text, in its order: some columns, where the file has them, and `MALFORMED`.

        A row with text that is not UTF-8 is malformed.
        """
        return [row.asDict() for frame in self.frames for row in _texts(frame, names).collect()]

    @property
    def schemas(self) -> tuple[StructType, ...]:
        """The columns of the files, of each frame."""
        return tuple(_schema(frame) for frame in self.frames)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the files, those that Spark cannot read at the end."""
        names = dict.fromkeys(name for frame in self.frames for name in frame.columns if name != MALFORMED)
        return (*names, *self.unread)


def _texts(frame: DataFrame, names: Collection[str]) -> DataFrame:
    """Some columns as text, and `MALFORMED`, of rows with text that is not UTF-8, too."""
    given = [name for name in names if name in frame.columns]
    texts = [quoted(name).cast("string").alias(name) for name in given]
    not_utf8 = [is_not_utf8(quoted(name), frame.schema[name].dataType) for name in given]
    damaged = F.when(reduce(Column.__or__, not_utf8, F.lit(False)), F.make_valid_utf8(F.concat_ws(",", *texts)))
    return frame.select(*texts, F.coalesce(MALFORMED, damaged).alias(MALFORMED))


def _schema(frame: DataFrame) -> StructType:
    return StructType([field for field in frame.schema.fields if field.name != MALFORMED])


def unique_names(header: Sequence[str]) -> tuple[str, ...]:
    """The names of columns without surrounding spaces; a number follows one that is there already, in any case.

    Spark does not tell names apart that differ only in case. Columns without a name are called `_column_1` and so on.
    """
    names = [name.strip() or f"_column_{place}" for place, name in enumerate(header, 1)]
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name.lower()] += 1
        count = seen[name.lower()]
        unique.append(name if count == 1 else f"{name} ({count})")
    return tuple(unique)
