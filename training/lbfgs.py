"""Limited-memory BFGS with a diagonal preconditioner (Nocedal and Wright, Numerical Optimization, algorithm 7.5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import numpy as np

from schemas.arrays import Floats32

Objective = Callable[[Floats32, float], tuple[float, Floats32, float]]
"""Weights, shape (m,), and a number that each rank has computed by itself -> value, gradient, and the number that all
ranks use. The three are the same on every rank."""

_PAIRS = 5
"""Number of past steps that describe the curvature."""
_SUFFICIENT = 1e-4
"""A step must lower the value by this share of what the gradient promises (Armijo's rule)."""
_SHORTEST, _LONGEST = 0.1, 0.5
"""Limits of the factor by which a step that is too long is shortened."""


def minimize(
    objective: Objective,
    start: Floats32,
    preconditioner: Floats32,
    *,
    tolerance: float,
    max_evaluations: int,
) -> Floats32:
    """The weights, shape (m,), that minimise the objective.

    Ranks that minimise together take the same decisions, so that they evaluate the objective equally often.

    Args:
        objective: a smooth function.
        start: shape (m,), the first weights.
        preconditioner: shape (m,), positive; the first step is the negative gradient times this, and later steps use it
            where past steps say nothing about the curvature.
        tolerance: stop when a step lowers the value by less than this share.
        max_evaluations: stop after this many evaluations.
    """
    weights = start
    value, gradient, _ = objective(weights, 0.0)
    pairs: deque[tuple[Floats32, Floats32, float]] = deque(maxlen=_PAIRS)
    direction = -preconditioner * gradient
    length = 1.0
    for _ in range(max_evaluations - 1):
        trial = weights + np.float32(length) * direction
        new_value, new_gradient, slope = objective(trial, float(gradient @ direction))
        if slope >= 0.0:
            break  # at the minimum, as far as the precision of the gradient goes
        if not new_value <= value + _SUFFICIENT * length * slope:
            # The minimum of the parabola through both values and the slope.
            shorter = -slope * length / (2.0 * (new_value - value - slope * length))
            length *= float(np.clip(np.nan_to_num(shorter, nan=0.0), _SHORTEST, _LONGEST))
            continue
        step, change = trial - weights, new_gradient - gradient
        curvature = float(step @ change)
        if curvature > 0.0:
            pairs.append((step, change, curvature))
        lowered = value - new_value
        weights, value, gradient = trial, new_value, new_gradient
        if lowered <= tolerance * abs(value):
            break
        direction, length = -_precondition(gradient, pairs, preconditioner), 1.0
    return weights


def _precondition(
    gradient: Floats32, pairs: Iterable[tuple[Floats32, Floats32, float]], preconditioner: Floats32
) -> Floats32:
    """The gradient times an estimate of the inverse Hessian: the two-loop recursion."""
    pairs = list(pairs)
    result = gradient.copy()
    shares = []
    for step, change, curvature in reversed(pairs):
        shares.append(float(step @ result) / curvature)
        result -= np.float32(shares[-1]) * change
    if pairs:
        _, change, curvature = pairs[-1]
        result *= np.float32(curvature / float(change @ (preconditioner * change)))
    result *= preconditioner
    for (step, change, curvature), share in zip(pairs, reversed(shares), strict=True):
        result += np.float32(share - float(change @ result) / curvature) * step
    return result
