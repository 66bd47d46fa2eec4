"""Rows and pictures of test deliveries, with plausible values."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pyspark.sql import SparkSession

from conf.ingest_settings import IngestSettings
from jobs.console.summary import Summary
from jobs.ingestion.copies import Copies
from jobs.ingestion.deliveries import Delivery, open_delivery

Deliver = Callable[..., Summary]
NOW = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)


def opened(spark: SparkSession, path: Path, settings: IngestSettings | None = None) -> Delivery:
    """A delivery whose files are on this machine."""
    copies = Copies(Path(tempfile.mkdtemp(dir=path.parents[1])), None, "")
    return open_delivery(spark, str(path), settings or IngestSettings(), NOW, copies)


def picture(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    out = io.BytesIO()
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    coarse.resize((48, 64), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def listing(name: str, day: int = 1, **values: Any) -> dict[str, Any]:  # noqa: ANN401 - any column's value
    time = f"2024-01-{day:02}T00:00:00Z"
    row = {"listing_id": name, "title": f"title of {name}", "category": "bags", "price": 1.0, "updated_at": time}
    return {**row, **values}
