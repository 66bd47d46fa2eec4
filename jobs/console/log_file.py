"""The log file of a command: Spark's log, and the traceback of a failure that nobody foresaw."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from training.private_folder import private_folder

_KEPT = 50
"""Log files that are kept; older ones are removed."""


def new_log_file(name: str, now: dt.datetime) -> Path:
    """The log file of a command that starts now, in a folder that only this user can read; nothing is written yet.

    Args:
        name: the command.
        now: UTC.

    Raises:
        FailedError: as `private_folder`.
    """
    folder = private_folder("logs")
    for old in sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime)[: -_KEPT + 1]:
        old.unlink(missing_ok=True)
    return folder / f"{name}-{now:%Y-%m-%dT%H%M%S}-{os.getpid()}.log"
