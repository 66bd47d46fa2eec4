"""CSV and JSON files as shops write them: other separators, encodings and line ends, compressed, in one array."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyspark.sql import DataFrame, SparkSession

from conf.ingest_settings import FileSettings, IngestSettings
from jobs.ingestion import opening
from jobs.ingestion.copies import Copies
from jobs.ingestion.deliveries import open_delivery
from jobs.ingestion.json_files import _Recoded
from jobs.warehouse.tables import open_warehouse
from schemas.errors import UsageError
from tests.spark.deliveries import NOW, opened
from tests.spark.frames import rows_of

HEADER = "listing_id,updated_at,title\n"
ROWS = '1,2024-01-02,Été à Größe\n2,2024-01-02,"two\nlines"\n'
TITLES = [("1", "Été à Größe"), ("2", "two\nlines")]
WORDS = ("Куртка зимняя мужская", "Платье летнее хлопковое", "Кроссовки беговые женские", "Сумка кожаная")
RUSSIAN = "".join(f"{i},2024-01-02,{WORDS[i % 4]}\n" for i in range(20))


def titles(spark: SparkSession, path: Path, settings: IngestSettings | None = None) -> list[tuple[object, ...]]:
    delivery = opened(spark, path, settings)
    found = rows_of(delivery.rows.where("size(reasons) = 0"), "listing_id", "title")
    assert delivery.counted == delivery.rows.count()
    return found


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.csv", lambda text: text.encode()),
        ("rows.csv", lambda text: b"\n\n" + text.encode()),
        ("rows.csv", lambda text: b"\n\r\n" + text.replace("\n", "\r\n").encode()),
        ("rows.csv", lambda text: text.encode("utf-8-sig")),
        ("rows.csv", lambda text: text.encode("utf-16")),
        ("rows.csv", lambda text: text.encode("utf-16-le")),
        ("rows.csv", lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le")),
        ("rows.csv", lambda text: text.replace(",", ";").encode()),
        ("rows.tsv", lambda text: text.replace(",", "\t").encode()),
        ("rows.txt", lambda text: text.replace(",", "|").encode()),
        ("rows.csv.gz", lambda text: gzip.compress(text.encode())),
        ("rows.csv.bz2", lambda text: bz2.compress(text.encode())),
        ("rows.CSV.zst", lambda text: zstandard.compress(text.encode())),
    ],
)
def test_a_file_comes_in_however_it_is_written(
    spark: SparkSession, tmp_path: Path, name: str, write: Callable[[str], bytes]
) -> None:
    (tmp_path / name).write_bytes(write(HEADER + ROWS))
    assert titles(spark, tmp_path / name) == TITLES


def test_an_encoding_that_is_sure_is_found_and_another_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes((HEADER + RUSSIAN).encode("windows-1251"))
    assert {title for _, title in titles(spark, path)} == set(WORDS)
    path.write_bytes((HEADER + "3,2024-01-02,plain\n" + ROWS).encode("windows-1252"))
    with pytest.raises(UsageError) as caught:
        opened(spark, path)
    assert (
        "rows.csv: 1 of 5 lines are not UTF-8, and it is not sure what they are: cp1252: '1,2024-01-02,Été à "
        in str(caught.value)
    )
    assert "--set ingest.files.encoding=NAME" in str(caught.value)
    said = IngestSettings(files=FileSettings(encoding="windows-1252"))
    assert titles(spark, path, said) == [*TITLES, ("3", "plain")]
    with pytest.raises(UsageError, match=r"unknown encoding: latin-x; use a name such as windows-1252"):
        opened(spark, path, IngestSettings(files=FileSettings(encoding="latin-x")))
    with pytest.raises(UsageError, match=r"rows.csv is not ascii: .*Set the right encoding"):
        opened(spark, path, IngestSettings(files=FileSettings(encoding="ascii")))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.csv.gz", gzip.compress((HEADER + ROWS).encode())[:-12], "cut.csv.gz cannot be read: "),
        ("cut.csv.bz2", bz2.compress((HEADER + ROWS).encode())[:-12], "cut.csv.bz2 cannot be read: "),
        ("cut.csv.zst", zstandard.compress((HEADER + RUSSIAN).encode())[:-9], "cut.csv.zst cannot be read: .*cut off"),
        ("no.csv.zst", HEADER.encode(), "no.csv.zst cannot be read: "),
        ("open.csv", (HEADER + '1,2024-01-02,"a\n' + RUSSIAN).encode(), "open.csv, line 2: the quote before 'a'"),
        ("what.csv", b"id;a,b\n1;2,3\n", "what.csv: it is not sure what separates its values; its first line is 'id;a"),
        ("empty.csv", b"\n\n", "empty.csv is empty"),
        (
            "both.csv",
            (HEADER + ROWS).encode() + RUSSIAN.encode("windows-1251"),
            "both.csv: 1 of .* lines are UTF-8 and .* are not, so no encoding reads all of it",
        ),
    ],
    ids=["gzip", "bzip2", "zstandard", "not compressed", "quote", "separator", "empty", "two encodings"],
)
def test_nothing_is_lost_in_silence(
    spark: SparkSession, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        opened(spark, tmp_path / name)


def test_both_parsers_count_the_same_rows(spark: SparkSession, tmp_path: Path) -> None:
    """What is odd but can be read, one kind a file; a row with another number of values is still a row."""
    odd = ["1,2024-01-02", "1,2024-01-02,a,b", "   ", "\t", ",,", '"",,', "''", '1,"2024-01-02" ,a', '1,2024,5" nail',
           '1,2024,"a"b', '1,2024, "a"', '1,2024,"a\r\nb"', '1,2024,"a\n\n\nb"', "1,2024,a\0b", "1,2024,\u2028a",
           "1,2024,\x0ba",
           "#1,2024,a", '1,2024,""""', '1,2024,"""a"', "1,2024,a\\", '1,2024,"a\\"', "1;2;3"]  # fmt: skip
    for end in ("\n", "\r\n", ""):
        folder = tmp_path / f"end-{len(end)}"
        folder.mkdir()
        for place, line in enumerate(odd):
            content = HEADER + f"8,2024-01-02,a\n{line}\n\n9,2024-01-02,b{end}"
            (folder / f"{place}.csv").write_bytes(content.encode())
        delivery = opened(spark, folder)
        assert delivery.rows.count() == delivery.counted


