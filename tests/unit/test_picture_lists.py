"""The first of several addresses in one value; an address with a comma in it stays whole."""

from __future__ import annotations

import re

import pytest

from udfs.picture_lists import MAY_BE_SEVERAL, first_address

A, B, C = "https://a.shop/1.jpg", "https://a.shop/2.jpg?w=1,2", "http://b.shop/3.jpg"
PREFIXES = ("/pictures/", "s3://bucket/pictures")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (f"{A}, {B}", A),
        (f"{A}, {C}", A),
        (f"{A},{B}", A),
        (f"{A};{B}", A),
        (f"{A};{C}", A),
        (f"{A},{C}", A),
        (f"{A} {C}", A),
        (f"{B} {A}", B),
        (f"{A}|{B}|{C}", A),
        (f"{A} | {C}", A),
        (f"{A}\n{C}\n", A),
        (f"{A}\r\n{C}", A),
        (f"{B}, {A}", B),
        (f"{B},{A}", B),
        (f"{A}, {A},{B}", A),
        (f" {A},\t{B}", A),
        (f"{A}|", A),
        (f'["{A}", "{C}"]', A),
        (f"['{A}', '{C}']", A),
        (f'["{B}"]', B),
        ("/pictures/a.jpg,/pictures/b.jpg", "/pictures/a.jpg"),
        ("/pictures/a, b.jpg|/pictures/b.jpg", "/pictures/a, b.jpg"),
        ("s3://bucket/pictures/a.jpg, s3://bucket/pictures/b.jpg", "s3://bucket/pictures/a.jpg"),
        (f"/pictures/a.jpg, {A}", "/pictures/a.jpg"),
    ],
)
def test_the_first_address_is_taken(text: str, first: str) -> None:
    assert first_address(text, PREFIXES) == first
    assert re.search(MAY_BE_SEVERAL, text)


@pytest.mark.parametrize(
    "text",
    [
        A,
        B,
        "https://a.shop/w_300,h_200/1.jpg",
        "https://a.shop/fit,https://b.shop/1.jpg",
        "https://a.shop/proxy?u=https://b.shop/1.jpg;x=2",
        f"{A}, 2.jpg",
        "a.jpg, b.jpg",
        "/others/a.jpg,/others/b.jpg",
        "/pictures/a, b.jpg",
        "[draft] a.jpg",
        "[1, 2]",
        "[]",
        '["a.jpg", "b.jpg"]',
        "",
        "https://[/a.jpg, https://[/b.jpg",
    ],
)
def test_what_may_be_one_address_stays_whole(text: str) -> None:
    assert first_address(text, PREFIXES) == text
