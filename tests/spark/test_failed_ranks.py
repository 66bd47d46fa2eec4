"""A training rank that fails, is killed or hangs: the training ends with a reason, and soon."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from schemas.errors import FailedError
from training.ranks import Limits, run_on_ranks

_CODE = """
import os
import signal
import numpy as np
import horovod.tensorflow as hvd

def fail():
    hvd.init()
    if hvd.rank() == 1:
        raise ValueError("rank 1 cannot read its rows")
    hvd.allreduce(np.ones(1))

def be_killed():
    hvd.init()
    hvd.allreduce(np.ones(1))
    if hvd.rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    hvd.allreduce(np.ones(1))

def hang(pid_file):
    hvd.init()
    hvd.allreduce(np.ones(1))
    if hvd.rank() == 1:
        with open(pid_file, "w") as file:
            file.write(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    hvd.allreduce(np.ones(1))
"""
_LIMITS = Limits(start_seconds=120, silent_seconds=1800)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of Horovod's thread
@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("fail", r"^a rank of the training failed: ValueError: rank 1 cannot read its rows$"),
        ("be_killed", r"one was killed|^a rank of the training failed: .*Horovod has been shut down"),
    ],
)
def test_a_lost_rank_ends_the_training_with_a_reason(function: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "failing.py").write_text(_CODE)
    began = time.monotonic()
    with pytest.raises(FailedError, match=reason):
        run_on_ranks(
            f"failing:{function}",
            (),
            ranks=2,
            code=str(tmp_path / "code"),
            failure=tmp_path / "failure.txt",
            heartbeat=tmp_path / "heartbeat",
            limits=_LIMITS,
        )
    assert time.monotonic() - began < 300


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of Horovod's thread
@pytest.mark.usefixtures("spark")
def test_a_rank_that_hangs_is_stopped_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "failing.py").write_text(_CODE)
    pid = tmp_path / "pid"
    with pytest.raises(FailedError, match=r"^the ranks of the training made no progress for 20 s, so they"):
        run_on_ranks(
            "failing:hang",
            (str(pid),),
            ranks=2,
            code=str(tmp_path / "code"),
            failure=tmp_path / "failure.txt",
            heartbeat=tmp_path / "heartbeat",
            limits=replace(_LIMITS, silent_seconds=20),
        )
    until = time.monotonic() + 30
    while psutil.pid_exists(int(pid.read_text())) and time.monotonic() < until:
        time.sleep(0.2)
    assert not psutil.pid_exists(int(pid.read_text()))
