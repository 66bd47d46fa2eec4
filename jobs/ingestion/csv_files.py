"""Reads CSV files: twice, with Python's parser on the driver, which checks and counts, and with Spark's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import islice

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from jobs.ingestion.copies import Copies
from jobs.ingestion.csv_check import SEPARATOR_LINE, CsvContent, CsvForm, UnclosedQuoteError, check_csv
from jobs.ingestion.dialects import find_delimiter
from jobs.ingestion.files import escaped
from jobs.ingestion.rows import MALFORMED, MAX_MALFORMED_TEXT, Rows, unique_names
from jobs.ingestion.steps.casts import quoted
from jobs.ingestion.text_files import Decoding, Text, TextSettings, inspect
from schemas.errors import UsageError

_HEAD_LINES = 200


def read_csv(spark: SparkSession, paths: Sequence[str], settings: TextSettings, copies: Copies) -> Rows:
    """Read CSV files, whose columns may differ.

    Raises:
        UsageError: a file is empty or cannot be read, its encoding or the separator of its values is not sure, or a
            quote is not closed.
    """
    # Files with the same header are read together, because Spark matches CSV columns by position.
    alike: dict[tuple[tuple[str, ...], CsvForm], list[tuple[str, str]]] = {}
    counted, doubtful, is_sample, remarks = 0, 0, False, list[str]()

    def check(text: Text, decoding: Decoding) -> tuple[CsvForm, CsvContent]:
        return _check(text, decoding, settings)

    for path in paths:
        text, (form, content) = inspect(spark, path, settings, check)
        if not content.header:
            raise UsageError(f"{text.name} is empty: a CSV file must start with a header.")
        counted += content.rows
        is_sample |= content.end is not None
        doubtful += len(content.doubtful)
        if content.doubtful:
            remarks.append(_remark(text.name, content.doubtful))
        path_for_spark = text.for_spark(copies, skip=content.blank, end=content.end)
        alike.setdefault((content.header, form), []).append((text.name, path_for_spark))
    frames = [_read_alike(spark, header, form, [path for _, path in same]) for (header, form), same in alike.items()]
    names = tuple(tuple(name for name, _ in same) for same in alike.values())
    # Quoted values may contain line breaks, so Spark reads a file in one task. Few rows stay in the order of the files.
    cores = spark.sparkContext.defaultParallelism
    spread = cores if settings.limit is None and len(paths) < cores else None
    return Rows(tuple(frames), counted, is_sample, spread, tuple(remarks), doubtful, names)


def _remark(name: str, doubtful: Sequence[tuple[int, str]]) -> str:
    number, line = doubtful[0]
    return (
        f"{name}: lines within quoted values that look like rows: {len(doubtful):,}, the first is line {number:,}: "
        f"{line!r}. If a quote is missing before it, they are lost as listings."
    )


def _check(text: Text, decoding: Decoding, settings: TextSettings) -> tuple[CsvForm, CsvContent]:
    """Read a file on the driver."""
    form = CsvForm(settings.delimiter or _delimiter(text, settings), settings.quotes)
    try:
        with text.open() as lines:
            return form, check_csv(decoding.watch(lines), form, settings.max_lines, settings.limit)
    except UnclosedQuoteError as error:
        raise UsageError(
            f"{text.name}, {error}. All rows behind it would be lost. Close the quote. If the file writes a quote "
            f"inside quotes with a backslash, as MySQL does, use --set {settings.settings}.quotes=backslash; if quotes "
            f"are ordinary characters, --set {settings.settings}.quotes=none; if its rows do have so many lines, --set "
            f"{settings.settings}.max_lines=NUMBER."
        ) from error


def _delimiter(text: Text, settings: TextSettings) -> str:
    with text.open() as lines:
        head = list(islice(lines, _HEAD_LINES))
    if head and (named := SEPARATOR_LINE.fullmatch(head[0])):
        return named[1]
    found = find_delimiter(head, settings.wanted, settings.quotes)
    if found is None:
        raise UsageError(
            f"{text.name}: it is not sure what separates its values; its first line is {head[0].strip()[:200]!r}. Set "
            f"it with --set {settings.settings}.delimiter=tab (or ';', '|', ',')."
        )
    return found


def _read_alike(spark: SparkSession, header: Sequence[str], form: CsvForm, paths: Sequence[str]) -> DataFrame:
    """Read files with the same header. A row that repeats it, as in files that were put together, is malformed."""
    names = unique_names(header)
    reader = spark.read.options(
        header="true",
        sep=form.delimiter,
        encoding="UTF-8",
        multiLine="true",
        quote="" if form.quotes == "none" else '"',
        escape={"doubled": '"', "backslash": "\\", "none": "\0"}[form.quotes],
        nullValue="\0",  # an empty value is null, two quotes are an empty text
        emptyValue="",
        columnNameOfCorruptRecord=MALFORMED,
        columnPruning="false",  # otherwise Spark accepts rows with too many values
        maxCharsPerColumn="-1",
    )
    schema = StructType([StructField(name, StringType()) for name in (*names, MALFORMED)])
    rows = reader.schema(schema).csv(list(escaped(paths)))
    cells = list(zip(names, header, strict=True))
    is_header = reduce(Column.__and__, (F.coalesce(quoted(name), F.lit("")) == cell for name, cell in cells))
    malformed = F.coalesce(F.col(MALFORMED), F.when(is_header, form.delimiter.join(header)))
    return rows.withColumn(MALFORMED, F.substring(malformed, 1, MAX_MALFORMED_TEXT))
