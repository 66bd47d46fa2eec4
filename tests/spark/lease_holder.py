"""A process that holds the lease of a warehouse, and writes again when it is told to: see test_lease.py."""

from __future__ import annotations

import datetime as dt
import re
import sys

from pyspark.sql import SparkSession

from conf.load import load_settings
from conf.settings import LockSettings
from jobs.lifecycle.lease import Holder, hold_lease
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import Warehouse, open_warehouse
from schemas.errors import FailedError
from schemas.tables import PINS
from tests.spark.frames import frame

RENEW_SECONDS = 0.5
HELD = "held"
RUN_ID = "ingest-2026-01-05-b0b0b0"


def mount(spark: SparkSession, folder: str) -> Warehouse:
    """The warehouse in a folder that only its URI names."""
    host = re.sub(r"\W|_", "", folder)
    spark.conf.set(f"fs.viewfs.mounttable.{host}.link./tables", f"file://{folder}")
    return open_warehouse(spark, f"viewfs://{host}/tables")


def main(folder: str) -> None:
    """Hold the lease of the warehouse in a folder; report on standard output, and read commands from standard input."""
    spark = open_session(load_settings("test").spark, "holder")
    warehouse = mount(spark, folder)
    own = Holder.of_this_process("ingest", RUN_ID, dt.date(2026, 1, 5))
    try:
        with hold_lease(warehouse, own, LockSettings(renew_seconds=RENEW_SECONDS), _say):
            warehouse.append(PINS, frame(spark, PINS.ddl, ("early", None, None, None)))
            _say(HELD)
            sys.stdin.readline()
            warehouse.append(PINS, frame(spark, PINS.ddl, ("late", None, None, None)))
    except FailedError as error:
        _say(str(error))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
