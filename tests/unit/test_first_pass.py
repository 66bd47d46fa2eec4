"""The first pass makes soft labels, and the second pass keeps its noise model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from schemas.arrays import Ints
from schemas.estimates import ShareEstimate
from training.first_pass import FewerListings, FirstPass, enough_texts, fit_first_pass, soft_labels
from training.fitting import fit_sample
from training.noise import NoiseFit
from training.sample import NO_SELLER, ROW_FIELDS, Sample, make_sample, seller_indices
from training.transitions import category_distances
from udfs.fusion import fuse
from udfs.posterior import posterior

_DISTANCES = category_distances(["a"] * 3, ["all"] * 3)
_NAMES = ("x", "y", "z")


def learned() -> FirstPass:
    """Seller 0 is never wrong, seller 1 in half of the cases; the overall rate is 0.2; errors go either way."""
    transitions = (np.ones((3, 3)) - np.eye(3)) / 2
    noise = NoiseFit(transitions, 5.0, 0.2, np.array([0.0, 0.5]), np.zeros((0, 3)), np.zeros(0))
    share = ShareEstimate(0.2, 0.02)
    return FirstPass(noise, {"text": {"text": 0.5}}, 0.5, share, 0.2, np.array([0.5, 0.3, 0.2]))


def test_the_posterior_combines_text_label_and_seller() -> None:
    text = np.log(np.array([[0.64, 0.32, 0.04]] * 4, np.float32))
    labels = np.array([1, 1, 1, 1])
    found = soft_labels(learned(), text, labels, np.full(4, -1), np.array([0, 1, -1, -1]))
    likely = np.sqrt([0.64, 0.32, 0.04])
    for row, rate in ((0, 0.0), (1, 0.5), (2, 0.2)):
        joint = likely * np.array([rate / 2, 1 - rate, rate / 2])
        assert found[row] == pytest.approx(joint / joint.sum(), abs=1e-5)


def test_without_text_the_prior_is_used_and_without_label_only_the_text() -> None:
    text = np.array([[np.nan] * 3, np.log([0.64, 0.32, 0.04]).tolist()], np.float32)
    found = soft_labels(learned(), text, np.array([1, -1]), np.array([-1, -1]), np.array([-1, -1]))
    joint = np.array([0.5 * 0.1, 0.3 * 0.8, 0.2 * 0.1])
    assert found[0] == pytest.approx(joint / joint.sum(), abs=1e-5)
    likely = np.sqrt([0.64, 0.32, 0.04])
    assert found[1] == pytest.approx(likely / likely.sum(), abs=1e-5)


def test_a_persons_decision_is_certain() -> None:
    text = np.log(np.array([[0.64, 0.32, 0.04]], np.float32))
    found = soft_labels(learned(), text, np.array([1]), np.array([2]), np.array([0]))
    assert found.tolist() == [[0.0, 0.0, 1.0]]


def sample(seed: int) -> Sample:
    """Three categories; a text classifier with 90 % accuracy; a careful and a careless seller."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, 3000)
    looks = np.where(random.random(3000) < 0.1, random.integers(0, 3, 3000), truth)
    text = np.log(np.where(np.eye(3)[looks] > 0, 0.9, 0.05)).astype(np.float32)
    sellers = random.integers(0, 2, 3000)
    wrong = random.random(3000) < np.array([0.05, 0.4])[sellers]
    labels = np.where(wrong, (truth + random.integers(1, 3, 3000)) % 3, truth)
    nobody = np.full(3000, -1)
    return Sample(labels, nobody, nobody, sellers, np.arange(3000), ("careful", "careless"), {"text": text})


def test_the_second_pass_keeps_the_noise_model_of_the_first() -> None:
    """Its members were trained on soft labels that depend on all labels, so they seem to agree with all sellers."""
    first = fit_first_pass(sample(1), _DISTANCES)
    assert first.noise.seller_rates[0] < 0.15
    assert first.noise.seller_rates[1] == pytest.approx(0.4, abs=0.05)
    agrees = np.log(np.where(np.eye(3)[sample(1).labels] > 0, 0.9, 0.05)).astype(np.float32)
    second = replace(sample(1), branches={"text": agrees})
    fitted = fit_sample(second, _DISTANCES, _NAMES, first.without_rows())
    assert fitted.noise.sellers == dict(zip(("careful", "careless"), first.noise.seller_rates, strict=True))
    assert fitted.noise.error_rate == first.noise.error_rate
    assert (fitted.noise.transitions == first.noise.transitions).all()
    alone = fit_sample(second, _DISTANCES, _NAMES)
    assert alone.figures["wrong_label_share"] < 0.01
    assert fitted.noise.error_rate > 0.1
    # The error rate that the nightly run computes from the second pass's posterior must be the same.
    assert fitted.figures["estimated_error_before"] * fitted.noise.rate_factor == pytest.approx(first.noise.error_rate)


