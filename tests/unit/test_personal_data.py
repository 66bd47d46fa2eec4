"""Personal data in texts of several languages, and what must not be taken for it."""

from __future__ import annotations

import time

import pytest

from schemas.reasons import PersonalData
from tests.unit.personal_samples import ADDRESSES, CARDS, EMAILS, IBANS, NEGATIVES, PHONES
from udfs.languages import find_language
from udfs.personal_data import find_personal_data
from udfs.phone_numbers import unknown_regions
from udfs.phone_regions import BY_CURRENCY, BY_LANGUAGE, likely_regions


def found(text: str | None) -> list[str]:
    """The kinds in a description, with the default settings."""
    return find_personal_data(None, text, language=find_language(None, text))


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (PersonalData.EMAIL, EMAILS),
        (PersonalData.PHONE, PHONES),
        (PersonalData.IBAN, IBANS),
        (PersonalData.CARD, CARDS),
        (PersonalData.ADDRESS, ADDRESSES),
    ],
)
def test_each_kind_is_found_and_no_other(kind: PersonalData, texts: tuple[str, ...]) -> None:
    assert {text: found(text) for text in texts if found(text) != [kind.value]} == {}


def test_what_only_looks_like_personal_data_is_not_found() -> None:
    assert {text: found(text) for text in NEGATIVES if found(text)} == {}


def test_several_kinds_are_sorted_and_found_in_title_and_description() -> None:
    title, description = "Call +33 6 12 34 56 78", "a@example.com, DE89 3704 0044 0532 0130 00, 4111 1111 1111 1111"
    assert find_personal_data(title, description) == ["card", "email", "iban", "phone"]
    assert find_personal_data(title, None) == ["phone"]
    assert find_personal_data(None, "a@example.com") == ["email"]


def test_given_regions_take_the_place_of_the_likely_ones() -> None:
    french, american, german = "06 71 91 89 60", "Call 415-392-2000", "+49 171 1234567"
    kinds = {
        text: [
            find_personal_data(None, text, language="pl", regions=regions) for regions in ((), ("FR",), ("US", "FR"))
        ]
        for text in (french, american, german)
    }
    assert kinds == {
        french: [[], ["phone"], ["phone"]],
        american: [["phone"], [], ["phone"]],
        german: [["phone"], ["phone"], ["phone"]],
    }
    # French overseas departments have country codes of their own, and are called like the rest of the country.
    assert find_personal_data(None, "06 93 73 58 17", regions=("FR",)) == ["phone"]


def test_the_likely_regions_go_with_currency_and_language() -> None:
    assert likely_regions("fr", "EUR") == ("FR", "BE", "LU")
    assert likely_regions("fr", "CHF") == ("CH",)
    assert likely_regions("en", "EUR") == BY_CURRENCY["EUR"]
    assert likely_regions("pl", "SEK") == ("SE", "PL")
    assert likely_regions("de", None) == BY_LANGUAGE["de"]
    assert likely_regions(None, "kr") == ("SE", "DK", "NO")
    assert likely_regions(None, None) == likely_regions("xx", "XXX") == ()


def test_all_regions_have_a_numbering_plan() -> None:
    assert (
        unknown_regions(region for regions in (*BY_LANGUAGE.values(), *BY_CURRENCY.values()) for region in regions)
        == []
    )
    assert unknown_regions(["FR", "UK", "XX"]) == ["UK", "XX"]


PARTS = ("1(", "1 ", "(1", "a@", "a.", "@a.", "FR76 ", "a1 ", "tel:", "tel 1", "1-", "4111 ", "<a ", "at ", "''")


@pytest.mark.parametrize("part", [*PARTS, "CA 95014 ", "1 Road OX1 4AB "])
def test_long_texts_are_read_in_linear_time(part: str) -> None:
    text = f"0612345678 @ {part * 20_000}"
    start = time.process_time()
    find_personal_data(text, text)
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Stainless steel water bottle with lid", "en"),
        ("<p>Gourde en acier inoxydable avec couvercle</p>", "fr"),
        ("Schwarze Lederstiefeletten für Herren, Größe 42", "de"),
        ("Auriculares inalámbricos con cancelación de ruido", "es"),
        ("Asciugamani morbidi da bagno, quattro pezzi", "it"),
        ("Draadloze koptelefoon met ruisonderdrukking", "nl"),
        ("Garrafa de água em aço inoxidável com tampa", "pt"),
        ("Składane krzesło ogrodowe z podłokietnikami", "pl"),
        ("ステンレス製の水筒です", "ja"),
        ("Casio G-Shock GA-2100-1A1ER", None),
        ("Samsung Galaxy S21 128GB", None),
        ("LEGO 42115", None),
        ("Levi's 501", None),
        ("n/a", None),
        ("", None),
        (None, None),
    ],
)
def test_the_language_is_that_of_the_words_or_none(text: str | None, language: str | None) -> None:
    assert find_language(text, None) == language
    assert find_language(None, text) == language
