"""What the members see: TF-IDF of the texts, projected texts, and principal components of the picture vectors."""

from __future__ import annotations

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


def test_the_projection_keeps_the_similarity_of_texts(ranks: Ranks) -> None:
    from training.projection import as_matrix, fit_projection, project  # noqa: PLC0415 - TensorFlow's threads first

    random = np.random.default_rng(3)
    dense = random.random((60, 5)) @ random.random((5, 40)) + 0.001 * random.random((60, 40))
    rows, ids = np.nonzero(dense)
    splits = np.concatenate([[0], np.cumsum(np.bincount(rows))])
    encoded = TextBatch(ids, dense[rows, ids].astype(np.float32), splits)
    assert as_matrix(encoded, 40).toarray() == pytest.approx(dense)
    projection = fit_projection(encoded, 40, ranks, 1)
    vectors = project(encoded, projection)
    assert projection.shape == (40, 40)
    assert np.sqrt((vectors**2).mean()) == pytest.approx(2.0, rel=1e-3)
    similarity, expected = vectors @ vectors.T, dense @ dense.T
    assert similarity / similarity.trace() == pytest.approx(expected / expected.trace(), abs=1e-5)


def test_components_keep_what_varies_most_and_are_the_same_on_every_scale(ranks: Ranks) -> None:
    from training.components import fit_components, reduce_vectors  # noqa: PLC0415 - TensorFlow's threads first

    random = np.random.default_rng(4)
    hidden = random.normal(size=(9000, 2))
    scales = np.array([1.0, 0.5, 2.0, 4.0])
    vectors = (hidden @ random.normal(size=(2, 4)) * scales + 3.0).astype(np.float16)  # two dimensions vary together
    mean, rotation = fit_components(vectors, ranks)
    assert (mean.shape, rotation.shape) == ((4,), (4, 4))
    components = reduce_vectors(vectors, mean, rotation)
    assert components.mean(axis=0) == pytest.approx(0.0, abs=0.01)
    assert (components**2).mean() == pytest.approx(1.0, rel=0.01)
    shares = (components**2).mean(axis=0) / (components**2).sum(axis=1).mean()
    assert shares[:2].sum() > 0.999
    assert (np.diff(shares) <= 1e-6).all()
    standardised = (vectors.astype(float) - mean) / (vectors.astype(float).std(axis=0) + 0.05)
    similarity = [(each[:100] @ each[:100].T).ravel() for each in (components, standardised)]
    assert np.corrcoef(similarity)[0, 1] == pytest.approx(1.0, abs=1e-4)
    assert len(fit_components(vectors[:0], ranks)[0]) == 4
