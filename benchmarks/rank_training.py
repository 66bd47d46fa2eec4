"""`python -m benchmarks.rank_training WAREHOUSE FOLDER`: serves training runs on one training set."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from benchmarks.machine import cores
from benchmarks.serve import Answer, serve
from conf.load import load_settings
from jobs.features.encoders import bundled_encoder
from jobs.features.stored import with_vectors
from jobs.warehouse.listings import in_force
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import open_warehouse
from schemas.tables import LISTINGS, TAXONOMY
from training.dataset import write_dataset
from training.examples import example_rows
from training.package_files import zip_project
from training.plan import make_plan
from training.ranks import Limits, run_on_ranks
from training.registry import open_registry
from training.task import RankTask
from training.train import feature_arguments
from training.transitions import category_distances
from udfs.ancestors import ancestor_matrix

_PLAN = ("train.image_epochs=3", "train.patience=1000")
"""A few picture epochs without early stopping, so that every run does the same work."""


def start() -> Answer:
    """Write the training set for two ranks from all current listings."""
    location, folder = sys.argv[1], Path(sys.argv[2])
    settings = load_settings("local", [f"spark.master=local[{max(cores(), 2)}]", *_PLAN])
    workspace = open_warehouse(open_session(settings.spark, "ranks"), location)
    taxonomy = sorted(workspace.read(TAXONOMY).select("category", "parent", "department").collect())
    categories = [row.category for row in taxonomy]
    ancestors = ancestor_matrix(categories, [row.parent for row in taxonomy])
    distances = category_distances([row.parent for row in taxonomy], [row.department for row in taxonomy], ancestors)
    text, _ = feature_arguments(settings)
    nobody = F.lit(None).cast("string")
    registry = open_registry(workspace.folder, location, settings.registry)
    encoder = bundled_encoder(registry.model(registry.champion_version()).bundle).spec
    listings = with_vectors(workspace, in_force(workspace.read(LISTINGS)), encoder.identity)
    rows = example_rows(
        listings.withColumns(dict.fromkeys(("decided_category", "audited_category"), nobody)),
        categories,
        text=text,
        encoder=None,
        partitions=2 * settings.train.row_groups_per_rank,
    )
    dataset = write_dataset(rows, str(folder / "dataset"), ranks=2)
    pictures = workspace.spark.read.parquet(f"file://{dataset.folder}").where("present").count()
    plan = make_plan(settings, dataset.rows, pictures)
    code = zip_project(folder / "code.zip")

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Train with `ranks` ranks, or describe the training set if `ranks` is 0."""
        ranks = int(request["ranks"])
        if not ranks:
            return {
                "dataset": asdict(dataset),
                "plan": asdict(plan),
                "pictures": pictures,
                "vector_width": encoder.width,
                "categories": len(categories),
                "hash_size": settings.text.hash_size,
            }
        work = folder / "run"
        work.mkdir()
        task = RankTask(dataset, plan, distances, ancestors, settings.text.hash_size, encoder.width, str(work))
        started = time.perf_counter()
        run_on_ranks(
            "training.worker:train_rank",
            (task,),
            ranks=ranks,
            code=code,
            failure=task.failure,
            heartbeat=task.heartbeat,
            limits=Limits(settings.train.start_timeout_seconds, settings.train.rank_silence_seconds),
        )
        seconds = time.perf_counter() - started
        epochs = [json.loads(line) for line in task.progress.read_text(encoding="utf-8").splitlines()]
        shutil.rmtree(work)
        return {"seconds": seconds, "epochs": epochs}

    return answer


if __name__ == "__main__":
    serve(start)
