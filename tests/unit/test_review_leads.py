"""What leads see and decide: work done, agreement, disagreements, the history of a listing, and opening it again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.database import Store
from jobs.reviewing.history import history
from jobs.reviewing.leading import WorkDone, double_answers, estimated, per_hour, trust, work_done
from jobs.reviewing.opinions import Shares
from jobs.reviewing.outgoing import mark_written, take_answers
from jobs.reviewing.settling import Dispute, Word, disputes, reopen, settle, show_disputes
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next
from tests.review_samples import category_item, other_items, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB, EVE = (Reviewer(f"window-{name}", f"page-{name}", name, "reviewer") for name in ("ada", "bob", "eve"))
LEA = Reviewer("window-lea", "page-lea", "lea", "lead")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_store(tmp_path, [*(category_item(n) for n in range(40)), *other_items()[1:2]])
    return Store(tmp_path)


def shown(store: Store, who: Reviewer) -> dict[str, Showing]:
    found = show_next(store, who, Filters(), [], 100, NOON)
    release(store, who.page)
    return {each.view["listing_id"]: each for each in found}


def answer(store: Store, who: Reviewer, decisions: dict[str, str], now: dt.datetime = NOON, **more: str) -> None:
    asked = shown(store, who)
    given = [Answer(asked[name].showing_id, decision, **more) for name, decision in decisions.items()]
    assert {each.state for each in store_answers(store, who, given, now, Shares(1.0))} == {"stored"}


def both(store: Store, differing: int = 2, count: int = 3) -> None:
    """Two people answer; they differ about the first ones."""
    names = [f"L{n:04d}" for n in range(count)]
    answer(store, ADA, dict.fromkeys(names, "accept"))
    answer(store, BOB, {name: "reject" if n < differing else "accept" for n, name in enumerate(names)})


def open_disputes(store: Store, who: Reviewer = LEA) -> list[Dispute]:
    return show_disputes(store, who, [], 10, NOON)[0]


def rows(store: Store, columns: str) -> list[tuple[object, ...]]:
    query = f"SELECT {columns} FROM answers WHERE undone = 0 ORDER BY number"  # noqa: S608
    return [tuple(row) for row in store.reading().execute(query)]


def test_the_pace_counts_work_and_no_pauses() -> None:
    def at(*seconds: float) -> list[dt.datetime]:
        return [NOON + dt.timedelta(seconds=each) for each in seconds]

    assert per_hour(at(0, 30, 60, 90)) == 120
    assert per_hour(at(0, 30, 60, 90, 90 + 3600, 120 + 3600)) == 120, "an hour's pause is no work"
    assert per_hour(at(0, 10, 20, 30)) is None, "less than a minute"
    assert per_hour(at(0, 60, 120)) is None
    assert per_hour([]) is None


def test_work_is_counted_by_reviewer_and_period(store: Store) -> None:
    for n, name in enumerate(("L0000", "L0001", "L0002", "L0003")):
        answer(store, ADA, {name: "skip" if n == 1 else "accept"}, NOON + dt.timedelta(seconds=40 * n))
    undo(store, ADA, "undo", NOON + dt.timedelta(seconds=130))
    answer(store, BOB, {"L0010": "accept", "L0011": "accept"}, NOON, batch_id="batch")
    assert work_done(store, NOON) == [
        WorkDone("ada", answers=4, at_once=0, skipped=1, taken_back=1, per_hour=90),
        WorkDone("bob", answers=2, at_once=2, skipped=0, taken_back=0, per_hour=None),
    ]
    assert work_done(store, NOON + dt.timedelta(hours=1)) == []


def test_agreement_and_error_rates_are_told_from_enough_pairs_on(store: Store) -> None:
    both(store, differing=1, count=29)
    few = trust(double_answers(store.reading()), [], estimated(store, double_answers(store.reading()), []))
    assert [(each.reviewer, each.pairs, each.agreement) for each in few] == [
        (None, 29, None), ("ada", 29, None), ("bob", 29, None),
    ]  # fmt: skip
    answer(store, ADA, {"L0030": "accept", "L0902": "accept"})
    answer(store, BOB, {"L0030": "set_category"}, category="hats")
    answer(store, BOB, {"L0902": "reject"})
    doubles = double_answers(store.reading())
    together, ada, bob = trust(doubles, [], estimated(store, doubles, []))
    assert together.agreement is not None
    assert (together.pairs, together.agreement.share) == (30, 28 / 30), "a price is no category"
    assert ada.agreement is not None
    assert bob.agreement is not None
    assert ada.agreement.share == bob.agreement.share == 28 / 30
    assert ada.error is not None
    assert bob.error is not None
    assert ada.error.answers == bob.error.answers == 30
    assert [each.listing_id for each in disputes(store, doubles)] == ["L0000", "L0030", "L0902"]


def test_a_lead_settles_a_disagreement_once_and_as_a_decision(store: Store) -> None:
    both(store)
    first, second = open_disputes(store)
    assert (first.double.listing_id, first.seen["title"]) == ("L0000", "Listing 0")
    assert {row["category"] for row in first.answers} == {"boots", "sandals"}
    chosen = next(row["number"] for row in first.answers if row["category"] == "sandals")
    assert [settle(store, LEA, Word(first.showing_id, chosen), NOON).state for _ in range(2)] == ["stored", "stored"]
    assert rows(store, "listing_id, decision, category, reviewer, reviewer_role, purpose, asks_second")[-1] == (
        "L0000", "reject", "sandals", "lea", "lead", "work", 0,
    )  # fmt: skip
    assert [each.double.listing_id for each in open_disputes(store)] == ["L0001"]
    assert settle(store, LEA, Word(second.showing_id, chosen), NOON).state == "refused", "of another listing"
    assert settle(store, LEA, Word("no-such-showing", chosen), NOON).state == "refused"
    errors = estimated(store, double_answers(store.reading()), [])
    assert errors.items[first.double.key]["sandals"] > 0.8
    assert errors.reviewers["lea"].answers == 1


def test_a_settled_question_of_the_audit_stays_in_the_sample(tmp_path: Path) -> None:
    write_store(tmp_path, other_items()[:1])
    store = Store(tmp_path)
    answer(store, ADA, {"L0901": "set_category"}, category="boots")
    answer(store, BOB, {"L0901": "set_category"}, category="hats")
    [dispute] = open_disputes(store)
    chosen = next(row["number"] for row in dispute.answers if row["category"] == "hats")
    assert settle(store, LEA, Word(dispute.showing_id, chosen), NOON).state == "stored"
    assert rows(store, "category, reviewer, purpose") == [
        ("boots", "ada", "audit"),
        ("hats", "bob", "second"),
        ("hats", "lea", "audit"),
    ]


def test_a_lead_names_a_third_category(store: Store) -> None:
    both(store)
    answer(store, ADA, {"L0902": "accept"})
    answer(store, BOB, {"L0902": "reject"})
    first, second, price = open_disputes(store)
    assert settle(store, LEA, Word(first.showing_id, category="no such"), NOON).state == "refused"
    assert settle(store, LEA, Word(price.showing_id, category="hats"), NOON).state == "refused", "not about a category"
    word = Word(first.showing_id, category="hats")
    assert [settle(store, LEA, word, NOON).state for _ in range(2)] == ["stored", "stored"]
    assert rows(store, "listing_id, decision, category, reviewer, reviewer_role, purpose, reason")[-1] == (
        "L0000", "set_category", "hats", "lea", "lead", "work", None,
    )  # fmt: skip
    assert [each.double.listing_id for each in open_disputes(store)] == ["L0001", "L0902"]
    undo(store, BOB, "undo-1", NOON)
    undo(store, BOB, "undo-2", NOON)
    undo(store, BOB, "undo-3", NOON)
    assert settle(store, LEA, Word(second.showing_id, category="hats"), NOON).state == "taken", "one answer stands"


def test_of_two_leads_the_first_one_settles_and_an_undo_brings_the_disagreement_back(store: Store) -> None:
    both(store, differing=1)
    other = Reviewer("window-leo", "page-leo", "leo", "admin")
    [mine], [theirs] = open_disputes(store), open_disputes(store, other)
    numbers = [row["number"] for row in mine.answers]
    assert settle(store, LEA, Word(mine.showing_id, numbers[0]), NOON).state == "stored"
    assert settle(store, other, Word(theirs.showing_id, numbers[1]), NOON).state == "taken"
    assert undo(store, LEA, "undo", NOON).listing_id == "L0000"
    [again] = open_disputes(store, other)
    assert settle(store, other, Word(again.showing_id, numbers[1]), NOON).state == "stored"


def test_an_answer_that_was_taken_back_or_changed_cannot_be_chosen(store: Store) -> None:
    both(store, differing=1)
    [shown_once] = open_disputes(store)
    chosen = next(row["number"] for row in shown_once.answers if row["reviewer"] == "bob")
    for n in range(3):
        undo(store, BOB, f"undo-{n}", NOON)
    assert settle(store, LEA, Word(shown_once.showing_id, chosen), NOON).state == "taken"
    assert open_disputes(store) == []


def test_a_disagreement_about_content_that_has_changed_is_not_settled_but_asked_anew(
    store: Store, tmp_path: Path
) -> None:
    both(store)
    write_store(tmp_path, [category_item(0, content_hash="other"), category_item(1)])
    assert [each.double.listing_id for each in open_disputes(store)] == ["L0001"]
    write_store(tmp_path, [category_item(5)])
    gone = open_disputes(store)
    assert [(each.seen["title"], each.picture) for each in gone] == [("Listing 0", None), ("Listing 1", None)]


def test_a_page_gets_only_what_it_does_not_have(store: Store) -> None:
    both(store)
    [first, _] = open_disputes(store)
    more, count = show_disputes(store, LEA, [first.showing_id], 10, NOON)
    assert ([each.double.listing_id for each in more], count) == (["L0001"], 2)


def test_the_order_of_the_answers_does_not_tell_which_was_first(store: Store) -> None:
    both(store, differing=40, count=40)
    found, _ = show_disputes(store, LEA, [], 40, NOON)
    turned = sum(each.answers[0]["reviewer"] == "bob" for each in found)
    assert 10 < turned < 30


def test_a_lead_opens_a_question_again_for_everybody(store: Store) -> None:
    both(store, count=1)
    answer(store, ADA, {"L0902": "accept"})
    taken = take_answers(store)
    mark_written(store, taken)
    asked = next(each for each in double_answers(store.reading()))
    assert reopen(store, LEA, "L0000", asked.judged_hash, NOON) == 2
    assert [name for name in shown(store, ADA) if name in ("L0000", "L0902")] == ["L0000"]
    assert "L0000" in shown(store, BOB)
    told = rows(store, "decision, reviewer, reviewer_role, purpose, reopens")
    ids = {row["reviewer"]: row["decision_id"] for row in taken if row["listing_id"] == "L0000"}
    assert told[1:] == [
        ("reopen", "lea", "lead", "second", ids["bob"]),
        ("reopen", "lea", "lead", "work", ids["ada"]),
    ]
    assert reopen(store, LEA, "L0000", asked.judged_hash, NOON) == 0


def test_opening_one_listing_again_leaves_the_rest_of_its_group(store: Store) -> None:
    answer(store, ADA, {"L0000": "accept", "L0001": "accept"}, batch_id="batch")
    _, [again] = history(store, "L0000")
    assert reopen(store, LEA, "L0000", again.judged_hash, NOON) == 1
    assert rows(store, "listing_id") == [("L0001",)]


def test_the_history_tells_who_did_what_when_and_whether_it_is_in_the_warehouse(store: Store) -> None:
    asked = show_next(store, ADA, Filters(), [], 1, NOON)[0]
    minute = [NOON + dt.timedelta(minutes=n) for n in range(6)]
    store_answers(store, ADA, [Answer(asked.showing_id, "accept", note="sure")], minute[1], Shares(1.0))
    undo(store, ADA, "undo", minute[2])
    release(store, ADA.page)
    answer(store, BOB, {"L0000": "reject"}, minute[3])
    mark_written(store, take_answers(store))
    events, again = history(store, "L0000")
    assert [each.answers for each in again] == [1]
    reopen(store, LEA, "L0000", again[0].judged_hash, minute[4])
    told = [
        (each.at[11:16], each.kind, each.who, each.answer and each.answer["decision"], each.written)
        for each in history(store, "L0000")[0]
        if each.kind != "shown"
    ]
    assert told == [
        ("12:01", "answered", "ada", "accept", "never"),
        ("12:02", "taken_back", "ada", "accept", None),
        ("12:03", "answered", "bob", "reject", "written"),
        ("12:04", "taken_back", "lea", "reject", "waiting"),
    ]
    assert {(each.who, each.question) for each in events if each.kind == "shown"} == {
        ("ada", "category"), ("bob", "category"),
    }  # fmt: skip
    assert history(store, "L0000")[1] == []
    assert history(store, "no such listing") == ([], [])
