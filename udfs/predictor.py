"""Load a bundle and predict with it: texts and pictures in, log-probabilities out. It needs no training code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from schemas.arrays import Floats32, Ints
from schemas.attributes import NO_ATTRIBUTES, AttributeModel
from schemas.branches import PICTURE_NETWORK, TEXT, TEXT_NETWORK, predicted_by
from schemas.bundle import PICTURE_ENCODER_FOLDER, TEXT_ENCODER_FOLDER, BundleSpec
from schemas.tensors import Prediction, TextBatch, VectorBatch
from udfs.attributes import load_attributes
from udfs.bundle import load_spec
from udfs.encoders.folder import open_encoder
from udfs.encoders.picture_encoder import PictureEncoder
from udfs.fusion import fuse
from udfs.pictures import decode
from udfs.text import count_words, featurize, featurize_joined, novelty
from udfs.text_encoder import Encode, load_encoder
from udfs.tf_runtime import Array, Network, load_network


class Predictor:
    """Predicts each listing with the members that have not trained on the listing's fold."""

    def __init__(
        self,
        spec: BundleSpec,
        text: Network,
        pictures: Network | None,
        picture_encoder: Path,
        threads: int,
        encode: Encode | None = None,
        attributes: AttributeModel | None = None,
    ) -> None:
        """Use networks that are already loaded; see `load_predictor`.

        Args:
            spec: the bundle's specification.
            text: all text members, (ids, weights, splits, fold) -> text, known, known_words.
            pictures: all picture members, (vectors, ids, weights, splits, fold) -> image, head; None if the model has
                none.
            picture_encoder: the folder of the picture encoder, which is loaded when pictures are encoded.
            threads: number of pictures to decode in parallel.
            encode: the text encoder; None if the bundle has none.
            attributes: what the bundle has learnt of attributes; None: nothing.
        """
        self.spec, self._encode, self._encoder_folder = spec, encode, picture_encoder
        self._text, self._pictures, self._threads = text, pictures, threads
        self.attributes = attributes or NO_ATTRIBUTES

    def predict(
        self,
        titles: Sequence[str | None],
        descriptions: Sequence[str | None],
        images: Sequence[bytes | None],
        buckets: Ints,
    ) -> tuple[Prediction, list[str]]:
        """Predict n listings from their texts and pictures.

        Args:
            titles, descriptions, images: n each; None where there is none.
            buckets: shape (n,), 0 to 2519.

        Returns:
            The prediction, and the status of each picture (a value of `schemas.reasons.ImageStatus`).
        """
        vectors, status = self.encode(images)
        return self.run(self.featurize(titles, descriptions), vectors, buckets), status

    def featurize(self, titles: Sequence[str | None], descriptions: Sequence[str | None]) -> TextBatch:
        """Hash the texts; may run in another thread than `run`."""
        return featurize(titles, descriptions, encode=self._encode, **self.spec.text)  # type: ignore[arg-type]

    def read(self, texts: Sequence[str], buckets: Ints) -> Floats32:
        """Predict from the text alone.

        Args:
            texts: n texts, from `udfs.text.join_texts`.
            buckets: shape (n,), 0 to 2519.

        Returns:
            Log-probabilities, shape (n, C); NaN where a text has no known feature.
        """
        features = featurize_joined(texts, encode=self._encode, **self.spec.text)  # type: ignore[arg-type]
        return self._known(self._run_text(features, np.asarray(buckets, np.int64) % self.spec.text_members))

    def encode(self, images: Sequence[bytes | None]) -> tuple[VectorBatch, list[str]]:
        """Decode n pictures and encode them; returns the vectors and the status of each picture."""
        return encode_images(self._encoder, images, self._threads, **self.spec.picture)

    def run(self, texts: TextBatch, pictures: VectorBatch, buckets: Ints) -> Prediction:
        """Run the text members on all rows, and the picture members on the rows that have a picture.

        Args:
            texts: n texts, from `featurize`.
            pictures: n vectors of the bundle's encoder.
            buckets: shape (n,), 0 to 2519.
        """
        folds = np.asarray(buckets, np.int64) % self.spec.text_members
        outputs = self._run_text(texts, folds)
        branches = {TEXT.name: self._known(outputs)}
        if self._pictures is not None:
            branches |= {name: np.full_like(branches[TEXT.name], np.nan) for name in predicted_by(PICTURE_NETWORK)}
            rows = np.flatnonzero(pictures.present)
            some = texts.take(rows)
            if len(rows):
                found = self._pictures(
                    vectors=pictures.values[rows],
                    ids=some.ids,
                    weights=some.weights,
                    splits=some.splits,
                    fold=folds[rows],
                )
                for name, predicted in found.items():
                    branches[name][rows] = predicted
        words = count_words(texts, int(cast("int", self.spec.text["hash_size"])))
        return Prediction(branches, fuse(branches, self.spec.fusion), novelty(words, outputs["known_words"]))

    def _run_text(self, texts: TextBatch, folds: Ints) -> dict[str, Array]:
        return self._text(ids=texts.ids, weights=texts.weights, splits=texts.splits, fold=folds)

    @staticmethod
    def _known(outputs: dict[str, Array]) -> Floats32:
        """The log-probabilities by the text; NaN where no feature is known."""
        return np.where(outputs["known"][:, None] > 0, outputs[TEXT.name], np.float32(np.nan))

    @cached_property
    def _encoder(self) -> PictureEncoder:
        return open_encoder(self._encoder_folder, self._threads)


def encode_images(
    encoder: PictureEncoder, images: Sequence[bytes | None], threads: int, **rules: float
) -> tuple[VectorBatch, list[str]]:
    """Decode n pictures and encode them; returns the vectors and the status of each picture.

    Args:
        encoder: the encoder.
        images: n pictures; None where there is none.
        threads: number of pictures to decode in parallel.
        rules: max_pixels and blank_deviation of `udfs.pictures.decode`.
    """
    size: dict[str, Any] = {"height": encoder.spec.size, "width": encoder.spec.size, "keep_aspect": True}
    pictures = decode(images, threads=threads, **size, **rules)  # type: ignore[arg-type]
    values = np.zeros((len(images), encoder.spec.width), np.float16)
    values[pictures.present] = encoder.encode(pictures.pixels[pictures.present])
    return VectorBatch(values, pictures.present), pictures.status


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

    encode = load_encoder(str(path / TEXT_ENCODER_FOLDER), threads) if (path / TEXT_ENCODER_FOLDER).is_dir() else None
    pictures = network(PICTURE_NETWORK) if spec.pictures else None
    encoder, attributes = path / PICTURE_ENCODER_FOLDER, load_attributes(path)
    return Predictor(spec, network(TEXT_NETWORK), pictures, encoder, threads, encode, attributes)
