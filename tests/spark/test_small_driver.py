"""No step collects data that grows with the catalogue."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_driver_that_may_collect_a_megabyte_is_enough_for_a_large_catalogue() -> None:
    """Runs in its own process, because the limit is set when a session starts."""
    root = Path(__file__).parents[2]
    words = [sys.executable, "-m", "tests.spark.small_driver"]
    result = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
