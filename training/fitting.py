"""Fit branch weights, noise model and prior on the sample; a bundle stores them beside its networks."""

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
_MIN_ERROR_RATIO = 0.8
"""Lower limit of the second pass's estimated error, relative to the first pass's. On most catalogues of the quality
benchmark the true ratio was 0.8 to 1.0."""
_MAX_TEMPERATURE = 4.0
"""Upper limit of the additional temperature of the second pass."""


@dataclass(frozen=True)
class FitResult:
    """The result of `fit_sample`.

    Attributes:
        fusion: the branch weights.
        noise: the noise model, including the share of mismatched pictures.
        prior: C probabilities of the categories.
        figures: estimated error before and after cleaning, mean log-likelihood of the labels, weights and rates.
    """

    fusion: Fusion
    noise: NoiseModel
    prior: tuple[float, ...]
    figures: dict[str, float]


def fit_sample(
    sample: Sample, distances: Ints, categories: tuple[str, ...], first: FirstPass | None = None
) -> FitResult:
    """Fit branch weights and noise model by maximum likelihood of the given labels.

    Args:
        sample: labelled rows with out-of-sample log-probabilities.
        distances: as `training.transitions.category_distances`.
        categories: C names.
        first: the first pass over the same sellers, if the sample is from a second pass. Then its noise model is kept
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
    """Fit the weights of a second pass under the noise model of the first pass.

    They are the maximum-likelihood weights divided by the temperature of the first pass. Because a little of each label
    leaks back through the soft labels, a second pass looks better than it is. If its text branch estimates an error
    below `_MIN_ERROR_RATIO` times that of the first pass, the temperature is raised until the estimate reaches this
    limit.
    """
    likelihood = label_likelihood(sample.labels, first.noise.rates(sample.sellers), first.noise.transitions)
    fusion = apply_temperature(max_likelihood_fusion(sample, initial_fusion(sample), likelihood), first.temperature)
    texts = replace(sample, branches={TEXT.name: sample.branches[TEXT.name]})

    @cache
    def excess_error(temperature: float) -> float:
        posteriors, _ = _posterior(texts, apply_temperature(fusion, temperature), first.noise)
        return float(1.0 - posteriors.max(axis=1).mean()) - _MIN_ERROR_RATIO * first.estimated_error

    if excess_error(1.0) >= 0.0:
        return fusion
    if excess_error(_MAX_TEMPERATURE) <= 0.0:
        return apply_temperature(fusion, _MAX_TEMPERATURE)
    return apply_temperature(fusion, float(brentq(excess_error, 1.0, _MAX_TEMPERATURE, xtol=0.005)))


def _posterior(sample: Sample, fusion: Fusion, noise: NoiseFit) -> tuple[Floats, Floats]:
    """Posterior and evidence of the usable rows; a decided category has probability 1."""
    rows = sample.usable
    log_q = fuse(sample.branches, fusion)[rows].astype(np.float64)
    posteriors, evidence = posterior(log_q, sample.labels[rows], noise.rates(sample.sellers[rows]), noise.transitions)
    clamp_to_truth(posteriors, sample.truths[rows])
    return posteriors, evidence


def _mismatch(sample: Sample, fusion: Fusion, noise: NoiseFit) -> Mismatch:
    """Fit the picture-mismatch model on the rows that have text and picture."""
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
