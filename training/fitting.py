"""Fit on the sample what a bundle stores beside its networks: branch weights, noise model and prior."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.optimize import brentq

from schemas.arrays import Floats, Ints
from schemas.branches import IMAGE, INPUT_SETS, TEXT, Fusion, Input
from schemas.bundle import NoiseModel
from training.first_pass import FirstPass, apply_temperature, fit_first_pass, initial_fusion, max_likelihood_fusion
from training.noise import Mismatch, NoiseFit, clamp_to_truth, fit_mismatch
from training.sample import Sample
from udfs.fusion import fuse, weighted_product
from udfs.posterior import label_likelihood, posterior

_EPSILON = 1e-12
_MIN_ERROR_LEFT = 0.8
"""The least share of the first pass's error that a second pass may claim to leave: on most catalogues of the quality
benchmark it left 0.8 to 1.0."""
_MAX_TEMPERATURE = 4.0
"""The most by which the second pass's weights are divided."""


@dataclass(frozen=True)
class FitResult:
    """What was fitted.

    Attributes:
        fusion: the branches' weights.
        noise: how sellers label, and how often pictures show something else.
        prior: C probabilities of the categories.
        figures: estimated error before and after, the mean log-likelihood of the labels, weights and rates.
    """

    fusion: Fusion
    noise: NoiseModel
    prior: tuple[float, ...]
    figures: dict[str, float]


def fit_sample(
    sample: Sample, distances: Ints, categories: tuple[str, ...], first: FirstPass | None = None
) -> FitResult:
    """Fit weights and noise model by the likelihood of the given labels alone.

    Args:
        sample: labelled rows with out-of-sample log-probabilities.
        distances: as `training.transitions.category_distances`.
        categories: C names.
        first: the first pass over the same sellers, if the sample is from a second pass: then its noise model is kept,
            and only the weights are fitted.
    """
    if first is None:
        first = fit_first_pass(sample, distances)
        fusion = first.fusion
    else:
        fusion = _fit_fusion(sample, first)
    posteriors, evidence = _posterior(sample, fusion, first.noise)
    wrong = float(1.0 - posteriors[np.arange(len(posteriors)), sample.labels[sample.usable]].mean())
    mismatch = _mismatch(sample, fusion, first.noise)
    noise = NoiseModel(
        categories=categories,
        transitions=first.noise.transitions,
        error_rate=first.noise.error_rate,
        rate_factor=first.noise.error_rate / max(wrong, _EPSILON),
        sellers=dict(zip(sample.seller_ids, map(float, first.noise.seller_rates), strict=True)),
        mismatch_weight=mismatch.weight,
        image_marginal=mismatch.marginal,
        mismatch_rate=mismatch.rate,
    )
    figures = {
        "estimated_error_before": wrong,
        "estimated_error_left": float(1.0 - posteriors.max(axis=1).mean()),
        "fitted_log_likelihood": float(evidence.mean()),
        "error_rate": noise.error_rate,
        "rate_factor": noise.rate_factor,
        "caution": first.temperature,
        "mismatch_rate": mismatch.rate,
        **_weight_figures(fusion),
    }
    prior = (posteriors.sum(axis=0) + 0.5) / (len(posteriors) + 0.5 * len(categories))
    return FitResult(fusion, noise, tuple(float(p) for p in prior), figures)


def _fit_fusion(sample: Sample, first: FirstPass) -> Fusion:
    """The weights of a second pass under the first pass's noise model, no less cautious than the first pass's.

    They are the likeliest ones divided by the first pass's caution. Because a little of each label leaks back through
    the soft labels, a second pass looks better than it is. If its texts would claim much less error than the first
    pass's, all weights are lowered until they claim no more than a second pass can gain.
    """
    likelihood = label_likelihood(sample.labels, first.noise.rates(sample.sellers), first.noise.transitions)
    fusion = apply_temperature(max_likelihood_fusion(sample, initial_fusion(sample), likelihood), first.temperature)
    texts = replace(sample, branches={TEXT.name: sample.branches[TEXT.name]})

    @cache
    def surplus(temperature: float) -> float:
        posteriors, _ = _posterior(texts, apply_temperature(fusion, temperature), first.noise)
        return float(1.0 - posteriors.max(axis=1).mean()) - _MIN_ERROR_LEFT * first.estimated_error

    if surplus(1.0) >= 0.0:
        return fusion
    if surplus(_MAX_TEMPERATURE) <= 0.0:
        return apply_temperature(fusion, _MAX_TEMPERATURE)
    return apply_temperature(fusion, float(brentq(surplus, 1.0, _MAX_TEMPERATURE, xtol=0.005)))


def _posterior(sample: Sample, fusion: Fusion, noise: NoiseFit) -> tuple[Floats, Floats]:
    """Posterior and evidence of the usable rows; a category that a person has decided has probability 1."""
    rows = sample.usable
    log_q = fuse(sample.branches, fusion)[rows].astype(np.float64)
    posteriors, evidence = posterior(log_q, sample.labels[rows], noise.rates(sample.sellers[rows]), noise.transitions)
    clamp_to_truth(posteriors, sample.truths[rows])
    return posteriors, evidence


def _mismatch(sample: Sample, fusion: Fusion, noise: NoiseFit) -> Mismatch:
    """What random pictures look like, and how often a picture shows something else."""
    rows = sample.has(Input.TEXT) & sample.has(Input.IMAGE)
    count = sample.shape[1]
    if not rows.any():
        return Mismatch(1.0, np.full(count, 1.0 / count), 0.0)
    branches = {name: values[rows] for name, values in sample.branches.items()}
    by_text = weighted_product(branches, fusion[Input.TEXT]).astype(np.float64)
    posteriors, _ = posterior(by_text, sample.labels[rows], noise.rates(sample.sellers[rows]), noise.transitions)
    return fit_mismatch(posteriors, branches[IMAGE.name].astype(np.float64))


def _weight_figures(fusion: Fusion) -> dict[str, float]:
    return {
        f"weight {name} {'of both' if len(INPUT_SETS[key]) > 1 else 'alone'}": weight
        for key, weights in fusion.items()
        for name, weight in weights.items()
    }
