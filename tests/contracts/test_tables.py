"""Table declarations only gain columns and raise their version, so that earlier warehouses stay usable."""

from __future__ import annotations

import pytest

from schemas.tables import TABLES
from tests.earlier import stored_columns

STORED = stored_columns()


@pytest.mark.parametrize("name", STORED)
def test_tables_keep_their_columns_and_new_columns_raise_the_version(name: str) -> None:
    table = TABLES[name]
    assert STORED[name] - set(table.names) == set(), "a column of an earlier version is gone from schemas/tables.py"
    added = set(table.names) - STORED[name]
    assert (table.version > 1) == bool(added), f"{added} added: set Table.version in schemas/tables.py to 2"


@pytest.mark.parametrize("name", ["listings", "features"])
def test_delta_collects_statistics_only_on_narrow_columns(name: str) -> None:
    """By default it collects them on the first 32 columns, and cuts pictures and vectors into strings for it."""
    table = TABLES[name]
    types = {column.name: column.type for column in table.columns}
    counted = dict(table.properties)["delta.dataSkippingStatsColumns"].split(",")
    assert {types[column] for column in counted} <= {"STRING", "INT", "TIMESTAMP"}
    assert not set(counted) & {"title", "description", "image_uri", "image", "vector"}
