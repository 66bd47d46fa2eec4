"""What names an erased id, in every kind of file, and what is removed from files that are no tables."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.erase import describe_missing
from jobs.erasure.erasing import learned_after
from jobs.erasure.exports import clear_file, forget_sellers, is_clearable
from jobs.erasure.names import Names, is_telling
from jobs.erasure.places import Searched
from jobs.erasure.search import Found, search_folder
from training.models import ModelSummary
from udfs.encoders.files import files_digest
from udfs.pseudonyms import PseudonymKey, Purpose

LONG = "A-1" + "z" * 40
NAMES = Names(frozenset({"D0000002", "item 9/44", "7", LONG, "Ärmel-77"}), frozenset({"seller-17"}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("like D0000002, cheaper", {"D0000002"}),
        ("D00000023, xD0000002 and D0000002_x", set()),
        ("(item 9/44)", {"item 9/44"}),
        ("item 9/444", set()),
        ("size 7", set()),
        ('"listing_id":"7"', {"7"}),
        (r"{\"minValues\":{\"listing_id\":\"7\"", {"7"}),
        ("((listing_id#12 = 7))", {"7"}),
        ('"listing_id":"77"', set()),
        (f'"maxValues":{{"listing_id":"{LONG[:32]}\ufffd"', {LONG[:32]}),
        ("seller-17's Ärmel-77", {"seller-17", "Ärmel-77"}),
    ],
)
def test_a_text_names_an_id_as_a_whole_token(text: str, found: set[str]) -> None:
    assert NAMES.in_text(text) == found
    assert NAMES.in_text(NAMES.redacted(text)) == set()
    assert ("[erased]" in NAMES.redacted(text)) == bool(found)


def test_binary_data_name_an_id_by_its_bytes() -> None:
    assert NAMES.in_bytes(b"\0keyD0000002item 9/44\0") == {"D0000002", "item 9/44"}
    assert NAMES.in_bytes("\0xÄrmel-77".encode()) == {"Ärmel-77"}
    assert NAMES.in_bytes(b"\0listing_id=7 D000000") == set()
    assert NAMES.in_bytes(b"xD0000002") == set()


def test_an_id_that_was_found_nowhere_is_known() -> None:
    cut = LONG[:32]
    assert NAMES.among({"7", cut, "seller-17"}) == Names(frozenset({"7", LONG}), frozenset({"seller-17"}))
    searched = Searched(Found(ids={"7"}), {Path("export"): Found(ids={cut}), Path("none"): Found()}, ())
    assert searched.ids == {"7", cut}
    assert Searched(Found(), {}, ()).ids == set()
    assert describe_missing(1, dry_run=False).endswith("perhaps mistyped; it is kept out of later deliveries.")
    assert describe_missing(1_200, dry_run=True) == (
        "1,200 ids were found nowhere, perhaps mistyped; an erasure keeps them out of later deliveries."
    )


def test_an_id_that_stands_in_every_text_says_little() -> None:
    assert [value for value in ("7", "shoes-red", "1234567", "12345678", "a-1234") if is_telling(value)] == [
        "12345678",
        "a-1234",
    ]


def test_every_kind_of_file_is_searched(tmp_path: Path) -> None:
    table = tmp_path / "predictions"
    (table / "_delta_log").mkdir(parents=True)
    nested = pa.array([[{"note": ["D0000002"]}], None], pa.list_(pa.struct([("note", pa.list_(pa.string()))])))
    mapped = pa.array([[("D0000002", 1)], None], pa.map_(pa.string(), pa.int64()))
    columns = {"listing_id": ["a", "7"], "category": ["D0000002", "7"], "deep": nested, "counts": mapped}
    pq.write_table(pa.table(columns), table / "part-0.parquet")
    pq.write_table(pa.table({"seller_id": ["7", "D0000002"], "picture": [b"\0D0000002", b""]}), tmp_path / "x.parquet")
    (table / "_delta_log" / "00.json").write_text(json.dumps({"add": {"stats": '{"min":{"listing_id":"7"}}'}}))
    with gzip.open(tmp_path / "lines.jsonl.gz", "wt") as stream:
        stream.write('{"listing_id": "D0000002"}\n')
    with zipfile.ZipFile(tmp_path / "pack.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.csv", "listing_id\nD0000002\n")
    np.savez_compressed(tmp_path / "noise.npz", seller_ids=np.array(["seller-17", "other"]))
    with sqlite3.connect(tmp_path / "runs.db") as database:
        database.execute("CREATE TABLE tags (key TEXT, value TEXT)")
        database.execute("INSERT INTO tags VALUES ('about', 'D0000002')")
    database.close()
    (tmp_path / "_keys").mkdir()
    (tmp_path / "_keys" / "D0000002").write_text("D0000002")
    (tmp_path / "clean.txt").write_text("D0000003")
    found = search_folder(tmp_path, NAMES, ("_keys",))
    assert found.places == {
        "predictions/part-0.parquet": {"listing_id", "note", "counts"},
        "predictions/_delta_log/00.json": {"bytes"},
        "x.parquet": {"picture"},
        "lines.jsonl.gz": {"bytes"},
        "pack.zip": {"inner.csv"},
        "noise.npz": {"seller_ids.npy"},
        "runs.db": {"bytes"},
    }
    assert found.files == {"Parquet": 2, "Delta log": 1, "other": 5}
    assert found.by_place()["predictions"] == (2, {"listing_id", "note", "counts", "bytes"})


def test_models_that_are_older_than_the_listing_have_not_learned_it() -> None:
    models = [ModelSummary(str(n), n == 10, n * 86_400_000, {}, {}) for n in (10, 9, 2)]
    day = dt.datetime(1970, 1, 10, tzinfo=dt.UTC)  # 9 days after the epoch
    assert learned_after([day + dt.timedelta(1), day], models) == ["9", "10"]
    assert learned_after([day, None], models) == ["2", "9", "10"]
    assert learned_after([], models) == []


def test_files_that_are_no_tables_are_cleared_or_named(tmp_path: Path) -> None:
    warehouse, export, page = tmp_path / "w", tmp_path / "export", tmp_path / "page.html"
    for name in ("listings/_delta_log/00.json", "_staging/predictions/x.csv", "old/changes.jsonl", "old/report.html"):
        (warehouse / name).parent.mkdir(parents=True, exist_ok=True)
        (warehouse / name).write_text("D0000002")
    export.mkdir()
    (export / "part.csv").write_text("D0000002")
    page.write_text("D0000002")
    others = {path: search_folder(path, NAMES) for path in (export, page)}
    found = Searched(search_folder(warehouse, NAMES), others, (), warehouse)
    assert found.tables == {"listings": {"bytes"}}
    assert found.to_clear == [warehouse / "old/changes.jsonl", export / "part.csv"]
    assert found.unknown == [str(warehouse / "old/report.html"), str(page)]
    assert found.rows == [
        (str(export), 1, "bytes"),
        (str(page), 1, "bytes"),
        ("_staging", 1, "bytes"),
        ("listings", 1, "bytes"),
        ("old", 2, "bytes"),
    ]
    assert found.files == {"Delta log": 1, "other": 5}


def test_exports_lose_their_rows_and_unknown_formats_stay(tmp_path: Path) -> None:
    rows = pa.table({"listing_id": ["7", "8", "9"], "seller_id": ["x", "seller-17", None], "n": [1, 2, 3]})
    pq.write_table(rows, tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text('listing_id,title\n7,"red, ""new"""\n8,"like D0000002"\n9,"two\nlines"\n')
    (tmp_path / "c.jsonl").write_text('{"listing_id": "7"}\n{"listing_id": "8"}\n')
    (tmp_path / "d.html").write_text("D0000002")
    clearable = [file for file in sorted(tmp_path.iterdir()) if is_clearable(file)]
    for file in clearable:
        clear_file(file, NAMES)
    assert [file.name for file in clearable] == ["a.parquet", "b.csv", "c.jsonl"]
    assert pq.read_table(tmp_path / "a.parquet")["n"].to_pylist() == [3]
    clear_file(tmp_path / "a.parquet", Names(frozenset({"9"}), frozenset()))
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 0
    assert (tmp_path / "b.csv").read_text() == 'listing_id,title\n9,"two\nlines"\n'
    assert (tmp_path / "c.jsonl").read_text() == '{"listing_id": "8"}\n'
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.parquet", "b.csv", "c.jsonl", "d.html"]


