"""Second opinions: which questions two people answer, who may answer, and what an undo leaves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.database import Store
from jobs.reviewing.groups import find_groups
from jobs.reviewing.opinions import Shares, is_drawn, still_wanted
from jobs.reviewing.outgoing import take_answers
from jobs.reviewing.overview import choices, progress
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next
from tests.review_samples import category_item, other_items, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB, EVE = (Reviewer(f"window-{name}", f"page-{name}", name, "reviewer") for name in ("ada", "bob", "eve"))
ALL = Filters()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_store(tmp_path, [category_item(0), *other_items()[:2]])
    return Store(tmp_path)


def ids(store: Store, who: Reviewer, seconds: bool = True) -> list[str]:
    """What is open to somebody, who then closes the page."""
    found = show_next(store, who, ALL, [], 100, NOON, seconds)
    release(store, who.page)
    return [each.view["listing_id"] for each in found]


def shown(store: Store, who: Reviewer, listing_id: str = "L0000") -> Showing:
    found = show_next(store, who, ALL, [], 100, NOON)
    release(store, who.page)
    return next(each for each in found if each.view["listing_id"] == listing_id)


def answer(
    store: Store, who: Reviewer, showing: Showing, decision: str = "accept", share: float = 1.0, **more: str
) -> str:
    [outcome] = store_answers(store, who, [Answer(showing.showing_id, decision, **more)], NOON, Shares(share))
    return outcome.state


def rows(store: Store) -> list[tuple[str, str]]:
    found = store.reading().execute("SELECT reviewer, purpose FROM answers WHERE undone = 0 ORDER BY number")
    return [tuple(row) for row in found]


def test_the_draw_is_stable_and_has_the_wanted_share() -> None:
    drawn = {n for n in range(20_000) if is_drawn(f"L{n}", "category", "hash", 0.1)}
    assert 1850 < len(drawn) < 2150
    assert sorted(drawn)[:4] == [2, 12, 13, 30], "the same on every machine and in every version"
    assert drawn < {n for n in range(20_000) if is_drawn(f"L{n}", "category", "hash", 0.3)}
    assert drawn != {n for n in range(20_000) if is_drawn(f"L{n}", "category", "other values", 0.1)}
    assert not any(is_drawn(f"L{n}", "category", "hash", 0.0) for n in range(1000))
    assert all(is_drawn(f"L{n}", "category", "hash", 1.0) for n in range(1000))


def test_a_drawn_question_is_answered_by_two_people_and_never_by_one_of_them_twice(store: Store) -> None:
    assert answer(store, ADA, shown(store, ADA)) == "stored"
    assert "L0000" not in ids(store, ADA)
    second = shown(store, BOB)
    third = shown(store, EVE)
    assert answer(store, BOB, second, "reject") == "stored"
    assert rows(store) == [("ada", "work"), ("bob", "second")]
    assert "L0000" not in ids(store, EVE) + ids(store, BOB)
    assert answer(store, EVE, third) == "taken", "she had it on the screen, but two have answered"
    assert [row["purpose"] for row in take_answers(store)] == ["work", "second"]


def test_a_question_that_is_not_drawn_is_closed_by_the_first_answer(store: Store) -> None:
    assert answer(store, ADA, shown(store, ADA), share=0.0) == "stored"
    assert "L0000" not in ids(store, ADA) + ids(store, BOB)


def test_the_blind_question_keeps_its_purpose_and_the_second_opinion_is_no_audit(store: Store) -> None:
    for who in (ADA, BOB):
        asked = shown(store, who, "L0901")
        assert asked.is_blind
        assert answer(store, who, asked, "set_category", category="hats") == "stored"
    assert rows(store) == [("ada", "audit"), ("bob", "second")]


def test_a_skip_is_neither_a_first_nor_a_second_answer(store: Store) -> None:
    answer(store, ADA, shown(store, ADA), "skip")
    assert answer(store, BOB, shown(store, BOB)) == "stored"
    assert rows(store)[-1] == ("bob", "work")
    answer(store, EVE, shown(store, EVE), "skip")
    other = Reviewer("window-d", "page-d", "dan", "reviewer")
    assert answer(store, other, shown(store, other)) == "stored"
    assert rows(store)[-1] == ("dan", "second")


def test_another_window_of_the_same_person_gives_no_second_opinion(store: Store) -> None:
    elsewhere = Reviewer("window-x", "page-x", "ada", "reviewer")
    late = shown(store, elsewhere)
    store_answers(
        store, ADA, [Answer(shown(store, ADA).showing_id, "accept")], NOON + dt.timedelta(seconds=1), Shares(1.0)
    )
    assert answer(store, elsewhere, late, "reject") == "taken"


def test_if_the_first_answer_is_taken_back_the_second_one_stays_an_opinion(store: Store) -> None:
    answer(store, ADA, shown(store, ADA))
    answer(store, BOB, shown(store, BOB))
    undo(store, ADA, "undo-1", NOON)
    release(store, ADA.page)
    assert "L0000" not in ids(store, BOB), "he has answered"
    assert "L0000" in ids(store, EVE)
    assert answer(store, ADA, shown(store, ADA), "reject") == "stored"
    assert rows(store) == [("bob", "second"), ("ada", "work")]
    assert "L0000" not in ids(store, EVE)


def test_if_the_second_answer_is_taken_back_others_may_give_it(store: Store) -> None:
    answer(store, ADA, shown(store, ADA))
    answer(store, BOB, shown(store, BOB))
    undo(store, BOB, "undo-1", NOON)
    release(store, BOB.page)
    assert "L0000" in ids(store, EVE)
    assert "L0000" not in ids(store, ADA)
    assert answer(store, BOB, shown(store, BOB), "reject") == "stored"
    assert rows(store) == [("ada", "work"), ("bob", "second")]


def test_who_answers_anew_keeps_the_place_of_the_answer_before(store: Store) -> None:
    before = {who.name: [shown(store, who), shown(store, who)] for who in (ADA, BOB)}
    for n in range(2):
        for who in (ADA, BOB):
            assert answer(store, who, before[who.name][n], "accept" if n else "reject") == "stored"
    assert rows(store) == [("ada", "work"), ("bob", "second")] * 2


def test_counts_tell_each_reviewer_what_is_open_to_them(store: Store) -> None:
    def remaining(who: Reviewer) -> tuple[int, int]:
        found = choices(store, who, ALL)["reason"]
        wrong = next((each.count for each in found if each.value == "wrong_category"), 0)
        return progress(store, who, ALL, NOON, NOON).remaining, wrong

    assert remaining(ADA) == (3, 1)
    answer(store, ADA, shown(store, ADA))
    assert [remaining(who) for who in (ADA, BOB, EVE)] == [(2, 0), (3, 1), (3, 1)]
    answer(store, BOB, shown(store, BOB))
    assert [remaining(who) for who in (ADA, BOB, EVE)] == [(2, 0)] * 3


def test_groups_neither_ask_for_second_opinions_nor_give_them(tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(n) for n in range(9)])
    store = Store(tmp_path)
    answer(store, ADA, shown(store, ADA))
    [group] = find_groups(store, "bob")
    assert group.count == 8
    assert "L0000" not in ids(store, BOB, seconds=False)
    assert "L0000" in ids(store, BOB)
    before = shown(store, BOB, "L0001")
    assert answer(store, EVE, shown(store, EVE, "L0001"), share=1.0, batch_id="batch") == "stored"
    assert "L0001" not in ids(store, BOB), "an answer of a group asks nobody else"
    assert answer(store, BOB, before) == "taken"
    mine = shown(store, BOB, "L0002")
    answer(store, EVE, shown(store, EVE, "L0002"))
    assert answer(store, BOB, mine, batch_id="batch") == "taken", "a group is no second opinion"


def test_a_store_of_an_earlier_version_gets_the_new_columns(tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(0)])
    store = Store(tmp_path)
    answer(store, ADA, shown(store, ADA), share=0.0)
    for column in ("asks_second", "is_known", "undone_by", "undone_at"):
        store.reading().execute(f"ALTER TABLE answers DROP COLUMN {column}")
    store.close()
    store = Store(tmp_path)
    assert [tuple(row) for row in store.reading().execute("SELECT asks_second, is_known FROM answers")] == [(0, 0)]
    assert ids(store, BOB) == []


def test_a_question_is_wanted_until_somebody_else_has_answered_or_a_month_is_over(store: Store) -> None:
    day = NOON.date()
    assert still_wanted(store, day) == {}
    first = shown(store, ADA)
    answer(store, ADA, first)
    [judged_hash] = [row[0] for row in store.reading().execute("SELECT judged_hash FROM answers")]
    assert still_wanted(store, day) == {"L0000": {judged_hash}}
    assert still_wanted(store, day + dt.timedelta(days=30)) == {"L0000": {judged_hash}}
    assert still_wanted(store, day + dt.timedelta(days=31)) == {}
    seen = shown(store, BOB)
    answer(store, BOB, seen, "skip")
    assert still_wanted(store, day) == {"L0000": {judged_hash}}, "a skip is no opinion"
    answer(store, EVE, shown(store, EVE))
    assert still_wanted(store, day) == {}
    undo(store, EVE, "undo", NOON)
    assert still_wanted(store, day) == {"L0000": {judged_hash}}
