from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.arrays import Floats, Ints
from training.comparison import compare
from training.labels import Labels
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
    nobody = np.full(3000, -1)
    return Labels(
        given,
        random.integers(-1, 20, 3000),
        np.arange(3000) % 2,
        distances,
        audited=nobody,
        decided=nobody,
        canaries=nobody,
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
    assert (by_people.better, by_people.decided_by, by_people.audited) == (False, "audited listings", 429)
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
    assert (found.better, found.decided_by) == (True, "canaries")
    other = compare(imitator, honest, marked, CATEGORIES)
    assert not other.better
    assert found.canaries_recovered > other.canaries_recovered + 0.3
    few = replace(marked, canaries=np.where(np.cumsum(planted >= 0) <= 40, planted, -1))
    assert np.isnan(compare(honest, imitator, few, CATEGORIES).canary_lead.mean)
    # All other labels are explained much better by the imitating model.
    others = replace(marked, given=np.where(planted >= 0, given, imitated))
    assert not compare(honest, imitator, others, CATEGORIES).better


def test_how_sharp_a_model_is_decides_on_neither_canaries_nor_labels_but_in_the_audit(
    truth: Ints, labels: Labels
) -> None:
    """Canaries are easier to find than sellers' errors, so a model that claims too much would win on them."""
    planted = np.where(np.arange(3000) % 4 == 0, (labels.given + 1) % 5, -1)
    marked = replace(labels, canaries=planted)
    calibrated = judged(truth, 0.8, 3)
    bold = np.log(np.where(calibrated > np.log(0.5), 0.97, 0.0075))
    tied = compare(calibrated, bold, marked, CATEGORIES)
    for lead in (tied.canary_lead, tied.likelihood_lead):
        assert (lead.ahead, lead.behind) == (False, False)
        assert lead.standard_error < 0.02
    audited = replace(marked, audited=np.where(np.arange(3000) % 3 == 0, truth, -1))
    assert compare(calibrated, bold, audited, CATEGORIES).audit_lead.ahead
    assert compare(bold, calibrated, audited, CATEGORIES).audit_lead.behind


def test_of_equal_models_the_one_that_has_learned_many_more_answers_wins(truth: Ints, labels: Labels) -> None:
    good, bad = judged(truth, 0.9, 3), judged(truth, 0.8, 4)

    def takes_over(answers: int, before: int, challenger: Floats = good) -> bool:
        found = compare(challenger, good, labels, CATEGORIES, answers=answers, champion_answers=before)
        assert found.decided_by == (
            "sellers' labels" if challenger is bad else "people's answers" if found.better else "no difference"
        )
        return found.better

    assert [takes_over(answers, before) for answers, before in ((49, 0), (50, 0), (1049, 1000), (1100, 1000))] == [
        False,
        True,
        False,
        True,
    ]
    assert not takes_over(3000, 0, bad)


def test_what_people_have_decided_is_no_test_of_who_explains_the_sellers_label(truth: Ints, labels: Labels) -> None:
    """The challenger has learned the answers; the champion the sellers' wrong labels."""
    decided = np.where(np.arange(3000) % 3 == 0, truth, -1)
    taught = judged(np.where(decided >= 0, truth, labels.given), 0.9, 3)
    untaught = judged(labels.given, 0.9, 3)
    reviewed = replace(labels, decided=decided)
    assert compare(taught, untaught, labels, CATEGORIES).likelihood_lead.behind
    found = compare(taught, untaught, reviewed, CATEGORIES)
    assert abs(found.likelihood_lead.mean) < found.likelihood_lead.standard_error
    everything = compare(taught, untaught, replace(labels, decided=truth), CATEGORIES)
    assert (everything.better, everything.likelihood_lead.mean) == (False, 0.0)
    assert "label_log_likelihood" not in everything.figures


def test_the_first_model_takes_over(truth: Ints, labels: Labels) -> None:
    found = compare(judged(truth, 0.6, 3), None, labels, CATEGORIES)
    assert (found.better, found.decided_by) == (True, "no champion")
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
