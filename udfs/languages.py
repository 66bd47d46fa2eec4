"""Find the language of a listing's texts. The only module that imports py3langid."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from udfs.markup import plain_text

_LANGUAGES = (
    "ar", "bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja", "ko",
    "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip
"""The languages that are told apart (ISO 639-1)."""
_SURE = 0.999
"""The classifier is overconfident: of product titles in English, 87 % are right from 0.98 and 95 % from here."""
_READ = 1000
"""Characters of each text that are read, markup included ..."""
_USED = 300
"""... and characters of words that are used: more add time, but no certainty."""
_WORDS, _LETTERS = 3, 12
"""A shorter text is not sure ..."""
_SIGNS = 6
"""... unless it has so many characters of a script that writes no spaces between words."""
_WITH_DIGITS = re.compile(r"\S*\d\S*")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


def find_language(title: str | None, description: str | None) -> str | None:
    """The language of a listing's texts by their character n-grams (Lui and Baldwin, "langid.py", ACL 2012).

    Words with digits do not count: they are codes and sizes.

    Args:
        title, description: the texts, which may be HTML; None where there is none.

    Returns:
        A code of ISO 639-1; None where it is not sure, or where there is too little text.
    """
    text = plain_text(f"{(title or '')[:_READ]} \n {(description or '')[:_READ]}")
    words = _WORD.findall(_WITH_DIGITS.sub(" ", text).lower())
    joined = " ".join(words)[:_USED]
    is_long = len(words) >= _WORDS and sum(map(len, words)) >= _LETTERS
    if not is_long and len(_UNSPACED.findall(joined)) < _SIGNS:
        return None
    language, probability = _classify(joined)
    return language if probability >= _SURE else None


def _classify(text: str) -> tuple[str, float]:
    """The likeliest language and its probability: naive Bayes, as `LanguageIdentifier.classify` computes it.

    That one multiplies a vector of all 7,480 features, which takes longer and starts a thread per core.
    """
    model = _identifier()
    counts = model.instance2fv(text)
    found = np.flatnonzero(counts)
    scores = counts[found].astype(np.float64) @ model.nb_ptc[found] + model.nb_pc
    best = int(scores.argmax())
    return str(model.nb_classes[best]), float(1.0 / np.exp(scores - scores[best]).sum())


@cache
def _identifier() -> Any:
    """The classifier, loaded once per worker; its model is part of the package."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE)
    identifier.set_languages(list(_LANGUAGES))
    return identifier
