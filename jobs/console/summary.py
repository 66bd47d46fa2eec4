"""What a command says at its end: for people with rich, for machines as one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.bar import Bar
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_BAR_WIDTH = 8


class Share(float):
    """A share, 0 to 1: a percentage for people, the number for machines."""

    def __str__(self) -> str:
        """Two digits after the point below 1 %, one above; what is not quite all or nothing is not called so."""
        share = float(self)
        if 0 < share < 0.00005:
            return "<0.01%"
        if 0.9995 <= share < 1:
            return ">99.9%"
        return f"{share:.2%}" if 0 < share < 0.00995 else f"{share:.1%}"


@dataclass(frozen=True)
class Estimate:
    """A share with its 95 % interval, all 0 to 1."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        """The value, and the interval in brackets."""
        return f"{Share(self.value)} ({Share(self.lower)} to {Share(self.upper)})"


@dataclass(frozen=True)
class Named:
    """A code with its name: the name for people, the code for machines."""

    code: str
    name: str

    def __str__(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True)
class Section:
    """A table of the summary; the columns in `bars` (shares or estimates) are drawn too."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    bars: Collection[str] = ()


@dataclass(frozen=True)
class Summary:
    """What a command did.

    Attributes:
        title: one line.
        facts: names and values, in the order in which they are shown; the JSON's top level.
        sections: tables below.
        hints: what to do or look at next.
    """

    title: str
    facts: Mapping[str, object]
    sections: Sequence[Section] = ()
    hints: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> str:
        """One JSON object: the facts, and each section as a list of objects under its title."""
        tables = {s.title: [dict(zip(s.columns, row, strict=True)) for row in s.rows] for s in self.sections}
        return json.dumps({"title": self.title, **self.facts, **tables}, default=_plain)

    def show(self, console: Console) -> None:
        """Print for people. What came from the catalogue is shown as it is: neither markup nor control characters."""
        console.print()
        console.print(_printable(self.title), style="bold")
        facts = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
        for name, value in self.facts.items():
            facts.add_row(name.replace("_", " "), _cell(value))
        console.print(facts)
        for section in self.sections:
            if section.rows:
                console.print()
                console.print(_table(section))
        if self.hints:
            console.print()
        for hint in self.hints:
            console.print(hint, highlight=False, markup=False, soft_wrap=True)


def print_summary(summary: Summary, as_json: bool) -> None:
    """Print a summary on standard output: for people, or as one JSON object."""
    if as_json:
        sys.stdout.write(summary.as_json() + "\n")
    else:
        summary.show(Console(highlight=False))


def _table(section: Section) -> Table:
    """Where the terminal is narrow, texts are wrapped; ids, in the first column, figures and lists stay whole."""
    table = Table(
        title=section.title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=(0, 1)
    )
    largest: dict[int, float] = {}
    for place, column in enumerate(section.columns):
        values = [row[place] for row in section.rows]
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        whole = place == 0 or numbers or any(isinstance(value, Estimate | list) for value in values)
        table.add_column(column.replace("_", " "), justify="right" if numbers else "left", no_wrap=whole)
        if column in section.bars:
            largest[place] = max(map(_number, values)) or 1.0
            table.add_column("", no_wrap=True)
    for row in section.rows:
        cells: list[RenderableType] = []
        for place, value in enumerate(row):
            cells.append(_cell(value))
            if place in largest:
                cells.append(Bar(largest[place], 0, _number(value), width=_BAR_WIDTH))
        table.add_row(*cells)
    return table


def _number(value: object) -> float:
    number = value.value if isinstance(value, Estimate) else value
    return float(number) if isinstance(number, int | float) else 0.0


def _cell(value: object) -> Text:
    return _printable(_text(value))


def _printable(text: str) -> Text:
    """Without control characters, with which a title could write over the terminal."""
    return Text("".join(c if c.isprintable() or c == "\n" else " " for c in text))


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float) and not isinstance(value, Share):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "\n".join(_text(part) for part in value)
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, Estimate):
        return asdict(value)
    if isinstance(value, Named):
        return value.code
    return str(value)
