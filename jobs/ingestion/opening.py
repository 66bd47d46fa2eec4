"""Opens the files of a batch for reading on the driver: on any file system, decompressed."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import zstandard
from pyspark.sql import SparkSession

from jobs.warehouse.folders import open_path
from schemas.errors import UsageError

_CHUNK = 1 << 20
_COMPRESSED_CHUNK = 1 << 14
_OPEN: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    ".gz": lambda file: cast("BinaryIO", gzip.GzipFile(fileobj=file)),
    ".bz2": lambda file: cast("BinaryIO", bz2.BZ2File(file)),
    ".zst": lambda file: cast("BinaryIO", io.BufferedReader(_ZstdFile(file), _CHUNK)),
}
"""Extension -> how to unpack. The driver does, because Spark needs Hadoop's native library for .zst."""

COMPRESSIONS = tuple(_OPEN)


def compression(path: str) -> str | None:
    """The extension of a compressed file; None if it is not compressed."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in COMPRESSIONS else None


@contextmanager
def open_file(spark: SparkSession, path: str) -> Iterator[BinaryIO]:
    """Open a file, decompressed as its extension says.

    Raises:
        UsageError: it cannot be read or decompressed.
    """
    suffix = compression(path)
    with ExitStack() as at_end:
        file = at_end.enter_context(_open_bytes(spark, path))
        if suffix is not None:
            file = at_end.enter_context(_OPEN[suffix](file))
        try:
            yield file
        except (EOFError, OSError, zstandard.ZstdError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from error


def _open_bytes(spark: SparkSession, path: str) -> BinaryIO:
    local = _local_path(path)
    if local is not None:
        return local.open("rb")
    hadoop_path, file_system = open_path(spark, path)
    size = int(file_system.getFileStatus(hadoop_path).getLen())
    return cast("BinaryIO", io.BufferedReader(_HadoopFile(file_system.open(hadoop_path), size), _CHUNK))


def _local_path(path: str) -> Path | None:
    """The path of a file on this machine; None if it is elsewhere. Hadoop writes characters of names as they are."""
    parts = urlsplit(path)
    if not parts.scheme:
        return Path(path)
    return Path(path.removeprefix("file:")) if parts.scheme == "file" and not parts.netloc else None


class _ZstdFile(io.RawIOBase):
    """Decompresses Zstandard frames. The library's own reader ends without an error where a file is cut off."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._is_whole = True
        self._ready = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Fill a part of the buffer; 0 at the end.

        Raises:
            EOFError: the file ends within a frame.
        """
        while not self._ready:
            data = self._frame.unused_data if self._frame.eof else b""
            data = data or self._source.read(_COMPRESSED_CHUNK)
            if not data:
                if not self._is_whole:
                    raise EOFError("the file is cut off")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready = self._frame.decompress(data)
            self._is_whole = self._frame.eof
        view = memoryview(buffer)
        size = min(len(view), len(self._ready))
        view[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


class _HadoopFile(io.RawIOBase):
    """A file of any file system that Spark supports."""

    def __init__(self, stream: Any, size: int) -> None:  # noqa: ANN401 - Java's own
        self._stream = stream
        self._size = size

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        """Fill the buffer; fewer bytes only at the end."""
        view = memoryview(buffer)
        data = self._stream.readNBytes(len(view))
        view[: len(data)] = data
        return len(data)

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; returns it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size}[whence]
        self._stream.seek(start + offset)
        return start + offset

    def tell(self) -> int:
        """The current place."""
        return int(self._stream.getPos())

    def close(self) -> None:
        """Close the Java stream, too."""
        self._stream.close()
        super().close()
