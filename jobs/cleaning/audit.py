"""The state of the random audit sample of a publication, and the hint that summaries and the report show about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Row

from jobs.console.summary import Estimate


@dataclass(frozen=True)
class Audit:
    """The state of the audit.

    Attributes:
        answered: listings of the sample that people have reviewed and whose content has not changed since.
        open: listings of the sample that nobody has reviewed.
        before: audited share of the catalogue with a wrong seller's category; None if no listing is answered.
        left: audited share of the catalogue that would be published in a wrong category without reviewers' decisions;
            None if no listing is answered.
    """

    answered: int
    open: int
    before: Estimate | None
    left: Estimate | None

    def note(self, location: str) -> str:
        """Explain whether the errors are audited, and how to answer the audit.

        Args:
            location: location of the warehouse.
        """
        how = f"Load the answers with:  catalog-cleaner review apply FILE --warehouse {location}"
        if self.answered:
            state = f"Audit: people have reviewed {self.answered:,} randomly drawn listings."
            if not self.open:
                return state
            return f"{state} {self.open:,} more are open; the estimates are unbiased once all are reviewed. {how}"
        state = "The errors are not audited: they are the model's own estimates."
        if not self.open:
            return f"{state} No listings are drawn for an audit (setting review.audit_listings)."
        return f"{state} {self.open:,} listings were drawn at random for the audit, and none is reviewed yet. {how}"


def read_audit(figures: Mapping[str, Row], open_listings: int) -> Audit:
    """Read the state of the audit of a publication.

    Args:
        figures: metric -> its row of `quality_metrics` for the whole catalogue.
        open_listings: number of open listings with the reason audit_sample.
    """
    answered, before, left = (figures.get(f"audited_{name}") for name in ("listings", "error_before", "error_left"))
    return Audit(
        answered=int(answered.value) if answered else 0,
        open=open_listings,
        before=Estimate(before.value, before.lower, before.upper) if before else None,
        left=Estimate(left.value, left.lower, left.upper) if left else None,
    )
