"""A bundle's folder -> a predictor: texts and pictures in, log-probabilities out. Needs no training code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from schemas.arrays import Ints
from schemas.bundle import ENCODER_FOLDER, BundleSpec
from schemas.tensors import Judgement, PictureBatch, TextBatch
from udfs.bundle import load_spec
from udfs.encoder import Encode, load_encoder
from udfs.fusion import fuse
from udfs.pictures import decode
from udfs.text import count_words, featurize, novelty
from udfs.tf_runtime import Network, load_network

_MEMORY = 512 * 1024 * 1024
_BYTES_PER_PIXEL = 400
"""Of a picture inside the network: some four layers of 24 float32 channels at once."""


@dataclass(frozen=True)
class Prepared:
    """n listings as the networks take them."""

    text: TextBatch
    pictures: PictureBatch


class Predictor:
    """Judges listings with the member that has not trained on their fold."""

    def __init__(
        self, spec: BundleSpec, text: Network, fused: Sequence[Network], threads: int, encode: Encode | None = None
    ) -> None:
        """Take the loaded members; `load_predictor` loads them.

        Args:
            spec: the bundle's description.
            text: ids, weights, splits, fold -> log_probabilities, known, known_words.
            fused: of each fused member pixels, ids, weights, splits -> image, head.
            threads: pictures decoded at once.
            encode: the text encoder, where the bundle has one.
        """
        self.spec, self._encode = spec, encode
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
        text = featurize(titles, descriptions, encode=self._encode, **self.spec.text)  # type: ignore[arg-type]
        return Prepared(text, decode(images, **self.spec.picture, threads=self._threads))  # type: ignore[arg-type]

    def judge(self, prepared: Prepared, buckets: Ints) -> Judgement:
        """Run the networks: the text members on all rows, each fused member on its fold's rows with a picture."""
        batch = prepared.text
        said = self._text(
            ids=batch.ids,
            weights=batch.weights,
            splits=batch.splits,
            fold=np.asarray(buckets, np.int64) % self.spec.text_members,
        )
        text = np.where(said["known"][:, None] > 0, said["log_probabilities"], np.float32(np.nan))
        strange = novelty(count_words(batch, int(cast("int", self.spec.text["hash_size"]))), said["known_words"])
        image, head = np.full_like(text, np.nan), np.full_like(text, np.nan)
        for member, network in enumerate(self._fused):
            own = prepared.pictures.present & (buckets % len(self._fused) == member)
            for rows in self._pieces(np.flatnonzero(own)):
                texts = batch.take(rows)
                said = network(
                    pixels=prepared.pictures.pixels[rows], ids=texts.ids, weights=texts.weights, splits=texts.splits
                )
                image[rows], head[rows] = said["image"], said["head"]
        return Judgement(text, image, fuse(text, image, head, self.spec.fusion), strange)

    def _pieces(self, rows: Ints) -> list[Ints]:
        """As many rows at once as the networks' memory allows."""
        area = int(self.spec.picture["height"]) * int(self.spec.picture["width"])
        most = max(_MEMORY // (area * _BYTES_PER_PIXEL), 1)
        return [rows[start : start + most] for start in range(0, len(rows), most)]


def load_predictor(folder: str, threads: int) -> Predictor:
    """Load a bundle, once a process.

    Args:
        folder: a bundle.
        threads: cores that this process may use; TensorFlow takes this number when it is first used, so a
            process that has used it before keeps the number it had.

    Raises:
        FileNotFoundError, BundleFormatError: as `udfs.bundle.load_spec`.
    """
    spec, path = load_spec(folder), Path(folder)

    def network(name: str) -> Network:
        return load_network(str(path / name), threads)[0]

    encode = load_encoder(str(path / ENCODER_FOLDER), threads) if (path / ENCODER_FOLDER).is_dir() else None
    fused = [network(f"fused-{i}") for i in range(spec.image_members)]
    return Predictor(spec, network("text"), fused, threads, encode)
