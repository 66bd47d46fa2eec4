"""Draws the charts of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from benchmarks.quality.regrets import CLASSIFIER, KEEP, OURS, TRUE_SHARE, regret_of
from benchmarks.quality.worlds import World

_SAVED: dict[str, Any] = {"format": "svg", "bbox_inches": "tight", "metadata": {"Date": None}}
_SHOWN = 40
"""The number of categories in the chart: the largest ones."""


WORLDS_CHART = "worlds.svg"
RULES = (KEEP, CLASSIFIER, OURS, TRUE_SHARE)
"""The rules that are shown."""
_LABELS = {OURS: "our rule"}
_LINEAR = 0.1
"""Regrets up to this, in points, are on a linear scale; larger ones on a logarithmic one."""

Worlds = Sequence[tuple[World, Mapping[str, Any]]]


def draw_charts(full: Mapping[str, Any], worlds: Worlds, folder: Path) -> list[tuple[str, str]]:
    """Write the SVG files; returns file name and title of each.

    Args:
        worlds: the results of `benchmarks.quality.world_regret.measure_worlds`.
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
            draw(full).savefig(folder / name, **_SAVED)
        _worlds(worlds).savefig(folder / WORLDS_CHART, **_SAVED)
    return [(WORLDS_CHART, "Regret by world"), *((name, what) for name, (_, what) in charts.items())]


def _worlds(worlds: Worlds) -> Figure:
    """Regret against the share of wrong labels: a dot for each rule in each world."""
    panels: dict[str, Callable[[World], bool]] = {
        "texts, 3,000 listings or more": lambda world: world.listings >= 3000 and not world.pictures,
        "texts, fewer listings": lambda world: world.listings < 3000 and not world.pictures,
        "texts and pictures": lambda world: world.pictures,
    }
    chosen = {title: [each for world, each in worlds if belongs(world)] for title, belongs in panels.items()}
    chosen = {title: found for title, found in chosen.items() if found}
    figure = Figure((11, 4))
    (row,) = figure.subplots(1, len(chosen), sharey=True, squeeze=False)
    for axes, (title, found) in zip(row, chosen.items(), strict=True):
        for number, rule in enumerate(RULES):
            before, regrets = [each["before"] for each in found], [regret_of(each, rule) for each in found]
            marker = "o" if rule == OURS else "x"
            axes.scatter(before, regrets, s=18, marker=marker, color=f"C{number}", label=_LABELS.get(rule, rule))
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=_LINEAR)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set(title=title, xlabel="wrong labels before", ylim=(-_LINEAR / 4, None))
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("regret, percentage points")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="lower center", ncols=len(RULES), frameon=False)
    figure.subplots_adjust(bottom=0.24)
    return figure


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
