from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from schemas.estimates import ShareEstimate
from training.sample import Sample
from training.scale import (
    SCALES,
    Implied,
    choose_scale,
    fit_to_convergence,
    implied_shares,
    scaled,
    solve_scale,
    unit_fusion,
)
from training.transitions import category_distances
from udfs.fusion import fuse

_RISING = np.linspace(0.02, 0.26, 13)
_NO_LIMIT = (np.linspace(0.5, 0.2, 13), 0.2)
"""What the classifier claims, and its disagreement; at every scale it claims more errors than are needed."""
_FUSION = {"text": {"text": 1.0}}


def world(rate: float, rows: int = 3000) -> dict[str, Any]:
    """A calibrated classifier of six categories, right in 0.87 of the cases, and ten sellers of unlike care."""
    random = np.random.default_rng(8)
    scores = 3.0 * random.normal(size=(rows, 6))
    q = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    q = q**2 / (q**2).sum(axis=1, keepdims=True)
    truth = (q.cumsum(axis=1) < random.random((rows, 1))).sum(axis=1)
    sellers = random.integers(0, 10, rows)
    wrong = random.random(rows) < np.linspace(0.0, 2.0 * rate, 10)[sellers]
    labels = np.where(wrong, (truth + random.integers(1, 6, rows)) % 6, truth)
    return {
        "sample": Sample(
            labels=labels,
            truths=np.full(rows, -1),
            audited=np.full(rows, -1),
            sellers=sellers,
            groups=np.arange(rows),
            seller_ids=tuple("abcdefghij"),
            branches={"text": np.log(q).astype(np.float32)},
        ),
        "distances": category_distances(["a"] * 6, ["all"] * 6),
        "truth": truth,
        "wrong": float(wrong.mean()),
    }


def test_a_larger_scale_implies_more_wrong_labels() -> None:
    w = world(0.2)
    implied = implied_shares(w["sample"], _FUSION, w["distances"], 20.0)
    assert implied.shares.shape == implied.left.shape == SCALES.shape
    assert (np.diff(implied.shares[4:]) > -0.003).all()


def test_the_true_share_leads_to_the_classifiers_own_probabilities() -> None:
    w = world(0.2)
    implied = implied_shares(w["sample"], _FUSION, w["distances"], 20.0)
    scale = choose_scale(implied, ShareEstimate(w["wrong"], 0.01))
    assert scale == pytest.approx(1.0, abs=0.35)
    log_q = fuse(w["sample"].branches, scaled(_FUSION, scale)).astype(np.float64)
    fit = fit_to_convergence(w["sample"], log_q, w["distances"], 20.0)
    left = (fit.posterior.argmax(axis=1) != w["truth"]).mean()
    classifier = (w["sample"].branches["text"].argmax(axis=1) != w["truth"]).mean()
    assert left < 0.8 * min(classifier, w["wrong"])


def test_decided_listings_count_as_decided() -> None:
    w = world(0.2)
    decided = replace(w["sample"], truths=w["truth"])
    implied = implied_shares(decided, _FUSION, w["distances"], 20.0)
    assert implied.shares == pytest.approx(np.full(13, w["wrong"]))
    assert implied.left == pytest.approx(np.zeros(13))


def test_the_scale_is_interpolated_between_the_grid() -> None:
    assert solve_scale(_RISING, _RISING[6]) == pytest.approx(1.0)
    assert 1.0 < solve_scale(_RISING, 0.5 * (_RISING[6] + _RISING[7])) < SCALES[7]


def test_a_share_above_all_takes_the_smallest_scale_that_nearly_implies_the_largest() -> None:
    flat = np.minimum(_RISING, 0.2)
    assert solve_scale(flat, 0.5) == pytest.approx(SCALES[np.flatnonzero(flat >= 0.195)[0]])
    assert solve_scale(_RISING, 0.5) == pytest.approx(SCALES[-1])


def test_a_share_below_all_keeps_every_label() -> None:
    assert solve_scale(_RISING, 0.01) == 0.0
    assert choose_scale(Implied(_RISING, np.zeros(13), *_NO_LIMIT), ShareEstimate(0.01, 0.0)) == 0.0


