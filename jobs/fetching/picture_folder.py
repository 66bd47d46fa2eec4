"""The folder of fetched pictures: on this machine, or at a URI that pyarrow knows (`udfs.fetched_pictures`)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from secrets import token_hex

from pyarrow.fs import FileSelector, FileType

from schemas.errors import UsageError
from schemas.reasons import ImageStatus
from udfs.fetched_pictures import STATUS, fetched_name
from udfs.object_stores import open_store

_BEGUN = ".new"
"""End of the names of files that are being written."""
_ABANDONED = dt.timedelta(days=1)
"""Age from which a file that is being written belongs to a run that was killed."""
_NAME = re.compile(rf"[0-9a-f]{{64}}(\{STATUS})?")


class PictureFolder:
    """A folder of fetched pictures. Threads may share it."""

    def __init__(self, folder: str) -> None:
        """Open the folder, which need not exist.

        Args:
            folder: an absolute path or a URI.

        Raises:
            UsageError: pyarrow cannot write to such a URI.
        """
        try:
            self._store, base = open_store(folder)
        except Exception as error:  # of pyarrow or of the client of a store
            raise _cannot_be_kept(folder, error) from error
        self._folder = folder
        self._base = base.rstrip("/")
        self._made: set[str] = set()

    def prepare(self) -> None:
        """Make the folder, with a file in it: readers take an empty folder for one that is not mounted.

        Raises:
            UsageError: it cannot be written.
        """
        try:
            self._store.get_file_info(self._base)  # asks once; making a folder asks Google's store many times
            self._store.create_dir(self._base, recursive=True)
            self._write(
                "README", b"Pictures that `catalog-cleaner fetch-pictures` has fetched; see docs/pictures.md.\n"
            )
        except OSError as error:
            raise _cannot_be_kept(self._folder, error) from error

    def read(self, uri: str) -> bytes | None:
        """The picture that has been fetched from a URI; None if there is none."""
        path = f"{self._base}/{fetched_name(uri)}"
        if self._store.get_file_info(path).type != FileType.File:
            return None
        with self._store.open_input_stream(path) as stream:
            return bytes(stream.read())

    def keep(self, uri: str, data: bytes) -> None:
        """Keep the picture of a URI."""
        name = fetched_name(uri)
        self._write(name, data)
        self._delete(f"{name}{STATUS}")

    def mark(self, uri: str, status: ImageStatus) -> None:
        """Keep the status of a URI at which there is no picture that can be used."""
        self._write(f"{fetched_name(uri)}{STATUS}", status.value.encode())

    def names(self) -> list[str]:
        """The SHA-256 of all URIs of which there is a picture or a status."""
        found = self._store.get_file_info(FileSelector(self._base, allow_not_found=True, recursive=True))
        names = (each.base_name for each in found if each.type == FileType.File)
        return sorted({name.removesuffix(STATUS) for name in names if _NAME.fullmatch(name)})

    def delete(self, names: Iterable[str]) -> None:
        """Delete pictures and statuses.

        Args:
            names: the SHA-256 of their URIs.
        """
        for name in names:
            self._delete(f"{name[:2]}/{name}")
            self._delete(f"{name[:2]}/{name}{STATUS}")

    def delete_abandoned(self, now: dt.datetime) -> None:
        """Delete what killed runs have begun to write."""
        for each in self._store.get_file_info(FileSelector(self._base, allow_not_found=True, recursive=True)):
            if each.base_name.endswith(_BEGUN) and each.mtime < now - _ABANDONED:
                self._store.delete_file(each.path)

    def _write(self, name: str, data: bytes) -> None:
        """Write a file that others see only as a whole."""
        path = f"{self._base}/{name}"
        parent = path.rsplit("/", 1)[0]
        if parent not in self._made:
            self._store.create_dir(parent, recursive=True)
            self._made.add(parent)
        begun = f"{path}.{token_hex(4)}{_BEGUN}"
        with self._store.open_output_stream(begun) as stream:
            stream.write(data)
        self._store.move(begun, path)

    def _delete(self, name: str) -> None:
        path = f"{self._base}/{name}"
        if self._store.get_file_info(path).type == FileType.File:
            self._store.delete_file(path)


def _cannot_be_kept(folder: str, error: Exception) -> UsageError:
    return UsageError(
        f"fetched pictures cannot be kept in {folder}: {error}. Set fetch.folder to an absolute path or to a URI of "
        "s3, gs or hdfs. A store is reached with what the machine's environment says, such as AWS_ACCESS_KEY_ID, "
        "AWS_ENDPOINT_URL or GOOGLE_APPLICATION_CREDENTIALS, and not with Spark's settings (docs/pictures.md)."
    )
