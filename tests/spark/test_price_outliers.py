"""Prices that are impossible, or far from those of their category and currency."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.cleaning.steps.prices import with_usual_price
from jobs.cleaning.steps.reason_rules import RULES, expected_parts
from schemas.reasons import Reason
from tests.spark.frames import frame
from tests.spark.test_flag import CONTEXT

_DDL = "listing_id string, effective_category string, currency string, price double"


def flagged(decided: DataFrame, *, expected: bool = True, outlier_from: float = 3.0) -> set[str]:
    rule = RULES[Reason.PRICE_OUTLIER](replace(CONTEXT, prices_expected=expected, outlier_from=outlier_from))
    return {row.listing_id for row in decided.where(rule).collect()}


def test_a_price_is_compared_with_its_category_and_currency(spark: SparkSession) -> None:
    rng = np.random.default_rng(1)
    usual = [
        (f"{category}-{currency}-{i}", category, currency, float(price))
        for category, currency, median in (("boots", "EUR", 80.0), ("rings", "EUR", 900.0), ("boots", "JPY", 9000.0))
        for i, price in enumerate(median * np.exp(rng.uniform(-0.5, 0.5, 60)))
    ]
    rows = [
        ("ring as boot", "boots", "EUR", 900.0),
        ("tenth", "boots", "EUR", 8.0),
        ("fine", "boots", "EUR", 110.0),
        ("yen as euros", "boots", "EUR", 9000.0),
        ("yen", "boots", "JPY", 9000.0),
        ("no peers", "hats", "EUR", 1e6),
        ("no category", None, "EUR", 1e6),
        ("negative", "hats", None, -1.0),
        ("zero", "boots", "EUR", 0.0),
        ("none", "boots", "EUR", None),
        ("not a number", "boots", "EUR", math.nan),
        ("infinite", "boots", "EUR", math.inf),
    ]
    decided = with_usual_price(frame(spark, _DDL, *usual, *rows))
    impossible = {"negative", "infinite"}
    assert flagged(decided, expected=False) == impossible | {"ring as boot", "tenth", "yen as euros"}
    absent = {"zero", "none", "not a number"}
    assert flagged(decided, outlier_from=1e9) == impossible | absent
    boots = next(row for row in decided.collect() if row.listing_id == "fine").usual_price
    prices = np.log([price for name, *_, price in usual if name.startswith("boots-EUR")] + [900.0, 8.0, 110.0, 9000.0])
    assert boots.listings == 64
    assert [boots.lower, boots.median, boots.upper] == pytest.approx(
        np.exp(np.quantile(prices, [0.25, 0.5, 0.75])), rel=2e-3
    )
    again = with_usual_price(frame(spark, _DDL, *rows, *reversed(usual)).repartition(7))
    key = ("listing_id", "price_distance", "usual_price")
    assert {tuple(row) for row in again.where("price > 0").select(*key).collect()} == {
        tuple(row) for row in decided.where("price > 0").select(*key).collect()
    }


def test_equal_prices_and_few_prices_flag_nobody(spark: SparkSession) -> None:
    equal = [(f"e{i}", "cards", "EUR", 5.0) for i in range(30)] + [("near", "cards", "EUR", 5.5)]
    far = [("far", "cards", "EUR", 50.0)]
    few = [(f"f{i}", "cars", "EUR", 10.0**i) for i in range(7)]
    assert flagged(with_usual_price(frame(spark, _DDL, *equal, *far, *few))) == {"far"}


@pytest.mark.parametrize(("priced", "expected"), [(9, True), (8, False)])
def test_a_price_is_expected_where_nearly_all_have_one(spark: SparkSession, priced: int, expected: bool) -> None:
    listings = frame(spark, "price double", *((1.0,) for _ in range(priced)), *((0.0,) for _ in range(10 - priced)))
    parts = expected_parts(listings.withColumns({"title_status": F.lit("ok"), "image_status": F.lit("ok")}))
    assert [row.prices for row in parts.collect()] == [expected]
