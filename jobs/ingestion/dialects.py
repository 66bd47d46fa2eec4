"""Finds the separator of a CSV file's values, where it is sure."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Sequence

from jobs.ingestion.csv_check import CsvForm

DELIMITERS = (",", ";", "\t", "|")


def find_delimiter(lines: Sequence[str], wanted: Collection[str], quotes: str) -> str | None:
    """The separator with which a file's first lines make sense; None if it is not sure.

    That is the one with which the header has a wanted column. If the header has none with any separator, it is the one
    with which all rows have the same number of values, more than one.

    Args:
        lines: the beginning of the file, with line ends; the last record may be cut off.
        wanted: names of columns, in lower case, of which the file must have one.
        quotes: as in `CsvForm`.
    """
    if not any(each in line for line in lines for each in DELIMITERS):
        return DELIMITERS[0]  # a single column
    records = {each: _records(lines, CsvForm(each, quotes)) for each in DELIMITERS}
    headers = {each: {name.strip().lower() for name in found[0]} for each, found in records.items() if found}
    named = [each for each, names in headers.items() if names & set(wanted)]
    if named:
        return named[0] if len(named) == 1 else None
    even = [each for each, found in records.items() if _is_even(found)]
    return even[0] if len(even) == 1 else None


def _records(lines: Sequence[str], form: CsvForm) -> list[list[str]]:
    try:
        return [values for values in form.read(lines) if values]
    except csv.Error:
        return []


def _is_even(records: Sequence[Sequence[str]]) -> bool:
    """Whether all records but the last, which may be cut off, have the same number of values, more than one."""
    widths = Counter(len(values) for values in records[:-1] or records)
    return len(widths) == 1 and max(widths) > 1
