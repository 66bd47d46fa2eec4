"""Draws the charts of the report from the result for the full catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

_SHOWN = 40
"""The number of categories in the chart: the largest ones."""


def draw_charts(full: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Write the SVG files; returns file name and title of each.

    Args:
        full: the result of `benchmarks.quality.full_catalogue.measure_full_catalogue`.
        folder: created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    charts = {
        "reliability.svg": (_reliability, "How often the best guess is right against what its posterior claims"),
        "review.svg": (_review, "What is left wrong against the share that people have looked at"),
        "categories.svg": (_categories, "The largest categories before and after"),
    }
    with rc_context({"svg.hashsalt": "quality", "svg.fonttype": "none", "font.size": 10}):
        for name, (draw, _) in charts.items():
            draw(full).savefig(folder / name, format="svg", bbox_inches="tight", metadata={"Date": None})
    return [(name, what) for name, (_, what) in charts.items()]


def _reliability(full: Mapping[str, Any]) -> Figure:
    figure = Figure((5, 4.5))
    axes = figure.subplots()
    claimed, right = zip(*full["reliability"], strict=True)
    low = min(*claimed, *right)
    axes.plot([low, 1], [low, 1], color="0.6", linewidth=1, label="as claimed")
    axes.plot(claimed, right, marker="o", label="ours, ten bins of equal size")
    axes.set(xlabel="mean posterior of the best guess", ylabel="share that is right")
    axes.legend(frameon=False)
    return figure


def _review(full: Mapping[str, Any]) -> Figure:
    figure = Figure((6.5, 4.5))
    axes = figure.subplots()
    for name, left in full["review"].items():
        axes.plot(full["shares"], left, label=name)
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set(xlabel="listings that people have looked at", ylabel="listings in the wrong category")
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    return figure


def _categories(full: Mapping[str, Any]) -> Figure:
    rows = sorted(full["categories"], key=lambda row: row[1])[-_SHOWN:]
    figure = Figure((6.5, 0.22 * len(rows) + 1))
    axes = figure.subplots()
    positions = range(len(rows))
    axes.hlines(positions, [after for *_, after in rows], [before for _, _, before, _ in rows], color="0.8")
    axes.scatter([before for _, _, before, _ in rows], positions, s=16, color="C1", label="before")
    axes.scatter([after for *_, after in rows], positions, s=16, color="C0", label="best guess")
    axes.set_yticks(positions, [f"{category} ({count:,})" for category, count, _, _ in rows])
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="listings of the category that are in another", xlim=(0, None), ylim=(-1, len(rows)))
    axes.legend(frameon=False, loc="lower right")
    return figure
