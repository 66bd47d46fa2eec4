"""Which listings of the catalogue a backfill is applied to."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.backfilling.choosing import Selection, choose, read_ids
from schemas.errors import UsageError
from tests.spark.frames import frame, rows_of


@pytest.fixture(scope="module")
def listings(spark: SparkSession) -> DataFrame:
    return frame(
        spark,
        "listing_id STRING, category STRING, seller_id STRING",
        ("a", "bags", "s1"),
        ("b", "bags", "s2"),
        ("c", "hats", "s1"),
        ("d", None, None),
    )


def test_listings_meet_every_kind_by_any_of_its_values(listings: DataFrame) -> None:
    chosen = choose(listings, Selection(categories=("bags", "hats", "none"), sellers=("s1",), ids=("a", "d", "x", "y")))
    assert rows_of(chosen.listings, *listings.columns) == [("a", "bags", "s1")]
    assert (chosen.count, chosen.unknown) == (1, {"category": 1, "seller_id": 0, "listing_id": 2})


def test_a_choice_of_nothing_is_refused(listings: DataFrame) -> None:
    with pytest.raises(UsageError, match=r"no listing in force meets category hats and seller s2: check"):
        choose(listings, Selection(categories=("hats",), sellers=("s2",)))
    with pytest.raises(UsageError, match=r"meets 2 ids \(the catalogue lacks 2 ids\)"):
        choose(listings, Selection(ids=("x", "y")))
    lacking = r"meets category none and 1 id \(the catalogue lacks 1 category and 1 id\): check the values"
    with pytest.raises(UsageError, match=lacking):
        choose(listings, Selection(categories=("none",), ids=("x",)))


def test_a_file_names_one_listing_a_line(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    with pytest.raises(UsageError, match=r"--ids: there is no file .*ids\.txt\. Give a text file"):
        read_ids(path)
    path.write_bytes(b"\xef\xbb\xbfa\r\n\r\n b \na\n")
    assert read_ids(path) == ("a", "b")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"ids.txt: cannot be read as text .* Give one listing id a line"):
        read_ids(path)
    path.write_text("\n  \n")
    with pytest.raises(UsageError, match=r"ids.txt: the file has no id. Give one listing id a line"):
        read_ids(path)
