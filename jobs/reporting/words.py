"""Wording of figures and reasons, shared by the terminal output and the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from jobs.console.summary import Share
from jobs.reporting.examples import Example
from schemas.reasons import ImageStatus, Reason

_CERTAINTY = (
    (0.99, "almost certain"),
    (0.95, "very likely"),
    (0.80, "likely"),
    (0.50, "more likely than not"),
    (0.00, "doubtful"),
)

PICTURE: dict[str, str] = {
    ImageStatus.OK.value: "usable",
    ImageStatus.MISSING.value: "no picture",
    ImageStatus.CORRUPT.value: "cannot be read",
    ImageStatus.UNSUPPORTED_FORMAT.value: "of a format that is not read",
    ImageStatus.BLANK.value: "one flat colour",
    ImageStatus.TOO_LARGE.value: "too large",
    ImageStatus.UNREADABLE.value: "could not be read, will be tried again",
    ImageStatus.NOT_ALLOWED.value: "outside the allowed folders",
    ImageStatus.NOT_FOUND.value: "does not exist",
    ImageStatus.NOT_FETCHED.value: "not fetched yet",
    ImageStatus.NOT_KEPT.value: "no longer kept",
}

ACCOUNT: dict[str, str] = {
    "rows_in": "rows in",
    "rows_current": "scored",
    "rows_unchanged": "unchanged, prediction kept",
    "rows_superseded": "superseded by a newer version",
    "rows_withdrawn": "withdrawn",
    "rows_quarantined": "quarantined",
}
"""Labels of the row account. The first count is the sum of the others."""


def certainty(probability: float) -> str:
    """The wording of a probability, 0 to 1."""
    return next(words for least, words in _CERTAINTY if probability >= least)


def reason(name: Reason) -> str:
    """A reason's name without underscores."""
    return name.value.replace("_", " ")


def duration(seconds: float) -> str:
    """Format a duration: 42 s, 3 min 5 s, 1 h 2 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def day(date: dt.date) -> str:
    """Format a date: 7 March 2026."""
    return f"{date.day} {date:%B %Y}"


def explain(reasons: Iterable[Reason]) -> str:
    """The explanations of reasons as one sentence without a full stop."""
    words = "; ".join(reason.explanation for reason in reasons)
    return words[:1].upper() + words[1:]


def evidence(example: Example) -> str:
    """Describe the predictions from the text alone and the picture alone."""
    text, image = example.text, example.image
    if text and image and text[0] == image[0]:
        return f"Text and picture both suggest {text[0]} ({Share(text[1])} and {Share(image[1])})."
    parts = [
        f"the {name} suggests {seen[0]} ({Share(seen[1])})"
        for name, seen in (("text", text), ("picture", image))
        if seen
    ]
    words = ", ".join(parts)
    return f"{words[:1].upper()}{words[1:]}." if words else ""
