"""Find phone numbers in texts. The only module that imports phonenumbers.

Shops' texts are full of numbers that are none: codes, sizes, prices, dates. So a number counts if it is valid by the
numbering plan of a country and something shows that it is meant as one: a country code after +, a word such as "call"
directly before it (`udfs.phone_words`), or the form in which a country writes its numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import pairwise

from udfs.check_digits import is_product_code
from udfs.phone_words import is_called, is_code

_CANDIDATE = re.compile(
    r"""
    (?<![\w.,/\#@$€£¥₹*=-]) (?<!\d[ ]) (?<!\d\() (?<!\d[ ]\()
    (?>  # all of it or nothing: what is left of 0612 3456 78cm is no number
        (?:\(?\+)? \(?\d (?:(?:[ ./-]|[ ]?[(]|[)][ ./-]?|[ ][-/][ ])?\d)+
    )
    (?![\w@*=%$€£¥₹°"″]) (?![.,:/-]\d) (?!-\w)
    (?!\s?(?:€|eur|usd|gbp|chf|inr|rs|mm|cm|m|g|gr|kg|ml|cl|l|mah|wh|w|v|hz|px|dpi|pcs|[kmgt][bo]|lbs|oz|inch|zoll
        |x|\u00d7)\b)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PARTS = re.compile(r" [-/] ")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[./-][01]?\d[./-][0-3]?\d|[0-3]?\d[./-][0-3]?\d[./-](?:19|20)\d\d)(?!\d)"
    r"|^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$"
)
_SHORTEST, _LONGEST = 7, 15  # E.164: at most 15 digits
_SHORTEST_UNSURE = 9
"""Shorter numbers count only after a word such as "call", and if they are valid in a likely country: some country has
every number of seven digits."""
_PREFIX_LEFT_OUT = ("IN",)
"""Countries that have a digit before national numbers, but do not write it before those of mobile phones."""
_WITH = {"FR": ("GP", "RE", "MQ", "GF", "YT")}
"""Country -> others with another country code that it calls without one."""
_BEFORE = 48
"""Characters before a number that are read."""


def unknown_regions(regions: Iterable[str]) -> list[str]:
    """Those of some codes of countries (ISO 3166-1) for which no numbering plan is known."""
    from phonenumbers import SUPPORTED_REGIONS

    return sorted(set(regions) - set(SUPPORTED_REGIONS))


def has_phone_number(text: str, regions: Sequence[str], *, any_if_called: bool) -> bool:
    """Whether a text contains a phone number.

    Args:
        text: in Unicode NFKC, without markup and links.
        regions: countries (ISO 3166-1) whose numbers count without a country code.
        any_if_called: whether a number of any country counts if a word such as "call" stands directly before it.
    """
    for match in _CANDIDATE.finditer(text):
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        called = is_called(before)
        if not called and is_code(before):
            continue
        for number in {match[0], *_PARTS.split(match[0])}:
            if _is_phone_number(number, tuple(regions), called=called, anywhere=called and any_if_called):
                return True
    return False


def is_dialled(number: str, regions: Sequence[str]) -> bool:
    """Whether the number of a link such as tel:+33612345678 is a phone number of some country, `regions` first."""
    return _SHORTEST <= len(_digits(number)) <= _LONGEST and _is_valid_somewhere(number, tuple(regions))


def _is_phone_number(number: str, regions: tuple[str, ...], *, called: bool, anywhere: bool) -> bool:
    digits = _digits(number)
    if not _SHORTEST <= len(digits) <= _LONGEST or _DATE.search(number) or _is_size_run(number):
        return False
    grouped = len(re.findall(r"\d+", number)) > 1
    if "+" in number:
        return _is_valid(number, None, possible=called)
    if not grouped and is_product_code(digits) and not (called and len(digits) < 12):
        return False
    if digits.startswith("00") and (grouped or called):
        return len(digits) > 10 and _is_valid(f"+{digits[2:]}", None)
    is_long = len(digits) >= _SHORTEST_UNSURE
    if called and any(_is_valid(number, region, possible=is_long) for region in regions):
        return True
    if called:
        return is_long and anywhere and _is_valid_somewhere(number, regions)
    return is_long and any(_is_written_as_in(number, region) for region in regions)


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _is_size_run(number: str) -> bool:
    """Whether numbers look like sizes, ages and the like: 36 38 40 42, 6 12 18 24, 7 8 9 or 2400 4800."""
    groups = re.findall(r"\d+", number)
    values = [int(group) for group in groups]
    if sum(len(group) == 1 for group in groups) > 2 or not any(value % 100 for value in values):
        return True
    if len(values) < 3 or len({len(group) for group in groups}) > 1:
        return False
    steps = {after - before for before, after in pairwise(values)}
    even = len(steps) == 1 and (steps <= set(range(-10, 11)) or len(groups[0]) > 2)
    return even or (min(steps) > 0 and values[-1] <= 60 and not any(value % 2 for value in values))


@lru_cache(maxsize=10_000)
def _is_valid(number: str, region: str | None, *, possible: bool = False) -> bool:
    """Whether a number is in use in a country, or, if `possible` is enough, has a length that is."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return False
    if possible and phonenumbers.is_possible_number(parsed):
        return True
    return bool(phonenumbers.is_valid_number(parsed)) or any(
        _is_valid(number, other) for other in _WITH.get(region or "", ())
    )


def _is_valid_somewhere(number: str, regions: tuple[str, ...]) -> bool:
    from phonenumbers import SUPPORTED_REGIONS

    if "+" in number:
        return _is_valid(number, None)
    return any(_is_valid(number, region) for region in (*regions, *sorted(set(SUPPORTED_REGIONS) - set(regions))))


def _is_written_as_in(number: str, region: str) -> bool:
    """Whether a number has the form in which a country writes its numbers.

    A mobile number with the digit before national numbers (0 in most of Europe) may have any groups, or none. All
    others must have the groups of the country, as 01 45 67 89 12 in France and 212-555-0123 in the USA.
    """
    import phonenumbers

    if not _is_valid(number, region):
        return False
    parsed, prefix, groups = phonenumbers.parse(number, region), _prefix(region), re.findall(r"\d+", number)
    is_prefixed = prefix not in ("", "1") and _digits(number).startswith(prefix)
    if is_prefixed and phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE:
        return len(groups) == 1 or len(groups[0]) > 1 or prefix == "8"
    if len(groups) == 1 or not (is_prefixed or prefix in ("", "1") or region in _PREFIX_LEFT_OUT):
        return False
    written = re.findall(r"\d+", phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL))
    if not is_prefixed:
        written[0] = written[0].removeprefix(prefix)
    sizes = [len(group) for group in groups if group != "1"]
    return sizes == [len(group) for group in written] or (len(_digits(number)) == 9 and sizes == [3, 3, 3])


@cache
def _prefix(region: str) -> str:
    """The digits before national numbers, such as 0 in France; empty where there are none."""
    from phonenumbers import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region(region)
    return (metadata.national_prefix if metadata else None) or ""
