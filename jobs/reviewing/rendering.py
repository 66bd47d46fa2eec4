"""Renders what the page shows. Everything from the catalogue is escaped."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FunctionLoader, StrictUndefined

from jobs.reviewing.bulk import Bulk
from jobs.reviewing.database import Row
from jobs.reviewing.groups import SINGLY, Group
from jobs.reviewing.overview import Choice, Progress
from jobs.reviewing.shapes import ABOUT_CATEGORY
from jobs.reviewing.showing import Showing
from jobs.reviewing.users import User
from jobs.reviewing.words import LANGUAGES, Words
from schemas.decisions import CATEGORY_QUESTION
from schemas.reasons import Reason

SUGGESTIONS = 3
"""Suggestions that the page shows, each with a key."""
FIXED_KEYS = {"accept": "1", "second": "2", "third": "3", "find": "/", "previous": "←", "next": "→"}
"""Keys of actions that cannot be changed, besides the letters, which can."""


def _template(name: str) -> str:
    return resources.files("jobs.reviewing").joinpath(f"templates/{name}").read_text(encoding="utf-8")


def _count(number: float) -> str:
    return f"{number:,.0f}".replace(",", "\u202f")


_NAMED = {"reason": "reasons", "language": "languages", "priority": "priorities"}
"""Filters whose values have words -> the words' name."""


def _percent(share: float) -> str:
    return "<1\u202f%" if 0 < share < 0.01 else f"{share * 100:.0f}\u202f%"


def _tenths(share: float) -> str:
    return f"{share * 100:.1f}\u202f%"


def _time(at: str) -> str:
    return f"{at[:10]} {at[11:19]}"


def _price(amount: float) -> str:
    return f"{amount:,.2f}".replace(",", "\u202f") if math.isfinite(amount) else str(amount)


_ENVIRONMENT = Environment(
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_template)
)
_ENVIRONMENT.filters |= {"count": _count, "percent": _percent, "tenths": _tenths, "price": _price, "time": _time}


def render_part(template: str, **values: object) -> str:
    """A part of a page.

    Args:
        template: its file.
        values: what it shows.
    """
    return _ENVIRONMENT.get_template(template).render(**values)


@dataclass(frozen=True)
class Head:
    """What every page begins with: its words, the token that its requests send, and the version of its files."""

    words: Words
    token: str
    version: str

    def render(self, template: str, query: Mapping[str, str], **values: object) -> str:
        """A page.

        Args:
            template: its file.
            query: what is in its address.
            values: what it shows.
        """
        other = next(each for each in LANGUAGES if each != self.words.language)
        return render_part(
            template,
            words=self.words,
            token=self.token,
            version=self.version,
            query=f"?{urlencode(query)}" if query else "",
            other_language=other,
            other_query=f"?{urlencode({**query, 'lang': other})}",
            **values,
        )


def render_page(head: Head, store: str, user: User, filters: Mapping[str, str], leads: bool) -> str:
    """The page without a listing.

    Args:
        head: its beginning.
        store: tells stores apart in the browser's storage.
        user: whose page it is.
        filters: the filters that are set.
        leads: whether the user may see the leads' view.
    """
    return head.render("page.html.j2", filters, store=store, user=user, filters=filters, fixed=FIXED_KEYS, leads=leads)


def render_sign_in(head: Head, target: str, problem: str) -> str:
    """The form to sign in.

    Args:
        head: its beginning.
        target: the address to go to afterwards.
        problem: what was wrong the last time; empty at first.
    """
    return head.render("sign_in.html.j2", {"next": target}, next=target, problem=problem)


def render_refusal(head: Head, problem: str) -> str:
    """A page that says what is wrong, with a way back.

    Args:
        head: its beginning.
        problem: what to say.
    """
    return head.render("refusal.html.j2", {}, problem=problem)


def render_groups(head: Head, groups: Sequence[Group]) -> str:
    """The groups of alike cases."""
    found = [(group, urlencode(_filters_of(group))) for group in groups]
    return head.render("groups.html.j2", {}, groups=found, needed=SINGLY)


def render_wall(head: Head, group: Group) -> str:
    """The page of a group, without its cases."""
    return head.render("wall.html.j2", _filters_of(group), group=group, filters=_filters_of(group))


def render_bulk(head: Head, found: Bulk, filters: Mapping[str, str], names: Mapping[str, tuple[str, str]]) -> str:
    """The page of all that a filter finds.

    Args:
        head: its beginning.
        found: what it finds.
        filters: the filters that are set.
        names: category -> label and path.
    """
    chosen, words = _in_order(filters), head.words
    shown = [
        (name, words.get(f"{_NAMED[name]}.{value}", value) if name in _NAMED else names.get(value, (value, ""))[0])
        for name, value in chosen.items()
    ]
    asked = found.question
    yes, no = (
        (words("answers.accept"), words("answers.reject"))
        if asked in (None, CATEGORY_QUESTION)
        else (words(f"flag_right.{asked}"), words(f"flag_wrong.{asked}"))
    )
    return head.render(
        "bulk.html.j2", chosen, found=found, filters=chosen, shown=shown, needed=SINGLY, query_of=urlencode(chosen),
        choices=(("accept", yes, "A"), ("reject", no, "S")),
    )  # fmt: skip


