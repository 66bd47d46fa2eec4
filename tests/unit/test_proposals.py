from __future__ import annotations

import shlex

import pytest
import yaml
from pyspark.sql.types import StringType, StructField, StructType

from conf.ingest_settings import IngestSettings
from conf.load import load_settings
from jobs.ingestion.steps.proposals import find_preset, propose
from jobs.ingestion.steps.sources import require_columns
from schemas.column_names import COLUMN_NAMES, normalise_name
from schemas.errors import UsageError
from schemas.tables import LISTINGS

SHOPIFY = ("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Variant SKU", "Image Src")
OPTIONS = [
    (("id", "nom", "prix", "Catégorie"), "", "--set 'ingest.columns={listing_id: id, title: nom, category: Catégorie, price: prix}' --set ingest.updated_at=file"),  # noqa: E501
    (("Artikelnummer", "Bezeichnung", "Geändert am"), "", "--set 'ingest.columns={listing_id: Artikelnummer, title: Bezeichnung, updated_at: Geändert am}'"),  # noqa: E501
    (("product-id", "Product_Name", "image link", "date"), "", "--set 'ingest.columns={listing_id: product-id, title: Product_Name, updated_at: date, image_uri: image link}'"),  # noqa: E501
    (("ID", "Nom", "Catégories", "Tarif régulier", "Images"), "listing_id updated_at", "--set 'ingest.columns={title: Nom, category: Catégories, price: Tarif régulier, image_uri: Images}'"),  # noqa: E501
    (("it's", "name"), "listing_id updated_at", "--set 'ingest.columns={title: name}'"),
    (("width", "height"), "listing_id updated_at", ""),
    (("width", "height"), "listing_id", "--set ingest.updated_at=file"),
    (SHOPIFY, "title", "--preset shopify"),
]  # fmt: skip


@pytest.mark.parametrize(("names", "found", "options"), OPTIONS, ids=range(len(OPTIONS)))
def test_names_that_look_alike_are_proposed_as_options(names: tuple[str, ...], found: str, options: str) -> None:
    assert propose(names, found.split()).as_options({}) == options


def test_a_proposal_is_what_the_command_line_and_a_profile_read() -> None:
    proposal = propose(["it's: a, b", "name", "título"], ["listing_id", "updated_at"])
    options = proposal.as_options({"category": "it's: a, b", "price": None})
    assert load_settings("local", shlex.split(options)[1:]).ingest.columns == {
        "category": "it's: a, b",
        "price": None,
        "title": "name",
    }
    assert proposal.others == {"title": ("título",)}
    assert yaml.safe_load(yaml.safe_dump(proposal.settings({}))) == {"columns": {"title": "name"}}


def test_a_column_that_is_left_out_is_not_proposed_again() -> None:
    proposal = propose(["name", "views"], ["listing_id", "updated_at"], ["title"])
    assert proposal.columns == {"exposure": "views"}


def test_each_column_of_a_file_is_proposed_once() -> None:
    proposal = propose(["categorie", "image_bytes", "image_url", "nome", "datum"], [])
    assert proposal.columns == {"category": "categorie", "image": "image_bytes", "title": "nome", "updated_at": "datum"}
    assert proposal.others == {}


def test_a_preset_is_known_by_names_that_no_other_has() -> None:
    assert find_preset(SHOPIFY, ["title"]) == "shopify"
    assert find_preset(["ID", "Name", "Description", "Categories", "Images", "Published"]) == "woocommerce"
    assert find_preset(["id", "title", "image_link", "gtin", "availability"]) == "google-merchant"
    assert find_preset(["code", "product_name", "brands", "unique_scans_n"]) == "openfoodfacts"
    assert find_preset(["id", "title", "description", "price", "category", "brand"]) is None
    assert find_preset(["Handle", "Vendor", "Tags"], ["title"]) is None


def test_all_names_are_normalised_and_belong_to_columns_of_listings() -> None:
    assert set(COLUMN_NAMES) <= set(LISTINGS.names)
    assert normalise_name(" Régulär-Preis_(€) 2") == "regularpreis2"
    assert [each for names in COLUMN_NAMES.values() for each in names if each != normalise_name(each) or not each] == []


def test_a_refusal_for_missing_columns_names_the_proposal() -> None:
    schema = StructType([StructField(name, StringType()) for name in ("id", "nom", "width")])
    with pytest.raises(UsageError) as caught:
        require_columns([schema], IngestSettings(columns={"price": None}))
    assert str(caught.value) == (
        "the file lacks listing_id, updated_at; its columns are id, nom, width. If a column has another name, map it "
        "with --set 'ingest.columns={listing_id: NAME_IN_FILE}'. Names that look alike: check them, and use --set "
        "'ingest.columns={price: null, listing_id: id, title: nom}' --set ingest.updated_at=file"
    )
