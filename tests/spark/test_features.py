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
from typer.testing import CliRunner

import jobs.features.encoding
from jobs.cli import app
from jobs.features.steps.selection import outdated, unencoded
from jobs.features.stored import read_features, stored_features, with_vectors
from jobs.warehouse.listings import narrow
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES, LISTINGS, RUNS, TAXONOMY
from tests.encoders import save_picture_encoder
from tests.spark.frames import frame, rows_of
from udfs.picture_features import encode_listings

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


@dataclass(frozen=True)
class Shop:
    """A warehouse with listings, and how to encode their pictures."""

    warehouse: Warehouse
    network: str
    store: Path

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

    def encode(self, *options: str, fails_with: int = 0) -> dict[str, Any]:
        """Run the command; returns its summary."""
        settings = (f"picture.encoder={self.network}", f"picture.size={SIZE}", f"ingest.image_prefixes=[{self.store}]")
        words = [word for setting in (*settings, *options) for word in ("--set", setting)]
        words = ["encode", "--warehouse", self.warehouse.location, "--profile", "test", "--json", *words]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == fails_with, f"{result.stderr}\n{result.exception!r}"
        return {"error": result.stderr} if fails_with else dict(json.loads(result.stdout.splitlines()[-1]))

    def stored(self, *columns: str) -> list[tuple[Any, ...]]:
        """The stored rows, sorted: listing_id, and the given columns."""
        return rows_of(self.warehouse.read(FEATURES), "listing_id", *columns)


@pytest.fixture
def shop(warehouse: Warehouse, network: str, tmp_path: Path) -> Shop:
    shop = Shop(warehouse, network, tmp_path / "store")
    warehouse.create(TAXONOMY)
    shop.add(*((f"L{red}", f"h{red}", picture(red), None) for red in REDS))
    shop.add(("junk", "h-junk", b"junk", None), ("away", "h-away", None, "a.png"), ("plain", "h-plain", None, None))
    return shop


def test_a_picture_is_encoded_once_in_the_life_of_its_content(shop: Shop) -> None:
    summary = shop.encode()
    (identity,) = {encoder for _, encoder in shop.stored("encoder")}
    assert re.fullmatch(rf"mean-v1-{SIZE}px-[0-9a-f]{{12}}", identity)
    assert (summary["encoded"], summary["superseded"], summary["deleted"]) == (7, 0, 0)
    by_status = {row["status"]: row["pictures"] for row in summary["by_status"]}
    assert by_status == {"ok": 5, "corrupt": 1, "unreadable": 1}
    columns = ("content_hash", "image_status", "image_width", "image_height", "superseded_at")
    assert shop.stored(*columns)[0] == ("L120", "h120", "ok", 20, 20, None)
    assert shop.stored(*columns)[-2:] == [
        ("away", "h-away", "unreadable", None, None, None),
        ("junk", "h-junk", "corrupt", None, None, None),
    ]
    vectors = {row.listing_id: row.vector for row in read_features(shop.warehouse, identity).collect()}
    assert sorted(vectors) == sorted([*(f"L{red}" for red in REDS), "junk", "away"])
    for red in REDS:
        assert np.frombuffer(vectors[f"L{red}"], "<f2").tolist() == pytest.approx([red, 0, 80], abs=1)
    assert vectors["junk"] is None
    assert rows_of(read_features(shop.warehouse, "another encoder"), "listing_id") == []
    listings = narrow(shop.warehouse.read(LISTINGS))
    joined = {row.listing_id: row for row in with_vectors(shop.warehouse, listings, identity).collect()}
    assert len(joined) == 8
    assert joined["L40"].vector == vectors["L40"]
    assert [joined[name].image_status for name in ("L40", "junk", "away", "plain")] == [
        "ok", "corrupt", "unreadable", "missing",
    ]  # fmt: skip
    unknown = with_vectors(shop.warehouse, listings, "another encoder").where("image_status = 'unreadable'")
    assert unknown.where("vector IS NULL").count() == 7, "every listing with a picture"

    # Only the picture that could not be read is read again, and then not any more.
    before = shop.stored("encoded_at")
    shop.store.mkdir()
    (shop.store / "a.png").write_bytes(picture(60))
    assert shop.encode()["encoded"] == 1
    after = dict(shop.stored("encoded_at"))
    assert {name for name, time in before if after[name] != time} == {"away"}
    assert ("away", "ok", 20) in shop.stored("image_status", "image_width")
    version = shop.warehouse.version(FEATURES)
    assert shop.encode()["encoded"] == 0
    assert shop.warehouse.version(FEATURES) == version
    counts = shop.warehouse.read(RUNS).where("job = 'encode'").select("status", "counts").collect()
    assert [(row.status, row.counts["encoded"]) for row in counts if row.counts["encoded"] == 7] == [("done", 7)]


def test_vectors_of_earlier_content_are_kept_for_a_while(shop: Shop) -> None:
    shop.encode()

    def superseded() -> set[tuple[str, str]]:
        return {(name, content) for name, content, time in shop.stored("content_hash", "superseded_at") if time}

    shop.change("L40", "h41")
    shop.warehouse.table(LISTINGS).delete("listing_id = 'L80'")
    summary = shop.encode()
    assert (summary["encoded"], summary["superseded"], summary["deleted"]) == (1, 1, 1)
    assert superseded() == {("L40", "h40")}
    assert "L80" not in {name for (name,) in shop.stored()}, "an erased listing leaves no vector"
    shop.change("L40", "h40")
    summary = shop.encode()
    assert (summary["encoded"], summary["superseded"], summary["restored"]) == (0, 1, 1)
    assert superseded() == {("L40", "h41")}
    assert shop.encode("features.keep_days=0")["deleted"] == 1
    assert superseded() == set()
    assert ("L40", "h40") in shop.stored("content_hash")


def test_a_killed_run_keeps_the_pieces_that_it_has_finished(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def dies(*arguments: object, **options: Any) -> DataFrame:  # noqa: ANN401 - whatever is passed on
        calls.append(options["rows"])
        folder = shop.warehouse.folder
        assert folder is not None
        assert (folder / "_lock").exists()
        assert json.loads((folder / "_lock.json").read_text())["job"] == "encode"
        if len(calls) == 3:
            raise OSError("the power is off")
        return encode_listings(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs.features.encoding, "_SLOT_ROWS", 1)
    with monkeypatch.context() as broken:
        broken.setattr(jobs.features.encoding, "encode_listings", dies)
        assert "the power is off" in shop.encode(fails_with=1)["error"]
    assert calls == [2, 2, 2]
    done = shop.stored("encoded_at")
    assert 0 < len(done) < 7
    assert not list((shop.warehouse.folder or Path()).glob("_staging/*"))
    # Those with a vector or a final status are not read again.
    again = sum(1 for row in shop.stored("image_status") if row[1] == "unreadable")
    assert shop.encode()["encoded"] == 7 - len(done) + again
    assert len(shop.stored()) == 7
    assert set(done) - set(shop.stored("encoded_at")) <= {row for row in done if row[0] == "away"}


def test_searching_for_new_pictures_reads_neither_pictures_nor_vectors(shop: Shop) -> None:
    shop.encode()
    listings, features = shop.warehouse.read(LISTINGS), shop.warehouse.read(FEATURES)
    time = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    (identity,) = {encoder for _, encoder in shop.stored("encoder")}
    searches = (
        unencoded(narrow(listings), stored_features(shop.warehouse, identity)),
        outdated(features, listings, [identity], time, others=True),
        read_features(shop.warehouse, identity).select("listing_id", "image_status"),
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
