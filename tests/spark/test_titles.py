"""Titles that say nothing about the product."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.spark.frames import frame
from udfs.titles import is_uninformative

_UNINFORMATIVE = (
    *("", "  N/A ", "???", "12345", "aaaa", "AaA", "Test", "test NEW", "*** Product 12 ***", "To be completed."),
    *("À compléter", "A COMPLETER", "Noch zu ergänzen!", "Sin título", "da  completare", "BEZ TYTULU", "(tbd)"),
)
_OTHERS = (
    *(None, "Test tube holder", "Robe d'été", "鞋", "New", "Lego 42100", "To be or not to be", "É 5", "Testament"),
    *("Product design book", "Name tag", "XS", "Title 21 bicycle"),
)


def test_uninformative_titles(spark: SparkSession) -> None:
    titles = frame(spark, "title string", *((title,) for title in (*_UNINFORMATIVE, *_OTHERS)))
    found = titles.where(is_uninformative(F.col("title"))).collect()
    assert sorted(row.title for row in found) == sorted(_UNINFORMATIVE)
