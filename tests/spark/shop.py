"""A warehouse with listings whose pictures are encoded by a tiny network."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from pyspark.sql import functions as F
from rich.console import Console

from conf.load import load_settings
from jobs.console.job import Job
from jobs.features.encoders import Encoder
from jobs.features.encoding import encode_pictures
from jobs.features.retiring import retire_features
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.tables import Warehouse
from schemas.tables import FEATURES, LISTINGS
from tests.spark.frames import frame, rows_of

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
        job = Job("encode", settings, self.warehouse.address, lambda: self.warehouse, self.now, Console(quiet=True))
        return RunContext(job, f"encode-{self.now.date()}", self.now.date(), exclusive=False)

    def encode(self) -> int:
        """Encode the pictures of the current listings; returns their number."""
        version = self.warehouse.version(LISTINGS)
        assert version is not None
        return encode_pictures(self.run(), self.encoder, version).encoded

    def retire(self, *overrides: str) -> dict[str, int]:
        """Mark and delete rows; returns the counts."""
        return retire_features(self.run(*overrides), {self.identity}, others=True)

    def vector(self, listing_id: str, content_hash: str) -> bytes | None:
        """A stored vector."""
        wanted = (F.col("listing_id") == listing_id) & (F.col("content_hash") == content_hash)
        (row,) = self.warehouse.read(FEATURES).where(wanted).collect()
        return None if row.vector is None else bytes(row.vector)

    @property
    def identity(self) -> str:
        """The encoder's identity."""
        return self.encoder.spec.identity

    def stored(self, *columns: str) -> list[tuple[Any, ...]]:
        """The stored rows, sorted: listing_id, and the given columns; `day` is that of encoded_at."""
        stored = self.warehouse.read(FEATURES).withColumn("day", F.to_date("encoded_at"))
        return rows_of(stored, "listing_id", *columns)
