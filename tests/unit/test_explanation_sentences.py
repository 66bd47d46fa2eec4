"""The sentence of an explanation, for everything that a listing can have or lack."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from udfs.explanation_sentences import Evidence, explain_in_words

WHOLE = Evidence(
    label="Sandals",
    is_known=True,
    suggestion="Sneakers",
    words=("running", "sole", "grip", "fourth"),
    text=(0.8, 0.1),
    image=(0.9, 0.05),
    error_rate=0.061,
    listings=120,
)
RECORD = "about 6% of your listings are in a wrong category"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param(
            {},
            "We think this belongs in Sneakers, not in Sandals: the words 'running', 'sole' and 'grip' and the picture "
            f"say so, and {RECORD}.",
            id="everything",
        ),
        pytest.param(
            {"words": ("sole",), "image": (None, None), "error_rate": None, "listings": None},
            "We think this belongs in Sneakers, not in Sandals: the word 'sole' says so.",
            id="no picture and no seller",
        ),
        pytest.param(
            {"words": ("sole", "grip"), "image": (None, None), "listings": 9},
            "We think this belongs in Sneakers, not in Sandals: the words 'sole' and 'grip' say so.",
            id="two words, a seller with few listings",
        ),
        pytest.param(
            {"words": (), "text": (None, None), "error_rate": 0.01},
            "We think this belongs in Sneakers, not in Sandals: the picture says so.",
            id="no text, a careful seller",
        ),
        pytest.param(
            {"words": (), "image": (None, None), "error_rate": None},
            "We think this belongs in Sneakers, not in Sandals: the text as a whole says so.",
            id="no single word",
        ),
        pytest.param(
            {"image": (0.1, 0.8), "is_certain": False},
            "This may belong in Sneakers rather than in Sandals: the words 'running', 'sole' and 'grip' say so, "
            f"although the picture speaks for Sandals, and {RECORD}.",
            id="the picture speaks against it",
        ),
        pytest.param(
            {"text": (0.1, 0.8), "image": (0.1, 0.8), "is_certain": False},
            "This may belong in Sneakers rather than in Sandals: the text and the picture speak for Sandals, and "
            f"{RECORD}.",
            id="only the record speaks for it",
        ),
        pytest.param(
            {"label": None, "is_known": False, "text": (0.8, None), "image": (0.2, None)},
            "This came without a category, and we think it belongs in Sneakers: the words 'running', 'sole' and 'grip' "
            "say so.",
            id="no label",
        ),
        pytest.param(
            {"label": "Shooz", "is_known": False, "is_certain": False, "text": (0.3, None), "image": (0.2, None)},
            "'Shooz' is not one of our categories, and it may belong in Sneakers.",
            id="an unknown label",
        ),
        pytest.param(
            {"by_person": True, "text": (None, None), "image": (None, None), "has_input": False, "listings": None},
            "A reviewer has decided that this belongs in Sneakers, not in Sandals.",
            id="a person has decided",
        ),
        pytest.param(
            {"suggestion": None},
            "We cannot tell from its text and picture where this belongs.",
            id="no suggestion",
        ),
        pytest.param(
            {"label": None, "is_known": False, "has_input": False},
            "This came without a category, and we cannot tell from its text and picture where this belongs.",
            id="neither label nor input",
        ),
    ],
)
def test_the_sentence_names_what_is_there_and_nothing_else(values: dict[str, Any], sentence: str) -> None:
    assert explain_in_words(dataclasses.replace(WHOLE, **values)) == sentence
