"""One answer to all that a filter finds: what is offered when, what it stores, and how it is taken back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.bulk import Bulk, BulkOutcome, answer_all, find_bulk
from jobs.reviewing.database import Store
from jobs.reviewing.showing import Filters, Reviewer, release, show_next
from tests.review_samples import category_item, other_items, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB = (Reviewer(f"window-{name}", f"page-{name}", name, "reviewer") for name in ("ada", "bob"))
SURE, BLANK = Filters(reason="sensitive_category"), Filters(reason="blank_image")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Twenty questions about categories, nine about pictures, and one of each other kind."""
    categories = [category_item(n, reasons=["sensitive_category"]) for n in range(20)]
    blank = [category_item(100 + n, reasons=["blank_image"], suggested=[]) for n in range(9)]
    write_store(tmp_path, [*categories, *blank, *other_items()])
    return Store(tmp_path)


def answer_singly(store: Store, filters: Filters, *decisions: str, who: Reviewer = ADA) -> None:
    shown = show_next(store, who, filters, [], len(decisions), NOON)
    release(store, who.page)
    given = [Answer(each.showing_id, decision) for each, decision in zip(shown, decisions, strict=True)]
    assert {each.state for each in store_answers(store, who, given, NOON)} == {"stored"}


def told(found: Bulk) -> tuple[object, ...]:
    return found.question, found.count, found.singly, found.right


def stored(store: Store) -> list[tuple[object, ...]]:
    query = "SELECT listing_id, decision, reason, category, batch_id FROM answers WHERE undone = 0 ORDER BY number"
    return [tuple(row) for row in store.reading().execute(query)]


def test_it_is_offered_once_five_were_answered_one_by_one(store: Store) -> None:
    assert told(find_bulk(store, ADA, SURE, NOON)) == ("category", 20, 0, 0)
    assert find_bulk(store, ADA, SURE, NOON).share == pytest.approx(0.81)
    answer_singly(store, SURE, "accept", "accept", "reject", "accept", "skip")
    assert told(find_bulk(store, ADA, SURE, NOON)) == ("category", 15, 4, 3)
    assert find_bulk(store, BOB, SURE, NOON).count == 16, "what ada has skipped is open to bob"
    answer_singly(store, SURE, "accept", who=BOB)
    found = find_bulk(store, ADA, SURE, NOON)
    assert (found.singly, found.right, found.is_offered) == (5, 4, True)
    answer_singly(store, BLANK, "accept", "resolve", "reject", "accept", "accept")
    assert find_bulk(store, ADA, BLANK, NOON) == Bulk("blank_image", 4, None, 5, 4)


def test_neither_the_audit_nor_what_others_have_before_them_nor_different_questions_are_in_it(store: Store) -> None:
    everything = find_bulk(store, ADA, Filters(), NOON)
    assert (everything.question, everything.is_offered) == (None, False)
    assert find_bulk(store, ADA, Filters(reason="audit_sample"), NOON).count == 0
    show_next(store, BOB, SURE, [], 7, NOON)
    assert find_bulk(store, ADA, SURE, NOON).count == 13
    assert find_bulk(store, ADA, Filters(reason="sensitive_category", search="listing 1"), NOON).count == 10


def test_all_are_answered_once_and_taken_back_at_once(store: Store) -> None:
    assert answer_all(store, ADA, BLANK, "accept", 9, "batch-1", NOON).state == "changed", "none was looked at"
    answer_singly(store, BLANK, *["accept"] * 5)
    before = stored(store)
    assert answer_all(store, ADA, BLANK, "accept", 5, "batch-1", NOON) == BulkOutcome("changed")
    assert stored(store) == before
    done = answer_all(store, ADA, BLANK, "accept", 4, "batch-1", NOON)
    assert done == BulkOutcome("stored", ("L0105", "L0106", "L0107", "L0108"))
    assert answer_all(store, ADA, BLANK, "accept", 4, "batch-1", NOON) == done
    assert stored(store)[5:] == [(name, "accept", "blank_image", None, "batch-1") for name in done.stored]
    assert find_bulk(store, ADA, BLANK, NOON).count == 0
    undo(store, ADA, "undo-1", NOON)
    assert stored(store) == before


def test_an_answer_that_a_question_does_not_allow_is_not_stored(store: Store) -> None:
    boots = Filters(suggested="boots")
    answer_singly(store, boots, *["accept"] * 5)
    found = find_bulk(store, ADA, boots, NOON)
    done = answer_all(store, ADA, boots, "reject", found.count, "batch-2", NOON)
    assert (done.state, done.others) == ("stored", 1), "one listing has no category that its seller could be right with"
    assert len(done.stored) == found.count - 1
    assert "L0906" not in done.stored
    assert {row[1:4] for row in stored(store) if row[4] == "batch-2"} == {("reject", None, "sandals")}
