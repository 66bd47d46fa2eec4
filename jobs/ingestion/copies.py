"""Copies of files in a form that Spark can read, at a place that all its machines see."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import TextIO

from jobs.lifecycle.run_context import STAGED_ARCHIVES
from jobs.warehouse.folders import delete_folder, upload
from jobs.warehouse.sql import safe_name
from jobs.warehouse.staged_names import STAGING_FOLDER
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError

COPIES_OF_INGEST = f"{STAGED_ARCHIVES}files"
"""Name of the folder of an ingest, which reads the files before it locks the warehouse. Like a staged archive, it is
removed by no other run but `maintain`."""


class Copies:
    """A place for copies.

    Attributes:
        name: name of their folder in the warehouse.

    Args:
        local: a folder of this machine.
        warehouse: where Spark's other machines find the copies; None: Spark runs on this machine alone.
        name: beginning of the name of their folder in the warehouse.
    """

    def __init__(self, local: Path, warehouse: Warehouse | None, name: str) -> None:
        self._local = local
        self._warehouse = warehouse
        self.name = safe_name(f"{name}_{token_hex(3)}")
        self._count = 0

    @contextmanager
    def write(self, name: str) -> Iterator[tuple[str, TextIO]]:
        """Write a copy in UTF-8: its path, and the file to write. The path can be read after the block.

        Args:
            name: its name; the line ends that are written are kept.

        Raises:
            UsageError: there is no place that all machines see.
        """
        self._count += 1
        file = self._local / f"{self._count}-{name}"
        path = str(file) if self._warehouse is None else self._shared(self._warehouse, file.name)
        with file.open("w", encoding="utf-8", newline="") as out:
            yield path, out
        if self._warehouse is not None:
            upload(self._warehouse.spark, file, path)

    def remove(self) -> None:
        """Remove the copies from the warehouse."""
        if self._warehouse is not None and (folder := self._folder(self._warehouse)) is not None:
            delete_folder(self._warehouse.spark, folder)

    def _folder(self, warehouse: Warehouse) -> str | None:
        return warehouse.address.path(f"{STAGING_FOLDER}/{self.name}")

    def _shared(self, warehouse: Warehouse, name: str) -> str:
        folder = self._folder(warehouse)
        if folder is None:
            raise UsageError(
                f"{name} must be UTF-8 and not compressed: a copy would be needed, and a warehouse in a catalogue has "
                "no folder for it."
            )
        return f"{folder}/{name}"


@contextmanager
def open_copies(warehouse: Warehouse, name: str) -> Iterator[Copies]:
    """A place for copies during a block; they are deleted at its end.

    Args:
        warehouse: the warehouse.
        name: beginning of the name of their folder in it, should it be needed.
    """
    is_local = str(warehouse.spark.sparkContext.master).startswith("local")
    with tempfile.TemporaryDirectory(prefix="catalog-cleaner-") as folder:
        copies = Copies(Path(folder), None if is_local else warehouse, name)
        try:
            yield copies
        finally:
            copies.remove()
