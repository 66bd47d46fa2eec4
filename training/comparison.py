"""Champion and challenger on the same rows: whom people bear out, and who explains the sellers' labels better.

People's answers in the audit come first: a model that imitates an error which sellers share explains their labels well.
The likelihood of the given labels, `mean log Σ_c q(c) P(l | c, s)`, is cross-fitted: each model's noise model is
fitted on one half of the rows and judges the other, so that neither gains by having seen the labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.noise import fit_noise
from udfs.posterior import posterior

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
        levels: int64, shape (C, C), `training.noise.category_levels`.
        audited: int64, shape (n,), category that people found in the random audit; -1 where nobody was asked.
    """

    given: Ints
    sellers: Ints
    halves: Ints
    levels: Ints
    audited: Ints


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
    evidence, belief = _cross_fitted(challenger, labels)
    best = belief.max(axis=1)
    found = _by_category(evidence, belief, labels, categories)
    if champion is None:
        nan = float("nan")
        error = float(1.0 - best.mean())
        audited = int((labels.audited >= 0).sum())
        return Verdict(True, len(best), float(evidence.mean()), nan, nan, nan, audited, nan, nan, error, nan, found)
    before, believed = _cross_fitted(champion, labels)
    explained = _Lead.of(evidence - before)
    asked = np.flatnonzero(labels.audited >= 0)
    truths = labels.audited[asked]
    borne_out = _Lead.of(
        np.log(np.maximum(belief[asked, truths], _FLOOR) / np.maximum(believed[asked, truths], _FLOOR))
    )
    heard = len(asked) >= _LEAST_AUDITED
    decided = heard and (borne_out.ahead or borne_out.behind)
    return Verdict(
        better=borne_out.ahead if decided else explained.ahead,
        rows=len(best),
        challenger=float(evidence.mean()),
        champion=float(before.mean()),
        difference=explained.mean,
        standard_error=explained.error,
        audited=len(asked),
        audited_difference=borne_out.mean if heard else float("nan"),
        audited_standard_error=borne_out.error if heard else float("nan"),
        challenger_error=float(1.0 - best.mean()),
        champion_error=float(1.0 - believed.max(axis=1).mean()),
        by_category=found,
    )


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


def _cross_fitted(log_q: Floats, labels: Labels) -> tuple[Floats, Floats]:
    """Log P(label) and posterior of every row, under the noise model of the other half."""
    evidence, belief = np.zeros(len(log_q)), np.zeros(log_q.shape)
    for half in (0, 1):
        seen, judged = labels.halves != half, labels.halves == half
        many = int(labels.sellers.max(initial=-1)) + 1
        fit = fit_noise(log_q[seen], labels.given[seen], labels.sellers[seen], labels.levels, sellers_known=many)
        belief[judged], evidence[judged] = posterior(
            log_q[judged], labels.given[judged], fit.rates(labels.sellers[judged]), fit.transitions
        )
    return evidence, belief


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
