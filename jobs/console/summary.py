"""The summary that a command prints when it ends: tables for people, or one JSON object for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.bar import Bar
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.errors import CleanerError

_BAR_WIDTH = 8
_UNLIMITED = 10_000
"""Columns of a terminal on which every table fits."""
_TOO_LARGE = 1e12


class Share(float):
    """A share, 0 to 1. It is shown as a percentage and written to JSON as the number."""

    def __str__(self) -> str:
        """One decimal, or two below 1 %. Only 0 is shown as 0 %, and only 1 as 100 %."""
        share = float(self)
        if 0 < share < 0.00005:
            return "<0.01%"
        if 0.9995 <= share < 1:
            return ">99.9%"
        return f"{share:.2%}" if 0 < share < 0.00995 else f"{share:.1%}"


class Amount(float):
    """A price. It is shown with two decimals and written to JSON as the number."""

    def __str__(self) -> str:
        """Two decimals, unless it is too large to be a price."""
        return f"{float(self):,.2f}" if abs(self) < _TOO_LARGE else f"{float(self):.4g}"


@dataclass(frozen=True)
class Interval:
    """The bounds of a 95 % interval, both 0 to 1. It is written to JSON as an object."""

    lower: float
    upper: float

    def __str__(self) -> str:
        """Both bounds as percentages."""
        return f"{Share(self.lower)} to {Share(self.upper)}"


@dataclass(frozen=True)
class Estimate:
    """A share and the bounds of its 95 % interval, all 0 to 1. It is written to JSON as an object.

    Counts of the whole catalogue and the model's own estimates have no interval: lower and upper are None. If only the
    upper end is None, the share is at least `value`.
    """

    value: float
    lower: float | None = None
    upper: float | None = None

    @property
    def interval(self) -> Interval | None:
        """The interval; None if there is none."""
        return None if self.lower is None or self.upper is None else Interval(self.lower, self.upper)

    def __str__(self) -> str:
        """The value, followed by the interval in brackets if there is one."""
        return str(Share(self.value)) if self.interval is None else f"{Share(self.value)} ({self.interval})"


@dataclass(frozen=True)
class Named:
    """A code and its name. The name is shown, the code is written to JSON."""

    code: str
    name: str

    def __str__(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True)
class Section:
    """A table of the summary.

    Attributes:
        title: shown above the table.
        columns, rows: names and values.
        bars: columns of shares or estimates that are also drawn as bars.
        key: key of the table in the JSON object; default: the title. Keys are part of the interface, titles are not.
            A table with an empty key is left out of the JSON object.
        shown: columns to show; default: all. The JSON object always contains all columns.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    bars: Collection[str] = ()
    key: str | None = None
    shown: Collection[str] | None = None

    @property
    def json_key(self) -> str:
        """The key in the JSON object; empty if the table is left out of it."""
        return self.title if self.key is None else self.key

    @property
    def rows_by_name(self) -> list[dict[str, object]]:
        """The rows as mappings column -> value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Summary:
    """What a command did.

    Attributes:
        title: one line.
        facts: names and values in display order; the top level of the JSON object.
        sections: tables shown below the facts.
        hints: what to do or look at next; not in the JSON object.
        notes: name of a fact -> remark shown after its value; not in the JSON object.
        hidden_if_zero: names of facts that are shown only if they are not 0; they are always in the JSON object.
        not_shown: names of facts that are only in the JSON object.
        error: what the command would refuse, for one that only looks. It is reported after the summary, and the command
            ends with its exit code.
    """

    title: str
    facts: Mapping[str, object]
    sections: Sequence[Section] = ()
    hints: Sequence[str] = field(default_factory=tuple)
    notes: Mapping[str, str] = field(default_factory=dict)
    hidden_if_zero: Collection[str] = ()
    not_shown: Collection[str] = ()
    error: CleanerError | None = None

    def __post_init__(self) -> None:
        """Check the keys.

        Raises:
            ValueError: two facts or sections have the same key in the JSON object, so that one would be lost.
        """
        keys = ["title", *self.facts, *(section.json_key for section in self.sections if section.json_key)]
        if repeated := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"several values of the summary {self.title!r} have the keys {repeated}")

    def as_json(self) -> str:
        """One JSON object: the facts, each section as a list of objects under its key, and the error if any.

        What is no finite number, such as an infinite price, is null: JSON has no word for it.
        """
        tables = {section.json_key: section.rows_by_name for section in self.sections if section.json_key}
        error = {} if self.error is None else {"exit_code": self.error.exit_code, "error": str(self.error)}
        text = json.dumps({"title": self.title, **self.facts, **tables, **error}, default=_plain)
        return json.dumps(json.loads(text, parse_constant=lambda _: None), allow_nan=False)

    def show(self, console: Console) -> None:
        """Print the summary for people. Text from the catalogue is printed without markup and control characters."""
        console.print()
        console.print(Text(printable(self.title)), style="bold")
        facts = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
        for name, value in self.facts.items():
            if name in self.not_shown or (name in self.hidden_if_zero and not value):
                continue
            note = f"  ({self.notes[name]})" if name in self.notes else ""
            facts.add_row(name.replace("_", " "), Text(printable(_text(value) + note)))
        console.print(facts)
        for section in self.sections:
            if section.rows:
                console.print()
                console.print(Text(printable(section.title)), style="bold")
                table = _table(section, " ")
                wanted = console.measure(table, options=console.options.update_width(_UNLIMITED)).maximum
                console.print(table if wanted <= console.width else _table(section, "\n"))
        if self.hints:
            console.print()
        for hint in self.hints:
            console.print(printable(hint), highlight=False, markup=False, soft_wrap=True)


def printable(text: str) -> str:
    """Replace what does not print, such as escape sequences, changes of direction and unpaired surrogates, by spaces.

    Every text that may come from a catalogue passes through here, so that it cannot overwrite the terminal. New lines
    stay.
    """
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def print_summary(summary: Summary, as_json: bool) -> None:
    """Print a summary to standard output: for people, or as one JSON object."""
    if as_json:
        sys.stdout.write(summary.as_json() + "\n")
    else:
        summary.show(Console(highlight=False))


def print_error_as_json(message: str, exit_code: int) -> None:
    """Print the error that ended a command to standard output, as one JSON object."""
    sys.stdout.write(json.dumps({"exit_code": exit_code, "error": message}) + "\n")


def _table(section: Section, between_words: str) -> Table:
    """A section as a table. On a narrow terminal texts wrap; the first column, numbers and lists do not.

    Args:
        section: the section.
        between_words: what stands between the words of a header that is wider than all values of its column, if these
            do not wrap.
    """
    table = Table(header_style="dim", box=None, padding=(0, 1))
    largest: dict[int, float] = {}
    places = [i for i, column in enumerate(section.columns) if section.shown is None or column in section.shown]
    for place in places:
        column = section.columns[place]
        values = [row[place] for row in section.rows]
        present = [value for value in values if value is not None]
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in present or [""])
        no_wrap = place == 0 or numeric or any(isinstance(value, Estimate | Interval | list) for value in values)
        widest = max((len(line) for value in values for line in _text(value).splitlines()), default=0)
        header = column.replace("_", between_words if no_wrap and len(column) > widest else " ")
        table.add_column(header, justify="right" if numeric else "left", no_wrap=no_wrap)
        if column in section.bars:
            largest[place] = max(map(_number, values)) or 1.0
            table.add_column("", no_wrap=True)
    for row in section.rows:
        cells: list[RenderableType] = []
        for place in places:
            value = row[place]
            cells.append(_cell(value))
            if place in largest:
                cells.append(Bar(largest[place], 0, _number(value), width=_BAR_WIDTH))
        table.add_row(*cells)
    return table


def _number(value: object) -> float:
    number = value.value if isinstance(value, Estimate) else value
    return float(number) if isinstance(number, int | float) else 0.0


def _cell(value: object) -> Text:
    return Text(printable(_text(value)))


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float) and not isinstance(value, Share | Amount):
        return f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "\n".join(_text(part) for part in value)
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, Estimate | Interval):
        return asdict(value)
    if isinstance(value, Named):
        return value.code
    return str(value)
