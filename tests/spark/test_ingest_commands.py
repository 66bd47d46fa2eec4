"""Every command in the table "your file, and what to type" of docs/ingest.md does what it says, on a small file."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from conf.load import load_settings
from jobs.cli import app
from tests.spark import test_ingest_forms as forms

PAGE = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("| your file | what to type |\n")[2].partition("\n\n")[0]
COMMANDS = re.findall(r"`catalog-cleaner (ingest .*?)`", TABLE)
TEXTS = {
    "products.csv": "sku,name,modified\n007,Boot,2024-03-02\n",
    "timeless.csv": "listing_id,title\n1,Boot\n",
    "times.csv": "listing_id,title,updated_at\n1,Boot,02.03.2024 04:05\n",
    "products_export.csv": forms.SHOPIFY_VARIANTS,
    "wc-products.csv": forms.WOOCOMMERCE,
    "feed.tsv": f"{forms.MERCHANT}\n{forms.MERCHANT_ROW}\n",
    "food.csv": forms.FOOD_THROUGH_EXCEL,
    "retail.jsonl": json.dumps(forms.RETAIL),
    "pictures.csv": "listing_id,image_uri,updated_at\n1,/srv/pictures/a.jpg,2024-03-02\n",
    "urls.csv": "listing_id,image_uri,updated_at\n1,https://cdn.example.com/a.jpg,2024-03-02\n",
    "paths.csv": "listing_id,title,category,updated_at\n1,Boot,Shoes/Boots,2024-03-02\n",
    "renamed.csv": "listing_id,title,category,updated_at\n1,Boot,Stiefel,2024-03-02\n2,Hat,Hut,2024-03-02\n",
    "taxonomy.csv": "category\nboots\n",
    "aliases.csv": "alias,category\nStiefel,boots\n",
}
FIRST: dict[str, tuple[str | None, ...]] = {
    "products.csv": ("007", "Boot", None, None, None),
    "timeless.csv": ("1", "Boot", None, None, None),
    "times.csv": ("1", "Boot", None, None, None),
    "artikel.csv": ("7", "Mütze", None, "1234.5", None),
    "products_export.csv": ("tee", "Plain Tee", "Apparel & Accessories > Clothing", "12.5", "https://s.shop/1.jpg"),
    "wc-products.csv": ("44", "Hoodie", "Clothing > Hoodies, Sale", "45.0", "https://w.shop/a.jpg"),
    "feed.tsv": ("SKU 1", 'A 5" pan', "2901", "89.0 EUR", "https://g.shop/p.jpg"),
    "food.csv": ("0737628064502", "Thai peanut noodle", "en:noodles", None, None),
    "fashion.parquet": ("15970", "Navy Shirt", "Shirts", None, "7 bytes"),
    "retail.jsonl": ("12345", "Boot", "Shoes > Boots", "89.5 EUR", "https://r.shop/b.jpg"),
    "tables/products": ("1", "first", None, None, None),
    "pictures.csv": ("1", None, None, None, "/srv/pictures/a.jpg"),
    "urls.csv": ("1", None, None, None, "https://cdn.example.com/a.jpg"),
    "paths.csv": ("1", "Boot", "Shoes/Boots", None, None),
    "renamed.csv": ("1", "Boot", "Stiefel", None, None),
}
"""File -> listing_id, title, category, price and picture of its first row."""
SHOWN: dict[str, Callable[[dict[str, Any]], bool]] = {
    "times.csv": lambda found: found["first_rows"][0]["updated_at"] == "2024-03-02 04:05:00",
    "food.csv": lambda found: [row["reason"] for row in found["quarantined"]] == ["damaged_listing_id"],
    "paths.csv": lambda found: found["categories added"] == [{"category": "Shoes > Boots", "rows": 1}],
    "renamed.csv": lambda found: [c["category"] for c in found["categories that the taxonomy lacks"]] == ["Hut"],
}
"""What else a dry run shows."""


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small file for each row of the table."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    article = "Artikelnummer;Bezeichnung;Preis\n7;Mütze;1.234,50\n"
    (folder / "artikel.csv").write_text(article, encoding="windows-1252")
    picture = pa.array([{"bytes": b"picture", "path": "1"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    fashion = {"id": [15970], "productDisplayName": ["Navy Shirt"], "articleType": ["Shirts"], "image": picture}
    pq.write_table(pa.table(fashion), folder / "fashion.parquet")
    for title in ("first", "second"):
        row = spark.createDataFrame([("1", title, "2024-03-02")], "listing_id string, title string, updated_at string")
        row.write.format("delta").mode("overwrite").save(str(folder / "tables/products"))
    return folder


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[1])
def test_a_command_of_the_table_reads_its_file(command: str, folder: Path) -> None:
    words = shlex.split(command)
    # Spark's own folder stays the one in which it was started.
    given = [str(folder / word) if (folder / word).exists() else word for word in words]
    before = sorted(folder.rglob("*"))
    result = CliRunner().invoke(app, [*given, "--dry-run", "--json", "--profile", "test"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    (first, *_) = found["first_rows"]
    assert tuple(first[name] for name in ("listing_id", "title", "category", "price", "picture")) == FIRST[words[1]]
    if words[1] in SHOWN:
        assert SHOWN[words[1]](found), found
    assert sorted(folder.rglob("*")) == before


def test_the_table_has_a_row_for_every_file_and_its_other_commands_have_settings_that_exist() -> None:
    assert {command.split()[1] for command in COMMANDS} == set(FIRST)
    (others,) = re.findall(r"`catalog-cleaner fetch-pictures --set (.*?)`", TABLE)
    assert load_settings("local", shlex.split(others)).fetch.hosts == ("cdn.example.com",)
