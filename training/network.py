"""The networks: K linear text members, and fused members over picture and text.

Only the rank processes import this module, because importing TensorFlow starts threads.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from schemas.arrays import Floats32, Ints
from schemas.branches import HEAD, IMAGE
from training.backbones import make_backbone

Tensor: TypeAlias = Any
"""TensorFlow ships no types."""

_EMBEDDING = 64
_HEAD = 128
_MAX_PARAMETERS = 64_000_000
"""If the text members would have more weights than this, they are factorised to low rank."""
_layers = tf.keras.layers


class TextEncoder(tf.Module):  # type: ignore[misc]
    """Hashed features -> TF-IDF over a vocabulary.

    Words and characters are two blocks, each with sublinear term frequencies and L2-normalised, like scikit-learn's
    `TfidfVectorizer(sublinear_tf=True)`. The vector of a pretrained encoder is a third, L2-normalised block.
    """

    def __init__(self, vocabulary: Ints, idf: Floats32, words: int, hashed: int) -> None:
        """Store the vocabulary as constants.

        Args:
            vocabulary: shape (V,), feature ids in ascending order.
            idf: shape (V,), inverse document frequencies.
            words: number of leading entries that are words and word pairs.
            hashed: number of leading entries that are hashed features (words, pairs or characters); the others are
                dimensions of a pretrained encoder's vector.
        """
        super().__init__(name="text_encoder")
        self.vocabulary = tf.constant(vocabulary, tf.int64)
        self.idf = tf.constant(idf, tf.float32)
        self.features, self.words, self.hashed = len(vocabulary), words, hashed

    def __call__(self, ids: Tensor, weights: Tensor, splits: Tensor) -> tuple[Tensor, Tensor]:
        """`TextBatch` -> (row, feature) pairs, int64 (m, 2), and values, float32 (m,); unknown ids are left out."""
        rows = tf.ragged.row_splits_to_segment_ids(splits)
        place = tf.minimum(tf.searchsorted(self.vocabulary, ids, out_type=tf.int64), self.features - 1)
        known = tf.equal(tf.gather(self.vocabulary, place), ids)
        rows, place, weights = (tf.boolean_mask(x, known) for x in (rows, place, weights))
        counted = (1.0 + tf.math.log(tf.abs(weights))) * tf.gather(self.idf, place)
        values = tf.where(place < self.hashed, counted, weights)
        block = 3 * rows + tf.cast(place >= self.words, tf.int64) + tf.cast(place >= self.hashed, tf.int64)
        squares = tf.math.unsorted_segment_sum(values * values, block, 3 * (tf.size(splits, tf.int64) - 1))
        return tf.stack([rows, place], axis=1), values / tf.sqrt(tf.gather(squares, block))


class TextMembers(tf.Module):  # type: ignore[misc]
    """K linear softmax classifiers over the same features, trained together.

    If K x V x C weights would be too many, each member is a product of two low-rank matrices, V x r and r x C.
    """

    def __init__(self, features: int, members: int, categories: int) -> None:
        """Initialise with zeros; if factorised, at random."""
        super().__init__(name="text_members")
        self.features, self.members, self.categories = features, members, categories
        rank = 0
        if features * members * categories > _MAX_PARAMETERS:
            rank = int(np.clip(_MAX_PARAMETERS // (features * members), 32, 256))
        shape = [features, members * (rank or categories)]
        self.kernel = tf.Variable(tf.random.normal(shape, stddev=0.1) if rank else tf.zeros(shape), name="kernel")
        self.bias = tf.Variable(tf.zeros([members, categories]), name="bias")
        self.mixer = None
        if rank:
            initial = tf.random.normal([members, rank, categories], stddev=rank**-0.5)
            self.mixer = tf.Variable(initial, name="mixer")

    def __call__(self, indices: Tensor, values: Tensor, n: Tensor) -> Tensor:
        """Encoded texts of n listings -> logits, shape (n, K, C)."""
        texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), self.features])
        hidden = tf.reshape(tf.sparse.sparse_dense_matmul(texts, self.kernel), [n, self.members, -1])
        if self.mixer is not None:
            hidden = tf.einsum("nkr,krc->nkc", hidden, self.mixer)
        return hidden + self.bias


class FusedMember(tf.Module):  # type: ignore[misc]
    """A picture network and a head over picture and text, for the branches `image` and `head`.

    The head takes the backbone's features and a TF-IDF weighted sum of feature embeddings. In training, one of the two
    inputs is dropped at random (modality dropout), so that the head does not rely on a single input.
    """

    def __init__(
        self,
        features: int,
        categories: int,
        height: int,
        width: int,
        backbone: str = "residual",
        weights: str | None = None,
        policy: str = "float32",
    ) -> None:
        """Initialise at random, or the backbone from pretrained weights; arguments as for `make_backbone`."""
        super().__init__(name="fused_member")
        self.features, self.policy = features, policy
        self._arguments = (features, categories, height, width, backbone)
        self.backbone = make_backbone(backbone, weights, height, width, policy)
        self.image_logits = _layers.Dense(categories, name="image_logits")
        self.embedding = tf.Variable(tf.random.normal([features, _EMBEDDING], stddev=0.05), name="embedding")
        self.head = tf.keras.Sequential(
            [_layers.Dense(_HEAD, activation="relu"), _layers.Dropout(0.3), _layers.Dense(categories)], name="head"
        )
        image_features = int(self.backbone.output_shape[-1])
        self.image_logits.build([None, image_features])
        self.head.build([None, image_features + _EMBEDDING])

    def __call__(self, pixels: Tensor, indices: Tensor, values: Tensor, training: bool) -> dict[str, Tensor]:
        """Pixels, uint8 (n, h, w, 3), and encoded texts -> logits of each branch, (n, C)."""
        n = tf.shape(pixels)[0]
        images = tf.cast(pixels, tf.float32) / 127.5 - 1.0
        image = tf.cast(self.backbone(augment(images) if training else images, training=training), tf.float32)
        texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), self.features])
        text = tf.sparse.sparse_dense_matmul(texts, self.embedding)
        head_image = image
        if training:
            draw = tf.random.uniform([n, 1])
            text, head_image = tf.where(draw < 0.2, 0.0, text), tf.where(draw > 0.9, 0.0, image)
        return {
            IMAGE.name: self.image_logits(image),
            HEAD.name: self.head(tf.concat([head_image, text], axis=1), training=training),
        }

    def in_full_precision(self) -> FusedMember:
        """The same network in float32; itself if it already computes in float32."""
        if self.policy == "float32":
            return self
        copy = FusedMember(*self._arguments)
        for source, target in zip(self.variables, copy.variables, strict=True):
            target.assign(source)
        return copy


def augment(images: Tensor) -> Tensor:
    """Random horizontal flips, and shifts by up to an eighth of the size with edge padding."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]

    def shifted_indices(size: int) -> Tensor:
        shift = tf.random.uniform([n, 1], -(size // 8), size // 8 + 1, tf.int32)
        return tf.clip_by_value(tf.range(size)[None] + shift, 0, size - 1)

    images = tf.where(tf.random.uniform([n, 1, 1, 1]) < 0.5, images, images[:, :, ::-1])
    images = tf.gather(images, shifted_indices(height), axis=1, batch_dims=1)
    return tf.gather(images, shifted_indices(width), axis=2, batch_dims=1)
