from __future__ import annotations

import base64
import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.ingest_settings import IngestSettings
from schemas.errors import UsageError
from tests.spark.deliveries import opened
from tests.spark.frames import rows_of

UTC = dt.UTC
LISTINGS: list[dict[str, Any]] = [
    {
        "listing_id": "1",
        "title": 'Red "bag",\nleather',
        "description": "été",
        "category": "bags",
        "price": 12.5,
        "seller_id": "s1",
        "updated_at": "2024-01-02T03:04:05Z",
        "image": b"\x00\xffpicture",
    },
    {
        "listing_id": "2",
        "title": "",
        "description": None,
        "category": None,
        "price": None,
        "seller_id": None,
        "updated_at": "2024-01-02T03:04:06Z",
        "image": None,
    },
]
COLUMNS = tuple(LISTINGS[0])


def _parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    times = pd.to_datetime([row["updated_at"] for row in rows], utc=True)
    pd.DataFrame(rows).assign(updated_at=times).to_parquet(path.with_suffix(".parquet"))
    return path.with_suffix(".parquet")


def _csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    def cell(value: object) -> str:
        if value is None:
            return ""
        text = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
        return '"' + text.replace('"', '""') + '"'

    lines = [",".join(COLUMNS), *(",".join(cell(row[name]) for name in COLUMNS) for row in rows)]
    path.with_suffix(".csv").write_text("\ufeff" + "\n".join(lines) + "\n\n", encoding="utf-8")
    return path.with_suffix(".csv")


def _json_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    texts = [
        json.dumps({k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in row.items()})
        for row in rows
    ]
    path.with_suffix(".jsonl").write_text("\ufeff" + "\n\n".join(texts), encoding="utf-8")
    return path.with_suffix(".jsonl")


@pytest.mark.parametrize("write", [_parquet, _csv, _json_lines])
def test_all_formats_give_the_same_rows(
    spark: SparkSession, tmp_path: Path, write: Callable[[Path, list[dict[str, Any]]], Path]
) -> None:
    delivery = opened(spark, write(tmp_path / "odd [name] {1}", LISTINGS))
    got = [row.asDict() for row in delivery.rows.orderBy("listing_id").collect()]
    for row, expected in zip(got, LISTINGS, strict=True):
        time = dt.datetime.fromisoformat(expected["updated_at"]).replace(tzinfo=None)
        assert {name: row[name] for name in COLUMNS} == {**expected, "updated_at": time}
        assert (row["reasons"], row["raw"], row["image_uri"]) == ([], None, None)
    assert len({row["row_number"] for row in got}) == 2


def _judge(spark: SparkSession, tmp_path: Path, **columns: pa.Array) -> list[dict[str, Any]]:
    """Read one Parquet file with these columns; returns one result per row."""
    pq.write_table(pa.table(columns), tmp_path / "delivery.parquet")
    delivery = opened(spark, tmp_path / "delivery.parquet")
    return [row.asDict() for row in delivery.rows.orderBy("row_number").collect()]


