"""The events of one listing, in words. Pure: rows of the tables in, events out."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Row

from jobs.console.summary import Share
from jobs.reporting.words import PICTURE
from schemas.decisions import Decision
from schemas.reasons import CategorySource, ImageStatus, ItemStatus

_CLIP = 60
_DELIVERED = {
    "inserted": "Delivered",
    "updated": "Updated",
    "returned": "Returned: it was delivered again after it had been withdrawn",
    "withdrawn": "Withdrawn: a full load did not contain it",
}
_QUARANTINED = {"review": "A decision about it could not be used", "nightly": "The stored row could not be used"}
_DECIDED_BY = {CategorySource.MODEL.value: "the model", CategorySource.REVIEWER.value: "a reviewer"}
_KINDS = ("delivered", "quarantined", "taken back", "judged", "corrected", "flagged", "reviewed")
"""The kinds of events, in the order in which they follow each other within a run."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a listing.

    Attributes:
        at: when, UTC; for an event of a run, when the run ended. None if the run has not ended.
        kind: one of `_KINDS`.
        text: what happened, in words.
        run_id: the run; of a review, the publication that the reviewer saw. None if unknown.
    """

    at: dt.datetime | None
    kind: str
    text: str
    run_id: str | None


@dataclass(frozen=True)
class ListingRows:
    """What the tables say about one listing. Rows have the columns of their tables.

    Attributes:
        listing_id: the listing.
        listing: its row of listings, without the picture; None if there is none.
        changes, predictions, corrections, decisions, quarantined: its rows of listing_changes, predictions,
            corrections (of published runs), review_decisions and quarantine.
        clean, flagged, seller: its rows of clean_listings and flagged_items, and its seller's row of sellers, in the
            newest publication; None if there are none.
        explanation: its row of explanations in the newest publication; None if there is none.
        ended: run id -> when the run ended, UTC; of all runs that the rows name and that have ended.
        published: (run id, run date) of all publications in the order of their commits; all of them are in `ended`.
        reverts: run id of a revert -> the publications that it took back, the newest first; all are in `published`.
        applied: ids of the decisions that the newest publication has read.
        names: category code -> label.
    """

    listing_id: str
    listing: Row | None = None
    changes: tuple[Row, ...] = ()
    predictions: tuple[Row, ...] = ()
    corrections: tuple[Row, ...] = ()
    decisions: tuple[Row, ...] = ()
    quarantined: tuple[Row, ...] = ()
    clean: Row | None = None
    flagged: Row | None = None
    seller: Row | None = None
    explanation: Row | None = None
    ended: Mapping[str, dt.datetime] = field(default_factory=dict)
    published: tuple[tuple[str, dt.date], ...] = ()
    reverts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    applied: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether any table has the listing."""
        lists = (self.changes, self.predictions, self.corrections, self.decisions, self.quarantined)
        return any(lists) or any(row is not None for row in (self.listing, self.clean, self.flagged))

    def name(self, category: str | None) -> str:
        """A category's label."""
        return "no category" if category is None else self.names.get(category, category)


def find_events(rows: ListingRows) -> list[Event]:
    """All events of a listing, oldest first.

    Events of one run follow each other as the run made them. A review stands after the publication that the reviewer
    saw and before the next one, also if runs were made for dates far from the day on which they ran.
    """
    events = [(_place(event, rows), event) for event in _all_events(rows)]
    return [event for _, event in sorted(events, key=lambda pair: pair[0])]


def _place(event: Event, rows: ListingRows) -> tuple[dt.datetime, int]:
    if event.at is None:
        return dt.datetime.max.replace(tzinfo=dt.UTC), 0
    at, rank = event.at, _KINDS.index(event.kind)
    if event.kind == "reviewed":
        times = [rows.ended[run_id] for run_id, _ in rows.published]
        seen = next((rows.ended[run_id] for run_id, _ in rows.published if run_id == event.run_id), None)
        following = next((time for time in times if seen is not None and time > seen), None)
        at = at if seen is None else max(at, seen)
        if following is not None and at >= following:
            return following, -1
    return at, rank


def _all_events(rows: ListingRows) -> Iterator[Event]:
    yield from _deliveries(rows)
    for row in rows.quarantined:
        words = _QUARANTINED.get(row.job, "A delivered row could not be used")
        yield Event(_ended(row, rows), "quarantined", f"{words}: {_plain(row.reasons)}.", row.run_id)
    yield from _reverts(rows)
    for row in rows.predictions:
        yield Event(_ended(row, rows), "judged", _judgement(row, rows), row.run_id)
    for row in rows.corrections:
        yield Event(_ended(row, rows), "corrected", _correction(row, rows), row.run_id)
    if rows.flagged is not None:
        yield _flag(rows.flagged, rows)
    for row in rows.decisions:
        yield Event(utc(row.decided_at), "reviewed", _review(row, rows), row.run_id)


def _ended(row: Row, rows: ListingRows) -> dt.datetime:
    """When the run of a row ended; the start of its date if the run is not in the table runs."""
    return rows.ended.get(row.run_id) or dt.datetime.combine(row.run_date, dt.time(), dt.UTC)


def _reverts(rows: ListingRows) -> Iterator[Event]:
    """The reverts that took back what a publication said about the listing, or changed its correction."""
    spoke = {row.run_id for row in (*rows.predictions, *rows.corrections)}
    for run_id, undone in rows.reverts.items():
        if not spoke.isdisjoint((run_id, *undone)):
            text = f"Taken back: {', '.join(reversed(undone))}. The state before is shown again."
            yield Event(rows.ended[run_id], "taken back", text, run_id)


