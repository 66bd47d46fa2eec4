"""A training rank that fails or is killed: the training ends with a reason, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from schemas.errors import FailedError
from training.ranks import run_on_ranks

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
"""


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
            timeout_seconds=120,
        )
    assert time.monotonic() - began < 300
