"""Reads the figures of a publication. Spark aggregates them; only a limited number of rows is collected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.cleaning.audit import Audit, read_audit
from jobs.cleaning.label_errors import LabelErrors, read_label_errors
from jobs.console.summary import Estimate, Named
from jobs.reporting.error_rates import SegmentError, read_error_rates
from jobs.reporting.fairness import FLAGS, TreatedWorse, read_treated_worse
from jobs.reporting.publication_snapshot import PublicationSnapshot
from schemas.errors import UsageError
from schemas.metrics import ERROR_BEFORE, ERROR_LEFT, FAIR_DIMENSIONS, FORMER_NAMES, MetricSource
from schemas.reasons import CategoryAction, Queue, Reason
from schemas.tables import CLEAN_LISTINGS, CORRECTIONS, FLAGGED_ITEMS, QUALITY_METRICS, SELLERS

WORST_SELLERS = 12
FREQUENT_CHANGES = 12
PUBLICATIONS = 14
"""Number of publications to compare, including the one shown."""

BANDS = (0.99, 0.95, 0.80, 0.50, 0.0)
"""Lower bounds of the bands by which corrections are counted by their posterior, 0 to 1."""

_TREND = (ERROR_LEFT, "corrected_share", "flagged_share")
_BY_SEGMENT = ("category", "rollout_arm", *FAIR_DIMENSIONS)


@dataclass(frozen=True)
class ListingShare:
    """A number of listings (the expected number if it is a sum of probabilities) and their share of the catalogue."""

    listings: float
    share: Estimate


@dataclass(frozen=True)
class SellerError:
    """The model's estimate of a seller's error rate, with its interval."""

    seller_id: str
    listings: int
    error_rate: Estimate


@dataclass(frozen=True)
class Change:
    """A kind of correction, from the seller's category (None if missing) to another, and its number of listings."""

    seller_category: Named | None
    corrected_category: Named
    listings: int


@dataclass(frozen=True)
class Queues:
    """The open work list.

    Attributes:
        by_reason: reason -> number of listings; reasons without listings are left out.
        category: number of listings with a reason about the category.
        other: number of listings with another reason. A listing can be in both queues; the audit sample is in neither.
    """

    by_reason: Mapping[Reason, int]
    category: int
    other: int


@dataclass(frozen=True)
class PublicationFigures:
    """The run, duration and main shares (0 to 1) of a publication. error_left is the model's estimate."""

    run_id: str
    run_date: dt.date
    seconds: float
    error_left: float
    corrected: float
    flagged: float


@dataclass(frozen=True)
class Figures:
    """All figures of the report.

    Attributes:
        run_id, run_date, model_version, seconds: the run and its wall-clock time.
        counts: the row account and other counts, as in `runs.counts`.
        listings: number of listings.
        shares: metric of schemas/metrics.py -> number and share of listings.
        audit: the state of the audit.
        label_errors: the model's estimate of the share of wrong labels; None if it has none.
        confidence: mean posterior of the corrections; None if there are none.
        quality: mean quality_score, 0 to 100.
        events: begun, changed, ended -> number of corrections in this run.
        categories, departments, seller_sizes: error rates by segment, worst first.
        sellers: those with the highest lower bounds of the error rate, sorted by the error rate, highest first.
        changes: most frequent first.
        certainty: lower bound of a band in BANDS -> number of corrections whose posterior is in the band.
        queues: the open work list.
        image_status: status -> number of listings; statuses without listings are left out.
        publications: this publication and earlier ones, oldest first.
        taken_back_by: the revert that has taken this publication back; None if it stands.
        languages, arms: error rates by segment, worst first; empty in publications of earlier versions.
        treated_worse: segments that are treated worse than the rest.
    """

    run_id: str
    run_date: dt.date
    model_version: str
    seconds: float
    counts: Mapping[str, int]
    listings: int
    shares: Mapping[str, ListingShare]
    audit: Audit
    label_errors: LabelErrors | None
    confidence: Estimate | None
    quality: float
    events: Mapping[str, int]
    categories: Sequence[SegmentError]
    departments: Sequence[SegmentError]
    seller_sizes: Sequence[SegmentError]
    sellers: Sequence[SellerError]
    changes: Sequence[Change]
    certainty: Mapping[float, int]
    queues: Queues
    image_status: Mapping[str, int]
    publications: Sequence[PublicationFigures]
    taken_back_by: str | None = None
    languages: Sequence[SegmentError] = ()
    arms: Sequence[SegmentError] = ()
    treated_worse: Sequence[TreatedWorse] = ()


