"""CSV files that spreadsheets read rightly, and take for no program."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

ENCODING = "utf-8-sig"
"""With a byte order mark, so that Excel reads all letters."""
Value = str | float | int | None
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell of a CSV file that starts so for a formula, which can run programs
(OWASP, CSV Injection)."""


def guarded(value: Value) -> Value:
    """A value for CSV that no spreadsheet takes for a formula: an apostrophe stands before what it might."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def write_rows(out: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    """Write a header and rows.

    Args:
        out: a text file with `ENCODING` that leaves line ends as they are.
        columns: the header.
        rows: their values, in the columns' order; None becomes an empty cell.

    Returns:
        The number of rows.
    """
    writer = csv.writer(out)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(["" if value is None else guarded(value) for value in row])
        count += 1
    return count