def test_all_evidence_counts_and_an_audit_is_what_is_reported() -> None:
    """The share is .22; the classifier imitates the labels, so confident listings show no errors."""
    known = sample(1)
    imitates = np.log(np.where(np.eye(3)[known.labels] > 0, 0.9, 0.05)).astype(np.float32)
    blind = replace(known, branches={"text": imitates})
    assert fit_first_pass(blind, _DISTANCES).share.value < 0.01
    twins = fit_first_pass(blind, _DISTANCES, twins=ShareEstimate(0.2, 0.0001)).share
    assert twins.source == "confident listings and twins"
    assert twins.value == pytest.approx(0.2, abs=0.05)
    disagrees = known.branches["text"].argmax(axis=1) != known.labels
    likely = np.exp(known.branches["text"])
    unsure = replace(known, branches={"text": np.log(np.where(disagrees[:, None], 0.5 * likely + 0.16, likely))})
    for steps, source in ((0.0, "the learning curve, at least"), (1.0, "confident listings")):
        fewer = FewerListings(disagrees * (1.0 + steps), 3.0)
        assert fit_first_pass(unsure, _DISTANCES, fewer).share.source == source
    truth = np.where(np.arange(3000) < 100, (known.labels + (np.arange(3000) % 5 == 0)) % 3, -1)
    audited = fit_first_pass(replace(known, truths=truth, audited=truth), _DISTANCES).share
    assert audited.source == "100 audited listings"
    assert audited.value == pytest.approx(0.2, abs=0.01)


def nearly_clean() -> tuple[Sample, Ints]:
    """Six listings have a wrong label; the classifier is wrong in a quarter of the cases, and too sure."""
    random = np.random.default_rng(7)
    truth = random.integers(0, 3, 600)
    looks = np.where(random.random(600) < 0.25, (truth + 1) % 3, truth)
    text = np.log(np.where(np.eye(3)[looks] > 0, random.uniform(0.9, 0.999, 600)[:, None], 0.001)).astype(np.float32)
    text -= np.log(np.exp(text).sum(axis=1, keepdims=True))
    nobody, labels = np.full(600, -1), np.where(np.arange(600) < 6, (truth + 1) % 3, truth)
    return Sample(labels, nobody, nobody, nobody, np.arange(600), (), {"text": text}), truth


def test_every_label_is_kept_if_the_classifier_errs_more_often_than_the_sellers() -> None:
    clean, _ = nearly_clean()
    flat = FewerListings((clean.branches["text"].argmax(axis=1) != clean.labels).astype(np.float64) * 1.5, 3.0)
    twins = ShareEstimate(0.01, 0.005)
    first = fit_first_pass(clean, _DISTANCES, flat, twins)
    assert first.scale == 0.0
    for fitted in (fit_sample(clean, _DISTANCES, _NAMES, first), fit_sample(clean, _DISTANCES, _NAMES, None, twins)):
        assert fitted.noise.rate_factor == 0.0
        assert fitted.figures["scale"] == 0.0
        # Nothing is corrected, so the estimated share of wrong labels is left, or more if the posteriors claim less.
        assert fitted.figures["estimated_error_left"] > first.share.value - 0.002
        log_q = fuse(clean.branches, fitted.fusion).astype(np.float64)
        rates = np.full(600, fitted.noise.error_rate)
        belief, _ = posterior(log_q, clean.labels, rates, fitted.noise.transitions)
        assert (belief.argmax(axis=1) == clean.labels).all()
        # The most doubtful labels are known, and a listing without a label gets the classifier's category.
        assert belief.max(axis=1).min() < 0.6
        unlabelled, _ = posterior(log_q, np.full(600, -1), rates, fitted.noise.transitions)
        assert (unlabelled.argmax(axis=1) == clean.branches["text"].argmax(axis=1)).all()


def test_nothing_is_known_without_texts_and_pictures() -> None:
    empty = replace(sample(1), branches={"text": np.full((3000, 3), np.nan, np.float32)})
    first = fit_first_pass(empty, _DISTANCES)
    assert first.scale == 0.0
    assert first.share.source == "nothing"


def test_there_is_no_first_pass_with_too_few_texts() -> None:
    most = sample(2)
    assert enough_texts(most)
    text = np.where((np.arange(3000) % 5 == 0)[:, None], most.branches["text"], np.nan)
    assert not enough_texts(replace(most, branches={"text": text}))


def test_a_sample_has_only_labelled_rows_sorted_by_key() -> None:
    text = np.arange(12, dtype=np.float32).reshape(4, 3)
    decided = ([-1, 2, 0, -1], [-1, 2, -1, -1])
    columns = ([9, 3, 5, 1], [0, 1, -1, 2], *decided, [70, 40, 40, NO_SELLER], [6, 7, 8, 7])
    rows = {name: np.array(values) for name, values in zip(ROW_FIELDS, columns, strict=True)}
    made = make_sample(rows, {"text": text}, np.zeros((3, 3), np.bool_), {40: "ann", 70: "bob"})
    assert made.labels.tolist() == [2, 1, 0]
    assert made.truths.tolist() == [-1, 2, -1]
    assert made.audited.tolist() == [-1, 2, -1]
    assert made.groups.tolist() == [7, 7, 6]
    assert made.seller_ids == ("ann", "bob")
    assert made.sellers.tolist() == [-1, 0, 1]
    assert made.branches["text"].tolist() == text[[3, 1, 0]].tolist()


def test_an_unknown_seller_has_no_code() -> None:
    assert seller_indices(np.array([40, 70, 41, NO_SELLER]), np.array([40, 70])).tolist() == [0, 1, -1, -1]
    assert seller_indices(np.array([40]), np.zeros(0, np.int64)).tolist() == [-1]