def test_below_the_scale_of_fewest_errors_nothing_is_searched() -> None:
    shares = np.concatenate([[0.2, 0.1], _RISING[2:]])
    assert solve_scale(shares, 0.15) > SCALES[6]


def test_every_label_is_kept_where_the_best_guesses_may_be_no_better() -> None:
    implied = Implied(_RISING, np.full(13, 0.05), *_NO_LIMIT)
    assert choose_scale(implied, ShareEstimate(0.1, 0.03)) == 0.0
    assert choose_scale(implied, ShareEstimate(0.1, 0.02)) > 0.0


def test_the_scale_is_for_half_the_error_less_than_the_estimate() -> None:
    """The error is the standard error, and a point of bias."""
    implied = Implied(_RISING, np.full(13, 0.01), *_NO_LIMIT)
    for error, less in ((0.02, 0.5 * np.hypot(0.02, 0.01)), (0.0, 0.005)):
        assert choose_scale(implied, ShareEstimate(0.1, error)) == pytest.approx(solve_scale(_RISING, 0.1 - less))


def test_the_classifier_never_claims_fewer_errors_than_its_disagreement_shows() -> None:
    claimed = np.linspace(0.8, 0.2, 13)
    implied = Implied(_RISING, np.full(13, 0.01), claimed, 0.55)
    assert solve_scale(_RISING, 0.1) == pytest.approx(SCALES[4])
    assert choose_scale(implied, ShareEstimate(0.105, 0.0)) == pytest.approx(SCALES[4])
    limited = choose_scale(replace(implied, disagreement=0.82), ShareEstimate(0.1, 0.01))
    assert np.interp(np.log(limited), np.log(SCALES), claimed) == pytest.approx((0.82 - 0.1) / 0.9)
    assert limited < SCALES[4]


def test_audited_answers_choose_the_scale_that_makes_them_likeliest() -> None:
    likelihood = -40.0 * (np.log(SCALES) - np.log(2.0)) ** 2 - 100.0
    audit = Implied(_RISING, np.full(13, 0.01), *_NO_LIMIT, likelihood, np.full(13, 20.0), 60, 400)
    assert choose_scale(audit, ShareEstimate(_RISING[9], 0.01)) == pytest.approx(2.0)
    assert 1.0 < choose_scale(audit, ShareEstimate(_RISING[6], 0.01)) < 2.0


def test_an_audit_decides_whether_labels_are_kept_only_if_the_difference_is_clear() -> None:
    likelihood = np.full(13, -100.0)
    doubtful, clear = ShareEstimate(0.1, 0.04), ShareEstimate(0.1, 0.005)

    def chosen(wrong_labels: int, share: ShareEstimate) -> float:
        guesses = np.full(13, 20.0)
        implied = Implied(_RISING, np.full(13, 0.04), *_NO_LIMIT, likelihood, guesses, wrong_labels, 400)
        return choose_scale(implied, share)

    assert chosen(40, doubtful) > 0.0
    assert chosen(22, doubtful) == 0.0
    assert chosen(18, clear) > 0.0
    assert chosen(8, clear) == 0.0


def test_audited_listings_are_judged_as_if_they_were_not_decided() -> None:
    w = world(0.2)
    audited = np.where(np.arange(3000) < 400, w["truth"], -1)
    implied = implied_shares(replace(w["sample"], truths=audited, audited=audited), _FUSION, w["distances"], 20.0)
    assert implied.audited == 400
    assert implied.wrong_labels == (w["sample"].labels != w["truth"])[:400].sum()
    assert 5 < implied.wrong_guesses[6] < 0.8 * implied.wrong_labels
    assert 0.5 < SCALES[implied.log_likelihood.argmax()] < 2.0


def test_weights_are_relative_to_one_branch() -> None:
    fusion = {"text+image": {"text": 0.5, "image": 0.25}, "image": {"image": 0.4}}
    found = unit_fusion(fusion, "text+image", "text")
    assert found == {"text+image": {"text": 1.0, "image": 0.5}, "image": {"image": 0.8}}
    assert unit_fusion(fusion, "text", "text") == fusion
