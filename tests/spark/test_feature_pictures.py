"""The rows of listings that are read for their pictures, and the side of the encoder's input."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.load import load_settings
from jobs.features.encoders import configured_encoder
from jobs.features.pictures import find_pictures
from jobs.lifecycle.publications import Publication
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import FEATURES, LISTINGS
from tests.spark.frames import frame, rows_of
from udfs.encoders.spec import EFFICIENTNET_LITE0, VERSION, WEIGHTS_DIGEST, EncoderSpec

WANTED = "listing_id string, content_hash string, again boolean"


def add(warehouse: Warehouse, *rows: tuple[str, str, str | None, bytes | None]) -> int:
    """Add listings: id, content hash, URI, picture; returns the version of the table."""
    values = frame(warehouse.spark, "listing_id string, content_hash string, image_uri string, image binary", *rows)
    values = values.withColumn("image_hash", F.sha2("image", 256))
    rest = {c.name: F.lit(None).cast(c.type) for c in LISTINGS.columns if c.name not in values.columns}
    warehouse.append(LISTINGS, values.withColumns(rest))
    version = warehouse.version(LISTINGS)
    assert version is not None
    return version


def published(listings_version: int) -> Publication:
    time = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    return Publication("n-1", time.date(), "nightly", "7", listings_version, 0, None, None, {}, {}, time, time)


def test_of_a_published_catalogue_only_changed_pictures_are_read(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = add(warehouse, ("away", "h1", "a.png", None), ("old", "h2", None, b"old"), ("known", "h3", None, b"known"))
    after = add(warehouse, ("new", "h4", None, b"new"))
    later = add(warehouse, ("later", "h5", None, b"later"))
    monkeypatch.setattr("jobs.features.pictures.publications", lambda _: [published(before), published(later)])

    def read(*wanted: tuple[str, str, bool], version: int = after) -> DataFrame:
        keys = frame(warehouse.spark, WANTED, *wanted)
        return find_pictures(warehouse, keys, version).read(keys, len(wanted))

    found = read(("away", "h1", True), ("new", "h4", False))
    assert rows_of(found, "listing_id", "image_uri", "image") == [("away", "a.png", None), ("new", None, b"new")]
    assert set(found.columns) == set(LISTINGS.names)
    alone = read(("away", "h1", True), version=before)
    assert rows_of(alone, "listing_id", "image") == [("away", None)]
    # Of the stored rows only small columns are read: the scan does not include the picture.
    scanned = re.findall(r"FileScan parquet \[(.*?)\]", str(alone._jdf.queryExecution().executedPlan()))
    assert scanned
    assert not [columns for columns in scanned if re.search(r"\bimage#|more fields", columns)]
    # A picture that has not changed since the publication, such as for a new encoder, is read from the table.
    both = read(("away", "h1", True), ("old", "h2", False))
    assert rows_of(both, "listing_id", "image") == [("away", None), ("old", b"old")]
    monkeypatch.setattr("jobs.features.pictures.publications", lambda _: [])
    assert rows_of(read(("new", "h4", False), ("old", "h0", False)), "listing_id", "image") == [("new", b"new")]


def test_the_size_is_chosen_from_the_pictures_and_kept_while_there_are_vectors(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    def identity(*overrides: str) -> str:
        settings = load_settings("test", ("picture.size=null", *overrides))
        version = warehouse.version(LISTINGS)
        assert version is not None
        return configured_encoder(warehouse, settings, version, tmp_path / "encoder").spec.identity

    def expected(size: int) -> str:
        return EncoderSpec(EFFICIENTNET_LITE0, VERSION, WEIGHTS_DIGEST, size, 1280).identity

    def encoded(status: str, size: int) -> None:
        rest = {c.name: F.lit(None).cast(c.type) for c in FEATURES.columns}
        values = frame(warehouse.spark, "image_status string, encoder string", (status, expected(size)))
        rows = values.withColumns({name: column for name, column in rest.items() if name not in values.columns})
        warehouse.append(FEATURES, rows.withColumn("encoded_at", F.lit(dt.datetime(2026, 1, size % 28, tzinfo=dt.UTC))))

    stream = io.BytesIO()
    Image.new("RGB", (64, 50)).save(stream, "PNG")
    add(warehouse, ("bare", "h0", None, None))
    assert identity() == expected(160), "of no picture"
    add(warehouse, ("junk", "h1", None, b"junk"), ("small", "h2", None, stream.getvalue()))
    assert identity() == expected(128)
    encoded("unreadable", 160)
    assert identity() == expected(128)
    encoded("ok", 96)  # 12 January
    assert identity() == expected(96)
    encoded("ok", 160)  # 20 January
    assert identity() == expected(160)
    assert identity("picture.size=224") == expected(224)
    with pytest.raises(UsageError, match="no encoder with the name 'mobilenet': the only name is efficientnet_lite0"):
        identity("picture.encoder=mobilenet")
