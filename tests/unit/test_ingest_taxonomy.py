from __future__ import annotations

import pytest

from jobs.ingestion.rows import MALFORMED
from jobs.ingestion.taxonomies import validate_taxonomy


def test_missing_taxonomy_columns_have_defaults() -> None:
    rows: list[dict[str, str | None]] = [
        {"category": "bags", "label": "Bags", "parent": "Leather", "department": "Fashion", "sensitive": "TRUE"},
        {"category": " shoes ", "label": None, "parent": "", "department": None, "sensitive": None},
    ]
    assert validate_taxonomy(rows) == [
        ("bags", "Bags", "Leather", "Fashion", True),
        ("shoes", "shoes", "shoes", "all", False),
    ]
    assert validate_taxonomy([{"category": "bags"}]) == [("bags", "bags", "bags", "all", False)]


@pytest.mark.parametrize(
    ("given", "meant"), [("1", True), ("0", False), ("true", True), ("False", False), ("yes", True), ("", False)]
)
def test_sensitive_is_read_from_words_and_digits(given: str, meant: bool) -> None:
    assert validate_taxonomy([{"category": "bags", "sensitive": given}])[0][4] is meant


def test_all_problems_are_named_at_once() -> None:
    rows = [
        {"category": "bags", "sensitive": "perhaps"},
        {"category": " ", "sensitive": "1"},
        {"category": "shoes", "sensitive": "1"},
        {"category": "shoes", "sensitive": "0"},
        {"category": "hats", "sensitive": "0", MALFORMED: "hats,0,9"},
    ]
    with pytest.raises(ValueError, match="row 1") as caught:
        validate_taxonomy(rows)
    assert str(caught.value).splitlines() == [
        "  - row 1, category 'bags': sensitive is 'perhaps'; it must be true or false",
        "  - row 2 has no category",
        "  - row 4 repeats category 'shoes'",
        "  - row 5 cannot be read: 'hats,0,9'",
    ]


def test_an_empty_taxonomy_is_refused() -> None:
    with pytest.raises(ValueError, match="no categories"):
        validate_taxonomy([])
