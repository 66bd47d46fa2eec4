"""A publication names the versions that its own run has made, also if another program has written since."""

from __future__ import annotations

import datetime as dt

import pytest

from jobs.lifecycle.pins import Pins, table_versions
from jobs.lifecycle.publish import Slice, publish
from jobs.warehouse.signing import signed
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError
from schemas.tables import METRIC_DEFINITIONS, REVIEW_DECISIONS, SELLERS
from tests.spark.frames import frame

DAY = dt.date(2026, 3, 1)
PINS = Pins("7", 3, 4, None, None)
NIGHT, OTHER = "nightly-2026-03-01-1", "nightly-2026-03-01-2"


def test_versions_are_those_of_the_run_s_own_commits(warehouse: Warehouse) -> None:
    spark = warehouse.spark
    seller = frame(spark, SELLERS.ddl, ("s-1", 1, 0.1, 0.0, 0.2, OTHER, DAY, None, None, None, None))
    with signed(spark, NIGHT):
        # A write that changes no row is a commit, too.
        publish(warehouse, Slice("nightly", NIGHT, DAY), {"sellers": warehouse.empty(SELLERS)})
    with signed(spark, OTHER):
        warehouse.append(SELLERS, seller)
    warehouse.append(SELLERS, seller)
    warehouse.create(METRIC_DEFINITIONS)
    warehouse.create(REVIEW_DECISIONS)
    signers = [(version, found and found.run_id) for version, found in warehouse.log(SELLERS).signatures()]
    assert signers == [(3, None), (2, OTHER), (1, NIGHT), (0, NIGHT)]
    assert warehouse.log(SELLERS).own_version(NIGHT) == 1
    # Tables that the run has only read have the pinned or the current version.
    versions = {"listings": 3, "taxonomy": 4, "sellers": 1, "metric_definitions": 0}
    assert table_versions(warehouse, PINS, NIGHT, ["sellers"]) == versions
    with pytest.raises(FailedError, match="nothing was published: table sellers has no commit of nightly-2026-03-02-1"):
        table_versions(warehouse, PINS, "nightly-2026-03-02-1", ["sellers"])
