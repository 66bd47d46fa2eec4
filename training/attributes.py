"""Learn attributes of listings, such as colour and condition, from what other listings state.

Each attribute has a head of two linear classifiers, one over words and one over the frozen vectors of pictures, and
exponents by which their probabilities are multiplied. All is fitted out of sample: member k of K has not seen fold k.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import beta
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from schemas.arrays import Bools, Floats, Floats32, Ints
from schemas.attributes import ATTRIBUTE_FOLDS, CONDITION, AttributeHead
from schemas.tensors import TextBatch, VectorBatch
from training.attribute_sample import AttributeSample, Stated
from training.calibration import fit_weights
from training.folds import may_learn
from udfs.attributes import fuse_inputs, predict_attribute, word_matrix

MIN_LISTINGS = 20
"""Fewest listings of a value; rarer values are not learnt."""
_MAX_VALUES, _MAX_WORDS = 100, 20_000
"""Bound the driver's memory: the optimiser keeps some twenty copies of the weights of words by values."""
_MIN_COVERED = 0.5
"""An attribute whose frequent values cover fewer listings is free text, such as a name or a measure."""
_MIN_FITTED = 50
"""Fewest listings on which exponents are fitted, and fewest that a threshold rests on."""
_MIN_SHARED = 2
"""Fewest listings of a word."""
_C, _ITERATIONS, _TOLERANCE = 30.0, 100, 1e-3
_SHRINKAGE = 0.1
"""Of the covariance of the vectors to a multiple of the identity."""
_MISSING = -20.0
"""Bias of a value that no listing of the other folds has."""
_ANCHOR_SHARE = 0.1
"""Share of the listings taken for a value in which the value is most probable: what they state shows the errors."""
_SURE = 0.8
"""Share of these that must state the value for it to contradict others."""


def learn_attributes(sample: AttributeSample, hash_size: int, precision: float) -> tuple[AttributeHead, ...]:
    """Learn a head for each attribute of a sample that has a vocabulary.

    An attribute has one if at least two of its values are stated by `MIN_LISTINGS` listings each, and these values are
    those of at least half of the listings that state the attribute.

    Args:
        sample: listings that state attributes.
        hash_size: that of the features.
        precision: as `conf.attribute_settings.AttributeSettings.precision`.
    """
    heads = (_learn(name, stated, sample, hash_size, precision) for name, stated in sample.stated.items())
    return tuple(head for head in heads if head is not None)


