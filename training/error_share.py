"""Estimate the share of wrong labels without knowing the truth.

With one label per listing, the likelihood cannot tell a seller's error from the classifier's. Other evidence can:

* where the classifier is most confident, it is rarely wrong, so a disagreement is the seller's error
  (`confident_share`; anchor points: Liu and Tao, 2016; Patrini et al., 2017);
* listings with the same text by different sellers are the same product, so different labels mean that one is wrong
  (`twin_share`; neighbours instead of anchor points: Zhu, Song and Liu, ICML 2021);
* the classifier's errors become fewer with more training listings, wrong labels do not (`learning_curve_share`;
  Viering and Loog, The shape of learning curves, 2021);
* the classifier is as often wrong on the listings of careful sellers as on those of others (`seller_share`);
* people have checked a random sample (`audit_share`).

All functions return an estimate with its standard error. Listings with the same text are not independent: standard
errors are of sums over groups of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from schemas.arrays import Bools, Floats, Ints
from schemas.estimates import ShareEstimate, binomial_error

_FEWEST, _MOST, _CLAIMED = 0.25, 0.75, 0.05
"""`confident_share` uses the most confident listings on which the classifier claims to be wrong on this share at most,
but no fewer and no more than these shares of all listings. With 0.03 to 0.15 the results are the same."""
_CLAIMS_ERROR = 0.25
"""The relative error of the claims."""
MIN_AUDITED = 50
"""A smaller audit does not replace the estimate."""
_MIN_PAIRS = 200
_TWINS_DIFFER, _TWINS_DIFFER_ERROR = 0.02, 0.02
"""The share of pairs with the same text whose true categories differ, and its error: 0 to 6 % on real listings."""
_SLOW, _FAST = 0.5, 1.0
"""The exponents of a classifier's learning curve in theory: n^-0.5 in general, n^-1 where classes hardly overlap
(Audibert and Tsybakov, 2007)."""
_MIN_SELLERS = 8
_CAREFUL = 0.25
"""Careful sellers are those who disagree least with the classifier and together have this share of the listings."""
_SELLER_PRIOR = 4.0
_SPLITS, _RESAMPLES = 5, 20
UNKNOWN = ShareEstimate(0.5, 0.5, "nothing")
"""Where no listing has a text or a picture."""


@dataclass(frozen=True)
class Evidence:
    """All that is known about the share of wrong labels; None: unknown.

    Attributes:
        confident: as `confident_share` returns it.
        twins: as `twin_share` returns it.
        learning_curve: as `learning_curve_share` returns it; only its lower bound counts.
        sellers: as `seller_share` returns it; only its lower bound counts.
    """

    confident: ShareEstimate
    twins: ShareEstimate | None = None
    learning_curve: ShareEstimate | None = None
    sellers: ShareEstimate | None = None


@dataclass(frozen=True)
class PairCounts:
    """Pairs of listings with the same text by different sellers, summed over the groups of listings with one text.

    With p pairs in a group, of which d have different labels:

    Attributes:
        pairs, differ: the sums of p and of d.
        pairs_squared, differ_squared, product: the sums of p², d² and p·d, for the standard error.
    """

    pairs: int
    differ: int
    pairs_squared: int
    differ_squared: int
    product: int


def pooled_share(evidence: Evidence) -> ShareEstimate:
    """Combine the evidence into one estimate.

    Confident listings and twins are averaged by inverse variance. Both may be too low: errors are rarer where the
    classifier is confident, and sellers may make the same error on the same text. Therefore the result is raised to the
    largest lower bound. An audit measures the share itself (`audit_share`), but is no part of this estimate:
    `training.scale.choose_scale` asks the audited listings directly which scale is best.
    """
    found = replace(evidence.confident, source="confident listings")
    if evidence.twins is not None:
        found = _with_twins(found, evidence.twins)
    for bound, source in ((evidence.learning_curve, "the learning curve"), (evidence.sellers, "sellers")):
        if bound is not None and bound.lower > found.value:
            found = ShareEstimate(bound.lower, 0.0, f"{source}, at least", at_least=True)
    return found


def confident_share(confidence: Floats, disagrees: Bools, groups: Ints, claimed: Floats | None = None) -> ShareEstimate:
    """The share of wrong labels among the listings about which the classifier is most confident.

    Without calibrated claims it is the quarter of the listings, on which the classifier is taken to be right; only the
    order of the confidences counts. With them, more listings count, which makes the error smaller, and the classifier's
    own errors are subtracted: (d - c) / (1 - c) if it disagrees with a share d and claims to be wrong on a share c. Its
    claims may themselves be wrong by a quarter, and the error of the result contains that. Too low if errors are more
    frequent on ambiguous listings; too high if the classifier is wrong more often than it claims.

    Args:
        confidence: shape (n,), n > 0, the largest probability, out of sample.
        disagrees: shape (n,), whether the most probable category is not the label.
        groups: shape (n,), the group of listings with the same text, >= 0.
        claimed: shape (n,), the calibrated probability that the most probable category is wrong.
    """
    order, count = np.argsort(-confidence, kind="stable"), len(confidence)
    fewest, most = (max(round(share * count), 1) for share in (_FEWEST, _MOST))
    if claimed is None:
        return _proportion(disagrees[order[:fewest]], groups[order[:fewest]])
    means = np.cumsum(claimed[order]) / np.arange(1, count + 1)
    chosen = order[: int(np.clip((means <= _CLAIMED).sum(), fewest, most))]
    wrong = float(means[len(chosen) - 1])
    found = _proportion(disagrees[chosen], groups[chosen])
    value = max((found.value - wrong) / (1.0 - wrong), 0.0)
    return ShareEstimate(value, float(np.hypot(found.error / (1.0 - wrong), _CLAIMS_ERROR * wrong)))


def twin_share(counts: PairCounts) -> ShareEstimate | None:
    """The share of wrong labels among listings that have the same text as a listing of another seller.

    If a share e of the labels is wrong, independently and seldom in the same way, both labels of a pair are right in
    (1 - e)^2 of the pairs, and otherwise they differ.

    Returns:
        None if there are fewer than 200 pairs.
    """
    if counts.pairs < _MIN_PAIRS:
        return None
    differ = (counts.differ + 0.5) / (counts.pairs + 1.0)
    # The pairs of a group depend on each other, so the error is that of sums over groups.
    squares = counts.differ_squared - 2.0 * differ * counts.product + differ**2 * counts.pairs_squared
    error = float(np.sqrt(max(squares / counts.pairs, differ * (1.0 - differ)) / counts.pairs))
    root = float(np.sqrt(1.0 - max(differ - _TWINS_DIFFER, 0.0)))
    return ShareEstimate(1.0 - root, float(np.hypot(error, _TWINS_DIFFER_ERROR)) / (2.0 * root))


def learning_curve_share(disagrees: Bools, fewer: Floats, ratio: float, groups: Ints) -> ShareEstimate:
    """The share of disagreements that would be left with unlimited training listings.

    With n training listings the share is a + b n^-k. The share that remains, a, includes listings that the classifier
    can never get right, and lacks errors that it learns. k is not known: the estimate takes the geometric mean of its
    limits, and the error includes that of a uniform k between them.

    Args:
        disagrees: shape (n,), whether the most probable category of the full members, out of sample, is not the label.
        fewer: shape (n,), the same for members trained on fewer listings: the share of those members that disagree.
        ratio: how many times as many listings the full members were trained on, > 1.
        groups: as in `confident_share`.
    """
    full = disagrees.astype(np.float64)
    slow, fast = (full - (fewer - full) / (ratio**k - 1.0) for k in (_SLOW, _FAST))
    middle = full - (fewer - full) / (ratio ** float(np.sqrt(_SLOW * _FAST)) - 1.0)
    model = abs(float(slow.mean() - fast.mean())) / float(np.sqrt(12.0))
    return ShareEstimate(float(middle.mean()), float(np.hypot(model, _standard_error(middle, groups))))


def seller_share(disagrees: Bools, sellers: Ints, groups: Ints, seed: int = 0) -> ShareEstimate | None:
    """By how much sellers disagree with the classifier more often than the most careful of them do.

    The share of disagreements of careful sellers is counted as the classifier's, so the result is too low where even
    careful sellers err. They are chosen on one half of the groups and measured on the other.

    Args:
        disagrees: as in `learning_curve_share`.
        sellers: shape (n,), seller index, -1 where there is none.
        groups: as in `confident_share`.
        seed: of the halves and of the bootstrap samples of groups from which the standard error comes.

    Returns:
        None if there are fewer than 8 sellers.
    """
    known = sellers >= 0
    _, codes = np.unique(sellers[known], return_inverse=True)
    if not known.any() or codes.max() + 1 < _MIN_SELLERS:
        return None
    random = np.random.default_rng(seed)
    wrong, (_, group) = disagrees[known].astype(np.float64), np.unique(groups[known], return_inverse=True)
    count = int(group.max()) + 1

    def estimate(weights: Floats) -> float:
        found = []
        for _ in range(_SPLITS):
            half = weights * (random.permutation(count) % 2 == 0)[group]
            found += [_excess(wrong, codes, *parts) for parts in ((half, weights - half), (weights - half, half))]
        return float(np.mean(found))

    resampled = [
        estimate(np.bincount(random.integers(0, count, count), minlength=count)[group].astype(np.float64))
        for _ in range(_RESAMPLES)
    ]
    return ShareEstimate(estimate(np.ones(len(wrong))), float(np.std(resampled)))


def audit_share(wrong: int, audited: int) -> ShareEstimate | None:
    """The share of wrong labels in a random sample that people have checked; None if they have checked fewer than 50.

    Args:
        wrong: number of wrong labels in the sample.
        audited: number of listings in the sample.
    """
    if audited < MIN_AUDITED:
        return None
    share = (wrong + 0.5) / (audited + 1.0)
    return ShareEstimate(share, binomial_error(share, audited), f"{audited} audited listings")


def _excess(wrong: Floats, codes: Ints, choosing: Floats, measuring: Floats) -> float:
    """Disagreements beyond those of careful sellers, who are chosen with one set of weights."""
    counts = np.bincount(codes, weights=choosing)
    overall = (wrong * choosing).sum() / choosing.sum()
    rates = (np.bincount(codes, weights=wrong * choosing) + _SELLER_PRIOR * overall) / (counts + _SELLER_PRIOR)
    order = np.argsort(rates, kind="stable")
    held = (counts + np.bincount(codes, weights=measuring))[order].cumsum()
    careful = order[: int(np.searchsorted(held, _CAREFUL * held[-1])) + 1]
    measured = measuring * np.isin(codes, careful)
    if not measured.any():
        return 0.0
    floor = (wrong * measured).sum() / measured.sum()
    mean = (wrong * measuring).sum() / measuring.sum()
    return float((mean - floor) / max(1.0 - floor, 1e-12))


def _with_twins(first: ShareEstimate, twins: ShareEstimate) -> ShareEstimate:
    """The mean of two estimates, weighted by inverse variance."""
    one, two = first.error**-2.0, twins.error**-2.0
    mean = (first.value * one + twins.value * two) / (one + two)
    return ShareEstimate(mean, (one + two) ** -0.5, f"{first.source} and twins")


def _proportion(values: Bools, groups: Ints) -> ShareEstimate:
    """The share of true values; its error is at least that of independent values, and never 0."""
    count = len(values)
    share = (float(values.sum()) + 0.5) / (count + 1.0)
    return ShareEstimate(share, max(binomial_error(share, count), _standard_error(values.astype(np.float64), groups)))


def _standard_error(values: Floats, groups: Ints) -> float:
    """The standard error of the mean of values that depend on each other within groups."""
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=values - values.mean())
    return float(np.sqrt((sums**2).sum())) / len(values)
