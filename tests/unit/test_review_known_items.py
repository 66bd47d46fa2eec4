"""Known items: what leads answered is asked of reviewers as well, and compared, and never becomes a decision."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from scipy.stats import binomtest

from jobs.reviewing.agreement import proportion
from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.database import Store
from jobs.reviewing.leading import double_answers, estimated, known_answers, trust
from jobs.reviewing.opinions import Shares
from jobs.reviewing.overview import progress
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next
from tests.review_samples import category_item, other_items, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB = (Reviewer(f"window-{name}", f"page-{name}", name, "reviewer") for name in ("ada", "bob"))
LEA, LEO = Reviewer("window-lea", "page-lea", "lea", "lead"), Reviewer("window-leo", "page-leo", "leo", "admin")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_store(tmp_path, [*(category_item(n) for n in range(32)), other_items()[0]])
    return Store(tmp_path)


def shown(store: Store, who: Reviewer) -> dict[str, Showing]:
    found = show_next(store, who, Filters(), [], 100, NOON)
    release(store, who.page)
    return {each.view["listing_id"]: each for each in found}


def answer(store: Store, who: Reviewer, name: str, decision: str = "accept", **more: str) -> str:
    given = Answer(shown(store, who)[name].showing_id, decision, **more)
    [outcome] = store_answers(store, who, [given], NOON, Shares(second=1.0, known=1.0))
    return outcome.state


def rows(store: Store) -> list[tuple[str, str, int, int]]:
    query = "SELECT reviewer, purpose, asks_second, is_known FROM answers WHERE undone = 0 ORDER BY number"
    return [tuple(row) for row in store.reading().execute(query)]


def test_reviewers_are_asked_what_a_lead_answered_and_other_leads_are_not(store: Store) -> None:
    answer(store, LEA, "L0000")
    assert "L0000" not in shown(store, LEA).keys() | shown(store, LEO).keys()
    assert progress(store, ADA, Filters(), NOON, NOON).remaining == 33
    for who in (ADA, BOB):
        assert answer(store, who, "L0000", "reject") == "stored"
        assert "L0000" not in shown(store, who)
    assert rows(store) == [("lea", "work", 0, 1), ("ada", "known", 0, 0), ("bob", "known", 0, 0)]
    assert progress(store, ADA, Filters(), NOON, NOON).remaining == 32


def test_what_a_reviewer_answered_makes_no_known_item_and_a_skip_and_a_group_make_none(store: Store) -> None:
    answer(store, ADA, "L0000")
    answer(store, LEA, "L0001", "skip")
    answer(store, LEA, "L0002", batch_id="batch")
    assert [row[3] for row in rows(store)] == [0, 0, 0]
    assert answer(store, BOB, "L0001") == "stored"
    assert rows(store)[-1] == ("bob", "work", 1, 0)
    assert "L0002" not in shown(store, BOB)


def test_the_blind_question_stays_blind(store: Store) -> None:
    answer(store, LEA, "L0901", "set_category", category="hats")
    assert shown(store, ADA)["L0901"].is_blind
    answer(store, ADA, "L0901", "set_category", category="boots")
    assert [row[:2] for row in rows(store)] == [("lea", "audit"), ("ada", "known")]


def test_a_lead_who_answers_meanwhile_is_not_in_the_way_of_a_reviewer(store: Store) -> None:
    mine = shown(store, ADA)["L0000"]
    later = NOON + dt.timedelta(seconds=1)
    given = Answer(shown(store, LEA)["L0000"].showing_id, "accept")
    store_answers(store, LEA, [given], later, Shares(known=1.0))
    other = shown(store, LEO)
    assert "L0000" not in other
    [outcome] = store_answers(store, ADA, [Answer(mine.showing_id, "reject")], later, Shares(known=1.0))
    assert outcome.state == "stored"
    assert rows(store)[-1] == ("ada", "known", 0, 0)


def test_if_the_lead_takes_the_answer_back_nothing_is_compared_and_others_decide(store: Store) -> None:
    answer(store, LEA, "L0000")
    answer(store, ADA, "L0000")
    assert len(known_answers(store.reading())) == 1
    undo(store, LEA, "undo", NOON)
    release(store, LEA.page)
    assert known_answers(store.reading()) == []
    assert "L0000" not in shown(store, ADA)
    assert answer(store, BOB, "L0000") == "stored"
    assert rows(store)[-1] == ("bob", "work", 1, 0), "what is known never decides"


def test_leads_see_how_often_reviewers_say_the_same(store: Store) -> None:
    for n in range(30):
        answer(store, LEA, f"L{n:04d}")
    for n in range(30):
        answer(store, ADA, f"L{n:04d}", "reject" if n < 3 else "accept")
    for n in range(5):
        answer(store, BOB, f"L{n:04d}")
    doubles, known = double_answers(store.reading()), known_answers(store.reading())
    assert doubles == []
    found = {each.reviewer: each for each in trust(doubles, known, estimated(store, doubles, known))}
    assert found["ada"].like_lead == proportion(27, 30)
    assert (found["bob"].known, found["bob"].like_lead) == (5, None)
    assert (found[None].known, found["lea"].known) == (35, 0)
    assert found["ada"].error is not None
    assert found["ada"].error.answers == 30


@pytest.mark.parametrize(("hits", "count"), [(27, 30), (0, 50), (50, 50)])
def test_a_share_has_the_bounds_of_clopper_and_pearson(hits: int, count: int) -> None:
    found, wanted = proportion(hits, count), binomtest(hits, count).proportion_ci(method="exact")
    assert found is not None
    assert (found.count, found.share) == (count, hits / count)
    assert [found.lower, found.upper] == pytest.approx([wanted.low, wanted.high])


def test_a_share_of_a_few_is_not_told() -> None:
    assert proportion(29, 29) is None
