from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import horovod.spark
import pyspark
import pytest

from schemas.errors import FailedError
from training.blocks import blocks
from training.heartbeat import Heartbeat
from training.ranks import Limits, run_on_ranks


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], list[int]], int], list[Any]]:
    """Runs a function in place of two ranks; how long they may make no progress is given in seconds."""

    def run_instead(ranks: Callable[[], list[int]], silent_seconds: int = 1800) -> list[Any]:
        monkeypatch.setattr(horovod.spark, "run", lambda *_, **__: ranks())
        files = {"failure": tmp_path / "failure", "heartbeat": tmp_path / "heartbeat"}
        return run_on_ranks("a:b", (), ranks=2, code="code.zip", limits=Limits(7, silent_seconds), **files)

    return run_instead


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, r"the 2 ranks of the training did not all start within 7 s.*increase train.start_timeout_seconds"),
        ("ValueError: no rows", "a rank of the training failed: ValueError: no rows"),
    ],
)
def test_failed_ranks_give_a_reason(written: str | None, expected: str, tmp_path: Path, run: Any) -> None:  # noqa: ANN401
    def fail() -> list[int]:
        if written is not None:
            (tmp_path / "failure").write_text(written, encoding="utf-8")
        raise RuntimeError("Some threads for func _exec_command did not complete successfully.")

    with pytest.raises(FailedError, match=expected):
        run(fail)


def test_ranks_are_stopped_when_they_make_no_progress(
    tmp_path: Path,
    run: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = threading.Event()
    context = SimpleNamespace(cancelAllJobs=stopped.set)
    monkeypatch.setattr(pyspark.SparkContext, "getOrCreate", lambda: context)
    heartbeat = Heartbeat()
    heartbeat.start(tmp_path / "heartbeat")
    seconds: list[float] = []

    def work_then_hang() -> list[int]:
        began = time.monotonic()
        while time.monotonic() - began < 2.5:
            heartbeat.beat()
            assert not stopped.wait(0.1)
        assert stopped.wait(30)
        seconds.append(time.monotonic() - began)
        raise RuntimeError("Some threads for func _exec_command did not complete successfully.")

    with pytest.raises(FailedError, match=r"made no progress for 2 s.* increase train.rank_silence_seconds"):
        run(work_then_hang, 2)
    assert 3.4 < seconds[0] < 15


def test_ranks_that_end_are_not_stopped(run: Any) -> None:  # noqa: ANN401
    assert run(lambda: [1, 2]) == [1, 2]


def test_the_handlers_of_signals_are_those_from_before(run: Any) -> None:  # noqa: ANN401
    """Horovod sets its own, and they would ignore Ctrl-C and SIGTERM for the rest of the command."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    def as_horovod() -> list[int]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        return []

    run(as_horovod)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_each_block_of_rows_is_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "heartbeat"
    heartbeat = Heartbeat()
    monkeypatch.setattr("training.blocks.HEARTBEAT", heartbeat)
    assert len(list(blocks(list(range(9000))))) == 2  # type: ignore[arg-type]
    assert not file.exists()
    heartbeat.start(file)
    next(blocks(list(range(9000))))  # type: ignore[arg-type]
    assert file.exists()
