from __future__ import annotations

from pathlib import Path

import horovod.spark
import pytest

from schemas.errors import FailedError
from training.ranks import run_on_ranks


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, r"the 2 ranks of the training did not all start within 7 s.*increase train.start_timeout_seconds"),
        ("ValueError: no rows", "a rank of the training failed: ValueError: no rows"),
    ],
)
def test_failed_ranks_give_a_reason(
    written: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = tmp_path / "failure"

    def run(*_: object, **__: object) -> None:
        if written is not None:
            failure.write_text(written, encoding="utf-8")
        raise RuntimeError("Some threads for func _exec_command did not complete successfully.")

    monkeypatch.setattr(horovod.spark, "run", run)
    with pytest.raises(FailedError, match=expected):
        run_on_ranks("a:b", (), ranks=2, code="code.zip", failure=failure, timeout_seconds=7)
