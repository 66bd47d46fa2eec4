"""Reads a price as people write it: `19.99 USD`, `12,99`, `$5`, `1.234,56`, `₹1,37,900`.

A strict grammar for the whole cell: what it does not know for sure is no price. General parsers guess, and read
`10-20` as 10 or `12.345` as 12345.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, cast

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

DecimalSign = Literal[".", ","]
DecimalHint = Literal["comma", "open"]

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
    "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)
ISO_CODES = frozenset(_CODES.split())
"""Codes of ISO 4217 for currencies in which shops sell."""
SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₪": "ILS", "₫": "VND",
    "₦": "NGN", "₱": "PHP", "฿": "THB", "₸": "KZT", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "R$": "BRL", "US$": "USD",
    "CA$": "CAD", "C$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "MX$": "MXN",
    "NT$": "TWD", "$": "$", "¥": "¥", "kr": "kr", "kr.": "kr", "Fr.": "CHF", "Rs": "Rs", "Rs.": "Rs",
}  # fmt: skip
"""Sign -> code; a sign that several currencies share stands for itself."""
_MAX_LENGTH = 40
"""A longer text is no price."""
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_OPEN = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
"""A plain number whose point may separate thousands."""
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_CURRENCY = "|".join(re.escape(sign) for sign in sorted([*SIGNS, *ISO_CODES], key=len, reverse=True))
_CELL = re.compile(
    rf"""
    (?P<sign>[+-]?) \ ? (?:(?P<before>{_CURRENCY})\ ?)?
    (?P<sign_after>[+-]?) (?P<number>\d[\d.,'\u2019\ ]*?) \ ?
    (?P<after>{_CURRENCY})?
    """,
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)
_BY_UPPER = {sign.upper(): code for sign, code in SIGNS.items()}


class Price(NamedTuple):
    """A price.

    Attributes:
        amount: the number, with its sign.
        currency: code of ISO 4217, or a sign that several currencies share ($, ¥, kr, Rs); None if the cell names none.
    """

    amount: float
    currency: str | None


def parse_price(text: str, decimal: DecimalSign | None = None) -> Price | None:
    """Read a price; None if the text is none, or if it is not sure which.

    A number such as 1,234 or $1.234 is not sure without `decimal`: the sign may separate thousands or decimals. A plain
    number with a point, as in 1.234, has decimals unless `decimal` is a comma.

    Args:
        text: the whole cell.
        decimal: the sign before the decimals; None: known only where the number shows it.
    """
    text = _SPACES.sub(" ", text.strip())
    if len(text) > _MAX_LENGTH:
        return None
    if decimal != "," and _PLAIN.fullmatch(text):
        return Price(float(text), None) if math.isfinite(float(text)) else None
    cell = _CELL.fullmatch(text)
    if cell is None or (cell["sign"] and cell["sign_after"]) or (cell["before"] and cell["after"]):
        return None
    amount = _amount(cell["number"], decimal)
    if amount is None:
        return None
    written = cell["before"] or cell["after"]
    currency = None if written is None else _BY_UPPER.get(written.upper(), written.upper())
    return Price(-amount if "-" in (cell["sign"], cell["sign_after"]) else amount, currency)


def decimal_hint(text: str) -> DecimalHint | None:
    """What a price says about the sign before the decimals of a delivery's prices.

    Returns:
        `comma`: a comma stands before its decimals, or may, or points separate its thousands, as in 1.234,56, 12,99,
        1,234 and 1.234.567. `open`: it is read as a number with decimals, as 1.234, though the point may separate
        thousands; beside prices with a comma, that is not sure. None: neither.
    """
    text = _SPACES.sub(" ", text.strip())
    if len(text) > _MAX_LENGTH:
        return None
    if _OPEN.fullmatch(text):
        return "open"
    cell = _CELL.fullmatch(text)
    marks = "" if cell is None else re.sub(r"\d", "", cell["number"])
    if cell is None or not marks or marks[-1] not in ".,":
        return None
    decimal = _decimal_sign(cell["number"], marks, marks[-1])
    may_be_comma = marks[-1] == "," if decimal is None else decimal == ","
    return "comma" if may_be_comma and _amount(cell["number"], ",") is not None else None


def price_udf(decimal: DecimalSign | None) -> Callable[[Column], Column]:
    """Make a UDF: text -> `amount`, `currency` and `hint`.

    The first two are those of `parse_price`, null if the text is null or no price; the last is that of `decimal_hint`,
    null if `decimal` says it.
    """

    def read(text: str | None) -> tuple[float | None, str | None, DecimalHint | None]:
        price = None if text is None else parse_price(text, decimal)
        hint = None if text is None or decimal is not None else decimal_hint(text)
        return (*(price or (None, None)), hint)

    def prices(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        for texts in batches:
            yield pd.DataFrame([read(text) for text in texts], columns=["amount", "currency", "hint"])

    # The type stubs require the function type as an argument, but pyspark advises against it.
    udf = pandas_udf(prices, "amount DOUBLE, currency STRING, hint STRING")  # type: ignore[call-overload]
    return cast("Callable[[Column], Column]", udf)


def _amount(number: str, decimal: DecimalSign | None) -> float | None:
    """The value of a number without sign and currency."""
    marks = re.sub(r"\d", "", number)
    if not marks:
        return float(number)
    last = marks[-1]
    if decimal is None:
        decimal = _decimal_sign(number, marks, last)
        if decimal is None:
            return None
    whole, found, decimals = number.partition(decimal) if decimal in marks else (number, "", "")
    if found and not decimals.isdecimal():
        return None
    digits = _ungrouped(whole, decimal)
    return None if digits is None else float(f"{digits}.{decimals or 0}")


def _decimal_sign(number: str, marks: str, last: str) -> DecimalSign | None:
    """The sign before the decimals, or that which they would have; None if it is not sure."""
    if last not in ".,":  # only spaces or apostrophes, which never stand before decimals
        return "."
    other: DecimalSign = "," if last == "." else "."
    if marks.count(last) > 1:
        return other
    if len(marks) > 1:  # another sign separates the thousands before it
        return last  # type: ignore[return-value]
    whole, _, decimals = number.partition(last)
    may_be_thousands = len(decimals) == 3 and len(whole) <= 3 and not whole.startswith("0")
    return None if may_be_thousands else last  # type: ignore[return-value]


def _ungrouped(whole: str, decimal: DecimalSign) -> str | None:
    """The digits of a whole number whose thousands one sign may separate; None if they are not well grouped."""
    marks = set(re.sub(r"\d", "", whole))
    if not marks:
        return whole
    mark = marks.pop()
    if marks or mark == decimal:
        return None
    first, *groups = whole.split(mark)
    if first.startswith("0"):
        return None
    western = 1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)
    indian = mark == "," and 1 <= len(first) <= 2 and len(groups[-1]) == 3 and all(len(g) == 2 for g in groups[:-1])
    return first + "".join(groups) if western or indian else None