def vocabulary(values: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """The frequent values, sorted, each as it is written most often; and which of them each listing states.

    Args:
        values: what n listings state.

    Returns:
        A values and, int64, shape (n,), the position of each listing's value, -1 for a rare one. No values if there is
        no vocabulary, see `learn_attributes`.
    """
    keys = [value.lower() for value in values]
    frequent = [(key, n) for key, n in Counter(keys).most_common(_MAX_VALUES) if n >= MIN_LISTINGS]
    if len(frequent) < 2 or sum(n for _, n in frequent) < _MIN_COVERED * len(values):
        return (), np.full(len(values), -1)
    spellings: dict[str, Counter[str]] = {}
    for key, value in zip(keys, values, strict=True):
        spellings.setdefault(key, Counter())[value] += 1
    order = {key: position for position, key in enumerate(sorted(key for key, _ in frequent))}
    names = tuple(max(spellings[key].items(), key=lambda each: (each[1], each[0]))[0] for key in order)
    return names, np.array([order.get(key, -1) for key in keys], np.int64)


def _learn(
    name: str, stated: Stated, sample: AttributeSample, hash_size: int, precision: float
) -> AttributeHead | None:
    """Learn one attribute; None if it has no vocabulary."""
    values, codes = vocabulary(stated.values)
    if not values:
        return None
    texts = (sample.texts if stated.part < 0 else sample.titles).take(stated.rows)
    titles, left_out = sample.titles.take(stated.rows), sample.left_out[stated.rows]
    pictures = sample.pictures.take(stated.rows)
    known = np.flatnonzero(codes >= 0)
    words = _frequent_words(texts.take(known), hash_size)
    matrix = word_matrix(texts, words)
    readable = (codes >= 0) & (np.diff(matrix.indptr) > 0)
    word_kernel, word_bias = _members(
        lambda rows, labels: _fit_words(matrix[rows], labels, len(values)), codes, readable, left_out
    )
    seen = (codes >= 0) & pictures.present
    learns_pictures = int(seen.sum()) >= _MIN_FITTED * len(values) ** 0.5
    picture_kernel, picture_bias = np.zeros((ATTRIBUTE_FOLDS, 0, len(values)), np.float32), np.zeros_like(word_bias)
    if learns_pictures:
        vectors = pictures.values.astype(np.float32)
        picture_kernel, picture_bias = _members(
            lambda rows, labels: _fit_pictures(vectors[rows], labels, len(values)), codes, seen, left_out
        )
    head = AttributeHead(
        name=name,
        values=values,
        part=stated.part,
        words=words,
        word_kernel=word_kernel,
        word_bias=word_bias,
        picture_kernel=picture_kernel,
        picture_bias=picture_bias,
        weights=np.ones(4),
        suggest_from=2.0,
        swaps=None,
        sure=np.zeros(len(values), np.bool_),
        shares=np.bincount(codes[known], minlength=len(values)) / len(known),
        listings=len(codes),
        suggested=0.0,
        precision=float("nan"),
    )
    return _calibrate(head, titles, texts, pictures, sample.buckets[stated.rows], codes, precision)


def _calibrate(
    head: AttributeHead,
    titles: TextBatch,
    texts: TextBatch,
    pictures: VectorBatch,
    buckets: Ints,
    codes: Ints,
    precision: float,
) -> AttributeHead:
    """Fit the exponents, the threshold and, for the condition, the errors of a head, all out of sample.

    Args:
        head: the head, with exponents of 1.
        titles, texts, pictures, buckets: of the n listings that it was learnt from.
        codes: shape (n,), the value that each states; -1: a rare one.
        precision: as in `learn_attributes`.
    """
    predicted = predict_attribute(head, titles, texts, pictures, buckets)
    weights = _fit_exponents(predicted.by_words, predicted.by_picture, codes)
    probabilities = np.exp(fuse_inputs(predicted.by_words, predicted.by_picture, weights))
    usable = ~np.isnan(probabilities[:, 0])
    probabilities, codes = probabilities[usable], codes[usable]
    right = probabilities.argmax(axis=1) == codes
    suggest_from = suggestion_threshold(probabilities.max(axis=1), right, precision)
    above = probabilities.max(axis=1) >= suggest_from
    swaps, sure = (None, head.sure) if head.name != CONDITION else _swaps(probabilities, codes)
    return replace(
        head,
        weights=weights,
        suggest_from=suggest_from,
        swaps=swaps,
        sure=sure,
        suggested=float(above.sum() / len(usable)),
        precision=float(right[above].mean()) if above.any() else float("nan"),
    )


def suggestion_threshold(confidence: Floats, right: Bools, precision: float) -> float:
    """The lowest probability from which suggestions are precise enough; 2 if none is.

    Args:
        confidence: shape (n,), out-of-sample probability of the most probable value.
        right: shape (n,), whether it is what the listing states.
        precision: what the lower Clopper-Pearson bound of the precision (97.5 %, one-sided) must reach.
    """
    order = np.argsort(-confidence, kind="stable")
    hits, count = np.cumsum(right[order]), np.arange(1, len(order) + 1)
    lower = np.nan_to_num(beta.ppf(0.025, hits, count - hits + 1))
    # A threshold cannot separate listings with equal probabilities.
    last_of_equal = np.append(np.diff(confidence[order]) != 0, True) if len(order) else np.zeros(0, np.bool_)
    enough = np.flatnonzero((lower >= precision) & (count >= _MIN_FITTED) & last_of_equal)
    return float(confidence[order][enough[-1]]) if len(enough) else 2.0


def _fit_exponents(by_words: Floats, by_picture: Floats, codes: Ints) -> Floats:
    """The exponents of `AttributeHead.weights`; 1 where too few listings have the inputs."""
    read, seen = (~np.isnan(each[:, 0]) & (codes >= 0) for each in (by_words, by_picture))

    def fit(rows: Bools, *branches: Floats) -> tuple[float, ...]:
        if rows.sum() < _MIN_FITTED:
            return (1.0,) * len(branches)
        stated = np.eye(branches[0].shape[1])[codes[rows]]
        return fit_weights([branch[rows] for branch in branches], stated, (1.0,) * len(branches))

    return np.array([*fit(read, by_words), *fit(seen, by_picture), *fit(read & seen, by_words, by_picture)])


def _swaps(probabilities: Floats, codes: Ints) -> tuple[Floats, Bools]:
    """What listings state instead of the true value, from those whose value is most obvious (anchor points).

    Source: Patrini et al., Making deep neural networks robust to label noise (CVPR 2017).

    Args:
        probabilities: shape (n, A), out of sample.
        codes: shape (n,), the value that each listing states; -1: a rare one, which says nothing.

    Returns:
        P(stated | true), shape (A, A), rows sum to 1; and which values are obvious at all, shape (A,).
    """
    known = codes >= 0
    probabilities, codes = probabilities[known], codes[known]
    size = probabilities.shape[1]
    swaps, sure = np.eye(size), np.zeros(size, np.bool_)
    taken = probabilities.argmax(axis=1)
    for value in range(size):
        count = int(max(_MIN_FITTED, _ANCHOR_SHARE * (taken == value).sum()))
        anchors = np.argsort(-probabilities[:, value], kind="stable")[:count]
        anchors = anchors[taken[anchors] == value]
        if len(anchors) < MIN_LISTINGS:
            continue
        stated = np.bincount(codes[anchors], minlength=size) / len(anchors)
        sure[value] = stated[value] >= _SURE
        if sure[value]:
            swaps[value] = stated
    return swaps, sure


def _members(
    fit: Callable[[Ints, Ints], tuple[Floats32, Floats32]], codes: Ints, usable: Bools, left_out: Ints
) -> tuple[Floats32, Floats32]:
    """Fit a classifier for each fold, without its rows and their sellers' duplicates of them.

    Args:
        fit: rows and their values -> kernel, shape (features, A), and bias, shape (A,).
        codes: shape (n,), values.
        usable: shape (n,), which rows may be fitted on.
        left_out: shape (n,), as `training.folds.left_out_folds` returns it.

    Returns:
        Kernels, shape (K, features, A), and biases, shape (K, A).
    """
    parts = []
    for fold in range(ATTRIBUTE_FOLDS):
        rows = np.flatnonzero(usable & may_learn(left_out, fold, ATTRIBUTE_FOLDS))
        parts.append(fit(rows, codes[rows]))
    return np.stack([kernel for kernel, _ in parts]), np.stack([bias for _, bias in parts])


def _fit_words(words: csr_matrix, codes: Ints, size: int) -> tuple[Floats32, Floats32]:
    if len(np.unique(codes)) < 2:
        return _constant(words.shape[1], codes, size)
    model = LogisticRegression(C=_C, max_iter=_ITERATIONS, tol=_TOLERANCE).fit(words, codes)
    return _all_values(model.coef_, model.intercept_, model.classes_, size)


def _fit_pictures(vectors: Floats32, codes: Ints, size: int) -> tuple[Floats32, Floats32]:
    if len(np.unique(codes)) < 2:
        return _constant(vectors.shape[1], codes, size)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE).fit(vectors, codes)
    return _all_values(model.coef_, model.intercept_, model.classes_, size)


