"""Compare a new model (the challenger) with the champion on the same listings.

The audit decides first: a model that copies an error which many sellers make explains their labels well, so only
people's answers reveal it. Next come the canaries, labels that were made wrong for training (`training.canaries`):
given the wrong label, how likely is the original one? That is a seller's label, too, which may be wrong, so its
likelihood is `log Σ_c P(c | x, wrong label) P(original label | c, s)`: a model that is rightly sure that it is wrong
must not lose. If neither shows a difference, the likelihood of the sellers' labels decides, `mean log Σ_c q(c) P(l |
c, s)`. A lead on the canaries does not count if this likelihood is significantly worse. It is cross-fitted: the noise
model fitted on each half of the rows is applied to the other half, so neither model gains from having seen the
labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from schemas.arrays import Floats, Ints
from training.canaries import MIN_CANARIES
from training.noise import fit_noise
from udfs.posterior import posterior

_Z = 1.645
"""A lead is significant if it exceeds this many standard errors: one-sided, 95 %."""
_MIN_AUDITED = 50
"""With fewer audited listings, the audit does not compare models."""
_FLOOR = 1e-6
"""Probabilities are clipped from below, so that one listing cannot decide a comparison."""


@dataclass(frozen=True)
class Labels:
    """The rows on which both models are compared.

    Attributes:
        given: int64, shape (n,), category index of the seller's label.
        sellers: int64, shape (n,), seller index; -1 where there is none.
        halves: int64, shape (n,), 0 or 1: the two halves for cross-fitting.
        distances: int64, shape (C, C), `training.transitions.category_distances`.
        audited: int64, shape (n,), category index that a person gave in the random audit; -1 where it was not audited.
        canaries: int64, shape (n,), the wrong label used in training; -1 where the row is no canary.
    """

    given: Ints
    sellers: Ints
    halves: Ints
    distances: Ints
    audited: Ints
    canaries: Ints


@dataclass(frozen=True)
class Lead:
    """How far the challenger is ahead: the mean of paired differences and its standard error; NaN where unknown."""

    mean: float
    standard_error: float

    @staticmethod
    def of(differences: Floats) -> Lead:
        """The lead from each row's difference, shape (n,)."""
        if len(differences) < 2:
            return Lead(0.0, float("inf"))
        return Lead(float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences))))

    @property
    def ahead(self) -> bool:
        """Whether the challenger is significantly better."""
        return self.mean > _Z * self.standard_error

    @property
    def behind(self) -> bool:
        """Whether the challenger is significantly worse."""
        return self.mean < -_Z * self.standard_error


_UNKNOWN = Lead(float("nan"), float("nan"))


@dataclass(frozen=True)
class Comparison:
    """The result of comparing a challenger with the champion.

    Attributes:
        better: whether the challenger should become champion; true if there is no champion.
        rows: listings compared.
        challenger, champion: mean log-likelihood of the sellers' labels; champion NaN where there is none.
        likelihood_lead: the lead in that likelihood; unknown without a champion.
        audited: audited rows.
        audit_lead: the lead in the mean log-posterior of the audited category; unknown without a champion or with too
            few answers.
        canaries: rows whose label was made wrong for training.
        canaries_recovered: share of the canaries, 0 to 1, for which the challenger's best guess is the original label;
            NaN without canaries. The original label may be the seller's own error, so 1 is out of reach.
        canary_lead: the lead in the mean log-likelihood of the original label, given the wrong one; unknown without a
            champion or with too few canaries.
        challenger_error, champion_error: estimated share of wrong best guesses, 0 to 1; NaN where there is no champion.
        by_category: the challenger's figures for the listings of each given category: category -> figure -> value.
    """

    better: bool
    rows: int
    challenger: float
    champion: float
    likelihood_lead: Lead
    audited: int
    audit_lead: Lead
    canaries: int
    canaries_recovered: float
    canary_lead: Lead
    challenger_error: float
    champion_error: float
    by_category: dict[str, dict[str, float]]

    @property
    def figures(self) -> dict[str, float]:
        """The numbers for the registry; unknown ones are left out."""
        named = {
            "evaluated_rows": float(self.rows),
            "label_log_likelihood": self.challenger,
            "champion_label_log_likelihood": self.champion,
            "lead_over_champion": self.likelihood_lead.mean,
            "lead_standard_error": self.likelihood_lead.standard_error,
            "audited_rows": float(self.audited),
            "audited_lead_over_champion": self.audit_lead.mean,
            "audited_lead_standard_error": self.audit_lead.standard_error,
            "canaries": float(self.canaries),
            "canaries_undone": self.canaries_recovered,
            "canaries_lead_over_champion": self.canary_lead.mean,
            "canaries_lead_standard_error": self.canary_lead.standard_error,
            "estimated_error": self.challenger_error,
            "champion_estimated_error": self.champion_error,
        }
        return {name: value for name, value in named.items() if np.isfinite(value)}


