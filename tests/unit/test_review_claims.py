"""Who has a question: claims end in time, also if the clock is set back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from jobs.reviewing.database import Store
from jobs.reviewing.showing import Filters, Reviewer, show_next
from tests.review_samples import category_item, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB = (Reviewer(f"window-{name}", f"page-{name}", name, "reviewer") for name in ("ada", "bob"))


def shown(store: Store, who: Reviewer, now: dt.datetime = NOON) -> list[str]:
    return [each.view["listing_id"] for each in show_next(store, who, Filters(), [], 10, now)]


def test_a_claim_from_before_the_clock_was_set_back_keeps_nobody_waiting(tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(n) for n in range(3)])
    store = Store(tmp_path)
    assert shown(store, ADA, NOON + dt.timedelta(days=1)) == ["L0000", "L0001", "L0002"]
    assert shown(store, BOB, NOON + dt.timedelta(days=1)) == []
    assert shown(store, BOB) == ["L0000", "L0001", "L0002"]
