"""An executor, a worker of a cluster and a rank are killed, or stand still, while they work: for `make test-all`."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from jobs.store import read_published
from schemas.tables import TABLES
from tests.crash.contents import published as read_all
from tests.end_to_end.conftest import Workspace
from tests.end_to_end.standalone import Cluster, standalone_cluster
from tests.end_to_end.test_cluster import PUBLISHED, content, submit, zipped
from tests.programs import carriers_of

pytestmark = [pytest.mark.crash, pytest.mark.end_to_end, pytest.mark.cluster, pytest.mark.timeout(1800)]

EXECUTOR = "CoarseGrainedExecutorBackend"
WORKER = "deploy.worker.Worker"
RANK = "horovod.spark.task"


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that may lose a part."""
    (tmp_path / "cluster").mkdir()
    with standalone_cluster(tmp_path / "cluster") as running:
        yield running


def found(cluster: Cluster, kind: str) -> list[psutil.Process]:
    """The processes of the cluster, and of what was submitted to it, with a word in their command lines."""
    matching = []
    for process in carriers_of(cluster.environment):
        with suppress(psutil.Error):  # ended meanwhile
            if kind in " ".join(process.cmdline()):
                matching.append(process)
    return matching


@contextmanager
def killing(
    cluster: Cluster, log: str, line: str, *victims: str, signal_: signal.Signals = signal.SIGKILL
) -> Iterator[list[str]]:
    """Send one process of each kind a signal once a line is in a log; yields the kinds."""
    killed: list[str] = []
    stop = threading.Event()

    def work() -> None:
        path = cluster.folder / log
        while not stop.wait(0.1):
            if not path.exists() or line not in path.read_text(errors="replace"):
                continue
            for victim in victims:
                running = found(cluster, victim)
                if running and victim not in killed:
                    running[0].send_signal(signal_)
                    killed.append(victim)
            if len(killed) == len(victims):
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("victims", [(EXECUTOR,), (WORKER, EXECUTOR)])
def test_a_night_that_loses_an_executor_or_a_worker_publishes_the_same(
    victims: tuple[str, ...], own_cluster: Cluster, trained: Workspace, published: Workspace, tmp_path: Path
) -> None:
    workspace = trained.copy(tmp_path)
    with killing(own_cluster, "nightly.log", "scoring", *victims) as killed:
        submit(own_cluster, zipped(tmp_path), workspace, "nightly", "--run-date", "2026-11-10")
    assert killed == list(victims)
    for name in PUBLISHED:
        here, there = (content(read_published(h.warehouse, name), TABLES[name]) for h in (workspace, published))
        assert len(there) > 0, name
        pd.testing.assert_frame_equal(here, there, check_exact=False, rtol=1e-4, atol=1e-4, obj=name)


@pytest.mark.parametrize(
    ("signal_", "reason"),
    [
        (signal.SIGKILL, "or one was killed. No model was registered|a rank of the training failed"),
        (signal.SIGSTOP, "made no progress for 20 s, so they were stopped. No model was registered"),
    ],
)
def test_a_training_that_loses_a_rank_fails_and_nothing_is_registered(
    signal_: signal.Signals, reason: str, own_cluster: Cluster, published: Workspace, tmp_path: Path
) -> None:
    workspace, before, began = published.copy(tmp_path), read_all(published.warehouse), time.monotonic()
    with (
        killing(own_cluster, "train.log", "starting 2 ranks", RANK, signal_=signal_) as killed,
        pytest.raises(AssertionError, match=reason),
    ):
        submit(own_cluster, zipped(tmp_path), workspace, "train", "--set", "train.rank_silence_seconds=20")
    assert killed == [RANK]
    assert time.monotonic() - began < 600
    until = time.monotonic() + 60
    while (left := found(own_cluster, RANK)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not left
    assert len(workspace.run("models", "list")["models"]) == 1
    assert read_all(workspace.warehouse) == before
    assert not list((workspace.path / "_work").iterdir())