def render_tile(showing: Showing, words: Words) -> str:
    """A case on the wall."""
    return render_part("tile.html.j2", showing=showing, view=showing.view, words=words)


def _filters_of(group: Group) -> dict[str, str]:
    return {"seller": group.seller, "category": group.category, "suggested": group.suggested}


@dataclass(frozen=True)
class Surroundings:
    """What questions are rendered with: the words, category -> label and path, and which listings have a picture."""

    words: Words
    names: Mapping[str, tuple[str, str]]
    pictured: Collection[str]


def render_question(showing: Showing, around: Surroundings) -> str:
    """A question with its listing.

    Of a blind question, the seller's category and the model's opinion are not in the text at all.
    """
    view, words, is_priced = showing.view, around.words, showing.view["price"] is not None
    answer = showing.answer
    shares = {each["category"]: each["probability"] for each in view["suggested"]}
    return render_part(
        "question.html.j2",
        words=words,
        showing=showing,
        view=view,
        names=around.names,
        pictured=around.pictured,
        asked=asked_words(showing.question, is_priced=is_priced),
        shown={each["category"] for each in view["suggested"][:SUGGESTIONS]},
        seller_probability=shares.get(view["category"]),
        answer_words=answer_words(showing.question, answer, words, around.names, is_priced) if answer else "",
        changed_words=_changed(showing, words),
        personal_kinds=", ".join(words(f"personal_data.{kind}") for kind in view["personal_data"]),
        pieces=lambda field, text: _pieces(field, text, showing),
        scale=_scale(view) if showing.question == Reason.PRICE_OUTLIER.value else None,
    )


def _changed(showing: Showing, words: Words) -> str:
    if showing.changed is None:
        return ""
    fields = words.group("fields")
    what = words("and").join(fields[name] for name in showing.changed)
    return words("changed", what=what) if what else words("changed_nothing")


def answer_words(
    question: str,
    answer: Mapping[str, str | None],
    words: Words,
    names: Mapping[str, tuple[str, str]],
    is_priced: bool = True,
) -> str:
    """What an answer says, for people.

    Args:
        question: what was asked.
        answer: decision and category, as `jobs.reviewing.showing.answered_before` gives them.
        words: the language.
        names: category -> label and path.
        is_priced: as of `asked_words`.
    """
    decision, category = answer["decision"] or "", answer["category"]
    if question in ABOUT_CATEGORY and category is not None:
        return names.get(category, (category, ""))[0]
    kind = {"confirm": "flag_right", "reject": "flag_wrong"}.get(decision)
    return words(f"{kind}.{asked_words(question, is_priced=is_priced)}") if kind else words(f"answers.{decision}")


def render_found(words: Words, found: Sequence[Row], text: str) -> str:
    """The categories that a search has found."""
    return render_part("found.html.j2", words=words, found=found, text=text)


def render_progress(words: Words, now: Progress) -> str:
    """How far the work is."""
    return render_part("progress.html.j2", words=words, now=now)


def render_filters(words: Words, choices: Mapping[str, Sequence[Choice]], chosen: Mapping[str, str]) -> str:
    """The filters with their counts."""
    query = urlencode(_in_order(chosen))
    return render_part("filters.html.j2", words=words, choices=choices, chosen=chosen, query=query, named=_NAMED)


def _in_order(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters without the wish for a random order."""
    return {name: value for name, value in filters.items() if name != "drawn"}


def asked_words(question: str, *, is_priced: bool) -> str:
    """The name of the question's words; a missing price is asked about in other words than an odd one."""
    return "missing_price" if question == Reason.PRICE_OUTLIER.value and not is_priced else question


def _pieces(field: str, text: str, showing: Showing) -> list[tuple[bool, str]]:
    """The text in pieces, and whether each holds personal data; only the question about it marks any."""
    if showing.question != Reason.PERSONAL_DATA.value:
        return [(False, text)]
    pieces, at = [], 0
    for name, start, end in sorted(showing.view["marks"]):
        if name == field and start >= at:
            pieces += [(False, text[at:start]), (True, text[start:end])]
            at = end
    return [piece for piece in [*pieces, (False, text[at:])] if piece[1]]


def _scale(view: Mapping[str, Any]) -> dict[str, float] | None:
    """Where price, quartiles and median are on a logarithmic scale, 0 to 98; None if one of them is not above 0."""
    prices = view["prices"]
    if prices is None or view["price"] is None or min(view["price"], prices["lower"]) <= 0:
        return None
    logs = {name: math.log(value) for name, value in {**prices, "own": view["price"]}.items() if name != "listings"}
    low, high = min(logs.values()), max(logs.values())
    margin = (high - low) * 0.1 or 1.0
    at = {name: round(98 * (value - low + margin) / (high - low + 2 * margin), 1) for name, value in logs.items()}
    return {**at, "width": round(max(at["upper"] - at["lower"], 0.5), 1)}
