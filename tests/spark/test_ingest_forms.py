"""Small files as shops, feeds and public data sets send them come in by settings alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.load import load_settings
from schemas.errors import UsageError
from tests.spark.deliveries import opened
from tests.spark.frames import rows_of

COLUMNS = ("listing_id", "title", "category", "price", "currency", "image_uri", "attributes", "reasons")
TAB = "\t"

SHOPIFY_SAMPLE = """Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Variant Price,Image Src
ocean-shirt,Ocean Blue Shirt,"<p>Cotton, ""soft""</p>",Acme,Shirts,men,TRUE,Title,50.00,https://s.shop/shirt.jpg
"""
SHOPIFY_VARIANTS = """Handle,Title,Body (HTML),Vendor,Product Category,Type,Variant SKU,Variant Price,Image Src,Status
tee,Plain Tee,<b>Cotton</b>,Acme,Apparel & Accessories > Clothing,Tees,T-S,12.50,https://s.shop/1.jpg,active
tee,,,,,,T-M,13.50,,
tee,,,,,,,,https://s.shop/2.jpg,
"""
SHOPIFY_TYPES = """Handle,Title,Product Category,Type,Variant Price
a,A tee, ,Tees,12.50
b,A hat,Apparel > Hats,Hats,5
c,A bag,,,5
d,A mug,n/a,Mugs,5
"""
SHOPIFY_RENAMED = """Title,URL handle,Product category,SKU,Barcode,Price,Product image URL,Google Shopping / Condition
Tee,tee,Apparel > Tees,T-S,0012,12.50,https://s.shop/1.jpg,used
"""
WOOCOMMERCE = """ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,Description,Regular price,Categories,Images
44,variable,hoodie,00123,Hoodie,1,"Warm
and soft",45,"Clothing > Hoodies, Sale","https://w.shop/a.jpg, https://w.shop/b,1.jpg"
"""
WOOCOMMERCE_GERMAN = """\ufeffID,Typ,Artikelnummer,Name,Beschreibung,Regulärer Preis,Kategorien,Bilder
44,simple,muetze,Mütze,Warm,"12,99",Kleidung > Mützen,https://w.shop/m.jpg
"""
FOOD_THROUGH_EXCEL = """code;product_name;generic_name;brands;categories_tags;image_url;last_modified_t
3,01762E+12;Nutella;;Ferrero;en:spreads,en:sweet-spreads;https://f.org/1.jpg;1709352300
3.01762E+12;Nutella;;Ferrero;en:spreads;https://f.org/1.jpg;1709352300
0737628064502;Thai peanut noodle;Noodles;Simply Asia;en:noodles;;1709352300
"""
RETAIL = {
    "id": "12345",
    "title": "Boot",
    "categories": ["Shoes > Boots"],
    "priceInfo": {"price": 89.5, "originalPrice": 99, "currencyCode": "EUR"},
    "images": [{"uri": "https://r.shop/b.jpg", "height": 600}, {"uri": "https://r.shop/c.jpg"}],
    "availableTime": "2024-03-02T04:05:00Z",
    "attributes": {"material": {"text": ["leather"]}},
}
AWIN = """aw_product_id|product_name|description|merchant_category|search_price|merchant_image_url|last_updated
90001|Boot|Leather|Shoes|89.0 EUR|https://a.shop/b.jpg|02/03/2024 04:05:00
"""
MERCHANT = TAB.join(["id", "title", "description", "link", "image link", "price", "google product category", "brand"])
MERCHANT_ROW = TAB.join(
    ["SKU 1", 'A 5" pan', "Iron", "https://g.shop/1", "https://g.shop/p.jpg", "89.0 EUR", "2901", "X"]
)


def _read(spark: SparkSession, path: Path, *overrides: str) -> list[tuple[Any, ...]]:
    """The rows of a file; no count of them is lost."""
    delivery = opened(spark, path, load_settings("test", overrides).ingest)
    delivery.refuse_without_content()
    found = rows_of(delivery.rows, *COLUMNS)
    assert delivery.counted == len(found)
    return found


def test_files_of_ten_sources_come_in_by_settings_alone(spark: SparkSession, tmp_path: Path) -> None:
    def write(name: str, text: str, encoding: str = "utf-8") -> Path:
        (tmp_path / name).write_text(text, encoding=encoding)
        os.utime(tmp_path / name, (1709352300, 1709352300))
        return tmp_path / name

    assert _read(spark, write("sample.csv", SHOPIFY_SAMPLE), "ingest.preset=shopify") == [
        ("ocean-shirt", "Ocean Blue Shirt", "Shirts", 50.0, None, "https://s.shop/shirt.jpg",
         {"brand": "Acme", "type": "Shirts", "tags": "men"}, []),
    ]  # fmt: skip
    variants = _read(spark, write("variants.csv", SHOPIFY_VARIANTS), "ingest.preset=shopify")
    assert [row[:4] for row in variants] == [
        ("tee", "Plain Tee", "Apparel & Accessories > Clothing", 12.5),
        ("tee", None, None, 13.5),
        ("tee", None, None, None),
    ]
    assert variants[0][6]["status"] == "active"
    assert _read(spark, write("types.csv", SHOPIFY_TYPES), "ingest.preset=shopify")[0][2:4] == ("Tees", 12.5)
    read = opened(spark, tmp_path / "types.csv", load_settings("test", ["ingest.preset=shopify"]).ingest)
    assert rows_of(read.rows, "listing_id", "category") == [
        ("a", "Tees"), ("b", "Apparel > Hats"), ("c", None), ("d", "Mugs")
    ]  # fmt: skip
    assert read.columns_mapped is not None
    assert "category = Product Category else Type" in read.columns_mapped
    renamed = write("renamed.csv", SHOPIFY_RENAMED)
    read = opened(spark, renamed, load_settings("test", ["ingest.preset=shopify"]).ingest)
    assert rows_of(read.rows, *COLUMNS[:4], "image_uri", "condition", "attributes") == [
        ("tee", "Tee", "Apparel > Tees", 12.5, "https://s.shop/1.jpg", "used",
         {"sku": "T-S", "gtin": "0012"}),
    ]  # fmt: skip
    assert _read(spark, write("woo.csv", WOOCOMMERCE), "ingest.preset=woocommerce") == [
        ("44", "Hoodie", "Clothing > Hoodies, Sale", 45.0, None, "https://w.shop/a.jpg",
         {"sku": "hoodie", "gtin": "00123", "type": "variable", "published": "1"}, []),
    ]  # fmt: skip

    german = write("woo-de.csv", WOOCOMMERCE_GERMAN)
    with pytest.raises(UsageError, match="The preset woocommerce expects this"):
        _read(spark, german, "ingest.preset=woocommerce")
    mapped = "{description: Beschreibung, category: Kategorien, price: Regulärer Preis, image_uri: Bilder}"
    assert _read(spark, german, "ingest.preset=woocommerce", f"ingest.columns={mapped}") == [
        ("44", "Mütze", "Kleidung > Mützen", 12.99, None, "https://w.shop/m.jpg", None, [])
    ]

    food = _read(spark, write("food.csv", FOOD_THROUGH_EXCEL), "ingest.preset=openfoodfacts")
    assert [(row[0], row[7]) for row in food] == [
        ("0737628064502", []),
        ("3,01762E+12", ["damaged_listing_id"]),
        ("3.01762E+12", ["damaged_listing_id"]),
    ]
    assert food[0][1:3] == ("Thai peanut noodle", "en:noodles")

    retail = (
        "ingest.columns={listing_id: id, category: categories, price: priceInfo.price, currency: "
        "priceInfo.currencyCode, image_uri: images.uri, updated_at: availableTime}"
    )
    material = "ingest.attributes={material: attributes.material.text}"
    assert _read(spark, write("retail.jsonl", json.dumps(RETAIL)), retail, material) == [
        ("12345", "Boot", "Shoes > Boots", 89.5, "EUR", "https://r.shop/b.jpg", {"material": "leather"}, [])
    ]

    labels = write("labels.csv", ",prdtypecode\n0,10\n1,2280\n")
    challenge = "ingest.columns={listing_id: _column_1, category: prdtypecode}"
    with pytest.raises(UsageError, match=r"has neither texts nor pictures, so no category can be judged by it\. Join"):
        _read(spark, labels, challenge, "ingest.updated_at=file")

    pictures = pa.array(
        [{"bytes": b"picture", "path": "1.jpg"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    fashion = {"id": [15970], "productDisplayName": ["Navy Shirt"], "articleType": ["Shirts"], "year": pa.array([None])}
    pq.write_table(pa.table({**fashion, "image": pictures}), tmp_path / "fashion.parquet")
    columns = "ingest.columns={listing_id: id, title: productDisplayName, category: articleType}"
    settings = load_settings("test", [columns, "ingest.updated_at=2024-03-02"]).ingest
    delivery = opened(spark, tmp_path / "fashion.parquet", settings)
    assert rows_of(delivery.rows, "listing_id", "title", "category", "image", "reasons") == [
        ("15970", "Navy Shirt", "Shirts", b"picture", [])
    ]

    awin = (
        "ingest.columns={listing_id: aw_product_id, title: product_name, category: merchant_category, price: "
        "search_price, image_uri: merchant_image_url, updated_at: last_updated}"
    )
    assert _read(spark, write("awin.txt", AWIN), awin, "ingest.time_format=dd/MM/yyyy HH:mm:ss") == [
        ("90001", "Boot", "Shoes", 89.0, "EUR", "https://a.shop/b.jpg", None, [])
    ]
    assert _read(spark, write("merchant.tsv", f"{MERCHANT}\n{MERCHANT_ROW}\n"), "ingest.preset=google-merchant") == [
        (
            "SKU 1",
            'A 5" pan',
            "2901",
            89.0,
            "EUR",
            "https://g.shop/p.jpg",
            {"brand": "X", "link": "https://g.shop/1"},
            [],
        )
    ]
