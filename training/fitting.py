"""What a bundle says of its branches and of the noise, fitted on the sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.optimize import brentq

from schemas.arrays import Floats, Ints
from schemas.bundle import Fusion, NoiseModel
from training.first_pass import START, Learned, divided, learn_noise, likeliest_fusion, weight_items
from training.noise import Mismatch, NoiseFit, clamp_to_truth, fit_mismatch
from training.sample import Sample
from udfs.fusion import fuse, weighted
from udfs.posterior import label_likelihood, posterior

_EPSILON = 1e-12
_GAIN = 0.8
"""Error that a second pass is believed to leave of the first one's, at least: on most of the quality benchmark's
catalogues it left 0.8 to 1.0 of it."""
_MOST = 4.0
"""By which the second pass's weights are divided, at most."""


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


def fit_sample(sample: Sample, levels: Ints, categories: tuple[str, ...], first: Learned | None = None) -> Fitted:
    """Fit weights and noise model by the likelihood of the given labels alone.

    Args:
        sample: judgements of labelled rows, none of which trained the member that judged it.
        levels: as `training.transitions.category_levels`.
        categories: C names.
        first: what a first pass has learnt, from the sellers of this very sample, where the members that judged are of
            a second one: then the noise is as it says, and the weights alone are fitted.
    """
    if first is None:
        first = learn_noise(sample, levels)
        fusion = first.fusion
    else:
        fusion = _fit_fusion(sample, first)
    belief, evidence = _believed(sample, fusion, first.noise)
    wrong = float(1.0 - belief[np.arange(len(belief)), sample.labels[sample.usable]].mean())
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
        "estimated_error_left": float(1.0 - belief.max(axis=1).mean()),
        "fitted_log_likelihood": float(evidence.mean()),
        "error_rate": noise.error_rate,
        "rate_factor": noise.rate_factor,
        "caution": first.caution,
        "mismatch_rate": mismatch.rate,
        **{f"weight {name} of both": value for name, value in weight_items(fusion.both)},
        "weight text alone": fusion.text_only["text"],
        "weight image alone": fusion.image_only["image"],
    }
    prior = (belief.sum(axis=0) + 0.5) / (len(belief) + 0.5 * len(categories))
    return Fitted(fusion, noise, tuple(float(p) for p in prior), figures)


def _fit_fusion(sample: Sample, first: Learned) -> Fusion:
    """The weights of a second pass's branches under the first pass's noise, as cautious as that.

    They are the likeliest ones, divided by the first pass's caution. Since a little of each label comes back through
    the beliefs that the second pass is taught, it also looks better than it is: where its texts would claim to err much
    less than the first pass's do, all weights give way until they claim what a second pass can be believed to gain.
    """
    likelihood = label_likelihood(sample.labels, first.noise.rates(sample.sellers), first.noise.transitions)
    fusion = divided(likeliest_fusion(sample, START, likelihood), first.caution)
    nothing = np.full_like(sample.text, np.nan)
    texts = replace(sample, image=nothing, head=nothing)

    @cache
    def surplus(divisor: float) -> float:
        belief, _ = _believed(texts, divided(fusion, divisor), first.noise)
        return float(1.0 - belief.max(axis=1).mean()) - _GAIN * first.claimed

    if surplus(1.0) >= 0.0:
        return fusion
    if surplus(_MOST) <= 0.0:
        return divided(fusion, _MOST)
    return divided(fusion, float(brentq(surplus, 1.0, _MOST, xtol=0.005)))


def _believed(sample: Sample, fusion: Fusion, noise: NoiseFit) -> tuple[Floats, Floats]:
    """Posterior and evidence of the usable rows; what a person has decided is certain."""
    rows = sample.usable
    log_q = fuse(sample.text, sample.image, sample.head, fusion)[rows].astype(np.float64)
    belief, evidence = posterior(log_q, sample.labels[rows], noise.rates(sample.sellers[rows]), noise.transitions)
    clamp_to_truth(belief, sample.truths[rows])
    return belief, evidence


def _mismatch(sample: Sample, fusion: Fusion, noise: NoiseFit) -> Mismatch:
    """What pictures look like at random, and how often they are of something else."""
    rows = sample.has_text & sample.has_image
    count = sample.text.shape[1]
    if not rows.any():
        return Mismatch(1.0, np.full(count, 1.0 / count), 0.0)
    text, image, head = sample.text[rows], sample.image[rows], sample.head[rows]
    by_text = weighted(text, image, head, fusion.text_only).astype(np.float64)
    belief, _ = posterior(by_text, sample.labels[rows], noise.rates(sample.sellers[rows]), noise.transitions)
    return fit_mismatch(belief, image.astype(np.float64))