def test_a_backslash_may_stand_before_a_quote(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "mysql.csv").write_text(HEADER + '1,2024-01-02,"a \\"b\\", c"\n2,2024-01-02,"d\ne"\n')
    settings = IngestSettings(files=FileSettings(quotes="backslash"))
    assert titles(spark, tmp_path / "mysql.csv", settings) == [("1", 'a "b", c'), ("2", "d\ne")]


def test_quotes_may_be_ordinary_characters(spark: SparkSession, tmp_path: Path) -> None:
    found = {"1": '"open', "2": '5" pan "x"', "3": '"whole"', "4": 'a \\" b\\', "5": '""'}
    rows = "".join(f"{name}\t2024-01-02\t{title}\n" for name, title in found.items())
    (tmp_path / "dump.csv").write_text(HEADER.replace(",", "\t") + rows)
    settings = IngestSettings(files=FileSettings(quotes="none"))
    assert titles(spark, tmp_path / "dump.csv", settings) == list(found.items())
    assert opened(spark, tmp_path / "dump.csv", settings).counted == len(found)
    with pytest.raises(UsageError, match=r"line 2: the quote before 'open' .*ingest.files.quotes=none"):
        opened(spark, tmp_path / "dump.csv")


def test_columns_that_nobody_maps_may_have_one_name(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("listing_id,updated_at,tag,Tag,,title\n1,2024-01-02,a,b,c,d\n")
    delivery = opened(spark, tmp_path / "rows.csv")
    assert rows_of(delivery.rows, "listing_id", "title") == [("1", "d")]
    assert delivery.ignored_columns == ("tag", "Tag (2)", "_column_5")


OBJECTS = [
    {"listing_id": 1, "updated_at": "2024-01-02", "title": "Été"},
    {"listing_id": "2", "updated_at": 1704164645, "title": "two\nlines", "price": 1.5},
]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(each) for each in OBJECTS),
        "\n\n" + "\r\n\r\n".join(json.dumps(each, ensure_ascii=False) for each in OBJECTS) + "\n",
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        "\n".join(json.dumps(each, indent=2) for each in OBJECTS),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_comes_in_by_line_or_in_one_array(spark: SparkSession, tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "rows.json").write_bytes(text.encode(encoding))
    assert titles(spark, tmp_path / "rows.json") == [("1", "Été"), ("2", "two\nlines")]


