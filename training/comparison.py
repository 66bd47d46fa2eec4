"""Champion and challenger on the same rows: whom people bear out, who undoes canaries, who explains sellers' labels.

People's answers in the audit come first: a model that imitates an error which sellers share explains their labels well.
Next come canaries, labels that were made wrong for the trainings (`training.canaries`): how likely a model finds what
the label was before. Where neither says who is better, and for what is not worse, the likelihood of the given labels,
`mean log Σ_c q(c) P(l | c, s)`, is cross-fitted: each model's noise model is fitted on one half of the rows and judges
the other, so that neither gains by having seen the labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from schemas.arrays import Floats, Ints
from training.canaries import MIN_CANARIES
from training.noise import fit_noise
from udfs.posterior import posterior

_CERTAIN = 1.645
"""A lead counts where it exceeds so many standard errors: one-sided, 95 %."""
_LEAST_AUDITED = 50
"""Fewer answers say nothing of who is better."""
_FLOOR = 1e-6
"""Probability of a category that a model does not know."""


@dataclass(frozen=True)
class Labels:
    """The rows that both are judged on.

    Attributes:
        given: int64, shape (n,), category index of the seller's label.
        sellers: int64, shape (n,), seller index; -1 where there is none.
        halves: int64, shape (n,), 0 or 1: where noise models are fitted and judged in turn.
        levels: int64, shape (C, C), `training.transitions.category_levels`.
        audited: int64, shape (n,), category that people found in the random audit; -1 where nobody was asked.
        canaries: int64, shape (n,), the wrong label that was learnt; -1 where it was the seller's.
    """

    given: Ints
    sellers: Ints
    halves: Ints
    levels: Ints
    audited: Ints
    canaries: Ints


@dataclass(frozen=True)
class Verdict:
    """What the comparison found.

    Attributes:
        better: whether the challenger should take over; without a champion it always should.
        rows: listings compared.
        challenger, champion: mean log-likelihood of the given labels; champion NaN where there is none.
        difference: challenger less champion.
        standard_error: of the difference, paired.
        audited: rows that people have audited.
        audited_difference: challenger less champion in the mean log-posterior of what people found; NaN where there is
            no champion or too few answers.
        audited_standard_error: of that, paired.
        canaries: rows whose label was made wrong.
        canaries_undone: share of them whose best guess is the label as it was, by the challenger; NaN where there are
            none. Sellers' own errors among them can hardly be found again, so that 1 is not to be had.
        canaries_difference: challenger less champion in the mean log-posterior of the label as it was; NaN where there
            is no champion or too few canaries.
        canaries_standard_error: of that, paired.
        challenger_error, champion_error: estimated share of wrong best guesses.
        by_category: category given -> figure -> value, of the challenger.
    """

    better: bool
    rows: int
    challenger: float
    champion: float
    difference: float
    standard_error: float
    audited: int
    audited_difference: float
    audited_standard_error: float
    canaries: int
    canaries_undone: float
    canaries_difference: float
    canaries_standard_error: float
    challenger_error: float
    champion_error: float
    by_category: dict[str, dict[str, float]]

    @property
    def figures(self) -> dict[str, float]:
        """The numbers alone, for the registry; those that are not known are left out."""
        named = {
            "evaluated_rows": float(self.rows),
            "label_log_likelihood": self.challenger,
            "champion_label_log_likelihood": self.champion,
            "lead_over_champion": self.difference,
            "lead_standard_error": self.standard_error,
            "audited_rows": float(self.audited),
            "audited_lead_over_champion": self.audited_difference,
            "audited_lead_standard_error": self.audited_standard_error,
            "canaries": float(self.canaries),
            "canaries_undone": self.canaries_undone,
            "canaries_lead_over_champion": self.canaries_difference,
            "canaries_lead_standard_error": self.canaries_standard_error,
            "estimated_error": self.challenger_error,
            "champion_estimated_error": self.champion_error,
        }
        return {name: value for name, value in named.items() if np.isfinite(value)}


def compare(challenger: Floats, champion: Floats | None, labels: Labels, categories: Sequence[str]) -> Verdict:
    """Judge a new model against the one in force.

    Args:
        challenger, champion: log q, shape (n, C), out of sample, in the order of `categories`; None: no champion.
        labels: of the same rows.
        categories: C names.
    """
    ours = _cross_fitted(challenger, labels)
    theirs = None if champion is None else _cross_fitted(champion, labels)
    asked, planted = np.flatnonzero(labels.audited >= 0), np.flatnonzero(labels.canaries >= 0)
    unknown = _Lead(float("nan"), float("nan"))
    explained = borne_out = undone = unknown
    if theirs is not None:
        explained = _Lead.of(ours.evidence - theirs.evidence)
        if len(asked) >= _LEAST_AUDITED:
            borne_out = _lead(ours.belief, theirs.belief, asked, labels.audited)
        if len(planted) >= MIN_CANARIES:
            undone = _lead(ours.misled, theirs.misled, planted, labels.given)
    return Verdict(
        better=theirs is None or _takes_over(borne_out, undone, explained),
        rows=len(labels.given),
        challenger=float(ours.evidence.mean()),
        champion=float("nan") if theirs is None else float(theirs.evidence.mean()),
        difference=explained.mean,
        standard_error=explained.error,
        audited=len(asked),
        audited_difference=borne_out.mean,
        audited_standard_error=borne_out.error,
        canaries=len(planted),
        canaries_undone=_undone(ours, planted, labels),
        canaries_difference=undone.mean,
        canaries_standard_error=undone.error,
        challenger_error=float(1.0 - ours.belief.max(axis=1).mean()),
        champion_error=float("nan") if theirs is None else float(1.0 - theirs.belief.max(axis=1).mean()),
        by_category=_by_category(ours.evidence, ours.belief, labels, categories),
    )


def _takes_over(borne_out: _Lead, undone: _Lead, explained: _Lead) -> bool:
    """People first; then the canaries, unless the labels are explained worse; then the labels.

    Likelihood alone makes champion only where there were too few answers and canaries to say anything.
    """
    if borne_out.ahead or borne_out.behind:
        return borne_out.ahead
    if undone.ahead or undone.behind:
        return undone.ahead and not explained.behind
    return explained.ahead


@dataclass(frozen=True)
class _Lead:
    """A paired difference: its mean and standard error."""

    mean: float
    error: float

    @staticmethod
    def of(differences: Floats) -> _Lead:
        if len(differences) < 2:
            return _Lead(0.0, float("inf"))
        return _Lead(float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences))))

    @property
    def ahead(self) -> bool:
        return self.mean > _CERTAIN * self.error

    @property
    def behind(self) -> bool:
        return self.mean < -_CERTAIN * self.error


def dense(ranked: pd.Series, categories: Sequence[str], prior: Mapping[str, float]) -> Floats:
    """Ranked probabilities (`predictions.top_categories`) -> log q over the categories, shape (n, C).

    The mass that is not ranked is spread over the other categories as the prior has it; a row without any
    ranking gets the prior; a category that the model does not know gets next to nothing.

    Args:
        ranked: of each row a list of category and probability, or None.
        categories: the order of the columns.
        prior: category -> probability, of the model that ranked.
    """
    column = {category: i for i, category in enumerate(categories)}
    base = np.array([prior.get(category, 0.0) for category in categories])
    q = np.zeros((len(ranked), len(categories)))
    for row, entries in enumerate(ranked):
        for entry in entries if entries is not None else ():
            if entry["category"] in column:
                q[row, column[entry["category"]]] = entry["probability"]
    unnamed = np.where(q > 0, 0.0, base)
    rest = np.clip(1.0 - q.sum(axis=1, keepdims=True), 0.0, 1.0)
    q += unnamed * rest / np.maximum(unnamed.sum(axis=1, keepdims=True), _FLOOR)
    q = np.maximum(q, _FLOOR)
    return np.asarray(np.log(q / q.sum(axis=1, keepdims=True)))


def _lead(ours: Floats, theirs: Floats, rows: Ints, categories: Ints) -> _Lead:
    """In the log-posterior of these rows' categories."""
    right = categories[rows]
    return _Lead.of(np.log(np.maximum(ours[rows, right], _FLOOR) / np.maximum(theirs[rows, right], _FLOOR)))


