from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from schemas.estimates import ShareEstimate
from training.error_share import (
    Evidence,
    PairCounts,
    audit_share,
    confident_share,
    learning_curve_share,
    pooled_share,
    seller_share,
    twin_share,
)

_ROWS = 8000


def world(rates: tuple[float, ...], classifier: float = 0.1, seed: int = 1) -> dict[str, Any]:
    """Sellers with these error rates; the classifier is wrong on listings it is unsure of, whoever sells them."""
    random = np.random.default_rng(seed)
    truth, sellers = random.integers(0, 20, _ROWS), random.integers(0, len(rates), _ROWS)
    wrong = random.random(_ROWS) < np.array(rates)[sellers]
    labels = np.where(wrong, (truth + random.integers(1, 20, _ROWS)) % 20, truth)
    doubt = random.random(_ROWS)
    missed = doubt > 1.0 - classifier
    predicted = np.where(missed, (truth + random.integers(1, 20, _ROWS)) % 20, truth)
    return {
        "truth": truth,
        "labels": labels,
        "sellers": sellers,
        "wrong": wrong.mean(),
        "confidence": 1.0 - doubt,
        "disagrees": predicted != labels,
        "groups": np.arange(_ROWS),
        "random": random,
    }


def test_confident_listings_show_the_share_and_only_their_order_counts() -> None:
    w = world((0.05, 0.1, 0.3))
    found = confident_share(w["confidence"], w["disagrees"], w["groups"])
    assert found.value == pytest.approx(w["wrong"], abs=2.5 * found.error)
    assert found.error == pytest.approx(np.sqrt(0.15 * 0.85 / 2000), rel=0.1)
    assert confident_share(w["confidence"] ** 9, w["disagrees"], w["groups"]) == found


def test_with_calibrated_claims_more_listings_count_and_the_classifiers_errors_are_subtracted() -> None:
    """The classifier is wrong on a fifth of the listings it doubts most, and says so."""
    w = world((0.05, 0.1, 0.3), classifier=0.6)
    doubt = 1.0 - w["confidence"]
    claimed = np.where(doubt > 0.4, 0.9, 0.0)
    quarter = confident_share(w["confidence"], w["disagrees"], w["groups"])
    found = confident_share(w["confidence"], w["disagrees"], w["groups"], claimed)
    # The claims reach 5 % after 42 % of the listings.
    assert found.value == pytest.approx(w["wrong"], abs=2.5 * found.error)
    # A quarter of the claims, which are 5 %, and the error of a share of so many listings.
    sampling = np.sqrt(0.19 * 0.81 / (0.424 * _ROWS)) / 0.95
    assert found.error == pytest.approx(np.hypot(0.25 * 0.05, sampling), rel=0.05)
    certain = confident_share(w["confidence"], w["disagrees"], w["groups"], np.zeros(_ROWS))
    assert certain.value > w["wrong"] + 0.2  # it takes the classifier's errors among three quarters for the sellers'
    unsure = confident_share(w["confidence"], w["disagrees"], w["groups"], np.full(_ROWS, 0.3))
    assert unsure.value == 0.0
    assert unsure.error > quarter.error


def test_listings_with_the_same_text_count_as_one_in_the_error() -> None:
    w = world((0.2,))
    once = confident_share(w["confidence"], w["disagrees"], w["groups"])
    four = [np.repeat(w[name], 4) for name in ("confidence", "disagrees", "groups")]
    assert confident_share(*four).error == pytest.approx(once.error, rel=0.05)


def test_an_estimate_from_no_wrong_labels_still_has_an_error() -> None:
    found = confident_share(np.ones(40), np.zeros(40, np.bool_), np.arange(40))
    assert 0.0 < found.value < 0.06
    assert found.error > 0.0


