"""Measure which wrong prices each `decide.price_distance` finds, and how many right ones it flags.

    python -m benchmarks.price_limits

Four in a hundred prices of a generated catalogue are made wrong: a quarter each is multiplied by 10, 1/10, 3 and 1/3.
The categories are the true ones.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec
from conf.load import load_settings
from jobs.cleaning.steps.prices import is_possible, with_usual_price
from jobs.warehouse.session import open_session

_LIMITS = (2.0, 2.5, 3.0, 3.5, 4.0)
_FACTORS = {"ten times": (10.0, 0.1), "three times": (3.0, 1 / 3)}
_WRONG = 0.01
"""Share of the prices that are wrong by each factor; and of the catalogue that precision is given for."""
_OUTLIER = 5000.0
"""Prices above it are faults of the generated catalogue."""


def main() -> None:
    """Print recall and precision for each limit and size of the error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--listings", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_catalogue(Path(folder), CatalogueSpec(listings=options.listings, pictures=False, seed=5))
        prices = make_wrong(_prices(Path(folder)))
    spark = open_session(load_settings("local").spark, "price-limits")
    decided = spark.createDataFrame(prices).where(is_possible(F.col("price"))).withColumn("currency", F.lit("EUR"))
    distances = with_usual_price(decided).select("factor", "price_distance").toPandas()
    table = Table("limit", *(f"{figure} {name}" for figure in ("found,", "right, if wrong") for name in _FACTORS))
    for limit in _LIMITS:
        found, right = zip(*(at_limit(distances, limit, factors) for factors in _FACTORS.values()), strict=True)
        table.add_row(str(limit), *(f"{value:.2f}" for value in (*found, *right)))
    Console(highlight=False).print(table)


def make_wrong(prices: pd.DataFrame) -> pd.DataFrame:
    """Multiply some prices, drawn at random; adds the column factor, 1 for the others."""
    factors = [factor for pair in _FACTORS.values() for factor in pair]
    shares = [1 - _WRONG * len(factors), *[_WRONG] * len(factors)]
    factor = np.random.default_rng(1).choice([1.0, *factors], len(prices), p=shares)
    return prices.assign(factor=factor, price=prices["price"] * factor)


def at_limit(distances: pd.DataFrame, limit: float, factors: tuple[float, float]) -> tuple[float, float]:
    """Recall of the prices that are wrong by these factors; precision, if only these are wrong, one in a hundred.

    Args:
        distances: factor and price_distance.
        limit: price_distance, without its sign, from which a price is flagged.
        factors: those of the errors.
    """
    flagged = distances["price_distance"].abs() >= limit
    recall = float(flagged[np.isclose(distances["factor"].to_numpy()[:, None], factors).any(axis=1)].mean())
    alarms = float(flagged[distances["factor"] == 1.0].mean())
    return recall, _WRONG * recall / (_WRONG * recall + (1 - _WRONG) * alarms)


def _prices(folder: Path) -> pd.DataFrame:
    """The prices of the listings, and their true categories as effective_category."""
    truth = pd.read_parquet(folder / "truth.parquet").set_index("listing_id")["true_category"]
    listings = pd.read_parquet(folder / "listings.parquet", columns=["listing_id", "price"])
    listings = listings.drop_duplicates("listing_id").query("0 < price < @_OUTLIER")
    return listings.assign(effective_category=listings["listing_id"].map(truth)).drop(columns="listing_id")


if __name__ == "__main__":
    main()
