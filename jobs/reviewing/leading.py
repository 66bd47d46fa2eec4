"""What a lead sees of the work: who has done how much, how far people agree, and how often each is wrong."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from jobs.reviewing.agreement import Agreement, Proportion, agreement, proportion
from jobs.reviewing.database import Connection, Row, Store
from jobs.reviewing.shapes import ABOUT_CATEGORY
from schemas.decisions import UNDECIDED, Decision, Purpose
from udfs.reviewer_errors import ErrorRate, ReviewerErrors, estimate_errors

PAUSE_SECONDS = 300.0
"""Without an answer for longer than this, a reviewer did something else."""
_LEAST_SECONDS, _FEWEST_STEPS = 60.0, 3
"""Work from which a pace is told."""


@dataclass(frozen=True)
class WorkDone:
    """What a reviewer has done in a period.

    Attributes:
        reviewer: the person.
        answers: all answers, also those taken back; skips are among them.
        at_once: how many of these were given at once, in groups.
        skipped, taken_back: how many of all were.
        per_hour: answers one by one in an hour of work; None if there are too few.
    """

    reviewer: str
    answers: int
    at_once: int
    skipped: int
    taken_back: int
    per_hour: int | None


@dataclass(frozen=True)
class Trust:
    """How far a reviewer agrees with others about categories, over everything that is kept.

    Attributes:
        reviewer: the person; None: all together.
        pairs: doubly answered questions about categories.
        agreement: None for too few.
        error: the estimated error rate; None for all together.
        known: answers to known items.
        like_lead: how many of these were the lead's answer; None for too few.
    """

    reviewer: str | None
    pairs: int
    agreement: Agreement | None
    error: ErrorRate | None
    known: int
    like_lead: Proportion | None


@dataclass(frozen=True)
class Double:
    """A question that two people answered: the newest rows of `answers` that stand, and the one that settles it."""

    listing_id: str
    judged_hash: str
    first: Row
    second: Row
    settled: Row | None

    @property
    def key(self) -> str:
        """Tells questions apart."""
        return _key(self.first)

    @property
    def is_about_category(self) -> bool:
        """Whether categories were chosen."""
        return self.first["question"] in ABOUT_CATEGORY

    @property
    def said(self) -> tuple[str, str]:
        """What the first and the second one said, as values to compare."""
        return said(self.first), said(self.second)


def _key(row: Row) -> str:
    return f"{row['listing_id']}\0{row['judged_hash']}"


def said(row: Row) -> str:
    """What an answer says: a category, or whether a flag is wrong; one that was dealt with was right."""
    if row["question"] in ABOUT_CATEGORY:
        return str(row["category"])
    return "wrong" if row["decision"] == Decision.REJECT.value else "right"


def double_answers(connection: Connection) -> list[Double]:
    """All questions to which two answers stand, the oldest first."""
    rows = connection.execute(
        "SELECT * FROM answers WHERE undone = 0 AND decision NOT IN ('skip', 'reopen') AND (listing_id, judged_hash) "
        "IN (SELECT listing_id, judged_hash FROM answers WHERE purpose = 'second' AND undone = 0) ORDER BY number"
    ).fetchall()
    by_question: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_question[row["listing_id"], row["judged_hash"]].append(row)
    found = []
    for (listing_id, judged_hash), given in by_question.items():
        first = next((row for row in reversed(given) if row["asks_second"]), None)
        second = next((row for row in reversed(given) if row["purpose"] == Purpose.SECOND.value), None)
        settled = next((row for row in reversed(given) if is_settling(row)), None)
        if first is not None and second is not None and first["reviewer"] != second["reviewer"]:
            found.append(Double(listing_id, judged_hash, first, second, settled))
    return found


def is_settling(row: Row) -> bool:
    """Whether an answer to a doubly answered question is the word that settles it."""
    return row["purpose"] not in UNDECIDED and not row["asks_second"]


@dataclass(frozen=True)
class Known:
    """An answer to a known item, and the lead's, which stands."""

    key: str
    answer: Row
    leads: Row


