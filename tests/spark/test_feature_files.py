"""Vectors are copied rather than pictures opened again, and the table's files stay few."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import jobs.features.encoding
from jobs.features.encoding import Encoded, encode_pictures
from schemas.tables import FEATURES, LISTINGS
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


def test_the_files_of_many_nights_are_joined(shop: Shop) -> None:
    spark, most = shop.warehouse.spark, 3
    spark.conf.set("spark.databricks.delta.autoCompact.minNumFiles", most)
    try:
        for night in range(most):
            shop.add((f"N{night}", f"h{night}", picture(40 + night), None))
            shop.encode()
            shop.change(f"N{night}", "other")
            shop.retire()
            assert len(shop.warehouse.read(FEATURES).inputFiles()) <= most
    finally:
        spark.conf.unset("spark.databricks.delta.autoCompact.minNumFiles")
    assert len(shop.stored()) == 7 + most + most - 1
