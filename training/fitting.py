"""Noise model and fusion weights, fitted in turn on the sample: each given the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.bundle import Fusion, FusionWeights, NoiseModel
from training.anchors import anchor_rate, caution_factor
from training.calibration import fit_weights
from training.noise import Mismatch, NoiseFit, fit_mismatch, fit_noise, left_out_likelihood
from training.sample import Sample
from udfs.fusion import fuse, weighted
from udfs.posterior import posterior

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_TURNS = 20
_SETTLED = 0.01
"""Weights that move by less of themselves in a turn have been found."""


@dataclass(frozen=True)
class Fitted:
    """What the sample teaches.

    Attributes:
        fusion: the branches' weights.
        noise: how sellers label and pictures lie.
        prior: C probabilities of the categories.
        figures: estimated error before and after, and the mean log-likelihood of the labels.
    """

    fusion: Fusion
    noise: NoiseModel
    prior: tuple[float, ...]
    figures: dict[str, float]


def fit_sample(sample: Sample, levels: Ints, categories: tuple[str, ...]) -> Fitted:
    """Fit weights and noise model by the likelihood of the given labels alone.

    Args:
        sample: judgements of labelled rows, none of which trained the member that judged it.
        levels: as `training.noise.category_levels`.
        categories: C names.
    """
    has_text, has_image = ~np.isnan(sample.text[:, 0]), ~np.isnan(sample.image[:, 0])
    usable = np.flatnonzero(has_text | has_image)
    fusion = Fusion(_weights(text=1.0, image=0.3, head=0.3), _weights(text=1.0), _weights(image=1.0))
    fit: NoiseFit | None = None
    likelihood = np.ones(sample.text.shape)
    decided = np.flatnonzero(sample.truths >= 0)
    for _ in range(_TURNS):
        log_q = fuse(sample.text, sample.image, sample.head, fusion).astype(np.float64)
        fit = _learn_noise(log_q, sample, usable, levels, fit)
        likelihood[usable] = left_out_likelihood(fit, sample.labels[usable], sample.sellers[usable], levels)
        likelihood[decided] = np.eye(likelihood.shape[1])[sample.truths[decided]]
        before, fusion = (
            fusion,
            Fusion(
                both=_weigh(sample, has_text & has_image, fusion.both, likelihood),
                text_only=_weigh(sample, has_text, fusion.text_only, likelihood),
                image_only=_weigh(sample, has_image, fusion.image_only, likelihood),
            ),
        )
        if np.allclose(_flat(fusion), _flat(before), rtol=_SETTLED, atol=_SETTLED):
            break
    labels = sample.labels[usable]
    log_q = fuse(sample.text, sample.image, sample.head, fusion).astype(np.float64)
    fit = _learn_noise(log_q, sample, usable, levels)
    caution = caution_factor(log_q[usable], labels, fit.posterior)
    fusion = Fusion(*(_divided(weights, caution) for weights in (fusion.both, fusion.text_only, fusion.image_only)))
    log_q = fuse(sample.text, sample.image, sample.head, fusion).astype(np.float64)
    fit = _learn_noise(log_q, sample, usable, levels)
    mismatch = _mismatch(sample, has_text & has_image, fusion, fit)
    prior = (fit.posterior.sum(axis=0) + 0.5) / (len(fit.posterior) + 0.5 * len(categories))
    noise = NoiseModel(
        categories=categories,
        transitions=fit.transitions,
        error_rate=fit.error_rate,
        rate_factor=fit.factor,
        sellers=dict(zip(sample.seller_ids, map(float, fit.seller_rates), strict=True)),
        mismatch_weight=mismatch.weight,
        image_marginal=mismatch.marginal,
        mismatch_rate=mismatch.rate,
    )
    figures = {
        "estimated_error_before": float(1.0 - fit.posterior[np.arange(len(labels)), labels].mean()),
        "estimated_error_left": float(1.0 - fit.posterior.max(axis=1).mean()),
        "fitted_log_likelihood": float(fit.evidence.mean()),
        "error_rate": fit.error_rate,
        "rate_factor": fit.factor,
        "caution": caution,
        "mismatch_rate": mismatch.rate,
        **{f"weight {name} of both": value for name, value in _items(fusion.both)},
        "weight text alone": fusion.text_only["text"],
        "weight image alone": fusion.image_only["image"],
    }
    return Fitted(fusion, noise, tuple(float(p) for p in prior), figures)


def _learn_noise(log_q: Floats, sample: Sample, rows: Ints, levels: Ints, start: NoiseFit | None = None) -> NoiseFit:
    labels, truths = sample.labels[rows], sample.truths[rows]
    return fit_noise(
        log_q[rows],
        labels,
        sample.sellers[rows],
        levels,
        error_rate=anchor_rate(log_q[rows], labels, truths),
        truths=truths,
        sellers_known=len(sample.seller_ids),
        start=start,
    )


def _weigh(sample: Sample, rows: Bools, start: FusionWeights, likelihood: Floats) -> FusionWeights:
    """The likeliest weights of the branches that `start` weighs, on these rows; `start` where there are none."""
    branches = {name: getattr(sample, name)[rows].astype(np.float64) for name, weight in _items(start) if weight > 0}
    if not rows.any():
        return start
    begin = [weight for _, weight in _items(start) if weight > 0]
    found = fit_weights(list(branches.values()), likelihood[rows], begin)
    return _weights(**dict(zip(branches, found, strict=True)))


def _mismatch(sample: Sample, rows: Bools, fusion: Fusion, fit: NoiseFit) -> Mismatch:
    """What pictures look like at random, and how often they are of something else."""
    count = sample.text.shape[1]
    if not rows.any():
        return Mismatch(1.0, np.full(count, 1.0 / count), 0.0)
    text, image, head = sample.text[rows], sample.image[rows], sample.head[rows]
    by_text = weighted(text, image, head, fusion.text_only).astype(np.float64)
    belief, _ = posterior(by_text, sample.labels[rows], fit.rates(sample.sellers[rows]), fit.transitions)
    return fit_mismatch(belief, image.astype(np.float64))


def _weights(text: float = 0.0, image: float = 0.0, head: float = 0.0) -> FusionWeights:
    return {"text": text, "image": image, "head": head}


def _divided(weights: FusionWeights, by: float) -> FusionWeights:
    return _weights(**{name: weight / by for name, weight in _items(weights)})


def _flat(fusion: Fusion) -> list[float]:
    return [weight for weights in (fusion.both, fusion.text_only, fusion.image_only) for _, weight in _items(weights)]


def _items(weights: FusionWeights) -> list[tuple[str, float]]:
    return [("text", weights["text"]), ("image", weights["image"]), ("head", weights["head"])]