def _constant(features: int, codes: Ints, size: int) -> tuple[Floats32, Floats32]:
    """A classifier that knows only which values there are."""
    bias = np.full(size, _MISSING, np.float32)
    bias[np.unique(codes)] = 0.0
    return np.zeros((features, size), np.float32), bias


def _all_values(coefficients: Floats, intercepts: Floats, known: Ints, size: int) -> tuple[Floats32, Floats32]:
    """Coefficients of the values that occur -> kernel, shape (features, A), and bias, shape (A,), of all values."""
    if len(known) == 2:  # scikit-learn keeps one row, that of the second value
        coefficients, intercepts = np.stack([0 * coefficients[0], coefficients[0]]), np.array([0.0, *intercepts])
    kernel, bias = np.zeros((coefficients.shape[1], size), np.float32), np.full(size, _MISSING, np.float32)
    kernel[:, known], bias[known] = coefficients.T, intercepts
    return kernel, bias


def _frequent_words(texts: TextBatch, hash_size: int) -> Ints:
    """The most frequent words and pairs of words of at least `_MIN_SHARED` listings, ascending."""
    ids, counts = np.unique(texts.ids[texts.ids < hash_size // 2], return_counts=True)
    shared, counts = ids[counts >= _MIN_SHARED], counts[counts >= _MIN_SHARED]
    return np.sort(shared[np.argsort(-counts, kind="stable")[:_MAX_WORDS]])
