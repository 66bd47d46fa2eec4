"""The networks: a linear text branch of K members side by side, and fused picture-and-text members.

TensorFlow is imported inside functions, so that importing this module starts no threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.tensors import CHANNELS

Floats = NDArray[np.float32]
_PARAMETERS = 64_000_000
"""Above so many weights the text branch of all members gets a bottleneck."""
_CHANNELS = (24, 32, 64, 128)
_EMBEDDING = 64


def text_encoder(vocabulary: NDArray[np.int64], idf: Floats, words: int) -> Any:
    """Hashed features -> TF-IDF over the vocabulary, as a `tf.Module`.

    Words and characters are two blocks, each of unit length (L2), with sublinear term frequencies:
    scikit-learn's `TfidfVectorizer(sublinear_tf=True)` for each block.

    Args:
        vocabulary: int64, shape (V,), hashed ids, rising.
        idf: float32, shape (V,).
        words: the first so many entries are words; the others are characters.

    Returns:
        A callable (ids, weights, splits) -> (indices int64 (m, 2) of row and feature, values float32 (m,)).
    """
    import tensorflow as tf

    class TextEncoder(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="text_encoder")
            self.vocabulary = tf.constant(vocabulary, tf.int64)
            self.idf = tf.constant(idf, tf.float32)

        def __call__(self, ids: Any, weights: Any, splits: Any) -> tuple[Any, Any]:
            rows = tf.ragged.row_splits_to_segment_ids(splits)
            place = tf.searchsorted(self.vocabulary, ids, out_type=tf.int64)
            place = tf.minimum(place, len(vocabulary) - 1)
            known = tf.equal(tf.gather(self.vocabulary, place), ids)
            rows, place, counts = (tf.boolean_mask(x, known) for x in (rows, place, weights))
            values = (1.0 + tf.math.log(counts)) * tf.gather(self.idf, place)
            block = 2 * rows + tf.cast(place >= words, tf.int64)
            squares = tf.math.unsorted_segment_sum(values * values, block, 2 * (tf.size(splits, tf.int64) - 1))
            return tf.stack([rows, place], axis=1), values / tf.sqrt(tf.gather(squares, block))

    return TextEncoder()


def text_members(features: int, members: int, categories: int) -> Any:
    """K linear softmax classifiers over the same features, trained side by side, as a `tf.Module`.

    A callable (indices, values, n) -> logits, shape (n, K, C). Where K x V x C weights would be too
    many, the members are of low rank: V x r and r x C.
    """
    import tensorflow as tf

    rank = 0
    if features * members * categories > _PARAMETERS:
        rank = int(np.clip(_PARAMETERS // (features * members), 32, 256))

    class TextMembers(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="text_members")
            width = rank or categories
            start = tf.random.normal if rank else tf.zeros
            self.kernel = tf.Variable(start([features, members * width]), name="kernel")
            self.mixer = (
                tf.Variable(tf.random.normal([members, rank, categories], stddev=rank**-0.5), name="mixer")
                if rank
                else None
            )
            self.bias = tf.Variable(tf.zeros([members, categories]), name="bias")

        def __call__(self, indices: Any, values: Any, n: Any) -> Any:
            texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), features])
            hidden = tf.reshape(tf.sparse.sparse_dense_matmul(texts, self.kernel), [n, members, -1])
            if self.mixer is not None:
                hidden = tf.einsum("nkr,krc->nkc", hidden, self.mixer)
            return hidden + self.bias

    return TextMembers()


def fused_member(features: int, categories: int, height: int, width: int) -> Any:
    """A picture network with a fused head over picture and text features, as a `tf.Module`.

    A callable (pixels uint8 (n, h, w, 3), indices, values, n, training) -> (image logits, head logits),
    both (n, C). The head takes the trunk's features and a TF-IDF weighted sum of feature embeddings;
    in training whole modalities are dropped from it at random, so that neither is leant on alone.
    """
    import tensorflow as tf

    layers = tf.keras.layers

    class FusedMember(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(name="fused_member")
            self.trunk = _trunk(height, width)
            self.image_logits = layers.Dense(categories, name="image_logits")
            self.embedding = tf.Variable(tf.random.normal([features, _EMBEDDING], stddev=0.05), name="embedding")
            self.head = tf.keras.Sequential(
                [layers.Dense(128, activation="relu"), layers.Dropout(0.3), layers.Dense(categories)], name="head"
            )
            self.image_logits.build([None, _CHANNELS[-1]])
            self.head.build([None, _CHANNELS[-1] + _EMBEDDING])

        def __call__(self, pixels: Any, indices: Any, values: Any, training: bool) -> tuple[Any, Any]:
            n = tf.shape(pixels)[0]
            images = tf.cast(pixels, tf.float32) / 127.5 - 1.0
            image = self.trunk(_augment(images) if training else images, training=training)
            texts = tf.SparseTensor(indices, values, [tf.cast(n, tf.int64), features])
            text = tf.sparse.sparse_dense_matmul(texts, self.embedding)
            if training:
                draw = tf.random.uniform([n, 1])
                text = tf.where(draw < 0.2, 0.0, text)
                seen = tf.where(draw > 0.9, 0.0, image)
            else:
                seen = image
            return self.image_logits(image), self.head(tf.concat([seen, text], axis=1), training=training)

    return FusedMember()


def _trunk(height: int, width: int) -> Any:
    """A residual network (He et al., 2016), from RGB in -1..1 to `_CHANNELS[-1]` features, for any input size."""
    import tensorflow as tf

    layers = tf.keras.layers

    def convolve(x: Any, channels: int, strides: int = 1) -> Any:
        x = layers.Conv2D(channels, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    inputs = layers.Input((height, width, CHANNELS))
    x = layers.ReLU()(convolve(inputs, _CHANNELS[0]))
    for channels in _CHANNELS[1:]:
        short = layers.BatchNormalization(momentum=0.9)(
            layers.Conv2D(channels, 1, use_bias=False)(layers.AveragePooling2D(2, padding="same")(x))
        )
        x = convolve(layers.ReLU()(convolve(x, channels, 2)), channels)
        x = layers.ReLU()(layers.Add()([x, short]))
    return tf.keras.Model(inputs, layers.GlobalAveragePooling2D()(x), name="trunk")


def _augment(images: Any) -> Any:
    """Each picture mirrored half of the time and shifted by up to an eighth, edges repeated."""
    import tensorflow as tf

    n, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]

    def places(size: int) -> Any:
        shift = tf.random.uniform([n, 1], -(size // 8), size // 8 + 1, tf.int32)
        return tf.clip_by_value(tf.range(size)[None] + shift, 0, size - 1)

    images = tf.where(tf.random.uniform([n, 1, 1, 1]) < 0.5, images, images[:, :, ::-1])
    images = tf.gather(images, places(height), axis=1, batch_dims=1)
    return tf.gather(images, places(width), axis=2, batch_dims=1)
