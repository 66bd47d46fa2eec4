"""What the model expects to be wrong, as the review page tells it and filters by it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.database import Store
from jobs.reviewing.opinions import Shares
from jobs.reviewing.overview import choices, progress
from jobs.reviewing.rendering import render_filters, render_progress
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next
from jobs.reviewing.words import load_words
from tests.review_samples import SOURCE, category_item, other_items, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB = Reviewer("window-a", "page-a", "ada", "reviewer"), Reviewer("window-b", "page-b", "bob", "reviewer")
ITEMS = [*(category_item(n) for n in range(3)), *other_items()]


def shown(store: Store, who: Reviewer) -> dict[str, Showing]:
    found = show_next(store, who, Filters(), [], 100, NOON)
    release(store, who.page)
    return {each.view["listing_id"]: each for each in found}


def rate(store: Store) -> float | None:
    return progress(store, ADA, Filters(), NOON, NOON).rate


def test_the_rate_falls_with_each_answer_about_a_category_and_rises_with_an_undo(tmp_path: Path) -> None:
    write_store(tmp_path, ITEMS, replace(SOURCE, listings=1000, wrong=50.0))
    store = Store(tmp_path)
    assert rate(store) == pytest.approx(0.05)
    open_now = shown(store, ADA)
    others = [each for each in open_now.values() if each.question not in ("category", "audit")]
    about_flags = [Answer(each.showing_id, "reject") for each in others]
    store_answers(store, ADA, [*about_flags, Answer(open_now["L0000"].showing_id, "skip")], NOON)
    assert rate(store) == pytest.approx(0.05), "flags and skips settle no category"
    store_answers(store, ADA, [Answer(open_now["L0001"].showing_id, "accept")], NOON, Shares(second=1.0))
    assert rate(store) == pytest.approx(0.0491), "one of 1,000 listings, nine tenths likely to be wrong"
    store_answers(store, BOB, [Answer(shown(store, BOB)["L0001"].showing_id, "reject")], NOON)
    assert rate(store) == pytest.approx(0.0491), "a second opinion settles nothing more"
    undo(store, ADA, "undo", NOON)
    assert rate(store) == pytest.approx(0.05)
    words = load_words("en")
    assert "about 5.0\u202f% of all wrong" in render_progress(words, progress(store, ADA, Filters(), NOON, NOON))

    write_store(tmp_path, ITEMS, replace(SOURCE, run_id="nightly-2026-11-11-1", listings=1000, wrong=40.0))
    assert rate(store) == pytest.approx(0.04), "the next publication knows of earlier answers"


def test_without_an_estimate_no_rate_is_told(tmp_path: Path) -> None:
    write_store(tmp_path, ITEMS)
    store = Store(tmp_path)
    assert rate(store) is None
    assert "of all wrong" not in render_progress(load_words("en"), progress(store, ADA, Filters(), NOON, NOON))


def test_questions_are_filtered_by_how_probably_they_are_wrong(tmp_path: Path) -> None:
    wrong = {"L0000": 0.9, "L0001": 0.5, "L0002": 0.49, "L0003": 0.1, "L0004": 0.09}
    items = [category_item(n, priority=priority) for n, priority in enumerate(wrong.values())]
    blind = category_item(5, priority=0.9, reasons=["audit_sample", "wrong_category"], audit_chance=0.1)
    write_store(tmp_path, [*items, blind])
    store = Store(tmp_path)

    def found(priority: str) -> list[str]:
        asked = show_next(store, ADA, Filters(priority=priority), [], 100, NOON)
        release(store, ADA.page)
        return sorted(each.view["listing_id"] for each in asked)

    assert found("high") == ["L0000", "L0001"], "a filter must not tell what is thought of a blind question"
    assert found("medium") == ["L0002", "L0003"]
    assert found("low") == ["L0004"]
    assert found("odd") == []
    offered = choices(store, ADA, Filters())
    assert {each.value: each.count for each in offered["priority"]} == {"high": 2, "medium": 2, "low": 1}
    page = render_filters(load_words("en"), offered, {"priority": "high"})
    assert '<option value="high" selected>high: probably wrong (2)</option>' in page
