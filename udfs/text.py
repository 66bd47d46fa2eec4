"""Title and description -> features: hashed words, pairs and character n-grams, and what an encoder says."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer

from schemas.arrays import Floats, Ints
from schemas.tensors import TextBatch
from udfs.encoder import Encode

_WORD = r"\b\w+\b"


def featurize(
    titles: Sequence[str | None],
    descriptions: Sequence[str | None],
    *,
    hash_size: int,
    word_ngrams: int,
    char_ngrams: Sequence[int],
    max_chars: int,
    encode: Encode | None = None,
) -> TextBatch:
    """Hash the texts of n listings. Nothing is learned here: equal texts give equal features, everywhere.

    Words and character n-grams are hashed apart (MurmurHash3, as scikit-learn's `HashingVectorizer` does):
    ids below `hash_size // 2` are words and pairs, those below `hash_size` characters, so that the network can weigh
    the two blocks apart. From there on are the places of an encoder's vectors, where there is one.

    Args:
        titles, descriptions: n texts each; None or empty where there is none.
        hash_size: size of the feature space, an even number.
        word_ngrams: longest run of words that makes a feature.
        char_ngrams: shortest and longest character n-gram, inside words.
        max_chars: of title and description together; the rest is cut off.
        encode: a pretrained encoder of the texts as they are written.

    Returns:
        Features with their counts, and of an encoder the vectors' values, sorted by id; a listing without any text has
        none.
    """
    written = [f"{title or ''} \n {text or ''}" for title, text in zip(titles, descriptions, strict=True)]
    texts = [normalize(text, max_chars) for text in written]
    words, chars = _vectorizers(hash_size // 2, word_ngrams, char_ngrams[0], char_ngrams[1])
    if not texts:
        return TextBatch(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(1, np.int64))
    blocks = [words.transform(texts), chars.transform(texts)]
    if encode is not None:
        blocks.append(_encoded([truncate(text, max_chars).strip() for text in written], encode))
    features = csr_matrix(hstack(blocks, format="csr"))
    features.sort_indices()
    return TextBatch(
        features.indices.astype(np.int64), features.data.astype(np.float32), features.indptr.astype(np.int64)
    )


def count_words(batch: TextBatch, hash_size: int) -> Ints:
    """How many different words and pairs each listing's features hold, shape (n,)."""
    rows = np.repeat(np.arange(len(batch.splits) - 1), np.diff(batch.splits))
    return np.bincount(rows[batch.ids < hash_size // 2], minlength=len(batch.splits) - 1)


def novelty(words: Ints, known: Ints) -> Floats:
    """The share of a listing's words that are not known, 0 to 1, shape (n,); NaN where there are no words."""
    return np.where(words > 0, 1.0 - known / np.maximum(words, 1), np.nan)


def normalize(text: str, max_chars: int) -> str:
    """The text as the features see it: Unicode NFKC, case folded, at most `max_chars` characters."""
    return unicodedata.normalize("NFKC", truncate(text, max_chars)).casefold()


def truncate(text: str, max_chars: int) -> str:
    """Its first `max_chars` characters; half a surrogate pair, which no UTF-8 has, becomes a question mark."""
    return text[:max_chars].encode("utf-8", "replace").decode("utf-8")


def read_texts(column: pa.Array) -> list[str | None]:
    """A string column's values; bytes that are no UTF-8 become replacement characters."""
    try:
        return cast("list[str | None]", column.to_pylist())
    except UnicodeDecodeError:
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "replace") for value in raw]


def _encoded(texts: Sequence[str], encode: Encode) -> csr_matrix:
    """The vectors, shape (n, D); of nothing where there is no text."""
    vectors = encode(texts)
    vectors[[not text for text in texts]] = 0.0
    return csr_matrix(vectors)


@lru_cache(maxsize=4)
def _vectorizers(
    size: int, word_ngrams: int, shortest: int, longest: int
) -> tuple[HashingVectorizer, HashingVectorizer]:
    def hasher(analyzer: str, lengths: tuple[int, int]) -> HashingVectorizer:
        return HashingVectorizer(
            analyzer=analyzer,
            ngram_range=lengths,
            token_pattern=_WORD,
            lowercase=False,
            n_features=size,
            alternate_sign=False,
            norm=None,
            dtype=np.float32,
        )

    return hasher("word", (1, word_ngrams)), hasher("char_wb", (shortest, longest))
