"""The comparison with the truth: planted and flagged reasons, and the effect of a partial review."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from jobs.reporting import truth
from jobs.reporting.truth import TruthComparison, compare_with_truth, reason_accuracy


class Rows:
    """Stands in for a published table."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows

    def where(self, _condition: object) -> Rows:
        return self

    def select(self, *columns: str) -> Rows:
        return Rows(self.rows[list(columns)])

    def toPandas(self) -> pd.DataFrame:  # noqa: N802 - Spark's name
        return self.rows


def listing(number: int) -> dict[str, object]:
    """Listings 0 to 5 of 20 are wrong; 0 is corrected, 1 to 4 are in the category queue."""
    return {
        "listing_id": f"l-{number:02}",
        "title": "title",
        "category": "shoes" if number < 6 else "boots",
        "effective_category": "shoes" if 0 < number < 6 else "boots",
        "category_action": "corrected" if number == 0 else "kept",
        "category_confidence": 0.9,
        "true_category": "boots",
        "issues": ["wrong_category"] if number < 6 else ["duplicate"] if number == 7 else [],
        "reasons": ["low_confidence"] if 0 < number < 5 else ["audit_sample"],
        "priority": number / 10,
    }


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TruthComparison:
    listings = pd.DataFrame([listing(n) for n in range(20)])
    tables = {"clean_listings": listings, "flagged_items": listings[listings.index.isin(range(1, 6))]}
    monkeypatch.setattr(truth, "read_published", lambda _warehouse, name: Rows(tables[name]))
    listings[["listing_id", "true_category", "issues"]].to_parquet(tmp_path / "truth.parquet")
    return compare_with_truth(None, tmp_path)  # type: ignore[arg-type]


def test_reviewing_a_tenth_means_the_most_urgent_listings_of_the_category_queue(
    compared: TruthComparison,
) -> None:
    assert (compared.wrong_before, compared.wrong_after) == (0.3, 0.25)
    assert (compared.to_review, compared.wrong_after_review) == (4, 0.05)
    # A tenth of 20 listings is 4 and 3: listing 5 has a higher priority, but not for its category.
    assert (compared.tenth, compared.wrong_after_tenth) == (2, 0.15)


def names(*reasons: str) -> frozenset[str]:
    return frozenset(reasons)


def test_every_planted_reason_is_shown_even_if_none_was_found() -> None:
    planted = pd.Series([names("duplicate", "blank_image"), names("wrong_category"), names("wrong_category"), names()])
    flagged = pd.Series([names("blank_image"), names(), names("wrong_category"), names("audit_sample", "blank_image")])
    corrected = pd.Series([False, True, False, False])
    assert reason_accuracy(planted, flagged, corrected) == [
        ("blank_image", 1, 2, 1.0, 0.5),
        ("wrong_category", 2, 1, 1.0, 1.0),
        ("audit_sample", 0, 1, None, None),
        ("duplicate", 1, 0, 0.0, None),
    ]
