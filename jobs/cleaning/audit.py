"""The state of the random audit sample of a publication, and the hint that summaries and the report show about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Row

from jobs.console.summary import Estimate
from jobs.console.wording import agree
from schemas.metrics import ERROR_BEFORE, ERROR_LEFT, FORMER_NAMES, MIN_AUDITED, MetricSource

TOO_FEW = "too few audits"
"""What is shown in the place of a figure of the audit that a segment does not have."""


@dataclass(frozen=True)
class Audit:
    """The state of the audit.

    Attributes:
        answered: listings of the sample that people have reviewed and whose content has not changed since.
        open: listings of the sample that nobody has reviewed.
        before: share of the catalogue whose seller's category is wrong, by the audit; None if too few are answered.
        left: share of the catalogue that is published in a wrong category, by the audit; None if too few are answered.
    """

    answered: int
    open: int
    before: Estimate | None
    left: Estimate | None

    @property
    def notes(self) -> dict[str, str]:
        """Remarks of a summary about the error rates that the audit does not give."""
        rates = {ERROR_BEFORE: self.before, ERROR_LEFT: self.left}
        return {name: TOO_FEW for name, rate in rates.items() if rate is None}

    def note(self, location: str) -> str:
        """Explain whether the errors are audited, and how to answer the audit.

        Args:
            location: location of the warehouse.
        """
        how = f"Load the answers with:  catalog-cleaner review apply FILE --warehouse {location}"
        if self.answered:
            state = agree("Audit: people have reviewed {n} randomly drawn {listing|listings}.", self.answered)
            if self.left is None:
                state = f"{state} The error rates need {MIN_AUDITED}: until then only the model estimates them."
            if not self.open:
                return state
            more = agree("{n} more {is|are} open; the estimates are unbiased once all are reviewed.", self.open)
            return f"{state} {more} {how}"
        state = "The errors are not audited: they are the model's own estimates."
        if not self.open:
            return f"{state} No listings are drawn for an audit (setting review.audit_listings)."
        drawn = agree(
            "{n} {listing was|listings were} drawn at random for the audit, and none is reviewed yet.", self.open
        )
        return f"{state} {drawn} {how}"


def read_audit(rows: Iterable[Row], open_listings: int) -> Audit:
    """Read the state of the audit of a publication.

    Args:
        rows: rows of `quality_metrics` for the whole catalogue.
        open_listings: number of open listings with the reason audit_sample.
    """
    counts = [row.value for row in rows if row.metric == "audited_listings"]
    rates = error_rates(row for row in rows if row.source == MetricSource.AUDIT)
    return Audit(
        answered=int(counts[0]) if counts else 0,
        open=open_listings,
        before=rates.get(ERROR_BEFORE),
        left=rates.get(ERROR_LEFT),
    )


def error_rates(rows: Iterable[Row]) -> dict[str, Estimate]:
    """The error rates of a segment, from one source: `ERROR_BEFORE` and `ERROR_LEFT`, if it has them.

    The model's estimates have no interval: earlier versions published one that was too narrow.

    Args:
        rows: rows of `quality_metrics` with the same source and segment.
    """
    rates = {FORMER_NAMES.get(row.metric, row.metric): row for row in rows}
    return {
        name: Estimate(row.value, row.lower, row.upper) if row.source == MetricSource.AUDIT else Estimate(row.value)
        for name, row in rates.items()
        if name in (ERROR_BEFORE, ERROR_LEFT)
    }
