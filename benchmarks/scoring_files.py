"""`python -m benchmarks.scoring_files WAREHOUSE`: writes the listings that all methods score or encode."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import cores
from benchmarks.serve import Answer, serve
from conf.load import load_settings
from jobs.features.stored import with_vectors
from jobs.warehouse.listings import in_force
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import open_warehouse
from schemas.bundle import PICTURE_ENCODER_FOLDER
from schemas.tables import LISTINGS
from training.registry import open_registry
from udfs.classify import READ


def start() -> Answer:
    """Open the warehouse named on the command line."""
    location, settings = sys.argv[1], load_settings()
    workspace = open_warehouse(open_session(settings.spark, "scoring files"), location)
    registry = open_registry(workspace.folder, location, settings.registry)
    version = registry.champion_version()
    model = registry.model(version)

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Write all current listings to the folder `every` and a few of them to `few`, one file per core."""
        listings = with_vectors(workspace, in_force(workspace.read(LISTINGS)), model.spec.encoder).select(
            *READ, "image", "image_uri"
        )
        listings.repartition(cores()).write.mode("overwrite").parquet(request["every"])
        listings.limit(request["few_rows"]).repartition(cores()).write.mode("overwrite").parquet(request["few"])
        return {
            "rows": listings.count(),
            "bundle": model.bundle,
            "encoder": str(Path(model.bundle) / PICTURE_ENCODER_FOLDER),
            "encoder_identity": model.spec.encoder,
            "picture": model.spec.picture,
            "model": f"models:/{settings.registry.model_name}/{version}",
            "registry": f"sqlite:///{workspace.folder}/mlflow/mlflow.db",
            "top": settings.classify.top,
        }

    return answer


if __name__ == "__main__":
    serve(start)
