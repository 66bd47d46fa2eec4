"""Shows what an ingest would make of a delivery: columns, first rows, and rows that could not be used."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

import yaml
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.ingest_settings import IngestSettings
from jobs.console.job import Job
from jobs.console.summary import Section, Share, Summary
from jobs.console.wording import agree
from jobs.ingestion.categories import CategoryOptions
from jobs.ingestion.deliveries import Delivery, check_count
from jobs.ingestion.numeric_ids import unify_ids
from jobs.ingestion.preview_categories import preview_categories, read_options
from jobs.ingestion.samples import SAMPLE_ROWS, FileColumn, Sample, read_sample
from jobs.ingestion.steps.proposals import Proposal
from jobs.ingestion.steps.sources import OPTIONAL, REQUIRED, mapped_names
from jobs.ingestion.warnings import category_warnings, exposure_warnings, price_warnings, quarantine_warnings
from jobs.warehouse.caches import cached
from jobs.warehouse.fetched import is_at_server
from schemas.errors import UsageError

_FIRST_ROWS = 5
_MAX_TEXT = 60
"""Characters of a text to show."""
_MAX_RAW = 200
_NOT_SHOWN = ("proposed_settings",)
"""Facts for programs; people read them as hints."""
_COLUMNS = (*REQUIRED, *OPTIONAL)


@dataclass(frozen=True)
class _Counts:
    """What is in the cast rows.

    Attributes:
        rows: number of rows.
        usable: rows that can be used.
        listings: distinct listing ids among them.
        filled: column of listings -> usable rows with a value.
        quarantined: reason, rows, the first row as JSON.
        lists: column -> usable rows with a list of several values.
        prices_unread: usable rows with a price that cannot be read for sure.
        exposures_unread: usable rows with an exposure that is no plain number.
        price_hints: output of `udfs.prices.decimal_hint` -> usable rows.
        without_category: listings of which no usable row has a category.
        at_servers: usable rows with a picture at an http or https address.
    """

    rows: int
    usable: int
    listings: int
    filled: dict[str, int]
    quarantined: list[tuple[str, int, str]]
    lists: dict[str, int]
    prices_unread: int
    exposures_unread: int
    price_hints: dict[str | None, int]
    without_category: int
    at_servers: int


def preview(job: Job, location: str, version: int | None, options: CategoryOptions) -> Summary:
    """Show what an ingest would make of a delivery, from the first rows of each file. Writes nothing.

    Args:
        job: the job.
        location: a file, a folder or a table.
        version: of a Delta table; None: the newest.
        options: the files about categories.

    Raises:
        UsageError: the files cannot be read.
    """
    settings = job.settings.ingest
    with ExitStack() as at_end:
        given = read_options(job, options)
        sample = at_end.enter_context(read_sample(job, location, version))
        job.print_progress(f"read {'the beginning of ' if sample.is_sample else ''}{sample.files}")
        facts: dict[str, object] = {
            "delivery": location,
            "preset": settings.preset,
            "sample": f"the first {SAMPLE_ROWS:,} rows of each file" if sample.is_sample else None,
        }
        sections = [_file_columns(sample)]
        hints: list[str] = []
        refusal = sample.refusal
        if sample.delivery is not None:
            rows = unify_ids(cached(_narrow(sample.delivery), at_end))
            counts = _count(rows)
            if sample.delivery.counted is not None:
                check_count(sample.files, sample.delivery.counted, counts.rows)
            facts |= _facts(counts, sample.delivery)
            sections += _sections(rows, counts, sample)
            try:
                sections += preview_categories(job, rows, given)
            except UsageError as error:
                refusal = error
            hints += [*sample.delivery.remarks, *_warnings(counts, settings)]
        facts |= {"columns_missing": ", ".join(sample.missing) or None}
        proposed = sample.proposal.settings(mapped_names(settings))
        hints += _proposal_hints(sample.proposal, proposed, settings)
        facts |= {"proposed_settings": proposed or None}
        if refusal is None:
            hints.append("Next:  the same command without --dry-run")
        return Summary(
            "Dry run: nothing was written",
            facts,
            sections,
            hints,
            hidden_if_zero=("preset", "sample", "listings_without_category", "columns_mapped"),
            error=refusal,
            not_shown=_NOT_SHOWN,
        )


def _narrow(delivery: Delivery) -> DataFrame:
    """The cast rows without texts and pictures that nobody looks at."""
    size = F.octet_length("image").alias("image")
    texts = [F.substring(F.btrim(name), 1, _MAX_TEXT + 1).alias(name) for name in ("title", "description")]
    kept = [name for name in delivery.rows.columns if name not in ("title", "description", "image", "raw")]
    return delivery.rows.select(*kept, *texts, size, F.substring("raw", 1, _MAX_RAW).alias("raw"))


def _count(rows: DataFrame) -> _Counts:
    usable = F.size("reasons") == 0
    kinds = ("reasons", "price_unread", "exposure_unread", "price_hint", "lists_unread")
    found = rows.groupBy(*kinds).agg(F.count("*").alias("rows"), F.first("raw"))
    quarantined, examples, lists, prices, exposures = Counter[str](), dict[str, str](), Counter[str](), 0, 0
    hints = Counter[str | None]()
    for reasons, price_unread, exposure_unread, hint, lists_unread, count, raw in found.collect():
        for reason in reasons:
            quarantined[reason] += count
            examples.setdefault(reason, raw)
        if not reasons:
            lists.update(dict.fromkeys(lists_unread, count))
            prices += count if price_unread else 0
            exposures += count if exposure_unread else 0
            hints[hint] += count
    filled = [F.count(F.when(usable & _has_value(name), 1)).alias(name) for name in (*_COLUMNS, "attributes")]
    total = rows.agg(
        F.count("*").alias("rows"),
        F.count(F.when(usable, 1)).alias("usable"),
        F.count_distinct(F.when(usable, F.col("listing_id"))).alias("listings"),
        F.count_distinct(F.when(usable & _has_value("category"), F.col("listing_id"))).alias("with_category"),
        F.count(F.when(usable & is_at_server(), 1)).alias("at_servers"),
        *filled,
    ).collect()[0]
    return _Counts(
        total.rows,
        total.usable,
        total.listings,
        {name: total[name] for name in (*_COLUMNS, "attributes")},
        [(reason, count, examples[reason]) for reason, count in sorted(quarantined.items())],
        dict(sorted(lists.items())),
        prices,
        exposures,
        dict(hints),
        total.listings - total.with_category,
        total.at_servers,
    )


def _has_value(name: str) -> Column:
    if name == "attributes":
        return F.coalesce(F.size(name), F.lit(0)) > 0
    return F.length(F.col(name).cast("string")) > 0


def _facts(counts: _Counts, delivery: Delivery) -> dict[str, object]:
    return {
        "rows_in": counts.rows,
        "rows_usable": counts.usable,
        "rows_quarantined": counts.rows - counts.usable,
        "listings": counts.listings,
        "listings_without_category": counts.without_category,
        "columns_mapped": delivery.columns_mapped,
        "columns_ignored": ", ".join(delivery.ignored_columns) or None,
    }


def _file_columns(sample: Sample) -> Section:
    proposed = {name: column for column, name in sample.proposal.columns.items()}

    def use(column: FileColumn, name: str) -> str:
        first = sample.sources.get(name, (column.name,))[0]
        return (
            name if first == column.name or column.name not in sample.sources[name] else f"{name} if {first} is empty"
        )

    def becomes(column: FileColumn) -> str:
        if column.used_for:
            return ", ".join(use(column, name) for name in column.used_for)
        return f"ignored; looks like {proposed[column.name]}" if column.name in proposed else "ignored"

    rows = [(each.name, becomes(each), each.value) for each in sample.columns]
    return Section("columns of the files", ("column", "becomes", "first_value"), rows, key="file_columns")


def _sections(rows: DataFrame, counts: _Counts, sample: Sample) -> list[Section]:
    filled = [
        (name, count, Share(count / counts.usable))
        for name, count in counts.filled.items()
        if counts.usable and (count or name not in (*sample.missing, "attributes"))
    ]
    return [
        Section("columns of the listings", ("column", "rows", "share"), filled, key="filled"),
        Section(
            "first rows",
            ("listing_id", "title", "category", "price", "updated_at", "picture"),
            _first_rows(rows),
            key="first_rows",
        ),
        Section("quarantined", ("reason", "rows", "example"), counts.quarantined),
        Section(
            "lists of several values, which are not read", ("column", "rows"), [*counts.lists.items()], key="lists"
        ),
    ]


def _first_rows(rows: DataFrame) -> list[tuple[object, ...]]:
    first = rows.where(F.size("reasons") == 0).orderBy("row_number").limit(_FIRST_ROWS)
    price = F.concat_ws(" ", F.col("price").cast("string"), F.when(F.col("price").isNotNull(), F.col("currency")))
    values = first.select(
        "listing_id",
        "title",
        "category",
        F.when(price != "", price).alias("price"),
        F.date_format("updated_at", "yyyy-MM-dd HH:mm:ss").alias("updated_at"),
        F.coalesce(F.concat(F.format_number("image", 0), F.lit(" bytes")), F.col("image_uri")).alias("picture"),
    ).collect()
    return [tuple(shorten(value) for value in row) for row in values]


def shorten(value: str | None) -> str | None:
    """A text of at most 60 characters."""
    return value if value is None or len(value) <= _MAX_TEXT else f"{value[: _MAX_TEXT - 1]}…"


def _warnings(counts: _Counts, settings: IngestSettings) -> list[str]:
    """Warnings about values that would not be used."""
    warnings = [
        *quarantine_warnings({reason: rows for reason, rows, _ in counts.quarantined}),
        *category_warnings(counts.without_category),
        *price_warnings(counts.prices_unread, counts.price_hints),
        *exposure_warnings(counts.exposures_unread),
    ]
    if "category" in counts.lists and settings.category_separator is None:
        warnings.append("Lists of categories are read if you say what to put between them: ingest.category_separator.")
    in_files = counts.filled["image_uri"] - counts.at_servers
    if counts.at_servers:
        warnings.append(
            agree(
                "{n} {picture is at an http or https address|pictures are at http or https addresses}: "
                "`catalog-cleaner fetch-pictures` fetches {it|them} after the ingest.",
                counts.at_servers,
            )
        )
    if in_files and not settings.image_prefixes:
        warnings.append(
            agree(
                "{n} {picture is|pictures are} given by path or URI, and none is read until {its|their} folder is "
                "allowed: --set 'ingest.image_prefixes=[/folder]'",
                in_files,
            )
        )
    return warnings


def _proposal_hints(proposal: Proposal, proposed: dict[str, object], settings: IngestSettings) -> list[str]:
    if not proposed:
        return []
    text = yaml.safe_dump({"ingest": proposed}, allow_unicode=True, sort_keys=False, width=float("inf"))
    others = [f"{column} may also be {', '.join(names)}." for column, names in proposal.others.items()]
    return [
        " ".join(("Proposed, because names look alike; check them. On the command line:", *others)),
        f"    {proposal.as_options(mapped_names(settings))}",
        "In a profile:",
        *(f"    {line}" for line in text.splitlines()),
    ]