TIME = dt.datetime(2024, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 - Spark returns naive times in UTC


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([TIME.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")), TIME),
        (pa.array([TIME], pa.timestamp("us")), TIME),
        (pa.array([TIME], pa.timestamp("ns")), TIME),
        (pa.array([TIME.date()]), dt.datetime(2024, 1, 2)),  # noqa: DTZ001 - Spark returns naive times in UTC
        (pa.array(["2024-01-02T03:04:05.678901Z"]), TIME),
        (pa.array(["2024-01-02 05:04:05.678901+02:00"]), TIME),
        (pa.array([" 2024-01-02 03:04:05.678901 "]), TIME),
        (pa.array([1704164645]), TIME.replace(microsecond=0)),
        (pa.array(["1704164645678"]), TIME.replace(microsecond=678000)),
        (pa.array([1704164645678901]), TIME),
        (pa.array([1704164645678901234]), TIME),
        (pa.array([1704164645.5]), TIME.replace(microsecond=500000)),
    ],
)
def test_times_of_every_type_are_read_as_utc(
    spark: SparkSession, tmp_path: Path, values: pa.Array, expected: dt.datetime
) -> None:
    (row,) = _judge(spark, tmp_path, listing_id=pa.array(["1"]), updated_at=values)
    assert (row["updated_at"], row["reasons"]) == (expected, [])


def test_invalid_times_are_named(spark: SparkSession, tmp_path: Path) -> None:
    texts = ["20240102", "2024", "T10:00:00", "10:00", "yesterday", "02/01/2024", "2024-13-01", "9999-01-01", "-5", " "]
    rows = _judge(spark, tmp_path, listing_id=pa.array([str(i) for i in range(len(texts))]), updated_at=pa.array(texts))
    assert [row["reasons"] for row in rows] == [["invalid_updated_at"]] * 9 + [["missing_updated_at"]]
    assert json.loads(rows[0]["raw"]) == {"listing_id": "0", "updated_at": "20240102"}


def test_rows_of_the_future_are_quarantined(spark: SparkSession, tmp_path: Path) -> None:
    """Otherwise they would stay the newest version, whatever is delivered later."""
    times = pa.array(["2024-06-02T12:00:00Z", "2024-06-02T12:00:01Z"])
    rows = _judge(spark, tmp_path, listing_id=pa.array(["1", "2"]), updated_at=times)
    assert [row["reasons"] for row in rows] == [[], ["future_updated_at"]]
    assert json.loads(rows[1]["raw"]) == {"listing_id": "2", "updated_at": "2024-06-02T12:00:01Z"}


def test_prices_are_cast_where_they_can_be(spark: SparkSession, tmp_path: Path) -> None:
    texts = ["12.50", " 3 ", "1,250", "free", "NaN", "-1", "0", "", None, "1e3", "5d", "12,50"]
    ids = pa.array([str(i) for i in range(len(texts))])
    times = pa.array(["2024-01-02"] * len(texts))
    rows = _judge(spark, tmp_path, listing_id=ids, updated_at=times, price=pa.array(texts))
    assert [repr(row["price"]) for row in rows] == [
        "12.5", "3.0", "None", "None", "None", "-1.0", "0.0", "None", "None", "1000.0", "None", "12.5",
    ]  # fmt: skip
    assert [row["reasons"] for row in rows] == [[]] * len(texts), "an optional column costs no listing"
    assert [row["listing_id"] for row in rows if row["price_unread"]] == ["2", "3", "10"]
    for prices in (pa.array([7]), pa.array(["7"]), pa.array([7.0], pa.float32())):
        (row,) = _judge(spark, tmp_path, listing_id=ids[:1], updated_at=times[:1], price=prices)
        assert (row["price"], row["price_unread"]) == (7.0, False)


def test_ids_that_a_spreadsheet_has_rounded_are_quarantined(spark: SparkSession, tmp_path: Path) -> None:
    ids = ["8.41E+12", "8e+05", "1E5", "8.41E+12-red", "0012", "E+12"]
    rows = _judge(spark, tmp_path, listing_id=pa.array(ids), updated_at=pa.array(["2024-01-02"] * len(ids)))
    assert [row["listing_id"] for row in rows if row["reasons"] == ["damaged_listing_id"]] == ["8.41E+12", "8e+05"]
    assert [row["listing_id"] for row in rows if not row["reasons"]] == ids[2:]


def test_the_time_of_rows_without_one_can_be_set(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("listing_id,title\n1,a\n")
    os.utime(path, (1704164645, 1704164645))
    for setting, time in (
        ("file", dt.datetime(2024, 1, 2, 3, 4, 5)),  # noqa: DTZ001 - Spark returns naive times in UTC
        ("2024-01-03T01:00:00+01:00", dt.datetime(2024, 1, 3)),  # noqa: DTZ001
    ):
        delivery = opened(spark, path, IngestSettings(updated_at=setting))
        assert rows_of(delivery.rows, "updated_at", "reasons") == [(time, [])]
    with pytest.raises(UsageError, match=r"ingest.updated_at = 'now': it must be `file` or a time"):
        opened(spark, path, IngestSettings(updated_at="now"))
    with pytest.raises(UsageError, match=r"lacks updated_at; .* use --set ingest.updated_at=file"):
        opened(spark, path)
    path.write_text("listing_id,updated_at\n1,2024-01-04\n2,\n")
    delivery = opened(spark, path, IngestSettings(updated_at="file"))
    assert rows_of(delivery.rows, "listing_id", "reasons") == [("1", []), ("2", ["missing_updated_at"])]


def test_optional_columns_are_kept(spark: SparkSession, tmp_path: Path) -> None:
    lines = [
        "id,updated_at,price,currency,condition,views,Vendor,size",
        "1,2024-01-02,89.0 EUR,USD,new,12,Acme,",
        "2,2024-01-02,5,usd,\\N,n/a,,nan",
        '3,2024-01-02,,,,"1,234",,',
    ]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    settings = IngestSettings(
        columns={"listing_id": "id", "exposure": "views", "title": None}, attributes={"brand": "vendor", "size": "size"}
    )
    delivery = opened(spark, tmp_path / "rows.csv", settings)
    assert rows_of(delivery.rows, "listing_id", "price", "currency", "condition", "exposure", "attributes") == [
        ("1", 89.0, "EUR", "new", 12.0, {"brand": "Acme"}),
        ("2", 5.0, "USD", None, None, {}),
        ("3", None, None, None, None, {}),
    ]
    assert rows_of(delivery.rows.where("exposure_unread"), "listing_id") == [("3",)]
    assert delivery.ignored_columns == ()
    with pytest.raises(UsageError, match=r"the file lacks colour \('paint'\); its columns are id, "):
        opened(
            spark, tmp_path / "rows.csv", IngestSettings(columns={"listing_id": "id"}, attributes={"colour": "paint"})
        )


def test_words_for_nothing_are_no_values_but_in_texts(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "listing_id,updated_at,title,category,seller_id,image_uri,price\n1,2024-01-02,None,NULL, nan ,N/A,none\n"
        "2,NaN,b,c,d,e,1\n"
    )
    delivery = opened(spark, tmp_path / "rows.csv")
    columns = ("title", "category", "seller_id", "image_uri", "price", "price_unread", "reasons")
    assert rows_of(delivery.rows, *columns) == [
        ("None", None, None, None, None, False, []),
        ("b", "c", "d", "e", 1.0, False, ["missing_updated_at"]),
    ]


def test_ids_are_text_without_the_spaces_around_them(spark: SparkSession, tmp_path: Path) -> None:
    for ids, expected in (
        (pa.array([12345678901]), "12345678901"),
        (pa.array([12345678.0]), "12345678"),
        (pa.array(["\u00a0 A 1\t"]), "A 1"),
    ):
        times = pa.array(["2024-01-02"])
        (row,) = _judge(spark, tmp_path, listing_id=ids, updated_at=times, category=pa.array([" x "]))
        assert (row["listing_id"], row["category"]) == (expected, "x")
    texts = pa.array(["  "])
    (row,) = _judge(
        spark, tmp_path, listing_id=pa.array(["1"]), updated_at=times, category=texts, seller_id=texts, title=texts
    )
    assert (row["category"], row["seller_id"], row["title"]) == (None, None, "  ")


def test_a_quarantined_row_has_all_its_reasons_and_no_picture(spark: SparkSession, tmp_path: Path) -> None:
    rows = _judge(
        spark,
        tmp_path,
        listing_id=pa.array([None, "x" * 257]),
        updated_at=pa.array([None, "soon"]),
        price=pa.array(["cheap", "1"]),
        colour=pa.array(["red", None]),
        image=pa.array([b"picture", b"picture"]),
    )
    assert rows[0]["reasons"] == ["missing_listing_id", "missing_updated_at"]
    assert json.loads(rows[0]["raw"]) == {"listing_id": None, "updated_at": None, "price": "cheap", "colour": "red"}
    assert rows[1]["reasons"] == ["listing_id_too_long", "invalid_updated_at"]


def test_each_malformed_row_is_one_row(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("listing_id,updated_at\n1,2024-01-02\n2\n3,2024-01-02,more\n4,2024-01-02\n")
    lines = ['{"listing_id": 1, "updated_at": "2024-01-02"}', '{"listing_id": 2', "[3]"]
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines, '{"listing_id": "4", "updated_at": 1704164645}']))
    for name, raw in (("rows.csv", ["2", "3,2024-01-02,more"]), ("rows.jsonl", ["[3]", '{"listing_id": 2'])):
        rows = opened(spark, tmp_path / name).rows
        assert rows_of(rows.where("size(reasons) = 0"), "listing_id") == [("1",), ("4",)]
        bad = rows_of(rows.where("size(reasons) > 0"), "reasons", "raw")
        assert bad == [(["malformed_row"], json.dumps({"row": text}, separators=(",", ":"))) for text in raw]


