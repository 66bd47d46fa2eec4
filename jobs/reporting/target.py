"""The file that a page is written to: checked before the work, written whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from schemas.errors import FailedError, UsageError


def check_target(file: Path) -> None:
    """Make sure that a file can be written.

    Raises:
        UsageError: it is a folder or no plain file, its folder is not there, or may not be written to.
    """
    folder = file.resolve().parent
    if file.is_dir():
        raise UsageError(f"--html {file}: is a folder; name a file in it, such as {file / 'report.html'}.")
    if file.exists() and not file.is_file():
        raise UsageError(f"--html {file}: is not a plain file; name another one.")
    if not folder.is_dir():
        raise UsageError(f"--html {file}: there is no folder {folder}; make it, or name another file.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--html {file}: the folder {folder} may not be written to; name a file elsewhere.")


def write_whole(file: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that nobody ever reads half of it.

    Raises:
        FailedError: it cannot be written.
    """
    place = file.resolve()
    aside = place.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(place)
    except OSError as error:
        raise FailedError(f"{file} was not written: {error}.") from error
    finally:
        aside.unlink(missing_ok=True)
