"""Files of ids to erase: what does not certainly say which ids these are is refused, with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.erasure.id_files import ids_of
from schemas.errors import UsageError


def read(file: Path, delimiter: str = ",") -> tuple[list[str], list[str]]:
    formats = {".csv": "csv", ".jsonl": "json", ".parquet": "parquet"}
    found = ids_of([(file.name, file)], formats[file.suffix], delimiter)
    return sorted(found["listing_id"]), sorted(found["seller_id"])


@pytest.mark.parametrize(
    ("name", "content", "listings", "sellers"),
    [
        ("a.csv", "listing_id\nD1\n D2 \n\n\n", ["D1", "D2"], []),
        ("a.csv", "\ufefflisting_id, seller_id,title\r\nD1,,x\r\n,S1,\r\n,,\r\n", ["D1"], ["S1"]),
        ("a.csv", 'title,listing_id\n"two\nlines, ""quoted""","D1"\n5" pipe,D2', ["D1", "D2"], []),
        ("a.jsonl", '{"listing_id": "D1"}\n\n{"seller_id": 7, "title": null}\n', ["D1"], ["7"]),
        ("a.jsonl", '\ufeff{"listing_id":7.0,"more":{"a":[1]}}\r\n{"listing_id":" D\u00e9 "}', ["7.0", "Dé"], []),
        ("a.jsonl", "", [], []),
    ],
)
def test_ids_are_read_from_texts(
    tmp_path: Path, name: str, content: str, listings: list[str], sellers: list[str]
) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert read(tmp_path / name) == (listings, sellers)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        (
            "mix.jsonl",
            b'{"listing_id":"D7"}\n{"listing_id":"D8"\n',
            "mix.jsonl, line 2: this is not JSON .Expecting ',' delimiter at character 19",
        ),
        ("a.jsonl", b'\n\n{"listing_id":"D7"} {"listing_id":"D8"}', "line 3: this is not JSON .Extra data at char"),
        ("a.jsonl", b'["D7"]', "line 1: this is not a JSON object"),
        ("a.jsonl", b'[\n{"listing_id":"D7"}\n]', "line 1: this is not JSON"),
        ("a.jsonl", b'{"listing_id":"D7"}\n{"Listing_Id":"D8"}', "line 2: there is no listing_id or seller_id"),
        ("a.jsonl", b'{"listing_id":null}', "line 1: there is no listing_id or seller_id"),
        ("a.jsonl", b'{"listing_id":" "}', "line 1: there is no listing_id or seller_id"),
        (
            "a.jsonl",
            b'{"listing_id":"D7","listing_id":"D8"}',
            "line 1: this JSON is ambiguous .a key stands in it twice",
        ),
        ("a.jsonl", b'{"listing_id":["D7"]}', "line 1: listing_id is a list; an id is a text or a whole number"),
        ("a.jsonl", b'{"listing_id":{"id":"D7"}}', "line 1: listing_id is an object"),
        ("a.jsonl", b'{"listing_id":true}', "line 1: listing_id is a truth value"),
        ("a.jsonl", b'{"listing_id":NaN}', "line 1: listing_id is a decimal number"),
        ("a.jsonl", b'{"listing_id":"D7\\nD8"}', "line 1: listing_id contains a line end"),
        ("a.jsonl", b'{"listing_id":"\\ud800"}', "line 1: listing_id contains a line end or another control character"),
        ("a.jsonl", b'{"listing_id":"D\xff7"}', "a.jsonl is not in UTF-8 .invalid start byte.: save it in UTF-8"),
        ("q1.csv", b'listing_id\n"D9\nD10\nD11\n', "q1.csv, line 2: this is not CSV, perhaps a quote is not closed"),
        ("a.csv", b'listing_id\nD8\n"D9\nD10"\nD11\n', "line 3: listing_id contains a line end"),
        ("a.csv", b'listing_id\n "D9\nD10\n', "line 2: there is a quote at the beginning or end of the id"),
        ("a.csv", b'listing_id\nD9"\nD10\n', "line 2: there is a quote at the beginning or end of the id"),
        ("a.csv", b'listing_id\n"D9"x\n', "line 2: this is not CSV"),
        ("a.csv", b"listing_id,title\nD8,a\nD9,b,c\n", "line 3: it has 3 values, the first line 2"),
        ("a.csv", b"listing_id,title\nD8,a\n,b\n", "line 3: there is no listing_id or seller_id"),
        (
            "a.csv",
            b"listing_id;title\nD8;a\n",
            "line 1: there is neither a column listing_id nor seller_id, but listing_i",
        ),
        ("a.csv", b"listing_id,listing_id\nD8,D9\n", "line 1: the column listing_id stands there twice"),
        ("a.csv", b"", "line 1: the file is empty"),
        ("a.csv", "listing_id\nD9\n".encode("utf-16"), "a.csv is not in UTF-8"),
        ("a.parquet", b"listing_id\nD9\n", "a.parquet cannot be read: .* Nothing was erased"),
    ],
)
def test_a_line_without_certain_ids_is_refused(tmp_path: Path, name: str, content: bytes, fault: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=fault) as error:
        read(tmp_path / name)
    assert "D8" not in str(error.value)
    assert "othing was erased" in str(error.value)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array(["D1", " D2"]), ["D1", "D2"]),
        (pa.array([b"D1", b"D2"]), ["D1", "D2"]),
        (pa.array([1, 2]), ["1", "2"]),
        (pa.array([1.0, 2.0]), ["1", "2"]),
        (pa.array(["D1", "D2"]).dictionary_encode(), ["D1", "D2"]),
        (pa.array(["D1", None]), "row 2: there is no listing_id or seller_id"),
        (pa.array([1.0, 2.5]), "row 2: listing_id is a decimal number"),
        (pa.array([["D1"], ["D2"]]), "row 1: listing_id is a list"),
        (pa.array([{"id": "D1"}, {"id": "D2"}]), "row 1: listing_id is an object"),
        (pa.array([True, False]), "row 1: listing_id is a truth value"),
    ],
)
def test_ids_in_parquet_files_are_texts_or_whole_numbers(tmp_path: Path, ids: Any, expected: Any) -> None:  # noqa: ANN401
    file = tmp_path / "ids.parquet"
    pq.write_table(pa.table({"title": ["a", "b"], "listing_id": ids}), file)
    if isinstance(expected, list):
        assert read(file) == (expected, [])
    else:
        with pytest.raises(UsageError, match=expected):
            read(file)


def test_every_file_of_a_folder_must_name_ids(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("listing_id\nD1\n")
    (tmp_path / "b.csv").write_text("seller_id|x\nS1|2\n")
    files = [(file.name, file) for file in sorted(tmp_path.iterdir())]
    assert ids_of(files, "csv", "|") == {"listing_id": {"D1"}, "seller_id": {"S1"}}
    (tmp_path / "b.csv").write_text("seller\nS1\n")
    with pytest.raises(
        UsageError, match=r"b.csv, line 1: there is neither a column listing_id nor seller_id, but seller"
    ):
        ids_of(files, "csv", ",")
