"""What is known about the share of wrong labels, and what an audit would add: the words of summaries and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Row

from jobs.cleaning.audit import Audit
from jobs.console.summary import Estimate, Interval, Share
from jobs.console.wording import agree
from schemas.estimates import audit_half_width
from training.error_share import MIN_AUDITED

_SIZES = (400, 1000, 2500)
"""Audits to speak of, in listings, besides the present one."""
_SHOWN = 2
"""How many of them."""
_NARROWER = 0.9
"""An audit is worth a word if its interval is at most this part of the present one."""
_EVIDENCE = {
    "confident listings": "the listings of which the model is surest",
    "confident listings and twins": "the listings of which the model is surest and listings with the same text",
    "the learning curve, at least": "how the model's agreement with the sellers grows with more listings",
    "sellers, at least": "how much more often others disagree with the model than the most careful sellers",
}
_LABELS = "the sellers' categories were wrong when the model was trained"
_ANSWERED = "The next training also uses the audit, of which {n} {listing is|listings are} answered."
_NOT_KNOWN = (
    "How many of the sellers' categories are wrong is not known: the model has no estimate of it. "
    "`catalog-cleaner train` makes one if listings have a text or a picture."
)


@dataclass(frozen=True)
class LabelErrors:
    """The estimated share of wrong ones among the sellers' categories of the taxonomy.

    Attributes:
        share: the estimate; without an upper end, only that the share is at least `value`.
        basis: what it is based on, as `ShareEstimate.source`.
    """

    share: Estimate
    basis: str

    @property
    def half_width(self) -> float | None:
        """Half the width of the interval; None if the upper end is not known."""
        lower, value, upper = self.share.lower, self.share.value, self.share.upper
        return None if lower is None or upper is None else max(upper - value, value - lower)

    @property
    def audited(self) -> bool:
        """Whether it is based on an audit."""
        return self.basis.endswith("audited listings")


def read_label_errors(figures: Mapping[str, Row]) -> LabelErrors | None:
    """Read the estimate of a publication.

    Args:
        figures: metric -> its row of `quality_metrics` for the whole catalogue.

    Returns:
        None if the model had no estimate, or an earlier version published it.
    """
    row = figures.get("wrong_label_share")
    return LabelErrors(Estimate(row.value, row.lower, row.upper), row.basis) if row else None


def describe_label_errors(found: LabelErrors | None, audit: Audit, listings: int) -> str:
    """Say how many of the sellers' categories are wrong, how surely, on what basis, and what an audit would add.

    Args:
        found: as `read_label_errors`.
        audit: the state of the audit.
        listings: number of listings in the catalogue, which limits an audit.
    """
    if found is None:
        return _NOT_KNOWN
    parts = [describe_share(found)]
    if audit.answered and not found.audited:
        parts.append(agree(_ANSWERED, audit.answered))
    return " ".join([*parts, *_settled(found, audit, listings)])


def describe_share(found: LabelErrors) -> str:
    """Say how many of the sellers' categories were wrong, how surely, and judging by what."""
    share, basis = found.share, _EVIDENCE.get(found.basis, found.basis)
    if share.lower is None or share.upper is None:
        return f"At least {Share(share.value)} of {_LABELS}, judging by {basis}."
    known = f"About {Share(share.value)} ({Interval(share.lower, share.upper)}) of {_LABELS}"
    return f"{known}, by {basis}." if found.audited else f"{known}, judging by {basis}."


def _settled(found: LabelErrors, audit: Audit, listings: int) -> list[str]:
    """What audits of a few sizes would settle, the present one first; empty if none is worth it."""
    present = audit.answered + audit.open
    sizes = [present, *(size for size in _SIZES if size > present and size <= listings)]
    known = found.half_width
    widths = {size: audit_half_width(found.share.value, size) for size in sizes if size >= MIN_AUDITED}
    useful = {n: width for n, width in widths.items() if known is None or width <= _NARROWER * known}
    if not useful:
        return []
    goal = "measure the share" if known is None else "narrow the estimate"
    first, *others = list(useful.items())[:_SHOWN]
    more = "".join(f", one of {n:,} to ± {_points(width)}" for n, width in others)
    return [f"An audit of {first[0]:,} listings would {goal} to about ± {_points(first[1])} points{more}."]


def _points(share: float) -> str:
    """A share in percentage points, with two significant digits."""
    return f"{100.0 * share:.2g}"
