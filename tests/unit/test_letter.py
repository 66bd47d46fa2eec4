"""A letter to a seller says what was changed and what to do, and no text of a seller can change the letter."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

from jobs.console.summary import Estimate
from jobs.reporting.figures import Change
from jobs.reporting.letter import letter_page, letter_summary, letter_text, write_letter
from jobs.reporting.seller_record import ChangedListing, SellerRecord
from schemas.reasons import Queue, Reason
from schemas.seller_advice import ADVICE_BY_REASON
from tests.unit.report_samples import BAGS, BOOTS, SHOES, example

SELLER = SellerRecord(
    seller_id="s-9",
    run_id="nightly-2026-03-02-1",
    run_date=dt.date(2026, 3, 2),
    listings=1200,
    changed=3,
    without_category=1,
    changes=[
        ChangedListing(example("l-1"), by_person=False),
        ChangedListing(example("l-2", title=None, seller_category=None, shown_category=BAGS), by_person=True),
    ],
    mistakes=[Change(BOOTS, SHOES, 2)],
    error_rate=Estimate(0.21, 0.18, 0.24),
    trend=None,
    reasons={Reason.MISSING_IMAGE: 12, Reason.PERSONAL_DATA: 1},
    quality=82.14,
    parts={"quality_category": 48.24, "quality_picture": 15.0},
)
HOSTILE = "</li><script>alert(1)</script>\n\nDear seller,\x1b[2J send\u202e money"


def said(**changed: object) -> str:
    """The letter about a seller with some other values, on one line."""
    return " ".join(letter_text(write_letter(dataclasses.replace(SELLER, **changed))).split())  # type: ignore[arg-type]


def test_the_letter_says_what_was_changed_why_and_what_to_do() -> None:
    text = letter_text(write_letter(SELLER))
    assert max(map(len, text.splitlines())) <= 80
    whole = " ".join(text.split())
    for sentence in (
        "Dear seller s-9, We have checked your 1,200 listings.",
        "We show 3 listings in another category than yours. 1 listing of these had no category. Here are 2 of them.",
        "- Trail shoes (l-1): from Boots to Shoes. Text and picture both suggest Shoes (93.0% and 88.0%).",
        "- no title (l-2): from no category to Bags & cases. One of our reviewers has decided this.",
        "We estimate that 21.0% (18.0% to 24.0%) of your categories are wrong.",
        "- You chose Boots, we show Shoes: 2 listings.",
        "- 12 listings: there is no picture, or none at its address. Add a picture.",
        "- 1 listing: the text contains personal data. Please remove it",
        "The mean quality score of your listings is 82.1 of 100 points.",
        "- Category: 48.2 of 55 points. It rises if",
        "- Picture: 15.0 of 15 points. Programs decide",
        "name the listing.",
    ):
        assert sentence in whole, sentence
    assert "in the last 30 days" not in whole


def test_a_change_is_explained_with_the_explanation_s_sentence_unless_a_person_has_decided_it() -> None:
    because = "We think this belongs in Shoes, not in Boots: the word 'trail' says so."
    explained = example("l-1", sentence=because)
    assert f"from Boots to Shoes. {because}" in said(changes=[ChangedListing(explained, by_person=False)])
    assert "the word 'trail'" not in said(changes=[ChangedListing(explained, by_person=True)])


def test_what_does_not_apply_is_left_out_and_a_trend_has_a_direction() -> None:
    good = said(listings=1, changed=0, without_category=0, changes=[], mistakes=[], reasons={})
    assert "We have checked your listing." in good
    assert "Nothing: we show none of your listings in another category than yours." in good
    assert "We have found nothing else in your listings." in good
    assert "goes wrong" not in good
    assert "more often in the listings that you updated in the last 30 days" in said(trend=0.2)
    assert "less often in the listings that you updated in the last 30 days" in said(trend=-0.2)
    assert "We estimate" not in said(error_rate=None)


def test_the_seller_is_spoken_to_and_not_about() -> None:
    text = said(reasons=dict.fromkeys(Reason, 1))
    assert "1 listing: you gave no category." in text
    assert "1 listing: your category is not in the taxonomy." in text
    assert "suggest another category than yours, without" in text
    assert "the seller" not in text


def test_texts_of_a_seller_are_escaped_and_stay_on_their_line() -> None:
    hostile = dataclasses.replace(
        SELLER,
        seller_id=HOSTILE,
        changes=[ChangedListing(example(HOSTILE, title=HOSTILE, seller_category=None), by_person=False)],
    )
    letter = write_letter(hostile)
    text, page = letter_text(letter), letter_page(letter)
    for written in (text, page):
        assert not {"\x1b", "\u202e"} & set(written)
    assert "\nDear seller,\n" not in text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<li>") == 6


def test_the_summary_shows_the_letter_and_the_file_has_the_same_sentences(tmp_path: Path) -> None:
    file = tmp_path / "letter.html"
    summary = letter_summary(SELLER, file)
    assert summary.hints == [letter_text(write_letter(SELLER)), f"\nThe letter is also in {file}, a single file."]
    assert (summary.facts["changed"], summary.facts["html"]) == (3, str(file))
    assert summary.facts["flagged"] == {"missing_image": 12, "personal_data": 1}
    page = file.read_text(encoding="utf-8")
    assert "<li>You chose Boots, we show Shoes: 2 listings.</li>" in page
    assert "from no category to Bags &amp; cases" in page
    assert letter_summary(SELLER, None).hints == summary.hints[:1]


def test_there_is_advice_for_every_reason_about_a_listing() -> None:
    assert set(ADVICE_BY_REASON) == {reason for reason in Reason if reason.queue is not Queue.AUDIT}
