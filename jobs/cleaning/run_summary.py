"""The row account and the summary of a cleaning run."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.audit import read_audit
from jobs.cleaning.clean import Cleaned
from jobs.cleaning.judging import Catalogue
from jobs.cleaning.label_errors import describe_label_errors, read_label_errors
from jobs.cleaning.limits import EXEMPT
from jobs.cleaning.part import Part
from jobs.cleaning.scoring import Scored
from jobs.console.summary import Interval, Section, Share, Summary
from jobs.console.wording import agree
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.row_account import row_account
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError, RefusedError
from schemas.metrics import ERROR_BEFORE, ERROR_LEFT, MetricSource
from schemas.reasons import CategoryAction, Reason
from schemas.tables import LISTINGS
from udfs.pseudonyms import Purpose

_WITHHELD = "{n} that would have been made {is|are} on the work list, and listings show the sellers' categories."


def count_rows(
    warehouse: Warehouse, catalogue: Catalogue, scored: Scored, result: Cleaned, pins: Pins
) -> dict[str, int]:
    """Count the rows that were read, by what happened to them.

    Args:
        warehouse: the warehouse with the listings.
        catalogue: the catalogue that it reads.
        scored: the run's predictions.
        result: the run's decisions.
        pins: the table versions that the run reads.

    Raises:
        FailedError: scored, unchanged, withdrawn and quarantined rows do not add up to the rows read, or a listing was
            decided twice or not at all.
    """
    stored = warehouse.read(LISTINGS, pins.listings_version).agg(
        F.count(F.lit(1)).alias("rows"), F.count_if("withdrawn").alias("withdrawn")
    )
    rows_in, withdrawn = stored.collect()[0]
    good, bad = catalogue.listings.count(), catalogue.quarantined.count()
    by_action = count_actions(result, good)
    # Ingest keeps one row per listing, so no row is superseded here.
    counts = row_account(
        rows_in, current=scored.count, unchanged=good - scored.count, withdrawn=withdrawn, quarantined=bad
    )
    return counts | by_action


def count_part(part: Part, scored: Scored, result: Cleaned) -> dict[str, int]:
    """Count the chosen listings by what happened to them, and all listings of the publication by category action.

    Args:
        part: the chosen listings, and the others.
        scored: the run's predictions.
        result: the run's decisions.

    Raises:
        FailedError: as `count_rows`.
    """
    chosen, others = part.chosen.count(), part.others.count()
    counts = row_account(chosen, current=scored.count, unchanged=chosen - scored.count, quarantined=0)
    return counts | count_actions(result, chosen + others)


def count_actions(result: Cleaned, listings: int) -> dict[str, int]:
    """Count the listings of the publication, by category action, and how many are flagged.

    Args:
        result: the run's decisions.
        listings: how many there should be.

    Raises:
        FailedError: a listing was decided twice or not at all.
    """
    sums = (F.count(F.lit(1)).alias("n"), F.count_if(F.size("reasons") > 0).alias("flagged"))
    shadowed = F.count_if(F.col("shadow.category_action") == CategoryAction.CORRECTED.value)
    actions = result.decided.groupBy("category_action").agg(
        *sums, F.count_if("withheld").alias("withheld"), shadowed.alias("shadowed")
    )
    rows = actions.collect()
    by_action = {row.category_action: int(row.n) for row in rows}
    if sum(by_action.values()) != listings:
        raise FailedError(f"{sum(by_action.values()):,} of {listings:,} listings were decided. Nothing was published.")
    return {
        "listings": listings,
        **{action: by_action.get(action, 0) for action in ("kept", "corrected", "referred")},
        "flagged": sum(int(row.flagged) for row in rows),
        "withheld": sum(int(row.withheld) for row in rows),
        "shadowed": sum(int(row.shadowed) for row in rows),
    }


def describe_corrections(run: RunContext) -> tuple[str, ...]:
    """What to say if the model may not correct categories; nothing if it may."""
    if run.corrections is not False:
        return ()
    withheld = agree(_WITHHELD, run.counts.get("withheld", 0))
    if run.switch.is_on:
        return (f"Corrections are off, by the setting decide.corrections. {withheld}",)
    again = f"catalog-cleaner corrections on --warehouse {run.job.warehouse.location}"
    return (f"Corrections are {run.switch}. {withheld} To allow corrections again:  {again}",)


def shown_threshold(result: Cleaned) -> float | None:
    """The posterior from which categories are corrected; None if no correction reaches the wanted precision."""
    return None if result.threshold > 1 else round(result.threshold, 4)


def _describe_limits(run: RunContext) -> tuple[str, ...]:
    """What to say about the limits on changes; nothing if they held."""
    if run.limits == EXEMPT:
        return ("This is the first run: the limits on changes hold from the next one on (docs/safety.md).",)
    if run.note is None:
        return ()
    return (f"Limits on changes were exceeded, {run.note}.",)


def _count_suggestions(suggested: DataFrame) -> list[tuple[str, int]]:
    """Attribute and number of listings that lack it, the most first; there are as many as the model has learnt."""
    counts = suggested.groupBy("attribute").agg(F.count(F.lit(1)).alias("listings"))
    return [tuple(row) for row in counts.orderBy(F.col("listings").desc(), "attribute").collect()]


def summarise_run(run: RunContext, result: Cleaned, dry_run: bool, refusal: RefusedError | None) -> Summary:
    """The summary of a cleaning run.

    Args:
        run: the run.
        result: its decisions.
        dry_run: whether nothing is published.
        refusal: why a run that publishes would be refused; only of a dry run.
    """
    counts, location = run.counts, run.job.warehouse.location
    whole = result.metrics.where("dimension = 'all'").collect()
    figures = {row.metric: row for row in whole if row.source != MetricSource.AUDIT}
    by_reason = result.metrics.where("dimension = 'reason' AND numerator > 0")
    reasons = by_reason.orderBy(F.col("numerator").desc(), "segment").collect()
    audit_items = sum(int(r.numerator) for r in reasons if r.segment == Reason.AUDIT_SAMPLE.value)
    audit, errors = read_audit(whole, audit_items), read_label_errors(figures)
    pseudonym = partial(result.key.pseudonym, Purpose.SELLER)
    worst = result.rates.where("listings >= 10").orderBy(F.col("lower").desc(), "seller_id").limit(5).collect()
    facts: dict[str, object] = {
        "run_id": run.run_id,
        "model_version": result.model_version,
        **counts,
        "corrections": "on" if run.corrections else "off",
        "limits": run.limits,
        "correction_threshold": shown_threshold(result),
        "audited": result.calibration.audited,
        "labels_weighed_by_audit": not result.trust.is_default,
        "audit_open": audit.open,
        ERROR_BEFORE: audit.before,
        ERROR_LEFT: audit.left,
        **{f"{name}_by_model": Share(round(figures[name].value, 4)) for name in (ERROR_BEFORE, ERROR_LEFT)},
        "wrong_label_share": errors and errors.share,
        "wrong_label_share_by": errors and errors.basis,
    }
    title = f"Dry run for {run.run_date}: nothing published" if dry_run else f"Catalogue cleaned for {run.run_date}"
    return Summary(
        title,
        facts,
        sections=(
            Section(
                "flagged by reason",
                ("reason", "listings", "share"),
                [(r.segment, int(r.numerator), Share(r.value)) for r in reasons],
            ),
            Section(
                "suggested attributes",
                ("attribute", "listings"),
                [] if result.attributes is None else _count_suggestions(result.attributes),
                key="attribute_suggestions",
            ),
            Section(
                "sellers who mislabel most",
                ("seller", "listings", "error_rate", "interval"),
                [
                    (pseudonym(s.seller_id), s.listings, Share(s.error_rate), Interval(s.lower, s.upper))
                    for s in sorted(worst, key=lambda s: -s.error_rate)
                ],
            ),
        ),
        hints=(
            *describe_corrections(run),
            *_describe_limits(run),
            describe_label_errors(errors, audit, counts["listings"]),
            audit.note(location),
            "The sellers' error rates are the model's estimates.",
            "Sellers are shown by pseudonyms, because logs keep this summary; the report names them.",
            f"See the report:  catalog-cleaner report --warehouse {location}",
        ),
        notes=audit.notes,
        hidden_if_zero=("shadowed", *(() if run.corrections is False else ("withheld",))),
        error=refusal,
    )
