"""How many ranks learn is a matter of machines: what is decided hardly depends on it."""

from __future__ import annotations

from pathlib import Path

from jobs.store import read_published
from tests.end_to_end.conftest import House

_TOLERANCE = 0.05
"""Share of the listings whose likeliest category may be another: batches hold other rows, in another order."""


def test_one_rank_decides_as_two_do(published: House, trained: House, tmp_path: Path) -> None:
    alone = trained.copy(tmp_path)
    learnt = alone.run("train", "--set", "train.ranks=1")
    alone.run("models", "promote", str(learnt["model_version"]))
    alone.run("nightly", "--run-date", "2026-11-10")
    columns = ["listing_id", "best_category", "category_action", "model_version"]
    by_one, by_two = (
        read_published(house.warehouse, "clean_listings")
        .select(*columns)
        .toPandas()
        .set_index("listing_id")
        .sort_index()
        for house in (alone, published)
    )
    assert set(by_one.model_version) != set(by_two.model_version)
    assert (by_one.best_category != by_two.best_category).mean() <= _TOLERANCE
    assert (by_one.category_action != by_two.category_action).mean() <= 2 * _TOLERANCE
