"""Numbers with check digits: IBANs, card numbers and product codes. The only module that imports python-stdnum."""

from __future__ import annotations

import re

_CARD = re.compile(
    r"""
    4\d{15}(?:\d{3})?                                                        # Visa; 13 digits are rather an EAN
    | (?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}       # Mastercard
    | 3[47]\d{13}                                                            # American Express
    | 3(?:0[0-5]|[689]\d)\d{11}                                              # Diners Club
    | (?:6011|65\d\d|64[4-9]\d)\d{12}                                        # Discover
    | 35(?:2[89]|[3-8]\d)\d{12}                                              # JCB
    | 62\d{14,17}                                                            # UnionPay
    """,
    re.VERBOSE,
)
_IBANS = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS = {country: length for length, countries in _IBANS.items() for country in countries.split()}
"""Country -> length of its IBANs, by the registry of ISO 13616."""


def iban_length(text: str) -> int:
    """Length of the IBAN (ISO 13616) with which a text begins; 0 if it begins with none.

    Args:
        text: capital letters and digits without separators.
    """
    from stdnum import iban

    length = _IBAN_LENGTHS.get(text[:2], 0)
    # Whether the bank exists is not asked: such lists grow old.
    return length if 0 < length <= len(text) and iban.is_valid(text[:length], check_country=False) else 0


def is_card_number(digits: str) -> bool:
    """Whether digits are a card number: those of a known network, with the check digit of Luhn (ISO/IEC 7812)."""
    from stdnum import luhn

    return _CARD.fullmatch(digits) is not None and bool(luhn.is_valid(digits))


def is_product_code(digits: str) -> bool:
    """Whether digits are an EAN, UPC, GTIN-14 or ISBN-10 with its check digit; some phone numbers are so by chance."""
    from stdnum import ean, isbn

    return bool(ean.is_valid(digits)) or (len(digits) == 10 and bool(isbn.is_valid(digits)))
