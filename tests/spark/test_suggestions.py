"""What is suggested for one listing, and the listings that speak for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.reporting.publication_snapshot import find_snapshot
from jobs.timeline.suggestions import ListingSuggestions, read_suggestions
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.tables import FEATURES, LISTINGS, TAXONOMY
from tests.spark.published import FIRST, Rows, Writer, flag, listing

ENCODER = "tiny-1"


def shop(listing_id: str, category: str, price: float | None, title: str, **more: object) -> dict[str, Any]:
    known = {"best_category": category, "best_confidence": 0.99, "price": price, "title": title, "currency": "EUR"}
    return listing(listing_id, category, category) | known | more


def seen(listing_id: str, *vector: float, encoder: str = ENCODER, status: str = "ok") -> dict[str, Any]:
    stored = np.array(vector, "<f2").tobytes()
    return {
        "listing_id": listing_id,
        "content_hash": "h",
        "encoder": encoder,
        "image_status": status,
        "vector": stored if status == "ok" else None,
    }


@pytest.fixture(scope="module")
def warehouse(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    rows = [
        shop("asked", "boots", 900.0, "red leather sandal", best_category="shoes", best_confidence=0.8),
        shop("plain", "bags", 20.0, "a bag"),
        shop("unknown", "bags", None, "", best_category=None, best_confidence=None),
        *(shop(f"shoe-{i}", "shoes", 10.0 * i, f"shoe {i}") for i in range(1, 10)),
        shop("dollar", "shoes", 5000.0, "a dear shoe", currency="USD"),
        shop("flagged", "shoes", 40.0, "red leather sandal"),
        shop("unsure", "shoes", 40.0, "red leather sandal", category_confidence=0.5),
        shop("by-person", "shoes", 40.0, "red sandal", category_source="reviewer", best_category="boots"),
        shop("boot", "boots", 80.0, "leather boot"),
    ]
    warehouse = open_warehouse(spark, str(tmp_path_factory.mktemp("suggestions")))
    writer = Writer(warehouse)
    names = {"boots": "Boots", "shoes": "Shoes", "bags": None}
    writer.write(TAXONOMY, [{"category": code, "label": label, "sensitive": False} for code, label in names.items()])
    writer.write(LISTINGS, rows)
    pictures = [
        seen("asked", 1.0, 0.0),
        seen("shoe-3", 0.6, 0.8),
        seen("shoe-4", 2.0, 0.1),
        seen("shoe-5", 1.0, 0.0, status="corrupt"),
        seen("shoe-6", 1.0, 0.0, encoder="other"),
        seen("flagged", 1.0, 0.0),
    ]
    writer.write(FEATURES, pictures)
    flags = [flag("asked", 0.9, "wrong_category", shoes=0.8, boots=0.15), flag("flagged", 0.4, "duplicate", shoes=0.9)]
    learnt = [
        ("colour", "red", 0.9, 0.9, None, None),
        ("condition", "used", 0.3, 0.3, None, 0.9),
        ("condition", "new", 0.7, 0.7, None, 0.1),
    ]
    predicted: Rows = [
        {"listing_id": "plain", "content_hash": "h", "model_version": "7", "attributes": learnt},
        {"listing_id": "plain", "content_hash": "h", "model_version": "6", "attributes": [("size", "XL", *[1.0] * 4)]},
    ]
    missing = [{"listing_id": "plain", "content_hash": "h", "attribute": "colour", "value": "red", "confidence": 0.9}]
    tables: dict[str, Rows] = {
        "clean_listings": rows, "flagged_items": flags, "predictions": predicted, "attribute_suggestions": missing,
    }  # fmt: skip
    writer.night(FIRST, tables, seconds=60)
    return warehouse


def suggested(warehouse: Warehouse, listing_id: str) -> ListingSuggestions | None:
    return read_suggestions(find_snapshot(warehouse, None), listing_id, ENCODER)


def test_an_asked_listing_has_the_categories_of_its_item_with_their_prices(warehouse: Warehouse) -> None:
    found = suggested(warehouse, "asked")
    assert found is not None
    shoes, boots = found.suggestions
    assert [(each.category, each.probability) for each in (shoes, boots)] == [("shoes", 0.8), ("boots", 0.15)]
    # Ten to ninety and three of forty; neither the listing's own price nor that in dollars.
    assert shoes.price is not None
    assert (shoes.price.listings, shoes.price.median) == (12, pytest.approx(40.0, rel=1e-3))
    assert [shoes.price.lower, shoes.price.upper] == pytest.approx([37.2, 62.2], rel=0.01)
    assert boots.price is None  # one price says nothing
    assert found.names == {"boots": "Boots", "shoes": "Shoes", "bags": "bags"}


def test_similar_pictures_of_the_model_s_encoder_speak_for_a_category(warehouse: Warehouse) -> None:
    found = suggested(warehouse, "asked")
    assert found is not None
    shoes, boots = found.suggestions
    # Neither flagged listings, nor unsure ones, nor those without a picture. Vectors have 16 bits.
    assert [(each["listing_id"], each["similarity"]) for each in shoes.similar] == [
        ("shoe-4", 0.9988),
        ("shoe-3", 0.6002),
    ]
    assert dict(shoes.similar[0]) | {"similarity": 1} == {
        "listing_id": "shoe-4",
        "similarity": 1,
        "title": "shoe 4",
        "price": 40.0,
        "currency": "EUR",
    }
    # No boot has a picture, so titles are compared.
    assert [each["listing_id"] for each in boots.similar] == ["boot"]


def test_a_listing_that_nobody_asks_about_has_its_best_category(warehouse: Warehouse) -> None:
    found = suggested(warehouse, "plain")
    assert found is not None
    assert [(each.category, each.probability) for each in found.suggestions] == [("bags", 0.99)]
    assert found.suggestions[0].similar == []


def test_the_attributes_of_a_listing_are_those_that_the_model_reads(warehouse: Warehouse) -> None:
    plain, asked = suggested(warehouse, "plain"), suggested(warehouse, "asked")
    assert plain is not None
    assert asked is not None
    assert [tuple(each) for each in plain.attributes] == [
        ("colour", "red", 0.9, True),
        ("condition", "new", 0.7, False),
    ]
    assert asked.attributes == []


def test_a_listing_of_which_nothing_is_known_has_no_suggestion(warehouse: Warehouse) -> None:
    found = suggested(warehouse, "unknown")
    assert found is not None
    assert list(found.suggestions) == []
    assert suggested(warehouse, "never loaded") is None