def known_answers(connection: Connection) -> list[Known]:
    """The newest answers of each reviewer to known items about categories."""
    rows = connection.execute(
        "SELECT * FROM answers WHERE undone = 0 AND category IS NOT NULL AND (is_known = 1 OR purpose = 'known') "
        "ORDER BY number"
    ).fetchall()
    leads = {_key(row): row for row in rows if row["is_known"]}
    given = {(_key(row), row["reviewer"]): row for row in rows if not row["is_known"]}
    return [Known(key, row, leads[key]) for (key, _), row in given.items() if key in leads]


def estimated(store: Store, doubles: Sequence[Double], known: Sequence[Known]) -> ReviewerErrors:
    """Error rates, and which answers are right, from the questions about categories; items are keys.

    What settled a question is an answer, too. It is chosen by what the two others said alone, so it distorts nothing.
    """
    categories = store.reading().execute("SELECT count(*) FROM open.categories").fetchone()[0]
    rows = [
        (each.key, row["reviewer"], said(row))
        for each in doubles
        if each.is_about_category
        for row in (each.first, each.second, each.settled)
        if row is not None
    ]
    rows += [(each.key, row["reviewer"], said(row)) for each in known for row in (each.leads, each.answer)]
    return estimate_errors(rows, categories)


def trust(doubles: Sequence[Double], known: Sequence[Known], errors: ReviewerErrors) -> list[Trust]:
    """Agreement and error rate of all together, then of each reviewer by name."""
    pairs = [(each, each.said) for each in doubles if each.is_about_category]
    own: dict[str, list[tuple[str, str]]] = {name: [] for name in errors.reviewers}
    for each, (one, other) in pairs:
        own.setdefault(each.first["reviewer"], []).append((one, other))
        own.setdefault(each.second["reviewer"], []).append((other, one))
    alike: dict[str | None, list[bool]] = defaultdict(list)
    for answered in known:
        for name in (None, answered.answer["reviewer"]):
            alike[name].append(said(answered.answer) == said(answered.leads))
    compared: dict[str | None, list[tuple[str, str]]] = {None: [values for _, values in pairs]}
    compared.update(own)
    return [
        Trust(
            reviewer=name,
            pairs=len(compared[name]),
            agreement=agreement(compared[name]),
            error=errors.reviewers.get(name) if name is not None else None,
            known=len(alike[name]),
            like_lead=proportion(sum(alike[name]), len(alike[name])),
        )
        for name in (None, *sorted(own))
    ]


def work_done(store: Store, since: dt.datetime) -> list[WorkDone]:
    """What each reviewer has done since some time, who did most first."""
    rows = store.reading().execute(
        "SELECT reviewer, decision, batch_id, undone, decided_at FROM answers WHERE decision <> 'reopen' "
        "AND decided_at >= ? ORDER BY number",
        (since.isoformat(timespec="microseconds"),),
    )
    by_reviewer: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_reviewer[row["reviewer"]].append(row)
    found = [
        WorkDone(
            reviewer=name,
            answers=len(given),
            at_once=sum(row["batch_id"] is not None for row in given),
            skipped=sum(row["decision"] == Decision.SKIP.value for row in given),
            taken_back=sum(row["undone"] for row in given),
            per_hour=per_hour([dt.datetime.fromisoformat(row["decided_at"]) for row in given if not row["batch_id"]]),
        )
        for name, given in by_reviewer.items()
    ]
    return sorted(found, key=lambda each: (-each.answers, each.reviewer))


def per_hour(times: Sequence[dt.datetime]) -> int | None:
    """Answers in an hour of work. The time from one answer to the next is work, unless it is a pause.

    Args:
        times: of the answers, in order.

    Returns:
        None for less than a minute of work or fewer than three steps from answer to answer.
    """
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    worked = [gap for gap in gaps if gap <= PAUSE_SECONDS]
    seconds = sum(worked)
    if len(worked) < _FEWEST_STEPS or seconds < _LEAST_SECONDS:
        return None
    return round(len(worked) / seconds * 3600)
