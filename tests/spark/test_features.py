"""Pictures are encoded once in their life: what is stored, read again, marked and deleted."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame
from typer.testing import CliRunner

import jobs.features.encoding
from jobs.cli import app
from jobs.features.steps.selection import outdated, unencoded
from jobs.features.stored import stored_features, with_vectors
from jobs.warehouse.listings import narrow
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES, LISTINGS, RUNS, TAXONOMY
from tests.spark.frames import frame, rows_of
from tests.spark.shop import NOW, REDS, SIZE, Shop, picture
from udfs.picture_features import encode_listings


def test_a_picture_is_encoded_once_in_the_life_of_its_content(shop: Shop) -> None:
    assert shop.encode() == 7
    columns = ("content_hash", "image_status", "image_width", "image_height", "superseded_at")
    assert shop.stored(*columns)[0] == ("L120", "h120", "ok", 20, 20, None)
    assert shop.stored(*columns)[-2:] == [
        ("away", "h-away", "unreadable", None, None, None),
        ("junk", "h-junk", "corrupt", None, None, None),
    ]
    vectors = {row.listing_id: row.vector for row in stored_features(shop.warehouse, shop.identity).collect()}
    assert sorted(vectors) == sorted([*(f"L{red}" for red in REDS), "junk", "away"])
    for red in REDS:
        assert np.frombuffer(vectors[f"L{red}"], "<f2").tolist() == pytest.approx([red, 0, 80], abs=1)
    assert vectors["junk"] is None
    listings = narrow(shop.warehouse.read(LISTINGS))
    joined = {row.listing_id: row for row in with_vectors(shop.warehouse, listings, shop.identity).collect()}
    assert len(joined) == 8
    assert joined["L40"].vector == vectors["L40"]
    assert [joined[name].image_status for name in ("L40", "junk", "away", "plain")] == [
        "ok", "corrupt", "unreadable", "missing",
    ]  # fmt: skip
    unknown = with_vectors(shop.warehouse, listings, "another encoder").where("image_status = 'unreadable'")
    assert unknown.where("vector IS NULL").count() == 7, "every listing with a picture"

    # Only the picture that could not be read is read again, and then not any more.
    shop.store.mkdir()
    (shop.store / "a.png").write_bytes(picture(60))
    assert shop.encode() == 1
    assert {name for name, time in shop.stored("day") if time == shop.now.date()} == {"away"}
    assert ("away", "ok", 20) in shop.stored("image_status", "image_width")
    version = shop.warehouse.version(FEATURES)
    assert shop.encode() == 0
    assert shop.warehouse.version(FEATURES) == version


def test_vectors_of_earlier_content_are_kept_for_a_while(shop: Shop) -> None:
    shop.encode()

    def superseded() -> set[tuple[str, str]]:
        return {(name, content) for name, content, time in shop.stored("content_hash", "superseded_at") if time}

    shop.change("L40", "h41")
    shop.warehouse.table(LISTINGS).delete("listing_id = 'L80'")
    assert shop.retire() == {"supersede": 1, "delete": 1}
    assert superseded() == {("L40", "h40")}
    assert "L80" not in {name for (name,) in shop.stored()}, "an erased listing leaves no vector"
    shop.change("L40", "h40")
    shop.change("L120", "h121")
    assert shop.retire() == {"restore": 1, "supersede": 1}
    assert superseded() == {("L120", "h120")}
    assert shop.retire("features.keep_days=0") == {"delete": 1}
    assert superseded() == set()
    assert {name for name, status in shop.stored("image_status") if status == "ok"} == {"L40", "L160", "L200"}


def test_a_killed_run_keeps_the_pieces_that_it_has_finished(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    folder = shop.warehouse.folder
    assert folder is not None

    def dies(*arguments: object, **options: Any) -> DataFrame:  # noqa: ANN401 - whatever is passed on
        calls.append(options["rows"])
        assert json.loads((folder / "_lock.json").read_text())["job"] == "encode", "the warehouse is locked"
        if len(calls) == 3:
            raise OSError("the power is off")
        return encode_listings(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs.features.encoding, "_SLOT_ROWS", 1)
    with monkeypatch.context() as broken:
        broken.setattr(jobs.features.encoding, "encode_listings", dies)
        with pytest.raises(OSError, match="the power is off"):
            shop.encode()
    assert calls == [2, 2, 2]
    assert not (folder / "_lock.json").exists()
    assert not list(folder.glob("_staging/*"))
    done = dict(shop.stored("image_status"))
    assert 0 < len(done) < 7
    # Those with a vector or a final status are not read again.
    monkeypatch.setattr(jobs.features.encoding, "_SLOT_ROWS", 9)
    assert shop.encode() == 7 - len(done) + list(done.values()).count("unreadable")
    today = {name for name, time in shop.stored("day") if time == shop.now.date()}
    assert today & done.keys() <= {"away"}
    assert len(shop.stored()) == 7


def test_the_command_reports_what_it_has_encoded(shop: Shop, picture_network: str) -> None:
    shop.warehouse.create(TAXONOMY)
    words = ["encode", "--warehouse", shop.warehouse.location, "--profile", "test", "--json"]
    words += ["--set", f"picture.encoder={picture_network}", "--set", f"picture.size={SIZE}"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])
    assert (summary["encoded"], summary["superseded"], summary["deleted"]) == (7, 0, 0)
    assert {(row["encoder"], row["status"], row["pictures"]) for row in summary["by_status"]} == {
        (shop.identity, "ok", 5), (shop.identity, "corrupt", 1), (shop.identity, "not_allowed", 1),
    }  # fmt: skip
    (run,) = shop.warehouse.read(RUNS).collect()
    assert (run.job, run.status, run.counts["encoded"]) == ("encode", "done", 7)


def test_for_a_few_listings_only_the_files_of_their_vectors_are_read(shop: Shop) -> None:
    shop.encode()
    shop.add(("new", "h-new", picture(220), None), ("bare", "h-bare", None, None))
    assert shop.encode() == 2, "the new picture, and the one that could not be read"
    listings = narrow(shop.warehouse.read(LISTINGS))
    few = listings.where("listing_id IN ('new', 'bare')")
    joined = with_vectors(shop.warehouse, few, shop.identity, few=few.select("listing_id", "content_hash"))
    found = {row.listing_id: row for row in joined.collect()}
    assert np.frombuffer(found["new"].vector, "<f2")[0] == pytest.approx(220, abs=1)
    assert (found["new"].image_status, found["bare"].image_status) == ("ok", "missing")
    read = {file for file in joined.inputFiles() if "/features/" in file}
    whole = with_vectors(shop.warehouse, few, shop.identity)
    assert len(read) < len({file for file in whole.inputFiles() if "/features/" in file})
    nothing = few.where("listing_id = 'bare'").select("listing_id", "content_hash")
    alone = with_vectors(shop.warehouse, few.where("listing_id = 'bare'"), shop.identity, few=nothing)
    assert rows_of(alone, "listing_id", "image_status") == [("bare", "missing")]


def test_searching_for_new_pictures_reads_neither_pictures_nor_vectors(shop: Shop) -> None:
    shop.encode()
    listings, features = shop.warehouse.read(LISTINGS), shop.warehouse.read(FEATURES)
    searches = (
        unencoded(narrow(listings), stored_features(shop.warehouse, shop.identity)),
        outdated(features, listings, [shop.identity], NOW, others=True),
        stored_features(shop.warehouse, shop.identity).select("listing_id", "image_status"),
    )
    for search in searches:
        scanned = re.findall(r"FileScan parquet \[(.*?)\]", str(search._jdf.queryExecution().executedPlan()))
        assert scanned
        assert not [columns for columns in scanned if re.search(r"\b(image|vector)#|more fields", columns)]
    log = sorted(Path(shop.warehouse.location, "features", "_delta_log").glob("*.json"))
    actions = [json.loads(line) for file in log for line in file.read_text().splitlines()]
    statistics = [json.loads(action["add"]["stats"]) for action in actions if "add" in action]
    assert statistics
    assert {column for each in statistics for column in each.get("minValues", {})} <= {
        "listing_id", "encoded_at", "superseded_at",
    }  # fmt: skip


def test_pictures_are_tried_again_only_if_that_can_help(warehouse: Warehouse) -> None:
    spark = warehouse.spark
    listings = frame(
        spark,
        "listing_id string, content_hash string, image_hash string, image_uri string",
        *((name, "h", "picture", "a.png") for name in ("new", "edited", "ok", "corrupt", "not_found")),
        ("refused", "h", "picture", "a.png"),
        ("never allowed", "h", None, "a.png"),
        ("unreadable", "h", None, "a.png"),
        ("bare", "h", None, None),
    )
    features = frame(
        spark,
        "listing_id string, content_hash string, image_status string",
        ("edited", "h0", "ok"),
        *((name, "h", name) for name in ("ok", "corrupt", "not_found", "unreadable")),
        *((name, "h", "not_allowed") for name in ("refused", "never allowed")),
    )
    assert rows_of(unencoded(listings, features), "listing_id", "again") == [
        ("edited", False), ("new", False), ("refused", True), ("unreadable", True),
    ]  # fmt: skip


def test_only_rows_that_change_are_found(warehouse: Warehouse) -> None:
    long_ago, lately = (dt.datetime(2026, month, 1, tzinfo=dt.UTC) for month in (1, 5))
    features = frame(
        warehouse.spark,
        "listing_id string, content_hash string, encoder string, superseded_at timestamp",
        ("same", "h", "mine", None),
        ("edited", "old", "mine", None),
        ("edited", "older", "mine", lately),
        ("edited", "oldest", "mine", long_ago),
        ("returned", "h", "mine", long_ago),
        ("erased", "h", "mine", None),
        ("erased", "h", "other", None),
        ("same", "h", "other", None),
        ("returned", "h", "other", lately),
        ("edited", "oldest", "other", long_ago),
    )
    listings = frame(
        warehouse.spark, "listing_id string, content_hash string", ("same", "h"), ("edited", "new"), ("returned", "h")
    )

    def changes(*, others: bool) -> list[tuple[Any, ...]]:
        found = outdated(features, listings, ["mine"], dt.datetime(2026, 3, 1, tzinfo=dt.UTC), others=others)
        return rows_of(found, "listing_id", "content_hash", "encoder", "change")

    always = [
        ("edited", "old", "mine", "supersede"),
        ("edited", "oldest", "mine", "delete"),
        ("edited", "oldest", "other", "delete"),
        ("erased", "h", "mine", "delete"),
        ("erased", "h", "other", "delete"),
        ("returned", "h", "mine", "restore"),
    ]
    assert changes(others=False) == always
    assert changes(others=True) == sorted([*always, ("same", "h", "other", "supersede")], key=repr)
