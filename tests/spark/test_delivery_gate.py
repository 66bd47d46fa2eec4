"""The gate of a delivery: what a shop may deliver, and what is refused before anything is written."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from jobs.ingestion.steps.figures import compare, price_changes, profile
from jobs.warehouse.tables import Warehouse
from schemas.errors import RefusedError
from schemas.tables import GATE_RESULTS, LISTINGS, QUARANTINE, RUNS
from tests.spark.deliveries import Deliver, listing, picture
from tests.spark.frames import frame, rows_of

SMALL = ("gates.min_delivery_rows=20",)
PICTURE = picture(1)


def batch(day: int, category: str = "bags", rows: int = 110, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [listing(f"{category}-{n}", day, category=category, price=10.0 + n, **values) for n in range(rows)]


def test_what_differs_too_much_is_refused_before_anything_is_written(
    deliver: Deliver, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    monkeypatch.setattr("tests.spark.conftest.Console", lambda **_: Console(file=out, width=300))
    variants = [{**row, "title": None} for row in batch(1, rows=60)] * 2
    deliver(*batch(1), *batch(1, "shoes"), *variants, full=True, overrides=SMALL)
    assert warehouse.read(GATE_RESULTS).isEmpty(), "there was nothing to compare with"

    cheap = [{**row, "price": row["price"] / 2, "title": "sale"} for row in batch(2, "bags")]
    new = [{**row, "listing_id": f"n{row['listing_id']}", "price": None} for row in batch(2, "shoes")]
    deliver(*cheap, *new, overrides=SMALL)
    results = warehouse.read(GATE_RESULTS).collect()
    assert {(row.gate, row.success, row.run_id[-6:]) for row in results} == {("delivery", True, "000002")}
    assert {row.column_name for row in results} == {"title", "category", "price", "price_ratio"}

    before = warehouse.version(LISTINGS)
    cents = [{**row, "price": row["price"] * 100} for row in batch(3, title=None, image=PICTURE)]
    renamed = [{**row, "category": "new"} for row in (*batch(3, "shoes", title=None), *batch(3, "hats", title=None))]
    with pytest.raises(RefusedError) as refused:
        deliver(*cents, *renamed, {"listing_id": None, "updated_at": "2024-01-02"}, full=True, overrides=SMALL)
    lines = str(refused.value).splitlines()
    assert [line.split(";")[0] for line in lines[1:4]] == [
        "  - 100.0% of 330 listings have no title, and of the stored ones 0.0%",
        "  - 66.7% of its listings are in other categories than the stored ones",
        "  - its prices are 200 times the stored ones, by category and currency",
    ]
    assert warehouse.version(LISTINGS) == before
    assert warehouse.read(QUARANTINE).isEmpty()
    (message,) = [row.message for row in warehouse.read(RUNS).where("status = 'refused'").collect()]
    assert message.startswith("nothing was written")
    assert "bags-" not in message
    failed = warehouse.read(GATE_RESULTS).where("NOT success").collect()
    assert {row.column_name for row in failed} == {"title", "category_shift", "price_ratio"}
    for line in (
        "without title, for example: bags-0, bags-1, bags-10, bags-100, bags-101",
        "category 'new': 66.7% delivered, 0.0% stored",
        "listing bags-0: price 1000 delivered, 5 stored",
    ):
        assert line in out.getvalue().splitlines()


def test_prices_of_a_small_delta_are_compared_listing_by_listing(deliver: Deliver, warehouse: Warehouse) -> None:
    """The catalogue has fewer listings than other figures need, and each category has only one."""
    each_its_own = [{**row, "category": f"c{place}", "currency": "EUR"} for place, row in enumerate(batch(1))]
    deliver(*each_its_own)
    cents = [{**row, "price": row["price"] * 100, "updated_at": "2024-01-02"} for row in each_its_own]
    with pytest.raises(
        RefusedError, match=r"the 110 stored listings:\n  - its prices are 100 times the stored ones, by l"
    ):
        deliver(*cents)
    results = warehouse.read(GATE_RESULTS).collect()
    assert [(row.column_name, row.success) for row in results] == [("price_ratio", False)]


def test_prices_are_compared_in_the_currency_in_which_they_are_stored(spark: SparkSession) -> None:
    columns = "listing_id string, price double, currency string"
    stored = [("a", 2.0, "EUR"), ("b", 2.0, None), ("c", 2.0, "EUR"), ("d", 0.0, "EUR"), ("e", 2.0, "EUR")]
    updated = [("a", 4.0, "EUR"), ("b", 6.0, None), ("c", 9.0, "USD"), ("d", 9.0, "EUR"), ("e", float("nan"), "EUR")]
    found = price_changes(frame(spark, columns, *updated, ("f", 1.0, None)), frame(spark, columns, *stored))
    assert rows_of(found, "priced_rows", "price_ratio") == [(2, 2.5)]
    nothing = price_changes(frame(spark, columns), frame(spark, columns, *stored))
    assert rows_of(nothing, "priced_rows", "price_ratio") == [(0, None)]


def test_a_delivery_is_compared_category_by_category(spark: SparkSession) -> None:
    columns = "title string, description string, category string, price double, currency string, condition string, "
    columns += "exposure double, seller_id string, image_hash string, image_uri string"

    def row(category: str | None, price: float | None, currency: str | None = "EUR", title: str | None = "t") -> Any:  # noqa: ANN401
        text = None if category == "b" else "text"
        return (title, text, category, price, currency, None, None, "", None, "a.jpg")

    stored = [row("a", float(n)) for n in range(10)] + [row("b", 100.0) for _ in range(30)] + [row(None, None)] * 10
    delivered = [row("b", 200.0) for _ in range(6)] + [row("c", 7.0, title="")] * 2 + [row("b", 1.0, "USD")] * 5
    delivered += [row("a", float("nan"))] * 7
    found = compare(profile(frame(spark, columns, *delivered)), profile(frame(spark, columns, *stored))).collect()[0]
    assert (found.rows, found.stored_rows) == (20, 50)
    assert (found.description_rows, found.description_filled, found.description_expected) == (18, 7, 7.0)
    assert (found.title_rows, found.title_filled, found.title_expected) == (20, 18, 20.0)
    assert (found.category_rows, found.category_filled, found.category_expected) == (20, 20, 16.0)
    assert (found.price_rows, found.price_filled) == (18, 11)
    assert (found.seller_id_filled, found.picture_filled) == (0, 18)
    assert found.category_shift == pytest.approx((0.15 + 0.05 + 0.1 + 0.2) / 2)
    assert (found.priced_rows, found.price_ratio) == (6, 2.0)
