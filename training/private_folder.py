"""A folder for temporary files that no other user of the machine can read or create in advance."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from schemas.errors import FailedError


def private_folder(*parts: str) -> Path:
    """A folder below the system's temporary folder that only this user can read; created if it does not exist.

    Raises:
        FailedError: a part of the path belongs to another user, or is not a folder.
    """
    folder = Path(tempfile.gettempdir()) / f"catalog-cleaner-{os.getuid()}"
    for step in ("", *parts):
        folder = folder / step
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise FailedError(
                f"{folder} belongs to another user or is a link: remove it, or set TMPDIR to your own folder."
            )
        folder.chmod(0o700)
    return folder
