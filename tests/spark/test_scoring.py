"""The rows of listings that a night reads for scoring."""

from __future__ import annotations

import datetime as dt
import re

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.scoring import content_to_score
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import Publication
from jobs.warehouse.tables import Warehouse
from schemas.tables import LISTINGS
from tests.spark.frames import frame, rows_of

KEYS = "listing_id string, content_hash string"


def _base(listings_version: int) -> Publication:
    time = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    return Publication(
        run_id="n-1",
        run_date=time.date(),
        model_version="7",
        listings_version=listings_version,
        taxonomy_version=0,
        decisions_version=None,
        base_run_id=None,
        published_versions={},
        counts={},
        started_at=time,
        finished_at=time,
    )


def test_a_picture_is_tried_again_without_reading_the_stored_ones(warehouse: Warehouse) -> None:
    spark = warehouse.spark
    rest = {c.name: F.lit(None).cast(c.type) for c in LISTINGS.columns}

    def listings(*rows: tuple[str, str, str | None, bytes | None]) -> None:
        values = frame(spark, f"{KEYS}, image_uri string, image binary", *rows)
        warehouse.append(LISTINGS, values.withColumns({k: v for k, v in rest.items() if k not in values.columns}))

    listings(("away", "h1", "a.png", None), ("stored", "h2", None, b"stored"), ("known", "h3", None, b"known"))
    before = warehouse.version(LISTINGS)
    listings(("new", "h4", None, b"new"))
    after = warehouse.version(LISTINGS)
    assert before is not None
    assert after is not None
    pins = Pins("7", after, 0, None, "n-1")
    base = _base(before)
    unread = frame(spark, KEYS, ("away", "h1"))

    def content(*wanted: tuple[str, str]) -> DataFrame:
        return content_to_score(warehouse, frame(spark, KEYS, *wanted), unread, False, pins, base)

    found = content(("away", "h1"), ("new", "h4"))
    assert rows_of(found, "listing_id", "image_uri", "image") == [("away", "a.png", None), ("new", None, b"new")]
    assert set(found.columns) == set(LISTINGS.names)
    alone = content_to_score(warehouse, unread, unread, False, Pins("7", before, 0, None, "n-1"), base)
    assert rows_of(alone, "listing_id", "image") == [("away", None)]
    # Of the stored rows only small columns are read: the scan does not include the picture.
    plan = str(alone._jdf.queryExecution().executedPlan())
    scanned = re.findall(r"FileScan parquet \[(.*?)\]", plan)
    assert scanned
    assert not [columns for columns in scanned if re.search(r"\bimage#|more fields", columns)]
    # A listing that is not in the feed and has a stored picture is read with its picture.
    both = content(("away", "h1"), ("stored", "h2"))
    assert rows_of(both, "listing_id", "image") == [("away", None), ("stored", b"stored")]
