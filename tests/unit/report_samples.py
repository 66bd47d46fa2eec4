"""A publication in plain values, as the report reads it from the tables."""

from __future__ import annotations

import dataclasses
import datetime as dt

from jobs.cleaning.audit import Audit
from jobs.cleaning.label_errors import LabelErrors
from jobs.console.summary import Estimate, Named
from jobs.reporting.error_rates import SegmentError
from jobs.reporting.examples import Example, Examples
from jobs.reporting.figures import Change, Figures, ListingShare, PublicationFigures, Queues, SellerError
from schemas.reasons import Reason

BOOTS, SHOES, BAGS = Named("boots", "Boots"), Named("shoes", "Shoes"), Named("bags", "Bags & cases")


def publication(day: int, left: float) -> PublicationFigures:
    date = dt.date(2026, 3, day)
    return PublicationFigures(f"nightly-{date}-1", date, 60.0 * day, left, 0.2, 0.1)


NO_AUDIT = Audit(0, 400, None, None)
AUDIT = Audit(389, 11, Estimate(0.231, 0.192, 0.276), Estimate(0.036, 0.022, 0.060))


FIGURES = Figures(
    run_id="nightly-2026-03-02-1",
    run_date=dt.date(2026, 3, 2),
    model_version="7",
    seconds=125.4,
    counts={"rows_in": 1000, "rows_current": 40, "rows_unchanged": 960, "kept": 700},
    listings=1000,
    shares={
        "category_error_rate_before": ListingShare(228.4, Estimate(0.228)),
        "category_error_rate_left": ListingShare(31.2, Estimate(0.031)),
        "corrected_share": ListingShare(200.0, Estimate(0.2)),
        "referred_share": ListingShare(90.0, Estimate(0.09)),
        "flagged_share": ListingShare(110.0, Estimate(0.11)),
    },
    audit=NO_AUDIT,
    label_errors=LabelErrors(Estimate(0.21, 0.15, 0.27), "confident listings"),
    confidence=Estimate(0.97),
    quality=87.44,
    events={"begun": 12, "changed": 1, "ended": 3},
    categories=[
        SegmentError(BOOTS, 300, Estimate(0.31), Estimate(0.12), None),
        SegmentError(SHOES, 700, Estimate(0.2), Estimate(0.02), Estimate(0.03, 0.01, 0.07)),
    ],
    departments=[SegmentError(Named("footwear", "footwear"), 1000, Estimate(0.228), Estimate(0.031), None)],
    seller_sizes=[SegmentError(Named("10-99", "10-99"), 1000, Estimate(0.228), Estimate(0.031), None)],
    sellers=[SellerError("s-9", 120, Estimate(0.63, 0.62, 0.64))],
    changes=[Change(BOOTS, SHOES, 150), Change(None, BAGS, 50)],
    certainty={0.99: 120, 0.95: 50, 0.80: 20, 0.50: 10, 0.0: 0},
    queues=Queues({Reason.WRONG_CATEGORY: 70, Reason.CORRUPT_IMAGE: 21}, 90, 21),
    image_status={"ok": 979, "corrupt": 21},
    publications=[publication(1, 0.04), publication(2, 0.031)],
)


def example(listing_id: str, **values: object) -> Example:
    given = Example(
        listing_id=listing_id,
        title="Trail shoes",
        seller_id="s-9",
        seller_category=BOOTS,
        shown_category=SHOES,
        confidence=0.972,
        suggestions=(),
        reasons=(),
        priority=None,
        text=(SHOES, 0.93),
        image=(SHOES, 0.88),
        image_status="ok",
    )
    return dataclasses.replace(given, **values)  # type: ignore[arg-type]


REFERRED = example(
    "l-2",
    title="Ankle boots",
    shown_category=BOOTS,
    suggestions=((SHOES, 0.58), (BOOTS, 0.31)),
    reasons=(Reason.WRONG_CATEGORY,),
    priority=0.69,
    text=(SHOES, 0.53),
    image=(BAGS, 0.39),
    sentence="This may belong in Shoes rather than in Boots: the word 'low' says so.",
)
CORRUPT = example("l-4", title=None, reasons=(Reason.CORRUPT_IMAGE,), priority=0.3, image=None, image_status="corrupt")
EXAMPLES = Examples(
    corrections=[example("l-1")],
    work_list=[REFERRED, CORRUPT],
    referrals=[REFERRED],
    mismatches=[example("l-3", reasons=(Reason.IMAGE_MISMATCH,), priority=0.4, image=(BAGS, 0.9))],
    others=[CORRUPT],
)
