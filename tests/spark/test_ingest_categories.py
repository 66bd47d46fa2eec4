"""Delivered categories that are other names for those of the taxonomy, and a taxonomy made from a delivery."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack

import pytest
from pyspark.sql import functions as F

from jobs.cleaning.judging import read_catalogue
from jobs.lifecycle.pins import Pins, take_pins
from jobs.warehouse.listings import follow, read_successors, with_taxonomy
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError
from schemas.tables import CATEGORY_ALIASES, LISTINGS, TAXONOMY
from tests.spark.deliveries import NOW, Deliver, listing
from tests.spark.frames import rows_of

_TAXONOMY = "category,label,parent,department\nbags,Bags & Cases,Bags,Accessories\nboots,Boots,Shoes,Apparel\n"
_DATE = dt.date(2024, 6, 1)


def categories(warehouse: Warehouse, aliases: int | None = None) -> dict[str, tuple[str | None, bool]]:
    """Listing -> its category for a run, and whether it is in the taxonomy."""
    rows = with_taxonomy(warehouse.read(LISTINGS), warehouse.read(TAXONOMY), warehouse.read(CATEGORY_ALIASES, aliases))
    return {row.listing_id: (row.category, row.in_taxonomy) for row in rows.collect()}


def aliases_of(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return rows_of(warehouse.read(CATEGORY_ALIASES), "alias", "category", "source")


def taxonomy_of(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return sorted(rows_of(warehouse.read(TAXONOMY), *TAXONOMY.names))


def test_other_names_of_categories_count_as_these(warehouse: Warehouse, deliver: Deliver) -> None:
    delivered = {
        "code": "bags",
        "entity": "Bags &amp; Cases",
        "path": "apparel>SHOES > boots",
        "mapped": "Stiefel",
        "several": "New; Apparel > Shoes > Boots",
        "near": "Bootss",
        "strange": "Fruit",
        "absent": None,
    }
    rows = [listing(name, category=category) for name, category in delivered.items()]
    separator = ("ingest.category_separator=;",)
    summary = deliver(*rows, taxonomy=_TAXONOMY, overrides=separator)
    found = {
        "code": ("bags", True),
        "entity": ("bags", True),
        "path": ("boots", True),
        "mapped": ("Stiefel", False),
        "several": ("boots", True),
        "near": ("Bootss", False),
        "strange": ("Fruit", False),
        "absent": (None, False),
    }
    assert categories(warehouse) == found
    stored = {row.listing_id: row.category for row in warehouse.read(LISTINGS).collect()}
    assert stored == delivered, "they are stored as delivered"
    sections = {section.json_key: section.rows for section in summary.sections}
    unknown = [("Bootss", 1, "boots"), ("Fruit", 1, None), ("Stiefel", 1, None)]
    assert sections["categories that the taxonomy lacks"] == unknown

    # A date that has been pinned keeps what the names stood for.
    pins = take_pins(warehouse, "nightly", _DATE, "1", NOW, keep=True, fresh=False).pins
    before, version = aliases_of(warehouse), warehouse.version(CATEGORY_ALIASES)
    assert (pins.aliases_version, deliver(*rows, taxonomy=None, overrides=separator).facts["rows_unchanged"]) == (
        version,
        len(rows),
    )
    mapped = listing("mapped", day=2, category="stiefel")
    deliver(mapped, taxonomy=None, aliases="alias,category\nStiefel ,boots\n", overrides=separator)
    assert categories(warehouse) == found | {"mapped": ("boots", True)}
    assert set(before) < set(aliases_of(warehouse))
    assert ("Stiefel", "boots", "delivery") in aliases_of(warehouse), "past dates are judged by it"
    again = take_pins(warehouse, "nightly", _DATE, "1", NOW, keep=True, fresh=False).pins
    with_pins = read_catalogue_categories(warehouse, again)
    assert (again, with_pins["mapped"]) == (pins, ("Stiefel", False))

    # Nothing is written if nothing has changed; without its category, a name stands for nothing.
    version = warehouse.version(CATEGORY_ALIASES)
    deliver(*rows, taxonomy=None, overrides=separator)
    assert warehouse.version(CATEGORY_ALIASES) == version
    deliver(listing("code"), taxonomy="category,label\nbags,Bags & Cases\n")
    assert categories(warehouse)["path"] == ("apparel>SHOES > boots", False)
    assert categories(warehouse)["entity"] == ("bags", True)


def test_a_former_category_counts_as_the_one_that_has_taken_its_place(warehouse: Warehouse, deliver: Deliver) -> None:
    deliver(listing("a", category="hats"), listing("b", category="Caps"), taxonomy="category\nhats\ncaps\nbags\n")
    assert categories(warehouse) == {"a": ("hats", True), "b": ("caps", True)}
    changed = "category,replaced_by\nhats,headwear\ncaps,hats\nheadwear,\nbags,\n"
    deliver(listing("c", category="hats"), taxonomy=changed)
    assert {row[0] for row in taxonomy_of(warehouse)} == {"bags", "headwear"}
    assert categories(warehouse) == dict.fromkeys("abc", ("headwear", True))
    stored = warehouse.read(CATEGORY_ALIASES)
    assert read_successors(stored) == {"hats": "headwear", "caps": "headwear"}
    # It holds until another taxonomy says otherwise.
    deliver(listing("d", category="caps"), taxonomy=None)
    assert categories(warehouse)["d"] == ("headwear", True)
    grown = deliver(listing("g", category="caps"), listing("h", category="scarves"), taxonomy=None, from_paths=True)
    assert grown.facts["categories_added"] == 1
    assert {row[0] for row in taxonomy_of(warehouse)} == {"bags", "headwear", "scarves"}

    decided = warehouse.spark.createDataFrame(
        [("hats", [("caps", 0.5)]), (None, None), ("bags", [])],
        "category STRING, top ARRAY<STRUCT<category: STRING, probability: DOUBLE>>",
    )
    followed = follow(decided, read_successors(stored), "category", "top").collect()
    assert [tuple(row) for row in followed] == [("headwear", [("headwear", 0.5)]), (None, None), ("bags", [])]

    deliver(listing("e", category="caps"), taxonomy="category\nheadwear\nbags\n")
    assert read_successors(warehouse.read(CATEGORY_ALIASES)) == {}
    assert categories(warehouse)["e"] == ("caps", False)
    with pytest.raises(UsageError, match="category 'hats' is replaced by 'caps', which is no category of the file"):
        deliver(listing("f"), taxonomy="category,replaced_by\nhats,caps\nbags,\n")


def test_names_of_a_former_category_lead_to_the_one_that_has_taken_its_place(
    warehouse: Warehouse, deliver: Deliver
) -> None:
    first = "category,label,department\n1,Hats,Fashion\n2,Bags,Fashion\n"
    names = {"code": "1", "label": "HATS", "path": "Fashion>Hats", "alias": "Hüte"}
    rows = [listing(listing_id, category=name) for listing_id, name in names.items()]
    deliver(*rows, taxonomy=first, aliases="alias,category\nHüte,1\n")
    assert categories(warehouse) == dict.fromkeys(names, ("1", True))
    changed = "category,label,department,replaced_by\n1,Hats,Fashion,3\n2,Bags,Fashion,\n3,Headwear,Fashion,\n"
    summary = deliver(listing("new", category="hats"), taxonomy=changed)
    assert summary.facts["categories_replaced"] == 1
    assert categories(warehouse) == dict.fromkeys((*names, "new"), ("3", True))
    deliver(listing("later", category="Hats"), listing("last", category="fashion > hats"), taxonomy=None)
    assert categories(warehouse)["later"] == categories(warehouse)["last"] == ("3", True)


def read_catalogue_categories(warehouse: Warehouse, pins: Pins) -> dict[str, tuple[str | None, bool]]:
    """As `categories`, as a night reads them."""
    with ExitStack() as at_end:
        rows = read_catalogue(warehouse, pins, at_end).listings.collect()
        return {row.listing_id: (row.category, row.in_taxonomy) for row in rows}


def test_a_taxonomy_is_made_from_the_paths_of_a_delivery_and_only_grows(warehouse: Warehouse, deliver: Deliver) -> None:
    first = deliver(
        listing("a", category="Apparel > Shoes"),
        listing("b", category="Apparel>Shoes > Boots"),
        listing("c", category="Apparel > Shoes &gt; Boots"),
        listing("d", category="Apparel > Shoes > Boots"),
        listing("e", category=None),
        listing("quarantined", updated_at=None, category="Nowhere"),
        taxonomy=None,
        from_paths=True,
    )
    shoes = ("Apparel > Shoes", "Shoes", "Apparel", "Apparel", False)
    boots = ("Apparel > Shoes > Boots", "Boots", "Apparel > Shoes", "Apparel", False)
    assert taxonomy_of(warehouse) == [shoes, boots]
    sections = {section.json_key: section.rows for section in first.sections}
    assert sections["categories added"] == [("Apparel > Shoes", 1), ("Apparel > Shoes > Boots", 3)]
    assert categories(warehouse)["c"] == ("Apparel > Shoes > Boots", True)

    sensitive = "category,label,parent,department,sensitive\n" + ",".join([*boots[:4], "true"]) + "\n"
    deliver(listing("a", day=2, category="Apparel > Shoes > Boots"), taxonomy=sensitive)
    second = deliver(listing("f", category="Home > Pots"), listing("a", day=3), taxonomy=None, from_paths=True)
    kept = (*boots[:4], True)
    added = [("Home > Pots", "Pots", "Home", "Home", False), ("bags", "bags", "bags", "all", False)]
    assert taxonomy_of(warehouse) == [kept, *added]
    assert (second.facts["categories_added"], second.facts["taxonomy_written"]) == (2, 1)
    third = deliver(listing("f", category="Home > Pots"), taxonomy=None, from_paths=True)
    assert (third.facts["categories_added"], third.facts["taxonomy_written"]) == (None, 0)


def test_what_cannot_be_used_is_refused_with_the_way_out(
    warehouse: Warehouse, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="no categories to make a taxonomy from: give a taxonomy file"):
        deliver(listing("a", category=None), taxonomy=None, from_paths=True)
    with pytest.raises(UsageError, match="cannot be used together"):
        deliver(listing("a"), from_paths=True)
    with pytest.raises(UsageError, match="or make one from the delivery's categories with --taxonomy-from-paths"):
        deliver(listing("a"), taxonomy=None)
    with pytest.raises(UsageError, match="go in a circle: hats > caps > hats"):
        deliver(listing("a"), taxonomy="category,parent\nbags,hats\nhats,caps\ncaps,hats\n")
    with pytest.raises(UsageError) as refused:
        deliver(listing("a"), aliases="alias,category\nSacs,bags\nsacs ,shoes\nTaschen,bagz\n,bags\n")
    assert [
        part in str(refused.value)
        for part in (
            "row 2: alias 'sacs' stands for 'bags' and 'shoes'",
            "row 3, alias 'Taschen': the taxonomy has no category 'bagz'",
            "row 4 has no alias",
        )
    ] == [True] * 3
    with pytest.raises(UsageError, match="lacks alias; its columns are name, category"):
        deliver(listing("a"), aliases="name,category\nSacs,bags\n")
    monkeypatch.setattr("jobs.ingestion.path_taxonomies._MAX_CATEGORIES", 2)
    with pytest.raises(
        UsageError, match=r"too many different categories .*'c0', 'c1', 'c2'.*ingest.category_separator"
    ):
        deliver(*(listing(f"l{i}", category=f"c{i}") for i in range(3)), taxonomy=None, from_paths=True)
    assert not warehouse.exists(CATEGORY_ALIASES)
    assert warehouse.read(LISTINGS).where(F.col("category").isNotNull()).isEmpty()
