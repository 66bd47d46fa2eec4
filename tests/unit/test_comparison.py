from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.arrays import Floats, Ints
from training.comparison import Labels, compare
from training.transitions import category_distances

CATEGORIES = [f"c{i}" for i in range(5)]


def judged(truth: Ints, right: float, seed: int) -> Floats:
    """A calibrated classifier with the given accuracy."""
    random = np.random.default_rng(seed)
    said = np.where(random.random(len(truth)) < right, truth, (truth + random.integers(1, 5, len(truth))) % 5)
    return np.asarray(np.log(np.where(np.eye(5)[said] > 0, right, (1 - right) / 4)))


@pytest.fixture(scope="module")
def truth() -> Ints:
    return np.random.default_rng(1).integers(0, 5, 3000)


@pytest.fixture(scope="module")
def labels(truth: Ints) -> Labels:
    random = np.random.default_rng(2)
    given = np.where(random.random(3000) < 0.2, random.integers(0, 5, 3000), truth)
    distances = category_distances([None] * 5, [None] * 5)
    return Labels(
        given, random.integers(-1, 20, 3000), np.arange(3000) % 2, distances, np.full(3000, -1), np.full(3000, -1)
    )


def test_a_more_accurate_model_takes_over_and_a_less_accurate_one_does_not(truth: Ints, labels: Labels) -> None:
    good, bad = judged(truth, 0.9, 3), judged(truth, 0.8, 4)
    up, down = compare(good, bad, labels, CATEGORIES), compare(bad, good, labels, CATEGORIES)
    assert (up.better, down.better) == (True, False)
    assert up.likelihood_lead.mean == pytest.approx(-down.likelihood_lead.mean)
    assert up.likelihood_lead.mean > 3 * up.likelihood_lead.standard_error
    assert up.challenger_error < up.champion_error


def test_an_equal_model_does_not_take_over(truth: Ints, labels: Labels) -> None:
    found = compare(judged(truth, 0.9, 3), judged(truth, 0.9, 3), labels, CATEGORIES)
    assert (found.better, found.likelihood_lead.mean, found.likelihood_lead.standard_error) == (False, 0.0, 0.0)


def test_audit_answers_decide_if_a_model_imitates_sellers_errors(truth: Ints, labels: Labels) -> None:
    """Half of all sellers use 1 for 0; a model that does the same explains labels better and has more errors."""
    given = np.where((truth == 0) & (np.arange(3000) % 4 > 0), 1, truth)
    systematic = replace(labels, given=given, sellers=np.full(3000, -1))
    honest, imitator = judged(truth, 0.9, 3), judged(given, 0.9, 3)
    assert compare(imitator, honest, systematic, CATEGORIES).better
    asked = np.where(np.arange(3000) % 7 == 0, truth, -1)
    by_people = compare(imitator, honest, replace(systematic, audited=asked), CATEGORIES)
    assert (by_people.better, by_people.audited) == (False, 429)
    assert by_people.audit_lead.mean < -2 * by_people.audit_lead.standard_error
    assert compare(honest, imitator, replace(systematic, audited=asked), CATEGORIES).better
    few = np.where(np.arange(3000) < 40, truth, -1)
    assert np.isnan(compare(imitator, honest, replace(systematic, audited=few), CATEGORIES).audit_lead.mean)


def test_canaries_decide_without_audit_answers_and_labels_can_only_veto(truth: Ints, labels: Labels) -> None:
    """Half of all sellers use 1 for 0; a model that does the same fails on canaries of category 0."""
    given = np.where((truth == 0) & (np.arange(3000) % 4 == 0), 1, truth)
    imitated = np.where(truth == 0, 1, truth)
    planted = np.where((given == 0) & (np.arange(3000) % 3 == 0), 1, -1)
    marked = replace(labels, given=given, sellers=np.full(3000, -1), canaries=planted)
    honest, imitator = judged(truth, 0.9, 3), judged(imitated, 0.9, 3)
    found = compare(honest, imitator, marked, CATEGORIES)
    assert found.canaries == (planted >= 0).sum() >= 50
    assert found.canary_lead.mean > 2 * found.canary_lead.standard_error
    assert found.better
    other = compare(imitator, honest, marked, CATEGORIES)
    assert not other.better
    assert found.canaries_recovered > other.canaries_recovered + 0.3
    few = replace(marked, canaries=np.where(np.cumsum(planted >= 0) <= 40, planted, -1))
    assert np.isnan(compare(honest, imitator, few, CATEGORIES).canary_lead.mean)
    # All other labels are explained much better by the imitating model.
    others = replace(marked, given=np.where(planted >= 0, given, imitated))
    assert not compare(honest, imitator, others, CATEGORIES).better


def test_a_model_that_is_rightly_sure_of_wrong_original_labels_wins_on_the_canaries(
    truth: Ints, labels: Labels
) -> None:
    """More than a quarter of them is wrong; the model that claims too little gives these a larger probability."""
    random = np.random.default_rng(6)
    given = np.where(random.random(3000) < 0.35, random.integers(0, 5, 3000), truth)
    planted = np.where(random.random(3000) < 0.5, (given + random.integers(1, 5, 3000)) % 5, -1)
    marked = replace(labels, given=given, canaries=planted)
    sure = judged(truth, 0.98, 3)
    timid = np.log(np.where(sure > np.log(0.5), 0.9, 0.025))
    assert compare(sure, timid, marked, CATEGORIES).canary_lead.ahead
    assert compare(timid, sure, marked, CATEGORIES).canary_lead.behind


def test_the_first_model_takes_over(truth: Ints, labels: Labels) -> None:
    found = compare(judged(truth, 0.6, 3), None, labels, CATEGORIES)
    assert found.better
    assert set(found.figures) == {
        "evaluated_rows",
        "label_log_likelihood",
        "audited_rows",
        "canaries",
        "estimated_error",
    }


def test_metrics_by_category(truth: Ints, labels: Labels) -> None:
    found = compare(judged(truth, 0.9, 3), None, labels, CATEGORIES).by_category
    assert set(found) == set(CATEGORIES)
    assert sum(figures["listings"] for figures in found.values()) == 3000
    wrong = (labels.given != truth)[labels.given == 2].mean()
    assert found["c2"]["estimated_label_error"] == pytest.approx(wrong, abs=0.04)
    guess = judged(truth, 0.9, 3).argmax(axis=1)
    assert found["c2"]["classifier_agreement"] == pytest.approx((guess == 2)[labels.given == 2].mean())
