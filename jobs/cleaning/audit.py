"""What the random audit sample says of a publication, and what is said where nobody has answered it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Row

from jobs.console.summary import Estimate


@dataclass(frozen=True)
class Audit:
    """The state of the audit.

    Attributes:
        answered: listings of the sample that a person has answered, with their content unchanged since.
        open: listings of the sample that nobody has answered.
        before: share of the catalogue whose seller's category is wrong, as the audit estimates it, with its interval;
            None where no listing is answered.
        left: share of the catalogue that would be published in a wrong category without any decision; likewise.
    """

    answered: int
    open: int
    before: Estimate | None
    left: Estimate | None

    def note(self, location: str) -> str:
        """What backs the figures, and how to answer the audit.

        Args:
            location: of the warehouse.
        """
        how = f"Answer them with: catalog-cleaner review apply FILE --warehouse {location}"
        if self.answered:
            backing = f"Audit: people have checked {self.answered:,} listings drawn at random."
            if not self.open:
                return backing
            return f"{backing} {self.open:,} more are open: the figures are fair once all are answered. {how}"
        backing = "No audit backs the expected errors: they are the model's own estimate."
        if not self.open:
            return f"{backing} No listing is drawn for the audit (setting review.audit_listings)."
        return f"{backing} {self.open:,} listings were drawn at random for the audit, and all are open. {how}"


def read_audit(figures: Mapping[str, Row], open_listings: int) -> Audit:
    """The audit as a publication has it.

    Args:
        figures: metric -> its row of `quality_metrics` for the whole catalogue.
        open_listings: open listings with the reason audit_sample.
    """
    answered, before, left = (figures.get(f"audited_{name}") for name in ("listings", "error_before", "error_left"))
    return Audit(
        answered=int(answered.value) if answered else 0,
        open=open_listings,
        before=Estimate(before.value, before.lower, before.upper) if before else None,
        left=Estimate(left.value, left.lower, left.upper) if left else None,
    )
