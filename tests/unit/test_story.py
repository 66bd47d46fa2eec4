"""The story of a listing: which events it has, in which order, and in which words."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import Row

from jobs.explain import explain
from jobs.timeline.events import ListingRows, find_events
from jobs.timeline.story import story_summary
from schemas.errors import UsageError
from schemas.tables import TABLES

NAMES = {"boots": "Boots", "shoes": "Shoes", "bags": "Bags"}
MONDAY, TUESDAY = dt.date(2026, 3, 2), dt.date(2026, 3, 3)


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 3, day, hour, minute, tzinfo=dt.UTC)


def row(table: str, **values: object) -> Row:
    """A row of a table; other columns are null."""
    assert values.keys() <= set(TABLES[table].names)
    return Row(**dict.fromkeys(TABLES[table].names) | values)


def delivered(delivery: str, change: str, **values: object) -> Row:
    common: dict[str, Any] = {"title": "Red boots", "category": "boots", "price": 12.0, "seller_id": "s-1"}
    common |= {"content_hash": "h1", "delivery_id": delivery, "change": change}
    return row("listing_changes", **common | values)


def judged(run_id: str, day: dt.date, **values: object) -> Row:
    common: dict[str, Any] = {"model_version": "7", "predicted_category": "shoes", "confidence": 0.93}
    common |= {"text_category": "shoes", "text_confidence": 0.9, "image_status": "ok", "run_id": run_id}
    return row("predictions", **common | {"image_category": "bags", "image_confidence": 0.7, "run_date": day} | values)


def reviewed(decision: str, time: dt.datetime, **values: object) -> Row:
    common: dict[str, Any] = {"decision_id": "d", "content_hash": "h1", "reviewer": "ada", "run_id": "night-1"}
    return row("review_decisions", **common | {"decision": decision, "decided_at": time} | values)


def texts(rows: ListingRows) -> list[str]:
    return [event.text for event in find_events(rows)]


def review_text(decision: Row, **more: Any) -> str:  # noqa: ANN401  fields of ListingRows
    (text,) = texts(ListingRows("x", decisions=(decision,), names=NAMES, applied=frozenset({"d"}), **more))
    return text


ENDED = {
    "ingest-1": at(2, 1),
    "night-1": at(2, 3),
    "ingest-2": at(2, 9),
    "night-2": at(3, 3),
}
STORY = ListingRows(
    "x",
    changes=(delivered("ingest-2", "updated", category="bags", price=9.5), delivered("ingest-1", "inserted")),
    predictions=(judged("night-1", MONDAY),),
    corrections=(
        row("corrections", event="ended", corrected_category="shoes", decided_by="model", run_id="night-2"),
        row(
            "corrections",
            event="begun",
            seller_category="boots",
            corrected_category="shoes",
            confidence=0.97,
            decided_by="model",
            run_id="night-1",
        ),
    ),
    flagged=row("flagged_items", reasons=["low_confidence", "image_mismatch"], status="open", first_run_date=MONDAY),
    decisions=(reviewed("reject", at(2, 12), category="bags"),),
    clean=row("clean_listings", content_hash="h1", category="bags", effective_category="bags", category_action="kept"),
    ended=ENDED,
    published=(("night-1", MONDAY), ("night-2", TUESDAY)),
    applied=frozenset({"d"}),
    names=NAMES,
)


def test_a_story_is_told_from_the_first_delivery_to_the_last_night() -> None:
    assert [(event.at, event.kind, event.text, event.run_id) for event in find_events(STORY)] == [
        (at(2, 1), "delivered", 'Delivered: "Red boots" in Boots, by s-1.', "ingest-1"),
        (
            at(2, 3),
            "judged",
            "Model 7 says Shoes (93.0%): the text says Shoes (90.0%), the picture says Bags (70.0%).",
            "night-1",
        ),
        (at(2, 3), "corrected", "Corrected from Boots to Shoes by the model, 97.0% sure.", "night-1"),
        (
            at(2, 3),
            "flagged",
            "Put on the work list; the reasons now: low confidence, image mismatch.",
            "night-1",
        ),
        (at(2, 9), "delivered", "Updated: category from Boots to Bags; price from 12.00 to 9.50.", "ingest-2"),
        (at(2, 12), "reviewed", "ada rejected the suggestion: Bags is right.", "night-1"),
        (at(3, 3), "corrected", "The correction to Shoes ended.", "night-2"),
    ]


@pytest.mark.parametrize("decided", [at(1, 12), dt.datetime(2030, 1, 1, tzinfo=dt.UTC)])
def test_a_review_stands_between_the_publication_that_was_seen_and_the_next(decided: dt.datetime) -> None:
    """Also where nights were run for dates far from the day on which they ran."""
    rows = ListingRows(
        "x",
        predictions=(judged("night-1", MONDAY), judged("night-2", TUESDAY, model_version="8")),
        decisions=(reviewed("skip", decided),),
        ended=ENDED,
        published=STORY.published,
    )
    assert [(event.kind, event.run_id) for event in find_events(rows)] == [
        ("judged", "night-1"),
        ("reviewed", "night-1"),
        ("judged", "night-2"),
    ]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"title": None}, 'Updated: title from "Red boots" to none.'),
        ({"description": "new", "content_hash": "h2"}, "Updated: another description."),
        ({"content_hash": "h2", "image_uri": "a.png"}, "Updated: another picture."),
        ({"image_uri": "a.png"}, "Updated: another address of the picture."),
        ({"price": float("nan"), "seller_id": None}, "Updated: price from 12.00 to none; seller from s-1 to none."),
        ({"category": None}, "Updated: category from Boots to no category."),
        ({}, "Updated: the same values with a newer date."),
    ],
)
def test_an_update_says_what_changed(changed: dict[str, object], text: str) -> None:
    both = (delivered("ingest-1", "inserted"), delivered("ingest-2", "updated", **changed))
    assert texts(ListingRows("x", changes=both, ended=ENDED, names=NAMES))[1] == text


def test_prices_that_are_no_number_are_the_same() -> None:
    nan = float("nan")
    both = (delivered("ingest-1", "inserted", price=nan), delivered("ingest-2", "updated", price=nan))
    assert texts(ListingRows("x", changes=both, ended=ENDED))[1] == "Updated: the same values with a newer date."


def test_a_listing_is_withdrawn_and_returns_and_an_unfinished_run_comes_last() -> None:
    changes = (delivered("ingest-9", "returned"), delivered("ingest-1", "inserted"), delivered("ingest-2", "withdrawn"))
    story = find_events(ListingRows("x", changes=changes, ended=ENDED, names=NAMES))
    assert [event.text for event in story[1:]] == [
        "Withdrawn: a full load did not contain it.",
        "Returned: it was delivered again after it had been withdrawn (the run has not ended).",
    ]
    assert story[2].at is None


def test_a_listing_that_returns_with_other_values_says_so() -> None:
    changes = (
        delivered("ingest-1", "inserted"),
        delivered("ingest-2", "withdrawn"),
        delivered("ingest-3", "updated", price=9.5),
    )
    story = ListingRows("x", changes=changes, ended={**ENDED, "ingest-3": at(3, 9)}, names=NAMES)
    assert texts(story)[2] == "Returned after it had been withdrawn: price from 12.00 to 9.50."


def test_a_revert_is_told_where_it_took_back_what_was_said_about_the_listing() -> None:
    ended = row("corrections", event="ended", corrected_category="shoes", decided_by="model", run_id="revert-1")
    rows = ListingRows(
        "x",
        predictions=(judged("night-2", TUESDAY),),
        corrections=(ended,),
        ended={**ENDED, "revert-1": at(3, 5), "revert-2": at(3, 6), "revert-3": at(3, 7)},
        published=(*STORY.published, ("revert-1", TUESDAY), ("revert-2", TUESDAY), ("revert-3", TUESDAY)),
        reverts={"revert-1": ["night-2", "night-1"], "revert-2": ["revert-1"], "revert-3": ["night-0"]},
        names=NAMES,
    )
    assert [(event.kind, event.text, event.run_id) for event in find_events(rows)[1:]] == [
        ("taken back", "Taken back: night-1, night-2. The state before is shown again.", "revert-1"),
        ("corrected", "The correction to Shoes ended.", "revert-1"),
        ("taken back", "Taken back: revert-1. The state before is shown again.", "revert-2"),
    ]


def test_a_judgement_says_what_is_missing() -> None:
    nothing = {"predicted_category": None, "text_category": None, "image_category": None, "image_status": "missing"}
    no_picture = judged("night-1", MONDAY, image_category=None, image_status="corrupt")
    assert texts(ListingRows("x", predictions=(no_picture,), names=NAMES)) == [
        "Model 7 says Shoes (93.0%): the text says Shoes (90.0%), picture: cannot be read."
    ]
    assert texts(ListingRows("x", predictions=(judged("night-1", MONDAY, **nothing),))) == [
        "Model 7 could not judge it: there is no usable text or picture."
    ]


@pytest.mark.parametrize(
    ("decision", "text"),
    [
        (reviewed("accept", at(2, 12), category="shoes"), "ada accepted the suggestion: Shoes is right."),
        (reviewed("accept", at(2, 12), reason="image_mismatch"), "ada confirmed image mismatch."),
        (reviewed("reject", at(2, 12), reason="image_mismatch"), "ada rejected image mismatch."),
        (
            reviewed("resolve", at(2, 12), reason="missing_title", note="done"),
            'ada dealt with missing title. Note: "done".',
        ),
        (
            reviewed("set_category", at(2, 12), category="bags", audit_chance=0.1),
            "ada set the category to Bags, for the audit.",
        ),
        (reviewed("skip", at(2, 12), decision_id="new"), "ada made no decision."),
        (
            reviewed("set_category", at(2, 12), category="bags", decision_id="new"),
            "ada set the category to Bags. The next night applies it.",
        ),
    ],
)
def test_a_review_says_who_decided_what(decision: Row, text: str) -> None:
    assert review_text(decision) == text


def test_a_review_of_earlier_content_no_longer_holds() -> None:
    clean = row("clean_listings", content_hash="h2")
    assert review_text(reviewed("set_category", at(2, 12), category="bags"), clean=clean).endswith(
        "That was about earlier content, so it no longer holds."
    )


def test_an_answered_item_keeps_the_reasons_for_which_it_was_listed() -> None:
    item = row("flagged_items", reasons=["low_confidence"], status="accepted", first_run_date=MONDAY)
    (event,) = find_events(ListingRows("x", flagged=item))
    assert event.text == "Put on the work list; accepted since, the reasons then: low confidence."
    assert event.at == at(2, 0)


@pytest.mark.parametrize(
    ("values", "standing"),
    [
        (
            {"effective_category": "shoes", "category_source": "model", "category_confidence": 0.97},
            "shown in Shoes, as the model decided (97.0% sure)",
        ),
        (
            {"effective_category": "boots", "category_source": "seller", "category_action": "referred"},
            "shown in Boots, the seller's category; a person should decide",
        ),
        (
            {"category_action": "referred"},
            "shown without a category, because only a person may choose it; a person should decide",
        ),
        (
            {"category_action": "kept", "rollout_arm": "shadow"},
            "shown without a category, because nothing is corrected in the arm shadow",
        ),
    ],
)
def test_the_title_says_how_the_listing_stands(values: dict[str, object], standing: str) -> None:
    rows = ListingRows("x", clean=row("clean_listings", **values), names=NAMES)
    assert story_summary(rows, "w").title == f"Listing x: {standing}"


def test_a_suggestion_is_told_with_its_reasons() -> None:
    explained = row(
        "explanations",
        category="boots",
        suggested_category="shoes",
        sentence="We think this belongs in Shoes.",
        suggested_words=[Row(word="trail", weight=1.5)],
        seller_words=[Row(word="ankle", weight=0.4)],
        text_suggested=0.8,
        text_seller=0.1,
        similar=[Row(listing_id="y", similarity=0.75)],
    )
    told = story_summary(ListingRows("x", explanation=explained, names=NAMES), "w")
    assert told.facts["explanation"] == "We think this belongs in Shoes."
    tables = {section.key: [tuple(map(str, cells)) for cells in section.rows] for section in told.sections}
    assert tables["said"] == [("Shoes", "80.0%", "None"), ("Boots", "10.0%", "None")]
    assert tables["words"] == [("trail", "Shoes", "1.5"), ("ankle", "Boots", "0.4")]
    assert tables["similar"] == [("y", "0.75")]
    assert [section.key for section in story_summary(STORY, "w").sections] == ["events"]


def test_a_listing_that_is_not_published_stands_as_it_is() -> None:
    def standing(**rows: Any) -> str:  # noqa: ANN401  fields of ListingRows
        return story_summary(ListingRows("x", **rows), "w").title.partition(": ")[2]

    quarantined = (row("quarantine", reasons=["invalid_price"], job="ingest", run_id="ingest-1", run_date=MONDAY),)
    assert standing(quarantined=quarantined) == "never loaded, see why below"
    assert texts(ListingRows("x", quarantined=quarantined)) == ["A delivered row could not be used: invalid price."]
    assert standing(listing=row("listings", title="t")) == "loaded, not cleaned yet"
    assert standing(listing=row("listings", withdrawn=True)) == "withdrawn"
    kept = row("clean_listings", effective_category="bags", category_source="seller")
    assert standing(listing=row("listings", withdrawn=True), clean=kept) == (
        "withdrawn, but the newest publication has it, shown in bags, the seller's category"
    )
    assert standing(listing=row("listings"), published=STORY.published) == (
        "loaded, but not part of the newest publication"
    )
    assert standing(changes=(delivered("ingest-1", "inserted"),)) == "no longer in the catalogue"


def test_an_id_that_is_no_text_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal passes bytes that are not UTF-8 as unpaired surrogates, which Spark refuses with a traceback."""

    def read(_: object, listing_id: str) -> object:
        assert listing_id.encode() == b"caf?"
        return SimpleNamespace(is_known=False)

    monkeypatch.setattr("jobs.explain.read_listing", read)
    job: Any = SimpleNamespace(warehouse=SimpleNamespace(location="w"), require_listings=lambda: None)
    with pytest.raises(UsageError, match="there is no listing 'caf"):
        explain(job, " caf\udce9 ")
