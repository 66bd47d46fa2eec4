"""Pictures are encoded once in their life: what is stored, read again, marked and deleted."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console
from typer.testing import CliRunner

import jobs.features.encoding
from conf.load import load_settings
from jobs.cli import app
from jobs.console.job import Job
from jobs.features.encoders import Encoder
from jobs.features.encoding import encode_pictures
from jobs.features.retiring import retire_features
from jobs.features.steps.selection import outdated, unencoded
from jobs.features.stored import stored_features, with_vectors
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.listings import narrow
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES, LISTINGS, RUNS, TAXONOMY
from tests.encoders import save_picture_encoder
from tests.spark.frames import frame, rows_of
from udfs.encoders.folder import write_encoder
from udfs.picture_features import encode_listings

NOW = dt.datetime(2026, 3, 1, 2, 30, tzinfo=dt.UTC)
SIZE = 32
REDS = (40, 80, 120, 160, 200)


def picture(red: int) -> bytes:
    """A picture of 20 x 20 pixels with two colours, red in its mean."""
    image = Image.new("RGB", (20, 20), (red - 20, 0, 80))
    image.paste((red + 20, 0, 80), (0, 10, 20, 20))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_picture_encoder(tmp_path_factory.mktemp("encoder") / "mean.keras", SIZE)


@pytest.fixture(scope="module")
def encoder(network: str, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("encoder")
    return Encoder(folder, write_encoder(folder, network, SIZE))


@dataclass
class Shop:
    """A warehouse with listings, and how to encode their pictures."""

    warehouse: Warehouse
    encoder: Encoder
    store: Path
    now: dt.datetime = NOW

    def add(self, *rows: tuple[str, str, bytes | None, str | None]) -> None:
        """Add listings: id, content hash, picture, URI."""
        values = frame(
            self.warehouse.spark, "listing_id string, content_hash string, image binary, image_uri string", *rows
        ).withColumn("image_hash", F.sha2("image", 256))
        rest = {c.name: F.lit(None).cast(c.type) for c in LISTINGS.columns if c.name not in values.columns}
        self.warehouse.append(LISTINGS, values.withColumns(rest))

    def change(self, listing_id: str, content_hash: str) -> None:
        """Give a listing other content with the same picture."""
        same = F.col("listing_id") == listing_id
        self.warehouse.table(LISTINGS).update(same, {"content_hash": F.lit(content_hash)})

    def run(self, *overrides: str) -> RunContext:
        """A run, one day after the one before."""
        self.now += dt.timedelta(days=1)
        settings = load_settings("test", [f"ingest.image_prefixes=[{self.store}]", *overrides])
        job = Job("encode", settings, self.warehouse.spark, self.warehouse, self.now, Console(quiet=True))
        return RunContext(job, f"encode-{self.now.date()}", self.now.date(), exclusive=False)

    def encode(self) -> int:
        """Encode the pictures of the current listings; returns their number."""
        version = self.warehouse.version(LISTINGS)
        assert version is not None
        return encode_pictures(self.run(), self.encoder, version)

    def retire(self, *overrides: str) -> dict[str, int]:
        """Mark and delete rows; returns the counts."""
        return retire_features(self.run(*overrides), {self.identity}, others=True)

    @property
    def identity(self) -> str:
        """The encoder's identity."""
        return self.encoder.spec.identity

    def stored(self, *columns: str) -> list[tuple[Any, ...]]:
        """The stored rows, sorted: listing_id, and the given columns; `day` is that of encoded_at."""
        stored = self.warehouse.read(FEATURES).withColumn("day", F.to_date("encoded_at"))
        return rows_of(stored, "listing_id", *columns)


@pytest.fixture
def shop(warehouse: Warehouse, encoder: Encoder, tmp_path: Path) -> Shop:
    shop = Shop(warehouse, encoder, tmp_path / "store")
    shop.add(*((f"L{red}", f"h{red}", picture(red), None) for red in REDS))
    shop.add(("junk", "h-junk", b"junk", None), ("away", "h-away", None, "a.png"), ("plain", "h-plain", None, None))
    return shop


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


def test_the_command_reports_what_it_has_encoded(shop: Shop, network: str) -> None:
    shop.warehouse.create(TAXONOMY)
    words = ["encode", "--warehouse", shop.warehouse.location, "--profile", "test", "--json"]
    words += ["--set", f"picture.encoder={network}", "--set", f"picture.size={SIZE}"]
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
