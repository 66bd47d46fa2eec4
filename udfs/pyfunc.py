"""The bundle as an MLflow `pyfunc` model: `mlflow.pyfunc.load_model` calls `_load_pyfunc`, so nothing is pickled."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from schemas.branches import BRANCHES
from udfs.predictor import Predictor, load_predictor
from udfs.rankings import rank

INPUTS = {"title": "string", "description": "string", "image": "binary", "bucket": "long"}
"""Column -> MLflow type. `bucket` (schemas.bundle.BUCKETS) selects the members; the others may be null."""
_TOP = 20


class PyfuncModel:
    """Predicts a data frame of listings."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """The predictions from all inputs, from text and from the picture; null where the input is missing.

        Args:
            frame: the columns of `INPUTS`.
            params: ignored; required by MLflow's interface.

        Returns:
            `predicted_category`, `confidence`, `text_category`, `text_confidence`, `image_category`,
            `image_confidence`, `image_status`, and `top_categories`, the 20 most probable ones with their probability.
        """
        texts = [[v if isinstance(v, str) else None for v in frame[name]] for name in ("title", "description")]
        images = [v if isinstance(v, bytes) else None for v in frame["image"]]
        buckets = frame["bucket"].to_numpy(np.int64)
        prediction, status = self._predictor.predict(texts[0], texts[1], images, buckets)
        categories = self._predictor.spec.categories
        columns: dict[str, Any] = {}
        stored = {branch.name: prediction.of(branch.name) for branch in BRANCHES if branch.stored}
        for name, log_probabilities in {"predicted": prediction.fused, **stored}.items():
            best = rank(log_probabilities, categories, 1).to_pylist()
            columns[f"{name}_category"] = [b[0]["category"] if b else None for b in best]
            confidence = "confidence" if name == "predicted" else f"{name}_confidence"
            columns[confidence] = [b[0]["probability"] if b else None for b in best]
        columns["image_status"] = status
        columns["top_categories"] = rank(prediction.fused, categories, _TOP).to_pylist()
        return pd.DataFrame(columns, index=frame.index)


def _load_pyfunc(path: str) -> PyfuncModel:
    threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    return PyfuncModel(load_predictor(path, threads))
