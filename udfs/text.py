"""Text features: hashed words, word pairs and character n-grams, and the vectors of an optional encoder."""

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
from udfs.markup import plain_text
from udfs.text_encoder import Encode

_WORD = r"\b\w+\b"
_MARKUP = 8
"""How many times longer than its words a text may be with markup; of a longer one, fewer words are used."""


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
    """Compute the features of n listings. This is stateless: equal texts always have equal features.

    Words and character n-grams are hashed to separate id ranges (MurmurHash3, with scikit-learn's `HashingVectorizer`),
    so that the network can normalise the two blocks separately: ids below `hash_size // 2` are words and word pairs,
    ids from there to `hash_size` are character n-grams. Ids from `hash_size` on are the dimensions of the encoder's
    vector, if there is an encoder.

    Args:
        titles, descriptions: n texts each, which may be HTML; None or empty where there is none.
        hash_size: size of the feature space, an even number.
        word_ngrams: maximum length of word n-grams.
        char_ngrams: minimum and maximum length of character n-grams inside words.
        max_chars: maximum length of title and description together, without markup; the rest is cut off.
        encode: a pretrained encoder; it gets the texts without normalisation.

    Returns:
        Features sorted by id, with their counts or the values of the encoder's vector. A listing without text has no
        features.
    """
    return featurize_joined(
        join_texts(titles, descriptions, max_chars),
        hash_size=hash_size,
        word_ngrams=word_ngrams,
        char_ngrams=char_ngrams,
        max_chars=max_chars,
        encode=encode,
    )


def featurize_joined(
    texts: Sequence[str],
    *,
    hash_size: int,
    word_ngrams: int,
    char_ngrams: Sequence[int],
    max_chars: int,
    encode: Encode | None = None,
) -> TextBatch:
    """As `featurize`, from texts that are joined already (`join_texts`)."""
    normalized = [normalize(text, max_chars) for text in texts]
    words, chars = _vectorizers(hash_size // 2, word_ngrams, char_ngrams[0], char_ngrams[1])
    if not normalized:
        return TextBatch(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(1, np.int64))
    blocks = [words.transform(normalized), chars.transform(normalized)]
    if encode is not None:
        blocks.append(_encoded([truncate(text, max_chars).strip() for text in texts], encode))
    features = csr_matrix(hstack(blocks, format="csr"))
    features.sort_indices()
    return TextBatch(
        features.indices.astype(np.int64), features.data.astype(np.float32), features.indptr.astype(np.int64)
    )


def join_texts(titles: Sequence[str | None], descriptions: Sequence[str | None], max_chars: int) -> list[str]:
    """Titles and descriptions without markup. Only the beginning of each is read, because texts have no limit."""
    longest = max_chars * _MARKUP
    pairs = zip(titles, descriptions, strict=True)
    return [f"{plain_text((title or '')[:longest])} \n {plain_text((text or '')[:longest])}" for title, text in pairs]


def count_words(batch: TextBatch, hash_size: int) -> Ints:
    """Number of distinct word features (words and pairs) of each listing, shape (n,)."""
    rows = np.repeat(np.arange(len(batch.splits) - 1), np.diff(batch.splits))
    return np.bincount(rows[batch.ids < hash_size // 2], minlength=len(batch.splits) - 1)


def novelty(words: Ints, known: Ints) -> Floats:
    """The share of a listing's words that are unknown, 0 to 1, shape (n,); NaN if there are no words."""
    return np.where(words > 0, 1.0 - known / np.maximum(words, 1), np.nan)


def normalize(text: str, max_chars: int) -> str:
    """The text in Unicode NFKC, case folded; only its first `max_chars` characters are used."""
    return unicodedata.normalize("NFKC", truncate(text, max_chars)).casefold()


def truncate(text: str, max_chars: int) -> str:
    """The first `max_chars` characters; an unpaired surrogate, which UTF-8 cannot encode, becomes a question mark."""
    return text[:max_chars].encode("utf-8", "replace").decode("utf-8")


def read_texts(column: pa.Array) -> list[str | None]:
    """The values of a string column; invalid UTF-8 becomes replacement characters."""
    try:
        return cast("list[str | None]", column.to_pylist())
    except UnicodeDecodeError:
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "replace") for value in raw]


def _encoded(texts: Sequence[str], encode: Encode) -> csr_matrix:
    """The vectors, shape (n, D); zero if there is no text."""
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
