"""Oddities of files that programs and people make: what comes in as it is, and what is refused for what it is."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.ingest_settings import FileSettings, IngestSettings
from jobs.ingestion.files import find_files
from schemas.errors import UsageError
from tests.spark.deliveries import opened, picture
from tests.spark.frames import rows_of

HEADER = "listing_id,title,updated_at\n"
ROWS = '1,"boots, red",2024-01-02\n2,shoes,2024-01-02\n'
TITLES: list[tuple[object, ...]] = [("1", "boots, red", []), ("2", "shoes", [])]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "sep=;\n" + HEADER.replace(",", ";") + ROWS.replace(",", ";").replace("s; r", "s, r")),
        ("rows.csv", "\ufeffsep=,\r\n" + HEADER + ROWS),
        ("rows.csv", HEADER + ROWS.replace("-02\n", "-02,\n")),
        ("rows.csv", (HEADER + ROWS).replace("\n", ",\n")),
        ("rows.csv", HEADER + ROWS.replace("1,", "\u200b1\u200e,")),
        ("my rows %20 (1) #2.csv", HEADER + ROWS),
    ],
    ids=["separator", "separator behind a mark", "comma behind rows", "comma behind all", "invisible", "name"],
)
def test_what_programs_add_to_a_csv_file_does_no_harm(
    spark: SparkSession, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    delivery = opened(spark, tmp_path / name)
    assert rows_of(delivery.rows, "listing_id", "title", "reasons") == TITLES
    assert delivery.counted == 2


def test_a_row_with_too_many_values_is_malformed_unless_all_end_with_a_separator(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text(HEADER + "1,boots,2024-01-02,\n2,shoes,2024-01-02\n")
    rows = opened(spark, tmp_path / "rows.csv").rows
    assert rows_of(rows, "title", "reasons") == [("boots", ["malformed_row"]), ("shoes", [])]


@pytest.mark.parametrize(
    ("beginning", "what"),
    [
        (b"\x1f\x8b\x08", r"compressed with gzip: add .gz to its name"),
        (b"PK\x03\x04", r"a ZIP archive or a workbook of Excel: unpack it, or save the sheet as CSV"),
        (b"PAR1\x15", r"Parquet: end its name in .parquet"),
    ],
)
@pytest.mark.parametrize("settings", [FileSettings(), FileSettings("latin-1", ",")], ids=["found", "set"])
def test_what_is_no_text_is_refused_for_what_it_is(
    spark: SparkSession, tmp_path: Path, beginning: bytes, what: str, settings: FileSettings
) -> None:
    (tmp_path / "rows.csv").write_bytes(beginning + bytes(range(256)))
    with pytest.raises(UsageError, match=rf"^rows.csv is no text but {what}"):
        opened(spark, tmp_path / "rows.csv", IngestSettings(files=settings))


def test_pictures_in_data_addresses_are_read(spark: SparkSession, tmp_path: Path) -> None:
    text = base64.b64encode(picture(1)).decode()
    values = (text, f"data:image/png;base64,{text}", f"data:;base64,{text}", "data:image/png,no")
    lines = [f'{n},"{value}",2024-01-02\n' for n, value in enumerate(values)]
    (tmp_path / "rows.csv").write_text("listing_id,image,updated_at\n" + "".join(lines))
    found = [row[0] for row in rows_of(opened(spark, tmp_path / "rows.csv").rows.orderBy("listing_id"), "image")]
    assert sorted(map(bytes, found)) == sorted([picture(1)] * 3 + [b"data:image/png,no"])


def test_lines_that_may_be_lost_are_counted(spark: SparkSession, tmp_path: Path) -> None:
    """A quote too many at the end of one row and of the next closes a value that holds both."""
    rows = "".join(f"{n},Boot {n},5.5,2024-01-02\n" for n in range(19)) + "19,Boot 19,5.5,\n"
    (tmp_path / "rows.csv").write_text(
        "listing_id,title,price,updated_at\n" + rows + '90,"Screen,7,2024-01-02\n91,Screen 27",6,2024-01-02\n'
    )
    delivery = opened(spark, tmp_path / "rows.csv")
    assert delivery.doubtful == 1
    (remark,) = delivery.remarks
    assert remark.startswith(
        "rows.csv: lines within quoted values that look like rows: 1, the first is line 23: '91,Sc"
    )


@pytest.mark.parametrize("address", ["gs://shop/rows.csv", "s3a://shop/rows.csv"])
def test_an_address_that_spark_cannot_open_is_refused_with_what_it_needs(spark: SparkSession, address: str) -> None:
    with pytest.raises(UsageError, match=rf"^{address}: .*Spark needs the jar of such addresses' file system"):
        find_files(spark, address)
