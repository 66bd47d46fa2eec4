"""Compare a new model (the challenger) with the champion on the same listings.

The audit decides first: a model that copies an error which many sellers make explains their labels well, so only
people's answers reveal it. Next come the canaries, labels that were made wrong for training (`training.canaries`):
given the wrong label, how likely is the original one? If neither shows a difference, the likelihood of the sellers'
labels decides, `mean log Σ_c q(c) P(l | c, s)`. A lead on the canaries does not count if this likelihood is
significantly worse. Canaries and likelihood are asked what a model can tell apart, not how sharp it is: see
`training.best_scale`. They are cross-fitted: what is fitted on each half of the rows is applied to the other half, so
neither model gains from having seen the labels.

If none of them shows a difference, the challenger wins if people have answered much more since the champion learned:
their answers are what it was trained for, and a champion that is merely as good would never learn them. Otherwise the
champion stays, because another model means to judge the whole catalogue again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from schemas.arrays import Floats, Ints
from training.best_scale import FLOOR, Explained, explain
from training.canaries import MIN_CANARIES
from training.labels import Labels
from training.noise import fit_noise
from udfs.posterior import posterior

_Z = 1.645
"""A lead is significant if it exceeds this many standard errors: one-sided, 95 %."""
_SMALLEST = 0.005
"""Nats. On labels and canaries, a smaller lead is no difference, however sure: a model that is wrong on one listing in
a thousand more loses about as much. Scales are tried in steps, and the listings that people have not decided are
those on which the champion was sure, so they favour it a little."""
_MIN_AUDITED = 50
"""With fewer audited listings, the audit does not compare models."""
_MIN_ANSWERS, _MORE_ANSWERS = 50, 1.1
"""Answers that a champion has not learned from count if they are at least so many, and so many times its own."""


@dataclass(frozen=True)
class Lead:
    """How far the challenger is ahead: the mean of paired differences and its standard error; NaN where unknown.

    A mean below `smallest` is no difference, however small the error.
    """

    mean: float
    standard_error: float
    smallest: float = 0.0

    @staticmethod
    def of(differences: Floats, smallest: float = 0.0) -> Lead:
        """The lead from each row's difference, shape (n,)."""
        if len(differences) < 2:
            return Lead(0.0, float("inf"), smallest)
        error = float(differences.std(ddof=1) / np.sqrt(len(differences)))
        return Lead(float(differences.mean()), error, smallest)

    @property
    def ahead(self) -> bool:
        """Whether the challenger is significantly and noticeably better."""
        return self.mean > max(_Z * self.standard_error, self.smallest)

    @property
    def behind(self) -> bool:
        """Whether the challenger is significantly and noticeably worse."""
        return self.mean < -max(_Z * self.standard_error, self.smallest)


_UNKNOWN = Lead(float("nan"), float("nan"))


@dataclass(frozen=True)
class Comparison:
    """The result of comparing a challenger with the champion.

    Attributes:
        better: whether the challenger should become champion; true if there is no champion.
        decided_by: what decided: "audited listings", "canaries", "sellers' labels", "people's answers", "no champion"
            or "no difference".
        answers, champion_answers: how many listings each has learned whose category people have decided.
        rows: listings compared.
        challenger, champion: mean log-likelihood of the sellers' labels that no person has decided, each model at its
            best scale; NaN where there is none.
        likelihood_lead: the lead in that likelihood; unknown without a champion.
        audited: audited rows.
        audit_lead: the lead in the mean log-posterior of the audited category; unknown without a champion or with too
            few answers.
        canaries: rows whose label was made wrong for training.
        canaries_recovered: share of the canaries, 0 to 1, for which the challenger's best guess is the original label;
            NaN without canaries. The original label may be the seller's own error, so 1 is out of reach.
        canary_lead: the lead in the mean log-likelihood of the original label, given the wrong one, each model at its
            best scale; unknown without a champion or with too few canaries.
        challenger_error, champion_error: estimated share of wrong best guesses, 0 to 1; NaN where there is no champion.
        by_category: the challenger's figures for the listings of each given category: category -> figure -> value.
    """

    better: bool
    decided_by: str
    answers: int
    champion_answers: int
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
            "champion_rows_decided": float("nan") if np.isnan(self.champion) else float(self.champion_answers),
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


