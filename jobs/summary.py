"""What a command says at its end: for people with rich, for machines as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Section:
    """A table of the summary."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


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
        return json.dumps({"title": self.title, **self.facts, **tables}, default=str)

    def show(self, console: Console) -> None:
        """Print for people."""
        console.print(f"\n[bold]{self.title}[/bold]")
        facts = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
        for name, value in self.facts.items():
            facts.add_row(name.replace("_", " "), _text(value))
        console.print(facts)
        for section in self.sections:
            if not section.rows:
                continue
            table = Table(
                title=section.title,
                title_justify="left",
                title_style="bold",
                header_style="dim",
                box=None,
                padding=(0, 2),
            )
            for column in section.columns:
                table.add_column(column)
            for row in section.rows:
                table.add_row(*(_text(value) for value in row))
            console.print()
            console.print(table)
        if self.hints:
            console.print()
        for hint in self.hints:
            console.print(hint, highlight=False, soft_wrap=True)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
