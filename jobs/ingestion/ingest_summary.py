"""The row account of an ingest, its limit on withdrawals, and its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.ingest_settings import IngestSettings
from jobs.console.job import Job
from jobs.console.stages import Stages
from jobs.console.summary import Section, Share, Summary
from jobs.console.wording import UNUSED_ROWS, agree
from jobs.ingestion.categories import WrittenCategories, unknown_categories
from jobs.ingestion.deliveries import Delivery
from jobs.ingestion.lost_values import lost_value_warnings
from jobs.ingestion.steps.versions import CURRENT, Outcome
from jobs.ingestion.warnings import category_warnings, exposure_warnings, price_warnings, quarantine_warnings
from jobs.lifecycle.row_account import row_account
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.listings import narrow, with_taxonomy
from schemas.errors import RefusedError
from schemas.reasons import ImageStatus
from schemas.tables import CATEGORY_ALIASES, LISTINGS, RUNS, TAXONOMY

_ADDED_CATEGORIES = 20
"""Number of added categories to show."""
_TOTALS = ("rows_", "taxonomy_")
"""Beginnings of the names of counts that are shown even if they are 0. The others say how rows and pictures differ."""
_OPTIONAL_FACTS = ("preset", "listings_without_category", "columns_mapped", "columns_ignored")
"""Facts that are shown only if there is something to say."""
_UNREAD_PICTURES = {
    "not_allowed": (ImageStatus.NOT_ALLOWED,),
    "not_found": (ImageStatus.NOT_FOUND,),
    "unreadable": (ImageStatus.UNREADABLE,),
    "not_fetched": (ImageStatus.NOT_FETCHED,),
    "unusable": (ImageStatus.MISSING, ImageStatus.TOO_LARGE),
}
"""Name in the counts -> statuses of pictures behind URIs that were not read."""


@dataclass(frozen=True)
class Counts:
    """What happened to the rows of a delivery.

    Attributes:
        by_name: the counts of the run's row: the row account, withdrawn listings and unread pictures.
        by_reason: reason -> number of quarantined rows that have it.
        by_list: column -> number of rows that have a list of several values there, and so none.
        price_hints: output of `udfs.prices.decimal_hint` -> number of rows that can be used.
    """

    by_name: dict[str, int]
    by_reason: Mapping[str, int]
    by_list: Mapping[str, int] = field(default_factory=dict)
    price_hints: Mapping[str | None, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MixedTitles:
    """Listing ids of a delivery that may stand for several listings, because their rows have different titles.

    Attributes:
        ids: their number.
        example: the one with the most titles; None if there is none.
        titles: the number of its titles.
    """

    ids: int = 0
    example: str | None = None
    titles: int = 0

    @property
    def warnings(self) -> list[str]:
        """What a person should check."""
        text = agree("{n} listing {id has|ids have} rows with different titles; ", self.ids) + (
            f"{self.example!r} has {self.titles:,}. One row of each was kept. If they are different listings, map "
            "listing_id to another column."
        )
        return [text] if self.ids else []


def find_mixed_titles(delivered: DataFrame) -> MixedTitles:
    """Find the listing ids whose usable rows have different titles; empty ones do not count."""
    title = F.lower(F.btrim("title"))
    usable = delivered.where(F.size("reasons") == 0).groupBy("listing_id")
    mixed = usable.agg(F.count_distinct(F.when(title != "", title)).alias("titles")).where("titles > 1")
    row = mixed.agg(F.count("*").alias("ids"), F.max(F.struct("titles", "listing_id")).alias("most")).collect()[0]
    return MixedTitles(row.ids, row.most.listing_id, row.most.titles) if row.ids else MixedTitles()


def count_rows(delivered: DataFrame, outcomes: DataFrame, withdrawn: DataFrame | None, suppressed: int = 0) -> Counts:
    """Count the rows of a delivery.

    Args:
        delivered: the staged delivery, without suppressed rows.
        outcomes: row_number, listing_id, outcome.
        withdrawn: listing_id of the listings to withdraw; None: there are none.
        suppressed: number of suppressed rows.

    Raises:
        FailedError: the account does not add up.
    """
    by_outcome = {row.outcome: row["count"] for row in outcomes.groupBy("outcome").count().collect()}
    pictures, reasons, lists = Counter[str](), Counter[str](), Counter[str]()
    rows_in = unread_prices = unread_exposures = 0
    hints = Counter[str | None]()
    # They have few values, so their combinations are few as well.
    kinds = ("picture", "reasons", "price_unread", "price_hint", "exposure_unread", "lists_unread")
    for row in delivered.groupBy(*kinds).count().collect():
        rows_in += row["count"]
        unread_prices += row["count"] if row.price_unread and not row.reasons else 0
        unread_exposures += row["count"] if row.exposure_unread and not row.reasons else 0
        hints[row.price_hint] += 0 if row.reasons else row["count"]
        pictures[row.picture] += row["count"]
        for reason in row.reasons:
            reasons[reason] += row["count"]
        for column in () if row.reasons else row.lists_unread:
            lists[column] += row["count"]
    unread = {
        f"pictures_{name}": sum(pictures[status.value] for status in statuses)
        for name, statuses in _UNREAD_PICTURES.items()
    }
    account = count_outcomes(rows_in + suppressed, by_outcome, suppressed)
    unread |= {"prices_unread": unread_prices, "exposures_unread": unread_exposures}
    counts = account | {"withdrawn": 0 if withdrawn is None else withdrawn.count(), **unread}
    return Counts(counts, reasons, lists, hints)


def count_outcomes(rows_in: int, by_outcome: Mapping[str, int], suppressed: int = 0) -> dict[str, int]:
    """The row account of a delivery, and the number of inserted, updated, returned, variant and conflicting rows.

    Args:
        rows_in: rows that were read.
        by_outcome: outcome -> rows; an outcome without rows may be missing.
        suppressed: rows about erased listings or sellers, which have no outcome.

    Raises:
        FailedError: the account does not add up.
    """

    def rows(*outcomes: Outcome) -> int:
        return sum(by_outcome.get(outcome.value, 0) for outcome in outcomes)

    account = row_account(
        rows_in,
        current=rows(*CURRENT),
        superseded=rows(Outcome.SUPERSEDED, Outcome.VARIANT, Outcome.CONFLICTING),
        unchanged=rows(Outcome.UNCHANGED),
        quarantined=rows(Outcome.QUARANTINED),
        suppressed=suppressed,
    )
    named = (Outcome.INSERTED, Outcome.UPDATED, Outcome.RETURNED, Outcome.VARIANT, Outcome.CONFLICTING)
    return account | {outcome.value: rows(outcome) for outcome in named}


def refuse_large_withdrawal(stored: DataFrame, counts: dict[str, int], settings: IngestSettings) -> None:
    """Refuse a full batch that would withdraw too many listings, because it is probably truncated.

    Raises:
        RefusedError: the share of withdrawn listings is above `ingest.max_withdrawn_share`.
    """
    if not counts["withdrawn"]:
        return
    in_force = narrow(stored).count()
    share = Share(counts["withdrawn"] / in_force)
    if share > settings.max_withdrawn_share:
        raise RefusedError(
            f"the full batch of {counts['rows_in']:,} rows lacks {counts['withdrawn']:,} of {in_force:,} listings: "
            f"{share} would be withdrawn, and at most {Share(settings.max_withdrawn_share)} may be. No listing was "
            "changed. Check whether the file is truncated. If it is complete, use --set ingest.max_withdrawn_share=1; "
            "if it contains only some of the listings, use --delta."
        )


def summarise_ingest(
    job: Job,
    run: RunContext,
    delivery: Delivery,
    full: bool,
    details: Counts,
    mixed: MixedTitles,
    categories: WrittenCategories,
    stages: Stages,
) -> Summary:
    """The summary of an ingest, with the details of its counts and of its categories."""
    warehouse, counts = job.warehouse, run.counts
    in_force = narrow(warehouse.read(LISTINGS))
    taxonomy = warehouse.read(TAXONOMY)
    known = with_taxonomy(in_force, taxonomy, warehouse.read(CATEGORY_ALIASES))
    without = F.count_if(F.coalesce(F.btrim("category"), F.lit("")) == "").alias("without_category")
    stored = in_force.agg(F.count("*").alias("listings"), without).collect()[0]
    trained = not warehouse.read(RUNS).where("job = 'train' AND status = 'done'").isEmpty()
    facts = {
        "run_id": run.run_id,
        "delivery": f"{delivery.files.location} ({'full' if full else 'delta'})",
        "preset": job.settings.ingest.preset,
        **counts,
        "listings": stored.listings,
        "listings_without_category": stored.without_category,
        "categories": len(categories.index.codes),
        "categories_added": len(categories.added) or None,
        "categories_replaced": categories.replaced or None,
        "columns_mapped": delivery.columns_mapped,
        "columns_ignored": ", ".join(delivery.ignored_columns) or None,
    }
    command = "nightly --run-date YYYY-MM-DD" if trained else "train"
    return Summary(
        "Listings loaded",
        facts,
        (
            Section("quarantined", ("reason", "rows"), sorted(details.by_reason.items())),
            Section(
                "lists of several values, which were not read",
                ("column", "rows"),
                sorted(details.by_list.items()),
                key="lists_unread",
            ),
            unknown_categories(known, categories.index, "listings"),
            Section(
                f"categories added, the rarest first{_of(categories.added)}",
                ("category", "rows"),
                sorted(categories.added.items(), key=lambda each: (each[1], each[0]))[:_ADDED_CATEGORIES],
                key="categories added",
            ),
            stages.section(),
        ),
        (
            *delivery.remarks,
            *_warnings(counts),
            *lost_value_warnings(counts),
            *quarantine_warnings(details.by_reason),
            *price_warnings(counts["prices_unread"], details.price_hints),
            *exposure_warnings(counts["exposures_unread"]),
            *category_warnings(stored.without_category),
            *mixed.warnings,
            f"Next:  catalog-cleaner {command} --warehouse {warehouse.location}",
        ),
        hidden_if_zero=(*_OPTIONAL_FACTS, *(name for name in counts if not name.startswith(_TOTALS))),
    )


def _of(added: Mapping[str, int]) -> str:
    return f" ({_ADDED_CATEGORIES} of {len(added)})" if len(added) > _ADDED_CATEGORIES else ""


def _warnings(counts: dict[str, int]) -> list[str]:
    """Warnings about the rows and pictures that were not used."""
    texts = {
        "rows_quarantined": UNUSED_ROWS,
        "rows_suppressed": ("{n} {row is|rows are} about erased listings or sellers and {was|were} dropped."),
        "variant": (
            "{n} {row has|rows have} the listing_id and updated_at of another row of the batch but other values; of "
            "each listing the row with the most values was kept. If these are different listings, map listing_id to "
            "another column."
        ),
        "conflicting": (
            "{n} {row has|rows have} the same updated_at as the stored version but different values; the stored "
            "version was kept. The source must change updated_at whenever it changes a listing."
        ),
        "pictures_not_allowed": (
            "{n} {picture is|pictures are} outside the allowed folders and {was|were} not read. Allow {its|their} "
            "folder with --set 'ingest.image_prefixes=[/folder]'."
        ),
        "pictures_not_found": (
            "{n} {picture does not exist at its|pictures do not exist at their} URI; the next delivery looks for "
            "{it|them} again."
        ),
        "pictures_unreadable": (
            "{n} {picture|pictures} could not be read from {its|their} URI. Check the picture store; "
            "every nightly run tries again."
        ),
        "pictures_not_fetched": (
            "{n} {picture is at an http or https address and has|pictures are at http or https addresses and have} not "
            "been fetched: catalog-cleaner fetch-pictures."
        ),
        "pictures_unusable": "{n} picture {file is|files are} empty or larger than ingest.max_image_bytes.",
    }
    return [agree(text, counts[name]) for name, text in texts.items() if counts.get(name)]
