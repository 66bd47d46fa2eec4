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
    """Sampled rows with a seller's label, in the order of their keys.

    Attributes:
        labels: int64, shape (n,), category index of the seller's label.
        truths: int64, shape (n,), category index that a person has decided; -1 where nobody has.
        sellers: int64, shape (n,), index into `seller_ids`; -1 where there is none.
        seller_ids: S ids.
        text, image, head: log-probabilities, shape (n, C); rows of NaN where a branch has nothing to say.
    """

    labels: Ints
    truths: Ints
    sellers: Ints
    seller_ids: tuple[str, ...]
    text: Floats
    image: Floats
    head: Floats


def read_sample(files: Sequence[Path], written: DataFrame) -> Sample:
    """Gather what the ranks wrote, but rows that have no seller's label.

    Args:
        files: one of each rank.
        written: the training set's key, seller_id, given and decided.
    """
    parts = []
    for file in files:
        with np.load(file) as stored:
            parts.append({name: stored[name] for name in stored.files})
    names = ("key", "label", "text", "image", "head")
    joined = {name: np.concatenate([part[name] for part in parts]) for name in names}
    wanted = written.sparkSession.createDataFrame([(int(key),) for key in joined["key"]], "key BIGINT")
    narrow = written.join(F.broadcast(wanted), "key").toPandas().drop_duplicates("key").set_index("key")
    order = np.argsort(joined["key"], kind="stable")
    order = order[narrow["given"].reindex(joined["key"][order]).to_numpy() >= 0]
    joined = {name: values[order] for name, values in joined.items()}
    narrow = narrow.reindex(joined["key"])
    codes, ids = seller_codes(narrow["seller_id"].tolist())
    return Sample(
        labels=narrow["given"].to_numpy(np.int64),
        truths=np.where(narrow["decided"].to_numpy(np.bool_), joined["label"], -1).astype(np.int64),
        sellers=codes,
        seller_ids=ids,
        text=joined["text"],
        image=joined["image"],
        head=joined["head"],
    )


def seller_codes(sellers: list[str | None]) -> tuple[Ints, tuple[str, ...]]:
    """Each row's index into the sorted distinct ids, -1 for None; and these ids."""
    ids = tuple(sorted({seller for seller in sellers if isinstance(seller, str)}))
    index = {seller: i for i, seller in enumerate(ids)}
    return np.array([index.get(s, -1) if isinstance(s, str) else -1 for s in sellers], np.int64), ids
