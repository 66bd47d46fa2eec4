"""Reads a CSV file with another parser than Spark's: counts its rows, and finds a quote that is not closed.

Spark takes everything behind such a quote for one value and reports nothing, so that all rows behind it would be lost.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_MAX_CHARACTERS = 50_000_000
_SHOWN = 60
"""Characters of a value in a message."""
_WITHIN = 3
"""Lines of a value that look like rows of the file mean that its quote is not closed, if there are so many."""
csv.field_size_limit(sys.maxsize)


class UnclosedQuoteError(ValueError):
    """A quote is probably not closed. The message names the line in which it opens."""


@dataclass(frozen=True)
class CsvForm:
    """How the values of a CSV file are written.

    Attributes:
        delimiter: separator of the values.
        quotes: as in `FileSettings`: doubled, backslash or none.
    """

    delimiter: str = ","
    quotes: str = "doubled"

    def read(self, lines: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        """The records of lines that still have their line ends; a blank line gives an empty record.

        Raises:
            csv.Error: `strict`, and a quote is not closed, or text follows where it is closed.
        """
        if self.quotes == "none":
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)
        escape, doubled = ("\\", False) if self.quotes == "backslash" else (None, True)
        return csv.reader(lines, delimiter=self.delimiter, doublequote=doubled, escapechar=escape, strict=strict)


@dataclass(frozen=True)
class CsvContent:
    """What a CSV file holds.

    Attributes:
        header: the names of its columns; empty if it has no line that is not blank.
        rows: number of rows, without header and blank lines.
        blank: number of blank lines before the header.
        end: number of lines that were read; None: all.
    """

    header: tuple[str, ...]
    rows: int
    blank: int = 0
    end: int | None = None


def check_csv(lines: Iterable[str], form: CsvForm, max_lines: int, limit: int | None = None) -> CsvContent:
    """Read a CSV file from its beginning to its end.

    Args:
        lines: with their line ends.
        form: how the values are written.
        max_lines: largest number of lines of a row.
        limit: number of rows to read; None: all.

    Raises:
        UnclosedQuoteError: a quote is not closed until the end of the file, or text follows where it is closed, or a
            row has more than `max_lines` lines, or a value contains lines that look like rows.
    """
    header, rows, blank = None, 0, 0
    record = _Record(lines, form, max_lines)
    for values in form.read(record):
        if len(record.lines) > 1:
            record.check(values, len(header or values))
        if header is None and values:
            header = tuple(values)
        elif header is None:
            blank += 1
        elif values and rows == limit:
            return CsvContent(header or (), rows, blank, record.before)
        else:
            rows += bool(values)
        record.begin()
    return CsvContent(header or (), rows, blank)


class _Record:
    """Hands lines to a parser, and keeps those of the record that it is reading."""

    def __init__(self, lines: Iterable[str], form: CsvForm, max_lines: int) -> None:
        self._source = iter(lines)
        self._form = form
        self._max_lines = max_lines
        self._first = 1
        self._size = 0
        self.lines: list[str] = []

    @property
    def before(self) -> int:
        """The number of lines before the record."""
        return self._first - 1

    def begin(self) -> None:
        """The next line begins a record."""
        self._first += len(self.lines)
        self._size = 0
        self.lines = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self.lines.append(line)
        self._size += len(line)
        if len(self.lines) > self._max_lines or self._size > _MAX_CHARACTERS:
            raise self._error("has no end for so long")
        return line

    def check(self, values: Sequence[str], width: int) -> None:
        """Check the record that has been read and spans several lines."""
        try:
            list(self._form.read(self.lines, strict=True))
        except csv.Error as error:
            raise self._error(f"is not closed where it should be ({error})") from error
        within = [line for value in values for line in value.splitlines()[1:-1]]
        rows = [each for each in self._form.read(within) if len(each) == width]
        if width > 1 and len(rows) >= _WITHIN and len(rows) * 2 > len(within):
            raise self._error(f"contains {len(rows):,} lines that look like rows")

    def _error(self, fault: str) -> UnclosedQuoteError:
        """An error with the line of the last quote that opens before the record's second line."""
        opening = self.lines[0]
        place = opening.rfind('"')
        return UnclosedQuoteError(
            f"line {self._first:,}: the quote before {opening[place + 1 :].strip()[:_SHOWN]!r} {fault}"
        )
