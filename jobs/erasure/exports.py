"""Erases from files that are no tables: deliveries, exports and models."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.erasure.names import Names
from schemas.bundle import NOISE_FILE
from udfs.encoders.files import files_digest
from udfs.pseudonyms import PseudonymKey, Purpose

Changing = Callable[[Path, str], AbstractContextManager[None]]
"""Takes a bundle's folder and the digest of its files after the block in which they are changed."""
_LINES = (".jsonl", ".ndjson")
_CLEARED = (".parquet", ".csv", *_LINES)
_SELLERS = ("sellers", "seller_ids")
"""Arrays of a bundle's noise model: pseudonyms, and before format 7 ids."""


def is_clearable(file: Path) -> bool:
    """Whether rows can be removed from a file: it is a Parquet, CSV or JSON lines file."""
    return file.suffix.lower() in _CLEARED


def clear_file(file: Path, names: Names) -> None:
    """Remove the rows or lines that name an id from a file for which `is_clearable` holds."""
    suffix = file.suffix.lower()
    with _replaced(file) as new:
        if suffix == ".parquet":
            _clear_parquet(file, new, names)
        elif suffix == ".csv":
            with file.open(encoding="utf-8", newline="") as old, new.open("w", encoding="utf-8", newline="") as out:
                kept = (row for row in csv.reader(old) if not names.ids.intersection(row) and not _named(row, names))
                csv.writer(out, lineterminator="\n").writerows(kept)
        else:
            with file.open(encoding="utf-8") as old, new.open("w", encoding="utf-8") as out:
                out.writelines(line for line in old if not names.in_text(line))


def forget_sellers(folder: Path, names: Names, key: PseudonymKey, changing: Changing) -> tuple[int, int]:
    """Remove the erased sellers from the noise models of the bundles below a folder.

    Args:
        folder: the folder.
        names: what is erased.
        key: the key of pseudonyms.
        changing: `training.bundle_changes.changing_bundle` of the registry.

    Returns:
        The number of bundles that were changed, and of those with pseudonyms of another key, in which nobody can find a
        seller without that key.
    """
    gone = names.sellers | {key.pseudonym(Purpose.SELLER, seller) for seller in names.sellers}
    changed = unreadable = 0
    for file in sorted(folder.rglob(NOISE_FILE)) if names.sellers else ():
        with np.load(file, allow_pickle=False) as stored:
            arrays: dict[str, Any] = dict(stored)
        unreadable += str(arrays.get("key_check", key.check)) != key.check
        name = next(each for each in _SELLERS if each in arrays)
        kept = ~np.isin(arrays[name], sorted(gone))
        if not kept.all():
            arrays |= {name: arrays[name][kept], "seller_rates": arrays["seller_rates"][kept]}
            # Not in the bundle, whose files have a registered checksum.
            with _temporary(folder, file.name) as new:
                with new.open("wb") as out:
                    np.savez_compressed(out, **arrays)
                with changing(file.parent, files_digest(file.parent, {file: new})):
                    new.replace(file)
            changed += 1
    return changed, unreadable


def _clear_parquet(file: Path, new: Path, names: Names) -> None:
    source = pq.ParquetFile(file)
    with pq.ParquetWriter(new, source.schema_arrow) as out:
        for batch in source.iter_batches():
            rows = pa.Table.from_batches([batch])
            for column in ("listing_id", "seller_id"):
                if column in rows.column_names:
                    ids = pa.array(sorted(names.of_column(column)), pa.string())
                    erased = pc.is_in(rows[column].cast(pa.string()), ids)
                    rows = rows.filter(pc.invert(erased))
            out.write_table(rows)


def _named(row: list[str], names: Names) -> bool:
    return bool(names.in_text("\n".join(row)))


@contextmanager
def _replaced(file: Path) -> Iterator[Path]:
    """A new file that replaces another one when the block ends without an error."""
    with _temporary(file.parent, file.name) as new:
        yield new
        new.replace(file)


@contextmanager
def _temporary(folder: Path, name: str) -> Iterator[Path]:
    """A path for a hidden file that is removed when the block ends, and so is what a killed run has left there."""
    start = f".{name}."
    for left in folder.glob(f"{escape(start)}*"):
        if left.name.removeprefix(start).isdigit():
            left.unlink()
    new = folder / f"{start}{os.getpid()}"
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)
