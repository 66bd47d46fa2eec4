"""One linear softmax classifier over sparse features, fitted by all ranks together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.sparse import csr_matrix

from schemas.arrays import Floats, Floats32, Ints
from training.lbfgs import minimize
from training.ranks import Ranks

Targets = Callable[[Ints], Floats32]
"""Rows of the shard -> their target distributions, shape (rows, C): one-hot (hard) or soft."""

_TOLERANCE, _MAX_EVALUATIONS = 5e-4, 50
"""Of `training.lbfgs.minimize`. Fitting more closely does not change the accuracy."""
_CURVATURE, _POWER = 0.15, -0.7
"""A weight is preconditioned by (curvature of the loss times the feature's mean square, plus penalty) ** power. The
exact inverse, power -1, starts fastest but ignores that features occur together."""
_CHUNK = 8192
"""Rows multiplied at once."""
_KEPT = 32_000_000
"""If the rows to fit on have at most this many values, their copies are kept in memory, 256 MB; otherwise each
evaluation copies them again, which takes a few percent of its time."""


@dataclass(frozen=True)
class LinearMember:
    """A linear softmax classifier.

    Attributes:
        kernel: shape (V, C); if factorised, (V, r).
        mixer: shape (r, C); None if not factorised.
        bias: shape (C,).
    """

    kernel: Floats32
    mixer: Floats32 | None
    bias: Floats32

    def log_probabilities(self, texts: csr_matrix) -> Floats32:
        """Features, shape (n, V) -> log-probabilities, shape (n, C)."""
        parts = []
        for start in range(0, max(texts.shape[0], 1), _CHUNK):
            hidden = texts[start : start + _CHUNK] @ self.kernel
            logits = (hidden if self.mixer is None else hidden @ self.mixer) + self.bias
            logits -= logits.max(axis=1, keepdims=True)
            parts.append(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
        return np.concatenate(parts)


@dataclass(frozen=True)
class LinearTrainer:
    """Fits classifiers on the texts of all ranks.

    Attributes:
        texts: float32, shape (n, V), the features of this rank's listings; may be memory-mapped.
        mean_squares: shape (V,), the mean square of each feature over the listings of all ranks.
        categories: C.
        ranks: the ranks that fit together.
    """

    texts: csr_matrix
    mean_squares: Floats
    categories: int
    ranks: Ranks

    def fit(
        self,
        targets: Targets,
        rows: Ints,
        *,
        c: float,
        bottleneck: int = 0,
        seed: int = 0,
        start: LinearMember | None = None,
    ) -> LinearMember:
        """Minimise the cross-entropy with an L2 penalty, like scikit-learn's `LogisticRegression`.

        Every rank must call it.

        Args:
            targets: each listing's target distribution.
            rows: those of this rank's listings to fit on; there may be none.
            c: inverse L2 penalty; the bias is not penalised.
            bottleneck: r, if the kernel is a product of matrices of shape (V, r) and (r, C); 0 if it is a single one.
            seed: of the initial mixer; the same on every rank.
            start: a classifier of the same shape to start from; None: from 0, and from a random mixer.
        """
        shape = _Shape(self.texts.shape[1], bottleneck, self.categories)
        objective = _Objective(self.texts, targets, rows, shape, c, self.ranks)
        initial, mean_squares = np.zeros(shape.size, np.float32), np.ones(shape.size, np.float32)
        shape.split(mean_squares)[0][:] = self.mean_squares[:, None]
        kernel, mixer, bias = shape.split(initial)
        if start is not None:
            kernel[:], bias[:] = start.kernel, start.bias
            if mixer is not None:
                mixer[:] = start.mixer
        elif mixer is not None:
            mixer[:] = np.random.default_rng(seed).normal(scale=bottleneck**-0.5, size=mixer.shape)
        weights = minimize(
            objective,
            initial,
            (_CURVATURE * mean_squares + objective.penalty) ** _POWER,
            tolerance=_TOLERANCE,
            max_evaluations=_MAX_EVALUATIONS,
        )
        return LinearMember(*shape.split(weights))


@dataclass(frozen=True)
class _Shape:
    """Where a classifier's matrices are in a vector of all weights."""

    features: int
    bottleneck: int
    categories: int

    @property
    def kernel_size(self) -> int:
        """Number of weights of the kernel, which come first."""
        return self.features * (self.bottleneck or self.categories)

    @property
    def penalised(self) -> int:
        """Number of weights of kernel and mixer."""
        return self.kernel_size + self.bottleneck * self.categories

    @property
    def size(self) -> int:
        """Number of all weights."""
        return self.penalised + self.categories

    def split(self, weights: Floats32) -> tuple[Floats32, Floats32 | None, Floats32]:
        """Views of the kernel, the mixer (None if not factorised) and the bias."""
        kernel, mixer, bias = np.split(weights, [self.kernel_size, self.penalised])
        return (
            kernel.reshape(self.features, -1),
            mixer.reshape(self.bottleneck, self.categories) if self.bottleneck else None,
            bias,
        )


class _Objective:
    """Mean cross-entropy plus penalty over the rows of all ranks, and its gradient."""

    def __init__(self, texts: csr_matrix, targets: Targets, rows: Ints, shape: _Shape, c: float, ranks: Ranks) -> None:
        self._texts, self._shape, self._targets, self._ranks = texts, shape, targets, ranks
        kept = int(np.diff(texts.indptr)[rows].sum()) <= _KEPT
        split = np.array_split(rows, max(len(rows) // _CHUNK, ranks.threads))
        parts = [(texts[part] if kept else None, part) for part in split]
        self._parts = [parts[thread :: ranks.threads] for thread in range(ranks.threads)]
        self._rows = max(float(ranks.sum([len(rows)])[0]), 1.0)
        self.penalty = 1.0 / (c * self._rows)

    def __call__(self, weights: Floats32, number: float) -> tuple[float, Floats32, float]:
        """As `training.lbfgs.Objective`; one collective operation."""
        loss, gradient = self._loss(weights)
        penalised = weights[: self._shape.penalised]
        penalty = 0.5 * self.penalty * float(penalised @ penalised)
        numbers = [loss / self._rows + penalty / self._ranks.size, number / self._ranks.size]
        sums = self._ranks.sum(np.append(gradient / np.float32(self._rows), np.array(numbers, np.float32)))
        gradient = sums[:-2].copy()
        gradient[: self._shape.penalised] += np.float32(self.penalty) * penalised
        return float(sums[-2]), gradient, float(sums[-1])

    def _loss(self, weights: Floats32) -> tuple[float, Floats32]:
        """The cross-entropy, summed over this rank's rows, and its gradient."""
        # NumPy and SciPy release Python's lock while they compute.
        with ThreadPoolExecutor(len(self._parts)) as pool:
            losses, gradients = zip(*pool.map(partial(self._loss_of_parts, weights), self._parts), strict=True)
        return sum(losses), sum(gradients[1:], gradients[0])

    def _loss_of_parts(self, weights: Floats32, parts: list[tuple[csr_matrix | None, Ints]]) -> tuple[float, Floats32]:
        """The same for one thread's parts of the rows."""
        kernel, mixer, bias = self._shape.split(weights)
        gradient = np.zeros(self._shape.size, np.float32)
        by_kernel, by_mixer, by_bias = self._shape.split(gradient)
        loss = 0.0
        for kept, rows in parts:
            texts, targets = self._texts[rows] if kept is None else kept, self._targets(rows)
            hidden = texts @ kernel
            logits = (hidden if mixer is None else hidden @ mixer) + bias
            logits -= logits.max(axis=1, keepdims=True)
            loss -= float((logits * targets).sum(dtype=np.float64))
            np.exp(logits, out=logits)
            sums = logits.sum(axis=1, keepdims=True)
            loss += float(np.log(sums).sum(dtype=np.float64))
            errors = logits / sums - targets
            by_bias += errors.sum(axis=0)
            if mixer is not None and by_mixer is not None:
                by_mixer += hidden.T @ errors
                errors = errors @ mixer.T
            by_kernel += texts.T @ errors
        return loss, gradient
