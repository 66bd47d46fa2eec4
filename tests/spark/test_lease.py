"""The lease of a warehouse at a URI: viewfs stands in for a store that several machines share."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from rich.console import Console

from conf.load import load_settings
from conf.settings import LockSettings
from jobs.console.job import Job
from jobs.lifecycle.lease import Holder, Lease, hold_lease, refuse_unsafe_store
from jobs.lifecycle.run_context import run_context
from jobs.warehouse.address import Address
from jobs.warehouse.signing import Fence
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError, UsageError
from schemas.tables import LEASE, PINS, RUNS
from tests.spark.frames import frame, rows_of
from tests.spark.lease_holder import HELD, RENEW_SECONDS, RUN_ID, mount

NOW = dt.datetime(2026, 1, 6, 3, tzinfo=dt.UTC)
NO_WAIT = LockSettings(wait_seconds=0.0, renew_seconds=RENEW_SECONDS)


@pytest.fixture
def shared(spark: SparkSession, tmp_path: Path) -> Warehouse:
    """A warehouse in a folder that only its URI names."""
    return mount(spark, str(tmp_path))


def job(warehouse: Warehouse, *overrides: str) -> Job:
    settings = load_settings("test", ["lock.wait_seconds=60", f"lock.renew_seconds={RENEW_SECONDS}", *overrides])
    return Job("nightly", settings, warehouse.address, lambda: warehouse, NOW, Console(quiet=True))


def pin(warehouse: Warehouse, name: str) -> None:
    warehouse.append(PINS, frame(warehouse.spark, PINS.ddl, (name, None, None, None)))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process with a Spark session of its own, which holds the lease."""
    words = [sys.executable, "-m", "tests.spark.lease_holder", str(tmp_path)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == HELD
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_stands_still_loses_the_lease_and_cannot_write_when_it_goes_on(
    shared: Warehouse, other: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = Holder.of_this_process("review", "review-1", NOW.date())
    held = pytest.raises(FailedError, match=rf"is held by job ingest \(process {other.pid} on .*\); only one job")
    time.sleep(8 * RENEW_SECONDS)  # It is renewed.
    with held, hold_lease(shared, me, NO_WAIT, print):
        pass
    os.kill(other.pid, signal.SIGSTOP)
    with run_context(job(shared), NOW.date()) as run:
        pin(shared, "own")
        os.kill(other.pid, signal.SIGCONT)
        said, _ = other.communicate("write\n", timeout=120)
        assert f"lost the lease of {shared.location}: job nightly (process {os.getpid()} on " in said
        assert "Nothing more is written" in said
    assert rows_of(shared.read(PINS), "job") == [("early",), ("own",)]
    runs = rows_of(shared.read(RUNS), "run_id", "status", "message")
    [killed] = [row for row in runs if row[0] == RUN_ID]
    assert killed[1] == "interrupted"
    assert f"process {other.pid} on " in killed[2]
    assert (run.run_id, "done", None) in runs
    # Every write of the run is signed with its fence; the lease has been given back.
    _, signature = next(shared.log(PINS).signatures())
    assert signature is not None
    assert (signature.run_id, signature.fence) == (run.run_id, 2)
    monkeypatch.setattr("jobs.lifecycle.lease._KEPT", 3)
    with hold_lease(shared, me, NO_WAIT, print) as former:
        assert former is None
    # From time to time, the traces of earlier leases are removed.
    assert [name for name in shared.properties(LEASE) if "lease-" in name] == ["catalog-cleaner.lease-3"]
    assert (tmp_path / LEASE.name / "_delta_log" / "_last_checkpoint").exists()


def test_a_store_in_which_commits_collide_is_tried_again(shared: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, collisions = Lease._claim, iter([PySparkException("collision"), PySparkException("collision again")])

    def colliding(lease: Lease, number: int) -> bool:
        for error in collisions:
            raise error
        return claim(lease, number)

    monkeypatch.setattr(Lease, "_claim", colliding)
    me = Holder.of_this_process("review", "review-1", NOW.date())
    with pytest.raises(PySparkException, match="collision"), hold_lease(shared, me, NO_WAIT, print):
        pass
    with hold_lease(shared, me, LockSettings(wait_seconds=60, renew_seconds=RENEW_SECONDS), print) as former:
        assert former is None


def test_delta_skips_all_writes_with_a_lower_fence(warehouse: Warehouse) -> None:
    lost, present = Fence(1, lambda: None), Fence(2, lambda: None)
    with warehouse.fences.hold(warehouse.spark, lost):
        pin(warehouse, "a")
    with warehouse.fences.hold(warehouse.spark, present):
        pin(warehouse, "b")
        warehouse.table(PINS).update("job = 'b'", {"pins": "'kept'"})
    with warehouse.fences.hold(warehouse.spark, lost):
        version = warehouse.version(PINS)
        pin(warehouse, "c")
        warehouse.overwrite(PINS, warehouse.empty(PINS))
        warehouse.replace_where(PINS, warehouse.empty(PINS), "job = 'a'")
        warehouse.table(PINS).delete("job = 'b'")
        warehouse.table(PINS).update("job = 'a'", {"pins": "'late'"})
        new = frame(warehouse.spark, PINS.ddl, ("d", None, None, None)).alias("new")
        warehouse.table(PINS).alias("old").merge(new, "old.job = new.job").whenNotMatchedInsertAll().execute()
        assert warehouse.version(PINS) == version
    with warehouse.fences.hold(warehouse.spark, present):
        warehouse.table(PINS).delete("job = 'a'")
    pin(warehouse, "e")
    assert rows_of(warehouse.read(PINS), "job", "pins") == [("b", "kept"), ("e", None)]


def test_a_store_without_atomic_commits_is_refused_unless_a_scheduler_lets_one_job_write(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for uri in ("hdfs://h/w", "abfs://c@a.dfs.core.windows.net/w", "gs://b/w", "viewfs://c/w"):
        refuse_unsafe_store(spark, Address(uri, uri=uri))
    refuse_unsafe_store(spark, Address("main.sales", schema=("main", "sales")))
    for uri, way_out in (("s3a://b/w", "S3DynamoDBLogStore"), ("oss://b/w", "another. If your scheduler")):
        with pytest.raises(UsageError, match=rf"{way_out}.*--set lock.external=true"):
            refuse_unsafe_store(spark, Address(uri, uri=uri))
    schema = Address("spark_catalog.default", schema=("spark_catalog", "default"))
    refuse_unsafe_store(spark, schema)
    found = spark.catalog.getDatabase("default")._replace(locationUri="s3a://b/default")
    monkeypatch.setattr(type(spark.catalog), "getDatabase", lambda *_: found)
    with pytest.raises(UsageError, match=r"spark_catalog.default: at s3a: .*S3DynamoDBLogStore"):
        refuse_unsafe_store(spark, schema)
    spark.conf.set("spark.delta.logStore.s3a.impl", "io.delta.storage.S3DynamoDBLogStore")
    refuse_unsafe_store(spark, Address("s3a://b/w", uri="s3a://b/w"))
    refuse_unsafe_store(spark, schema)
    spark.conf.unset("spark.delta.logStore.s3a.impl")


def test_a_run_beside_an_erasure_writes_nothing_after_it(shared: Warehouse) -> None:
    """The erasure could not see a backfill or training in progress, which then wrote what had been erased."""
    erasure, own = replace(job(shared), name="erase"), replace(job(shared), name="backfill")
    with run_context(erasure, NOW.date()):
        pass
    refused = pytest.raises(FailedError, match=r"erase-2026-01-06-\w+ has erased .* while backfill-2026-01-06-\w+ was")
    with refused, run_context(own, NOW.date(), exclusive=False) as run:
        with run.lock():
            pin(shared, "before")
        with run_context(erasure, NOW.date()):
            pass
        with run.lock():
            pin(shared, "after")
    assert rows_of(shared.read(PINS), "job") == [("before",)]
    assert (run.run_id, "failed") in rows_of(shared.read(RUNS), "run_id", "status")


def test_without_a_lease_a_run_only_signs_its_commits(shared: Warehouse) -> None:
    with run_context(job(shared, "lock.external=true"), NOW.date()) as run:
        pin(shared, "own")
    assert not shared.exists(LEASE)
    _, signature = next(shared.log(PINS).signatures())
    assert signature is not None
    assert (signature.run_id, signature.fence) == (run.run_id, None)
