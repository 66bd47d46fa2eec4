"""The charts of the page: SVG drawn by matplotlib that takes its colours and fonts from the page.

The charts are static, so that the page works without scripts, as in mail previews and on paper. A JavaScript charting
library would add 4.5 MB to every page only to show values on hover that are already next to the bars.

Charts are `WIDTH` pixels wide, between the width of a phone and that of a column, so that labels are about as large as
the text.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from jobs.console.summary import Estimate, Share

WIDTH = 420
_ROW = 38
_SCALE = 22
_STEPS = (1, 2, 2.5, 5, 10)
_TREND = (310, 170)
_MARGIN = 8
_POINT = 56
_TYPE = 13
_SMALL = 11.5
_LONGEST_LABEL = 38

# Placeholder colours that `_svg` replaces by variables; the style sheet defines them for light and dark mode.
_ROLES = {
    "ink": "#010101",
    "muted": "#020202",
    "track": "#030303",
    "before": "#040404",
    "left": "#050505",
    "category": "#060606",
    "other": "#070707",
}
_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@dataclass(frozen=True)
class Bar:
    """A row of `bars`: label, length and the text of the value."""

    label: str
    length: float
    words: str


@dataclass(frozen=True)
class Span:
    """A row of `dumbbells`: label and the estimates before and after cleaning."""

    label: str
    before: Estimate
    left: Estimate


@dataclass(frozen=True)
class Range:
    """A row of `intervals`: label and an estimate, drawn with its interval if it has one."""

    label: str
    estimate: Estimate


def bars(rows: Sequence[Bar], role: str, largest: float) -> str:
    """Draw horizontal bars, each with a label above it.

    Args:
        rows: the bars from top to bottom.
        role: role of the colour: category, other, left or before.
        largest: length of a full row, so that several charts can share a scale.
    """
    with _canvas(WIDTH, _height(len(rows))) as canvas:
        axes = _rows(canvas, len(rows), largest)
        places = range(len(rows))
        axes.barh(places, [largest] * len(rows), height=0.16, color=_ROLES["track"])
        axes.barh(places, [row.length for row in rows], height=0.16, color=_ROLES[role])
        for place, row in enumerate(rows):
            _label(axes, place, row.label, row.words)
        return _svg(canvas)


def dumbbells(rows: Sequence[Span]) -> str:
    """Draw two points per row, before and after, and a line between them, on a scale of shares."""
    largest = max((max(row.before.value, row.left.value) for row in rows), default=0.0) or 1.0
    with _canvas(WIDTH, _height(len(rows)) + _SCALE) as canvas:
        axes = _rows(canvas, len(rows), largest, _SCALE)
        places = range(len(rows))
        before, left = [row.before.value for row in rows], [row.left.value for row in rows]
        axes.hlines(places, 0, largest, color=_ROLES["track"], linewidth=2)
        axes.hlines(places, left, before, color=_ROLES["before"], linewidth=3, alpha=0.4)
        axes.scatter(before, places, s=_POINT, color=_ROLES["before"], zorder=3, clip_on=False)
        axes.scatter(left, places, s=_POINT, color=_ROLES["left"], zorder=4, clip_on=False)
        for place, row in enumerate(rows):
            _label(axes, place, row.label, f"{Share(row.before.value)} → {Share(row.left.value)}")
        return _svg(canvas)


def intervals(rows: Sequence[Range], reference: float) -> str:
    """Draw a point with its interval per row, and a vertical line at `reference`, on a scale of shares."""
    spans = [_span(row.estimate) for row in rows]
    largest = 1.02 * max((upper for _, upper in spans), default=0.0) or 1.0
    with _canvas(WIDTH, _height(len(rows)) + _SCALE) as canvas:
        axes = _rows(canvas, len(rows), largest, _SCALE)
        places = range(len(rows))
        lower, upper = [low for low, _ in spans], [high for _, high in spans]
        axes.hlines(places, 0, largest, color=_ROLES["track"], linewidth=2)
        ends = [place - 0.16 for place in places], [place + 0.16 for place in places]
        axes.vlines([reference] * len(rows), *ends, color=_ROLES["ink"])
        axes.hlines(places, lower, upper, color=_ROLES["before"], linewidth=7, alpha=0.35, capstyle="round")
        axes.scatter([row.estimate.value for row in rows], places, s=_POINT, color=_ROLES["before"], zorder=3)
        for place, row in enumerate(rows):
            _label(axes, place, row.label, str(Share(row.estimate.value)))
        return _svg(canvas)


def trend(values: Sequence[float], first: str, last: str, role: str) -> str:
    """Draw a line of shares over the publications, with the value of the last one as text.

    Args:
        values: two or more shares, 0 to 1.
        first, last: labels of the first and the last publication.
        role: role of the colour.
    """
    steps, colour = list(range(len(values))), _ROLES[role]
    top = max(values) * 1.2 or 1.0
    with _canvas(*_TREND) as canvas:
        axes = canvas.add_axes((0.12, 0.17, 0.66, 0.78))
        axes.set(xlim=(0, steps[-1]), ylim=(0, top))
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(_ROLES["track"])
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=_STEPS))
        axes.yaxis.set_major_formatter(_percents(top))
        axes.grid(axis="y", color=_ROLES["track"], linewidth=1)
        axes.tick_params(length=0, pad=9)
        axes.set_xticks([0, steps[-1]], [first, last])
        axes.plot(steps, values, color=colour, linewidth=2.2, clip_on=False)
        axes.scatter(steps, values, s=20, color=colour, zorder=3, clip_on=False)
        axes.scatter(steps[-1:], values[-1:], s=_POINT, color=colour, zorder=3, clip_on=False)
        axes.annotate(
            str(Share(values[-1])),
            (steps[-1], values[-1]),
            xytext=(12, 0),
            textcoords="offset points",
            va="center",
            fontsize=17,
            fontweight="bold",
            annotation_clip=False,
        )
        return _svg(canvas)


def _span(estimate: Estimate) -> tuple[float, float]:
    interval = estimate.interval
    return (estimate.value, estimate.value) if interval is None else (interval.lower, interval.upper)


@contextmanager
def _canvas(width: float, height: float) -> Iterator[Figure]:
    with rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "catalog-cleaner",
            "text.parse_math": False,
            "text.color": _ROLES["ink"],
            "xtick.color": _ROLES["muted"],
            "ytick.color": _ROLES["muted"],
            "font.size": _SMALL,
        }
    ):
        yield Figure(figsize=(width / 72, height / 72), dpi=72)


def _height(rows: int) -> float:
    return rows * _ROW + 4


def _rows(canvas: Figure, count: int, largest: float, foot: float = 0) -> Axes:
    """Axes with `count` rows from top to bottom. If the height `foot` is above 0, they have a scale of shares below."""
    height = canvas.get_figheight() * 72
    axes = canvas.add_axes((_MARGIN / WIDTH, foot / height, 1 - 2 * _MARGIN / WIDTH, 1 - foot / height))
    axes.set(xlim=(0, largest), ylim=(count - 0.72, -0.72))
    axes.spines[:].set_visible(False)
    axes.set_yticks([])
    if foot:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
        axes.xaxis.set_major_formatter(_percents(largest))
        axes.tick_params(axis="x", length=0, pad=3)
    else:
        axes.set_xticks([])
    return axes


def _percents(largest: float) -> PercentFormatter:
    return PercentFormatter(1.0, decimals=0 if largest > 0.04 else 1)


def _label(axes: Axes, place: int, label: str, words: str) -> None:
    """Write the label on the left and the value on the right, above the bar."""
    short = label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
    across = axes.get_yaxis_transform()
    axes.text(0, place - 0.28, short, transform=across, fontsize=_TYPE)
    axes.text(1, place - 0.28, words, transform=across, fontsize=_TYPE, ha="right", fontweight="bold")


def _svg(canvas: Figure) -> str:
    """Convert the drawing to an SVG element with the colours and fonts of the page."""
    raw = io.StringIO()
    with warnings.catch_warnings():
        # The browser's fonts have the glyphs that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        canvas.savefig(raw, format="svg", transparent=True, metadata=_METADATA)
    drawing = raw.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawing, flags=re.DOTALL)
    # HTML needs no namespaces, and ids of groups would occur in several charts.
    drawing = re.sub(r' (?:xmlns(?::xlink)?="[^"]*"|version="[^"]*"|id="[\w.]+_\d+")', "", drawing)
    drawing = re.sub(r"font-family: [^;\"]*;? ?", "", drawing)
    drawing = re.sub(r' (?:width|height)="[\d.]+pt"', "", drawing, count=2)
    for role, placeholder in _ROLES.items():
        drawing = drawing.replace(placeholder, f"var(--{role})")
    return drawing.replace("<svg", '<svg aria-hidden="true"', 1)
