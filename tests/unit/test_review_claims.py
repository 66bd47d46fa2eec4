"""Who has a question: claims end in time, a lead frees them, and leaves a question to one person."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from jobs.reviewing.answering import Answer, store_answers
from jobs.reviewing.assigning import Held, free, held, leave_to, open_questions, people
from jobs.reviewing.database import Store
from jobs.reviewing.overview import progress
from jobs.reviewing.showing import Filters, Reviewer, release, show_next
from tests.review_samples import category_item, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB = (Reviewer(f"window-{name}", f"page-{name}", name, "reviewer") for name in ("ada", "bob"))


LEA = Reviewer("window-lea", "page-lea", "lea", "lead")


def shown(store: Store, who: Reviewer, now: dt.datetime = NOON) -> list[str]:
    return [each.view["listing_id"] for each in show_next(store, who, Filters(), [], 10, now)]


def test_a_claim_from_before_the_clock_was_set_back_keeps_nobody_waiting(tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(n) for n in range(3)])
    store = Store(tmp_path)
    assert shown(store, ADA, NOON + dt.timedelta(days=1)) == ["L0000", "L0001", "L0002"]
    assert shown(store, BOB, NOON + dt.timedelta(days=1)) == []
    assert shown(store, BOB) == ["L0000", "L0001", "L0002"]


def test_a_request_that_has_waited_does_not_end_the_claims_of_one_that_came_later(tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(n) for n in range(20)])
    store = Store(tmp_path)
    assert shown(store, ADA, NOON + dt.timedelta(seconds=30))[0] == "L0000"
    assert shown(store, BOB)[0] == "L0010", "this request came first, and waited for the store"


def test_what_a_lead_frees_goes_to_others_and_the_page_that_had_it_can_still_answer(tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(n) for n in range(3)])
    store = Store(tmp_path)
    has = show_next(store, ADA, Filters(), [], 3, NOON)
    assert held(store, NOON) == [Held("ada", 3, 0)]
    assert free(store, "ada") == ["L0000", "L0001", "L0002"]
    assert held(store, NOON) == []
    assert shown(store, BOB) == ["L0000", "L0001", "L0002"]
    given = Answer(has[0].showing_id, "accept")
    assert store_answers(store, ADA, [given], NOON)[0].state == "stored", "nobody else has answered it"


def test_a_question_that_is_left_to_somebody_is_theirs_alone_and_comes_first(tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(n) for n in range(4)])
    store = Store(tmp_path)
    [asked] = open_questions(store, "L0003")
    assert shown(store, ADA) == [f"L{n:04d}" for n in range(4)]
    assert leave_to(store, LEA, "L0003", asked.judged_hash, "bob", NOON)
    assert [each.left_to for each in open_questions(store, "L0003")] == ["bob"]
    release(store, ADA.page)
    assert shown(store, ADA) == ["L0000", "L0001", "L0002"]
    assert progress(store, ADA, Filters(), NOON, NOON).remaining == 3
    release(store, ADA.page)
    first, *_ = show_next(store, BOB, Filters(), [], 4, NOON)
    assert first.view["listing_id"] == "L0003"
    assert held(store, NOON) == [Held("bob", 4, 1)]
    store_answers(store, BOB, [Answer(first.showing_id, "skip")], NOON)
    release(store, BOB.page)
    assert "L0003" in shown(store, ADA), "who skips leaves it to the others"
    assert "L0003" not in shown(store, BOB)
    assert people(store, ["lea"]) == ["bob", "lea"]
    assert leave_to(store, LEA, "L0003", asked.judged_hash, "bob", NOON)
    release(store, ADA.page)
    assert shown(store, BOB)[0] == "L0003", "the skip is taken back"
    given = show_next(store, BOB, Filters(), [], 1, NOON)[0]
    store_answers(store, BOB, [Answer(given.showing_id, "accept")], NOON)
    assert open_questions(store, "L0003") == []
    assert not leave_to(store, LEA, "L0003", asked.judged_hash, "ada", NOON), "it is answered"
    assert held(store, NOON)[0].left == 0
