"""Calibration by the audit: the posterior moves towards the answers and keeps its order."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.cleaning.steps.calibrate import Calibration, audit_answers, calibrate, fit_calibration, lower_claims
from tests.spark.frames import frame, rows_of
from training.claims import lower_claims as lowered_in_training

_RANKED = "array<struct<category: string, probability: double>>"
_CANDIDATES = (
    "listing_id string, content_hash string, category string, in_taxonomy boolean, best_category string, "
    f"best_confidence double, label_posterior double, label_support double, suggested_categories {_RANKED}"
)


def test_without_answers_nothing_changes() -> None:
    assert fit_calibration(np.zeros(0), np.zeros(0, bool)) == Calibration(1.0, 0.0, 0)


@pytest.mark.parametrize("sharper", [0.5, 1.0, 1.6])
def test_hundreds_of_answers_correct_the_posterior(sharper: float) -> None:
    random = np.random.default_rng(5)
    truth = random.beta(8, 1, 600)
    logit = np.log(truth / (1 - truth))
    claimed = 1 / (1 + np.exp(-logit * sharper))
    right = random.random(600) < truth
    found = fit_calibration(claimed, right)
    put_right = 1 / (1 + np.exp(-(found.slope * logit * sharper + found.offset)))
    assert found.audited == 600
    assert abs(put_right - truth).mean() < 0.03
    assert abs(put_right.mean() - right.mean()) < 0.01


def test_a_few_answers_change_little() -> None:
    found = fit_calibration(np.full(3, 0.99), np.array([True, False, True]))
    assert found.slope == pytest.approx(1.0, abs=0.3)
    assert -0.8 < found.offset < 0.0


def test_only_answers_of_the_audit_about_the_present_content_count(spark: SparkSession) -> None:
    ranked = [("boots", 0.8), ("shoes", 0.2)]
    candidates = frame(
        spark,
        _CANDIDATES,
        *(
            (name, "h", "shoes", name != "unknown", "boots", 0.8, 0.2, 0.3, ranked)
            for name in ("right", "wrong", "unknown", "changed", "asked")
        ),
        ("unjudged", "h", None, False, None, None, 0.0, 0.0, []),
    )
    decisions = frame(
        spark,
        "listing_id string, content_hash string, reviewed_category string, audit_chance double",
        ("right", "h", "boots", 0.1),
        ("wrong", "h", "shoes", 0.1),
        ("unknown", "h", "boots", 0.1),
        ("changed", "older", "boots", 0.1),
        ("asked", "h", "boots", None),
        ("unjudged", "h", "boots", 0.1),
    )
    found = ("best_confidence", "right", "label_posterior", "label_support", "label_right")
    assert rows_of(audit_answers(candidates, decisions), *found) == [
        (0.8, False, 0.2, 0.3, True),
        (0.8, True, 0.2, 0.3, False),
        (0.8, True, 0.2, 0.3, None),
    ]


def test_the_other_categories_share_the_rest_and_keep_their_order(spark: SparkSession) -> None:
    rows = frame(
        spark,
        _CANDIDATES,
        ("surely", "h", "shoes", True, "boots", 0.9, 0.06, 0.0, [("boots", 0.9), ("shoes", 0.06), ("hats", 0.04)]),
        ("label", "h", "boots", True, "boots", 0.9, 0.9, 0.0, [("boots", 0.9), ("shoes", 0.1)]),
        ("torn", "h", None, True, "boots", 0.5, 0.0, 0.0, [("boots", 0.5), ("shoes", 0.45), ("hats", 0.05)]),
        ("certain", "h", "boots", True, "boots", 1.0, 1.0, 0.0, [("boots", 1.0)]),
        ("nothing", "h", None, True, None, None, 0.0, 0.0, []),
    )
    assert calibrate(rows, Calibration()) is rows
    got = {row.listing_id: row for row in calibrate(rows, Calibration(1.0, -1.0, 400)).collect()}
    odds = 9 * np.exp(-1)
    best = odds / (1 + odds)
    surely = got["surely"]
    assert surely.best_confidence == pytest.approx(best)
    assert surely.label_posterior == pytest.approx(0.6 * (1 - best))
    assert [c.probability for c in surely.suggested_categories] == pytest.approx(
        [best, 0.6 * (1 - best), 0.4 * (1 - best)]
    )
    assert got["label"].label_posterior == got["label"].best_confidence == pytest.approx(best)
    torn = [c.probability for c in got["torn"].suggested_categories]
    assert torn[0] == pytest.approx(torn[1])
    assert sum(torn) == pytest.approx(1.0)
    assert got["certain"].best_confidence == pytest.approx(1.0, abs=1e-5)
    assert got["nothing"].best_confidence is None


def test_the_model_lowers_its_claims_of_kept_labels_as_in_training(spark: SparkSession) -> None:
    rows = frame(
        spark,
        _CANDIDATES,
        ("kept", "h", "boots", True, "boots", 0.9, 0.9, 0.0, [("boots", 0.9), ("shoes", 0.06), ("hats", 0.04)]),
        ("torn", "h", "boots", True, "boots", 0.45, 0.45, 0.0, [("boots", 0.45), ("shoes", 0.4), ("hats", 0.15)]),
        ("certain", "h", "boots", True, "boots", 1.0, 1.0, 0.0, [("boots", 1.0)]),
        ("other", "h", None, False, "boots", 0.9, 0.0, 0.0, [("boots", 0.9), ("shoes", 0.1)]),
        ("nothing", "h", None, False, None, None, 0.0, 0.0, []),
    )
    assert lower_claims(rows, 1.0) is rows
    got = {row.listing_id: row for row in lower_claims(rows, 0.5).collect()}
    for name, confidence in (("kept", 0.9), ("torn", 0.45), ("certain", 1.0)):
        expected = lowered_in_training(np.array([confidence]), 0.5)[0]
        assert got[name].best_confidence == got[name].label_posterior == pytest.approx(expected)
    assert [c.probability for c in got["kept"].suggested_categories] == pytest.approx([0.75, 0.15, 0.1])
    assert got["other"].best_confidence == 0.9
    assert got["nothing"].best_confidence is None