def read_figures(snapshot: PublicationSnapshot, names: Mapping[str, str]) -> Figures:
    """Read the figures of a publication.

    Args:
        snapshot: the publication.
        names: category code -> label.

    Raises:
        UsageError: the publication has no metrics of the run.
    """
    run = snapshot.run
    metrics = _metrics(snapshot)
    own = [row for row in metrics if row.run_id == run.run_id]
    whole = [row for row in own if row.dimension == "all"]
    catalogue = {_present_name(row): row for row in whole if row.source != MetricSource.AUDIT}
    if "listings" not in catalogue:
        raise UsageError(
            f"the publication of {run.run_id} has no metrics: choose another run with --run. `catalog-cleaner runs` "
            "lists all runs."
        )
    confidence, queues = catalogue.get("mean_correction_confidence"), _queues(snapshot)
    return Figures(
        run_id=run.run_id,
        run_date=run.run_date,
        model_version=run.model_version,
        seconds=run.seconds,
        counts=dict(run.counts or {}),
        listings=int(catalogue["listings"].value),
        shares={
            name: ListingShare(row.numerator, Estimate(row.value)) for name, row in catalogue.items() if name in _SHARES
        },
        audit=read_audit(whole, queues.by_reason.get(Reason.AUDIT_SAMPLE, 0)),
        label_errors=read_label_errors(catalogue),
        confidence=Estimate(confidence.value) if confidence else None,
        quality=catalogue["mean_quality_score"].value,
        events=_events(snapshot),
        categories=read_error_rates(own, "category", names),
        departments=read_error_rates(own, "department", {}),
        seller_sizes=read_error_rates(own, "seller_size", {}),
        sellers=_sellers(snapshot),
        changes=_changes(snapshot, names),
        certainty=_certainty(snapshot),
        queues=queues,
        image_status={
            row.segment: int(row.numerator) for row in own if row.dimension == "image_status" and row.numerator
        },
        publications=_publications(snapshot, metrics),
        taken_back_by=snapshot.taken_back_by,
        languages=read_error_rates(own, "language", {}),
        arms=read_error_rates(own, "rollout_arm", {}),
        treated_worse=read_treated_worse(own),
    )


_ACTIONS = ("kept_share", "corrected_share", "referred_share", "flagged_share")
_SHARES = (*_ACTIONS, ERROR_BEFORE, ERROR_LEFT)


def named(category: str | None, names: Mapping[str, str]) -> Named | None:
    """A category with its label. If the taxonomy lacks the code, the label is the code."""
    return None if category is None else Named(category, names.get(category, category))


def _metrics(snapshot: PublicationSnapshot) -> list[Row]:
    """The metrics of the run, and the main metrics of the publications to compare."""
    compared = [row.run_id for row in (*snapshot.before[-PUBLICATIONS + 1 :], snapshot.run)]
    main = (F.col("dimension") == "all") & F.col("metric").isin(*_TREND, *FORMER_NAMES)
    main &= F.col("run_id").isin(*compared)
    split = F.col("dimension").isin(*_BY_SEGMENT) & F.col("metric").isin(
        ERROR_BEFORE, ERROR_LEFT, *FORMER_NAMES, *FLAGS
    )
    own = (F.col("run_id") == snapshot.run.run_id) & (split | F.col("dimension").isin("all", "image_status"))
    return snapshot.read(QUALITY_METRICS).where(main | own).collect()


