from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from pyspark.sql.types import ArrayType, DoubleType, StringType, StructField, StructType

from conf.ingest_settings import IngestSettings
from conf.load import SettingsError, load_settings
from conf.presets import PRESETS
from jobs.ingestion.steps.sources import (
    OPTIONAL,
    REQUIRED,
    Source,
    find_attributes,
    find_columns,
    find_source,
    propose_columns,
    require_columns,
    source_columns,
)
from schemas.errors import UsageError

TEXT = StringType()


def _schema(*names: str) -> StructType:
    return StructType([StructField(name, TEXT) for name in names])


NESTED = StructType(
    [
        StructField("price.net", TEXT),
        StructField("price", StructType([StructField("net", DoubleType()), StructField("a.b", TEXT)])),
        StructField("a.b", StructType([StructField("C.d", ArrayType(ArrayType(_schema("e"))))])),
        StructField("x", TEXT),
        StructField("X", TEXT),
    ]
)


@pytest.mark.parametrize(
    ("name", "path", "is_list"),
    [
        ("price.net", ("price.net",), False),
        ("PRICE.net", ("price.net",), False),
        ("price.a.b", ("price", "a.b"), False),
        ("a.b.c.d.e", ("a.b", "C.d", "e"), True),
        ("a.b.C.d", ("a.b", "C.d"), True),
        ("x", ("x",), False),
        ("X", ("X",), False),
        ("price.gross", None, False),
        ("x.y", None, False),
        ("price.", None, False),
        (".", None, False),
    ],
)
def test_a_name_leads_to_a_column_before_it_leads_to_a_field(
    name: str, path: tuple[str, ...] | None, is_list: bool
) -> None:
    source = find_source(name, NESTED)
    assert (source and tuple(field.name for field in source.path)) == path
    assert source is None or source.is_list == is_list


def test_a_missing_field_is_named_with_all_fields_of_the_file() -> None:
    with pytest.raises(UsageError) as caught:
        require_columns([NESTED], IngestSettings(columns={"listing_id": "a.b.c.f", "updated_at": "x"}))
    assert str(caught.value).startswith(
        "the file lacks listing_id ('a.b.c.f'); its columns are price.net, price.a.b, a.b.C.d.e, x, X."
    )


def _names(found: Mapping[str, Sequence[Source]]) -> dict[str, tuple[str, ...]]:
    return {column: tuple(source.name for source in sources) for column, sources in found.items()}


def test_a_preset_names_columns_that_files_may_lack_and_what_is_mapped_wins() -> None:
    schema = _schema("Handle", "title", "Type", "Product Category", "Vendor", "Mine", "Description")
    settings = load_settings(
        "test", ["ingest.preset=shopify", "ingest.columns={price: Mine}", "ingest.attributes={brand: Mine}"]
    ).ingest
    require_columns([schema], settings)
    found = find_columns(schema, settings)
    assert _names(found) == {
        "listing_id": ("Handle",),
        "title": ("title",),
        "category": ("Product Category", "Type"),
        "price": ("Mine",),
        "description": ("Description",),
    }
    assert source_columns([find_columns(_schema("Type", "Handle"), settings), found])["category"] == (
        "Type", "Product Category"
    )  # fmt: skip
    assert _names(find_attributes(schema, settings)) == {"brand": ("Mine",), "type": ("Type",)}
    assert settings.updated_at == "file"
    assert load_settings("test", ["ingest.preset=shopify", "ingest.updated_at=2024-01-02"]).ingest.updated_at == (
        "2024-01-02"
    )


def test_a_feed_may_write_its_names_with_spaces() -> None:
    settings = load_settings("test", ["ingest.preset=google-merchant"]).ingest
    spaced = _schema(
        "id", "title", "image link", "google product category", "product type", "sale price", "item group id"
    )
    assert _names(find_columns(spaced, settings)) == {
        "listing_id": ("id",),
        "title": ("title",),
        "category": ("google product category", "product type"),
        "image_uri": ("image link",),
    }
    assert _names(find_attributes(spaced, settings)) == {
        "product_type": ("product type",),
        "sale_price": ("sale price",),
        "group": ("item group id",),
    }


def test_what_a_preset_uses_is_not_proposed_for_something_else() -> None:
    export = _schema("Handle", "Title", "Vendor", "Shop", "Type", "Variant Price")
    settings = load_settings("test", ["ingest.preset=shopify"]).ingest
    assert propose_columns([_schema("Handle", "Title", "vendor")], IngestSettings()).columns["seller_id"] == "vendor"
    assert "Vendor" not in propose_columns([export], settings).columns.values()


def test_an_export_in_another_language_is_refused_with_the_way_out() -> None:
    german = _schema("ID", "Typ", "Name", "Beschreibung", "Kategorien")
    with pytest.raises(UsageError) as caught:
        require_columns([german], IngestSettings(preset="woocommerce", updated_at="file"))
    message = str(caught.value)
    assert "lacks description ('Description' or 'Short description'), category ('Categories'); its columns" in message
    assert "The preset woocommerce expects this." in message
    assert "--set 'ingest.columns={description: NAME_IN_FILE}'" in message
    assert "--set 'ingest.columns={description: null}'" in message
    require_columns(
        [german],
        IngestSettings(
            preset="woocommerce", updated_at="file", columns={"description": "Beschreibung", "category": "Kategorien"}
        ),
    )


def test_presets_are_made_of_known_columns_and_settings() -> None:
    for name, preset in PRESETS.items():
        assert {*preset.columns, *preset.required} <= {*REQUIRED, *OPTIONAL}, name
        load_settings("test", [f"ingest.preset={name}"])
    with pytest.raises(SettingsError, match=r"ingest.preset = 'shopyfi': it must be 'shopify', 'woocommerce'"):
        load_settings("test", ["ingest.preset=shopyfi"])
