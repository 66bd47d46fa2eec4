"""Fit branch weights, noise model and prior on the sample; a bundle stores them beside its networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.arrays import Floats, Ints
from schemas.branches import IMAGE, INPUT_SETS, TEXT, Fusion, Input
from schemas.bundle import NoiseModel
from schemas.estimates import ShareEstimate
from training.claims import lower_claims, slope_for
from training.error_share import UNKNOWN
from training.first_pass import FirstPass, fit_first_pass, initial_fusion, max_likelihood_fusion
from training.noise import Mismatch, NoiseFit, clamp_to_truth, fit_mismatch, keep_labels, wrong_share
from training.sample import Sample
from training.scale import SCALES, scaled, solve_scale, unit_fusion
from udfs.fusion import fuse, weighted_product
from udfs.posterior import label_likelihood, posterior

_EPSILON = 1e-12


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
    sample: Sample,
    distances: Ints,
    categories: tuple[str, ...],
    first: FirstPass | None = None,
    twins: ShareEstimate | None = None,
) -> FitResult:
    """Fit branch weights and noise model by maximum likelihood of the given labels.

    Args:
        sample: labelled rows with out-of-sample log-probabilities.
        distances: as `training.transitions.category_distances`.
        categories: C names.
        first: the first pass over the same sellers, if the sample is from a second pass. Then its noise model is kept
            and only the weights are fitted.
        twins: as `training.error_share.twin_share`; used only if there was no first pass.
    """
    if first is None:
        first = fit_first_pass(sample, distances, twins=twins)
        fusion, fitted = first.fusion, first.noise
    else:
        fusion = _fit_fusion(sample, first)
        fitted = first.noise
        if first.scale == 0.0:
            rows = sample.usable
            log_q = fuse(sample.branches, fusion)[rows].astype(np.float64)
            fitted = keep_labels(fitted, log_q, sample.labels[rows], sample.truths[rows])
    posteriors, evidence = _posterior(sample, fusion, fitted)
    wrong = wrong_share(posteriors, sample.labels[sample.usable])
    mismatch = _mismatch(sample, fusion, fitted)
    confidence = posteriors.max(axis=1)
    kept = first.scale == 0.0 and first.share != UNKNOWN
    slope = slope_for(confidence, first.share) if kept else 1.0
    noise = NoiseModel(
        categories=categories,
        transitions=fitted.transitions,
        error_rate=fitted.error_rate,
        # If every label is kept, no seller's rate may rise with the posteriors.
        rate_factor=fitted.error_rate / max(wrong, _EPSILON) if first.scale > 0.0 else 0.0,
        sellers=dict(zip(sample.seller_ids, map(float, fitted.seller_rates), strict=True)),
        mismatch_weight=mismatch.weight,
        image_marginal=mismatch.marginal,
        mismatch_rate=mismatch.rate,
        share=None if first.share == UNKNOWN else first.share,
        claim_slope=slope,
    )
    figures = {
        "estimated_error_before": wrong,
        "estimated_error_left": float(1.0 - (lower_claims(confidence, slope) if kept else confidence).mean()),
        "fitted_log_likelihood": float(evidence.mean()),
        "error_rate": noise.error_rate,
        "rate_factor": noise.rate_factor,
        "scale": first.scale,
        "wrong_label_share": first.share.value,
        "wrong_label_share_error": first.share.error,
        "mismatch_rate": mismatch.rate,
        **_weight_figures(fusion),
    }
    prior = (posteriors.sum(axis=0) + 0.5) / (len(posteriors) + 0.5 * len(categories))
    return FitResult(fusion, noise, tuple(float(p) for p in prior), figures)


def _fit_fusion(sample: Sample, first: FirstPass) -> Fusion:
    """Fit the weights of a second pass under the noise model of the first pass.

    They are scaled so that as many labels count as wrong as in the first pass: the second pass is surer of its
    predictions, partly because a little of each label leaks back through the soft labels.
    """
    likelihood = label_likelihood(sample.labels, first.noise.rates(sample.sellers), first.noise.transitions)
    fusion = max_likelihood_fusion(sample, initial_fusion(sample), likelihood)
    fusion = unit_fusion(fusion, TEXT.name, TEXT.name)
    if first.scale == 0.0:
        return scaled(fusion, first.fusion[TEXT.name][TEXT.name])
    labels = sample.labels[sample.usable]
    shares = []
    for scale in SCALES.tolist():
        posteriors, _ = _posterior(sample, scaled(fusion, scale), first.noise)
        shares.append(wrong_share(posteriors, labels))
    return scaled(fusion, solve_scale(np.array(shares), first.implied_share) or SCALES[0])


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