def _sellers(snapshot: PublicationSnapshot) -> list[SellerError]:
    worst = snapshot.read(SELLERS).orderBy(F.col("lower").desc(), "seller_id").limit(WORST_SELLERS).collect()
    return [
        SellerError(row.seller_id, row.listings, Estimate(row.error_rate, row.lower, row.upper))
        for row in sorted(worst, key=lambda row: -row.error_rate)
    ]


def _changes(snapshot: PublicationSnapshot, names: Mapping[str, str]) -> list[Change]:
    corrected = snapshot.read(CLEAN_LISTINGS).where(F.col("category_action") == CategoryAction.CORRECTED.value)
    counted = corrected.groupBy("category", "effective_category").agg(F.count(F.lit(1)).alias("listings"))
    frequent = counted.orderBy(F.col("listings").desc(), "category", "effective_category").limit(FREQUENT_CHANGES)
    return [
        Change(
            named(row.category, names),
            Named(row.effective_category, names.get(row.effective_category, row.effective_category)),
            row.listings,
        )
        for row in frequent.collect()
    ]


def _events(snapshot: PublicationSnapshot) -> dict[str, int]:
    own = snapshot.read(CORRECTIONS).where(F.col("run_id") == snapshot.run.run_id)
    counts = {row.event: row["count"] for row in own.groupBy("event").count().collect()}
    return {event: counts.get(event, 0) for event in ("begun", "changed", "ended")}


def _certainty(snapshot: PublicationSnapshot) -> dict[float, int]:
    corrected = snapshot.read(CLEAN_LISTINGS).where(F.col("category_action") == CategoryAction.CORRECTED.value)
    bands = F.array(*(F.lit(band) for band in BANDS))
    band = F.get(F.filter(bands, lambda lower: F.col("category_confidence") >= lower), F.lit(0))
    counts = {row.band: row["count"] for row in corrected.groupBy(band.alias("band")).count().collect()}
    return {band: counts.get(band, 0) for band in BANDS}


def _queues(snapshot: PublicationSnapshot) -> Queues:
    """Count the open work list. Spark counts the few hundred combinations of reasons, which are added up here."""
    rows = snapshot.read(FLAGGED_ITEMS).where("status = 'open'").groupBy("reasons").count().collect()
    combinations = [({Reason(name) for name in row.reasons}, row["count"]) for row in rows]
    counts = {reason: sum(n for reasons, n in combinations if reason in reasons) for reason in Reason}
    return Queues(
        by_reason={r: n for r, n in sorted(counts.items(), key=lambda item: -item[1]) if n},
        category=sum(n for reasons, n in combinations if _any_of(Queue.CATEGORY, reasons)),
        other=sum(n for reasons, n in combinations if _any_of(Queue.OTHER, reasons)),
    )


def _any_of(queue: Queue, reasons: Iterable[Reason]) -> bool:
    return any(reason.queue is queue for reason in reasons)


def _publications(snapshot: PublicationSnapshot, metrics: Sequence[Row]) -> list[PublicationFigures]:
    """The figures of each publication. If a date was run several times, only the last run has metrics."""
    figures: dict[str, dict[str, Row]] = {}
    for row in metrics:
        if row.dimension == "all" and row.source != MetricSource.AUDIT:
            figures.setdefault(row.run_id, {})[_present_name(row)] = row
    return [
        PublicationFigures(run.run_id, run.run_date, run.seconds, *(figures[run.run_id][name].value for name in _TREND))
        for run in (*snapshot.before, snapshot.run)
        if run.run_id in figures
    ]


def _present_name(row: Row) -> str:
    """The name of a metric, which earlier versions may have published under another one."""
    return str(FORMER_NAMES.get(row.metric, row.metric))