def compare(
    challenger: Floats,
    champion: Floats | None,
    labels: Labels,
    categories: Sequence[str],
    *,
    answers: int = 0,
    champion_answers: int = 0,
) -> Comparison:
    """Compare a new model with the champion.

    Args:
        challenger, champion: log q, shape (n, C), out of sample, in the order of `categories`; None: no champion.
        labels: of the same rows.
        categories: C names.
        answers, champion_answers: how many listings each has learned whose category people have decided.
    """
    new, explained = _cross_fit(challenger, labels), explain(challenger, labels)
    old, before = (None, None) if champion is None else (_cross_fit(champion, labels), explain(champion, labels))
    audited, planted = np.flatnonzero(labels.audited >= 0), np.flatnonzero(labels.canaries >= 0)
    undecided = labels.decided < 0
    likelihood_lead = audit_lead = canary_lead = _UNKNOWN
    if old is not None and before is not None:
        likelihood_lead = Lead.of((explained.labels - before.labels)[undecided], _SMALLEST)
        if len(audited) >= _MIN_AUDITED:
            audit_lead = _posterior_lead(new.posterior, old.posterior, audited, labels.audited)
        if len(planted) >= MIN_CANARIES:
            canary_lead = Lead.of(explained.originals[planted] - before.originals[planted], _SMALLEST)
    better, decided_by = True, "no champion"
    if old is not None:
        better, decided_by = _verdict(
            audit_lead,
            canary_lead,
            likelihood_lead,
            learned_more=answers >= max(champion_answers + _MIN_ANSWERS, champion_answers * _MORE_ANSWERS),
        )
    return Comparison(
        better=better,
        decided_by=decided_by,
        answers=answers,
        champion_answers=champion_answers,
        rows=len(labels.given),
        challenger=_mean(explained.labels[undecided]),
        champion=float("nan") if before is None else _mean(before.labels[undecided]),
        likelihood_lead=likelihood_lead,
        audited=len(audited),
        audit_lead=audit_lead,
        canaries=len(planted),
        canaries_recovered=_recovered(new, planted, labels),
        canary_lead=canary_lead,
        challenger_error=float(1.0 - new.posterior.max(axis=1).mean()),
        champion_error=float("nan") if old is None else float(1.0 - old.posterior.max(axis=1).mean()),
        by_category=_by_category(new, explained, challenger, labels, categories),
    )


def _verdict(audit_lead: Lead, canary_lead: Lead, likelihood_lead: Lead, *, learned_more: bool) -> tuple[bool, str]:
    """Whether the challenger is better, and what decided that.

    A later criterion counts only if the earlier ones lack data or show no significant difference. A model that is ahead
    on the canaries is not better if it explains the labels significantly worse.
    """
    if audit_lead.ahead or audit_lead.behind:
        return audit_lead.ahead, "audited listings"
    if canary_lead.behind or (canary_lead.ahead and not likelihood_lead.behind):
        return canary_lead.ahead, "canaries"
    if likelihood_lead.ahead or likelihood_lead.behind:
        return likelihood_lead.ahead, "sellers' labels"
    return learned_more, "people's answers" if learned_more else "no difference"


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _posterior_lead(new: Floats, old: Floats, rows: Ints, categories: Ints) -> Lead:
    """The lead in the log-posterior of `categories` at `rows`."""
    true = categories[rows]
    return Lead.of(np.log(np.maximum(new[rows, true], FLOOR) / np.maximum(old[rows, true], FLOOR)))


@dataclass(frozen=True)
class _CrossFit:
    """One model's results on the rows, as sharp as it is.

    Attributes:
        posterior: shape (n, C), given the sellers' labels.
        canary_posterior: shape (n, C), given the wrong label for canaries and the seller's label for other rows.
    """

    posterior: Floats
    canary_posterior: Floats


def _cross_fit(log_q: Floats, labels: Labels) -> _CrossFit:
    """The posterior of every row under the noise model fitted on the other half."""
    given, canary = np.zeros(log_q.shape), np.zeros(log_q.shape)
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
        given[applied_to], _ = posterior(log_q[applied_to], labels.given[applied_to], rates, fit.transitions)
        canary[applied_to], _ = posterior(log_q[applied_to], trained_on[applied_to], rates, fit.transitions)
    return _CrossFit(given, canary)


def _recovered(fit: _CrossFit, planted: Ints, labels: Labels) -> float:
    """Share of the canaries for which the best guess is the original label."""
    if not len(planted):
        return float("nan")
    return float((fit.canary_posterior[planted].argmax(axis=1) == labels.given[planted]).mean())


def _by_category(
    fit: _CrossFit, explained: Explained, log_q: Floats, labels: Labels, categories: Sequence[str]
) -> dict[str, dict[str, float]]:
    rows = np.arange(len(fit.posterior))
    frame = pd.DataFrame(
        {
            "category": labels.given,
            "listings": 1.0,
            "estimated_label_error": 1.0 - fit.posterior[rows, labels.given],
            "estimated_error": 1.0 - fit.posterior.max(axis=1),
            "label_log_likelihood": explained.labels,
            "classifier_agreement": log_q.argmax(axis=1) == labels.given,
        }
    )
    means = [name for name in frame.columns if name not in ("category", "listings")]
    groups = frame.groupby("category").agg({"listings": "sum", **dict.fromkeys(means, "mean")})
    return {
        categories[int(str(index))]: {str(name): float(value) for name, value in row.items() if np.isfinite(value)}
        for index, row in groups.iterrows()
    }
