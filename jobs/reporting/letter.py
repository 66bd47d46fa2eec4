"""Writes a letter to a seller: what was changed and why, and what the seller can do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from jobs.cleaning.steps.quality import POINTS
from jobs.cleaning.steps.seller_habits import TREND_DAYS
from jobs.console.summary import Summary, printable
from jobs.console.target import written_atomically
from jobs.reporting import words
from jobs.reporting.seller_record import ChangedListing, SellerRecord
from schemas.seller_advice import ADVICE_BY_PART, ADVICE_BY_REASON

_WIDTH = 80
_TITLE_LENGTH = 80


@dataclass(frozen=True)
class LetterSection:
    """A part of a letter: a heading, a paragraph, and a list, which may be empty."""

    heading: str
    text: str
    items: Sequence[str] = ()


@dataclass(frozen=True)
class Letter:
    """A letter to a seller. Texts of the seller are single lines without control characters; HTML has to escape them.

    Attributes:
        subject: one line.
        greeting: the first line.
        opening: the first paragraph.
        sections: what was changed, what goes wrong, what to look out for, and the quality score.
        closing: the last paragraph.
    """

    subject: str
    greeting: str
    opening: str
    sections: Sequence[LetterSection]
    closing: str


def write_letter(seller: SellerRecord) -> Letter:
    """Compose the letter to a seller."""
    return Letter(
        subject=f"Your listings on {words.day(seller.run_date)}",
        greeting=f"Dear seller {_line(seller.seller_id)},",
        opening=(
            f"We have checked {_your_listings(seller.listings)}. This letter says what we have changed and why, and "
            "what you can do so that buyers find your products."
        ),
        sections=[section for section in _sections(seller) if section],
        closing=(
            "Programs decide most categories, and they can be wrong. If you think that we have made a mistake, please "
            "answer this letter and name the listing. Thank you for your help."
        ),
    )


def letter_text(letter: Letter) -> str:
    """The letter as plain text, in lines of at most 80 characters where words allow it."""
    paragraphs = [letter.subject, letter.greeting, textwrap.fill(letter.opening, _WIDTH)]
    for section in letter.sections:
        paragraphs += [f"{section.heading}\n{'-' * len(section.heading)}", textwrap.fill(section.text, _WIDTH)]
        items = (textwrap.fill(item, _WIDTH, initial_indent="- ", subsequent_indent="  ") for item in section.items)
        paragraphs += ["\n".join(items)] if section.items else []
    return "\n\n".join([*paragraphs, textwrap.fill(letter.closing, _WIDTH)])


def letter_page(letter: Letter) -> str:
    """The letter as an HTML page without scripts and external resources. All texts are escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = resources.files("jobs.reporting").joinpath("letter.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(letter=letter)


def letter_summary(seller: SellerRecord, html: Path | None) -> Summary:
    """Write the letter to a file, if one is named, and make the summary, which shows it as plain text."""
    letter = write_letter(seller)
    text = letter_text(letter)
    facts: dict[str, object] = {
        "run_id": seller.run_id,
        "run_date": str(seller.run_date),
        "seller_id": seller.seller_id,
        "listings": seller.listings,
        "changed": seller.changed,
        "mean_quality_score": round(seller.quality, 1),
        "flagged": {reason.value: n for reason, n in seller.reasons.items()},
        "letter": text,
    }
    hints = [text]
    if html is not None:
        with written_atomically(html) as out:
            out.write(letter_page(letter))
        facts["html"] = str(html)
        hints.append(f"\nThe letter is also in {html}, a single file.")
    return Summary(f"Letter to seller {_line(seller.seller_id)}", facts, (), hints, not_shown=tuple(facts))


def _sections(seller: SellerRecord) -> Iterator[LetterSection | None]:
    yield _changes(seller)
    yield _mistakes(seller)
    yield _reasons(seller)
    yield _quality(seller)


def _changes(seller: SellerRecord) -> LetterSection:
    heading = "What we have changed"
    if not seller.changed:
        return LetterSection(heading, "Nothing: we show none of your listings in another category than yours.")
    text = f"We show {_listings(seller.changed)} in another category than yours."
    if seller.without_category:
        text += f" {_listings(seller.without_category)} of these had no category."
    items = [_change(each) for each in seller.changes]
    if len(items) < seller.changed:
        text += f" Here are {len(items)} of them."
    return LetterSection(heading, text, items)


def _change(changed: ChangedListing) -> str:
    example = changed.example
    title = textwrap.shorten(_line(example.title) or "no title", _TITLE_LENGTH, placeholder=" ...")
    by_model = example.sentence or words.evidence(example)
    why = "One of our reviewers has decided this." if changed.by_person else by_model
    before, after = (
        _line(str(each)) if each else "no category" for each in (example.seller_category, example.shown_category)
    )
    return f"{title} ({_line(example.listing_id)}): from {before} to {after}. {_line(why)}".strip()


def _mistakes(seller: SellerRecord) -> LetterSection | None:
    if not seller.mistakes:
        return None
    text = "These categories are mixed up most."
    if seller.error_rate is not None:
        text = f"We estimate that {seller.error_rate} of your categories are wrong. {text}"
    if seller.trend is not None:
        direction = "more" if seller.trend > 0 else "less"
        text += f" It has happened {direction} often in the listings that you updated in the last {TREND_DAYS} days."
    items = [
        f"You chose {_line(str(pair.seller_category))}, we show {_line(str(pair.corrected_category))}: "
        f"{_listings(pair.listings)}."
        for pair in seller.mistakes
    ]
    return LetterSection("What goes wrong most often", text, items)


def _reasons(seller: SellerRecord) -> LetterSection:
    heading = "What to look out for"
    if not seller.reasons:
        return LetterSection(heading, "We have found nothing else in your listings.")
    items = [
        f"{_listings(n)}: {_to_the_seller(reason.explanation)}. {ADVICE_BY_REASON.get(reason, '')}".strip()
        for reason, n in seller.reasons.items()
    ]
    return LetterSection(heading, "Some of your listings need a look. A listing can be counted several times.", items)


def _to_the_seller(explanation: str) -> str:
    """Explanations are written for reviewers: they speak of the seller, to whom this letter goes."""
    for theirs, yours in (("the seller's category", "your category"), ("the seller's", "yours"), ("the seller", "you")):
        explanation = explanation.replace(theirs, yours)
    return explanation


def _quality(seller: SellerRecord) -> LetterSection:
    text = f"The mean quality score of your listings is {seller.quality:.1f} of 100 points."
    return LetterSection(
        "The quality of your listings", text, [_part(name, mean) for name, mean in seller.parts.items()]
    )


def _part(name: str, mean: float) -> str:
    label = name.removeprefix("quality_").capitalize()
    points = f"{label}: {mean:.1f} of {POINTS[name]} points."
    is_full = round(mean, 1) >= POINTS[name]
    return points if is_full else f"{points} {ADVICE_BY_PART[name]}"


def _listings(number: int) -> str:
    return "1 listing" if number == 1 else f"{number:,} listings"


def _your_listings(number: int) -> str:
    return "your listing" if number == 1 else f"your {number:,} listings"


def _line(text: str | None) -> str:
    """A text of the catalogue as one line without control characters."""
    return " ".join(printable(text or "").split())
