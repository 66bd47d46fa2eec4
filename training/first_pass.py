"""What the given labels teach about their own noise, and what is then believed of every listing.

The first pass learns from the labels as they are. Its beliefs are the second pass's targets (Khetan, Lipton and
Anandkumar, ICLR 2018: model bootstrapped EM): a network that is taught what is likely true, not what sellers say, errs
less. Each target comes from a member that has not trained on its listing, but that member has trained on others'
labels, so that a little of a listing's own label comes back to it through them. Hence the noise model is learnt here,
from the first pass, in which no label says anything about its own listing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from schemas.arrays import Bools, Floats, Floats32, Ints
from schemas.bundle import Fusion, FusionWeights
from training.anchors import anchor_rate, caution_factor
from training.calibration import fit_weights
from training.noise import NoiseFit, clamp_to_truth, fit_noise, left_out_likelihood
from training.sample import Sample
from udfs.fusion import fuse
from udfs.posterior import posterior

_TURNS = 20
_SETTLED = 0.01
"""Weights that move by less of themselves in a turn have been found."""
_TEXTS = 0.25
"""Of the listings: where fewer have a text, the text alone is no first pass."""
_CHUNK = 8192
"""Listings judged at once."""


@dataclass(frozen=True)
class Learned:
    """What the first pass knows.

    Attributes:
        noise: how sellers label.
        fusion: the branches' weights, made cautious.
        caution: by what they were divided; see `training.anchors.caution_factor`.
        prior: shape (C,), how common the categories are believed to be.
        claimed: the share of the listings that it believes to be wrong by the best guess.
    """

    noise: NoiseFit
    fusion: Fusion
    caution: float
    prior: Floats
    claimed: float

    def narrow(self) -> Learned:
        """Without what is as long as the sample."""
        nothing = replace(self.noise, posterior=np.zeros((0, len(self.prior))), evidence=np.zeros(0))
        return replace(self, noise=nothing)


def learn_noise(sample: Sample, levels: Ints) -> Learned:
    """Fit branch weights and noise in turn, each given the other, by the likelihood of the given labels alone.

    Args:
        sample: judgements of labelled rows, none of which trained the member that judged it; where a branch is not
            there yet, all its rows are NaN.
        levels: as `training.transitions.category_levels`.
    """
    usable = sample.usable
    labels, sellers = sample.labels[usable], sample.sellers[usable]
    fusion = START
    fit: NoiseFit | None = None
    likelihood = np.ones(sample.text.shape)
    for _ in range(_TURNS):
        fit = _fit(_fused(sample, fusion)[usable], sample, usable, levels, fit)
        likelihood[usable] = left_out_likelihood(fit, labels, sellers, levels)
        before, fusion = fusion, likeliest_fusion(sample, fusion, likelihood)
        if np.allclose(_flat(fusion), _flat(before), rtol=_SETTLED, atol=_SETTLED):
            break
    log_q = _fused(sample, fusion)[usable]
    caution = caution_factor(log_q, labels, _fit(log_q, sample, usable, levels).posterior)
    fusion = divided(fusion, caution)
    fit = _fit(_fused(sample, fusion)[usable], sample, usable, levels)
    count = sample.text.shape[1]
    prior = (fit.posterior.sum(axis=0) + 0.5) / (len(fit.posterior) + 0.5 * count)
    return Learned(fit, fusion, caution, prior, float(1.0 - fit.posterior.max(axis=1).mean()))


def enough_texts(sample: Sample) -> bool:
    """Whether a first pass over the texts alone tells enough about the noise."""
    return bool(sample.has_text.mean() >= _TEXTS) if len(sample.labels) else False


def soft_labels(learned: Learned, text: Floats32, labels: Ints, truths: Ints, sellers: Ints) -> Floats32:
    """The probability of every category of listings, by their text, their label and who gave it.

    Args:
        learned: from a first pass over texts.
        text: shape (n, C), log-probabilities, out of sample; rows of NaN where there is no text.
        labels: shape (n,), the seller's category index, -1 where there is none.
        truths: shape (n,), what a person has decided, -1 where nobody has.
        sellers: shape (n,), index of the seller's rate, -1 where there is none or it is not known.

    Returns:
        Shape (n, C), rows sum to 1; what a person has decided is certain.
    """
    beliefs = np.empty(text.shape, np.float32)
    for start in range(0, len(text), _CHUNK):
        rows = slice(start, start + _CHUNK)
        nothing = np.full_like(text[rows], np.nan)
        log_q = fuse(text[rows], nothing, nothing, learned.fusion).astype(np.float64)
        log_q[np.isnan(log_q[:, 0])] = np.log(learned.prior)
        rates = learned.noise.rates(sellers[rows])
        beliefs[rows], _ = posterior(log_q, labels[rows], rates, learned.noise.transitions)
    clamp_to_truth(beliefs, truths)
    return np.asarray(beliefs)


def likeliest_fusion(sample: Sample, start: Fusion, likelihood: Floats) -> Fusion:
    """The branches' weights under which the given labels are likeliest.

    Args:
        sample: judged rows.
        start: weights to begin with; branches that weigh nothing there stay out.
        likelihood: shape (n, C), P(label | category, seller); what a person has decided is made certain.
    """
    clamp_to_truth(likelihood, sample.truths)
    return Fusion(
        both=_likeliest(sample, sample.has_text & sample.has_image, start.both, likelihood),
        text_only=_likeliest(sample, sample.has_text, start.text_only, likelihood),
        image_only=_likeliest(sample, sample.has_image, start.image_only, likelihood),
    )


def _likeliest(sample: Sample, rows: Bools, start: FusionWeights, likelihood: Floats) -> FusionWeights:
    branches = {
        name: getattr(sample, name)[rows].astype(np.float64) for name, weight in weight_items(start) if weight > 0
    }
    if not rows.any():
        return start
    begin = [weight for _, weight in weight_items(start) if weight > 0]
    found = fit_weights(list(branches.values()), likelihood[rows], begin)
    return as_weights(**dict(zip(branches, found, strict=True)))


def _fit(log_q: Floats, sample: Sample, rows: Ints, levels: Ints, start: NoiseFit | None = None) -> NoiseFit:
    labels, truths = sample.labels[rows], sample.truths[rows]
    return fit_noise(
        log_q,
        labels,
        sample.sellers[rows],
        levels,
        error_rate=anchor_rate(log_q, labels, truths),
        truths=truths,
        sellers_known=len(sample.seller_ids),
        start=start,
    )


def _fused(sample: Sample, fusion: Fusion) -> Floats:
    return fuse(sample.text, sample.image, sample.head, fusion).astype(np.float64)


def divided(fusion: Fusion, by: float) -> Fusion:
    """All weights made smaller."""
    each = (fusion.both, fusion.text_only, fusion.image_only)
    return Fusion(*(as_weights(**{name: weight / by for name, weight in weight_items(w)}) for w in each))


def as_weights(text: float = 0.0, image: float = 0.0, head: float = 0.0) -> FusionWeights:
    """The branches' weights; one left out weighs nothing."""
    return {"text": text, "image": image, "head": head}


START = Fusion(as_weights(text=1.0, image=0.3, head=0.3), as_weights(text=1.0), as_weights(image=1.0))
"""Weights from which the likeliest ones are looked for."""


def weight_items(weights: FusionWeights) -> list[tuple[str, float]]:
    """(branch, weight), in their order."""
    return [("text", weights["text"]), ("image", weights["image"]), ("head", weights["head"])]


def _flat(fusion: Fusion) -> list[float]:
    return [weight for each in (fusion.both, fusion.text_only, fusion.image_only) for _, weight in weight_items(each)]
