"""Champion and challenger on the same rows, without truth: whose probabilities explain the sellers' labels better.

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
"""The challenger is better where its lead exceeds so many standard errors: one-sided, 95 %."""
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
    """

    given: Ints
    sellers: Ints
    halves: Ints
    levels: Ints


@dataclass(frozen=True)
class Verdict:
    """What the comparison found.

    Attributes:
        better: whether the challenger should take over; without a champion it always should.
        rows: listings compared.
        challenger, champion: mean log-likelihood of the given labels; champion NaN where there is none.
        difference: challenger less champion.
        standard_error: of the difference, paired.
        challenger_error, champion_error: estimated share of wrong best guesses.
        by_category: category given -> figure -> value, of the challenger.
    """

    better: bool
    rows: int
    challenger: float
    champion: float
    difference: float
    standard_error: float
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
        return Verdict(True, len(best), float(evidence.mean()), nan, nan, nan, error, nan, found)
    before, believed = _cross_fitted(champion, labels)
    lead = evidence - before
    error = float(lead.std(ddof=1) / np.sqrt(len(lead)))
    return Verdict(
        better=bool(lead.mean() > _CERTAIN * error),
        rows=len(lead),
        challenger=float(evidence.mean()),
        champion=float(before.mean()),
        difference=float(lead.mean()),
        standard_error=error,
        challenger_error=float(1.0 - best.mean()),
        champion_error=float(1.0 - believed.max(axis=1).mean()),
        by_category=found,
    )


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
