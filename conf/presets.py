"""How the exports of well-known programs name their columns, and which settings suit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

PresetName = Literal["shopify", "woocommerce", "google-merchant", "openfoodfacts"]


@dataclass(frozen=True)
class Preset:
    """What an export looks like.

    Attributes:
        columns: column of the table listings -> its names in the export; in each row, the first with a value counts.
        attributes: name in the column attributes -> its names in the export, likewise.
        required: columns without which a file is refused, because it is probably another export or in another language.
        settings: other settings below `ingest`, unless the profile or --set names them.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    # The products of a shop as CSV. A product has a row per variant and picture, of which the first has the texts.
    "shopify": Preset(
        columns={
            "listing_id": ("Handle", "URL handle"),
            "title": ("Title",),
            "description": ("Body (HTML)", "Description"),
            "category": ("Product Category", "Standard Product Type", "Type", "Custom Product Type"),
            "price": ("Variant Price", "Price"),
            "condition": ("Google Shopping / Condition",),
            "image_uri": ("Image Src", "Product image URL"),
        },
        attributes={
            "brand": ("Vendor",),
            "type": ("Type",),
            "tags": ("Tags",),
            "sku": ("Variant SKU", "SKU"),
            "gtin": ("Variant Barcode", "Barcode"),
            "status": ("Status",),
        },
        required=("listing_id", "title"),
        settings={"updated_at": "file"},
    ),
    # The product export of WooCommerce in English; in other languages the names are translated.
    "woocommerce": Preset(
        columns={
            "listing_id": ("ID",),
            "title": ("Name",),
            "description": ("Description", "Short description"),
            "category": ("Categories",),
            "price": ("Regular price",),
            "image_uri": ("Images",),
        },
        attributes={
            "sku": ("SKU",),
            "gtin": ("GTIN, UPC, EAN, or ISBN",),
            "type": ("Type",),
            "brand": ("Brands",),
            "tags": ("Tags",),
            "published": ("Published",),
            "parent": ("Parent",),
            "sale_price": ("Sale price",),
        },
        required=("listing_id", "title", "description", "category"),
        settings={"updated_at": "file", "category_separator": ","},
    ),
    # A product feed for Google Merchant Center as text with tabs; names may be written with spaces.
    "google-merchant": Preset(
        columns={
            "listing_id": ("id",),
            "title": ("title",),
            "description": ("description",),
            "category": ("google_product_category", "google product category", "product_type", "product type"),
            "price": ("price",),
            "condition": ("condition",),
            "image_uri": ("image_link", "image link"),
        },
        attributes={
            "brand": ("brand",),
            "gtin": ("gtin",),
            "mpn": ("mpn",),
            "product_type": ("product_type", "product type"),
            "availability": ("availability",),
            "link": ("link",),
            "sale_price": ("sale_price", "sale price"),
            "group": ("item_group_id", "item group id"),
        },
        required=("listing_id", "title"),
        settings={"updated_at": "file"},
    ),
    # The daily CSV of Open Food Facts, which has tabs, or an extract of it.
    "openfoodfacts": Preset(
        columns={
            "listing_id": ("code",),
            "title": ("product_name", "product_name_en"),
            "description": ("generic_name", "generic_name_en", "ingredients_text"),
            "category": ("categories_tags", "categories_en", "categories"),
            "image_uri": ("image_url", "image_front_url"),
            "updated_at": ("last_modified_t", "last_modified_datetime"),
            "exposure": ("unique_scans_n",),
        },
        attributes={"brand": ("brands",), "quantity": ("quantity",), "countries": ("countries_tags",)},
        required=("listing_id", "title"),
        settings={"updated_at": "file", "category_separator": ","},
    ),
}
"""Name -> preset."""
_NONE = Preset()


def preset_of(name: str | None) -> Preset:
    """The preset of a name; None: one that says nothing."""
    return _NONE if name is None else PRESETS[name]


def with_preset(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a profile and overrides, with the settings of the preset that they name below them.

    An unknown preset is left to the check of all settings.
    """
    section = values.get("ingest")
    name = section.get("preset") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(name, str) or name not in PRESETS:
        return values
    return {**values, "ingest": _below(PRESETS[name].settings, section)}


def _below(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **values}
    for key, default in defaults.items():
        if isinstance(default, dict) and isinstance(values.get(key), dict):
            merged[key] = _below(default, values[key])
    return merged
