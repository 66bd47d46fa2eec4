"""What a person should look at in a delivery is said in plain sentences."""

from __future__ import annotations

import pytest

from jobs.console.wording import agree
from jobs.ingestion.warnings import (
    FileColumns,
    address_warnings,
    category_warnings,
    price_warnings,
    quarantine_warnings,
    uneven_files,
)


def test_words_agree_with_their_number() -> None:
    text = "{n} {row is|rows are} bad{|s}: --set 'x={y: z}' {a} {}"
    assert agree(text, 1) == "1 row is bad: --set 'x={y: z}' {a} {}"
    assert agree(text, 2000) == "2,000 rows are bads: --set 'x={y: z}' {a} {}"
    assert agree(text, 0).startswith("0 rows are")


def test_a_file_that_lacks_columns_of_the_others_is_named() -> None:
    full = FileColumns(("a.csv", "b.csv"), ("listing_id", "title", "image"))
    bare = FileColumns(("c.csv",), ("listing_id", "image_uri"), ("name",))
    (text,) = uneven_files([full, bare])
    assert text == (
        "c.csv lacks title, which other files of the delivery have: its rows come without. Not used there: name. If a "
        "column has another name there, load this file separately, with a mapping: --set "
        "ingest.columns='{title: NAME_IN_FILE}'"
    )
    (text,) = uneven_files([FileColumns(("{n|m}.csv",), ("listing_id", "title", "image", "price")), full])
    assert text.startswith("a.csv and 1 more file lack price, which other files of the delivery have: their rows come")
    assert uneven_files([full]) == uneven_files([full, full]) == ()


def test_a_price_with_a_point_is_doubtful_only_beside_prices_with_a_comma() -> None:
    assert price_warnings(0, {"open": 3, None: 2}) == price_warnings(0, {"comma": 3}) == []
    (text,) = price_warnings(0, {"open": 1, "comma": 1})
    assert text.startswith(
        "1 price such as 1.234 is read as a little more than 1, but other prices of the delivery have"
    )
    unread, doubtful = price_warnings(2, {"open": 2000, "comma": 1})
    assert unread.startswith("2 prices cannot be read for sure; these listings have none.")
    assert doubtful.startswith("2,000 prices such as 1.234 are read")
    assert "--set ingest.decimal_sign=','" in doubtful


def test_listings_without_a_category_are_counted() -> None:
    assert category_warnings(0) == []
    assert category_warnings(1) == ["1 listing has no category."]
    assert category_warnings(2) == ["2 listings have no category."]


@pytest.mark.parametrize("value", ["https://x.de/1", "/pictures/1", "S3://bucket/1", "folder/a.JPG", "a.webp"])
def test_an_address_is_no_picture(value: str) -> None:
    assert address_warnings("photo", value) == [
        "Column 'photo' holds addresses and no pictures: --set 'ingest.columns={image_uri: photo, image: null}'"
    ]


@pytest.mark.parametrize("value", [None, "/9j/4AAQSkZJRgABAQ", "iVBORw0KGgo", "R0lGODlhAQABAAAAACw=", "not a picture"])
def test_what_may_be_a_picture_is_no_address(value: str | None) -> None:
    assert address_warnings("photo", value) == []


def test_rows_that_cannot_be_used_come_with_a_way_out() -> None:
    untimed, damaged = quarantine_warnings({"damaged_listing_id": 2, "malformed_row": 5, "missing_updated_at": 1})
    assert untimed == (
        "1 row has no time. If one time may stand for all rows, leave the column out and take the time of the file: "
        "--set 'ingest.columns={updated_at: null}' --set ingest.updated_at=file"
    )
    assert damaged.startswith("2 values of listing_id are numbers that a spreadsheet has rounded.")
    assert quarantine_warnings({"malformed_row": 5}) == []
