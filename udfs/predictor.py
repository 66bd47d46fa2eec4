"""A bundle's folder -> a predictor: texts and pictures in, log-probabilities out. Needs no training code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.bundle import BundleSpec
from schemas.tensors import Judgement, PictureBatch, TextBatch
from udfs.bundle import load_spec
from udfs.fusion import fuse
from udfs.pictures import decode
from udfs.text import featurize

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """n listings as the networks take them."""

    text: TextBatch
    pictures: PictureBatch


class Predictor:
    """Judges listings with the member that has not trained on their fold."""

    def __init__(self, spec: BundleSpec, text: Any, fused: Sequence[Any], threads: int) -> None:
        """Take the loaded members; `load_predictor` loads them.

        Args:
            spec: the bundle's description.
            text: the text members' signature.
            fused: one signature a fused member.
            threads: pictures decoded at once.
        """
        self.spec = spec
        self._text, self._fused, self._threads = text, list(fused), threads

    def predict(
        self,
        titles: Sequence[str | None],
        descriptions: Sequence[str | None],
        images: Sequence[bytes | None],
        buckets: Ints,
    ) -> tuple[Judgement, list[str]]:
        """Judge n listings.

        Args:
            titles, descriptions, images: what the listings show; None where there is nothing.
            buckets: shape (n,), their buckets, 0 to 2519.

        Returns:
            The judgement and each picture's status.
        """
        prepared = self.prepare(titles, descriptions, images)
        return self.judge(prepared, buckets), prepared.pictures.status

    def prepare(
        self, titles: Sequence[str | None], descriptions: Sequence[str | None], images: Sequence[bytes | None]
    ) -> Prepared:
        """Hash the texts and decode the pictures; may run in a thread beside `judge`."""
        text = featurize(titles, descriptions, **self.spec.text)  # type: ignore[arg-type]
        return Prepared(text, decode(images, **self.spec.picture, threads=self._threads))  # type: ignore[arg-type]

    def judge(self, prepared: Prepared, buckets: Ints) -> Judgement:
        """Run the networks: the text members on all rows, each fused member on its fold's rows with a picture."""
        import tensorflow as tf

        n = len(buckets)
        nothing = np.full((n, len(self.spec.categories)), np.nan, np.float32)
        batch = prepared.text
        said = self._text(
            ids=tf.constant(batch.ids),
            weights=tf.constant(batch.weights),
            splits=tf.constant(batch.splits),
            fold=tf.constant(np.asarray(buckets, np.int64) % self.spec.text_members),
        )
        text = np.where(said["known"].numpy()[:, None] > 0, said["log_probabilities"].numpy(), np.float32(np.nan))
        image, head = nothing.copy(), nothing.copy()
        for member, network in enumerate(self._fused):
            rows = np.flatnonzero(prepared.pictures.present & (buckets % len(self._fused) == member))
            if not len(rows):
                continue
            texts = batch.take(rows)
            said = network(
                pixels=tf.constant(prepared.pictures.pixels[rows]),
                ids=tf.constant(texts.ids),
                weights=tf.constant(texts.weights),
                splits=tf.constant(texts.splits),
            )
            image[rows], head[rows] = said["image"].numpy(), said["head"].numpy()
        return Judgement(text=text, image=image, fused=fuse(text, image, head, self.spec.fusion))


def load_predictor(folder: str, threads: int) -> Predictor:
    """Load a bundle, once a process.

    Args:
        folder: a bundle.
        threads: cores that this process may use; TensorFlow takes this number when it is first used, so a
            process that has used it before keeps the number it had.

    Raises:
        FileNotFoundError, ValueError: as `udfs.bundle.load_spec`.
    """
    spec = load_spec(folder)
    use_device(threads)
    import tensorflow as tf

    def signature(name: str) -> Any:
        return tf.saved_model.load(str(Path(folder) / name)).signatures["serving_default"]

    fused = [signature(f"fused-{member}") for member in range(spec.image_members)]
    return Predictor(spec, signature("text"), fused, threads)


def use_device(threads: int) -> None:
    """Keep TensorFlow to this task's share of the machine: so many threads, and its own GPU or none.

    Must come before TensorFlow is first used in the process; afterwards it changes nothing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    addresses = _task_gpus()
    if addresses is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(addresses)
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
    except RuntimeError:
        return  # already running in this process, with the numbers it was given first


def _task_gpus() -> list[str] | None:
    """Addresses of the GPUs that Spark gave this task; none where it gave none; None outside a task."""
    from pyspark import TaskContext

    context = TaskContext.get()
    if context is None:
        return None
    gpu = context.resources().get("gpu")
    return list(gpu.addresses) if gpu is not None else []
