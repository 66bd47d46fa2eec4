"""What leads take with them as CSV: complete, and safe in a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import pytest

from jobs.reviewing.answering import Answer, store_answers, undo
from jobs.reviewing.database import Store
from jobs.reviewing.leading import double_answers, estimated, trust, work_done
from jobs.reviewing.leads_export import agreement_csv, answers_csv, work_csv
from jobs.reviewing.opinions import Shares
from jobs.reviewing.outgoing import mark_written, take_answers
from jobs.reviewing.showing import Filters, Reviewer, release, show_next
from tests.review_samples import category_item, write_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
ADA, BOB = (Reviewer(f"window-{name}", f"page-{name}", name, "reviewer") for name in ("ada", "@bob"))
NOTE = '=HYPERLINK("https://evil.example/","x"), "two\nlines"'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two people answer 31 questions and differ about one; one answer is taken back."""
    write_store(tmp_path, [category_item(n) for n in range(32)])
    found = Store(tmp_path)
    for who in (ADA, BOB):
        for n, each in enumerate(show_next(found, who, Filters(), [], 31, NOON)):
            decision, note = ("reject", NOTE) if who is BOB and n == 0 else ("accept", None)
            given = Answer(each.showing_id, decision, note=note)
            store_answers(found, who, [given], NOON + dt.timedelta(seconds=20 * n), Shares(1.0))
        release(found, who.page)
    undo(found, ADA, "undo", NOON)
    return found


def read(content: bytes) -> list[dict[str, str]]:
    text = content.decode("utf-8")
    assert text.startswith("\ufeff"), "Excel needs it"
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_every_answer_is_there_with_what_became_of_it_and_runs_as_no_formula(store: Store) -> None:
    mark_written(store, [row for row in take_answers(store) if row["number"] <= 2])
    content, listing_ids = answers_csv(store, None, None)
    rows = read(content)
    assert len(rows) == 62
    assert listing_ids == [f"L{n:04d}" for n in range(31)]
    of_bob = next(row for row in rows if row["note"])
    assert of_bob["note"] == f"'{NOTE}"
    assert {name: of_bob[name] for name in ("listing_id", "reviewer", "purpose", "decision", "category")} == {
        "listing_id": "L0000", "reviewer": "'@bob", "purpose": "second", "decision": "reject", "category": "sandals",
    }  # fmt: skip
    assert [(row["listing_id"], row["undone_by"], row["in_warehouse"]) for row in rows if row["undone_at"]] == [
        ("L0030", "ada", "never")
    ]
    assert [row["in_warehouse"] for row in rows[:3]] == ["written", "written", "waiting"]
    assert [row["reviewer"] for row in read(answers_csv(store, None, "L0000")[0])] == ["ada", "'@bob"]
    # A later answer has a later time, so the second reviewer's are all after the first one's last.
    later = NOON + dt.timedelta(seconds=20 * 30)
    assert [row["reviewer"] for row in read(answers_csv(store, later, None)[0])] == ["ada", *["'@bob"] * 31]


def test_work_and_agreement_are_the_pages_figures(store: Store) -> None:
    work = read(work_csv(work_done(store, NOON), 30))
    assert [(row["reviewer"], row["days"], row["answers"], row["taken_back"]) for row in work] == [
        ("'@bob", "30", "31", "0"), ("ada", "30", "31", "1"),
    ]  # fmt: skip
    doubles = double_answers(store.reading())
    together, bob, ada = read(agreement_csv(trust(doubles, [], estimated(store, doubles, []))))
    assert (together["reviewer"], together["answered_by_two"], together["same"]) == ("", "30", str(29 / 30))
    assert (bob["reviewer"], ada["reviewer"], ada["known"], ada["as_lead"]) == ("'@bob", "ada", "0", "")
    assert 0 < float(ada["wrong_lower"]) < float(ada["wrong"]) < float(ada["wrong_upper"]) < 1
