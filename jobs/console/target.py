"""Checks the file that a command is asked to write before the work starts, and writes it atomically."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from schemas.errors import FailedError, UsageError


def check_target(file: Path, option: str, example: str) -> None:
    """Make sure that a file can be written. Call it before Spark starts.

    Args:
        file: the file to write.
        option: the option that names it.
        example: a file name to propose to someone who gave a folder.

    Raises:
        UsageError: it is a folder or not a regular file, or its folder does not exist or is not writable.
    """
    folder = file.resolve().parent
    if file.is_dir():
        raise UsageError(f"{option} {file}: is a folder; give a file in it, such as {file / example}.")
    if file.exists() and not file.is_file():
        raise UsageError(f"{option} {file}: is not a regular file; give another one.")
    if not folder.is_dir():
        raise UsageError(f"{option} {file}: there is no folder {folder}; create it or give another file.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{option} {file}: the folder {folder} is not writable; give a file in another folder.")


@contextmanager
def written_atomically(file: Path) -> Iterator[TextIO]:
    """Open a temporary file in the same folder, and rename it at the end, so that nobody reads an incomplete file.

    If the block fails, the file stays as it was.

    Raises:
        FailedError: the file cannot be written.
    """
    target = file.resolve()
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            yield out
        temporary.replace(target)
    except OSError as error:
        raise FailedError(f"{file} was not written: {error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
