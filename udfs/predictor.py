"""Load a bundle and predict with it: texts and pictures in, log-probabilities out. It needs no training code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from schemas.arrays import Floats32, Ints
from schemas.branches import FUSED_NETWORK, TEXT, TEXT_NETWORK, predicted_by
from schemas.bundle import ENCODER_FOLDER, BundleSpec
from schemas.tensors import PictureBatch, Prediction, TextBatch
from udfs.bundle import load_spec
from udfs.fusion import fuse
from udfs.pictures import decode
from udfs.text import count_words, featurize, novelty
from udfs.text_encoder import Encode, load_encoder
from udfs.tf_runtime import Network, load_network

_MEMORY = 512 * 1024 * 1024
_BYTES_PER_PIXEL = 400
"""Memory of the network per pixel: about four layers of 24 float32 channels at a time."""


@dataclass(frozen=True)
class Prepared:
    """The inputs of the networks for n listings."""

    text: TextBatch
    pictures: PictureBatch


class Predictor:
    """Predicts each listing with the members that have not trained on the listing's fold."""

    def __init__(
        self, spec: BundleSpec, text: Network, fused: Sequence[Network], threads: int, encode: Encode | None = None
    ) -> None:
        """Use networks that are already loaded; see `load_predictor`.

        Args:
            spec: the bundle's specification.
            text: all text members, (ids, weights, splits, fold) -> text, known, known_words.
            fused: the fused members, (pixels, ids, weights, splits) -> image, head.
            threads: number of pictures to decode in parallel.
            encode: the text encoder; None if the bundle has none.
        """
        self.spec, self._encode = spec, encode
        self._text, self._fused, self._threads = text, list(fused), threads

    def predict(
        self,
        titles: Sequence[str | None],
        descriptions: Sequence[str | None],
        images: Sequence[bytes | None],
        buckets: Ints,
    ) -> tuple[Prediction, list[str]]:
        """Predict n listings.

        Args:
            titles, descriptions, images: n each; None where there is none.
            buckets: shape (n,), 0 to 2519.

        Returns:
            The prediction, and the status of each picture.
        """
        prepared = self.prepare(titles, descriptions, images)
        return self.run(prepared, buckets), prepared.pictures.status

    def prepare(
        self, titles: Sequence[str | None], descriptions: Sequence[str | None], images: Sequence[bytes | None]
    ) -> Prepared:
        """Hash the texts and decode the pictures; may run in another thread than `run`."""
        text = featurize(titles, descriptions, encode=self._encode, **self.spec.text)  # type: ignore[arg-type]
        return Prepared(text, decode(images, **self.spec.picture, threads=self._threads))  # type: ignore[arg-type]

    def run(self, prepared: Prepared, buckets: Ints) -> Prediction:
        """Run the text members on all rows, and each fused member on the rows of its fold that have a picture."""
        batch = prepared.text
        outputs = self._text(
            ids=batch.ids,
            weights=batch.weights,
            splits=batch.splits,
            fold=np.asarray(buckets, np.int64) % self.spec.text_members,
        )
        text = np.where(outputs["known"][:, None] > 0, outputs[TEXT.name], np.float32(np.nan))
        branches = {TEXT.name: text, **self._run_fused(prepared, buckets, np.full_like(text, np.nan))}
        words = count_words(batch, int(cast("int", self.spec.text["hash_size"])))
        return Prediction(branches, fuse(branches, self.spec.fusion), novelty(words, outputs["known_words"]))

    def _run_fused(self, prepared: Prepared, buckets: Ints, missing: Floats32) -> dict[str, Floats32]:
        """The branches of the fused network; rows without a picture are copied from `missing`."""
        names = predicted_by(FUSED_NETWORK) if self._fused else []
        branches = {name: missing.copy() for name in names}
        for member, network in enumerate(self._fused):
            in_fold = prepared.pictures.present & (buckets % len(self._fused) == member)
            for rows in self._chunks(np.flatnonzero(in_fold)):
                texts = prepared.text.take(rows)
                outputs = network(
                    pixels=prepared.pictures.pixels[rows], ids=texts.ids, weights=texts.weights, splits=texts.splits
                )
                for name, predicted in outputs.items():
                    branches[name][rows] = predicted
        return branches

    def _chunks(self, rows: Ints) -> list[Ints]:
        """Split rows into chunks that limit the memory of the network."""
        area = int(self.spec.picture["height"]) * int(self.spec.picture["width"])
        chunk = max(_MEMORY // (area * _BYTES_PER_PIXEL), 1)
        return [rows[start : start + chunk] for start in range(0, len(rows), chunk)]


def load_predictor(folder: str, threads: int) -> Predictor:
    """Load a bundle.

    Args:
        folder: the folder of a bundle.
        threads: CPU cores that this process may use. TensorFlow ignores it if the process has already used
            TensorFlow.

    Raises:
        FileNotFoundError, BundleFormatError: as `udfs.bundle.load_spec`.
    """
    spec, path = load_spec(folder), Path(folder)

    def network(name: str) -> Network:
        return load_network(str(path / name), threads)[0]

    encode = load_encoder(str(path / ENCODER_FOLDER), threads) if (path / ENCODER_FOLDER).is_dir() else None
    fused = [network(f"{FUSED_NETWORK}-{i}") for i in range(spec.image_members)]
    return Predictor(spec, network(TEXT_NETWORK), fused, threads, encode)
