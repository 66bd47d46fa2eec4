"""Reads the first rows of a batch, to show what an ingest would make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.ingest_settings import IngestSettings
from conf.presets import with_preset
from jobs.console.job import Job
from jobs.ingestion.copies import COPIES_OF_INGEST, open_copies
from jobs.ingestion.deliveries import Delivery, cast_delivery, read_listings, reported_read_errors
from jobs.ingestion.files import Files
from jobs.ingestion.rows import Rows
from jobs.ingestion.steps.proposals import Proposal
from jobs.ingestion.steps.sources import (
    OPTIONAL,
    REQUIRED,
    Source,
    all_names,
    find_attributes,
    find_columns,
    find_source,
    has_bytes,
    propose_columns,
    require_columns,
    source_columns,
)
from schemas.errors import UsageError

SAMPLE_ROWS = 10_000
"""Rows of each file that are read."""
_SHOWN_COLUMNS = 200
_ROWS_WITH_VALUES = 1_000
_MAX_VALUE = 60
"""Characters of a value to show."""


@dataclass(frozen=True)
class FileColumn:
    """A column of the files.

    Attributes:
        name: its name; of a field, the path to it.
        used_for: the columns of listings that it becomes; attributes as `attributes.NAME`.
        value: the first value, shortened; None if the first rows have none.
    """

    name: str
    used_for: tuple[str, ...]
    value: str | None


@dataclass(frozen=True)
class Sample:
    """What an ingest would make of a batch.

    Attributes:
        files: the files.
        columns: their columns, in order, at most 200.
        sources: column of listings -> the columns of the files where its values are, in the order in which they count.
        missing: columns of listings that the files lack, without those that a setting leaves out.
        proposal: columns of the files that may be the missing ones.
        delivery: the cast rows; None if the batch would be refused.
        refusal: why the batch would be refused; None if it would not.
        is_sample: whether the files may have more rows.
    """

    files: Files
    columns: tuple[FileColumn, ...]
    sources: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    proposal: Proposal
    delivery: Delivery | None
    refusal: UsageError | None
    is_sample: bool


@contextmanager
def read_sample(job: Job, location: str, version: int | None = None, *, use_preset: bool = False) -> Iterator[Sample]:
    """Read the first rows of each file of a batch, and find out what its columns become. The rows last for the block.

    Args:
        job: the job.
        location: a file, a folder or a table.
        version: of a Delta table; None: the newest.
        use_preset: show what becomes of the columns with the preset that is proposed, if one is.

    Raises:
        UsageError: the files cannot be read.
    """
    settings = job.settings.ingest
    with open_copies(job.warehouse, COPIES_OF_INGEST) as copies, reported_read_errors(location):
        files, rows = read_listings(job.spark, location, settings, copies, version, SAMPLE_ROWS)
        proposal = propose_columns(rows.schemas, settings)
        if use_preset and proposal.preset is not None:
            settings = _with_preset(settings, proposal.preset)
            proposal = replace(propose_columns(rows.schemas, settings), preset=proposal.preset)
        sources = source_columns([find_columns(schema, settings) for schema in rows.schemas])
        delivery, refusal = _cast(job, files, rows, settings)
        names = tuple(dict.fromkeys(name for schema in rows.schemas for name in all_names(schema)))
        left_out = {str(column) for column, name in settings.columns.items() if name is None}
        missing = tuple(each for each in (*REQUIRED, *OPTIONAL) if each not in sources and each not in left_out)
        if settings.updated_at is not None:
            missing = tuple(each for each in missing if each != "updated_at")
        yield Sample(
            files,
            tuple(_columns(rows, names[:_SHOWN_COLUMNS], _uses(rows, settings))),
            sources,
            missing,
            proposal,
            delivery,
            refusal,
            rows.is_sample,
        )


def _with_preset(settings: IngestSettings, preset: str) -> IngestSettings:
    """The settings as they would be if the preset were set, too."""
    defaults = asdict(IngestSettings())
    own = {name: value for name, value in asdict(settings).items() if value != defaults[name]}
    return IngestSettings(**with_preset({"ingest": {**own, "preset": preset}})["ingest"])


def _cast(job: Job, files: Files, rows: Rows, settings: IngestSettings) -> tuple[Delivery | None, UsageError | None]:
    try:
        require_columns(rows.schemas, settings)
        delivery = cast_delivery(job.spark, files, rows, settings, job.started_at)
        delivery.refuse_without_content()
    except UsageError as error:
        return None, error
    return delivery, None


def _uses(rows: Rows, settings: IngestSettings) -> dict[str, tuple[str, ...]]:
    """Name of a column or field of the files -> what it becomes."""
    uses: dict[str, dict[str, None]] = {}
    for schema in rows.schemas:
        attributes = find_attributes(schema, settings)
        named = {**find_columns(schema, settings), **{f"attributes.{name}": each for name, each in attributes.items()}}
        for column, source in ((column, source) for column, sources in named.items() for source in sources):
            uses.setdefault(source.name, {})[column] = None
    return {name: tuple(columns) for name, columns in uses.items()}


def _columns(rows: Rows, names: Sequence[str], uses: Mapping[str, tuple[str, ...]]) -> Iterator[FileColumn]:
    """The columns of the files with their first values."""
    values: dict[str, str] = {}
    for frame, schema in zip(rows.frames, rows.schemas, strict=True):
        sources = [source for name in names if name not in values and (source := find_source(name, schema))]
        values |= _first_values(frame, [source for source in sources if not has_bytes(source.type)])
        values |= {source.name: "(bytes)" for source in sources if has_bytes(source.type)}
    whole = {name: columns for name, columns in uses.items() if name not in names}
    for name in names:
        # A list or a picture of several fields may be used as a whole.
        outer = [column for path, columns in whole.items() if name.startswith(f"{path}.") for column in columns]
        yield FileColumn(name, (*uses.get(name, ()), *outer), values.get(name))


def _first_values(frame: DataFrame, sources: Sequence[Source]) -> dict[str, str]:
    if not sources:
        return {}
    texts = [F.substring(source.as_text(), 1, _MAX_VALUE).alias(f"v{place}") for place, source in enumerate(sources)]
    texts = [F.when(F.trim(text) != "", text).alias(f"v{place}") for place, text in enumerate(texts)]
    head = frame.limit(_ROWS_WITH_VALUES).select(*texts)
    row = head.agg(*(F.first(name, ignorenulls=True) for name in head.columns)).collect()[0]
    return {source.name: value for source, value in zip(sources, row, strict=True) if value is not None}
