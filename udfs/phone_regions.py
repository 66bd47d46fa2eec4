"""Which countries' phone numbers a listing may have, by its language and currency."""

from __future__ import annotations

from collections.abc import Mapping

BY_LANGUAGE: Mapping[str, tuple[str, ...]] = {
    "ar": ("AE", "SA", "EG", "MA"), "bg": ("BG",), "cs": ("CZ",), "da": ("DK",), "de": ("DE", "AT", "CH"),
    "el": ("GR", "CY"), "en": ("US", "GB", "CA", "AU", "IE", "NZ", "IN"), "es": ("ES", "MX", "AR", "CO", "CL"),
    "et": ("EE",), "fi": ("FI",), "fr": ("FR", "BE", "CH", "LU", "CA"), "he": ("IL",), "hi": ("IN",), "hr": ("HR",),
    "hu": ("HU",), "id": ("ID",), "it": ("IT", "CH"), "ja": ("JP",), "ko": ("KR",), "lt": ("LT",), "lv": ("LV",),
    "nl": ("NL", "BE"), "no": ("NO",), "pl": ("PL",), "pt": ("PT", "BR"), "ro": ("RO",), "ru": ("RU",), "sk": ("SK",),
    "sl": ("SI",), "sv": ("SE", "FI"), "th": ("TH",), "tr": ("TR",), "uk": ("UA",), "vi": ("VN",),
    "zh": ("CN", "TW", "HK"),
}  # fmt: skip
"""Language (ISO 639-1) -> the countries with the most shops in it (ISO 3166-1)."""

BY_CURRENCY: Mapping[str, tuple[str, ...]] = {
    "AED": ("AE",), "AUD": ("AU",), "BGN": ("BG",), "BRL": ("BR",), "CAD": ("CA",), "CHF": ("CH",), "CNY": ("CN",),
    "CZK": ("CZ",), "DKK": ("DK",), "GBP": ("GB",), "HKD": ("HK",), "HUF": ("HU",), "IDR": ("ID",), "ILS": ("IL",),
    "INR": ("IN",), "JPY": ("JP",), "KRW": ("KR",), "MAD": ("MA",), "MXN": ("MX",), "NOK": ("NO",), "NZD": ("NZ",),
    "PLN": ("PL",), "RON": ("RO",), "RUB": ("RU",), "SAR": ("SA",), "SEK": ("SE",), "THB": ("TH",), "TRY": ("TR",),
    "TWD": ("TW",), "UAH": ("UA",), "USD": ("US",), "VND": ("VN",), "ZAR": ("ZA",), "ARS": ("AR",), "CLP": ("CL",),
    "COP": ("CO",), "EGP": ("EG",),
    "EUR": ("FR", "DE", "IT", "ES", "NL", "BE", "AT", "PT", "IE", "FI", "GR", "LU", "SK", "SI", "HR", "EE", "LV", "LT"),
    "$": ("US", "CA", "AU", "NZ"), "¥": ("JP", "CN"), "kr": ("SE", "DK", "NO"), "Rs": ("IN",),
}  # fmt: skip
"""Currency (ISO 4217, or a sign that several share) -> the countries that pay with it."""


def likely_regions(language: str | None, currency: str | None) -> tuple[str, ...]:
    """The countries of a listing: those of its currency in which its language is spoken.

    Shops write English everywhere, so it narrows no currency. Where no country has both, those of either count.

    Args:
        language: as `udfs.languages.find_language` returns it; None: unknown.
        currency: as in the table listings; None: unknown.
    """
    spoken, paid = BY_LANGUAGE.get(language or "", ()), BY_CURRENCY.get(currency or "", ())
    if paid and language == "en":
        return paid
    both = tuple(region for region in paid if region in spoken)
    return both or (*paid, *spoken)
