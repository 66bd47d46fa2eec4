"""The bundle as an MLflow `pyfunc` model: `mlflow.pyfunc.load_model` finds `_load_pyfunc` here and needs no pickle."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from udfs.predictor import Predictor, load_predictor
from udfs.rankings import rank

INPUTS = {"title": "string", "description": "string", "image": "binary", "bucket": "long"}
"""Column -> MLflow type. `bucket` chooses the member (schemas.bundle.BUCKETS); the others may be null."""
_TOP = 20


class PyfuncModel:
    """Judges a frame of listings."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        """The fused, text and picture verdicts of each listing, null where there is nothing to judge.

        Args:
            frame: the columns of `INPUTS`.
            params: none are known.

        Returns:
            `predicted_category`, `confidence`, `text_category`, `text_confidence`, `image_category`,
            `image_confidence`, `image_status`, and `top_categories`, the twenty likeliest with their probability.
        """
        texts = [[v if isinstance(v, str) else None for v in frame[name]] for name in ("title", "description")]
        images = [v if isinstance(v, bytes) else None for v in frame["image"]]
        buckets = frame["bucket"].to_numpy(np.int64)
        judged, status = self._predictor.predict(texts[0], texts[1], images, buckets)
        categories = self._predictor.spec.categories
        columns: dict[str, Any] = {}
        for name, branch in (("predicted", judged.fused), ("text", judged.text), ("image", judged.image)):
            best = rank(branch, categories, 1).to_pylist()
            columns[f"{name}_category"] = [b[0]["category"] if b else None for b in best]
            confidence = "confidence" if name == "predicted" else f"{name}_confidence"
            columns[confidence] = [b[0]["probability"] if b else None for b in best]
        columns["image_status"] = status
        columns["top_categories"] = rank(judged.fused, categories, _TOP).to_pylist()
        return pd.DataFrame(columns, index=frame.index)


def _load_pyfunc(path: str) -> PyfuncModel:
    threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    return PyfuncModel(load_predictor(path, threads))
