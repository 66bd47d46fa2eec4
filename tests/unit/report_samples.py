"""A publication in plain values, as the report reads it from the tables."""

from __future__ import annotations

import dataclasses
import datetime as dt

from jobs.console.summary import Estimate, Named
from jobs.reporting.examples import Example, Examples
from jobs.reporting.figures import Category, Change, Figures, Part, Publication, Queues, Seller
from schemas.reasons import Reason

BOOTS, SHOES, BAGS = Named("boots", "Boots"), Named("shoes", "Shoes"), Named("bags", "Bags & cases")


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.01, value + 0.01)


def publication(day: int, left: float) -> Publication:
    date = dt.date(2026, 3, day)
    return Publication(f"nightly-{date}-1", date, 60.0 * day, estimate(left), estimate(0.2), estimate(0.1))


FIGURES = Figures(
    run_id="nightly-2026-03-02-1",
    run_date=dt.date(2026, 3, 2),
    model_version="7",
    seconds=125.4,
    counts={"rows_in": 1000, "rows_current": 40, "rows_unchanged": 960, "kept": 700},
    listings=1000,
    parts={
        "expected_error_before": Part(228.4, estimate(0.228)),
        "expected_error_left": Part(31.2, estimate(0.031)),
        "corrected_share": Part(200.0, estimate(0.2)),
        "referred_share": Part(90.0, estimate(0.09)),
        "flagged_share": Part(110.0, estimate(0.11)),
    },
    confidence=estimate(0.97),
    quality=87.44,
    events={"begun": 12, "changed": 1, "ended": 3},
    categories=[
        Category(BOOTS, 300, estimate(0.31), estimate(0.12)),
        Category(SHOES, 700, estimate(0.2), estimate(0.02)),
    ],
    sellers=[Seller("s-9", 120, estimate(0.63))],
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
)
CORRUPT = example("l-4", title=None, reasons=(Reason.CORRUPT_IMAGE,), priority=0.3, image=None, image_status="corrupt")
EXAMPLES = Examples(
    corrections=[example("l-1")],
    work_list=[REFERRED, CORRUPT],
    referrals=[REFERRED],
    mismatches=[example("l-3", reasons=(Reason.IMAGE_MISMATCH,), priority=0.4, image=(BAGS, 0.9))],
    others=[CORRUPT],
)