@dataclass(frozen=True)
class _Judged:
    """What a model makes of the rows.

    Attributes:
        evidence: shape (n,), log P(label).
        belief: shape (n, C), the posterior by the seller's label.
        misled: shape (n, C), the posterior by the canaries' labels where there are such.
    """

    evidence: Floats
    belief: Floats
    misled: Floats


def _cross_fitted(log_q: Floats, labels: Labels) -> _Judged:
    """Evidence and posterior of every row, under the noise model of the other half."""
    evidence, belief, misled = np.zeros(len(log_q)), np.zeros(log_q.shape), np.zeros(log_q.shape)
    learnt = np.where(labels.canaries >= 0, labels.canaries, labels.given)
    for half in (0, 1):
        seen, judged = labels.halves != half, labels.halves == half
        many = int(labels.sellers.max(initial=-1)) + 1
        fit = fit_noise(log_q[seen], labels.given[seen], labels.sellers[seen], labels.levels, sellers_known=many)
        rates = fit.rates(labels.sellers[judged])
        belief[judged], evidence[judged] = posterior(log_q[judged], labels.given[judged], rates, fit.transitions)
        misled[judged], _ = posterior(log_q[judged], learnt[judged], rates, fit.transitions)
    return _Judged(evidence, belief, misled)


def _undone(judged: _Judged, planted: Ints, labels: Labels) -> float:
    """Share of the canaries whose best guess is the label as it was."""
    if not len(planted):
        return float("nan")
    return float((judged.misled[planted].argmax(axis=1) == labels.given[planted]).mean())


def _by_category(
    evidence: Floats, belief: Floats, labels: Labels, categories: Sequence[str]
) -> dict[str, dict[str, float]]:
    rows = np.arange(len(belief))
    frame = pd.DataFrame(
        {
            "category": labels.given,
            "listings": 1.0,
            "estimated_label_error": 1.0 - belief[rows, labels.given],
            "estimated_error": 1.0 - belief.max(axis=1),
            "label_log_likelihood": evidence,
        }
    )
    groups = frame.groupby("category").agg(
        {"listings": "sum", "estimated_label_error": "mean", "estimated_error": "mean", "label_log_likelihood": "mean"}
    )
    return {
        categories[int(str(index))]: {str(name): float(value) for name, value in row.items()}
        for index, row in groups.iterrows()
    }
