"""Postal addresses of the United States, Great Britain and Canada. The only module that imports pyap2 (as `pyap`)."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

Country = Literal["US", "GB", "CA"]

_BEFORE = 160
"""Characters before a postcode that are searched for the rest of the address."""
_MOST = 50
"""Postcodes of a text that are looked at."""
_STATES = {
    "0": "CT|MA|ME|NH|NJ|PR|RI|VT|Connecticut|Massachusetts|Maine|New Hampshire|New Jersey|Rhode Island|Vermont",
    "1": "DE|NY|PA|Delaware|New York|Pennsylvania",
    "2": "DC|MD|NC|SC|VA|WV|Maryland|North Carolina|South Carolina|Virginia|West Virginia",
    "3": "AL|FL|GA|MS|TN|Alabama|Florida|Georgia|Mississippi|Tennessee",
    "4": "IN|KY|MI|OH|Indiana|Kentucky|Michigan|Ohio",
    "5": "IA|MN|MT|ND|SD|WI|Iowa|Minnesota|Montana|North Dakota|South Dakota|Wisconsin",
    "6": "IL|KS|MO|NE|Illinois|Kansas|Missouri|Nebraska",
    "7": "AR|LA|OK|TX|Arkansas|Louisiana|Oklahoma|Texas",
    "8": "AZ|CO|ID|NM|NV|UT|WY|Arizona|Colorado|Idaho|New Mexico|Nevada|Utah|Wyoming",
    "9": "AK|CA|HI|OR|WA|Alaska|California|Hawaii|Oregon|Washington",
}
"""First digit of a ZIP code -> the states in which it is used."""
_POSTCODES: dict[Country, str] = {
    "US": r"(?<!\d)\d{5}(?:-\d{4})?(?![\w-])",
    # The last two letters of a British postcode are none of CIKMOV.
    "GB": r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]?\s?\d[ABD-HJLNP-UW-Z]{2}(?!\w)",
    "CA": r"(?<!\w)[ABCEGHJ-NPRSTVXY]\d[A-Z][ -]?\d[A-Z]\d(?!\w)",
}
_POSTCODE = re.compile("|".join(f"(?P<{country}>{code})" for country, code in _POSTCODES.items()), re.IGNORECASE)
_BRITISH_STREET = re.compile(
    r"\b(?:street|st|road|rd|avenue|ave|lane|ln|close|drive|dr|way|court|crescent|cres|gardens|grove|place|park|square"
    r"|terrace|hill|mews|row|walk|green|parade|yard|gate|rise|view|vale|quay|wharf|embankment|broadway)\b\.?\s*[,\n]"
    r"|\bthe\s+\w+\s*[,\n]",
    re.IGNORECASE,
)


def has_postal_address(text: str) -> bool:
    """Whether a text contains a postal address: number or post box, street, town and postcode.

    An address without postcode does not count, because names of products often look like a street. A ZIP code counts
    behind a state in which it is used, and a British address only if a sign divides street and town.

    Args:
        text: a text without markup.
    """
    for number, match in enumerate(_POSTCODE.finditer(text)):
        if number == _MOST:
            break
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if match.lastgroup == "US" and not _state_before(match[0][0]).search(before):
            continue
        if _ends_with_address(before + match[0], match.lastgroup):  # type: ignore[arg-type]
            return True
    return False


def may_have_postal_address(text: str) -> bool:
    """Whether a text contains what may be a postcode; much faster."""
    return _POSTCODE.search(text) is not None


def _ends_with_address(text: str, country: Country) -> bool:
    import pyap

    found = pyap.parse(text, country=country)
    if country == "GB":
        return any(_BRITISH_STREET.search(str(address.full_address)) for address in found)
    return any(address.postal_code for address in found)


@cache
def _state_before(digit: str) -> re.Pattern[str]:
    """Finds a state at the end of a text, in which ZIP codes begin with a digit."""
    return re.compile(rf"\b(?:{_STATES[digit]})\b\.?,?\s*\Z", re.IGNORECASE)
