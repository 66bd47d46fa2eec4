"""Erases from files that are no tables: deliveries, exports and models."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.erasure.names import Names
from schemas.bundle import NOISE_FILE
from udfs.pseudonyms import PseudonymKey, Purpose

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


def forget_sellers(folder: Path, names: Names, key: PseudonymKey) -> int:
    """Remove the erased sellers from the noise models of the bundles below a folder; returns the number of bundles."""
    gone = names.sellers | {key.pseudonym(Purpose.SELLER, seller) for seller in names.sellers}
    changed = 0
    for file in sorted(folder.rglob(NOISE_FILE)) if names.sellers else ():
        with np.load(file, allow_pickle=False) as stored:
            arrays: dict[str, Any] = dict(stored)
        name = next(each for each in _SELLERS if each in arrays)
        kept = ~np.isin(arrays[name], sorted(gone))
        if not kept.all():
            arrays |= {name: arrays[name][kept], "seller_rates": arrays["seller_rates"][kept]}
            _write_arrays(file, arrays)
            changed += 1
    return changed


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


def _write_arrays(file: Path, arrays: Mapping[str, Any]) -> None:
    with _replaced(file) as new, new.open("wb") as out:
        np.savez_compressed(out, **arrays)


@contextmanager
def _replaced(file: Path) -> Iterator[Path]:
    """A new file that replaces another one when the block ends without an error."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield new
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
