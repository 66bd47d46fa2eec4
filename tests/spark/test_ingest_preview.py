"""A dry run shows what an ingest would make of a delivery, and writes nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from conf.load import load_settings
from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.ingest import ingest
from jobs.ingestion import samples
from jobs.init import init
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import UsageError
from schemas.tables import TAXONOMY
from tests.spark.deliveries import NOW, listing, opened

GERMAN = """Artikelnummer;Bezeichnung;Preis;Kategorie;Bild;Geändert am;Farbe;Lager
A1;Rote Schuhe;12,99 €;Schuhe;https://x.de/1.jpg;2024-01-02;rot;7
A2;Blaue Schuhe;1,234;Stiefel;/bilder/b.jpg;2024-01-03;;8
8.41E+12;Rock;5;Röcke;;2024-01-02;;9
A3;Hose;5;Hosen;;;;9
"""
MAPPING = (
    "ingest.columns={listing_id: Artikelnummer, title: Bezeichnung, category: Kategorie, price: Preis, "
    "updated_at: Geändert am, image_uri: Bild}"
)


def _job(warehouse: Warehouse, *overrides: str) -> Job:
    settings = load_settings("test", overrides)
    return Job("ingest", settings, warehouse.address, lambda: warehouse, NOW, Console(quiet=True))


def dry_run(
    warehouse: Warehouse, path: Path, *overrides: str, taxonomy: Path | None = None, from_paths: bool = False
) -> Summary:
    given = None if taxonomy is None else str(taxonomy)
    return ingest(_job(warehouse, *overrides), str(path), given, from_paths, dry_run=True)


def shown(summary: Summary) -> dict[str, Any]:
    return dict(json.loads(summary.as_json()))


def test_a_dry_run_shows_rows_and_columns_as_they_would_be(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "de.csv").write_text(GERMAN)
    (tmp_path / "taxonomy.csv").write_text("category\nStiefel\n")
    overrides = (MAPPING, "ingest.attributes={color: Farbe}")
    summary = dry_run(warehouse, tmp_path / "de.csv", *overrides, taxonomy=tmp_path / "taxonomy.csv")
    found = shown(summary)
    assert found["first_rows"] == [
        {"listing_id": "A1", "title": "Rote Schuhe", "category": "Schuhe", "price": "12.99 EUR",
         "updated_at": "2024-01-02 00:00:00", "picture": "https://x.de/1.jpg"},
        {"listing_id": "A2", "title": "Blaue Schuhe", "category": "Stiefel", "price": None,
         "updated_at": "2024-01-03 00:00:00", "picture": "/bilder/b.jpg"},
    ]  # fmt: skip
    assert {row["column"]: (row["becomes"], row["first_value"]) for row in found["file_columns"]} == {
        "Artikelnummer": ("listing_id", "A1"),
        "Bezeichnung": ("title", "Rote Schuhe"),
        "Preis": ("price", "12,99 €"),
        "Kategorie": ("category", "Schuhe"),
        "Bild": ("image_uri", "https://x.de/1.jpg"),
        "Geändert am": ("updated_at", "2024-01-02"),
        "Farbe": ("attributes.color", "rot"),
        "Lager": ("ignored", "7"),
    }
    assert {row["column"]: row["rows"] for row in found["filled"]} == {
        "listing_id": 2, "updated_at": 2, "title": 2, "category": 2, "price": 1, "currency": 1, "image_uri": 2,
        "attributes": 1,
    }  # fmt: skip
    assert [(row["reason"], row["rows"], "Artikelnummer" in row["example"]) for row in found["quarantined"]] == [
        ("damaged_listing_id", 1, True),
        ("missing_updated_at", 1, True),
    ]
    assert found["categories that the taxonomy lacks"] == [{"category": "Schuhe", "rows": 1, "similar": None}]
    keys = ("rows_in", "rows_usable", "rows_quarantined", "listings", "columns_ignored", "sample", "proposed_settings")
    assert [found[key] for key in keys] == [4, 2, 2, 2, "Lager", None, None]
    assert [hint[:24] for hint in summary.hints] == [
        "1 row has no time. If on",
        "1 listing_id is a number",
        "1 price cannot be read f",
        "1 picture is at an http ",
        "1 picture is given by pa",
        "Next:  the same command ",
    ]
    assert not Path(warehouse.location).exists()


def test_a_dry_run_of_unknown_columns_ends_as_the_ingest_would_and_proposes_a_mapping(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "de.csv").write_text(GERMAN)
    summary = dry_run(warehouse, tmp_path / "de.csv")
    found = shown(summary)
    assert found["exit_code"] == 2
    assert found["error"].startswith("the file lacks listing_id, updated_at; its columns are Artikelnummer, ")
    assert f"--set '{MAPPING}'" in summary.hints[1]
    assert found["proposed_settings"]["columns"]["title"] == "Bezeichnung"
    assert {row["column"]: row["becomes"] for row in found["file_columns"]} | {"Preis": ""} == {
        "Artikelnummer": "ignored; looks like listing_id",
        "Bezeichnung": "ignored; looks like title",
        "Preis": "",
        "Kategorie": "ignored; looks like category",
        "Bild": "ignored; looks like image_uri",
        "Geändert am": "ignored; looks like updated_at",
        "Farbe": "ignored",
        "Lager": "ignored",
    }
    assert summary.hints[2:5] == ["In a profile:", "    ingest:", "      columns:"]

    profile = tmp_path / "my.yaml"
    init(_job(warehouse), str(tmp_path / "de.csv"), profile)
    written = load_settings(str(profile))
    assert written.ingest.columns == found["proposed_settings"]["columns"]
    with pytest.raises(UsageError, match=r"my.yaml: exists; give another file, or replace it with --force"):
        init(_job(warehouse), str(tmp_path / "de.csv"), profile)
    mapped = shown(dry_run(warehouse, tmp_path / "de.csv", MAPPING, "ingest.time_format=dd.MM.yyyy"))
    assert (mapped["rows_usable"], mapped["filled"]) == (0, [])
    init(_job(warehouse, "ingest.updated_at=file"), str(tmp_path / "de.csv"), profile, force=True)
    assert load_settings(str(profile)).ingest.updated_at == "file"
    with pytest.raises(UsageError, match=r"a profile is a file such as my.yaml"):
        init(_job(warehouse), str(tmp_path / "de.csv"), Path("my.txt"))
    assert not Path(warehouse.location).exists()


@pytest.mark.parametrize("limit", [3, 5])
def test_of_large_files_only_the_first_rows_are_read(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(samples, "SAMPLE_ROWS", limit)
    rows = [{"listing_id": f"{n}", "title": f"a\nb{n}", "updated_at": "2024-01-02"} for n in range(5)]
    text = "\n\nlisting_id,title,updated_at\n" + "".join(f'{n},"a\nb{n}",2024-01-02\n\n' for n in range(5))
    lines = "\n\n".join(json.dumps(row) for row in rows)
    (tmp_path / "rows.csv").write_text(text)
    (tmp_path / "latin.csv").write_text(text, encoding="utf-16")
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "rows.jsonl").write_text(lines)
    (tmp_path / "array.json").write_text(json.dumps(rows, indent=1))
    pd.DataFrame(rows).to_parquet(tmp_path / "rows.parquet")
    for name in ("rows.csv", "latin.csv", "rows.csv.gz", "rows.jsonl", "array.json", "rows.parquet"):
        found = shown(dry_run(warehouse, tmp_path / name))
        assert (found["rows_in"], found["rows_quarantined"]) == (limit, 0), name
        assert (found["sample"] is not None) == (limit < 5), name
        assert sorted(row["listing_id"] for row in found["first_rows"]) == [f"{n}" for n in range(limit)], name
        assert found["first_rows"][0]["title"].startswith("a\nb"), name


def test_ids_are_shown_as_they_would_be_stored(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("listing_id,updated_at,title\n123.0,2024-01-02,a\n7.0,2024-01-02,b\n")
    found = shown(dry_run(warehouse, tmp_path / "rows.csv"))
    assert [row["listing_id"] for row in found["first_rows"]] == ["123", "7"]


def test_addresses_in_the_column_of_pictures_are_noticed(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = [{"listing_id": "1", "image": "https://x.de/1.jpg", "product": {"name": "Boot"}, "updated_at": "2024-01-02"}]
    pd.DataFrame(rows).to_parquet(tmp_path / "rows.parquet")
    summary = dry_run(warehouse, tmp_path / "rows.parquet")
    warning = "Column 'image' holds addresses and no pictures: --set 'ingest.columns={image_uri: image, image: null}'"
    assert summary.hints[:2] == [warning, "1 listing has no category."]
    assert opened(warehouse.spark, tmp_path / "rows.parquet").remarks == (warning,), "the ingest says so, too"
    assert [row["column"] for row in shown(summary)["file_columns"]] == [
        "listing_id",
        "image",
        "product.name",
        "updated_at",
    ]


def test_what_came_without_values_or_doubtful_is_said(warehouse: Warehouse, tmp_path: Path) -> None:
    """A file of a folder with another name, a point that may separate thousands, and listings without a category."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text('listing_id,title,category,price\n1,a,A,1.234\n2,b,A,"1.234,56"\n3,c,,7\n')
    (folder / "b.csv").write_text("listing_id,name,price\n4,d,5\n")
    summary = dry_run(warehouse, folder, "ingest.updated_at=2024-01-02")
    assert [hint.partition(";")[0][:66] for hint in summary.hints[:3]] == [
        "b.csv lacks title, category, which other files of the delivery hav",
        "2 listings have no category.",
        "1 price such as 1.234 is read as a little more than 1, but other p",
    ]
    assert shown(summary)["listings_without_category"] == 2


