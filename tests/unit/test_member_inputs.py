"""What the members see: TF-IDF of the texts, and projected texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from schemas.tensors import TextBatch
from training.ranks import Ranks
from udfs.text import featurize
from udfs.tf_runtime import import_tensorflow

HASH = 1 << 14
FEATURES: dict[str, Any] = {"hash_size": HASH, "word_ngrams": 1, "char_ngrams": [3, 3], "max_chars": 100}


@pytest.fixture(scope="module")
def ranks() -> Ranks:
    import_tensorflow(1)
    return Ranks.init()


def test_the_encoder_computes_tf_idf_for_words_and_characters_separately(ranks: Ranks) -> None:
    del ranks
    from training.network import TextEncoder  # noqa: PLC0415 - TensorFlow's threads are set first

    titles = ["red red shoe", "blue shoe", "red hat", "green hat hat hat"]
    batch = featurize(titles, [None] * 4, **FEATURES)
    counts = np.bincount(batch.ids, minlength=HASH)
    vocabulary = np.flatnonzero(counts)
    idf = np.log(5 / (1 + counts[vocabulary])) + 1
    words = int((vocabulary < HASH // 2).sum())
    indices, values = TextEncoder(vocabulary, idf.astype(np.float32), words, len(vocabulary))(
        batch.ids, batch.weights, batch.splits
    )
    found = np.zeros((4, len(vocabulary)))
    found[tuple(indices.numpy().T)] = values.numpy()
    for block, options in ((found[:, :words], {}), (found[:, words:], {"analyzer": "char_wb", "ngram_range": (3, 3)})):
        expected = TfidfVectorizer(sublinear_tf=True, **options).fit_transform(titles)
        assert block @ block.T == pytest.approx((expected @ expected.T).toarray(), abs=1e-5)


def test_the_projection_keeps_the_similarity_of_texts(ranks: Ranks, tmp_path: Path) -> None:
    from training.projection import as_matrix, fit_projection, project  # noqa: PLC0415 - TensorFlow's threads first

    random = np.random.default_rng(3)
    dense = random.random((60, 5)) @ random.random((5, 40)) + 0.001 * random.random((60, 40))
    rows, ids = np.nonzero(dense)
    splits = np.concatenate([[0], np.cumsum(np.bincount(rows))])
    encoded = TextBatch(ids, dense[rows, ids].astype(np.float32), splits)
    assert as_matrix(encoded, 40).toarray() == pytest.approx(dense)
    projection = fit_projection(encoded, 40, ranks, 1)
    vectors = project(encoded, projection, tmp_path / "texts")
    assert projection.shape == (40, 40)
    assert np.sqrt((vectors**2).mean()) == pytest.approx(2.0, rel=1e-3)
    similarity, expected = vectors @ vectors.T, dense @ dense.T
    assert similarity / similarity.trace() == pytest.approx(expected / expected.trace(), abs=1e-5)