def test_text_that_is_not_base64_stays_as_a_corrupt_picture(spark: SparkSession, tmp_path: Path) -> None:
    rows = _judge(
        spark,
        tmp_path,
        listing_id=pa.array(["1", "2", "3"]),
        updated_at=pa.array(["2024-01-02"] * 3),
        image=pa.array(["cGljdHVyZQ==", "?", ""]),
    )
    assert [row["image"] for row in rows] == [b"picture", b"?", None]
    assert [row["reasons"] for row in rows] == [[], [], []]


def test_columns_are_mapped_and_others_named(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("sku,title,name,changed\n1,not this,this,2024-01-02\n")
    settings = IngestSettings(columns={"listing_id": "sku", "title": "name", "updated_at": "changed"})
    delivery = opened(spark, tmp_path / "rows.csv", settings)
    assert rows_of(delivery.rows, "listing_id", "title", "category") == [("1", "this", None)]
    assert delivery.ignored_columns == ("title",)


def test_files_of_a_folder_may_order_their_columns_differently(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "a.csv").write_text("listing_id,updated_at,title\n1,2024-01-02,one\n")
    (tmp_path / "b.csv").write_text("title,listing_id,updated_at,colour\ntwo,2,2024-01-02,red\n")
    delivery = opened(spark, tmp_path)
    assert rows_of(delivery.rows, "listing_id", "title", "reasons") == [("1", "one", []), ("2", "two", [])]
    assert delivery.ignored_columns == ("colour",)


def test_unusable_deliveries_are_refused_with_the_reason(spark: SparkSession, tmp_path: Path) -> None:
    def fails(path: Path, message: str, columns: dict[Any, str | None] | None = None) -> None:
        with pytest.raises(UsageError, match=message):
            opened(spark, path, IngestSettings(columns=columns or {}))

    fails(tmp_path / "nothing.csv", "no such file or folder")
    fails(tmp_path, "contains no files")
    (tmp_path / "a.xlsx").touch()
    fails(tmp_path / "a.xlsx", "a.xlsx has an unknown extension; use one of .parquet, .csv, .tsv")
    (tmp_path / "a.parquet.gz").touch()
    fails(tmp_path / "a.parquet.gz", "a.parquet.gz must be unpacked first")
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "a.csv").write_text("listing_id,updated_at\n")
    (tmp_path / "mixed" / "b.jsonl").write_text("{}")
    fails(tmp_path / "mixed", "contains .csv and .jsonl files: load one format at a time")
    fails(tmp_path, "contains folders")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but not really")
    fails(tmp_path / "bad.parquet", "bad.parquet cannot be read: Parquet magic bytes not found")
    (tmp_path / "few.csv").write_text("sku,name,updated_at\n1,a,2024-01-02\n")
    fails(
        tmp_path / "few.csv", r"lacks listing_id; its columns are sku, name, updated_at\..*ingest.columns={listing_id: "
    )
    fails(tmp_path / "few.csv", r"lacks listing_id, title \('naem'\)", columns={"title": "naem"})
    (tmp_path / "text.jsonl").write_text("hello\n")
    fails(tmp_path / "text.jsonl", "text.jsonl: no line is a JSON object")
    (tmp_path / "array.json").write_text('[{"listing_id": 1},\n{"listing_id"]')
    fails(tmp_path / "array.json", "array.json is neither JSON lines nor a JSON array")
    pq.write_table(pa.table({"listing_id": [1], "updated_at": [1], "image": [1.5]}), tmp_path / "image.parquet")
    fails(tmp_path / "image.parquet", "column 'image' has type double; pictures must be bytes or base64 text")