def test_categories_that_would_be_new_are_compared_with_the_stored_taxonomy(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    rows = [listing("1", category="Bags > Totes"), listing("2", category="bags"), listing("3", category="Hats")]
    path = tmp_path / "rows.parquet"
    pd.DataFrame(rows).to_parquet(path)
    key = "categories added"
    added = shown(dry_run(warehouse, path, from_paths=True))[key]
    assert [row["category"] for row in added] == ["Bags > Totes", "Hats", "bags"]
    assert not Path(warehouse.location).exists()
    stored = [("bags", "Bags", "bags", "all", False)]
    warehouse.overwrite(TAXONOMY, warehouse.spark.createDataFrame(stored, TAXONOMY.ddl))
    before = warehouse.version(TAXONOMY)
    summary = dry_run(warehouse, path, from_paths=True)
    assert shown(summary)[key] == [{"category": "Bags > Totes", "rows": 1}, {"category": "Hats", "rows": 1}]
    assert [each.title for each in summary.sections][-1] == "categories that the stored taxonomy of 1 lacks (2 of 2)"
    assert warehouse.version(TAXONOMY) == before

    pd.DataFrame([listing("1", category=None)]).to_parquet(path)
    refused = dry_run(open_warehouse(warehouse.spark, str(tmp_path / "other")), path, from_paths=True)
    assert str(refused.error).startswith("the delivery has no categories to make a taxonomy from: give")


def test_a_profile_for_an_export_says_what_the_preset_finds(warehouse: Warehouse, tmp_path: Path) -> None:
    export = "Handle,Title,Body (HTML),Vendor,Product Category,Type,Variant Price\na,A,B,Acme,,Tees,5\n"
    (tmp_path / "products_export.csv").write_text(export)
    profile = tmp_path / "my.yaml"
    facts = init(_job(warehouse), str(tmp_path / "products_export.csv"), profile).facts
    assert (facts["preset"], facts["columns_missing"]) == (
        "shopify", "currency, condition, exposure, seller_id, image_uri, image"
    )  # fmt: skip
    assert "# required" not in profile.read_text()
    assert "category: Product Category  # found; where it is empty: Type" in profile.read_text()
    found = shown(dry_run(warehouse, tmp_path / "products_export.csv", "ingest.preset=shopify"))
    assert found["proposed_settings"] is None
    assert {row["column"]: row["becomes"] for row in found["file_columns"]}["Type"] == (
        "category if Product Category is empty, attributes.type"
    )
