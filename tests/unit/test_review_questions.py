"""Which questions the review page asks, and what it shows beside them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from jobs.reviewing.database import Store
from jobs.reviewing.rendering import Surroundings, render_question
from jobs.reviewing.shapes import Likely, OpenItem, Similar, questions
from jobs.reviewing.showing import Filters, Reviewer, show_next
from jobs.reviewing.words import load_words
from tests.review_samples import category_item, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA = Reviewer("window", "page", "ada", "reviewer")
NAMES = {"boots": ("Boots", "Footwear > Boots"), "sandals": ("Sandals", "Footwear > Sandals")}


def test_a_doubtful_picture_stands_beside_pictures_that_fit(tmp_path: Path) -> None:
    fitting = [Similar("S1", "Leather sandals", "sandals", 31.0, None), Similar("S2", None, "sandals", None, None)]
    write_store(tmp_path, [category_item(0, reasons=["image_mismatch"], fitting=fitting)])
    [showing] = show_next(Store(tmp_path), ADA, Filters(), [], 1, NOON)
    page = render_question(showing, Surroundings(load_words("en"), NAMES, {"S1"}))
    beside = page[page.index("Pictures that fit its category") :]
    assert "Leather sandals" in beside
    assert "31.00" in beside
    assert "S1" in beside
    assert "Winter boots" not in page, "what is like the suggested category says nothing about the picture"
    assert "% alike" not in page


def test_a_doubtful_condition_stands_beside_what_words_and_picture_suggest(tmp_path: Path) -> None:
    likely = Likely("used", 0.824)
    write_store(tmp_path, [category_item(0, reasons=["condition_mismatch"], condition="new", likely_condition=likely)])
    [showing] = show_next(Store(tmp_path), ADA, Filters(), [], 1, NOON)
    for language, stated, suggested in (
        ("en", "The seller states: new", "Words and picture suggest: used (82"),
        ("fr", "Le vendeur indique : new", "suggèrent : used (82"),
    ):
        page = render_question(showing, Surroundings(load_words(language), NAMES, set()))
        assert stated in page
        assert suggested in page


def test_a_listing_has_one_question_about_its_category_and_one_for_each_other_reason() -> None:
    def asked(*reasons: str, **more: object) -> list[tuple[str, bool]]:
        item: OpenItem = category_item(1, reasons=list(reasons), **more)
        return [(each.question, each.is_blind) for each in questions(item)]

    assert asked("low_confidence", "missing_category") == [("category", False)]
    assert asked("audit_sample", "low_confidence") == [("audit", True)]
    assert asked("blank_image", "duplicate", "low_confidence") == [
        ("category", False),
        ("blank_image", False),
        ("duplicate", False),
    ]
    item = category_item(1, reasons=["audit_sample", "blank_image"])
    assert [each.judged_hash for each in questions(item)] == [item.judged["category"], item.judged["blank_image"]]
