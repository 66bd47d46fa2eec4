"""Prices as people write them; what is not sure is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.prices import ISO_CODES, SIGNS, decimal_hint, parse_price

SURE = {
    "19.99 USD": (19.99, "USD"),
    "89.0 EUR": (89.0, "EUR"),
    "eur5": (5.0, "EUR"),
    "12,99": (12.99, None),
    "$5": (5.0, "$"),
    "US$ 5": (5.0, "USD"),
    "-€5": (-5.0, "EUR"),
    "€ -5": (-5.0, "EUR"),
    "1.234,56": (1234.56, None),
    "1,234.56": (1234.56, None),
    "1 234,56\u00a0€": (1234.56, "EUR"),
    "1\u202f234,56 €": (1234.56, "EUR"),
    "1'234.50 CHF": (1234.5, "CHF"),
    "₹1,37,900": (137900.0, "INR"),
    "1,23,456.5": (123456.5, None),
    "12,345,678": (12345678.0, None),
    "0,500": (0.5, None),
    "1234,567": (1234.567, None),
    "1.234": (1.234, None),
    "-5": (-5.0, None),
    "1e3": (1000.0, None),
    " 7 ": (7.0, None),
    "349 kr": (349.0, "kr"),
}
AMBIGUOUS = {"1,234": (1.234, 1234.0), "$1.234": (1234.0, 1.234), "12,345 EUR": (12.345, 12345.0)}
"""Price -> what it is with a comma and with a point before the decimals."""
NONE = (
    "", " ", "abc", "5d", "5f", "0x10", "NaN", "inf", "1e999",
    "10-20", "5 PCS", "$", "EUR", "12,", "1,2,3", "1.2.3", "1,234,56",
    "1,234.567.8", "01,234,567", "5 €/kg", "from 5", "€5 EUR", "--5", "-€-5", "5 5", "١٢", "8.41E+12 EUR",
    "1" + "0" * 400,
)  # fmt: skip


@pytest.mark.parametrize(("text", "price"), SURE.items())
def test_a_price_that_is_sure_is_read_without_a_setting(text: str, price: tuple[float, str | None]) -> None:
    assert parse_price(text) == price


@pytest.mark.parametrize(("text", "amounts"), AMBIGUOUS.items())
def test_an_ambiguous_price_is_read_with_the_sign_before_the_decimals(text: str, amounts: tuple[float, float]) -> None:
    found = (parse_price(text, ","), parse_price(text, "."))
    assert parse_price(text) is None
    assert tuple(price and price.amount for price in found) == amounts


@pytest.mark.parametrize(
    ("hint", "texts"),
    {
        "comma": ("1.234,56", "12,99", "1,234", "1.234.567", "EUR 12,345", "0,500", " -1.234,5 €"),
        "open": ("1.234", "-12.500", "999.000"),
        None: ("1,234.56", "19.99", "0.125", "1234.567", "12,345,678", "$1.234", "1 234", "5", "abc", "12,", "1,2,3",
               "", "10-20", "1" * 41),
    }.items(),
)  # fmt: skip
def test_some_prices_show_what_stands_before_the_decimals_of_others(hint: str | None, texts: tuple[str, ...]) -> None:
    assert [(text, decimal_hint(text)) for text in texts] == [(text, hint) for text in texts]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_price_is_none(text: str) -> None:
    assert parse_price(text) is None


def test_the_setting_contradicts_a_price_and_wins() -> None:
    assert parse_price("1.234", ",") == (1234.0, None)
    assert parse_price("19.99", ",") is None
    assert parse_price("12,99", ".") is None


@given(st.decimals(0, 10**9, places=2, allow_nan=False), st.sampled_from([".", ","]), st.sampled_from([*ISO_CODES]))
def test_written_prices_are_read_again(amount: object, decimal: str, currency: str) -> None:
    written = f"{amount:,.2f}".translate(str.maketrans(".,", ".," if decimal == "." else ",."))
    assert parse_price(f"{written} {currency}", "." if decimal == "." else ",") == (float(str(amount)), currency)


@given(st.text(max_size=20))
def test_any_text_is_a_price_or_none(text: str) -> None:
    price = parse_price(text)
    assert price is None or (abs(price.amount) < float("inf") and price.currency in {None, *ISO_CODES, *SIGNS.values()})
