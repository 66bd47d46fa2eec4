"""`python -m benchmarks.text_fit SETUP`: serves fits of the text branch and of scikit-learn on one training set."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.machine import cores
from benchmarks.serve import Answer, serve
from training.dataset import Dataset, read_shard
from training.plan import Plan
from training.ranks import Ranks
from training.text_branch import make_text_trainer, one_hot
from udfs.tf_runtime import import_tensorflow

_C, _MAX_ITERATIONS = 2.0, 1000
"""Inverse L2 penalty of both; scikit-learn must converge by itself."""


def start() -> Answer:
    """Encode the texts of the training set described on the command line, with all cores."""
    setup = json.loads(sys.argv[1])
    import_tensorflow(cores())
    folder = Path.cwd() / "cache-text"
    shard = read_shard(Dataset(**setup["dataset"]), 0, 1, folder, int(setup["vector_width"]))
    plan, categories = Plan(**setup["plan"]), int(setup["categories"])
    trainer = make_text_trainer(shard, plan, categories, int(setup["hash_size"]), Ranks.init(), lambda *_: None, folder)
    labels, own = shard.hard_targets, shard.buckets % plan.text_members == 0
    texts = trainer.linear.texts

    def answer(request: Mapping[str, Any]) -> dict[str, object]:
        """Fit all our members, or one of scikit-learn; the accuracy is on the fold that the first leaves out."""
        started = time.perf_counter()
        if request["method"] == "ours":
            text = trainer.train(one_hot(labels, categories), _C, "text model")
            predicted = text.predict(np.flatnonzero(own)).argmax(axis=1)
        else:
            peer = LogisticRegression(C=_C, max_iter=_MAX_ITERATIONS).fit(texts[~own], labels[~own])
            predicted = peer.predict(texts[own])
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "accuracy": float(np.mean(predicted == labels[own]))}

    return answer


if __name__ == "__main__":
    serve(start)
