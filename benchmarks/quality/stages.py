"""Runs the product's commands on a full catalogue; a stage that was run with the same code is not run again."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.processes import command_line
from conf.load import load_settings
from jobs.store import read_published
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import open_warehouse

_DATE = "2026-01-01"
_STAGES = ("ingest", "encode", "train", "nightly")
_COLUMNS = {
    "predictions": ("predicted_category", "confidence", "text_category", "image_category", "top_categories"),
    "clean_listings": ("category", "effective_category", "best_category", "category_confidence", "category_action"),
}


def run_pipeline(folder: Path, warehouse: Path, origin: str, say: Callable[[str], None]) -> dict[str, float]:
    """Run `ingest`, `encode`, `train` and `nightly`; returns the seconds of each.

    Args:
        folder: listings.parquet, taxonomy.csv.
        warehouse: created again unless it has the same origin; files next to it record the finished stages.
        origin: a digest of the catalogue and of the code.
        say: prints a progress message.
    """
    commands = {
        "ingest": ["ingest", str(folder / "listings.parquet"), "--taxonomy", str(folder / "taxonomy.csv")],
        "encode": ["encode"],
        "train": ["train"],
        "nightly": ["nightly", "--run-date", _DATE],
    }
    return {stage: _run(stage, commands[stage], warehouse, origin, say) for stage in _STAGES}


def is_current(file: Path, origin: str) -> bool:
    """Whether the kept result was measured with this catalogue and this code."""
    return file.is_file() and json.loads(file.read_text(encoding="utf-8")).get("origin") == origin


def read_cleaned(warehouse: Path, folder: Path) -> pd.DataFrame:
    """One row per listing with known truth: the categories from each source, and `truth`."""
    spark = open_session(load_settings("local").spark, "quality")
    try:
        workspace = open_warehouse(spark, str(warehouse))
        parts = [
            read_published(workspace, table).select("listing_id", *columns).toPandas().set_index("listing_id")
            for table, columns in _COLUMNS.items()
        ]
    finally:
        spark.stop()
    truth = pd.read_parquet(folder / "truth.parquet").set_index("listing_id")["true_category"]
    return parts[1].join(parts[0]).join(truth.rename("truth"), how="inner").sort_index()


def _run(stage: str, words: list[str], warehouse: Path, origin: str, say: Callable[[str], None]) -> float:
    marker = warehouse.with_name(f"{warehouse.name}-{stage}.json")
    if not is_current(marker, origin):
        if stage == _STAGES[0]:
            shutil.rmtree(warehouse, ignore_errors=True)
        say(f"{warehouse.name}: {stage}")
        started = time.monotonic()
        command = [*map(str, command_line(*words)), "--warehouse", str(warehouse)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        marker.write_text(json.dumps({"origin": origin, "seconds": time.monotonic() - started}), encoding="utf-8")
    return float(json.loads(marker.read_text(encoding="utf-8"))["seconds"])
