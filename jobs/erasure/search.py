"""Searches every file of a folder for ids: Parquet files are decoded, archives are opened, all others read as bytes."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.erasure.names import ID_COLUMNS, Names
from jobs.warehouse.folders import LOG_FOLDER

CUT_OFF = "cut off"
"""Stands in the place of columns for a Parquet file without its end: nobody can tell whether it names an id."""
_PARQUET, _LOG, _OTHER = "Parquet", "Delta log", "other"
_BATCH_ROWS = 20_000
_PARQUET_END = b"PAR1"


@dataclass
class Found:
    """Where ids were found.

    Attributes:
        files: kind of file -> number of files that were searched.
        places: file, relative to the folder -> the columns or `bytes` that name an id, or `CUT_OFF`.
        ids: the ids that were found, of Delta's cut statistics the first characters.
    """

    files: Counter[str] = field(default_factory=Counter)
    places: dict[str, set[str]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def by_place(self) -> Mapping[str, tuple[int, set[str]]]:
        """First folder (a table, `mlflow`, ...) -> number of its files that name an id, and their columns."""
        grouped: dict[str, tuple[int, set[str]]] = {}
        for file, columns in self.places.items():
            place = file.split("/", 1)[0]
            count, before = grouped.get(place, (0, set()))
            grouped[place] = (count + 1, before | columns)
        return grouped


def search_folder(folder: Path, names: Names, skipped: Iterable[str] = ()) -> Found:
    """Search all files below a folder.

    Args:
        folder: a folder, or a single file.
        names: the ids.
        skipped: folders directly below it that are left out.
    """
    found = Found()
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
    for file in files:
        relative = file.name if file == folder else file.relative_to(folder).as_posix()
        if relative.split("/", 1)[0] in skipped:
            continue
        is_log = f"/{LOG_FOLDER}/" in f"/{relative}"
        is_parquet = file.suffix == ".parquet" and not file.name.startswith(".")
        found.files[_LOG if is_log else _PARQUET if is_parquet else _OTHER] += 1
        for where, ids in search_file(file, names):
            found.places.setdefault(relative, set()).add(where)
            found.ids |= ids
    return found


def search_file(file: Path, names: Names) -> Iterator[tuple[str, set[str]]]:
    """The columns of a Parquet file, the members of an archive, or `bytes`, that name an id, with the ids.

    For a Parquet file that a killed process has not written to its end, `CUT_OFF` without an id.
    """
    if file.suffix == ".parquet" and not file.name.startswith("."):
        if _is_cut_off(file):
            yield CUT_OFF, set()
        else:
            yield from _search_parquet(pq.ParquetFile(file), names)
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                yield from _search_bytes(archive.read(member), names, member)
    elif file.suffix == ".gz":
        with gzip.open(file) as stream:
            yield from _search_bytes(stream.read(), names, "bytes")
    else:
        yield from _search_bytes(file.read_bytes(), names, "bytes")


def _is_cut_off(file: Path) -> bool:
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(0, size - len(_PARQUET_END)))
        return size <= len(_PARQUET_END) or stream.read() != _PARQUET_END


def _search_parquet(file: pq.ParquetFile, names: Names) -> Iterator[tuple[str, set[str]]]:
    for batch in file.iter_batches(_BATCH_ROWS):
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            yield from _search_values(column, values, names)


def _search_values(column: str, values: pa.Array, names: Names) -> Iterator[tuple[str, set[str]]]:
    """Search a column; of a nested one, each of its parts by its own name."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        ids = _search_texts(column, [text for text in values.unique().to_pylist() if text is not None], names)
        if ids:
            yield column, ids
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        for value in values.unique().to_pylist():
            yield from _search_bytes(value or b"", names, column)
    else:
        for name, part in _parts(column, values):
            yield from _search_values(name, part, names)


def _parts(column: str, values: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """The parts of a nested column with their names; none of a number, a date and the like."""
    kind = values.type
    if pa.types.is_struct(kind):
        yield from ((kind.field(i).name, pc.struct_field(values, [i])) for i in range(kind.num_fields))
    elif pa.types.is_map(kind):
        yield from ((column, values.keys), (column, values.items))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield column, values.flatten()
    elif pa.types.is_dictionary(kind):
        yield column, values.dictionary


def _search_texts(column: str, texts: list[str], names: Names) -> set[str]:
    if column in ID_COLUMNS:
        return set(names.of_column(column).intersection(texts))
    return set() if _is_category(column) else names.in_text("\n".join(texts))


def _is_category(column: str) -> bool:
    """Whether a column holds codes of categories, which may look like ids."""
    return column == "category" or column.endswith("_category")


def _search_bytes(content: bytes, names: Names, where: str) -> Iterator[tuple[str, set[str]]]:
    if content.startswith(b"\x93NUMPY"):
        ids = set(names.ids.intersection(_numpy_texts(content)))
    else:
        ids = names.in_bytes(content)
    if ids:
        yield where, ids


def _numpy_texts(content: bytes) -> list[str]:
    """The texts in a stored array, which has four bytes for each character."""
    array: Any = np.load(io.BytesIO(content), allow_pickle=False)
    return [str(value) for value in array.ravel()] if array.dtype.kind == "U" else []
