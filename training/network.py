"""The networks: K linear text members, and K members over the vectors of pictures and texts.

Only the rank processes import this module, because importing TensorFlow starts threads.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from schemas.arrays import Floats32, Ints
from schemas.branches import HEAD, IMAGE

Tensor: TypeAlias = Any
"""TensorFlow ships no types."""

_HIDDEN = 128
"""Size of the hidden layer of a picture member."""
_INPUT_DROPOUT, _DROPOUT = 0.2, 0.3
"""Share of a picture's vector, and of the hidden layer, that is dropped in training."""
_MAX_PARAMETERS = 64_000_000
"""If the text members would have more weights than this, they are factorised to low rank."""


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


def bottleneck_width(features: int, members: int, categories: int) -> int:
    """The rank of the text members' factorised kernels; 0 if all weights together are few enough without."""
    if features * members * categories <= _MAX_PARAMETERS:
        return 0
    return int(np.clip(_MAX_PARAMETERS // (features * members), 32, 256))


class TextMembers(tf.Module):  # type: ignore[misc]
    """K linear softmax classifiers over the same features.

    If K x V x C weights would be too many, each member is a product of two low-rank matrices, V x r and r x C.
    """

    def __init__(self, features: int, members: int, categories: int) -> None:
        """Initialise with zeros."""
        super().__init__(name="text_members")
        self.features, self.members, self.categories = features, members, categories
        self.bottleneck = bottleneck_width(features, members, categories)
        self.kernel = tf.Variable(tf.zeros([features, members * (self.bottleneck or categories)]), name="kernel")
        self.bias = tf.Variable(tf.zeros([members, categories]), name="bias")
        self.mixer = None
        if self.bottleneck:
            self.mixer = tf.Variable(tf.zeros([members, self.bottleneck, categories]), name="mixer")

    def set_member(self, member: int, kernel: Floats32, mixer: Floats32 | None, bias: Floats32) -> None:
        """Set the weights of a member: shapes (V, C), or (V, r) and (r, C) if factorised, and (C,)."""
        width = kernel.shape[1]
        self.kernel[:, member * width : (member + 1) * width].assign(kernel)
        self.bias[member].assign(bias)
        if self.mixer is not None:
            self.mixer[member].assign(mixer)

    def __call__(self, indices: Tensor, values: Tensor, n: Tensor) -> Tensor:
        """Encoded texts of n listings -> logits, shape (n, K, C)."""
        texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), self.features])
        hidden = tf.reshape(tf.sparse.sparse_dense_matmul(texts, self.kernel), [n, self.members, -1])
        if self.mixer is not None:
            hidden = tf.einsum("nkr,krc->nkc", hidden, self.mixer)
        return hidden + self.bias


class HiddenMembers(tf.Module):  # type: ignore[misc]
    """K networks with one hidden layer over the same inputs, trained together."""

    def __init__(self, width: int, members: int, categories: int, name: str) -> None:
        """Initialise at random.

        Args:
            width: number of inputs.
            members: K.
            categories: C.
            name: of the module.
        """
        super().__init__(name=name)
        self.members = members
        initial = tf.random.normal([width, members * _HIDDEN], stddev=(2 / width) ** 0.5)
        self.hidden = tf.Variable(initial, name="hidden")
        self.hidden_bias = tf.Variable(tf.zeros([members * _HIDDEN]), name="hidden_bias")
        self.kernel = tf.Variable(tf.random.normal([members, _HIDDEN, categories], stddev=0.01), name="kernel")
        self.bias = tf.Variable(tf.zeros([members, categories]), name="bias")

    def __call__(self, inputs: Tensor, training: bool) -> Tensor:
        """Inputs, float32 (n, width) -> logits, shape (n, K, C)."""
        hidden = tf.nn.relu(tf.matmul(inputs, self.hidden) + self.hidden_bias)
        if training:
            hidden = tf.nn.dropout(hidden, _DROPOUT)
        by_member = tf.reshape(hidden, [-1, self.members, _HIDDEN])
        return tf.einsum("nkh,khc->nkc", by_member, self.kernel) + self.bias


class PictureMembers(tf.Module):  # type: ignore[misc]
    """K members for each of the branches `image` and `head`, over the vectors of a frozen picture encoder.

    The head takes the picture's vector and the text's, the TF-IDF features under a fixed projection.
    """

    def __init__(
        self, mean: Floats32, deviation: Floats32, projection: Floats32, members: int, categories: int
    ) -> None:
        """Initialise at random.

        Args:
            mean, deviation: shape (D,), to standardise each dimension of the picture vectors.
            projection: shape (V, T), as `training.projection.fit_projection` returns it.
            members: K.
            categories: C.
        """
        super().__init__(name="picture_members")
        self.mean, self.deviation = tf.constant(mean, tf.float32), tf.constant(deviation, tf.float32)
        self.projection = tf.constant(projection, tf.float32)
        width = len(mean)
        self.image = HiddenMembers(width, members, categories, IMAGE.name)
        self.head = HiddenMembers(width + projection.shape[1], members, categories, HEAD.name)

    def __call__(self, vectors: Tensor, texts: Tensor, training: bool) -> dict[str, Tensor]:
        """Vectors, float16 (n, D), and projected texts, float32 (n, T) -> logits of each branch, shape (n, K, C)."""
        pictures = (tf.cast(vectors, tf.float32) - self.mean) / self.deviation
        if training:
            pictures = tf.nn.dropout(pictures, _INPUT_DROPOUT)
        return {
            IMAGE.name: self.image(pictures, training),
            HEAD.name: self.head(tf.concat([pictures, texts], axis=1), training),
        }

    def project(self, indices: Tensor, values: Tensor, n: Tensor) -> Tensor:
        """Encoded texts of n listings -> vectors, shape (n, T)."""
        texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), tf.shape(self.projection, tf.int64)[0]])
        return tf.sparse.sparse_dense_matmul(texts, self.projection)
