"""Values in nested columns: fields of structs and JSON objects, lists, and pictures as other tools store them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pyspark.sql import SparkSession

from conf.ingest_settings import IngestSettings
from schemas.errors import UsageError
from tests.spark.deliveries import opened
from tests.spark.frames import rows_of

ROWS: list[dict[str, Any]] = [
    {
        "id": "1",
        "title": ["[NEW] Boot"],
        "priceInfo": {"price": 89.5, "currencyCode": "EUR"},
        "images": [{"uri": "https://a.shop/1,x.jpg"}, {"uri": "https://a.shop/2.jpg"}],
        "categories": ["Shoes > Boots"],
        "sizes": ["41", "42"],
        "a.b": "plain",
        "time": "2024-01-02",
    },
    {
        "id": "2",
        "title": ["Sock"],
        "priceInfo": {"price": 3, "currencyCode": None},
        "images": [],
        "categories": ["Socks", "Gifts"],
        "sizes": ["40"],
        "a.b": None,
        "time": "2024-01-02",
    },
]
SETTINGS = IngestSettings(
    columns={
        "listing_id": "id",
        "price": "priceInfo.price",
        "currency": "priceInfo.currencyCode",
        "image_uri": "images.uri",
        "category": "categories",
        "condition": "a.b",
        "updated_at": "time",
    },
    attributes={"sizes": "Sizes"},
)


def _parquet(path: Path) -> Path:
    rows = [{**row, "priceInfo": {**row["priceInfo"], "price": float(row["priceInfo"]["price"])}} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(rows), path / "rows.parquet")
    return path / "rows.parquet"


def _json_lines(path: Path) -> Path:
    (path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    return path / "rows.jsonl"


def test_fields_and_lists_are_read_the_same_from_parquet_and_json(spark: SparkSession, tmp_path: Path) -> None:
    columns = ("listing_id", "title", "price", "currency", "image_uri", "category", "condition", "attributes")
    for path in (_parquet(tmp_path), _json_lines(tmp_path)):
        delivery = opened(spark, path, SETTINGS)
        assert rows_of(delivery.rows, *columns, "lists_unread", "reasons") == [
            ("1", "[NEW] Boot", 89.5, "EUR", "https://a.shop/1,x.jpg", "Shoes > Boots", "plain",
             {"sizes": '["41","42"]'}, [], []),
            ("2", "Sock", 3.0, None, None, None, None, {"sizes": "40"}, ["category"], []),
        ], path  # fmt: skip
        several = opened(spark, path, replace(SETTINGS, category_separator=";")).rows
        assert rows_of(several, "category", "lists_unread") == [("Shoes > Boots", []), ("Socks;Gifts", [])]
        assert delivery.has_uris
        assert delivery.ignored_columns == ()
        in_capitals = {column: name and name.upper() for column, name in SETTINGS.columns.items()}
        shouted = opened(spark, path, replace(SETTINGS, columns=in_capitals))
        assert rows_of(shouted.rows, *columns) == rows_of(delivery.rows, *columns)
        assert shouted.ignored_columns == ()
        wrong = IngestSettings(columns={**SETTINGS.columns, "price": "priceInfo.prize"})
        with pytest.raises(UsageError, match=r"the file lacks price \('priceInfo.prize'\); its columns are "):
            opened(spark, path, wrong)
    with pytest.raises(UsageError, match=r"column 'priceInfo' has type struct<.*ingest.columns={price: priceInfo\."):
        opened(spark, _parquet(tmp_path), IngestSettings(columns={**SETTINGS.columns, "price": "priceInfo"}))


def test_pictures_are_read_as_other_tools_store_them(spark: SparkSession, tmp_path: Path) -> None:
    times = {"listing_id": pa.array(["1", "2"]), "updated_at": pa.array(["2024-01-02"] * 2)}
    hugging_face = [{"bytes": b"picture", "path": "a.jpg"}, {"bytes": None, "path": "/pictures/b.jpg"}]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    for images in (pa.array(hugging_face, kind), pa.array([[each] for each in hugging_face], pa.list_(kind))):
        pq.write_table(pa.table({**times, "image": images}), tmp_path / "hf.parquet")
        delivery = opened(spark, tmp_path / "hf.parquet")
        assert rows_of(delivery.rows, "listing_id", "image", "image_uri") == [
            ("1", b"picture", None),
            ("2", None, "/pictures/b.jpg"),
        ]
        assert delivery.has_uris
    by_field = IngestSettings(columns={"image": "image.bytes"})
    assert rows_of(opened(spark, tmp_path / "hf.parquet", by_field).rows, "image") == [(None,), (b"picture",)]

    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 2] = 200  # blue, green, red
    spark_images = [
        {"origin": "file:/a.png", "height": 2, "width": 3, "nChannels": 3, "mode": 16, "data": red.tobytes()},
        {"origin": "", "height": -1, "width": -1, "nChannels": -1, "mode": -1, "data": b""},
    ]
    pq.write_table(pa.table({**times, "picture": pa.array(spark_images)}), tmp_path / "spark.parquet")
    found = opened(spark, tmp_path / "spark.parquet", IngestSettings(columns={"image": "picture"})).rows
    (_, data), (_, none) = rows_of(found, "listing_id", "image")
    assert none is None
    assert np.asarray(Image.open(io.BytesIO(data))).tolist() == [[[200, 0, 0]] * 3] * 2


def test_a_json_object_in_the_column_of_pictures_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"listing_id": 1, "image": {"Uri": "/a.jpg"}, "time": "2024-01-02"}')
    settings = IngestSettings(columns={"updated_at": "time", "image_uri": "image.uri"})
    with pytest.raises(UsageError, match=r"column 'image' holds objects with fields .*'ingest.columns={image: image\."):
        opened(spark, tmp_path / "rows.jsonl", settings)
    found = opened(spark, tmp_path / "rows.jsonl", replace(settings, columns={**settings.columns, "image": None}))
    assert rows_of(found.rows, "image_uri") == [("/a.jpg",)]
