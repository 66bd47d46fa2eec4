"""Which words of a text speak for one category and which for another, by leaving each of them out.

A word's weight is by how much the log odds of the one category against the other fall when the word is left out of the
text: occlusion, as in Li, Monroe and Jurafsky, "Understanding neural networks through representation erasure" (2016).
It needs nothing but the network's answers, so it is right for every text branch, also one with a pretrained encoder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schemas.arrays import Floats, Floats32, Ints
from udfs.text import normalize, truncate

Read = Callable[[Sequence[str], Ints], Floats32]
"""Texts and their rows -> log-probabilities, shape (n, C); NaN where a text says nothing."""

AT_MOST = 5
"""Words that are kept on each side."""
_TRIED = 30
"""Distinct words of a text that are left out in turn, from its beginning."""
_LEAST = 0.1
"""Smaller weights are no reasons: they change the odds by less than a tenth."""
_LONGEST = 40
"""Longer words, such as links without spaces, are no words."""
_DIGITS = 3
"""Of a weight, so that it does not depend on how texts are batched."""
_TOKEN = re.compile(r"\w+")


class Word(NamedTuple):
    """A word and its weight.

    Attributes:
        word: as it first stands in the text.
        weight: above 0, in units of log odds.
    """

    word: str
    weight: float


@dataclass(frozen=True)
class Question:
    """A text, and the two categories to tell apart.

    Attributes:
        text: from `udfs.text.join_texts`.
        suggested: index of the one category.
        other: index of the other; None: all others.
    """

    text: str
    suggested: int
    other: int | None


def word_weights(
    questions: Sequence[Question], read: Read, max_chars: int
) -> list[tuple[tuple[Word, ...], tuple[Word, ...]]]:
    """Find the words that move the odds.

    Args:
        questions: n texts with their categories.
        read: the network. A row is the index of a question, so that each text is read by the right member.
        max_chars: the network reads no more of a text.

    Returns:
        For each question the words for `suggested` and those for `other`, each the strongest first, at most `AT_MOST`.
    """
    texts: list[str] = []
    rows: list[int] = []
    words: list[dict[str, str]] = []
    for row, question in enumerate(questions):
        text = truncate(question.text, max_chars)
        words.append(distinct_words(text))
        texts += [text, *(without_word(text, word) for word in words[-1])]
        rows += [row] * (1 + len(words[-1]))
    if not texts:
        return []
    odds = _log_odds(read(texts, np.array(rows, np.int64)), [questions[row] for row in rows])
    found, start = [], 0
    for shown in words:
        falls = odds[start] - odds[start + 1 : start + 1 + len(shown)]
        start += 1 + len(shown)
        found.append((_strongest(shown, falls), _strongest(shown, -falls)))
    return found


def distinct_words(text: str) -> dict[str, str]:
    """The first words of a text: normalised -> as it first stands there."""
    found: dict[str, str] = {}
    for match in _TOKEN.finditer(text):
        if len(found) == _TRIED:
            break
        if len(match.group()) <= _LONGEST:
            found.setdefault(_key(match.group()), match.group())
    return found


def without_word(text: str, word: str) -> str:
    """The text without every occurrence of a normalised word."""
    return _TOKEN.sub(lambda match: "" if _key(match.group()) == word else match.group(), text)


def _key(word: str) -> str:
    return normalize(word, len(word))


def _log_odds(predicted: Floats32, questions: Sequence[Question]) -> Floats:
    """The log odds of `suggested` against `other`, shape (n,); 0 where a text says nothing."""
    logs, rows = predicted.astype(np.float64), np.arange(len(questions))
    own = logs[rows, [question.suggested for question in questions]]
    has_other = np.array([question.other is not None for question in questions])
    other = logs[rows, [question.other or 0 for question in questions]]
    rest = np.log(np.maximum(-np.expm1(np.minimum(own, 0.0)), 1e-12))
    return np.asarray(np.nan_to_num(own - np.where(has_other, other, rest)))


def _strongest(shown: dict[str, str], weights: Floats) -> tuple[Word, ...]:
    rounded = [round(float(weight), _DIGITS) for weight in weights]
    words = [Word(word, weight) for word, weight in zip(shown.values(), rounded, strict=True) if weight >= _LEAST]
    return tuple(sorted(words, key=lambda each: (-each.weight, each.word))[:AT_MOST])
