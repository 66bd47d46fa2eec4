"""The log files of a command.

NAME.log has Spark's log and the traceback of an unexpected error, NAME.jsonl the events (`jobs.console.event_log`).
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from training.private_folder import private_folder

EVENTS = ".jsonl"
"""Suffix of the event log."""
_MAX_FILES = 50
"""Number of log files of each kind to keep; older ones are removed."""


def new_log_file(name: str, now: dt.datetime) -> Path:
    """Choose the log file of a command, in a folder that only this user can read. The file is not created yet.

    Args:
        name: the command.
        now: the current time, UTC.

    Raises:
        FailedError: as `private_folder`.
    """
    folder = private_folder("logs")
    for kind in (".log", EVENTS):
        for old in sorted(folder.glob(f"*{kind}"), key=lambda file: file.stat().st_mtime)[: -_MAX_FILES + 1]:
            old.unlink(missing_ok=True)
    return folder / f"{name}-{now:%Y-%m-%dT%H%M%S}-{os.getpid()}.log"
