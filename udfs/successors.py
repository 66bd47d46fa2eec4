"""A model that was trained before the taxonomy changed, in the categories of the taxonomy as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from schemas.arrays import Floats
from schemas.bundle import NoiseModel
from schemas.successors import Successors


def follow_model(
    noise: NoiseModel, prior: Sequence[float], successors: Successors
) -> tuple[NoiseModel, Floats, dict[str, int]]:
    """Rename former categories, and merge those that have become one.

    Probabilities of merged categories add up. What was a wrong label among them is a right one now, so their
    transitions are averaged by the prior without it, and the rest is normalised.

    Args:
        noise: the noise model, with C categories.
        prior: C probabilities.
        successors: former category -> category; others stay.

    Returns:
        The noise model and the prior of C' categories; and the index of every name, former ones included.
    """
    names = [successors.get(category, category) for category in noise.categories]
    categories = tuple(dict.fromkeys(names))
    place = {category: i for i, category in enumerate(categories)}
    places = place | {old: place[new] for old, new in zip(noise.categories, names, strict=True)}
    old_prior = np.asarray(prior, dtype=np.float64)
    if len(categories) == len(names):
        return replace(noise, categories=categories), old_prior, places
    merge = np.zeros((len(names), len(categories)))
    merge[np.arange(len(names)), [place[name] for name in names]] = 1.0
    new_prior = old_prior @ merge
    # The share of each category in the one that it has become; without any mass, all are alike.
    whole, members = new_prior @ merge.T, merge.sum(axis=0) @ merge.T
    weights = np.where(whole > 0, old_prior / np.maximum(whole, 1e-300), 1 / members)
    transitions = (merge * weights[:, None]).T @ noise.transitions @ merge
    np.fill_diagonal(transitions, 0.0)
    totals = transitions.sum(axis=1, keepdims=True)
    others = (1.0 - np.eye(len(categories))) / max(len(categories) - 1, 1)
    transitions = np.where(totals > 0, transitions / np.maximum(totals, 1e-300), others)
    marginal = np.asarray(noise.image_marginal @ merge)
    merged = replace(noise, categories=categories, transitions=transitions, image_marginal=marginal)
    return merged, np.asarray(new_prior), places