def _deliveries(rows: ListingRows) -> Iterator[Event]:
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    before: Row | None = None
    for row in sorted(rows.changes, key=lambda row: rows.ended.get(row.delivery_id, last)):
        text = _DELIVERED.get(row.change, row.change)
        if row.change == "inserted" or (row.change == "updated" and before is None):
            text += f": {_quoted(row.title)} in {rows.name(row.category)}, by {row.seller_id or 'an unknown seller'}"
        elif row.change == "updated" and before is not None:
            text = "Returned after it had been withdrawn" if before.change == "withdrawn" else text
            text += f": {'; '.join(_differences(before, row, rows)) or 'the same values with a newer date'}"
        at = rows.ended.get(row.delivery_id)
        yield Event(at, "delivered", f"{text}{'.' if at else ' (the run has not ended).'}", row.delivery_id)
        before = row


def _differences(before: Row, after: Row, rows: ListingRows) -> Iterator[str]:
    def differs(name: str) -> bool:
        old, new = before[name], after[name]
        both_nan = isinstance(old, float) and isinstance(new, float) and math.isnan(old) and math.isnan(new)
        return bool(old != new) and not both_nan

    if differs("category"):
        yield f"category from {rows.name(before.category)} to {rows.name(after.category)}"
    if differs("title"):
        yield f"title from {_quoted(before.title)} to {_quoted(after.title)}"
    if differs("description"):
        yield "another description"
    if differs("content_hash") and not differs("title") and not differs("description"):
        yield "another picture"
    elif differs("image_uri"):
        yield "another address of the picture"
    if differs("price"):
        yield f"price from {_price(before.price)} to {_price(after.price)}"
    if differs("seller_id"):
        yield f"seller from {before.seller_id or 'none'} to {after.seller_id or 'none'}"


def _judgement(row: Row, rows: ListingRows) -> str:
    if row.predicted_category is None:
        return f"Model {row.model_version} could not judge it: there is no usable text or picture."
    words = f"Model {row.model_version} says {rows.name(row.predicted_category)} ({Share(row.confidence)}): "
    seen = [
        f"the {source} says {rows.name(category)} ({Share(confidence)})"
        for source, category, confidence in (
            ("text", row.text_category, row.text_confidence),
            ("picture", row.image_category, row.image_confidence),
        )
        if category is not None
    ]
    if row.image_status != ImageStatus.OK.value:
        seen.append(f"picture: {PICTURE.get(row.image_status, row.image_status)}")
    return f"{words}{', '.join(seen)}."


def _correction(row: Row, rows: ListingRows) -> str:
    to, by = rows.name(row.corrected_category), _DECIDED_BY.get(row.decided_by, row.decided_by)
    if row.event == "ended":
        return f"The correction to {to} ended."
    sure = "" if row.confidence is None else f", {Share(row.confidence)} sure"
    if row.event == "changed":
        return f"The correction changed: now {to}, by {by}{sure}."
    return f"Corrected from {rows.name(row.seller_category)} to {to} by {by}{sure}."


def _flag(row: Row, rows: ListingRows) -> Event:
    """The item of the work list, at the publication since which it has been flagged.

    If a later one has decided it again, that is the last publication of the date.
    """
    runs = [run_id for run_id, run_date in rows.published if run_date == row.first_run_date]
    if row.run_id in runs:
        runs = [row.run_id]
    at = rows.ended[runs[-1]] if runs else dt.datetime.combine(row.first_run_date, dt.time(), dt.UTC)
    now = "the reasons now" if row.status == ItemStatus.OPEN.value else f"{row.status} since, the reasons then"
    return Event(at, "flagged", f"Put on the work list; {now}: {_plain(row.reasons)}.", runs[-1] if runs else None)


def _review(row: Row, rows: ListingRows) -> str:
    who, reason, category = row.reviewer, row.reason and _plain([row.reason]), rows.name(row.category)
    match row.decision:
        case Decision.ACCEPT.value:
            did = f"confirmed {reason}" if reason else f"accepted the suggestion: {category} is right"
        case Decision.REJECT.value:
            did = f"rejected {reason}" if reason else f"rejected the suggestion: {category} is right"
        case Decision.SET_CATEGORY.value:
            did = f"set the category to {category}"
        case Decision.RESOLVE.value:
            did = f"dealt with {reason}"
        case Decision.REOPEN.value:
            did = "took back the last decision"
        case _:
            did = "made no decision"
    words = f"{who} {did}{', for the audit' if row.audit_chance is not None else ''}."
    if row.note:
        words += f" Note: {_quoted(row.note)}."
    content = rows.clean or rows.listing
    if content is not None and content.content_hash != row.content_hash:
        return f"{words} That was about earlier content, so it no longer holds."
    if row.decision != Decision.SKIP.value and row.decision_id not in rows.applied:
        return f"{words} The next night applies it."
    return words


def utc(time: dt.datetime) -> dt.datetime:
    """A time as Spark collects it, which is without a zone and local, in UTC."""
    return time.astimezone(dt.UTC)


def _plain(reasons: list[str]) -> str:
    return ", ".join(reason.replace("_", " ") for reason in reasons)


def _quoted(text: str | None) -> str:
    if text is None:
        return "none"
    return f'"{text}"' if len(text) <= _CLIP else f'"{text[: _CLIP - 1]}…"'


def _price(price: float | None) -> str:
    return "none" if price is None or math.isnan(price) else f"{price:,.2f}"
