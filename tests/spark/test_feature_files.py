"""Vectors are copied rather than pictures opened again, and the table's files stay few."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import jobs.features.encoding
from jobs.features.encoding import Encoded, encode_pictures
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES, LISTINGS
from tests.spark.frames import frame, rows_of
from tests.spark.shop import Shop, picture
from udfs.picture_features import encode_listings


def test_a_picture_that_is_stored_is_not_opened_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.encode()
    shop.change("L40", "h41")
    shop.change("junk", "h-junk-2")
    shop.add(("twin", "h-twin", picture(80), None))
    opened: list[str] = []

    def record(listings: DataFrame, *arguments: Any, **options: Any) -> DataFrame:  # noqa: ANN401
        opened.extend(row.listing_id for row in listings.select("listing_id").collect())
        return encode_listings(listings, *arguments, **options)

    monkeypatch.setattr(jobs.features.encoding, "encode_listings", record)
    # Whatever is opened now gives another vector, or none.
    shop.warehouse.table(LISTINGS).update("image IS NOT NULL", {"image": F.lit(b"junk")})
    version = shop.warehouse.version(LISTINGS)
    assert version is not None
    assert encode_pictures(shop.run(), shop.encoder, version) == Encoded(encoded=1, copied=3)
    assert opened == ["away"], "its address is all that is known of it"
    columns = ("content_hash", "image_status", "image_width", "image_height", "superseded_at")
    rows = {(name, content): rest for name, content, *rest in shop.stored(*columns, "day")}
    for new, red in ((("L40", "h41"), 40), (("twin", "h-twin"), 80)):
        assert rows[new] == ["ok", 20, 20, None, shop.now.date()]
        assert shop.vector(*new) == shop.vector(f"L{red}", f"h{red}") is not None
    assert rows["junk", "h-junk-2"] == ["corrupt", None, None, None, shop.now.date()]
    assert rows["L40", "h40"][-1] < shop.now.date()


def test_small_files_are_joined(warehouse: Warehouse) -> None:
    spark = warehouse.spark
    rest = {c.name: F.lit(None).cast(c.type) for c in FEATURES.columns if c.name not in ("listing_id", "encoder")}
    spark.conf.set("spark.databricks.delta.autoCompact.minNumFiles", 2)
    try:
        for name in ("L1", "L2"):
            row = frame(spark, "listing_id string, encoder string", (name, "tiny")).withColumns(rest)
            warehouse.append(FEATURES, row.coalesce(1))
    finally:
        spark.conf.unset("spark.databricks.delta.autoCompact.minNumFiles")
    assert len(warehouse.read(FEATURES).inputFiles()) == 1
    assert rows_of(warehouse.read(FEATURES), "listing_id") == [("L1",), ("L2",)]
