"""What runs leave in the folder of markers when they are killed at its edges."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

from filelock import FileLock

from jobs.lifecycle.starts import find_starts, forget_unmarked, mark_start

NOW = dt.datetime(2026, 3, 1, 2, 30, tzinfo=dt.UTC)


def test_what_killed_runs_left_without_a_marker_is_removed_and_running_ones_are_not_touched(tmp_path: Path) -> None:
    starts = tmp_path / "_starts"
    with mark_start(tmp_path, "train-1", "train", NOW.date(), NOW):
        for name in ("early.lock", "early.tmp", "late.lock", "about-to-write.lock", "about-to-write.tmp"):
            (starts / name).touch()
        with FileLock(starts / "about-to-write.lock"):
            forget_unmarked(tmp_path)
        left = {path.name for path in starts.iterdir()}
    assert left == {"train-1.lock", "train-1.json", "about-to-write.lock", "about-to-write.tmp"}


def test_a_run_that_starts_while_its_lock_is_removed_is_marked(tmp_path: Path) -> None:
    (tmp_path / "_starts").mkdir()
    stop = threading.Event()

    def remove() -> None:
        while not stop.is_set():
            forget_unmarked(tmp_path)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for number in range(30):
            with mark_start(tmp_path, f"train-{number}", "train", NOW.date(), NOW) as marker:
                assert [start.run_id for start in find_starts(tmp_path)] == [f"train-{number}"]
                assert (tmp_path / "_starts" / f"train-{number}.lock").exists()
                marker.remove()
    finally:
        stop.set()
        remover.join()
