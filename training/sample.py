"""The out-of-sample judgements that the ranks wrote, with the sellers of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """Sampled rows with a label, in the order of their keys.

    Attributes:
        labels: int64, shape (n,), category index of the seller's label.
        sellers: int64, shape (n,), index into `seller_ids`; -1 where there is none.
        seller_ids: S ids.
        text, image, head: log-probabilities, shape (n, C); rows of NaN where a branch has nothing to say.
    """

    labels: Ints
    sellers: Ints
    seller_ids: tuple[str, ...]
    text: Floats
    image: Floats
    head: Floats


def read_sample(files: Sequence[Path], written: DataFrame) -> Sample:
    """Gather what the ranks wrote.

    Args:
        files: one of each rank.
        written: the training set's key and seller_id.
    """
    parts = []
    for file in files:
        with np.load(file) as stored:
            parts.append({name: stored[name] for name in stored.files})
    keys = np.concatenate([part["key"] for part in parts])
    order = np.argsort(keys, kind="stable")
    joined = {
        name: np.concatenate([part[name] for part in parts])[order] for name in ("label", "text", "image", "head")
    }
    wanted = written.sparkSession.createDataFrame([(int(key),) for key in keys], "key BIGINT")
    narrow = written.join(F.broadcast(wanted), "key").select("key", "seller_id").toPandas().drop_duplicates("key")
    codes, ids = seller_codes(narrow.set_index("key")["seller_id"].reindex(keys[order]).tolist())
    return Sample(joined["label"].astype(np.int64), codes, ids, joined["text"], joined["image"], joined["head"])


def seller_codes(sellers: list[str | None]) -> tuple[Ints, tuple[str, ...]]:
    """Each row's index into the sorted distinct ids, -1 for None; and these ids."""
    ids = tuple(sorted({seller for seller in sellers if isinstance(seller, str)}))
    index = {seller: i for i, seller in enumerate(ids)}
    return np.array([index.get(s, -1) if isinstance(s, str) else -1 for s in sellers], np.int64), ids
