"""The review page's store: who is shown what, which answers count, and what an undo does. Without browser and Spark."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.erasure.names import Names
from jobs.reviewing.answering import Answer, previous, store_answers, undo
from jobs.reviewing.database import EXPORT, Store
from jobs.reviewing.forgetting import forget_in_store
from jobs.reviewing.groups import least_sure_first
from jobs.reviewing.outgoing import exported_run, forget_old, mark_written, take_answers, waiting_answers
from jobs.reviewing.overview import choices, progress, search_categories
from jobs.reviewing.shapes import OpenItem, Suggested
from jobs.reviewing.showing import CLAIM_SECONDS, Filters, Reviewer, Showing, release, show_next
from schemas.errors import FailedError
from tests.review_samples import SOURCE, category_item, other_items, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB = Reviewer("window-a", "page-a", "ada", "reviewer"), Reviewer("window-b", "page-b", "bob", "reviewer")
ALL = Filters()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_store(tmp_path, [*(category_item(n) for n in range(5)), *other_items()])
    return Store(tmp_path)


def shown(store: Store, who: Reviewer = ADA, wanted: int = 3, now: dt.datetime = NOON) -> list[Showing]:
    return show_next(store, who, ALL, [], wanted, now)


def ids(showings: Sequence[Showing]) -> list[str]:
    return [each.view["listing_id"] for each in showings]


def answer(store: Store, showing: Showing, decision: str = "accept", who: Reviewer = ADA, **more: str) -> str:
    [outcome] = store_answers(store, who, [Answer(showing.showing_id, decision, **more)], NOON)
    return outcome.state


def rows(store: Store, columns: str = "listing_id, decision, category") -> list[tuple[object, ...]]:
    query = f"SELECT {columns} FROM answers WHERE undone = 0 ORDER BY number"  # noqa: S608
    return [tuple(row) for row in store.reading().execute(query)]


def test_a_claim_keeps_a_listing_from_others_for_ten_minutes(store: Store) -> None:
    assert ids(shown(store)) == ["L0000", "L0001", "L0002"]
    assert ids(shown(store, BOB)) == ["L0003", "L0004", "L0901"]
    just_before = NOON + dt.timedelta(seconds=CLAIM_SECONDS - 1)
    late = NOON + dt.timedelta(seconds=CLAIM_SECONDS + 1)
    assert "L0000" not in ids(shown(store, BOB, 20, just_before))
    assert ids(shown(store, BOB, 3, late)) == ["L0000", "L0001", "L0002"]


def test_claims_are_renewed_while_the_page_holds_the_listings_and_end_with_it(store: Store) -> None:
    first = shown(store)
    later = NOON + dt.timedelta(seconds=CLAIM_SECONDS - 10)
    assert ids(show_next(store, ADA, ALL, [each.showing_id for each in first], 1, later)) == ["L0003"]
    assert ids(shown(store, BOB, 1, later + dt.timedelta(seconds=60))) == ["L0004"]
    release(store, ADA.page)
    assert ids(shown(store, BOB, 1, later + dt.timedelta(seconds=60))) == ["L0000"]


def test_an_answer_after_somebody_elses_is_told_and_not_stored(store: Store) -> None:
    [mine] = shown(store, ADA, 1)
    late = NOON + dt.timedelta(seconds=CLAIM_SECONDS + 1)
    [theirs] = shown(store, BOB, 1, late)
    assert mine.view["listing_id"] == theirs.view["listing_id"]
    [outcome] = store_answers(store, BOB, [Answer(theirs.showing_id, "reject")], late)
    assert outcome.state == "stored"
    assert answer(store, mine) == "taken"
    assert rows(store, "reviewer, decision") == [("bob", "reject")]


def test_what_is_no_answer_to_the_question_is_refused(store: Store) -> None:
    by_listing = {
        each.view["listing_id"]: each for each in shown(store, ADA, 30) if each.question != "uninformative_title"
    }
    refused = [
        ("L0000", "resolve", None),
        ("L0000", "reopen", None),
        ("L0000", "set_category", "no-such-category"),
        ("L0000", "set_category", None),
        ("L0901", "accept", None),  # blind
        ("L0901", "reject", None),
        ("L0906", "reject", None),  # the seller gave no category
        ("L0902", "set_category", "boots"),
    ]
    for listing_id, decision, category in refused:
        [outcome] = store_answers(store, ADA, [Answer(by_listing[listing_id].showing_id, decision, category)], NOON)
        assert outcome.state == "refused", (listing_id, decision)
    [unknown] = store_answers(store, ADA, [Answer("no-such-showing", "accept")], NOON)
    assert unknown.state == "refused"
    assert rows(store) == []


def test_answers_say_what_they_are_about(store: Store) -> None:
    for each in shown(store, ADA, 30):
        blind = each.question == "audit"
        given = Answer(each.showing_id, "set_category", "hats") if blind else Answer(each.showing_id, "accept")
        store_answers(store, ADA, [given], NOON)
    found = {row[0]: row[1:] for row in rows(store, "listing_id || question, reason, category, purpose, reviewer_role")}
    assert found["L0000category"] == (None, "boots", "work", "reviewer")
    assert found["L0901audit"] == (None, "hats", "audit", "reviewer")
    assert found["L0902price_outlier"] == ("price_outlier", None, "work", "reviewer")
    assert found["L0907uninformative_title"] == ("uninformative_title", None, "work", "reviewer")
    assert len(found) == 15
    assert shown(store) == []


def test_later_answers_have_later_times_also_if_the_clock_is_set_back(store: Store) -> None:
    first, second, _ = shown(store)
    store_answers(store, ADA, [Answer(first.showing_id, "accept")], NOON)
    store_answers(store, ADA, [Answer(second.showing_id, "accept")], NOON - dt.timedelta(hours=1))
    times = [str(row[0]) for row in rows(store, "decided_at")]
    assert times == ["2026-11-10T12:00:00.000000+00:00", "2026-11-10T12:00:00.000001+00:00"]


def test_an_undo_that_is_sent_twice_takes_back_one_answer(store: Store) -> None:
    for each in shown(store):
        answer(store, each)
    assert undo(store, ADA, "undo-1", NOON).listing_id == "L0002"
    assert undo(store, ADA, "undo-1", NOON).listing_id == "L0002"
    assert [row[0] for row in rows(store)] == ["L0000", "L0001"]
    assert undo(store, ADA, "undo-2", NOON).listing_id == "L0001"
    assert undo(store, ADA, "undo-3", NOON).listing_id == "L0000"
    assert undo(store, ADA, "undo-4", NOON).listing_id is None


def test_an_answer_that_may_be_in_the_table_is_taken_back_by_a_reopen_and_a_skip_by_nothing(store: Store) -> None:
    first, second, third = shown(store)
    answer(store, first)
    answer(store, second, "skip", note="unclear")
    taken = take_answers(store)
    assert [row["decision"] for row in taken] == ["accept", "skip"]
    answer(store, third)
    for number in range(3):
        undo(store, ADA, f"undo-{number}", NOON)
    # The batch was not written yet: a killed process leaves it so. It is taken again, with the reopen after it.
    again = take_answers(store)
    assert [(row["listing_id"], row["decision"]) for row in again] == [
        ("L0000", "accept"),
        ("L0001", "skip"),
        ("L0000", "reopen"),
    ]
    assert {row["content_hash"] for row in again if row["listing_id"] == "L0000"} == {"content-0"}
    assert [row["reopens"] for row in again] == [None, None, taken[0]["decision_id"]]
    mark_written(store, again)
    assert (waiting_answers(store), take_answers(store)) == (0, [])


def test_who_skips_a_listing_leaves_it_to_others(store: Store) -> None:
    [first] = shown(store, ADA, 1)
    answer(store, first, "skip")
    release(store, ADA.page)
    assert ids(shown(store, ADA, 1)) == ["L0001"]
    assert ids(shown(store, BOB, 1)) == ["L0000"]


def test_a_question_whose_values_have_changed_is_asked_again(store: Store, tmp_path: Path) -> None:
    for each in shown(store, ADA, 30):
        if each.view["listing_id"] == "L0902":
            answer(store, each, "reject")
    changed = [
        replace(item, judged={"price_outlier": "another price"}) if item.listing_id == "L0902" else item
        for item in other_items()
    ]
    write_store(tmp_path, [category_item(0), *changed], SOURCE)
    assert "L0902" in ids(shown(store, ADA, 30))
    write_store(tmp_path, [category_item(0), *other_items()], SOURCE)
    assert "L0902" not in ids(shown(store, ADA, 30))


def test_a_listing_that_left_the_list_is_judged_as_it_was_seen(store: Store, tmp_path: Path) -> None:
    [first] = shown(store, ADA, 1)
    write_store(tmp_path, [category_item(1)], SOURCE)
    assert answer(store, first) == "stored"
    assert rows(store, "listing_id, content_hash, run_id") == [("L0000", "content-0", SOURCE.run_id)]
    assert previous(store, ADA, None, NOON) is None, "it cannot be shown any more"
    assert undo(store, ADA, "undo-1", NOON).again is None


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("listing", ["L0001", "L0002"]),
        ("ETE listing 1", ["L0001"]),
        ("worn 1", ["L0001"]),
        ("orn", []),
        ("L0002", ["L0002"]),
        ('2" OR "listing', []),
        ("- *", []),
        ("\u0645\u0631", ["L0003"]),
    ],
)
def test_a_search_finds_the_beginnings_of_all_its_words_or_an_id(tmp_path: Path, search: str, found: list[str]) -> None:
    arabic = category_item(3, title="\u0645\u0631\u062d\u0628\u0627", description=None)
    write_store(tmp_path, [category_item(1, title="Listing 1, d'\u00c9t\u00e9"), category_item(2), arabic], SOURCE)
    store = Store(tmp_path)
    assert ids(show_next(store, ADA, Filters(search=search), [], 9, NOON)) == found
    assert ids(show_next(store, ADA, Filters(search=search, category="boots"), [], 9, NOON)) == []


def test_filters_and_progress_count_what_is_open(store: Store) -> None:
    found = choices(store, ADA, ALL)
    assert {each.value: each.count for each in found["reason"]} == {
        "wrong_category": 5, "price_outlier": 2, "low_confidence": 2, "audit_sample": 1, "duplicate": 1,
        "personal_data": 1, "missing_category": 1, "uninformative_title": 1, "missing_image": 1,
    }  # fmt: skip
    # Of the blind question and that without a category, none is counted.
    assert [(each.value, each.name, each.count) for each in found["category"]] == [("sandals", "Sandals", 13)]
    assert {each.value: each.count for each in found["language"]} == {"en": 14, "ar": 1}
    only = Filters(reason="price_outlier", language="en")
    assert [each.count for each in choices(store, ADA, only)["language"]] == [2]
    assert ids(show_next(store, ADA, only, [], 9, NOON)) == ["L0902", "L0903"]
    for each in shown(store, ADA, 3):
        answer(store, each)
    shown(store, BOB, 2)
    now = progress(store, ADA, ALL, NOON + dt.timedelta(minutes=1), NOON.replace(hour=0))
    assert (now.today, now.remaining, now.elsewhere, now.waiting, now.run_date) == (3, 12, 2, 3, "2026-11-10")
    assert now.pace == 120
    # Neither the blind question nor that without a category is among them.
    assert (now.ahead, round(now.wrong, 2)) == (4, 3.6)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("boot", ["boots"]),
        ("BÔÔTS", ["boots"]),
        ("trainers", ["sneakers"]),
        ("shirt", ["shirts", "t-shirts"]),
        ("foot s", ["sandals", "sneakers", "boots"]),
        ("clothing t-shirts", ["t-shirts"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("boots hats", []),
    ],
)
def test_the_search_finds_by_label_path_and_synonym_the_closest_first(
    store: Store, text: str, found: list[str]
) -> None:
    assert [row["category"] for row in search_categories(store, text)] == found
    assert len(search_categories(store, "")) == 6


def test_an_export_that_fails_leaves_the_last_one(store: Store, tmp_path: Path) -> None:
    def items() -> Sequence[OpenItem]:
        return [category_item(7), category_item(7)]  # the same listing twice

    with pytest.raises(FailedError, match="was not written"):
        write_store(tmp_path, items())
    assert ids(shown(store)) == ["L0000", "L0001", "L0002"]
    assert sorted(path.name for path in tmp_path.iterdir() if "tmp" in path.name) == []


def test_answers_of_a_later_version_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.reading().execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(FailedError, match="has format 99"):
        Store(tmp_path)


def test_the_least_probable_suggestions_of_a_group_come_first(tmp_path: Path) -> None:
    def case(number: int, share: float) -> OpenItem:
        return category_item(number, suggested=[Suggested("sneakers", 0.9 - share), Suggested("boots", share)])

    write_store(tmp_path, [case(0, 0.8), case(1, 0.3), case(2, 0.6), category_item(3, suggested=[])])
    assert ids(least_sure_first(shown(Store(tmp_path), wanted=4))) == ["L0003", "L0001", "L0002", "L0000"]


def test_an_export_of_an_earlier_version_is_not_shown(store: Store, tmp_path: Path) -> None:
    assert ids(shown(store)) != []
    assert exported_run(store) == SOURCE.run_id
    with sqlite3.connect(tmp_path / EXPORT) as export:
        export.execute("UPDATE meta SET value = '1' WHERE name = 'format'")
        export.execute("ALTER TABLE questions DROP COLUMN draw")
    export.close()
    assert shown(store) == []
    assert exported_run(store) is None, "so it is exported anew"


def test_only_the_owner_can_read_the_store(store: Store, tmp_path: Path) -> None:
    assert ids(shown(store))
    for name in ("answers.sqlite", "open-items.sqlite"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_an_erasure_leaves_no_trace_of_a_listing_in_the_store(store: Store, tmp_path: Path) -> None:
    first, second, third = shown(store)
    answer(store, first, note="the owner of L0000 said so")
    answer(store, second, note="the same as L0000")
    answer(store, third)
    names = Names(frozenset({"L0000"}), frozenset())
    assert any(b"Listing 0" in path.read_bytes() for path in tmp_path.iterdir())
    assert forget_in_store(tmp_path, names) == 1
    assert not (tmp_path / "open-items.sqlite").exists()
    assert rows(store, "listing_id, note") == [("L0001", "the same as L0000"), ("L0002", None)]
    # So short an id is named only where a text says that it is one. What was seen of the listing goes with its rows.
    left = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert b"Listing 0" not in left
    assert forget_in_store(tmp_path / "nowhere", names) == 0


def test_what_is_old_and_in_the_warehouse_is_forgotten_and_what_waits_is_not(store: Store) -> None:
    first, second, _ = shown(store)
    answer(store, first)
    mark_written(store, take_answers(store))
    answer(store, second)
    forget_old(store, NOON + dt.timedelta(days=89), 90)
    assert [row[0] for row in rows(store)] == ["L0000", "L0001"]
    left = store.reading().execute("SELECT listing_id FROM showings ORDER BY listing_id").fetchall()
    assert [row[0] for row in left] == ["L0000", "L0001"], "a showing without an answer is needed for a week"
    forget_old(store, NOON + dt.timedelta(days=400), 90)
    assert [row[0] for row in rows(store)] == ["L0001"]
