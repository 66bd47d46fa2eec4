"""Shows a benchmark's result as a table."""

from __future__ import annotations

from rich.table import Table

from benchmarks.results import Ratio, Result

_COLOURS = {"met": "green", "missed": "bold red"}


def result_table(result: Result) -> Table:
    """A table with one row per ratio."""
    scale = "" if result.scale == 1 else f" at scale {result.scale:g}, for which the limits are not meant"
    table = Table(title=f"{result.name}{scale}", title_justify="left", title_style="bold", box=None, padding=(0, 1))
    table.add_column("what", overflow="fold")
    for name in ("ratio", "wanted", "", "listings"):
        table.add_column(name, justify="right" if name in ("ratio", "listings") else "left", no_wrap=True)
    table.add_column("of", overflow="fold")
    for ratio in result.ratios:
        colour = _COLOURS.get(ratio.status)
        table.add_row(
            ratio.what,
            "?" if ratio.ratio is None else f"{ratio.ratio:.2f}",
            "-" if ratio.limit is None else str(ratio.limit),
            f"[{colour}]{ratio.status}[/]" if colour else ratio.status.strip("-"),
            f"{ratio.listings:,}",
            _figures(ratio),
        )
    return table


def _figures(ratio: Ratio) -> str:
    return ", ".join(f"{name} {value:.4g} {ratio.unit}".rstrip() for name, value in ratio.figures.items())
