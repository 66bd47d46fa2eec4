"""Renders the leads' view. Everything from the catalogue and from reviewers is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.reviewing.agreement import FEWEST
from jobs.reviewing.assigning import Held, OpenQuestion
from jobs.reviewing.history import Event, OpenAgain
from jobs.reviewing.leading import Trust, WorkDone
from jobs.reviewing.rendering import Head, answer_words, asked_words, render_part
from jobs.reviewing.settling import Dispute
from jobs.reviewing.showing import answered_before
from jobs.reviewing.words import Words

PERIODS = (1, 7, 30, 90)
"""Days that the work of reviewers is shown for."""


@dataclass(frozen=True)
class Overview:
    """What the first page of the leads' view shows.

    Attributes:
        days: the period of `work`.
        work: by reviewer.
        trust: of all together, then by reviewer.
        disputes: how many there are to settle.
        held: what is in whose hands.
    """

    days: int
    work: Sequence[WorkDone]
    trust: Sequence[Trust]
    disputes: int
    held: Sequence[Held]


@dataclass(frozen=True)
class History:
    """What the history of a listing shows.

    Attributes:
        listing_id: the listing; empty: none is searched for.
        logged_as: what stands for the listing in the access log.
        events: all that happened, in order.
        again: the questions that can be opened again.
        open: the questions that nobody has answered.
        people: whom these can be left to.
    """

    listing_id: str
    logged_as: str
    events: Sequence[Event]
    again: Sequence[OpenAgain]
    open: Sequence[OpenQuestion]
    people: Sequence[str]


def render_overview(head: Head, overview: Overview) -> str:
    """Who has done how much, and how far people agree."""
    return head.render("lead.html.j2", {"days": str(overview.days)}, now=overview, periods=PERIODS, fewest=FEWEST)


def render_settling(head: Head) -> str:
    """The page on which a lead settles, without its disputes."""
    return head.render("settle.html.j2", {})


def render_dispute(
    dispute: Dispute, words: Words, names: Mapping[str, tuple[str, str]], shares: Mapping[str, float]
) -> str:
    """Two answers that differ.

    Args:
        dispute: the answers and the listing.
        words: the language.
        names: category -> label and path.
        shares: answer -> probability that it is right, by the reviewers' error rates; empty if unknown.
    """
    question, is_priced = dispute.double.first["question"], dispute.seen["price"] is not None
    return render_part(
        "dispute.html.j2",
        words=words,
        dispute=dispute,
        names=names,
        asked=asked_words(question, is_priced=is_priced),
        choices=[
            (
                row,
                answer_words(question, answered_before(row), words, names, is_priced),
                shares.get(row["category"] or ""),
            )
            for row in dispute.answers
        ],
    )


def render_history(head: Head, found: History, names: Mapping[str, tuple[str, str]]) -> str:
    """What happened to a listing.

    Args:
        head: the page's beginning.
        found: what is known of it.
        names: category -> label and path.
    """
    rows = [
        (event, answer_words(event.question, answered_before(event.answer), head.words, names) if event.answer else "")
        for event in found.events
    ]
    return head.render("history.html.j2", {"listing": found.listing_id}, found=found, rows=rows)
