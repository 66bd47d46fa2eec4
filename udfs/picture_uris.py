"""Read pictures from paths and URIs in executors, only below the prefixes that the settings allow."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from pyarrow.fs import FileType

from schemas.reasons import ImageStatus
from udfs.fetched_pictures import FETCHED, STATUS, fetched_name, is_http
from udfs.object_stores import open_store, plain_scheme

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SLOW_SECONDS = 1.0
_FAILURES = 3
_PAUSE_SECONDS = 60.0
_MOST_STATUS_BYTES = 100


def read_uri(uri: str, prefixes: tuple[str, ...], max_bytes: int) -> tuple[bytes | None, ImageStatus]:
    """Read the bytes of a picture.

    A prefix allows everything below it, after `..`, percent-encoding and symbolic links are resolved. Of a remote URI
    only the part after the prefix is used, as a literal key; host and query are not interpreted.

    There are no retries here, because the clients of remote stores already retry, for up to two minutes a picture. If
    three reads in a row have taken more than a second and failed, the store is left alone for a minute, and what would
    be read in it is `unreadable` at once. So a store that is away costs a worker minutes, however many pictures it has.

    Args:
        uri: an absolute path, a `file:` URI, a URI with the scheme of a remote prefix, or a path relative to a prefix
            (the first prefix that it stays below).
        prefixes: folders: absolute paths, `file:///...`, or URIs that `udfs.object_stores` opens. If there are none,
            nothing is read. One may begin with `fetched:` (`udfs.fetched_pictures`): it allows all http and https
            URIs. No server is asked.
        max_bytes: larger pictures are not read.

    Returns:
        The bytes and `ok`; or None and the reason:

        - `not_allowed`: the URI is not below any prefix.
        - `not_found`: the store answers but has no such file (or it is a folder, a pipe or a device, or the name is too
          long for a file).
        - `missing`: the file is empty.
        - `too_large`: the file has more than `max_bytes`.
        - `not_fetched`: it is an http or https URI, and there is a prefix for these, but it has not been fetched. If
          it has been, without success, the status is what the server has said.
        - `unreadable`: any other error, such as a time-out or a missing permission; also if the folder of the prefix
          is missing or empty, as when a store is not mounted. A later read may succeed.
    """
    if is_http(uri):
        return _read_fetched(uri, prefixes, max_bytes)
    location = locate(uri, prefixes)
    if location is None:
        return None, ImageStatus.NOT_ALLOWED
    if _pauses.is_paused(location[0]):
        return None, ImageStatus.UNREADABLE
    began = time.monotonic()
    try:
        with _open(*location) as stream:
            data = stream.read(max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None, ImageStatus.NOT_FOUND if _is_available(location[0]) else ImageStatus.UNREADABLE
    except Exception as error:  # stores raise errors of any type, and one picture must not fail a stage
        _pauses.note_failure(location[0], began)
        too_long = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
        return None, ImageStatus.NOT_FOUND if too_long else ImageStatus.UNREADABLE
    _pauses.note_answer(location[0])
    if len(data) > max_bytes:
        return None, ImageStatus.TOO_LARGE
    return (data, ImageStatus.OK) if data else (None, ImageStatus.MISSING)


def _read_fetched(uri: str, prefixes: tuple[str, ...], max_bytes: int) -> tuple[bytes | None, ImageStatus]:
    """As `read_uri`, of an http or https URI."""
    folder = next((prefix.removeprefix(FETCHED) for prefix in prefixes if prefix.startswith(FETCHED)), None)
    if folder is None:
        return None, ImageStatus.NOT_ALLOWED
    if not folder:
        return None, ImageStatus.NOT_FETCHED
    data, status = read_uri(fetched_name(uri), (folder,), max_bytes)
    if status != ImageStatus.NOT_FOUND:
        return data, status
    said, status = read_uri(f"{fetched_name(uri)}{STATUS}", (folder,), _MOST_STATUS_BYTES)
    if status == ImageStatus.UNREADABLE:
        return None, status
    known = said is not None and said.decode(errors="replace") in list(ImageStatus)
    return None, ImageStatus(said.decode()) if said is not None and known else ImageStatus.NOT_FETCHED


def locate(uri: str, prefixes: tuple[str, ...]) -> tuple[str, str] | None:
    """Find the prefix that allows a URI.

    Returns:
        A remote prefix and the key below it; or a local folder and the file's path, both absolute and resolved; or
        None if no prefix allows the URI.
    """
    for prefix in prefixes:
        if prefix.startswith(FETCHED):
            continue
        root = _local_path(prefix)
        location = _locate_remote(uri, prefix) if root is None else _locate_local(uri, root)
        if location is not None:
            return location
    return None


def _locate_local(uri: str, root: str) -> tuple[str, str] | None:
    path = str(Path(root) / uri) if not _SCHEME.match(uri) else _local_path(uri)
    if path is None or "\0" in path:
        return None
    real, folder = os.path.realpath(path), os.path.realpath(root)
    return (folder, real) if real.startswith(folder.rstrip("/") + "/") else None


def _locate_remote(uri: str, prefix: str) -> tuple[str, str] | None:
    base = plain_scheme(prefix).rstrip("/") + "/"
    uri = plain_scheme(uri)
    if uri.startswith(base):
        key = uri.removeprefix(base)
    elif not _SCHEME.match(uri) and not uri.startswith("/"):
        key = uri
    else:
        return None
    segments = {*key.split("/"), *unquote(key).split("/"), *unquote(unquote(key)).split("/")}
    return None if segments & {"", ".", ".."} else (base, key)


def _local_path(uri: str) -> str | None:
    """The path that an absolute path or `file:` URI names; None for any other URI."""
    if uri.startswith("/"):
        return uri
    if not uri.lower().startswith("file:"):
        return None
    parts = urlsplit(uri)
    plain = parts.netloc in ("", "localhost") and not parts.query and not parts.fragment
    return unquote(parts.path) if plain and parts.path.startswith("/") else None


def _open(prefix: str, path: str) -> BinaryIO:
    if not prefix.startswith("/"):
        storage, base = _storage(prefix)
        return cast("BinaryIO", storage.open_input_stream(f"{base.rstrip('/')}/{path}"))
    # A symbolic link created after the check is not followed, and opening a pipe does not block.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(f"{path} is not a regular file")
    return os.fdopen(handle, "rb")


def _is_available(prefix: str) -> bool:
    """Whether the folder of a prefix exists and is not empty."""
    try:
        if not prefix.startswith("/"):
            storage, base = _storage(prefix)
            return bool(storage.get_file_info(base.rstrip("/")).type != FileType.NotFound)
        with os.scandir(prefix) as entries:
            return next(entries, None) is not None
    except Exception:  # as in `read_uri`: a store that fails is not available
        return False


_storage = lru_cache(maxsize=16)(open_store)


class _Pauses:
    """The stores that have stopped answering, in this worker process."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def is_paused(self, prefix: str) -> bool:
        """Whether the store is to be left alone now. After a pause one read that fails is enough for another."""
        return time.monotonic() < self._until.get(prefix, 0.0)

    def note_failure(self, prefix: str, began: float) -> None:
        """A read that began then has failed. A quick failure, such as a missing permission, is an answer."""
        now = time.monotonic()
        if now - began < _SLOW_SECONDS:
            return
        self._failures[prefix] = self._failures.get(prefix, 0) + 1
        if self._failures[prefix] >= _FAILURES:
            self._until[prefix] = now + _PAUSE_SECONDS

    def note_answer(self, prefix: str) -> None:
        """The store has answered."""
        self._failures.pop(prefix, None)


_pauses = _Pauses()