@pytest.mark.parametrize("array", ["sellers", "seller_ids"])
def test_bundles_forget_an_erased_seller(tmp_path: Path, array: str) -> None:
    key = PseudonymKey(bytes(range(32)))
    names = ["other", key.pseudonym(Purpose.SELLER, "seller-17") if array == "sellers" else "seller-17"]
    folder = tmp_path / "models" / "bundle"
    folder.mkdir(parents=True)
    stored_as = {array: np.array(names), "seller_rates": np.array([0.1, 0.5]), "error_rate": np.array(0.2)}
    np.savez_compressed(folder / "noise.npz", **stored_as)
    killed = tmp_path / ".noise.npz.7"
    killed.touch()
    digests = []

    @contextmanager
    def changing(bundle: Path, digest: str) -> Iterator[None]:
        before = files_digest(bundle)
        yield
        digests.append((before, files_digest(bundle), digest))

    assert forget_sellers(tmp_path, NAMES, key, changing) == (1, 0)
    [(before, after, announced)] = digests
    assert before != after == announced
    assert [path.name for path in tmp_path.iterdir()] == ["models"]
    with np.load(folder / "noise.npz") as stored:
        assert stored[array].tolist() == ["other"]
        assert stored["seller_rates"].tolist() == [0.1]
        assert stored["error_rate"] == 0.2
    assert forget_sellers(tmp_path, NAMES, key, changing) == (0, 0)
    np.savez_compressed(folder / "noise.npz", **stored_as, key_check=np.array(key.check))
    assert forget_sellers(tmp_path, NAMES, PseudonymKey(bytes(range(1, 33))), changing)[1] == 1