def compare(challenger: Floats, champion: Floats | None, labels: Labels, categories: Sequence[str]) -> Comparison:
    """Compare a new model with the champion.

    Args:
        challenger, champion: log q, shape (n, C), out of sample, in the order of `categories`; None: no champion.
        labels: of the same rows.
        categories: C names.
    """
    new = _cross_fit(challenger, labels)
    old = None if champion is None else _cross_fit(champion, labels)
    audited, planted = np.flatnonzero(labels.audited >= 0), np.flatnonzero(labels.canaries >= 0)
    likelihood_lead = audit_lead = canary_lead = _UNKNOWN
    if old is not None:
        likelihood_lead = Lead.of(new.log_likelihood - old.log_likelihood)
        if len(audited) >= _MIN_AUDITED:
            audit_lead = _posterior_lead(new.posterior, old.posterior, audited, labels.audited)
        if len(planted) >= MIN_CANARIES:
            canary_lead = Lead.of(new.original_log_likelihood[planted] - old.original_log_likelihood[planted])
    return Comparison(
        better=old is None or _is_better(audit_lead, canary_lead, likelihood_lead),
        rows=len(labels.given),
        challenger=float(new.log_likelihood.mean()),
        champion=float("nan") if old is None else float(old.log_likelihood.mean()),
        likelihood_lead=likelihood_lead,
        audited=len(audited),
        audit_lead=audit_lead,
        canaries=len(planted),
        canaries_recovered=_recovered(new, planted, labels),
        canary_lead=canary_lead,
        challenger_error=float(1.0 - new.posterior.max(axis=1).mean()),
        champion_error=float("nan") if old is None else float(1.0 - old.posterior.max(axis=1).mean()),
        by_category=_by_category(new, challenger, labels, categories),
    )


def _is_better(audit_lead: Lead, canary_lead: Lead, likelihood_lead: Lead) -> bool:
    """The audit decides first, then the canaries, then the likelihood of the labels.

    A later criterion counts only if the earlier ones lack data or show no significant difference. A model that is ahead
    on the canaries is not better if it explains the labels significantly worse.
    """
    if audit_lead.ahead or audit_lead.behind:
        return audit_lead.ahead
    if canary_lead.ahead or canary_lead.behind:
        return canary_lead.ahead and not likelihood_lead.behind
    return likelihood_lead.ahead


def _posterior_lead(new: Floats, old: Floats, rows: Ints, categories: Ints) -> Lead:
    """The lead in the log-posterior of `categories` at `rows`."""
    true = categories[rows]
    return Lead.of(np.log(np.maximum(new[rows, true], _FLOOR) / np.maximum(old[rows, true], _FLOOR)))


@dataclass(frozen=True)
class _CrossFit:
    """One model's results on the rows.

    Attributes:
        log_likelihood: shape (n,), log P(label).
        posterior: shape (n, C), given the sellers' labels.
        canary_posterior: shape (n, C), given the wrong label for canaries and the seller's label for other rows.
        original_log_likelihood: shape (n,), log P(original label), given the same.
    """

    log_likelihood: Floats
    posterior: Floats
    canary_posterior: Floats
    original_log_likelihood: Floats


def _cross_fit(log_q: Floats, labels: Labels) -> _CrossFit:
    """Likelihood and posterior of every row under the noise model fitted on the other half."""
    given, canary = np.zeros(log_q.shape), np.zeros(log_q.shape)
    log_likelihood, original = np.zeros(len(log_q)), np.zeros(len(log_q))
    trained_on = np.where(labels.canaries >= 0, labels.canaries, labels.given)
    seller_count = int(labels.sellers.max(initial=-1)) + 1
    for half in (0, 1):
        fitted_on, applied_to = labels.halves != half, labels.halves == half
        fit = fit_noise(
            log_q[fitted_on],
            labels.given[fitted_on],
            labels.sellers[fitted_on],
            labels.distances,
            seller_count=seller_count,
        )
        rates = fit.rates(labels.sellers[applied_to])
        given[applied_to], log_likelihood[applied_to] = posterior(
            log_q[applied_to], labels.given[applied_to], rates, fit.transitions
        )
        canary[applied_to], _ = posterior(log_q[applied_to], trained_on[applied_to], rates, fit.transitions)
        log_canary = np.log(np.maximum(canary[applied_to], _FLOOR))
        _, original[applied_to] = posterior(log_canary, labels.given[applied_to], rates, fit.transitions)
    return _CrossFit(log_likelihood, given, canary, original)


def _recovered(fit: _CrossFit, planted: Ints, labels: Labels) -> float:
    """Share of the canaries for which the best guess is the original label."""
    if not len(planted):
        return float("nan")
    return float((fit.canary_posterior[planted].argmax(axis=1) == labels.given[planted]).mean())


def _by_category(
    fit: _CrossFit, log_q: Floats, labels: Labels, categories: Sequence[str]
) -> dict[str, dict[str, float]]:
    rows = np.arange(len(fit.posterior))
    frame = pd.DataFrame(
        {
            "category": labels.given,
            "listings": 1.0,
            "estimated_label_error": 1.0 - fit.posterior[rows, labels.given],
            "estimated_error": 1.0 - fit.posterior.max(axis=1),
            "label_log_likelihood": fit.log_likelihood,
            "classifier_agreement": log_q.argmax(axis=1) == labels.given,
        }
    )
    means = [name for name in frame.columns if name not in ("category", "listings")]
    groups = frame.groupby("category").agg({"listings": "sum", **dict.fromkeys(means, "mean")})
    return {
        categories[int(str(index))]: {str(name): float(value) for name, value in row.items()}
        for index, row in groups.iterrows()
    }
