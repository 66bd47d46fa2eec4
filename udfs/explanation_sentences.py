"""Says in one sentence why a listing belongs in another category, in words that a seller understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WORDS = 3
"""Words that a sentence names."""
_LEAST_RATE, _LEAST_LISTINGS = 0.02, 10
"""A seller's record is worth a word from this error rate and number of listings on."""


@dataclass(frozen=True)
class Evidence:
    """What is known about a listing and the suggestion. Probabilities are 0 to 1.

    Attributes:
        label: the seller's category: its name, or as delivered if the taxonomy lacks it; None if missing.
        is_known: whether the taxonomy has it.
        suggestion: the name of the suggested category; None if there is none.
        has_input: whether the model has read a text or a picture.
        by_person: whether a person has chosen the suggestion.
        is_certain: whether the suggestion is corrected or at least as probable as not.
        words: the words for the suggestion, the strongest first.
        text, image: the probabilities of the suggestion and of the seller's category by text and picture; each is None
            without the input, that of the seller's category also without one that is known.
        error_rate, listings: the seller's record; None without a seller.
    """

    label: str | None
    is_known: bool
    suggestion: str | None
    has_input: bool = True
    by_person: bool = False
    is_certain: bool = True
    words: Sequence[str] = ()
    text: tuple[float | None, float | None] = (None, None)
    image: tuple[float | None, float | None] = (None, None)
    error_rate: float | None = None
    listings: int | None = None


def explain_in_words(evidence: Evidence) -> str:
    """The sentence, without anything that the listing lacks: a label, a text, a picture or a seller."""
    if evidence.suggestion is None or not (evidence.has_input or evidence.by_person):
        return _capitalised(f"{_start(evidence)}we cannot tell from its text and picture where this belongs.")
    reasons = _named(evidence.words) if _speaks(evidence.text) else []
    if not reasons and _speaks(evidence.text):
        reasons = ["the text as a whole"]
    if _speaks(evidence.image):
        reasons.append("the picture")
    clauses = []
    if reasons:
        is_one = len(reasons) == 1 and not reasons[0].startswith("the words")
        clauses.append(f"{' and '.join(reasons)} {'says' if is_one else 'say'} so")
    if against := [name for name, said in (("text", evidence.text), ("picture", evidence.image)) if _denies(said)]:
        verb = "speaks" if len(against) == 1 else "speak"
        clauses.append(f"the {' and the '.join(against)} {verb} for {evidence.label}")
    if evidence.is_known and (record := _record(evidence)):
        clauses.append(record)
    joined = _joined(clauses, bool(reasons and against))
    return _capitalised(f"{_start(evidence)}{_claim(evidence)}{': ' if joined else ''}{joined}.")


def _claim(evidence: Evidence) -> str:
    suggestion, is_sure = evidence.suggestion, evidence.by_person or evidence.is_certain
    it = "it" if _start(evidence) else "this"
    if evidence.by_person:
        claim = f"a reviewer has decided that {it} belongs in {suggestion}"
    else:
        claim = f"we think {it} belongs in {suggestion}" if is_sure else f"{it} may belong in {suggestion}"
    if not evidence.is_known:
        return claim
    return f"{claim}{', not in' if is_sure else ' rather than in'} {evidence.label}"


def _start(evidence: Evidence) -> str:
    if evidence.label is None:
        return "This came without a category, and "
    return "" if evidence.is_known else f"'{evidence.label}' is not one of our categories, and "


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _named(words: Sequence[str]) -> list[str]:
    quoted = [f"'{word}'" for word in words[:_WORDS]]
    if not quoted:
        return []
    if len(quoted) == 1:
        return [f"the word {quoted[0]}"]
    return [f"the words {', '.join(quoted[:-1])} and {quoted[-1]}"]


def _speaks(said: tuple[float | None, float | None]) -> bool:
    """Whether an input finds the suggestion likelier than the seller's category or, without one, than not."""
    suggestion, own = said
    return suggestion is not None and suggestion > (0.5 if own is None else own)


def _denies(said: tuple[float | None, float | None]) -> bool:
    suggestion, own = said
    return suggestion is not None and own is not None and own > suggestion


def _record(evidence: Evidence) -> str:
    rate, listings = evidence.error_rate, evidence.listings
    if rate is None or listings is None or rate < _LEAST_RATE or listings < _LEAST_LISTINGS:
        return ""
    return f"about {rate:.0%} of your listings are in a wrong category"


def _joined(clauses: Sequence[str], has_doubt: bool) -> str:
    """The clauses as one; the second contradicts the first if there is a doubt."""
    if has_doubt:
        return ", and ".join([f"{clauses[0]}, although {clauses[1]}", *clauses[2:]])
    return ", and ".join(clauses)
