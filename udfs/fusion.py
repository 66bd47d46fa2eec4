"""Late fusion: the normalised product of the branches' probabilities, each raised to its weight."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from schemas.arrays import Bools, Floats, Floats32
from schemas.branches import BRANCHES, INPUT_SETS, Fusion, Input, Weights


def fuse(branches: Mapping[str, Floats32], fusion: Fusion) -> Floats32:
    """Fuse the branches: `log q = Σ_b w_b log p_b + const`, with the weights for the inputs that each listing has.

    Args:
        branches: at least one, name -> log-probabilities, shape (n, C); NaN where the branch has no prediction.
        fusion: the weights for each set of inputs.

    Returns:
        log q, shape (n, C); NaN where a listing has no input.
    """
    has = {each: has_input(branches, each) for each in Input}
    fused = np.full(shape_of(branches), np.nan, np.float32)
    for key, present in INPUT_SETS.items():
        rows = np.logical_and.reduce([has[each] == (each in present) for each in Input])
        if rows.any():
            fused[rows] = weighted_product({name: branches[name][rows] for name in fusion[key]}, fusion[key])
    return fused


def has_input(branches: Mapping[str, Floats32], wanted: Input) -> Bools:
    """Which listings have an input, shape (n,): those for which a branch with only this input has a prediction."""
    alone = [branch.name for branch in BRANCHES if branch.inputs == {wanted} and branch.name in branches]
    has = np.zeros(shape_of(branches)[0], np.bool_)
    for name in alone:
        has |= ~np.isnan(branches[name][:, 0])
    return has


def shape_of(branches: Mapping[str, Floats32]) -> tuple[int, ...]:
    """(n, C)."""
    return next(iter(branches.values())).shape


def weighted_product(branches: Mapping[str, Floats32], weights: Weights) -> Floats32:
    """The normalised product of the branches under one set of weights, as log-probabilities, shape (n, C).

    Rows of NaN, where a branch has no prediction, are ignored.
    """
    total = np.zeros(shape_of(branches), np.float32)
    for name, weight in weights.items():
        if weight:
            values = branches[name]
            total += np.float32(weight) * np.where(np.isnan(values), np.float32(0.0), values)
    return log_softmax(total)


def sharpened(probabilities: Floats, weight: float) -> Floats:
    """Probabilities, shape (n, C), raised to an exponent and normalised."""
    raised = probabilities**weight
    return np.asarray(raised / np.maximum(raised.sum(axis=1, keepdims=True), 1e-300))


def log_softmax(scores: Floats32) -> Floats32:
    """Scores -> log-probabilities of each row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float32)
