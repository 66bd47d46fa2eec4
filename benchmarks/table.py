"""Shows what a benchmark found as a table."""

from __future__ import annotations

from rich.table import Table

from benchmarks.results import Line, Outcome

_COLOURS = {"met": "green", "missed": "bold red"}


def outcome_table(outcome: Outcome) -> Table:
    """The ratios of an outcome, a row each."""
    scale = "" if outcome.scale == 1 else f" at scale {outcome.scale:g}, for which the limits are not meant"
    table = Table(title=f"{outcome.name}{scale}", title_justify="left", title_style="bold", box=None, padding=(0, 1))
    table.add_column("what", overflow="fold")
    for name in ("ratio", "wanted", "", "listings"):
        table.add_column(name, justify="right" if name in ("ratio", "listings") else "left", no_wrap=True)
    table.add_column("of", overflow="fold")
    for line in outcome.lines:
        colour = _COLOURS.get(line.verdict)
        table.add_row(
            line.what,
            "?" if line.ratio is None else f"{line.ratio:.2f}",
            "-" if line.limit is None else str(line.limit),
            f"[{colour}]{line.verdict}[/]" if colour else line.verdict.strip("-"),
            f"{line.listings:,}",
            _figures(line),
        )
    return table


def _figures(line: Line) -> str:
    return ", ".join(f"{name} {value:.4g} {line.unit}" for name, value in line.figures.items())
