"""Find personal data in the texts of a listing. Only its kinds are returned, never the data."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from schemas.reasons import PersonalData
from udfs.check_digits import iban_length, is_card_number
from udfs.email_addresses import may_have_email, remove_emails
from udfs.markup import plain_text
from udfs.phone_numbers import has_phone_number, is_dialled
from udfs.phone_regions import likely_regions
from udfs.phone_words import is_code
from udfs.postal_addresses import has_postal_address, may_have_postal_address

_VERSION = 2
"""Increase it when all texts must be read again, because the rules for personal data or languages have changed."""
_WIDE_AT = "\uff20"
_LONGEST = 20_000
"""Characters that are read of a title or description."""
_DIGITS = re.compile(r"\d(?:\W{0,4}\d){6}")
_MAIL_LINK = re.compile(r"\bmailto:\s*(?=[^\s\"'<>@?]+@)([^\s\"'<>?]+)", re.IGNORECASE)
_PHONE_LINK = re.compile(
    r"(?:\b(?:tel|callto|sms|whatsapp):|\bwa\.me/|whatsapp\.com/send/?\?phone=)\s*((?:\+|%2B)?[\d().\s-]*\d)",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.)[^\s<>\"']+", re.IGNORECASE)
_IBAN = re.compile(r"(?<![^\W_])[a-z]{2}\d{2}(?:[ .-]?[a-z0-9]){11,50}", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.,#/+*=-])(?<!\d[ ])(?>\d(?:[ -]?\d){13,})(?![\w%*=])(?![.,:/-]\d)(?!-\w)")
_CARD_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3)}
_CARD_WORD = re.compile(
    r"(?<!\w)(?:card|carte|\w*karte|tarjeta|carta|cart[ãa]o|kart\w|visa|mastercard|amex|cb)(?!\w)", re.IGNORECASE
)
_BEFORE = 48
"""Characters before a number that are read."""


def find_personal_data(
    title: str | None,
    description: str | None,
    *,
    language: str | None = None,
    currency: str | None = None,
    regions: Sequence[str] = (),
) -> list[str]:
    """The kinds of personal data in the texts of a listing.

    Args:
        title, description: the texts, which may be HTML; None where there is none. Of each, the first 20,000 characters
            are read.
        language: as `udfs.languages.find_language` returns it; None: unknown.
        currency: as in the table listings; None: unknown.
        regions: the countries (ISO 3166-1) whose phone numbers count without a country code. Empty: those that go with
            language and currency (`udfs.phone_regions`), and any country where a word such as "call" stands directly
            before the number.

    Returns:
        Sorted names of `schemas.reasons.PersonalData`; empty if there is none.
    """
    raw = f"{(title or '')[:_LONGEST]} \n {(description or '')[:_LONGEST]}"
    if "&" in raw:
        raw = html.unescape(raw)
    if not (may_have_email(raw) or _DIGITS.search(raw) or _WIDE_AT in raw or may_have_postal_address(raw)):
        return []
    if not raw.isascii():
        raw = _plain_digits(unicodedata.normalize("NFKC", raw))
    chosen = tuple(regions) or likely_regions(language, currency)
    kinds = set()
    if _MAIL_LINK.search(raw):
        kinds.add(PersonalData.EMAIL)
    if any(is_dialled(match[1].replace("%2B", "+"), chosen) for match in _PHONE_LINK.finditer(raw)):
        kinds.add(PersonalData.PHONE)
    text, found = remove_emails(_LINK.sub(" ", plain_text(raw)))
    if found:
        kinds.add(PersonalData.EMAIL)
    if has_postal_address(text):
        kinds.add(PersonalData.ADDRESS)
    if _DIGITS.search(text):
        kinds |= _find_numbers(text, chosen, any_if_called=not regions)
    return sorted(kinds)


def text_rules(regions: Sequence[str]) -> str:
    """What the findings in texts depend on beside the listing, as `predictions.text_rules` stores it.

    Args:
        regions: as in `find_personal_data`.
    """
    return " ".join((f"version {_VERSION}", *sorted(regions)))


def _find_numbers(text: str, regions: Sequence[str], *, any_if_called: bool) -> set[PersonalData]:
    kinds = set()
    text, found = _without_ibans(text)
    if found:
        kinds.add(PersonalData.IBAN)
    text, found = _without_cards(text)
    if found:
        kinds.add(PersonalData.CARD)
    if has_phone_number(text, regions, any_if_called=any_if_called):
        kinds.add(PersonalData.PHONE)
    return kinds


def _without_ibans(text: str) -> tuple[str, bool]:
    """The text without IBANs, and whether there was one."""
    position = 0
    parts = []
    while match := _IBAN.search(text, position):
        # The pattern also takes the words that follow; the check digits tell where the IBAN ends.
        places = [i for i in range(match.start(), match.end()) if text[i].isalnum()]
        length = iban_length("".join(text[i] for i in places).upper())
        end = places[length - 1] + 1 if length else 0
        if not length or text[end : end + 1].isalnum():
            parts.append(text[position : match.start() + 1])
            position = match.start() + 1
            continue
        parts.append(text[position : match.start()])
        position = end
        parts.append(" ")
    found = " " in parts
    return ("".join((*parts, text[position:])), True) if found else (text, False)


def _without_cards(text: str) -> tuple[str, bool]:
    """The text without card numbers, and whether there was one."""
    found = False

    def replace(match: re.Match[str]) -> str:
        nonlocal found
        groups = re.findall(r"\d+", match[0])
        grouped = tuple(map(len, groups)) in _CARD_GROUPS
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if (
            not is_card_number("".join(groups))
            or not (grouped or len(groups) == 1)
            or (is_code(before) and not _CARD_WORD.search(before))
        ):
            return match[0]
        found = True
        return " "

    return _CARD.sub(replace, text), found


def _plain_digits(text: str) -> str:
    """The text with digits of all scripts as 0 to 9."""
    return re.sub(r"[^\W\D]", lambda match: str(unicodedata.decimal(match[0])), text)
