"""Reads text files once on the driver before Spark does: finds their encoding and counts their rows.

Spark reads UTF-8 without compression. Of a file that is written otherwise, Spark reads a copy.
"""

from __future__ import annotations

import io
import shutil
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TextIO, TypeVar

from pyspark.sql import SparkSession

from jobs.ingestion.copies import Copies
from jobs.ingestion.encodings import describe_encodings, detect_encoding, marked_encoding
from jobs.ingestion.opening import compression, open_file
from schemas.errors import UsageError

UTF8 = "utf-8"
_SPARK_READS = (UTF8, "utf-8-sig")
_HEAD = 4096
_EXAMPLES = 1000
"""Lines that are not UTF-8 from which the encoding is found."""
_BY_CHANCE = 0.02
"""In other encodings, words such as `Â©` are UTF-8 by chance: in at most so many lines for each that is not."""
_NO_TEXT = {
    b"\x1f\x8b": "compressed with gzip: add .gz to its name",
    b"BZh": "compressed with bzip2: add .bz2 to its name",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard: add .zst to its name",
    b"PK\x03\x04": "a ZIP archive or a workbook of Excel: unpack it, or save the sheet as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel: save the sheet as CSV (UTF-8)",
    b"PAR1": "Parquet: end its name in .parquet",
    b"%PDF": "a PDF document: ask for the data themselves",
}
"""First bytes of files that are no text -> what they are, and what to do."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class TextSettings:
    """How text files are written, as far as settings say. None: it is found out, and refused where it is not sure.

    Attributes:
        encoding: the name of the encoding.
        delimiter: separator of CSV values.
        quotes: as in `jobs.ingestion.csv_check.CsvForm`.
        max_lines: largest number of lines of a CSV row.
        wanted: names of columns, in lower case, of which a file must have one.
        settings: where the settings are, for messages.
        named: names of columns, or of fields of JSON objects, whose values are used.
        limit: number of rows to read of each file; None: all.
    """

    encoding: str | None
    delimiter: str | None
    quotes: str
    max_lines: int
    wanted: Collection[str]
    settings: str
    named: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True)
class Text:
    """A text file, its encoding, and what to do with bytes that are not in it."""

    spark: SparkSession
    path: str
    encoding: str
    errors: str

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.path.rsplit("/", 1)[-1]

    @contextmanager
    def open(self) -> Iterator[TextIO]:
        """Open the file, decompressed; its line ends are kept."""
        with (
            open_file(self.spark, self.path) as file,
            io.TextIOWrapper(file, self.encoding, self.errors, newline="") as text,
        ):
            yield text

    def for_spark(self, copies: Copies, skip: int = 0, end: int | None = None) -> str:
        """The path that Spark reads: that of the file, or of a copy in UTF-8 without compression.

        Args:
            copies: where copies are written.
            skip: number of lines at the beginning that Spark must not see.
            end: number of lines behind which Spark must see none; None: it sees all.
        """
        packed = compression(self.path)
        if self.encoding in _SPARK_READS and packed is None and not skip and end is None:
            return self.path
        with self.open() as text, copies.write(self.name[: -len(packed)] if packed else self.name) as (path, out):
            deque(islice(text, skip), maxlen=0)
            if end is None:
                shutil.copyfileobj(text, out, 1 << 20)
            else:
                out.writelines(islice(text, end - skip))
        return path


@dataclass
class Decoding:
    """Counts the lines of a text, and those that could not be decoded, which then contain surrogates.

    Attributes:
        lines: number of lines.
        bad: number of lines that could not be decoded.
        good: number of lines that are UTF-8 and not ASCII.
        examples: the first of them.
        other: all their bytes that are not ASCII, each once.
    """

    lines: int = 0
    bad: int = 0
    good: int = 0
    examples: list[bytes] = field(default_factory=list)
    other: set[int] = field(default_factory=set)

    def watch(self, text: TextIO) -> Iterator[str]:
        """The lines of a text that is decoded with `surrogateescape`."""
        for line in text:
            self.lines += 1
            if not line.isascii():
                self._count(line)
            yield line

    def _count(self, line: str) -> None:
        if _is_decoded(line):
            self.good += 1
            return
        data = line.encode(UTF8, "surrogateescape")
        self.bad += 1
        self.other.update(each for each in data if each > 127)
        if len(self.examples) < _EXAMPLES:
            self.examples.append(data)


def inspect(
    spark: SparkSession, path: str, settings: TextSettings, read: Callable[[Text, Decoding], _T]
) -> tuple[Text, _T]:
    """Read a text file from its beginning to its end in its encoding, and return what `read` makes of it.

    Args:
        spark: the session.
        path: the file.
        settings: its encoding; None: UTF-8, what its first bytes say, or what all lines that are not UTF-8 surely are.
        read: reads the whole text, its lines through `Decoding.watch`.

    Raises:
        UsageError: it cannot be read, it is not in the encoding, or the encoding is not sure.
    """
    marked = _marked_encoding(spark, path)
    encoding = settings.encoding or marked
    text = Text(spark, path, encoding or UTF8, "strict" if encoding else "surrogateescape")
    decoding, way_out = Decoding(), f"Set the right encoding with --set {settings.settings}.encoding=NAME."
    try:
        found = read(text, decoding)
        if decoding.bad:
            text = Text(spark, path, _other_encoding(text, decoding, way_out), "strict")
            found = read(text, Decoding())
    except UnicodeError as error:
        raise UsageError(f"{text.name} is not {text.encoding}: {error}. {way_out}") from error
    except LookupError as error:
        raise UsageError(f"{settings.settings}.encoding: {error}; use a name such as windows-1252.") from error
    return text, found


def _other_encoding(text: Text, decoding: Decoding, way_out: str) -> str:
    """The encoding of a text that is not UTF-8.

    Raises:
        UsageError: it is not sure.
    """
    if decoding.good > decoding.bad * _BY_CHANCE:
        raise UsageError(
            f"{text.name}: {decoding.good:,} of {decoding.lines:,} lines are UTF-8 and {decoding.bad:,} are not, so no "
            "encoding reads all of it: it was put together from files in different ones, or lines are damaged. Load "
            "the files separately, or mend the lines. The first line that is not UTF-8: "
            f"{describe_encodings(decoding.examples)}."
        )
    detected = detect_encoding(decoding.examples, bytes(sorted(decoding.other)))
    if detected is None:
        raise UsageError(
            f"{text.name}: {decoding.bad:,} of {decoding.lines:,} lines are not UTF-8, and it is not sure what they "
            f"are: {describe_encodings(decoding.examples)}. {way_out}"
        )
    return detected


def _marked_encoding(spark: SparkSession, path: str) -> str | None:
    """The encoding that the first bytes name; None if they name none.

    Raises:
        UsageError: they are those of a file that is no text.
    """
    with open_file(spark, path) as file:
        head = file.read(_HEAD)
    kind = next((kind for beginning, kind in _NO_TEXT.items() if head.startswith(beginning)), None)
    if kind is not None:
        raise UsageError(f"{path.rsplit('/', 1)[-1]} is no text but {kind}.")
    return marked_encoding(head)


def _is_decoded(line: str) -> bool:
    try:
        line.encode(UTF8)
    except UnicodeEncodeError:
        return False
    return True