def test_json_keys_may_differ_in_case(spark: SparkSession, tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        {"listing_id": 1, "updated_at": "2024-01-02", "title": "a"},
        {"Listing_ID": 2, "updated_at": "2024-01-02"},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(each) for each in lines))
    assert titles(spark, tmp_path / "rows.jsonl") == [("1", "a"), ("2", None)]
    lines[1]["Title"] = ["b"]
    (tmp_path / "lists.jsonl").write_text("\n".join(json.dumps(each) for each in lines))
    assert titles(spark, tmp_path / "lists.jsonl") == [("1", "a"), ("2", "b")]


def test_a_bare_nan_of_json_is_no_text(spark: SparkSession, tmp_path: Path) -> None:
    values = ("NaN", '"NaN"', "-Infinity", r'"a \"NaN \\\\"')
    rows = [f'{{"listing_id": {n}, "updated_at": "2024-01-02", "title": {value}}}' for n, value in enumerate(values)]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    (tmp_path / "rows.json").write_text(f"[{', '.join(rows)}]")
    for name in ("rows.jsonl", "rows.json"):
        found = titles(spark, tmp_path / name)
        assert found == [("0", None), ("1", "NaN"), ("2", "-Infinity"), ("3", 'a "NaN \\\\')], name
    reader = _Recoded(io.StringIO('[NaN, "\\u00e4 NaN", {"a": +Infinity}, true]'))
    assert b"".join(iter(lambda: reader.read(1), b"")) == b'[null, "\\u00e4 NaN", {"a": "Infinity"}, true]', (
        "however the parts are cut"
    )


def test_half_a_character_in_a_json_array_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(r'[{"listing_id": 1, "title": "\ude00 boot"}]')
    with pytest.raises(UsageError, match=r"rows.json has a text with the second half of a character alone"):
        opened(spark, tmp_path / "rows.json")


def test_what_follows_the_object_of_a_json_line_makes_the_line_malformed(spark: SparkSession, tmp_path: Path) -> None:
    good = [
        '{"listing_id": 1, "price": NaN}',
        '{"listing_id": 2, "title": "}{ NaN"} ',
        '{"listing_id": 3, "a": [-Infinity]}',
    ]
    bad = [f'{{"listing_id": 8}}{rest}' for rest in ('{"listing_id": 9}', ", {}", "]", " and more")]
    (tmp_path / "rows.jsonl").write_text("\n".join([*good, *bad]))
    rows = opened(spark, tmp_path / "rows.jsonl", IngestSettings(updated_at="2024-01-02")).rows
    assert sorted(row.listing_id for row in rows.where("size(reasons) = 0").collect()) == ["1", "2", "3"]
    assert _malformed(rows) == sorted(bad)


def test_a_header_that_is_repeated_is_no_listing(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "both.csv").write_text((HEADER + ROWS) * 2)
    rows = opened(spark, tmp_path / "both.csv").rows
    assert _malformed(rows) == [HEADER.strip()]
    assert rows.count() == 2 * len(TITLES) + 1


def _malformed(rows: DataFrame) -> list[str]:
    found = rows.where("array_contains(reasons, 'malformed_row')").collect()
    return sorted(json.loads(row.raw)["row"] for row in found)


def test_files_elsewhere_are_read_and_copied_through_hadoop(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster: the driver cannot open them, and the copy goes to the warehouse until it has been read."""
    monkeypatch.setattr(opening, "_local_path", lambda _: None)
    warehouse = open_warehouse(spark, str(tmp_path / "warehouse"))
    (tmp_path / "local").mkdir()
    copies = Copies(tmp_path / "local", warehouse, "files")
    (tmp_path / "rows.csv.zst").write_bytes(zstandard.compress((HEADER + ROWS).encode("utf-16")))
    delivery = open_delivery(spark, str(tmp_path / "rows.csv.zst"), IngestSettings(), NOW, copies)
    assert rows_of(delivery.rows, "listing_id", "title") == TITLES
    assert warehouse.staged_names() == [copies.name]
    assert list((tmp_path / "local").iterdir()) == []
    copies.remove()
    assert warehouse.staged_names() == []
    pq.write_table(pa.table({"listing_id": ["1"], "updated_at": ["2024-01-02"]}), tmp_path / "rows.parquet")
    assert opened(spark, tmp_path / "rows.parquet").counted == 1
