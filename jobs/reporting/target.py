"""Checks the output file of the page before the work starts, and writes it atomically."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from schemas.errors import FailedError, UsageError


def check_target(file: Path) -> None:
    """Make sure that a file can be written.

    Raises:
        UsageError: it is a folder or not a regular file, or its folder does not exist or is not writable.
    """
    folder = file.resolve().parent
    if file.is_dir():
        raise UsageError(f"--html {file}: is a folder; give a file in it, such as {file / 'report.html'}.")
    if file.exists() and not file.is_file():
        raise UsageError(f"--html {file}: is not a regular file; give another one.")
    if not folder.is_dir():
        raise UsageError(f"--html {file}: there is no folder {folder}; create it or give another file.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--html {file}: the folder {folder} is not writable; give a file in another folder.")


def write_atomically(file: Path, text: str) -> None:
    """Write a temporary file in the same folder and rename it, so that no process reads an incomplete file.

    Raises:
        FailedError: the file cannot be written.
    """
    target = file.resolve()
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except OSError as error:
        raise FailedError(f"{file} was not written: {error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
