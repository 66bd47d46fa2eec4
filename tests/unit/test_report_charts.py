from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from jobs.console.summary import Estimate
from jobs.reporting import charts
from jobs.reporting.charts import Bar, Range, Span

HOSTILE = "<b>$x$ & --> 靴</b>"
LOW, HIGH = Estimate(0.031, 0.02, 0.04), Estimate(0.228, 0.2, 0.25)

DRAWINGS: dict[str, Callable[[], str]] = {
    "bars": lambda: charts.bars([Bar(HOSTILE, 3, "three"), Bar("b", 1, "one")], "other", 3),
    "dumbbells": lambda: charts.dumbbells([Span(HOSTILE, HIGH, LOW)]),
    "intervals": lambda: charts.intervals([Range(HOSTILE, HIGH)], 0.1),
    "trend": lambda: charts.trend([0.228, 0.031], "1 March", "2 March", "left"),
}


def texts(drawing: str) -> list[str]:
    root = ElementTree.fromstring(drawing.replace("xlink:", ""))  # noqa: S314 - our own drawing
    return [element.text or "" for element in root.iter("text")]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_chart_uses_the_pages_styles_and_loads_nothing(name: str) -> None:
    drawing = DRAWINGS[name]()
    assert "http" not in drawing
    assert "<style" not in drawing
    assert "font-family" not in drawing
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawing)) <= {"#ffffff"}
    assert "var(--ink)" in drawing
    assert 'aria-hidden="true"' in drawing


@pytest.mark.parametrize("name", ["bars", "dumbbells", "intervals"])
def test_labels_are_escaped(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawing = DRAWINGS[name]()
    assert "<b>" not in drawing
    assert HOSTILE in texts(drawing)


def test_the_length_of_bars_is_proportional_to_the_values() -> None:
    drawing = charts.bars([Bar("a", 4, "4"), Bar("b", 1, "1")], "other", 4)
    ends = [float(x) for x in re.findall(r"L ([\d.]+) [\d.]+ \n?L \1", drawing)]
    filled = re.findall(r'd="M ([\d.]+) [\d.]+ \nL ([\d.]+) [^"]*"[^>]*fill: var\(--other\)', drawing)
    lengths = [float(end) - float(start) for start, end in filled]
    assert ends
    assert lengths == pytest.approx([404, 101])


def test_before_and_after_are_written_beside_the_points() -> None:
    assert "22.8% → 3.1%" in texts(DRAWINGS["dumbbells"]())


def test_a_trend_names_its_ends_and_writes_its_last_value() -> None:
    assert {"1 March", "2 March", "3.1%"} <= set(texts(DRAWINGS["trend"]()))


def test_a_long_label_is_cut() -> None:
    (label, _) = texts(charts.bars([Bar("x" * 60, 1, "1")], "left", 1))
    assert label == "x" * 37 + "…"


def test_a_chart_of_only_zeros_can_be_drawn() -> None:
    nothing = Estimate(0.0, 0.0, 0.0)
    assert "0.0% → 0.0%" in texts(charts.dumbbells([Span("a", nothing, nothing)]))
    assert "0.0%" in texts(charts.intervals([Range("a", nothing)], 0.0))
    assert "0.0%" in texts(charts.trend([0.0, 0.0], "a", "b", "left"))
