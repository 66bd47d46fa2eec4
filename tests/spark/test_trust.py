"""How the audit changes the trust in labels: not at all if it confirms the noise model, much if it contradicts it."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scipy.special import expit, logit

from jobs.cleaning.steps.decide import add_posteriors
from jobs.cleaning.steps.trust import Trust, apply_trust, apply_trust_column, fit_trust
from schemas.arrays import Floats
from tests.spark.frames import frame, rows_of


@pytest.fixture
def labels() -> tuple[Floats, Floats]:
    """Posterior and support of 400 labels, most of them trusted."""
    random = np.random.default_rng(3)
    support = expit(random.normal(1.0, 2.5, 400))
    return expit(logit(support) + random.normal(2.0, 1.0, 400)), support


def test_without_answers_nothing_changes() -> None:
    nobody = np.zeros(0)
    assert fit_trust(nobody, nobody, nobody.astype(bool)).is_default
    assert apply_trust(np.array([0.3]), np.array([0.1]), Trust()) == [0.3]


def test_answers_that_confirm_the_posterior_do_not_change_it(labels: tuple[Floats, Floats]) -> None:
    posterior, support = labels
    draws = np.random.default_rng(4).random((50, 400))
    moved = [not fit_trust(posterior, support, draw < posterior).is_default for draw in draws]
    assert sum(moved) <= 3


def test_wrong_labels_on_uncertain_content_lose_trust(labels: tuple[Floats, Floats]) -> None:
    posterior, support = labels
    by_content = logit(support)
    truly = expit(1.2 * by_content + 0.8 * (logit(posterior) - by_content) - 3.5)
    found = fit_trust(posterior, support, np.random.default_rng(5).random(400) < truly)
    put_right = apply_trust(posterior, support, found)
    assert np.abs(posterior - truly).mean() > 0.2
    assert np.abs(put_right - truly).mean() < 0.04
    assert ((put_right > 0.5) == (truly > 0.5)).mean() > 0.93


def test_spark_computes_the_same(spark: SparkSession) -> None:
    posterior, support = np.array([0.0, 0.2, 0.9, 1.0]), np.array([0.0, 0.6, 0.3, 1.0])
    rows = frame(spark, "posterior double, support double", *zip(posterior.tolist(), support.tolist(), strict=True))
    for trust in (Trust(), Trust(1.4, 0.7, -3.0)):
        got = rows.select(apply_trust_column(F.col("posterior"), F.col("support"), trust).alias("p"))
        assert [row.p for row in got.collect()] == pytest.approx(apply_trust(posterior, support, trust))


def test_a_label_that_the_audit_contradicts_is_replaced(spark: SparkSession) -> None:
    weighed = frame(
        spark,
        "listing_id string, seller_id string, category string, in_taxonomy boolean, label_support double, "
        "other_support double, candidates array<struct<category: string, probability: double>>",
        ("labelled", None, "boots", True, 0.4, 0.2, [("shoes", 1.0)]),
        ("unknown", None, "boot", False, 0.0, 1.0, [("shoes", 1.0)]),
    )
    rates = frame(spark, "seller_id string, listings bigint, error_rate double")
    columns = ("listing_id", "best_category", "best_confidence", "label_posterior")
    believed = 0.9 * 0.4 / (0.9 * 0.4 + 0.1 * 0.2)
    before = rows_of(add_posteriors(weighed, rates, 0.1, Trust()), *columns)
    assert before == [
        ("labelled", "boots", pytest.approx(believed), pytest.approx(believed)),
        ("unknown", "shoes", 1.0, 0.0),
    ]
    after = rows_of(add_posteriors(weighed, rates, 0.1, Trust(offset=-4.0)), *columns)
    left = expit(logit(believed) - 4.0)
    assert after == [
        ("labelled", "shoes", pytest.approx(1 - left), pytest.approx(left)),
        ("unknown", "shoes", 1.0, 0.0),
    ]
