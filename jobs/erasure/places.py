"""Searches a whole warehouse: all files of a local folder; elsewhere the tables, which are copied here one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

from jobs.erasure.exports import is_clearable
from jobs.erasure.names import Names
from jobs.erasure.search import CUT_OFF, Found, search_folder
from jobs.lifecycle.pseudonym_key import KEYS_FOLDER
from jobs.warehouse.folders import copy_to_local
from jobs.warehouse.staged_names import STAGING_FOLDER
from jobs.warehouse.tables import Warehouse
from jobs.warehouse.upkeep import describe
from schemas.bundle import NOISE_FILE
from schemas.tables import TABLES


@dataclass(frozen=True)
class Searched:
    """What a search of a warehouse found.

    Attributes:
        found: the places, with paths relative to the warehouse.
        others: the same of each export.
        unsearched: what could not be searched, in words.
        folder: the folder of a local warehouse.
    """

    found: Found
    others: dict[Path, Found]
    unsearched: tuple[str, ...]
    folder: Path | None = None

    @property
    def tables(self) -> dict[str, set[str]]:
        """Tables that name an id, or have a file that is cut off -> the columns that do."""
        return {place: columns for place, (_, columns) in self.found.by_place().items() if place in TABLES}

    @property
    def to_clear(self) -> list[Path]:
        """Files that are no tables and from which rows can be removed."""
        return [path for path, where in self._files.items() if is_clearable(path) and CUT_OFF not in where]

    @property
    def unknown(self) -> list[str]:
        """Files that are no tables, and from which an erasure removes nothing."""
        cleared = self.to_clear
        return [str(path) for path in self._files if path not in cleared and path.name != NOISE_FILE]

    @property
    def _files(self) -> dict[Path, set[str]]:
        """Files that are no tables and name an id -> the columns that do."""
        own, places = self.folder or Path(), self.found.places.items()
        files = {own / file: where for file, where in places if not _is_ours(file.split("/", 1)[0])}
        for path, found in self.others.items():
            files |= {path if path.is_file() else path / file: where for file, where in found.places.items()}
        return files

    @property
    def rows(self) -> list[tuple[str, int, str]]:
        """Place, number of its files that name an id, and where in them."""
        places = dict(self.found.by_place())
        for path, found in self.others.items():
            if found.places:
                places[str(path)] = (len(found.places), set[str]().union(*found.places.values()))
        return [(place, count, ", ".join(sorted(where))) for place, (count, where) in sorted(places.items())]

    @property
    def ids(self) -> set[str]:
        """The ids that were found anywhere, as in `Found.ids`."""
        return self.found.ids.union(*(found.ids for found in self.others.values()))

    @property
    def files(self) -> dict[str, int]:
        """Kind of file -> number of files that were searched."""
        return dict(sum((found.files for found in self.others.values()), self.found.files))


def search_warehouse(warehouse: Warehouse, names: Names, exports: Sequence[Path] = ()) -> Searched:
    """Search everything that the warehouse keeps, and exports.

    Args:
        warehouse: the warehouse.
        names: what to find.
        exports: files and folders on this machine.
    """
    others = {path: search_folder(path, names) for path in exports}
    if warehouse.folder is not None:
        return Searched(search_folder(warehouse.folder, names, (KEYS_FOLDER,)), others, (), warehouse.folder)
    total, unsearched = Found(), ["the models in the registry, which hold pseudonyms of sellers and no listings"]
    stored = [table for table in TABLES.values() if warehouse.exists(table)]
    locations = {table.name: describe(warehouse, table).location for table in stored}
    if (staging := warehouse.address.path(STAGING_FOLDER)) is not None:
        locations[STAGING_FOLDER] = staging
    for name, location in locations.items():
        with tempfile.TemporaryDirectory() as copies:
            try:
                copy_to_local(warehouse.spark, location, copies)
            except Py4JJavaError:
                unsearched.append(f"{name}: the session may not read the files of {location}")
                continue
            found = search_folder(Path(copies), names)
        total.files += found.files
        total.ids |= found.ids
        total.places |= {f"{name}/{file.partition('/')[2]}": where for file, where in found.places.items()}
    return Searched(total, others, tuple(unsearched))


def _is_ours(place: str) -> bool:
    """Whether a folder of a warehouse is a table, or one of those whose name begins with an underscore."""
    return place in TABLES or place.startswith("_")
