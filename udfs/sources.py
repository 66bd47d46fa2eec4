"""Pictures behind a path or URI, read in the executors, and only under the prefixes that the settings allow."""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from pyarrow.fs import FileSystem

from schemas.reasons import ImageStatus

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def read_uri(uri: str, prefixes: tuple[str, ...], max_bytes: int) -> tuple[bytes | None, ImageStatus]:
    """Read a picture's bytes.

    What a prefix allows is what lies under it once `..`, percent-encoding and symbolic links are resolved. Of a
    remote URI only what follows the prefix is used, as a literal key: neither its host nor its query is.

    Args:
        uri: an absolute path, a `file:` URI, a URI of a remote prefix's scheme, or a path relative to a prefix
            (the first under which it stays).
        prefixes: folders: absolute paths, `file:///...`, or URIs that `pyarrow.fs.FileSystem.from_uri` knows
            (s3, gs, hdfs). None: nothing is read.
        max_bytes: a larger picture is not read.

    Returns:
        The bytes and `ok`; or None and why not: `missing` (an empty file), `too_large`, or `unreadable` (not under
        a prefix, not there, not a regular file, or the storage failed).
    """
    place = locate(uri, prefixes)
    if place is None:
        return None, ImageStatus.UNREADABLE
    try:
        with _open(*place) as stream:
            data = stream.read(max_bytes + 1)
    except Exception:  # storage of any kind raises anything at all; a picture's status must not stop a stage
        return None, ImageStatus.UNREADABLE
    if len(data) > max_bytes:
        return None, ImageStatus.TOO_LARGE
    return (data, ImageStatus.OK) if data else (None, ImageStatus.MISSING)


def locate(uri: str, prefixes: tuple[str, ...]) -> tuple[str, str] | None:
    """Where a URI is, if a prefix allows it.

    Returns:
        The remote prefix and the key below it; or an empty prefix and the resolved local path; None where no
        prefix allows it.
    """
    for prefix in prefixes:
        root = _local_path(prefix)
        place = _locate_remote(uri, prefix) if root is None else _locate_local(uri, root)
        if place is not None:
            return place
    return None


def _locate_local(uri: str, root: str) -> tuple[str, str] | None:
    path = str(Path(root) / uri) if not _SCHEME.match(uri) else _local_path(uri)
    if path is None or "\0" in path:
        return None
    real, folder = os.path.realpath(path), os.path.realpath(root)
    return ("", real) if real.startswith(folder.rstrip("/") + "/") else None


def _locate_remote(uri: str, prefix: str) -> tuple[str, str] | None:
    base = prefix.rstrip("/") + "/"
    if uri.startswith(base):
        key = uri.removeprefix(base)
    elif not _SCHEME.match(uri) and not uri.startswith("/"):
        key = uri
    else:
        return None
    segments = {*key.split("/"), *unquote(key).split("/"), *unquote(unquote(key)).split("/")}
    return None if segments & {"", ".", ".."} else (base, key)


def _local_path(uri: str) -> str | None:
    """The path of an absolute path or `file:` URI; None for any other."""
    if uri.startswith("/"):
        return uri
    if not uri.lower().startswith("file:"):
        return None
    parts = urlsplit(uri)
    plain = parts.netloc in ("", "localhost") and not parts.query and not parts.fragment
    return unquote(parts.path) if plain and parts.path.startswith("/") else None


def _open(prefix: str, path: str) -> BinaryIO:
    if prefix:
        storage, base = _storage(prefix)
        return cast("BinaryIO", storage.open_input_stream(f"{base.rstrip('/')}/{path}"))
    # A link put there since, a pipe or a device is not read.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path} is not a regular file")
    return os.fdopen(handle, "rb")


@lru_cache(maxsize=16)
def _storage(prefix: str) -> tuple[FileSystem, str]:
    return cast("tuple[FileSystem, str]", FileSystem.from_uri(prefix))
