"""The reason why a training rank has failed reaches the user."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import FailedError
from training.ranks import run_on_ranks

_CODE = """
import numpy as np
import horovod.tensorflow as hvd

def fail():
    hvd.init()
    if hvd.rank() == 1:
        raise ValueError("rank 1 cannot read its rows")
    hvd.allreduce(np.ones(1))
"""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of Horovod's thread
@pytest.mark.usefixtures("spark")
def test_a_failed_rank_reports_the_reason(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "failing.py").write_text(_CODE)
    with pytest.raises(FailedError, match=r"^a rank of the training failed: ValueError: rank 1 cannot read its rows$"):
        run_on_ranks(
            "failing:fail",
            (),
            ranks=2,
            code=str(tmp_path / "code"),
            failure=tmp_path / "failure.txt",
            timeout_seconds=120,
        )