def test_twins_with_different_labels_show_the_share() -> None:
    random = np.random.default_rng(2)
    truth = np.repeat(random.integers(0, 50, 1000), 2)
    truth[1::2] = np.where(random.random(1000) < 0.03, 50, truth[1::2])
    labels = np.where(random.random(2000) < 0.2, 100 + np.arange(2000), truth)
    differ = int((labels[::2] != labels[1::2]).sum())
    found = twin_share(PairCounts(1000, differ, 1000, differ, differ))
    assert found is not None
    assert found.value == pytest.approx(0.2, abs=2.0 * found.error)
    assert 0.01 < found.error < 0.03
    assert twin_share(PairCounts(199, 60, 199, 60, 60)) is None


def test_pairs_of_the_same_text_count_as_one_in_the_error() -> None:
    """28 pairs of each of 100 texts; in a third of the texts all of them differ."""
    apart, together = (
        twin_share(PairCounts(2800, 28 * 33, 28 * groups, 28 * 33 * size, 28 * 33 * size))
        for groups, size in ((100, 1), (2800, 28))
    )
    assert apart is not None
    assert together is not None
    assert together.value == apart.value
    assert together.error > 1.5 * apart.error


def test_the_learning_curve_separates_wrong_labels_from_the_classifiers_errors() -> None:
    random = np.random.default_rng(3)
    wrong = random.random(_ROWS) < 0.15
    full = wrong | (random.random(_ROWS) < 0.1)
    fewer = np.where(wrong, 1.0, np.maximum(full, random.random(_ROWS) < 0.1 * (4.0**0.7 - 1.0)))
    found = learning_curve_share(full, fewer, 4.0, np.arange(_ROWS))
    assert found.value == pytest.approx(0.15, abs=2.0 * found.error)
    assert found.lower > 0.05


def test_a_flat_learning_curve_leaves_all_disagreements() -> None:
    full = np.arange(1000) % 4 == 0
    found = learning_curve_share(full, full.astype(np.float64), 3.0, np.arange(1000))
    assert found.value == pytest.approx(0.25)


def test_sellers_show_a_lower_share_and_none_if_all_are_alike() -> None:
    careful = world((0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5), seed=4)
    found = seller_share(careful["disagrees"], careful["sellers"], careful["groups"])
    assert found is not None
    assert found.value == pytest.approx(careful["wrong"], abs=0.03)
    assert found == seller_share(careful["disagrees"], careful["sellers"], careful["groups"])
    alike = world((0.2,) * 8, seed=5)
    found = seller_share(alike["disagrees"], alike["sellers"], alike["groups"])
    assert found is not None
    assert abs(found.value) < 0.03
    assert found.lower < 0.0


def test_few_sellers_show_nothing() -> None:
    w = world((0.0,) * 7)
    assert seller_share(w["disagrees"], w["sellers"], w["groups"]) is None
    assert seller_share(w["disagrees"], np.full(_ROWS, -1), w["groups"]) is None


def test_an_audit_measures_the_share() -> None:
    found = audit_share(80, 400)
    assert found is not None
    assert found.value == pytest.approx(0.2, abs=0.002)
    assert found.error == pytest.approx(0.02, abs=0.001)
    assert found.source == "400 audited listings"
    assert audit_share(10, 49) is None


def test_confident_listings_and_twins_are_weighed_by_their_errors() -> None:
    found = pooled_share(Evidence(ShareEstimate(0.10, 0.01), ShareEstimate(0.20, 0.03)))
    assert found.value == pytest.approx(0.11)
    assert found.error == pytest.approx(0.0095, abs=1e-4)
    assert found.source == "confident listings and twins"


def test_only_a_clear_lower_bound_raises_the_share() -> None:
    confident = ShareEstimate(0.05, 0.01)
    unclear, clear = ShareEstimate(0.12, 0.04), ShareEstimate(0.12, 0.02)
    assert pooled_share(Evidence(confident, None, unclear)) == replace(confident, source="confident listings")
    for bounds, source in (((clear, unclear), "the learning curve, at least"), ((unclear, clear), "sellers, at least")):
        found = pooled_share(Evidence(confident, None, *bounds))
        assert found.value == pytest.approx(0.08)
        assert found.source == source
