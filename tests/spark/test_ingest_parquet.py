"""Parquet files with texts that are not UTF-8, and with columns that Spark cannot read."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.ingest_settings import FileSettings, IngestSettings
from jobs.ingestion.aliases import read_alias_file
from jobs.ingestion.copies import Copies
from jobs.ingestion.steps.decisions import read_decisions
from schemas.errors import UsageError
from tests.spark.deliveries import opened
from tests.spark.frames import rows_of

WESTERN = pa.array(["Straße".encode("cp1252"), "Größe".encode()], pa.binary())
AS_TEXT = pa.Array.from_buffers(pa.string(), 2, WESTERN.buffers())
NINE = [dt.time(9, 0)] * 2


def write(folder: Path, **columns: Any) -> Path:  # noqa: ANN401 - whatever pyarrow takes
    given = {"listing_id": ["1", "2"], "title": ["boot", "shoe"], "updated_at": ["2024-01-02"] * 2}
    pq.write_table(pa.table({**given, **columns}), folder / "rows.parquet")
    return folder / "rows.parquet"


@pytest.mark.parametrize(
    ("columns", "attributes"),
    [
        ({"title": WESTERN}, {}),
        ({"title": AS_TEXT}, {}),
        ({"category": AS_TEXT}, {}),
        ({"brands": pa.array([[b"Acme", b"\xdf"], [b"ok"]])}, {"brand": "brands"}),
    ],
)
def test_text_that_is_not_utf8_is_quarantined(
    spark: SparkSession, tmp_path: Path, columns: dict[str, Any], attributes: dict[str, str]
) -> None:
    rows = opened(spark, write(tmp_path, **columns), IngestSettings(attributes=attributes)).rows
    assert rows_of(rows, "listing_id", "reasons") == [("1", ["not_utf8"]), ("2", [])]
    ignored = opened(spark, write(tmp_path, note=AS_TEXT, image=pa.array([b"\xff\xd8", None], pa.binary()))).rows
    assert rows_of(ignored, "reasons") == [([],), ([],)], "nobody reads the note, and a picture is no text"


def test_decisions_and_aliases_that_are_not_utf8_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    table = {"alias": AS_TEXT, "category": ["bags", "bags"], "listing_id": AS_TEXT, "decided_at": ["2024-01-02"] * 2}
    given = ["accept"] * 2
    pq.write_table(pa.table({**table, "decision": given, "reviewer": given}), tmp_path / "rows.parquet")
    with pytest.raises(UsageError, match=r"row 1 cannot be read: 'Stra.e,bags'$"):
        read_alias_file(spark, str(tmp_path / "rows.parquet"), {"bags"}, FileSettings(), Copies(tmp_path, None, ""))
    decisions = read_decisions(spark.read.parquet(str(tmp_path / "rows.parquet")).selectExpr("*", "null as m"), "m")
    assert rows_of(decisions, "decision", "malformed") == [("accept", False), ("accept", True)]


def test_a_nested_picture_without_values_is_none(spark: SparkSession, tmp_path: Path) -> None:
    nothing = pa.array([{"bytes": None, "path": None}] * 2, pa.struct([("bytes", pa.null()), ("path", pa.null())]))
    paths = pa.array(
        [[{"bytes": None, "path": "/a.jpg"}]] * 2, pa.list_(pa.struct([("bytes", pa.null()), ("path", pa.string())]))
    )
    for image, uri in ((nothing, None), (paths, "/a.jpg")):
        delivery = opened(spark, write(tmp_path, image=image))
        assert rows_of(delivery.rows, "image", "image_uri", "reasons") == [(None, uri, [])] * 2
    by_field = IngestSettings(columns={"image": "image.bytes"})
    assert rows_of(opened(spark, write(tmp_path, image=paths), by_field).rows, "image") == [(None,)] * 2


def test_columns_that_spark_cannot_read_are_ignored_if_nobody_names_them(spark: SparkSession, tmp_path: Path) -> None:
    large = pa.array([decimal.Decimal(1)] * 2, pa.decimal256(50, 2))
    shop = pa.array([{"opens": NINE[0], "name": "Acme"}] * 2)
    columns = {"opens": pa.array(NINE), "large": large, "Brand": ["a", "b"], "brand": ["c", "d"], "shop": shop}
    columns |= {
        "n": pa.array([1, 2], pa.uint32()),
        "day": pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * 2, pa.timestamp("ns")),
    }
    columns |= {"sizes": pa.array([[], []], pa.list_(pa.null())), "tags": pa.array(["a", "a"]).dictionary_encode()}
    path = write(tmp_path, **columns)
    attributes = {"shop": "shop.name", "n": "n", "day": "day", "tags": "tags"}
    delivery = opened(spark, path, IngestSettings(attributes=attributes))
    day = "1704067200000000000"
    assert rows_of(delivery.rows, "listing_id", "attributes") == [
        ("1", {"shop": "Acme", "n": "1", "day": day, "tags": "a"}),
        ("2", {"shop": "Acme", "n": "2", "day": day, "tags": "a"}),
    ]
    assert delivery.ignored_columns == ("sizes", "opens", "large", "Brand", "brand", "shop.opens")
    for name, fault in (
        ("opens", "Spark does not read values of the type time64"),
        ("large", "Spark does not read values of the type decimal256"),
        ("BRAND", "the file has several with this name, or names that differ only in case"),
        ("shop.Opens", "Spark does not read values of the type time64"),
        ("shop", "Spark does not read values of the type time64"),
    ):
        with pytest.raises(UsageError, match=rf"^rows.parquet: column '\S+' cannot be read, because {fault}"):
            opened(spark, path, IngestSettings(attributes={"x": name}))
