"""One small session for all tests, started on first use; every test has its own warehouse."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from conf.load import load_settings
from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.features.encoders import Encoder
from jobs.ingest import ingest
from jobs.warehouse.forgetting import clear_log_cache
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse
from tests.encoders import save_picture_encoder
from tests.spark.deliveries import NOW, Deliver
from tests.spark.shop import REDS, SIZE, Shop, picture
from udfs.encoders.folder import write_encoder


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The session that the jobs use, with the test profile."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = open_session(load_settings("test").spark, "tests")
    yield session
    session.stop()


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse."""
    yield open_warehouse(spark, str(tmp_path / "warehouse"))
    clear_log_cache(spark)


@pytest.fixture
def deliver(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Ingest rows as one delivery; the runs' ids end in 000001, 000002, ..."""
    numbers, tokens = iter(range(1000)), iter(range(1, 1000))
    monkeypatch.setattr("jobs.lifecycle.run_log.token_hex", lambda _bytes: f"{next(tokens):06}")

    def run(
        *rows: dict[str, Any],
        full: bool = False,
        overrides: tuple[str, ...] = (),
        taxonomy: str | None = "",
        aliases: str | None = None,
        from_paths: bool = False,
    ) -> Summary:
        path = tmp_path / f"delivery-{next(numbers)}.parquet"
        pd.DataFrame(rows, columns=None if rows else ["listing_id", "updated_at", "title"]).to_parquet(path)
        categories = tmp_path / "taxonomy.csv"
        if taxonomy is not None:
            categories.write_text(taxonomy or "category,label,sensitive\nbags,Bags,false\nshoes,Shoes,true\n")
        settings = load_settings("test", overrides)
        job = Job("ingest", settings, warehouse.address, lambda: warehouse, NOW, Console(quiet=True))
        mapping = tmp_path / "aliases.csv"
        if aliases is not None:
            mapping.write_text(aliases)
        return ingest(
            job,
            str(path),
            taxonomy=None if taxonomy is None else str(categories),
            from_paths=from_paths,
            aliases=None if aliases is None else str(mapping),
            full=full,
        )

    return run


@pytest.fixture(scope="session")
def picture_network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network that gives the mean colour of a picture."""
    return save_picture_encoder(tmp_path_factory.mktemp("encoder") / "mean.keras", SIZE)


@pytest.fixture(scope="session")
def picture_encoder(picture_network: str, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """The network as an encoder in a folder."""
    folder = tmp_path_factory.mktemp("encoder")
    return Encoder(folder, write_encoder(folder, picture_network, SIZE))


@pytest.fixture
def shop(warehouse: Warehouse, picture_encoder: Encoder, tmp_path: Path) -> Shop:
    """A warehouse with five readable pictures, a damaged one, one that cannot be reached, and a listing without."""
    shop = Shop(warehouse, picture_encoder, tmp_path / "store")
    shop.add(*((f"L{red}", f"h{red}", picture(red), None) for red in REDS))
    shop.add(("junk", "h-junk", b"junk", None), ("away", "h-away", None, "a.png"), ("plain", "h-plain", None, None))
    return shop
