"""Both languages have all words of the page, with the same places for values."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest
import yaml

from jobs.reviewing.words import LANGUAGES, choose_language, load_words
from schemas.reasons import PersonalData, Reason


def entries(language: str) -> dict[str, str]:
    """Key -> text; keys of groups are joined by points."""
    text = resources.files("jobs.reviewing").joinpath(f"words/{language}.yaml").read_text(encoding="utf-8")

    def flat(values: dict[str, Any], above: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in values.items():
            assert isinstance(name, str), f"{above}{name}: YAML reads it as another type"
            found |= flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
        return found

    return flat(yaml.safe_load(text), "")


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_the_languages_have_the_same_words_and_places() -> None:
    english, french = (entries(language) for language in LANGUAGES)
    assert english.keys() == french.keys()
    assert {key: places(english[key]) for key in english} == {key: places(french[key]) for key in french}
    same = {key for key in english if english[key] == french[key] and len(english[key]) > 12}
    assert same <= {"answers.set_category"}


def test_every_reason_has_a_name_and_those_not_about_the_category_a_question_with_two_answers() -> None:
    words = load_words("en")
    for reason in Reason:
        assert words(f"reasons.{reason.value}")
        if reason.queue.value == "other":
            for group in ("questions", "flag_right", "flag_wrong"):
                assert words(f"{group}.{reason.value}")
    assert {kind.value for kind in PersonalData} == set(words.group("personal_data"))


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        (None, "de-DE,de;q=0.9,en;q=0.5,fr;q=0.6", "fr"),
        (None, "fr;q=high, en", "en"),
        (None, "de", "en"),
        ("fr", "en", "fr"),
        ("xx", "fr", "fr"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers_first(wanted: str | None, accepted: str, language: str) -> None:
    assert choose_language(wanted, accepted) == language
