"""Sellers' error rates from counts by likelihood ratio equal those from single listings."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.load import load_settings
from jobs.cleaning.clean import _starting_rates, clean
from jobs.cleaning.steps.seller_habits import seller_habits
from jobs.cleaning.steps.sellers import _ratios, seller_rates
from jobs.lifecycle.publications import Publication
from jobs.warehouse.tables import Warehouse
from schemas.bundle import BundleSpec, NoiseModel
from schemas.errors import FailedError
from tests.spark.frames import frame, rows_of
from training.models import Model
from training.train import with_pseudonyms
from udfs.pseudonyms import PseudonymKey

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
OVERALL, PRIOR = 0.15, 4.0
_START = "seller_id string, error_rate double"
_START_COLUMNS = ("seller_id", "error_rate")


@pytest.fixture(scope="module")
def listings() -> pd.DataFrame:
    """Labels right and wrong, sure and unsure, of a huge seller, two others, and one whose supports are extreme."""
    random = np.random.default_rng(7)
    sellers = np.repeat(["huge", "middling", "small"], [60_000, 700, 9])
    wrong = random.random(len(sellers)) < np.repeat([0.3, 0.05, 0.2], [60_000, 700, 9])
    confidence = random.beta(3, 0.7, len(sellers))
    label, other = np.where(wrong, 1 - confidence, confidence), np.where(wrong, confidence, 1 - confidence) * 0.2
    extreme = {"seller_id": "extreme", "label_support": [0.0, 0.0, 1.0, 1e-290], "other_support": [0.0, 0.3, 0.0, 1.0]}
    rows = pd.DataFrame({"seller_id": sellers, "label_support": label, "other_support": other})
    return pd.concat([rows, pd.DataFrame(extreme)], ignore_index=True)


def expected(rows: pd.DataFrame, factor: float, start: float = OVERALL) -> float:
    """Five rounds of EM on single listings."""
    label, other = rows.label_support.to_numpy(), rows.other_support.to_numpy()
    rate = start
    for _ in range(5):
        right = (1 - rate) * label
        wrong = 1 - right / np.maximum(right + rate * other, 1e-300)
        rate = (np.minimum(wrong * factor, 1).sum() + PRIOR * OVERALL) / (len(rows) + PRIOR)
    return float(rate)


def rates(weighed: DataFrame, start: DataFrame, factor: float = 1.0) -> DataFrame:
    return seller_rates(weighed, start, OVERALL, factor, PRIOR, hysteresis=1.0)


@pytest.mark.parametrize("factor", [0.0, 1.0, 1.7])
def test_bins_give_the_same_rates_as_single_listings(
    spark: SparkSession, listings: pd.DataFrame, factor: float
) -> None:
    start = frame(spark, _START, ("middling", 0.5))
    got = {r.seller_id: r for r in rates(spark.createDataFrame(listings), start, factor).collect()}
    assert {name: r.listings for name, r in got.items()} == dict(listings.groupby("seller_id").size())
    for name, rows in listings.groupby("seller_id"):
        by_listing = expected(rows, factor, 0.5 if name == "middling" else OVERALL)
        assert got[str(name)].error_rate == pytest.approx(by_listing, abs=2e-4), name


def test_the_order_of_listings_does_not_matter(spark: SparkSession, listings: pd.DataFrame) -> None:
    start = frame(spark, _START)
    shuffled = listings.sample(frac=1, random_state=1)
    columns = ("seller_id", "listings", "error_rate", "lower", "upper")
    one = rates(spark.createDataFrame(listings).repartition(1), start)
    many = rates(spark.createDataFrame(shuffled).repartition(7), start)
    assert rows_of(one, *columns) == rows_of(many, *columns)


def test_no_row_grows_with_a_sellers_listings(spark: SparkSession) -> None:
    ratio = F.col("id") / 100_000
    weighed = spark.range(200_000).select(
        F.lit("huge").alias("seller_id"), F.exp(-ratio * 30).alias("label_support"), ratio.alias("other_support")
    )
    [row] = _ratios(weighed).select("listings", F.size("ratios").alias("bins")).collect()
    assert row.listings == 200_000
    assert row.bins <= 1025


def test_habits_are_the_most_frequent_mistakes_and_the_difference_of_recent_listings(spark: SparkSession) -> None:
    recent, earlier = dt.datetime(2026, 1, 31, tzinfo=dt.UTC), dt.datetime(2026, 1, 30, 23, 59, tzinfo=dt.UTC)

    def listings(
        seller: str | None, label: str, ours: str, when: dt.datetime, n: int, posterior: float
    ) -> list[tuple[object, ...]]:
        by = "model" if label != ours else "seller"
        return [(seller, label, True, ours, by, posterior, when)] * n

    rows = [
        *listings("worse", "a", "b", recent, 12, 0.0),
        *listings("worse", "a", "a", recent, 8, 1.0),
        *listings("worse", "c", "c", earlier, 19, 1.0),
        *listings("worse", "c", "d", earlier, 1, 0.5),
        *[row for i in range(6) for row in listings("many", f"x{i}", "y", earlier, 7 - i % 5, 0.25)],
        *listings(None, "a", "b", recent, 3, 0.0),
        # A label that the taxonomy lacks is no mistake between two of its categories.
        ("many", "?", False, "y", "model", 0.0, recent),
        # A person has said that the seller is wrong, and right.
        ("asked", "a", True, "b", "reviewer", 0.9, recent),
        ("asked", "a", True, "a", "reviewer", 0.1, recent),
    ]
    ddl = (
        "seller_id string, category string, in_taxonomy boolean, effective_category string, category_source string, "
        "label_posterior double, updated_at timestamp"
    )
    decided = frame(spark, ddl, *rows).repartition(5)
    got = {row.seller_id: row for row in seller_habits(decided, NOW.date()).collect()}
    assert {name: [tuple(each) for each in row.mistakes] for name, row in got.items()} == {
        "worse": [("a", "b", 12), ("c", "d", 1)],
        "many": [("x0", "y", 7), ("x5", "y", 7), ("x1", "y", 6), ("x2", "y", 5), ("x3", "y", 4)],
        "asked": [("a", "b", 1)],
    }
    worse = got["worse"]
    assert worse.trend == pytest.approx(12 / 20 - 0.5 / 20)
    shares = 13 / 22, 1.5 / 22
    half = 1.96 * sum(share * (1 - share) / 22 for share in shares) ** 0.5
    middle = shares[0] - shares[1]
    assert (worse.trend_lower, worse.trend_upper) == pytest.approx((middle - half, middle + half))
    assert [(got[name].trend, got[name].trend_lower) for name in ("many", "asked")] == [(None, None)] * 2


def test_the_rates_of_a_model_belong_to_the_sellers_with_its_pseudonyms(warehouse: Warehouse) -> None:
    key = PseudonymKey(bytes(32))
    noise = NoiseModel(("a",), np.zeros((1, 1)), 0.2, 1.0, {"ann": 0.1, "bob": 0.5}, 1.0, np.ones(1), 0.0)
    model = Model("1", "", cast("BundleSpec", None), with_pseudonyms(noise, key))
    evidence = frame(warehouse.spark, "seller_id string", ["ann"], ["ann"], ["new"], [None])
    assert rows_of(_starting_rates(warehouse, evidence, model, None, key), *_START_COLUMNS) == [("ann", 0.1)]


def test_nothing_is_decided_with_another_key_also_after_a_night_with_the_same_model(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    noise = NoiseModel(("a",), np.zeros((1, 1)), 0.2, 1.0, {"ann": 0.1}, 1.0, np.ones(1), 0.0)
    model = Model("1", "", cast("BundleSpec", None), with_pseudonyms(noise, PseudonymKey(b"\1" * 32)))
    (tmp_path / "key").write_text("00" * 32)
    settings = load_settings("test", [f"privacy.key_file={tmp_path / 'key'}"])
    rows = warehouse.spark.range(1)
    before = Publication("nightly-1", NOW.date(), "nightly", "1", 0, 0, None, None, {}, {}, NOW, NOW)
    deciding = clean(warehouse, rows, rows, model, rows, before, NOW.date(), settings)
    with pytest.raises(FailedError, match=r"model 1 .* made with another key, so it would know none of them"), deciding:
        pass
