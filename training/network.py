"""The networks: K linear text members side by side, and fused members over picture and text.

Only the ranks' processes import this: importing TensorFlow starts threads.
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
_PARAMETERS = 64_000_000
"""With more weights than this, the text members get a bottleneck."""
_layers = tf.keras.layers


class TextEncoder(tf.Module):  # type: ignore[misc]
    """Hashed features -> TF-IDF over a vocabulary.

    Words and characters are two blocks, each with sublinear term frequencies and of unit length (L2), as scikit-learn's
    `TfidfVectorizer(sublinear_tf=True)` makes them. A pretrained encoder's vector is a third block.
    """

    def __init__(self, vocabulary: Ints, idf: Floats32, words: int, hashed: int) -> None:
        """Make an encoder.

        Args:
            vocabulary: shape (V,), ids, ascending.
            idf: shape (V,).
            words: how many entries, from the first on, are words and pairs.
            hashed: how many are words, pairs or characters; the rest are dimensions of an encoder's vector.
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
    """K linear softmax classifiers over the same features, trained side by side.

    If K x V x C weights would be too many, the members have low rank: V x r and r x C.
    """

    def __init__(self, features: int, members: int, categories: int) -> None:
        """Start at zero; with a bottleneck, at random."""
        super().__init__(name="text_members")
        self.features, self.members, self.categories = features, members, categories
        rank = 0
        if features * members * categories > _PARAMETERS:
            rank = int(np.clip(_PARAMETERS // (features * members), 32, 256))
        shape = [features, members * (rank or categories)]
        self.kernel = tf.Variable(tf.random.normal(shape, stddev=0.1) if rank else tf.zeros(shape), name="kernel")
        self.bias = tf.Variable(tf.zeros([members, categories]), name="bias")
        self.mixer = None
        if rank:
            start = tf.random.normal([members, rank, categories], stddev=rank**-0.5)
            self.mixer = tf.Variable(start, name="mixer")

    def __call__(self, indices: Tensor, values: Tensor, n: Tensor) -> Tensor:
        """Encoded texts of n listings -> logits, shape (n, K, C)."""
        texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), self.features])
        hidden = tf.reshape(tf.sparse.sparse_dense_matmul(texts, self.kernel), [n, self.members, -1])
        if self.mixer is not None:
            hidden = tf.einsum("nkr,krc->nkc", hidden, self.mixer)
        return hidden + self.bias


class FusedMember(tf.Module):  # type: ignore[misc]
    """A picture network and a head over picture and text: the branches `image` and `head`.

    The head takes the backbone's features and a TF-IDF weighted sum of feature embeddings. In training one of the two
    inputs is dropped at random, so that the head does not rely on one alone.
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
        """Start at random, or the backbone from pretrained weights; arguments as for `make_backbone`."""
        super().__init__(name="fused_member")
        self.features, self.policy = features, policy
        self._made = (features, categories, height, width, backbone)
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
        """Pixels uint8 (n, h, w, 3) and encoded texts -> logits by branch, (n, C) each."""
        n = tf.shape(pixels)[0]
        images = tf.cast(pixels, tf.float32) / 127.5 - 1.0
        image = tf.cast(self.backbone(augment(images) if training else images, training=training), tf.float32)
        texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), self.features])
        text = tf.sparse.sparse_dense_matmul(texts, self.embedding)
        seen = image
        if training:
            draw = tf.random.uniform([n, 1])
            text, seen = tf.where(draw < 0.2, 0.0, text), tf.where(draw > 0.9, 0.0, image)
        return {
            IMAGE.name: self.image_logits(image),
            HEAD.name: self.head(tf.concat([seen, text], axis=1), training=training),
        }

    def in_full_precision(self) -> FusedMember:
        """The same network computing in 32 bits; itself if it does already."""
        if self.policy == "float32":
            return self
        other = FusedMember(*self._made)
        for source, target in zip(self.variables, other.variables, strict=True):
            target.assign(source)
        return other


def augment(images: Tensor) -> Tensor:
    """Mirror half of the pictures, and shift each by up to an eighth of its size, repeating the edges."""
    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]

    def places(size: int) -> Tensor:
        shift = tf.random.uniform([n, 1], -(size // 8), size // 8 + 1, tf.int32)
        return tf.clip_by_value(tf.range(size)[None] + shift, 0, size - 1)

    images = tf.where(tf.random.uniform([n, 1, 1, 1]) < 0.5, images, images[:, :, ::-1])
    images = tf.gather(images, places(height), axis=1, batch_dims=1)
    return tf.gather(images, places(width), axis=2, batch_dims=1)
