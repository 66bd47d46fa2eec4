"""Opens the file systems of absolute paths and URIs with pyarrow."""

from __future__ import annotations

import re
from typing import cast

from pyarrow.fs import FileSystem

_S3A = re.compile(r"^s3a(?=://)")  # Hadoop's name of the scheme s3
_GOOGLE = re.compile(r"^(gs|gcs)://")
_LIMIT = "retry_limit_seconds"
_LIMIT_SECONDS = 60
"""Otherwise Google's client tries for 15 minutes, also where there are no credentials."""


def plain_scheme(uri: str) -> str:
    """The URI with the scheme by which pyarrow knows it."""
    return _S3A.sub("s3", uri)


def open_store(uri: str) -> tuple[FileSystem, str]:
    """Open the file system of a path or URI; nothing is asked of it yet.

    Args:
        uri: an absolute path, `file:///...`, or a URI that `pyarrow.fs.FileSystem.from_uri` knows (s3, gs, hdfs), or
            s3a, which is the same as s3. One of gs may name `retry_limit_seconds` itself.

    Returns:
        The file system, and the path in it.

    Raises:
        Exception: of pyarrow or of the client of a store: there is no such file system.
    """
    uri = plain_scheme(uri)
    if _GOOGLE.match(uri) and _LIMIT not in uri:
        uri = f"{uri}{'&' if '?' in uri else '?'}{_LIMIT}={_LIMIT_SECONDS}"
    return cast("tuple[FileSystem, str]", FileSystem.from_uri(uri))
