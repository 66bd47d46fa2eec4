"""Reads a CSV file with another parser than Spark's: counts its rows, and finds a quote that is not closed.

Spark takes everything behind such a quote for one value and reports nothing, so that all rows behind it would be lost.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_MAX_CHARACTERS = 50_000_000
_SHOWN = 60
"""Characters of a value in a message."""
_WITHIN = 3
"""Lines of a value with as many values as a row mean that its quote is not closed, if there are so many."""
_LEARNT = 1_000
"""Rows from which to learn what the values of a column look like, and lines that are kept to be compared with them."""
_NUMBER = re.compile(r"\s*[+-]?[0-9.,]+\s*")
_TIME = re.compile(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+.*)?\s*")
_LINE_END = re.compile(r"\r\n?|\n")
SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)\r?\n?")
"""The first line of a file for Excel, which names the separator of its values."""
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
        header: the names of its columns; empty if it has no line that is not blank. If all rows end with a separator,
            and the header does not, it has one more column, without a name.
        rows: number of rows, without header and blank lines.
        blank: number of lines before the header: blank ones, and `sep=;`.
        end: number of lines that were read; None: all.
        doubtful: the beginnings of lines within values that look like rows, each with the line's number. Rows may be
            lost there, because a quote is missing or too many.
    """

    header: tuple[str, ...]
    rows: int
    blank: int = 0
    end: int | None = None
    doubtful: tuple[tuple[int, str], ...] = ()


def check_csv(lines: Iterable[str], form: CsvForm, max_lines: int, limit: int | None = None) -> CsvContent:
    """Read a CSV file from its beginning to its end.

    Args:
        lines: with their line ends.
        form: how the values are written.
        max_lines: largest number of lines of a row.
        limit: number of rows to read; None: all.

    Raises:
        UnclosedQuoteError: a quote is not closed until the end of the file, or text follows where it is closed, or a
            row has more than `max_lines` lines, or values contain lines that look like rows, which is sure where a
            column has nothing but times.
    """
    header, rows, blank, end, overlong = None, 0, 0, None, 0
    shape, within = _RowShape(), list[_Line]()
    record = _Record(lines, form, max_lines)
    for values in form.read(record):
        if len(record.lines) > 1:
            within += record.check(values, len(header or values))[: _LEARNT - len(within)]
        elif header is not None and rows < _LEARNT:
            shape.learn(values)
        if header is None and values and not (blank == 0 and SEPARATOR_LINE.fullmatch(record.lines[0])):
            header = tuple(values)
        elif header is None:
            blank += 1
        elif values and rows == limit:
            end = record.before
            break
        else:
            rows += bool(values)
            overlong += len(values) == len(header) + 1 and not values[-1]
        record.begin()
    if header is not None and rows and overlong == rows:
        header = (*header, "")
    doubtful = [line for line in within if shape.fits(line.values)]
    if shape.has_time and doubtful:
        raise UnclosedQuoteError(
            f"{doubtful[0].opening} is probably not closed: lines within quoted values that look like rows: "
            f"{len(doubtful):,}, the first is line {doubtful[0].number:,}: {doubtful[0].text[:_SHOWN]!r}"
        )
    return CsvContent(header or (), rows, blank, end, tuple((line.number, line.text[:_SHOWN]) for line in doubtful))


@dataclass(frozen=True)
class _Line:
    """A line within a record, the values that it would have as a row, and where the record's quote opens."""

    number: int
    text: str
    values: list[str]
    opening: str


class _RowShape:
    """What the values of each column are: always numbers, always times, always text with letters, or any of these."""

    def __init__(self) -> None:
        self._kinds: list[set[str]] = []

    def learn(self, values: Sequence[str]) -> None:
        """Take a row into account; a blank line is none."""
        self._kinds = self._kinds or [set() for _ in values]
        if len(values) == len(self._kinds):
            for kinds, value in zip(self._kinds, values, strict=True):
                kinds.add(_kind(value))

    @property
    def has_time(self) -> bool:
        """Whether a column has nothing but times. No line of a text has one there by chance."""
        return {"time"} in self._kinds

    def fits(self, values: Sequence[str]) -> bool:
        """Whether values are of the kinds of their columns.

        Without a column of text and one of numbers or times nothing is said to fit, because lines of a text have
        commas, too.
        """
        kinds = [next(iter(each)) if len(each) == 1 else None for each in self._kinds]
        if len(values) != len(kinds) or "text" not in kinds or not {"number", "time"} & set(kinds):
            return False
        return all(kind in {None, _kind(value)} for kind, value in zip(kinds, values, strict=True))


def _kind(value: str) -> str:
    if _NUMBER.fullmatch(value):
        return "number"
    if _TIME.fullmatch(value):
        return "time"
    return "text" if any(character.isalpha() for character in value) else "other"


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

    def check(self, values: Sequence[str], width: int) -> list[_Line]:
        """Check the record that has been read and spans several lines.

        Returns:
            The lines behind its first that have as many values as a row, without the one in which a value of the
            first column ends, which always has.
        """
        try:
            list(self._form.read(self.lines, strict=True))
        except csv.Error as error:
            raise self._error(f"is not closed where it should be ({error})") from error
        within = [line for value in values for line in value.splitlines()[1:-1]]
        rows = [each for each in self._form.read(within) if len(each) == width]
        if width > 1 and len(rows) >= _WITHIN and len(rows) * 2 > len(within):
            raise self._error(f"contains {len(rows):,} lines that look like rows")
        opening = self._opening()
        alone = [
            _Line(self._first + place, line, next(iter(self._form.read([line]))), opening)
            for place, line in self._behind()
        ]
        end_of_first = self._first + len(_LINE_END.findall(values[0]))
        return [line for line in alone if len(line.values) == width and line.number != end_of_first]

    def _behind(self) -> Iterator[tuple[int, str]]:
        return ((place, line.strip()) for place, line in enumerate(self.lines) if place and line.strip())

    def _error(self, fault: str) -> UnclosedQuoteError:
        return UnclosedQuoteError(f"{self._opening()} {fault}")

    def _opening(self) -> str:
        """Where the last quote opens before the record's second line."""
        opening = self.lines[0]
        place = opening.rfind('"')
        return f"line {self._first:,}: the quote before {opening[place + 1 :].strip()[:_SHOWN]!r}"
